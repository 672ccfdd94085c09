/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A file system that takes every request and answers none, as a dead file server: whoever looks
 * into it sleeps uninterruptibly (state D) and not even SIGKILL ends that. FUSE, spoken by
 * hand: see fuse(4) and linux/fuse.h. */

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

struct deadfs {
	pid_t server; /* 0 when there is none */
};

/* Takes requests for ever; only the first one, which sets the connection up, is answered. */
static inline void
deadfs_serve(int fd)
{
	/* What the kernel asks for at least is FUSE_MIN_READ_BUFFER, 8 KiB. */
	static union {
		struct fuse_in_header header;
		char bytes[64 * 1024];
	} request;
	struct {
		struct fuse_out_header header;
		struct fuse_init_out init;
	} answer = {
		.init = { .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION },
	};

	while (read(fd, &request, sizeof(request)) > 0) {
		if (request.header.opcode != FUSE_INIT)
			continue;
		answer.header.len = sizeof(answer);
		answer.header.unique = request.header.unique;
		if (write(fd, &answer, sizeof(answer)) < 0)
			break;
	}
	_exit(0);
}

/* Mounts it at DIR, in a mount namespace of this process alone. Returns 0 or negative errno. */
static inline int
deadfs_mount(struct deadfs *fs, const char *dir)
{
	char options[128];
	int fd;

	*fs = (struct deadfs){ 0 };
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	(void)snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%u,group_id=%u",
	    fd, getuid(), getgid());
	if (mount("deadfs", dir, "fuse.deadfs", MS_NOSUID | MS_NODEV, options) < 0) {
		int r = -errno;

		(void)close(fd);
		return r;
	}
	fs->server = fork();
	if (fs->server == 0)
		deadfs_serve(fd);
	/* The server's is the last one: with its end everybody is let go. */
	(void)close(fd);
	return fs->server < 0 ? -errno : 0;
}

static inline void
deadfs_done(struct deadfs *fs)
{
	if (fs->server <= 0)
		return;
	(void)kill(fs->server, SIGKILL);
	(void)waitpid(fs->server, NULL, 0);
	fs->server = 0;
}
