/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What `clean` and `verify` are given: a file, a directory, or a report of the spool. */

#include "lib/cleanup.h"

struct options;
struct tree;

struct subject {
	int fd;		  /* owned: of a report of the spool; -EBADF otherwise */
	char *path;	  /* owned: of the file or directory, real; of a report its name */
	const char *name; /* the last component of path */
};

/* Opens ARGUMENT: what exists is a path, anything else the ID of a report. Loud; returns an
 * enum proto_exit. *RET is the caller's (subject_done()) in any case. */
int subject_open(const struct options *o, const char *argument, struct subject *ret);
void subject_done(struct subject *s);
#define _cleanup_subject_ _cleanup_(subject_done)

/* Starts reading it, for which it may be asked again. Loud, as above. */
int subject_read(const struct subject *s, struct tree **ret);
