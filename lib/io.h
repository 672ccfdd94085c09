/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Files: whole reads with a limit, writes that become visible only when complete and durable.
 */

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sigaction;

/* Writing to a connection that was closed is an error to handle, not a reason to die. The
 * caller gives the signal back: sigaction(SIGPIPE, ret_old, NULL). */
void io_ignore_sigpipe(struct sigaction *ret_old);

/* Writes all of DATA to FD, whatever short writes and EINTR do. Returns 0 or negative errno. */
int io_write_all(int fd, const void *data, size_t size);

/* Reads the file PATH (relative to DIR_FD) whole, at most MAX_BYTES. Works for /proc, where
 * st_size is 0. Never blocks on a FIFO and refuses what is not a regular file. Returns 0;
 * -EFBIG when there is more than MAX_BYTES; -EINVAL when it is not a regular file; other
 * negative errno. The caller frees *ret_data, which has a NUL behind its *ret_size (may be
 * NULL) bytes. */
int io_read_file(
    int dir_fd, const char *path, size_t max_bytes, char **ret_data, size_t *ret_size);

/* Replaces the file NAME in DIR_FD by DATA so that a reader or a crash sees the old or the new
 * content, never a part: temporary name, fsync, rename, fsync of the directory. NAME has no
 * slash, since it is DIR_FD that is synced. */
int io_write_file_atomic(
    int dir_fd, const char *name, const void *data, size_t size, mode_t mode);

/* Appends DATA to the file NAME in DIR_FD with one write(2) and fsyncs it. On a full disk the
 * file stays as it was, so that what is appended next does not follow a half line. */
int io_append_file(int dir_fd, const char *name, const void *data, size_t size, mode_t mode);

/* Creates the directory PATH and its parents (MODE for those it makes). Returns 0 also when it
 * exists; -ENOTDIR when something else has the name. */
int io_mkdir_p(int dir_fd, const char *path, mode_t mode);

/* Opens the directory PATH (O_DIRECTORY|O_CLOEXEC), after creating it with MODE when it is
 * missing. */
int io_open_dir(int dir_fd, const char *path, mode_t mode, int *ret_fd);

/* Opens the directory NAME in DIR_FD ("." for itself) for reading its entries. A symbolic link
 * is not followed. The caller owns *ret (closedir()). */
int io_opendir(int dir_fd, const char *name, DIR **ret);

/* Removes NAME in DIR_FD with all that is in it; symbolic links are removed, never followed.
 * Returns 0 also when there is nothing. */
int io_remove_tree(int dir_fd, const char *name);

/* fsync() of a directory, so that a rename or unlink in it survives a power cut. */
int io_sync_dir(int dir_fd);

/* True for the name of a temporary file that io_write_file_atomic() left behind in a crash. */
bool io_is_temporary_name(const char *name);
