/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is known of the watched units: of each the last snapshot. Pure. */

#include <stddef.h>
#include <stdint.h>

#include "daemon/confirm.h"
#include "daemon/runtrack.h"
#include "lib/settings.h"

struct unit_state {
	char unit[UNIT_NAME_BYTES];
	struct unit_snapshot snapshot;
};

struct unit_states {
	struct unit_state items[WATCHED_UNITS_MAX];
	size_t n_items;
};

/* Takes the SNAPSHOT of UNIT; of more units than WATCHED_UNITS_MAX the first are kept. */
void unit_states_set(
    struct unit_states *states, const char *unit, const struct unit_snapshot *snapshot);

/* The snapshot of UNIT, or NULL. Borrowed. */
const struct unit_snapshot *unit_states_find(
    const struct unit_states *states, const char *unit);

/* The invocation of UNIT that runs now, or "". Borrowed. */
const char *unit_states_invocation(const struct unit_states *states, const char *unit);

/* How much the silence of UNIT means, which is settled SETTLE_USEC after it became active. */
enum unit_age unit_states_age(const struct unit_states *states, const char *unit,
    uint64_t settle_usec, uint64_t now_monotonic_usec);
