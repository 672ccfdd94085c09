/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include "daemon/unitstates.h"
#include "lib/text.h"

#define UNIT   "microshift.service"
#define SETTLE 100u

static struct unit_snapshot
snapshot_of(const char *active_state)
{
	struct unit_snapshot s = { .invocation_id = "abc",
		.active_enter_monotonic_usec = 1000 };

	text_copy(s.active_state, sizeof(s.active_state), active_state);
	return s;
}

static void
test_states(void)
{
	static const struct {
		const char *active_state;
		const char *invocation;
		enum unit_age age;
	} rows[] = {
		{ "inactive", "", UNIT_AGE_YOUNG },
		{ "failed", "", UNIT_AGE_YOUNG },
		{ "activating", "abc", UNIT_AGE_YOUNG },
		{ "deactivating", "abc", UNIT_AGE_YOUNG },
		{ "active", "abc", UNIT_AGE_SETTLED },
	};
	struct unit_states states = { 0 };

	ok_str(unit_states_invocation(&states, UNIT), "", "nothing is known: no run");
	ok(unit_states_age(&states, UNIT, SETTLE, 1100) == UNIT_AGE_UNKNOWN, "and no age");
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		struct unit_snapshot s = snapshot_of(rows[i].active_state);

		unit_states_set(&states, UNIT, &s);
		ok_str(unit_states_invocation(&states, UNIT), rows[i].invocation, "%s: its run",
		    rows[i].active_state);
		ok(unit_states_age(&states, UNIT, SETTLE, 1100) == rows[i].age, "%s: its age",
		    rows[i].active_state);
	}
	ok_int(states.n_items, 1, "it is one unit");
	ok(unit_states_age(&states, UNIT, SETTLE, 1099) == UNIT_AGE_YOUNG &&
		unit_states_age(&states, UNIT, SETTLE, 999) == UNIT_AGE_YOUNG,
	    "not long enough, or a clock from before");
}

static void
test_many(void)
{
	struct unit_snapshot s = snapshot_of("active");
	struct unit_states states = { 0 };
	char unit[UNIT_NAME_BYTES];

	for (unsigned i = 0; i <= WATCHED_UNITS_MAX; i++) {
		(void)snprintf(unit, sizeof(unit), "%u.service", i);
		unit_states_set(&states, unit, &s);
	}
	ok_int(states.n_items, WATCHED_UNITS_MAX, "no more units than are watched");
	ok(unit_states_find(&states, "0.service") && !unit_states_find(&states, unit),
	    "the first are kept");
	unit_states_set(&states, "0.service", &(struct unit_snapshot){ 0 });
	ok_str(unit_states_find(&states, "0.service")->active_state, "", "and can change");
}

int
main(void)
{
	test_states();
	test_many();
	return tap_done();
}
