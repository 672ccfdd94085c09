/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What checks found, until it is certain. One look at a machine proves little: MicroShift
 * restarts, a disk is full for a moment. A problem is confirmed when several checks in a row
 * found it, is told once, and is over when a check does not find it any more. Pure: no I/O, no
 * clock.
 *
 *   found ──► SUSPECTED ──► … ──► CONFIRMED ──► STANDING ──► … ──► OVER ──► forgotten
 *               │ not found          (told)       found         not found
 *               ▼
 *            forgotten */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/report.h"

/* Checks that are further apart are not "in a row": the machine slept, or the timer was off.
 * They come every minute, give or take the accuracy of the timer. */
#define CONFIRM_GAP_USEC (5 * UINT64_C(60000000))

enum suspicion_state {
	SUSPICION_SUSPECTED, /* found, not yet often enough */
	SUSPICION_CONFIRMED, /* by the last check: now is the time to act */
	SUSPICION_STANDING,  /* was confirmed, and is still found */
	SUSPICION_OVER,	     /* was confirmed, and the last check did not find it */
};

struct suspicion {
	struct finding finding; /* as it was found last */
	char key[REPORT_KEY_BYTES];
	enum suspicion_state state;
	uint64_t checks;     /* that found it, in a row; not counted on once it is confirmed */
	uint64_t since_usec; /* realtime of the first one */
};

/* What MicroShift's unit says of how much its silence means. */
enum unit_age {
	UNIT_AGE_UNKNOWN, /* not told yet: nothing about liveness begins or ends */
	UNIT_AGE_YOUNG,	  /* not up, or not for long: it need not answer */
	UNIT_AGE_SETTLED,
};

struct confirm {
	struct suspicion items[FINDINGS_MAX];
	size_t n_items;
	uint64_t checked_usec; /* realtime of the last check; 0 none yet */
	uint64_t checked_boottime_usec;
};

/* Of one check. */
struct confirm_context {
	uint64_t realtime_usec;
	uint64_t boottime_usec;
	enum unit_age unit_age;
	uint64_t confirmations; /* checks in a row that confirm; at least 1 */
};

/* Takes what a check found, worst first; N_FINDINGS of at most FINDINGS_MAX. Returns true when
 * something is now CONFIRMED or OVER. */
bool confirm_feed(struct confirm *c, const struct finding *findings, size_t n_findings,
    const struct confirm_context *context);

/* What is CONFIRMED of TRIGGER could not be acted on: its row begins anew. */
void confirm_retry(struct confirm *c, enum trigger trigger);

/* For state.json: what is confirmed, which must not be told again after a restart; the caller
 * owns it, NULL when out of memory. And back: it is STANDING then. What is damaged is left out.
 * Suspicions begin anew. */
cJSON *confirm_to_json(const struct confirm *c);
void confirm_from_json(struct confirm *c, const cJSON *array);
