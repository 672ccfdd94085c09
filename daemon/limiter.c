/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bucket.h"
#include "daemon/limiter.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/text.h"

#define PAUSE_FACTOR 6u
/* Upper bound of MaxPerDay= in the settings table. */
#define RECENT_MAX   1000u

struct limiter {
	struct key_record keys[LIMITER_KEYS_MAX];
	size_t n_keys;
	struct limiter_limits limits;
	struct bucket hour;
	uint64_t recent[RECENT_MAX]; /* times of the last captures, a ring */
	size_t recent_next;
};

int
limiter_new(struct limiter **ret)
{
	static const struct limiter_limits defaults = {
		.cool_down_usec = 10 * USEC_PER_MINUTE,
		.max_per_hour = 6,
		.burst = 3,
		.max_per_day = 24,
	};
	struct limiter *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->limits = defaults;
	*ret = l;
	return 0;
}

void
limiter_free(struct limiter *l)
{
	free(l);
}

void
limiter_configure(struct limiter *l, const struct limiter_limits *limits)
{
	l->limits = *limits;
	if (l->limits.max_per_day > RECENT_MAX)
		l->limits.max_per_day = RECENT_MAX;
}

const char *
verdict_to_string(enum verdict v)
{
	static const char *const texts[_VERDICT_COUNT] = {
		[VERDICT_CAPTURE] = "captured",
		[VERDICT_COOLING] = "the same was captured recently (CoolDownSec=)",
		[VERDICT_HOUR_FULL] = "too many captures of late (MaxPerHour=, Burst=)",
		[VERDICT_DAY_FULL] = "too many captures in a day (MaxPerDay=)",
		[VERDICT_QUEUE_FULL] = "too many requests wait (MaxQueued=)",
	};

	assert(v < _VERDICT_COUNT);
	return texts[v];
}

static struct key_record *
find(struct limiter *l, const char *key)
{
	for (size_t i = 0; i < l->n_keys; i++)
		if (streq(l->keys[i].key, key))
			return &l->keys[i];
	return NULL;
}

const struct key_record *
limiter_find(const struct limiter *l, const char *key)
{
	return find((struct limiter *)l, key);
}

size_t
limiter_count(const struct limiter *l)
{
	return l->n_keys;
}

const struct key_record *
limiter_at(const struct limiter *l, size_t i)
{
	return &l->keys[i];
}

static struct key_record *
find_or_add(struct limiter *l, const char *key)
{
	struct key_record *k = find(l, key);

	if (k)
		return k;
	if (l->n_keys < LIMITER_KEYS_MAX) {
		k = &l->keys[l->n_keys++];
	} else {
		k = &l->keys[0];
		for (size_t i = 1; i < l->n_keys; i++)
			if (l->keys[i].last_usec < k->last_usec)
				k = &l->keys[i];
	}
	*k = (struct key_record){ 0 };
	text_copy(k->key, sizeof(k->key), key);
	return k;
}

/* The pause that follows the last report of K. */
static uint64_t
pause_of(const struct limiter *l, const struct key_record *k)
{
	uint64_t pause = k->pause_usec;

	if (pause < l->limits.cool_down_usec)
		pause = l->limits.cool_down_usec;
	for (uint64_t i = 1; i < k->reports && pause < LIMITER_PAUSE_MAX_USEC; i++)
		pause *= PAUSE_FACTOR;
	return pause < LIMITER_PAUSE_MAX_USEC ? pause : LIMITER_PAUSE_MAX_USEC;
}

static bool
is_forgiven(const struct key_record *k, uint64_t now_usec)
{
	return now_usec > k->last_usec && now_usec - k->last_usec >= LIMITER_PAUSE_MAX_USEC;
}

uint64_t
limiter_pause_end(const struct limiter *l, const struct key_record *k, uint64_t now_usec)
{
	uint64_t end;

	if (k->reports == 0 || now_usec < k->last_report_usec || is_forgiven(k, now_usec))
		return 0;
	end = k->last_report_usec + pause_of(l, k);
	return end > now_usec ? end : 0;
}

static bool
is_day_full(const struct limiter *l, uint64_t now_usec)
{
	uint64_t n = 0;

	for (size_t i = 0; i < RECENT_MAX; i++)
		if (l->recent[i] != 0 && l->recent[i] <= now_usec &&
		    now_usec - l->recent[i] < USEC_PER_DAY)
			n++;
	return n >= l->limits.max_per_day;
}

static void
remember_capture(struct limiter *l, uint64_t usec)
{
	l->recent[l->recent_next] = usec;
	l->recent_next = (l->recent_next + 1) % RECENT_MAX;
}

static struct bucket_rate
hour_rate(const struct limiter *l)
{
	return (struct bucket_rate){ l->limits.max_per_hour, l->limits.burst };
}

static enum verdict
decide(struct limiter *l, const struct limiter_hit *hit, const struct key_record *k)
{
	struct bucket_rate rate = hour_rate(l);

	if (limiter_pause_end(l, k, hit->now_usec) > 0)
		return VERDICT_COOLING;
	if (!hit->has_room)
		return VERDICT_QUEUE_FULL;
	if (is_day_full(l, hit->now_usec))
		return VERDICT_DAY_FULL;
	if (bucket_take(&l->hour, &rate, hit->now_usec) == 0)
		return VERDICT_CAPTURE;
	if (!hit->may_borrow)
		return VERDICT_HOUR_FULL;
	bucket_borrow(&l->hour, &rate, hit->now_usec);
	return VERDICT_CAPTURE;
}

enum verdict
limiter_hit(
    struct limiter *l, const struct limiter_hit *hit, const struct key_record **ret_record)
{
	struct key_record *k = find_or_add(l, hit->key);
	enum verdict verdict;

	if (k->count == 0)
		k->first_usec = hit->now_usec;
	else if (is_forgiven(k, hit->now_usec))
		k->reports = 0;
	k->count++;
	k->last_usec = hit->now_usec;
	k->pause_usec = hit->pause_usec;
	text_copy(k->reason, sizeof(k->reason), hit->reason);
	if (ret_record)
		*ret_record = k;
	verdict = decide(l, hit, k);
	if (verdict != VERDICT_CAPTURE)
		return verdict;
	k->reports++;
	k->last_report_usec = hit->now_usec;
	remember_capture(l, hit->now_usec);
	return verdict;
}

void
limiter_recall(struct limiter *l, uint64_t created_usec, uint64_t now_usec)
{
	struct bucket_rate rate = hour_rate(l);

	if (created_usec > now_usec)
		return;
	bucket_borrow(&l->hour, &rate, created_usec);
	remember_capture(l, created_usec);
}

void
limiter_take_back(struct limiter *l, const char *key)
{
	struct key_record *k = find(l, key);

	if (!k || k->reports == 0)
		return;
	k->reports--;
	k->last_report_usec = 0;
}

void
limiter_set_report(struct limiter *l, const char *key, const char *report_id)
{
	struct key_record *k = find(l, key);

	if (k)
		text_copy(k->last_report, sizeof(k->last_report), report_id);
}

static int
add_record(cJSON *array, const struct key_record *k)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || json_add_text(object, "key", k->key) < 0 ||
	    json_add_uint(object, "count", k->count) < 0 ||
	    json_add_uint(object, "first_usec", k->first_usec) < 0 ||
	    json_add_uint(object, "last_usec", k->last_usec) < 0 ||
	    json_add_uint(object, "last_report_usec", k->last_report_usec) < 0 ||
	    json_add_uint(object, "reports", k->reports) < 0 ||
	    json_add_uint(object, "pause_usec", k->pause_usec) < 0 ||
	    json_add_text(object, "last_report", k->last_report) < 0 ||
	    json_add_text(object, "reason", k->reason) < 0)
		return -ENOMEM;
	return cJSON_AddItemToArray(array, TAKE_PTR(object)) ? 0 : -ENOMEM;
}

cJSON *
limiter_to_json(const struct limiter *l)
{
	_cleanup_json_ cJSON *array = cJSON_CreateArray();

	if (!array)
		return NULL;
	for (size_t i = 0; i < l->n_keys; i++)
		if (add_record(array, &l->keys[i]) < 0)
			return NULL;
	return TAKE_PTR(array);
}

void
limiter_from_json(struct limiter *l, const cJSON *array)
{
	const cJSON *object;

	cJSON_ArrayForEach (object, array) {
		struct key_record k = { 0 };

		if (l->n_keys == LIMITER_KEYS_MAX)
			return;
		if (json_get_text(object, "key", k.key, sizeof(k.key)) <= 0 || find(l, k.key) ||
		    json_get_uint(object, "count", &k.count) <= 0 ||
		    json_get_uint(object, "first_usec", &k.first_usec) <= 0 ||
		    json_get_uint(object, "last_usec", &k.last_usec) <= 0 ||
		    json_get_uint(object, "last_report_usec", &k.last_report_usec) <= 0 ||
		    json_get_uint(object, "reports", &k.reports) <= 0 ||
		    json_get_uint(object, "pause_usec", &k.pause_usec) < 0 ||
		    json_get_text(object, "last_report", k.last_report, sizeof(k.last_report)) <
			0 ||
		    json_get_text(object, "reason", k.reason, sizeof(k.reason)) < 0)
			continue;
		l->keys[l->n_keys++] = k;
	}
}
