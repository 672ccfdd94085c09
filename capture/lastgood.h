/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The last good state: a copy of the cluster's tree, without logs, from when the API was well.
 * A timer has it refreshed; a report that finds no API takes it in.
 *
 * In last-good/ of the state directory: the copy, an archive as a report's, and state.json (see
 * lastgood-state.h). The copy is replaced by rename, and only when the cluster has changed. */

#include <stdbool.h>

#include "lib/settings.h"

struct collector_context;
struct fault;

/* Most of a copy before compression, and most files: of 3,000 pods it has 40 MiB in 1,000
 * files. */
#define LASTGOOD_RAW_MAX_BYTES (128u * 1024u * 1024u)
#define LASTGOOD_FILES_MAX     20000u
/* The whole of a refresh. With 3,000 pods it takes a second. */
#define LASTGOOD_WALL_USEC     (60 * UINT64_C(1000000))
/* Where it is in a report. */
#define LASTGOOD_TREE	       "sos_commands/microshift-last-good/"

struct lastgood_options {
	const char *state_dir;
	const char *root;	/* "" or, in tests, a directory that stands for "/" */
	const char *kubeconfig; /* the one to use; NULL = MicroShift's */
	const struct settings *settings;
};

/* Refreshes the copy if the API is ready, something changed and there is room; removes it with
 * LastGood=no. Loud. Returns 0, also when there was nothing to do, or negative errno. */
int lastgood_refresh(const struct lastgood_options *options);

/* True when there is a copy for the report. */
bool lastgood_exists(const struct collector_context *ctx);

/* Adds the copy to the report, marked with its age. What is damaged or not safe in it is left
 * out, with a note. Returns how many files were added, or the error of the bundle. */
int lastgood_add(struct collector_context *ctx);
