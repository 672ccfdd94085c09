/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which reports must go. A pure function: what there is and what the limits are come in, what
 * to remove and why comes out. spool.c does the removing.
 *
 * Never removed: the newest report, and the last report of each problem (key). Reports on
 * request have a budget of their own, so that a flood of them evicts no crash, nor a crash loop
 * them.
 *
 * Order: reports on request over their own budget, then what is too old, then automatic reports
 * over MaxReports, and for space the oldest of what may go. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/report.h"

enum vacuum_reason {
	VACUUM_KEEP, /* stays */
	VACUUM_AGE,
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
	bool manual;
	enum vacuum_reason verdict; /* filled in */
};

struct vacuum_limits {
	uint64_t max_reports;
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
 * when what must be kept is too much. */
bool vacuum_plan(struct vacuum_entry *entries, size_t n_entries,
    const struct vacuum_limits *limits, const struct vacuum_incoming *incoming,
    uint64_t free_bytes, uint64_t now_usec);

/* For people and the tombstone: "older than MaxAge=", … */
const char *vacuum_reason_to_string(enum vacuum_reason r);
