/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The state of the cluster out of a report, alone: what readers of must-gather trees (omc, omg)
 * take.
 *
 * The archive has the shape that they accept: one top directory whose name is that of no other
 * report, an entry for each directory before what is in it, nothing but directories and regular
 * files, times as in the report, gzip or xz. */

#include <stdbool.h>

#include "lib/report.h"

struct fault;

/* "must-gather-last-good-ID" and its NUL. */
#define MUSTGATHER_NAME_BYTES (REPORT_ID_BYTES + sizeof("must-gather-last-good-"))

/* Which of the trees that a report can have. */
enum mustgather_tree {
	MUSTGATHER_REPORT,    /* of when the report was taken */
	MUSTGATHER_LAST_GOOD, /* of before, in a report that found no API */
};

enum mustgather_compression {
	MUSTGATHER_GZIP,
	MUSTGATHER_XZ,
};

struct mustgather_options {
	const char *id; /* of the report */
	enum mustgather_tree tree;
	enum mustgather_compression compression;
};

/* Writes "must-gather-ID", or "must-gather-last-good-ID", into BUF; returns BUF. */
const char *mustgather_name(
    const char *id, enum mustgather_tree tree, char buf[MUSTGATHER_NAME_BYTES]);

/* The part of PATH, a member of a report, that is its name in the tree; NULL when it is none of
 * the tree's. The second one is of the last good state. */
const char *mustgather_map(const char *path);
const char *mustgather_map_last_good(const char *path);

/* The compression that the name of a file asks for; one without a suffix that we know gets
 * gzip. Returns 0 or -EOPNOTSUPP for a suffix of what readers do not take (.zst, .tar, .zip).
 */
int mustgather_compression(const char *name, enum mustgather_compression *ret);

/* Writes to OUT_FD an archive with the tree of the report that FD reads. *RET_HAS_LAST_GOOD
 * says whether the report has the last good state too. Returns 0; -ENOENT when the report has
 * no such tree; -EBADMSG when it is damaged; -EINTR as extract_archive(); other negative errno.
 * What was written is of no use then. */
int mustgather_write(int fd, const struct mustgather_options *options, int out_fd,
    bool *ret_has_last_good, struct fault *reterr);
