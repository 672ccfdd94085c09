/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <time.h>

#include "daemon/vacuum.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/text.h"

#define NOW    (UINT64_C(1795444072) * USEC_PER_SEC)
#define MIB    (UINT64_C(1) << 20)
#define N_MAX  12
#define N_KEYS 100u

static const struct vacuum_limits roomy = {
	.max_reports = 100,
	.max_per_key = 100,
	.max_use_bytes = 1000 * MIB,
	.keep_free_bytes = 10 * MIB,
	.max_age_usec = 30 * USEC_PER_DAY,
	.max_manual_reports = 100,
	.manual_use_bytes = 500 * MIB,
};

/* "a" an automatic report of key a, "M" one on request; oldest first, a MiB and an hour apart.
 * Before it stand "!" for pinned, "*" in use, "^" worse than others, "~" fetched, "#" a GiB
 * more. Returns how many there are. */
static size_t
parse(const char *reports, struct vacuum_entry *e)
{
	static const char *const keys[] = { "a", "b", "c", "d", "e", "f" };
	size_t n = 0;

	for (; *reports; reports++) {
		switch (*reports) {
		case '!':
			e[n].pinned = true;
			continue;
		case '*':
			e[n].in_use = true;
			continue;
		case '^':
			e[n].rank++;
			continue;
		case '~':
			e[n].fetched = true;
			continue;
		case '#':
			e[n].size_bytes = 1024 * MIB;
			continue;
		default:
			break;
		}
		e[n].manual = *reports == 'M';
		e[n].key = e[n].manual ? "" : keys[*reports - 'a'];
		e[n].size_bytes += MIB;
		n++;
	}
	for (size_t i = 0; i < n; i++)
		e[i].created_usec = NOW - (n - i) * USEC_PER_HOUR;
	return n;
}

/* What is evicted comes out as '-', by age as 'o', for its problem as 'p', the rest as its
 * letter. */
static void
check(const char *name, const char *reports, const char *want, struct vacuum_limits limits,
    struct vacuum_incoming incoming, uint64_t free_bytes, bool within)
{
	struct vacuum_entry e[N_MAX] = { 0 };
	char got[N_MAX + 1] = "";
	size_t n = parse(reports, e);
	bool r;

	r = vacuum_plan(e, n, &limits, &incoming, free_bytes, NOW);
	for (size_t i = 0; i < n; i++)
		got[i] = e[i].verdict == VACUUM_KEEP ? (e[i].manual ? 'M' : e[i].key[0])
		    : e[i].verdict == VACUUM_AGE     ? 'o'
		    : e[i].verdict == VACUUM_PER_KEY ? 'p'
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
	check("space: the problem with the most", "Maaa", "M-aa", l, none, 100 * MIB, true);
	check("space for what comes in", "aaa", "--a", l, some, 100 * MIB, false);
	l.max_use_bytes = 5 * MIB;
	check("that fits after eviction", "aaa", "-aa", l, some, 100 * MIB, true);

	l = roomy;
	check("KeepFree=: eviction frees", "aaa", "-aa", l, none, 9 * MIB, true);
	check("KeepFree= that cannot be kept", "aba", "-ba", l, none, 0, false);

	l = roomy;
	l.max_age_usec = 90 * USEC_PER_MINUTE;
	check("age", "aaMMa", "ooooa", l, none, 100 * MIB, true);
	check("age spares what is pinned, read, or the last", "!a*aM!MbMaa", "aaoMbooa", l,
	    none, 100 * MIB, true);
}

/* Each of many problems keeps its last report, however few are wanted: a limit that removed
 * them would remove what nothing else shows. */
static void
test_many_keys(void)
{
	struct vacuum_entry e[2 * N_KEYS] = { 0 };
	struct vacuum_incoming none = { 0 };
	struct vacuum_limits l = roomy;
	char keys[N_KEYS][8];
	unsigned n_older = 0, n_last = 0;

	for (size_t i = 0; i < 2 * N_KEYS; i++) {
		(void)snprintf(keys[i % N_KEYS], sizeof(keys[0]), "k%zu", i % N_KEYS);
		e[i].key = keys[i % N_KEYS];
		e[i].size_bytes = MIB;
		e[i].created_usec = NOW - (2 * N_KEYS - i) * USEC_PER_MINUTE;
	}
	l.max_reports = 10;
	ok(!vacuum_plan(e, 2 * N_KEYS, &l, &none, 1000 * MIB, NOW), "10 are too few for all");
	for (size_t i = 0; i < N_KEYS; i++) {
		n_older += e[i].verdict == VACUUM_KEEP;
		n_last += e[N_KEYS + i].verdict == VACUUM_KEEP;
	}
	ok_int(n_older, 0, "the older report of each problem goes");
	ok_int(n_last, N_KEYS, "the last of each stays");
}

static void
test_per_key(void)
{
	struct vacuum_incoming none = { 0 };
	struct vacuum_limits l = roomy;

	l.max_per_key = 3;
	check("first, worst and latest of a problem", "aa^aaaa", "apappa", l, none, 100 * MIB,
	    true);
	check("without a worst one the newest", "aaaaa", "appaa", l, none, 100 * MIB, true);
	check("each problem by itself", "babababa", "bappbaba", l, none, 100 * MIB, true);
	check("requests are no problem", "MMMMM", "MMMMM", l, none, 100 * MIB, true);
	check("pinned ones stay besides", "a!a!aaaa", "aaappa", l, none, 100 * MIB, true);
	l.max_per_key = 2;
	check("two: first and latest", "a^aaa", "appa", l, none, 100 * MIB, true);
	l.max_per_key = 1;
	check("one: the latest", "a^aaa", "pppa", l, none, 100 * MIB, true);
	l.max_per_key = 5;
	check("five: and the newest", "aaaaaaa", "appaaaa", l, none, 100 * MIB, true);
}

static void
test_order(void)
{
	struct vacuum_incoming none = { 0 };
	struct vacuum_limits l = roomy;

	l.max_use_bytes = 5 * MIB;
	check("fetched requests go first", "abM~Maab", "-bM-aab", l, none, 100 * MIB, true);
	l.max_use_bytes = 6 * MIB;
	check("one is enough", "abM~Maab", "abM-aab", l, none, 100 * MIB, true);
	l.max_use_bytes = 4 * MIB;
	check("then the problem with the most", "bMaaab", "-M-aab", l, none, 100 * MIB, true);
	l.max_use_bytes = 1028 * MIB;
	check("by size, not number", "#baaab#b", "-aaa-b", l, none, 100 * MIB, true);
	l = roomy;
	l.max_use_bytes = 2000 * MIB;
	l.max_reports = 4;
	check("MaxReports=: by number", "#baaab", "b-aab", l, none, 100 * MIB, true);
	l = roomy;
	l.max_use_bytes = 2 * MIB;
	check("then requests", "MabM", "-abM", l, none, 100 * MIB, false);
	check("what is read is not removed", "*MMM", "M-M", l, none, 100 * MIB, true);
	check("nor what is pinned", "!M!MM", "MMM", l, none, 100 * MIB, false);
	l.max_age_usec = 150 * USEC_PER_MINUTE;
	check("a forgotten problem goes at last", "abcd", "--cd", l, none, 100 * MIB, true);
	l.max_use_bytes = 1 * MIB;
	check("but not one of late", "abcd", "--cd", l, none, 100 * MIB, false);
	l = roomy;
	l.max_reports = 2;
	l.max_age_usec = 90 * USEC_PER_MINUTE;
	check("nor for MaxReports=", "!abcd", "a--d", l, none, 100 * MIB, true);
}

/* One question to the policy, and what it may never get wrong. */
struct question {
	struct vacuum_entry e[N_MAX];
	size_t n;
	struct vacuum_limits limits;
	struct vacuum_incoming incoming;
	uint64_t free_bytes;
};

/* Entry I was created at 100 + I. */
#define QUESTION_NOW 112u

static bool
is_last_of_key(const struct question *q, size_t i)
{
	for (size_t j = i + 1; j < q->n; j++)
		if (streq(q->e[i].key, q->e[j].key))
			return false;
	return !q->e[i].manual;
}

static bool
is_old(const struct question *q, size_t i)
{
	return QUESTION_NOW - q->e[i].created_usec > q->limits.max_age_usec;
}

/* The header's "never removed". */
static bool
is_rightly_removed(const struct question *q, size_t i)
{
	const struct vacuum_entry *e = &q->e[i];

	if (i == q->n - 1 || e->pinned || e->in_use)
		return false;
	if (is_last_of_key(q, i))
		return e->verdict != VACUUM_AGE && e->verdict != VACUUM_PER_KEY && is_old(q, i);
	return true;
}

/* Could anything that stays still be removed for space? */
static bool
is_anything_left(const struct question *q)
{
	for (size_t i = 0; i + 1 < q->n; i++) {
		const struct vacuum_entry *e = &q->e[i];

		if (e->verdict == VACUUM_KEEP && !e->pinned && !e->in_use &&
		    (!is_last_of_key(q, i) || is_old(q, i)))
			return true;
	}
	return false;
}

static bool
has_space(const struct question *q, bool as_planned)
{
	uint64_t use = q->incoming.size_bytes;
	uint64_t freed = 0;

	for (size_t i = 0; i < q->n; i++) {
		if (as_planned && q->e[i].verdict != VACUUM_KEEP)
			freed += q->e[i].size_bytes;
		else
			use += q->e[i].size_bytes;
	}
	return use <= q->limits.max_use_bytes &&
	    q->free_bytes + freed >= q->limits.keep_free_bytes + q->incoming.size_bytes;
}

static bool
is_answered_right(struct question *q)
{
	bool has_enough = has_space(q, false);
	bool within =
	    vacuum_plan(q->e, q->n, &q->limits, &q->incoming, q->free_bytes, QUESTION_NOW);

	for (size_t i = 0; i < q->n; i++) {
		if (q->e[i].verdict != VACUUM_KEEP && !is_rightly_removed(q, i))
			return false;
		if (q->e[i].verdict == VACUUM_SPACE && has_enough)
			return false;
	}
	if (within && !has_space(q, true))
		return false;
	return has_space(q, true) || !is_anything_left(q);
}

/* All spools of up to four reports of these kinds, under all of these limits. */
static void
test_exhaustive(void)
{
	static const struct vacuum_entry kinds[] = {
		{ .key = "a", .size_bytes = 1 },
		{ .key = "a", .size_bytes = 3, .rank = 1 },
		{ .key = "a", .size_bytes = 1, .pinned = true },
		{ .key = "b", .size_bytes = 2 },
		{ .key = "b", .size_bytes = 1, .in_use = true },
		{ .key = "", .size_bytes = 2, .manual = true },
		{ .key = "", .size_bytes = 1, .manual = true, .fetched = true },
		{ .key = "", .size_bytes = 1, .manual = true, .pinned = true },
	};
	size_t n_kinds = ELEMENTSOF(kinds);
	unsigned questions = 0;
	unsigned wrong = 0;

	for (size_t n = 0, n_spools = 1; n <= 4; n++, n_spools *= n_kinds)
		for (size_t spool = 0; spool < n_spools; spool++)
			for (unsigned l = 0; l < 256; l++) {
				struct question q = {
					.n = n,
					.limits = {
						.max_reports = 1 + (l & 1) * 2,
						.max_per_key = 1 + (l >> 1 & 1) * 2,
						.max_manual_reports = 1 + (l >> 2 & 1) * 3,
						.max_use_bytes = 2 + (l >> 3 & 1) * 4,
						.manual_use_bytes = 2 + (l >> 4 & 1) * 9,
						.keep_free_bytes = 2,
						.max_age_usec = 10 + (l >> 5 & 1) * 9,
					},
					.incoming = { l >> 6 & 1, false },
					.free_bytes = 1 + (l >> 7 & 1) * 9,
				};

				for (size_t i = 0, s = spool; i < n; i++, s /= n_kinds) {
					q.e[i] = kinds[s % n_kinds];
					q.e[i].created_usec = 100 + i;
				}
				questions++;
				wrong += !is_answered_right(&q);
			}
	ok(wrong == 0, "%u of %u questions are answered wrong", wrong, questions);
}

/* Larger spools, at random. */
static void
test_random(unsigned seed)
{
	static const char *const keys[] = { "", "a", "b", "c" };
	unsigned wrong = 0;

	srand(seed);
	for (unsigned round = 0; round < 20000; round++) {
		struct question q = {
			.n = (size_t)rand() % (N_MAX + 1),
			.limits = {
				.max_reports = 1 + (uint64_t)rand() % 8,
				.max_per_key = 1 + (uint64_t)rand() % 4,
				.max_use_bytes = (uint64_t)rand() % 40,
				.keep_free_bytes = (uint64_t)rand() % 40,
				.max_age_usec = (uint64_t)rand() % 20,
				.max_manual_reports = 1 + (uint64_t)rand() % 4,
				.manual_use_bytes = (uint64_t)rand() % 20,
			},
			.incoming = { (uint64_t)rand() % 10, rand() % 2 },
			.free_bytes = (uint64_t)rand() % 60,
		};

		for (size_t i = 0; i < q.n; i++) {
			const char *key = keys[rand() % 4];

			q.e[i] = (struct vacuum_entry){
				.key = key,
				.manual = key[0] == '\0',
				.size_bytes = 1 + (uint64_t)rand() % 9,
				.created_usec = 100 + i,
				.rank = (unsigned)rand() % 3,
				.pinned = rand() % 8 == 0,
				.in_use = rand() % 8 == 0,
				.fetched = rand() % 2,
			};
		}
		wrong += !is_answered_right(&q);
	}
	ok(wrong == 0, "%u questions at random are answered wrong (seed %u)", wrong, seed);
}

int
main(void)
{
	test_rules();
	test_many_keys();
	test_per_key();
	test_order();
	test_exhaustive();
	test_random((unsigned)time(NULL));
	return tap_done();
}
