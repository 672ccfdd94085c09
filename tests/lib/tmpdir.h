/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A private directory for one test, removed at the end. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/io.h"

struct tmpdir {
	char path[64];
	int fd;
};

static inline struct tmpdir
tmpdir_make(void)
{
	struct tmpdir t = { .path = "/var/tmp/microshift-support-test.XXXXXX", .fd = -EBADF };

	if (!mkdtemp(t.path)) {
		perror("mkdtemp");
		abort();
	}
	t.fd = open(t.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return t;
}

static inline void
tmpdir_remove(struct tmpdir *t)
{
	t->fd = close_fd(t->fd);
	(void)io_remove_tree(AT_FDCWD, t->path);
}

/* Writes TEXT to the file PATH below T; its directory must exist. */
static inline void
tmpdir_put(const struct tmpdir *t, const char *path, const char *text)
{
	_cleanup_close_ int fd =
	    openat(t->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || io_write_all(fd, text, strlen(text)) < 0) {
		perror(path);
		abort();
	}
}

#define _cleanup_tmpdir_ _cleanup_(tmpdir_remove)
