/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <time.h>

#include "daemon/vacuum.h"
#include "lib/clock.h"
#include "lib/text.h"

#define NOW   (UINT64_C(1795444072) * USEC_PER_SEC)
#define MIB   (UINT64_C(1) << 20)
#define N_MAX 12

static const struct vacuum_limits roomy = {
	.max_reports = 100,
	.max_use_bytes = 1000 * MIB,
	.keep_free_bytes = 10 * MIB,
	.max_age_usec = 30 * USEC_PER_DAY,
	.max_manual_reports = 100,
	.manual_use_bytes = 500 * MIB,
};

/* "a" an automatic report of key a, "M" one on request; oldest first, a MiB and an hour apart.
 * What is evicted comes out as '-', by age as 'o', the rest as it was. */
static void
check(const char *name, const char *reports, const char *want, struct vacuum_limits limits,
    struct vacuum_incoming incoming, uint64_t free_bytes, bool within)
{
	static const char *const keys[] = { "a", "b", "c", "d", "e", "f" };
	struct vacuum_entry e[N_MAX] = { 0 };
	char got[N_MAX + 1] = "";
	size_t n = strlen(reports);
	bool r;

	for (size_t i = 0; i < n; i++) {
		e[i].manual = reports[i] == 'M';
		e[i].key = e[i].manual ? "" : keys[reports[i] - 'a'];
		e[i].size_bytes = MIB;
		e[i].created_usec = NOW - (n - i) * USEC_PER_HOUR;
	}
	r = vacuum_plan(e, n, &limits, &incoming, free_bytes, NOW);
	for (size_t i = 0; i < n; i++)
		got[i] = e[i].verdict == VACUUM_KEEP ? reports[i]
		    : e[i].verdict == VACUUM_AGE     ? 'o'
						     : '-';
	ok_str(got, want, "%s", name);
	ok(r == within, "%s: limits hold %d", name, within);
}

static void
test_rules(void)
{
	struct vacuum_incoming none = { 0 };
	struct vacuum_incoming some = { .size_bytes = 3 * MIB };
	struct vacuum_limits l = roomy;

	check("nothing to do", "aabM", "aabM", l, none, 100 * MIB, true);
	check("no reports", "", "", l, none, 100 * MIB, true);

	l.max_reports = 2;
	check("the oldest go", "aaaa", "--aa", l, none, 100 * MIB, true);
	check("the last of a key stays", "baaa", "b--a", l, none, 100 * MIB, true);
	check("even above the limit", "cbaa", "cb-a", l, none, 100 * MIB, false);
	check("requests do not count", "aaMM", "aaMM", l, none, 100 * MIB, true);

	l = roomy;
	l.max_manual_reports = 1;
	check("requests have their own budget", "MaMaM", "-a-aM", l, none, 100 * MIB, true);
	l = roomy;
	l.manual_use_bytes = 2 * MIB;
	check("in bytes too", "MMMa", "-MMa", l, none, 100 * MIB, true);

	l = roomy;
	l.max_use_bytes = 3 * MIB;
	check("space: the oldest of all", "Maaa", "-aaa", l, none, 100 * MIB, true);
	check("space for what comes in", "aaa", "--a", l, some, 100 * MIB, false);
	l.max_use_bytes = 5 * MIB;
	check("that fits after eviction", "aaa", "-aa", l, some, 100 * MIB, true);

	l = roomy;
	check("KeepFree=: eviction frees", "aaa", "-aa", l, none, 9 * MIB, true);
	check("KeepFree= that cannot be kept", "aba", "-ba", l, none, 0, false);

	l = roomy;
	l.max_age_usec = 90 * USEC_PER_MINUTE;
	check("age", "aaMMa", "ooooa", l, none, 100 * MIB, true);
}

/* Whatever comes in: what must never go stays, and `within` tells the truth. */
static void
test_property(unsigned seed)
{
	static const char *const keys[] = { "", "a", "b", "c" };
	bool kept = true;
	bool truth = true;

	srand(seed);
	for (unsigned round = 0; round < 20000; round++) {
		struct vacuum_entry e[N_MAX];
		size_t n = (size_t)rand() % (N_MAX + 1);
		struct vacuum_limits l = {
			.max_reports = 1 + (uint64_t)rand() % 8,
			.max_use_bytes = (uint64_t)rand() % 40,
			.keep_free_bytes = (uint64_t)rand() % 40,
			.max_age_usec = (uint64_t)rand() % 20,
			.max_manual_reports = 1 + (uint64_t)rand() % 4,
			.manual_use_bytes = (uint64_t)rand() % 20,
		};
		struct vacuum_incoming in = { (uint64_t)rand() % 10, rand() % 2 };
		uint64_t free_bytes = (uint64_t)rand() % 60;
		uint64_t use = in.size_bytes;
		uint64_t freed = 0;
		bool within;

		for (size_t i = 0; i < n; i++) {
			const char *key = keys[rand() % 4];

			e[i] = (struct vacuum_entry){
				.key = key,
				.manual = key[0] == '\0',
				.size_bytes = 1 + (uint64_t)rand() % 9,
				.created_usec = 100 + i,
			};
		}
		within = vacuum_plan(e, n, &l, &in, free_bytes, 112);
		for (size_t i = 0; i < n; i++) {
			bool last = true;

			for (size_t j = i + 1; j < n; j++)
				if (!e[i].manual && streq(e[i].key, e[j].key))
					last = false;
			if (e[i].verdict == VACUUM_KEEP)
				use += e[i].size_bytes;
			else
				freed += e[i].size_bytes;
			if (e[i].verdict != VACUUM_KEEP &&
			    (i == n - 1 || (!e[i].manual && last)))
				kept = false;
		}
		if (within &&
		    (use > l.max_use_bytes ||
			free_bytes + freed < l.keep_free_bytes + in.size_bytes))
			truth = false;
	}
	ok(kept, "the newest and the last of each key always stay (seed %u)", seed);
	ok(truth, "when the limits are said to hold, they do (seed %u)", seed);
}

int
main(void)
{
	test_rules();
	test_property((unsigned)time(NULL));
	return tap_done();
}
