/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The state of the cluster out of a report, alone: what readers of must-gather trees (omc, omg)
 * take.
 *
 * The archive has the shape that they accept: one top directory whose name is that of no other
 * report, an entry for each directory before what is in it, nothing but directories and regular
 * files, times as in the report, gzip or xz. */

#include "lib/report.h"

struct fault;

/* "must-gather-ID" and its NUL. */
#define MUSTGATHER_NAME_BYTES (REPORT_ID_BYTES + sizeof("must-gather-"))

enum mustgather_compression {
	MUSTGATHER_GZIP,
	MUSTGATHER_XZ,
};

/* Writes "must-gather-ID" into BUF; returns BUF. */
const char *mustgather_name(const char *id, char buf[MUSTGATHER_NAME_BYTES]);

/* The part of PATH, a member of a report, that is its name in the tree; NULL when it is none of
 * the tree's. */
const char *mustgather_map(const char *path);

/* The compression that the name of a file asks for; one without a suffix that we know gets
 * gzip. Returns 0 or -EOPNOTSUPP for a suffix of what readers do not take (.zst, .tar, .zip).
 */
int mustgather_compression(const char *name, enum mustgather_compression *ret);

/* Writes to OUT_FD an archive with the tree of the report ID that FD reads. Returns 0; -ENOENT
 * when the report has no such tree; -EBADMSG when it is damaged; -EINTR as extract_archive();
 * other negative errno. What was written is of no use then. */
int mustgather_write(
    int fd, const char *id, int out_fd, enum mustgather_compression c, struct fault *reterr);
