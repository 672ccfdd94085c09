/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which reports must go. A pure function: what there is and what the limits are come in, what
 * to remove and why comes out. spool.c does the removing.
 *
 * Never removed: the newest report, pinned ones, those that somebody reads, and the last report
 * of each problem (key). Only when space cannot be had otherwise, the last reports of problems
 * that were not seen for MaxAge go too. Reports on request have a budget of their own, so that
 * a flood of them evicts no crash, nor a crash loop them.
 *
 * Of one problem MaxPerKey stay: the latest, the first, the worst, then the newest.
 *
 * Order: what is too old, reports on request over their own budget, problems with too many
 * reports, automatic reports over MaxReports. For space go first reports on request that were
 * fetched, then the oldest report of the problem that takes the most, then the oldest of what
 * may go. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/report.h"

enum vacuum_reason {
	VACUUM_KEEP, /* stays */
	VACUUM_AGE,
	VACUUM_PER_KEY,
	VACUUM_COUNT,
	VACUUM_SPACE,
	VACUUM_MANUAL_COUNT,
	VACUUM_MANUAL_SPACE,
	_VACUUM_REASON_COUNT,
};

struct vacuum_entry {
	const char *key;       /* borrowed; "" for a report on request */
	uint64_t created_usec; /* realtime */
	uint64_t size_bytes;
	unsigned rank; /* the worst of a problem has the highest; of equals the newest counts */
	bool manual;
	bool pinned;
	bool in_use;		    /* removing what a reader has open frees nothing */
	bool fetched;		    /* somebody has it */
	enum vacuum_reason verdict; /* filled in */
};

struct vacuum_limits {
	uint64_t max_reports;
	uint64_t max_per_key;
	uint64_t max_use_bytes;
	uint64_t keep_free_bytes;
	uint64_t max_age_usec;
	uint64_t max_manual_reports;
	uint64_t manual_use_bytes;
};

/* What is about to be captured: space for it is made before. The numbers of reports are not:
 * should the capture fail, an old report would have gone for nothing. Zero for none. */
struct vacuum_incoming {
	uint64_t size_bytes;
	bool manual;
};

/* Fills in the verdicts of ENTRIES, which are in order of age, oldest first. FREE_BYTES is what
 * the file system has now. Returns true when all limits hold afterwards (with INCOMING), false
 * when what must be kept is too much; also when out of memory, then nothing is to go. */
bool vacuum_plan(struct vacuum_entry *entries, size_t n_entries,
    const struct vacuum_limits *limits, const struct vacuum_incoming *incoming,
    uint64_t free_bytes, uint64_t now_usec);

/* For people and the tombstone: "older than MaxAge=", … */
const char *vacuum_reason_to_string(enum vacuum_reason r);
