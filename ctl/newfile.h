/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A file that appears under its name only when it is complete. */

#include <stdbool.h>

struct newfile {
	int dir_fd; /* owned */
	int fd;	    /* owned: the file, open for reading and writing, mode 0600 */
	char *path; /* owned: as people are told */
	const char *name;
	char *temporary; /* owned; NULL once it has its name */
};

/* Starts the file OUTPUT; with NULL the file NAME here, in a directory with that name there.
 * FORCE: one that exists is replaced. Loud; returns an enum proto_exit. *RET is the caller's
 * (newfile_done()) in any case. */
int newfile_open(const char *output, const char *name, bool force, struct newfile *ret);

/* Makes it durable and gives it its name. Loud, as above. */
int newfile_commit(struct newfile *f, bool force);

/* Without newfile_commit() nothing is left behind. */
void newfile_done(struct newfile *f);
#define _cleanup_newfile_ _cleanup_(newfile_done)
