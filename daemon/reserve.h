/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The reserve: a file whose blocks were allocated while there was room, for the lines that must
 * be written when there is none. They are written in place, so that no new block is needed
 * (btrfs and others that copy on write need one nevertheless). */

#include <stddef.h>

/* Some 150 lines. On the smallest spool that makes sense, a MiB, it is not missed. */
#define RESERVE_MAX_BYTES (64u * 1024u)

/* Creates and allocates the file in the directory STATE_DIR_FD, unless it is there. Returns 0
 * or negative errno. */
int reserve_prepare(int state_dir_fd);

/* Writes LINE of SIZE bytes, which ends with a newline and has no NUL. Durable when it returns.
 * Returns 0; -ENOSPC when the reserve is full too; -ENOENT when it was never allocated; other
 * negative errno. */
int reserve_append(int state_dir_fd, const char *line, size_t size);

/* Reads the lines. Returns 0, with *RET_SIZE 0 when there are none; negative errno. The caller
 * owns *ret_lines. */
int reserve_read(int state_dir_fd, char **ret_lines, size_t *ret_size);

/* Forgets the lines; they are somewhere else now. Returns 0 or negative errno. */
int reserve_clear(int state_dir_fd);
