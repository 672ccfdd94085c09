/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One capture: the collectors in order, each within its limits, into one archive.
 *
 * Nothing that a collector does or suffers ends the capture. It ends early when the time of its
 * profile is over, when it is asked to stop, or when the archive itself cannot be written; in
 * the first two cases the report is closed as a partial one. */

#include "lib/report.h"
#include "lib/settings.h"

struct bundle;
struct clean_rules;
struct collector_list;
struct fault;
struct manifest;
struct progress;
struct redact_own;

/* The collector under which the report's own files are recorded. */
#define CAPTURE_OWN_COLLECTOR "report"

struct capture_options {
	const struct request *request;
	const struct settings *settings;
	const struct collector_list *collectors;
	struct progress *progress; /* may be NULL */
	const char *cmdline;
	const char
	    *missing;	  /* a sentence on a collector that was asked for and does not exist */
	const char *root; /* "" or, in tests, a directory that stands for "/" */
	const char *kubeconfig; /* the one to use; NULL = MicroShift's */
	const char *state_dir;	/* of the daemon, where the last good state is; NULL = none */
	const struct clean_rules *clean; /* NULL = names and addresses stay */
	const struct redact_own *own;	 /* of redact.d(5); may be NULL */
	enum compression compression;
	int dir_fd;	     /* where the archive and its spill files are written */
	const char *archive; /* file name in dir_fd; while it grows, with ".part" */
};

/* What of the profile's time the collectors have; the rest is for ending them and closing the
 * archive. */
uint64_t capture_collecting_usec(enum profile profile);

/* Takes the report, names the finished archive and fills *ret. Returns 0 also for a partial
 * report; a negative errno when there is no readable archive under its name (what was written
 * is then in the ".part" file). Loud. */
int capture_run(
    const struct capture_options *options, struct capture_meta *ret, struct fault *reterr);

/* Below: shared with salvage.c, which ends a report in the same way. */

/* "NAME.part". Returns BUF. */
const char *capture_part_name(const char *archive, char *buf, size_t size);

/* What a manifest says about the program and the request. */
int capture_init_manifest(const struct request *request, enum compression compression,
    const char *cmdline, struct manifest *ret);

/* Adds version.txt. */
int capture_add_version(struct bundle *b);

/* Adds summary.txt and, last of all, manifest.json. Fills the totals of M before. */
int capture_add_end(struct bundle *b, struct manifest *m, const struct request *request);

/* Renames PART to ARCHIVE, both in DIR_FD, makes that durable, and describes it in *ret. */
int capture_commit(int dir_fd, const char *part, const char *archive, const struct manifest *m,
    struct capture_meta *ret, struct fault *reterr);

/* Writes meta.json into DIR_FD: the capture is finished. */
int capture_write_meta(int dir_fd, const struct capture_meta *meta, struct fault *reterr);
