/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include "daemon/crashloop.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/text.h"

#define UNIT  "microshift.service"
#define BOOT  "0123456789abcdef0123456789abcdef"
#define START USEC_PER_HOUR

/* Ends in a sequence, and how long after the one before each comes. */
#define STEPS 8u
static const uint64_t gaps[] = {
	0,
	CRASHLOOP_WINDOW_USEC / 2,
	CRASHLOOP_WINDOW_USEC / 2 + 1,
	CRASHLOOP_WINDOW_USEC,
	CRASHLOOP_WINDOW_USEC + 1,
};

static enum crashloop_verdict
feed(struct crashloop *c, const char *key, uint64_t usec, const struct crashloop_unit **ret)
{
	return crashloop_feed(c, UNIT, key, usec, ret);
}

/* By the definition: the end and the CRASHLOOP_ENDS - 1 before it are within the window; how
 * many of those there were in a row. */
static bool
check_sequence(unsigned sequence)
{
	uint64_t ends[STEPS] = { START };
	uint64_t count = 0, flash = 0;
	struct crashloop c = { 0 };

	for (unsigned i = 0; i < STEPS; i++, sequence /= ELEMENTSOF(gaps)) {
		enum crashloop_verdict want = CRASHLOOP_NONE;
		const struct crashloop_unit *u;

		if (i > 0)
			ends[i] = ends[i - 1] + gaps[sequence % ELEMENTSOF(gaps)];
		if (i + 1 < CRASHLOOP_ENDS ||
		    ends[i] - ends[i + 1 - CRASHLOOP_ENDS] > CRASHLOOP_WINDOW_USEC) {
			count = 0;
		} else {
			want = CRASHLOOP_GOES;
			count = count == 0 ? CRASHLOOP_ENDS : count + 1;
			if (count == CRASHLOOP_ENDS)
				flash = ends[i];
		}
		if (want == CRASHLOOP_GOES && ends[i] - flash >= CRASHLOOP_FLASH_USEC) {
			want = CRASHLOOP_FLASH;
			flash = ends[i];
		}
		if (feed(&c, "k", ends[i], &u) != want || u->count != count)
			return false;
	}
	return true;
}

static void
test_all_sequences(void)
{
	unsigned n = 1, wrong = 0;

	for (unsigned i = 0; i < STEPS; i++)
		n *= (unsigned)ELEMENTSOF(gaps);
	for (unsigned sequence = 0; sequence < n; sequence++)
		wrong += !check_sequence(sequence);
	ok_int(wrong, 0, "%u sequences of %u ends give what is defined", n, STEPS);
}

/* Every choice of three keys for the ends that begin a loop. */
static void
test_dominant(void)
{
	static const char *const keys[] = { "a", "b", "c" };
	const struct crashloop_unit *u;

	for (unsigned i = 0; i < 27; i++) {
		const char *first = keys[i % 3], *second = keys[i / 3 % 3],
			   *third = keys[i / 9];
		struct crashloop c = { 0 };

		(void)feed(&c, first, START, &u);
		(void)feed(&c, second, START, &u);
		(void)feed(&c, third, START, &u);
		ok_str(u->dominant, streq(second, third) ? second : first,
		    "of %s, %s and %s the most frequent, else the first", first, second, third);
		for (unsigned k = 0; k < 5; k++)
			(void)feed(&c, "d", START, &u);
		ok(!streq(u->dominant, "d"), "the loop keeps its name");
	}
}

static void
test_flash(void)
{
	struct crashloop c = { 0 };
	const struct crashloop_unit *u;
	unsigned flashes = 0;

	for (uint64_t t = 0; t <= USEC_PER_DAY; t += USEC_PER_MINUTE)
		flashes += feed(&c, "k", START + t, &u) == CRASHLOOP_FLASH;
	ok_int(flashes, 23, "a day of a loop, which begins with the third end");
	ok_int(u->count, 24 * 60 + 1, "all ends are counted");
	ok(feed(&c, "k", START + 2 * USEC_PER_DAY, &u) == CRASHLOOP_NONE && u->count == 0,
	    "a single end after it");
}

static void
test_units(void)
{
	struct crashloop c = { 0 };
	const struct crashloop_unit *u;
	char unit[UNIT_NAME_BYTES];

	for (unsigned i = 0; i < 2; i++) {
		ok(crashloop_feed(&c, "a.service", "k", START, &u) == CRASHLOOP_NONE &&
			crashloop_feed(&c, "b.service", "k", START, &u) == CRASHLOOP_NONE,
		    "ends of two units");
	}
	ok(crashloop_feed(&c, "a.service", "k", START + 1, &u) == CRASHLOOP_GOES &&
		streq(u->unit, "a.service"),
	    "are told apart");
	for (unsigned i = 0; i < WATCHED_UNITS_MAX - 1; i++) {
		(void)snprintf(unit, sizeof(unit), "%u.service", i);
		(void)crashloop_feed(&c, unit, "k", START + 2, &u);
	}
	ok_int(c.n_units, WATCHED_UNITS_MAX, "no more units than are watched");
	ok(crashloop_feed(&c, "a.service", "k", START + 3, &u) == CRASHLOOP_GOES,
	    "a loop is kept");
	ok(crashloop_feed(&c, "b.service", "k", START + 3, &u) == CRASHLOOP_NONE,
	    "the unit that is quiet for the longest time is forgotten");
}

static void
test_json(void)
{
	struct crashloop c = { 0 }, back = { 0 }, other = { 0 };
	_cleanup_json_ cJSON *json = NULL;
	const struct crashloop_unit *u;
	cJSON *units, *copy;

	(void)feed(&c, "a", START, &u);
	(void)feed(&c, "b", START + 1, &u);
	(void)feed(&c, "b", START + 2, &u);
	(void)feed(&c, "c", START + 3, &u);
	(void)crashloop_feed(&c, "crio.service", "k", START, &u);
	json = crashloop_to_json(&c, BOOT);
	units = cJSON_GetObjectItemCaseSensitive(json, "units");
	assert(cJSON_AddItemToArray(units, cJSON_CreateNumber(7)));
	assert(
	    cJSON_AddItemToArray(units, cJSON_Duplicate(cJSON_GetArrayItem(units, 0), true)));
	copy = cJSON_Duplicate(cJSON_GetArrayItem(units, 0), true);
	assert(cJSON_ReplaceItemInObject(copy, "unit", cJSON_CreateString("x.service")));
	assert(cJSON_ReplaceItemInObject(copy, "flash_usec", cJSON_CreateNumber(1e15)));
	assert(cJSON_AddItemToArray(units, copy));

	crashloop_from_json(&back, json, BOOT);
	ok_int(back.n_units, 2, "it reads back once, without what is damaged");
	u = &back.units[0];
	ok(streq(u->unit, UNIT) && u->count == 4 && u->flash_usec == START + 2 &&
		streq(u->dominant, "b"),
	    "the loop as it was");
	ok(u->n_ends == CRASHLOOP_ENDS && u->ends[2].boottime_usec == START + 3 &&
		streq(u->ends[2].key, "c"),
	    "and its ends");
	ok(feed(&back, "c", START + CRASHLOOP_FLASH_USEC, &u) == CRASHLOOP_NONE,
	    "an hour later nothing is left of the loop");
	crashloop_from_json(&other, json, "fedcba9876543210fedcba9876543210");
	ok_int(other.n_units, 0, "another boot is another clock");
	crashloop_from_json(&other, NULL, BOOT);
	ok_int(other.n_units, 0, "an older state.json has none");
}

int
main(void)
{
	test_all_sequences();
	test_dominant();
	test_flash();
	test_units();
	test_json();
	return tap_done();
}
