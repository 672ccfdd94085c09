/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "daemon/vacuum.h"
#include "lib/cleanup.h"
#include "lib/text.h"

struct plan {
	struct vacuum_entry *entries;
	size_t n_entries;
	const struct vacuum_limits *limits;
	uint64_t free_bytes;
	/* What stays, with what comes in. */
	uint64_t reports; /* automatic */
	uint64_t manual_reports;
	uint64_t use_bytes;
	uint64_t manual_bytes;
	uint64_t need_free_bytes; /* of what comes in */
};

const char *
vacuum_reason_to_string(enum vacuum_reason r)
{
	static const char *const names[_VACUUM_REASON_COUNT] = {
		[VACUUM_KEEP] = "kept",
		[VACUUM_AGE] = "older than MaxAge=",
		[VACUUM_COUNT] = "more than MaxReports=",
		[VACUUM_SPACE] = "disk space (MaxUse=, KeepFree=)",
		[VACUUM_MANUAL_COUNT] = "more than MaxManualReports=",
		[VACUUM_MANUAL_SPACE] = "disk space (ManualUse=)",
	};

	assert(r < _VACUUM_REASON_COUNT);
	return names[r];
}

/* The newest of all, and the newest of its key. */
static bool
is_protected(const struct plan *p, size_t i)
{
	if (i == p->n_entries - 1)
		return true;
	if (p->entries[i].key[0] == '\0')
		return false;
	for (size_t j = i + 1; j < p->n_entries; j++)
		if (streq(p->entries[j].key, p->entries[i].key))
			return false;
	return true;
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
	} else {
		p->reports--;
	}
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
	case _VACUUM_REASON_COUNT:
		break;
	}
	return false;
}

/* True if REASON may evict an entry of this kind. */
static bool
is_concerned(const struct vacuum_entry *e, enum vacuum_reason reason)
{
	if (reason == VACUUM_MANUAL_COUNT || reason == VACUUM_MANUAL_SPACE)
		return e->manual;
	if (reason == VACUUM_COUNT)
		return !e->manual;
	return true;
}

static void
evict_until_within(struct plan *p, enum vacuum_reason reason)
{
	for (size_t i = 0; i < p->n_entries && is_over(p, reason); i++)
		if (p->entries[i].verdict == VACUUM_KEEP &&
		    is_concerned(&p->entries[i], reason) && !is_protected(p, i))
			evict(p, i, reason);
}

static void
evict_old(struct plan *p, uint64_t now_usec)
{
	for (size_t i = 0; i < p->n_entries; i++) {
		uint64_t created = p->entries[i].created_usec;

		if (p->entries[i].verdict == VACUUM_KEEP && now_usec > created &&
		    now_usec - created > p->limits->max_age_usec && !is_protected(p, i))
			evict(p, i, VACUUM_AGE);
	}
}

bool
vacuum_plan(struct vacuum_entry *entries, size_t n_entries, const struct vacuum_limits *limits,
    const struct vacuum_incoming *incoming, uint64_t free_bytes, uint64_t now_usec)
{
	static const enum vacuum_reason order[] = {
		VACUUM_MANUAL_COUNT,
		VACUUM_MANUAL_SPACE,
		VACUUM_COUNT,
		VACUUM_SPACE,
	};
	struct plan p = {
		.entries = entries,
		.n_entries = n_entries,
		.limits = limits,
		.free_bytes = free_bytes,
		.use_bytes = incoming->size_bytes,
		.manual_bytes = incoming->manual ? incoming->size_bytes : 0,
		.need_free_bytes = incoming->size_bytes,
	};
	bool within = true;

	for (size_t i = 0; i < n_entries; i++) {
		entries[i].verdict = VACUUM_KEEP;
		p.use_bytes += entries[i].size_bytes;
		if (entries[i].manual) {
			p.manual_reports++;
			p.manual_bytes += entries[i].size_bytes;
		} else {
			p.reports++;
		}
	}
	evict_old(&p, now_usec);
	for (size_t i = 0; i < ELEMENTSOF(order); i++)
		evict_until_within(&p, order[i]);
	for (size_t i = 0; i < ELEMENTSOF(order); i++)
		within = within && !is_over(&p, order[i]);
	return within;
}
