/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Filtering what exists: a report of ours, of sos or must-gather, packed or as a directory.
 *
 * Every member goes through the filters of lib/redact and lib/clean, its name as well; members
 * that are compressed or archives themselves are unpacked, filtered and packed again, in each
 * other REWRITE_DEPTH_MAX deep. It fails closed: a member that cannot be filtered, because it
 * is no text, damaged or a bomb, is replaced by "NAME.left-out", a line that says why; on any
 * other error the output is of no use and must not become visible.
 *
 * The input is hostile: names that lead out of the top, links that do, devices and the like are
 * left out; owners are not taken over, their names would be identities. */

#include <stdbool.h>
#include <stdint.h>

#include "ctl/tree.h"
#include "lib/clean/clean.h"
#include "lib/redact/redact.h"

/* Archives in archives: a .gz in a .tar in a report is 2. */
#define REWRITE_DEPTH_MAX	 4u
/* Largest member, unpacked; a journal of MicroShift has some hundred MiB. */
#define REWRITE_MEMBER_MAX_BYTES (UINT64_C(2) << 30)

struct redact_own;

enum rewrite_finding {
	REWRITE_SECRET,
	REWRITE_IDENTITY,
	REWRITE_UNREADABLE, /* a member that nobody can filter */
};

/* The place is not within a member: its name, or all of it. */
#define REWRITE_NO_OFFSET UINT64_MAX

/* Told of what a filter found, by the name of its rule, OFFSET bytes from the start of the
 * member PLACE. */
typedef void (*rewrite_found_fn)(enum rewrite_finding finding, const char *place,
    uint64_t offset, const char *rule, void *userdata);

/* Told from time to time that DONE of TOTAL bytes of the input have been read; 0 of a
 * directory.
 */
typedef void (*rewrite_progress_fn)(uint64_t done, uint64_t total, void *userdata);

struct rewrite_options {
	const struct clean_rules *rules; /* NULL: secrets only */
	const struct redact_own *own;	 /* of redact.d(5); may be NULL */
	int spill_dir_fd;		 /* borrowed; for unlinked files */
	uint64_t max_member_bytes;	 /* 0 = REWRITE_MEMBER_MAX_BYTES */
	rewrite_found_fn found;		 /* may be NULL */
	rewrite_progress_fn progress;	 /* may be NULL */
	void *userdata;
};

struct rewrite_stats {
	uint64_t members;
	uint64_t bytes;	       /* before, unpacked */
	uint64_t not_filtered; /* members of which a note tells */
	uint64_t left_out;     /* entries that are no files, or not safe */
	uint64_t secrets[_REDACT_KIND_COUNT];
	uint64_t identities[_CLEAN_KIND_COUNT];
};

/* Writes TREE, filtered, to OUT_FD as a tar archive, compressed as TREE is, a directory not at
 * all. OUT_FD < 0: nothing is written, for those who want to know what is found. *ret_stats is
 * always set. Returns 0; -EBADMSG for a damaged archive; -EFBIG beyond the limits of extract.h;
 * -EINTR when a signal that is held came; other negative errno. */
int rewrite_run(struct tree *tree, int out_fd, const struct rewrite_options *options,
    struct rewrite_stats *ret_stats, struct fault *reterr);
