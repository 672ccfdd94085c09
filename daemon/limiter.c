/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/limiter.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/text.h"

#define PAUSE_FACTOR 6u
/* Upper bound of MaxPerHour= in the settings table. */
#define RECENT_MAX   1000u

struct limiter {
	struct key_record keys[LIMITER_KEYS_MAX];
	size_t n_keys;
	uint64_t cool_down_usec;
	uint64_t max_per_hour;
	uint64_t recent[RECENT_MAX]; /* times of the last captures, a ring */
	size_t recent_next;
};

int
limiter_new(struct limiter **ret)
{
	struct limiter *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->cool_down_usec = 10 * USEC_PER_MINUTE;
	l->max_per_hour = 6;
	*ret = l;
	return 0;
}

void
limiter_free(struct limiter *l)
{
	free(l);
}

void
limiter_configure(struct limiter *l, uint64_t cool_down_usec, uint64_t max_per_hour)
{
	l->cool_down_usec = cool_down_usec;
	l->max_per_hour = max_per_hour < RECENT_MAX ? max_per_hour : RECENT_MAX;
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

/* The pause that follows report number REPORTS (from 1) of a key. */
static uint64_t
pause_after(const struct limiter *l, uint64_t reports)
{
	uint64_t pause = l->cool_down_usec;

	for (uint64_t i = 1; i < reports && pause < LIMITER_PAUSE_MAX_USEC; i++)
		pause *= PAUSE_FACTOR;
	return pause < LIMITER_PAUSE_MAX_USEC ? pause : LIMITER_PAUSE_MAX_USEC;
}

static bool
is_cooling(const struct limiter *l, const struct key_record *k, uint64_t now_usec)
{
	if (k->reports == 0 || now_usec < k->last_report_usec)
		return false;
	return now_usec - k->last_report_usec < pause_after(l, k->reports);
}

static bool
is_hour_full(const struct limiter *l, uint64_t now_usec)
{
	uint64_t n = 0;

	for (size_t i = 0; i < RECENT_MAX; i++)
		if (l->recent[i] != 0 && l->recent[i] <= now_usec &&
		    now_usec - l->recent[i] < USEC_PER_HOUR)
			n++;
	return n >= l->max_per_hour;
}

enum verdict
limiter_hit(
    struct limiter *l, const char *key, uint64_t now_usec, const struct key_record **ret_record)
{
	struct key_record *k = find_or_add(l, key);

	if (k->count == 0)
		k->first_usec = now_usec;
	else if (now_usec > k->last_usec && now_usec - k->last_usec >= LIMITER_PAUSE_MAX_USEC)
		k->reports = 0;
	k->count++;
	k->last_usec = now_usec;
	if (ret_record)
		*ret_record = k;

	if (is_cooling(l, k, now_usec))
		return VERDICT_COOLING;
	if (is_hour_full(l, now_usec))
		return VERDICT_RATE_LIMITED;
	k->reports++;
	k->last_report_usec = now_usec;
	l->recent[l->recent_next] = now_usec;
	l->recent_next = (l->recent_next + 1) % RECENT_MAX;
	return VERDICT_CAPTURE;
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
	    json_add_text(object, "last_report", k->last_report) < 0)
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
		    json_get_text(object, "last_report", k.last_report, sizeof(k.last_report)) <
			0)
			continue;
		l->keys[l->n_keys++] = k;
	}
}
