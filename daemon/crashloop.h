/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tells a crash loop from single ends: CRASHLOOP_ENDS unrequested ends of one unit within
 * CRASHLOOP_WINDOW_USEC, whatever each was. A unit that fails in three ways in ten minutes has
 * one problem and not three. Pure: the clock comes in.
 *
 * The loop is over when an end comes that has fewer than that many in the window behind it. Its
 * name is the key that most of the first ends had, the earliest of those: what came later is
 * more likely a consequence. It stays while the loop lasts. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/report.h"
#include "lib/settings.h"

/* MicroShift's start may take 4 minutes until its time limit: three such ends are a loop. */
#define CRASHLOOP_ENDS	      3u
#define CRASHLOOP_WINDOW_USEC (10 * UINT64_C(60000000))
/* While a loop goes on, the facts of the moment are taken so often; a trend shows in them. */
#define CRASHLOOP_FLASH_USEC  (60 * UINT64_C(60000000))

enum crashloop_verdict {
	CRASHLOOP_NONE,	 /* a single end, so far */
	CRASHLOOP_GOES,	 /* one of a loop */
	CRASHLOOP_FLASH, /* one of a loop, and CRASHLOOP_FLASH_USEC passed since it began or
			    since the last CRASHLOOP_FLASH */
};

struct crashloop_end {
	uint64_t boottime_usec;
	char key[REPORT_KEY_BYTES]; /* as if it were single */
};

struct crashloop_unit {
	char unit[UNIT_NAME_BYTES];
	struct crashloop_end ends[CRASHLOOP_ENDS]; /* the last ones, oldest first */
	size_t n_ends;
	uint64_t count;	     /* ends of the loop; 0: there is none */
	uint64_t flash_usec; /* boottime of the last CRASHLOOP_FLASH, or of the begin */
	char dominant[REPORT_KEY_BYTES]; /* of the loop */
};

struct crashloop {
	struct crashloop_unit units[WATCHED_UNITS_MAX];
	size_t n_units;
};

/* Takes an unrequested end of UNIT. Of more units than WATCHED_UNITS_MAX that which ended last
 * the longest time ago is forgotten. *ret_unit is borrowed until the next call. */
enum crashloop_verdict crashloop_feed(struct crashloop *c, const char *unit, const char *key,
    uint64_t boottime_usec, const struct crashloop_unit **ret_unit);

/* For state.json: an object that the caller owns, NULL when out of memory; and back. A record
 * of another boot than BOOT_ID is left out, as is what is damaged. */
cJSON *crashloop_to_json(const struct crashloop *c, const char *boot_id);
void crashloop_from_json(struct crashloop *c, const cJSON *object, const char *boot_id);
