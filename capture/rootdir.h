/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Looking things up below a directory that stands for "/". In production that is "/" itself;
 * in tests a scratch tree, whose absolute symbolic links must not lead out into the machine. */

#include <stdbool.h>

/* Opens the root: ROOT is "" for "/". Returns the descriptor or negative errno. */
int rootdir_open(const char *root);

/* openat(2) with the absolute PATH taken relative to ROOT_FD; FLAGS get O_CLOEXEC added. All
 * symbolic links on the way, also absolute ones, are resolved inside the root. Returns the
 * descriptor or negative errno. */
int rootdir_openat(int root_fd, const char *path, int flags);

/* True if PATH exists there; symbolic links are followed. */
bool rootdir_exists(int root_fd, const char *path);

/* Writes the real path of FD, as seen from ROOT_FD, into BUF (of PATH_MAX bytes). Returns 0 or
 * negative errno; -EXDEV when it is not below the root. */
int rootdir_path_of(int root_fd, int fd, char *buf);
