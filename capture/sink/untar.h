/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Reads back an archive that tarball.c wrote, also one that breaks off. Names and sizes in it
 * are foreign: nothing here has checked them. */

#include <stdint.h>
#include <sys/types.h>

#include "lib/cleanup.h"

struct untar;

enum untar_type {
	UNTAR_FILE,
	UNTAR_DIRECTORY,
	UNTAR_SYMLINK,
	UNTAR_OTHER, /* devices, FIFOs, hard links: never ours */
};

/* Valid until the next call. */
struct untar_entry {
	enum untar_type type;
	const char *path;
	const char *link_target; /* of a symbolic link */
	uint64_t size_bytes;
	uint64_t mtime_usec; /* realtime, 0 unknown */
};

/* Opens NAME in DIR_FD, in any compression that we write; a symbolic link is not followed.
 * Returns 0, -EINVAL when it is no regular file, -EBADMSG when it is no such archive, other
 * negative errno. */
int untar_open(int dir_fd, const char *name, struct untar **ret);
void untar_free(struct untar *u);
DEFINE_CLEANUP(struct untar *, untar_free);

/* Goes to the next entry, past what is left of the data of this one. Returns 1; 0 at the end of
 * the archive; -EBADMSG where it breaks off or is damaged. */
int untar_next(struct untar *u, struct untar_entry *ret);

/* Reads data of the entry. Returns how much, 0 at its end, -EBADMSG. */
ssize_t untar_read(struct untar *u, void *buf, size_t size);
