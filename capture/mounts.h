/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is mounted where, from /proc/PID/mountinfo: it can be read even while a file server is
 * gone and every look at its files would hang. */

#include <stdbool.h>
#include <stddef.h>

/* Mounts that are looked at; a node with 500 pods has about 3,000. */
#define MOUNTS_MAX 20000u

struct mount {
	char *point;	/* owned; as this process sees it */
	char *type;	/* owned: "xfs", "nfs4" */
	char *source;	/* owned: "/dev/sda1", "server:/export" */
	char *options;	/* owned: "rw,relatime" of the mount, then those of the file system */
	bool is_remote; /* a network, FUSE or automount file system: looking at it can hang */
};

struct mounts {
	struct mount *items; /* owned, [n], in the order of the kernel */
	size_t n;
};

/* Our own mounts, and those of PID 1: a sandboxed service sees its own, mostly read-only. */
#define MOUNTS_SELF "/proc/self/mountinfo"
#define MOUNTS_INIT "/proc/1/mountinfo"

/* Reads the table PATH (one of the above) in ROOT_FD (rootdir.h). Returns 0 or negative errno.
 */
int mounts_load(int root_fd, const char *path, struct mounts *ret);

/* Parses the text of a mountinfo file; lines that are not understood are left out. */
int mounts_parse(const char *text, struct mounts *ret);

void mounts_done(struct mounts *m);

/* The mount that PATH is on, by name alone: nothing is touched. NULL when M is empty. */
const struct mount *mounts_find(const struct mounts *m, const char *path);

/* True if the file system of M can be written, whatever this mount of it allows. */
bool mount_is_writable(const struct mount *m);

/* True if PATH is on a remote file system, by name alone: nothing is touched. */
bool mounts_is_remote(const struct mounts *m, const char *path);
