/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/unitstates.h"
#include "lib/text.h"

const struct unit_snapshot *
unit_states_find(const struct unit_states *states, const char *unit)
{
	for (size_t i = 0; i < states->n_items; i++)
		if (streq(states->items[i].unit, unit))
			return &states->items[i].snapshot;
	return NULL;
}

void
unit_states_set(
    struct unit_states *states, const char *unit, const struct unit_snapshot *snapshot)
{
	size_t i = 0;

	while (i < states->n_items && !streq(states->items[i].unit, unit))
		i++;
	if (i == WATCHED_UNITS_MAX)
		return;
	if (i == states->n_items) {
		states->n_items++;
		text_copy(states->items[i].unit, sizeof(states->items[i].unit), unit);
	}
	states->items[i].snapshot = *snapshot;
}

const char *
unit_states_invocation(const struct unit_states *states, const char *unit)
{
	const struct unit_snapshot *s = unit_states_find(states, unit);

	if (!s || streq(s->active_state, "failed") || streq(s->active_state, "inactive"))
		return "";
	return s->invocation_id;
}

enum unit_age
unit_states_age(const struct unit_states *states, const char *unit, uint64_t settle_usec,
    uint64_t now_monotonic_usec)
{
	const struct unit_snapshot *s = unit_states_find(states, unit);

	if (!s)
		return UNIT_AGE_UNKNOWN;
	if (!streq(s->active_state, "active") ||
	    now_monotonic_usec < s->active_enter_monotonic_usec ||
	    now_monotonic_usec - s->active_enter_monotonic_usec < settle_usec)
		return UNIT_AGE_YOUNG;
	return UNIT_AGE_SETTLED;
}
