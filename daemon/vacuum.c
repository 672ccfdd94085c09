/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>

#include "daemon/vacuum.h"
#include "lib/cleanup.h"
#include "lib/text.h"

#define NONE SIZE_MAX

/* The reports of one problem that stay so far. */
struct group {
	size_t first; /* indices of entries, which have their age as order */
	size_t last;
	size_t worst;
	uint64_t reports;
	uint64_t bytes;
};

struct plan {
	struct vacuum_entry *entries;
	size_t n_entries;
	struct group *groups;
	size_t n_groups;
	size_t *group_of; /* of each entry; NONE for those on request */
	const struct vacuum_limits *limits;
	uint64_t now_usec;
	uint64_t free_bytes;
	/* What stays, with what comes in. */
	uint64_t reports; /* automatic */
	uint64_t manual_reports;
	uint64_t use_bytes;
	uint64_t manual_bytes;
	uint64_t need_free_bytes; /* of what comes in */
};

/* The entry that goes next for REASON, or NONE. */
typedef size_t (*pick_fn)(const struct plan *p, enum vacuum_reason reason);

const char *
vacuum_reason_to_string(enum vacuum_reason r)
{
	static const char *const names[_VACUUM_REASON_COUNT] = {
		[VACUUM_KEEP] = "kept",
		[VACUUM_AGE] = "older than MaxAge=",
		[VACUUM_PER_KEY] = "more than MaxPerKey= of the same problem",
		[VACUUM_COUNT] = "more than MaxReports=",
		[VACUUM_SPACE] = "disk space (MaxUse=, KeepFree=)",
		[VACUUM_MANUAL_COUNT] = "more than MaxManualReports=",
		[VACUUM_MANUAL_SPACE] = "disk space (ManualUse=)",
	};

	assert(r < _VACUUM_REASON_COUNT);
	return names[r];
}

static bool
is_old(const struct plan *p, size_t i)
{
	uint64_t created = p->entries[i].created_usec;

	return p->now_usec > created && p->now_usec - created > p->limits->max_age_usec;
}

/* Stays whatever happens, or has gone already. */
static bool
is_settled(const struct plan *p, size_t i)
{
	const struct vacuum_entry *e = &p->entries[i];

	return e->verdict != VACUUM_KEEP || i == p->n_entries - 1 || e->pinned || e->in_use;
}

static bool
is_last_of_key(const struct plan *p, size_t i)
{
	return p->group_of[i] != NONE && p->groups[p->group_of[i]].last == i;
}

static bool
may_go(const struct plan *p, size_t i)
{
	return !is_settled(p, i) && !is_last_of_key(p, i);
}

/* True if REASON may evict an entry of this kind. */
static bool
is_concerned(const struct vacuum_entry *e, enum vacuum_reason reason)
{
	if (reason == VACUUM_MANUAL_COUNT || reason == VACUUM_MANUAL_SPACE)
		return e->manual;
	if (reason == VACUUM_COUNT || reason == VACUUM_PER_KEY)
		return !e->manual;
	return true;
}

/* Puts an entry that stays into its group; called in order of age. */
static void
count_in_group(struct plan *p, size_t i)
{
	const struct vacuum_entry *e = &p->entries[i];
	struct group *g = &p->groups[p->group_of[i]];

	if (g->reports == 0)
		g->first = g->worst = i;
	else if (e->rank >= p->entries[g->worst].rank)
		g->worst = i;
	g->last = i;
	g->reports++;
	g->bytes += e->size_bytes;
}

static void
evict(struct plan *p, size_t i, enum vacuum_reason reason)
{
	struct vacuum_entry *e = &p->entries[i];

	e->verdict = reason;
	p->use_bytes -= e->size_bytes;
	p->free_bytes += e->size_bytes;
	if (e->manual) {
		p->manual_reports--;
		p->manual_bytes -= e->size_bytes;
		return;
	}
	p->reports--;
	if (p->group_of[i] == NONE)
		return;
	p->groups[p->group_of[i]].reports--;
	p->groups[p->group_of[i]].bytes -= e->size_bytes;
}

static bool
is_over(const struct plan *p, enum vacuum_reason reason)
{
	const struct vacuum_limits *l = p->limits;

	switch (reason) {
	case VACUUM_MANUAL_COUNT:
		return p->manual_reports > l->max_manual_reports;
	case VACUUM_MANUAL_SPACE:
		return p->manual_bytes > l->manual_use_bytes;
	case VACUUM_COUNT:
		return p->reports > l->max_reports;
	case VACUUM_SPACE:
		/* Compared so that neither side can wrap. */
		return p->use_bytes > l->max_use_bytes || p->free_bytes < p->need_free_bytes ||
		    p->free_bytes - p->need_free_bytes < l->keep_free_bytes;
	case VACUUM_KEEP:
	case VACUUM_AGE:
	case VACUUM_PER_KEY:
	case _VACUUM_REASON_COUNT:
		break;
	}
	return false;
}

static size_t
pick_fetched(const struct plan *p, enum vacuum_reason reason)
{
	(void)reason;
	for (size_t i = 0; i < p->n_entries; i++)
		if (p->entries[i].manual && p->entries[i].fetched && may_go(p, i))
			return i;
	return NONE;
}

/* The oldest report of the problem that has the most of what is short. */
static size_t
pick_of_largest(const struct plan *p, enum vacuum_reason reason)
{
	uint64_t most = 0;
	size_t found = NONE;

	for (size_t i = 0; i < p->n_entries; i++) {
		const struct group *g;
		uint64_t weight;

		if (p->group_of[i] == NONE || !may_go(p, i))
			continue;
		g = &p->groups[p->group_of[i]];
		weight = reason == VACUUM_COUNT ? g->reports : g->bytes;
		if (weight > most) {
			most = weight;
			found = i;
		}
	}
	return found;
}

static size_t
pick_oldest(const struct plan *p, enum vacuum_reason reason)
{
	for (size_t i = 0; i < p->n_entries; i++)
		if (is_concerned(&p->entries[i], reason) && may_go(p, i))
			return i;
	return NONE;
}

/* The last report of a problem, but one that nobody has seen for long. */
static size_t
pick_forgotten(const struct plan *p, enum vacuum_reason reason)
{
	for (size_t i = 0; i < p->n_entries; i++)
		if (is_concerned(&p->entries[i], reason) && !is_settled(p, i) && is_old(p, i))
			return i;
	return NONE;
}

static void
evict_until_within(struct plan *p, enum vacuum_reason reason, pick_fn pick)
{
	while (is_over(p, reason)) {
		size_t i = pick(p, reason);

		if (i == NONE)
			return;
		evict(p, i, reason);
	}
}

static void
evict_old(struct plan *p)
{
	for (size_t i = 0; i < p->n_entries; i++)
		if (is_old(p, i) && may_go(p, i))
			evict(p, i, VACUUM_AGE);
}

/* From the oldest on: the latest ones stay besides those with a place of their own. */
static void
evict_per_key(struct plan *p)
{
	uint64_t max = p->limits->max_per_key;

	for (size_t i = 0; i < p->n_entries; i++) {
		const struct group *g;

		if (p->group_of[i] == NONE || !may_go(p, i))
			continue;
		g = &p->groups[p->group_of[i]];
		if (g->reports <= max || (i == g->first && max > 1) ||
		    (i == g->worst && max > 2))
			continue;
		evict(p, i, VACUUM_PER_KEY);
	}
}

struct keyed {
	const char *key;
	size_t index;
};

static int
compare_keyed(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	int r = strcmp(x->key, y->key);

	return r != 0 ? r : x->index < y->index ? -1 : x->index > y->index;
}

/* Sorted, so that thousands of problems cost no more than their number. */
static bool
make_groups(struct plan *p)
{
	_cleanup_free_ struct keyed *keyed = calloc(p->n_entries + 1, sizeof(*keyed));
	size_t n = 0;

	if (!keyed)
		return false;
	for (size_t i = 0; i < p->n_entries; i++) {
		p->group_of[i] = NONE;
		if (p->entries[i].key[0] != '\0')
			keyed[n++] = (struct keyed){ p->entries[i].key, i };
	}
	if (n > 1)
		qsort(keyed, n, sizeof(*keyed), compare_keyed);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || !streq(keyed[i].key, keyed[i - 1].key))
			p->n_groups++;
		p->group_of[keyed[i].index] = p->n_groups - 1;
	}
	return true;
}

static void
count_groups(struct plan *p)
{
	memset(p->groups, 0, p->n_groups * sizeof(*p->groups));
	for (size_t i = 0; i < p->n_entries; i++)
		if (p->group_of[i] != NONE && p->entries[i].verdict == VACUUM_KEEP)
			count_in_group(p, i);
}

static void
count_all(struct plan *p)
{
	count_groups(p);
	for (size_t i = 0; i < p->n_entries; i++) {
		const struct vacuum_entry *e = &p->entries[i];

		p->use_bytes += e->size_bytes;
		if (e->manual) {
			p->manual_reports++;
			p->manual_bytes += e->size_bytes;
		} else {
			p->reports++;
		}
	}
}

bool
vacuum_plan(struct vacuum_entry *entries, size_t n_entries, const struct vacuum_limits *limits,
    const struct vacuum_incoming *incoming, uint64_t free_bytes, uint64_t now_usec)
{
	static const struct {
		enum vacuum_reason reason;
		pick_fn pick;
	} steps[] = {
		{ VACUUM_MANUAL_COUNT, pick_fetched },
		{ VACUUM_MANUAL_COUNT, pick_oldest },
		{ VACUUM_MANUAL_SPACE, pick_fetched },
		{ VACUUM_MANUAL_SPACE, pick_oldest },
		{ VACUUM_COUNT, pick_of_largest },
		{ VACUUM_COUNT, pick_forgotten },
		{ VACUUM_SPACE, pick_fetched },
		{ VACUUM_SPACE, pick_of_largest },
		{ VACUUM_SPACE, pick_oldest },
		{ VACUUM_SPACE, pick_forgotten },
	};
	_cleanup_free_ struct group *groups = calloc(n_entries + 1, sizeof(*groups));
	_cleanup_free_ size_t *group_of = calloc(n_entries + 1, sizeof(*group_of));
	struct plan p = {
		.entries = entries,
		.n_entries = n_entries,
		.groups = groups,
		.group_of = group_of,
		.limits = limits,
		.now_usec = now_usec,
		.free_bytes = free_bytes,
		.use_bytes = incoming->size_bytes,
		.manual_bytes = incoming->manual ? incoming->size_bytes : 0,
		.need_free_bytes = incoming->size_bytes,
	};
	bool within = true;

	for (size_t i = 0; i < n_entries; i++)
		entries[i].verdict = VACUUM_KEEP;
	if (!groups || !group_of || !make_groups(&p))
		return false;
	count_all(&p);
	evict_old(&p);
	/* Another report may be the first or the worst of its problem now. */
	count_groups(&p);
	evict_per_key(&p);
	for (size_t i = 0; i < ELEMENTSOF(steps); i++)
		evict_until_within(&p, steps[i].reason, steps[i].pick);
	for (size_t i = 0; i < ELEMENTSOF(steps); i++)
		within = within && !is_over(&p, steps[i].reason);
	return within;
}
