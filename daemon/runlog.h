/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The runs that ended lately. Watcher, OnFailure= hook and inbox tell of the same end, in any
 * order and more than once; whoever is first is recorded here, and the others are recognised.
 *
 * An end is identified by (boot ID, unit, invocation ID). Without an invocation ID (a start
 * that was refused before one was made) nothing can be recognised, and each notice counts. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cleanup.h"
#include "lib/report.h"

struct failure_notice;

/* Runs that are remembered. At the start limit of five runs in ten seconds this is a minute,
 * far longer than a hook takes. */
#define RUNLOG_MAX 32u

struct runlog;

struct run {
	char boot_id[ID128_BYTES];
	char unit[UNIT_NAME_BYTES];
	char invocation_id[ID128_BYTES];
	uint64_t ended_boottime_usec; /* CLOCK_BOOTTIME when we learned of it */
	bool planned;		      /* somebody had asked for the stop */
	bool hooked;		      /* a hook's notice was matched to it */
};

int runlog_new(struct runlog **ret);
void runlog_free(struct runlog *l);
DEFINE_CLEANUP(struct runlog *, runlog_free);

/* Records that the run of EVENT ended. Returns true when it is new, false when it is known. */
bool runlog_add(
    struct runlog *l, const struct unit_event *event, bool planned, uint64_t boottime_usec);

/* Finds the run that a hook's notice is about, and marks it. The MONITOR_* variables may
 * already be those of the next run: CURRENT_INVOCATION_ID (may be "") is the run in progress,
 * which cannot have failed. Such a notice belongs to the newest ended run of the unit without a
 * hook. Returns true when a run was found, so that nothing is left to do. */
bool runlog_match_notice(
    struct runlog *l, const struct failure_notice *notice, const char *current_invocation_id);

/* For state.json, as limiter_to_json(). */
cJSON *runlog_to_json(const struct runlog *l);
void runlog_from_json(struct runlog *l, const cJSON *array);
