/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Keeps automatic captures rare: a pause for each problem that grows while it repeats, and
 * limits for all together. What is not captured is counted, never forgotten. Pure: the clock
 * comes in.
 *
 * Pauses after the first, second, … report of a key: CoolDownSec or what the problem asks for,
 * then six times the last, up to a day (10 min, 1 h, 6 h, 24 h by default). A key that was
 * quiet for a day starts anew. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cleanup.h"
#include "lib/report.h"

/* Problems that are remembered; the one unseen for the longest time makes room. A device has a
 * handful; a flood of ever new keys must not grow the daemon. */
#define LIMITER_KEYS_MAX       64u
/* Longest pause, and how long a key must be quiet to be forgiven. */
#define LIMITER_PAUSE_MAX_USEC (24 * UINT64_C(3600000000))

struct limiter;

enum verdict {
	VERDICT_CAPTURE,
	VERDICT_COOLING,   /* this problem was captured recently */
	VERDICT_HOUR_FULL, /* too many automatic captures of late */
	VERDICT_DAY_FULL,
	VERDICT_QUEUE_FULL, /* it could not be queued */
	_VERDICT_COUNT,
};

struct limiter_limits {
	uint64_t cool_down_usec;
	uint64_t max_per_hour; /* all problems together */
	uint64_t burst;	       /* of those, at once */
	uint64_t max_per_day;
};

/* A problem was seen. */
struct limiter_hit {
	const char *key;
	const char *reason;  /* one sentence for people */
	uint64_t now_usec;   /* realtime */
	uint64_t pause_usec; /* least first pause of this problem; 0: CoolDownSec= */
	bool may_borrow;     /* too important for the hour's limit: of what comes later */
	bool has_room;	     /* the queue has */
};

/* What is known of one key. */
struct key_record {
	char key[REPORT_KEY_BYTES];
	uint64_t count;		   /* hits since it is known */
	uint64_t first_usec;	   /* realtime */
	uint64_t last_usec;	   /* realtime */
	uint64_t last_report_usec; /* realtime of the last hit that was captured; 0 never */
	uint64_t reports;	   /* captured since the key was last quiet */
	uint64_t pause_usec;	   /* of the last hit */
	char last_report[REPORT_ID_BYTES];
	char reason[REASON_BYTES]; /* of the last hit, for people */
};

int limiter_new(struct limiter **ret);
void limiter_free(struct limiter *l);
DEFINE_CLEANUP(struct limiter *, limiter_free);

/* Limits; see supportd.conf(5). May change at any time. */
void limiter_configure(struct limiter *l, const struct limiter_limits *limits);

/* Counts HIT and decides. *ret_record (may be NULL) is borrowed until the next call. A clock
 * that went back ends pauses instead of prolonging them. */
enum verdict limiter_hit(
    struct limiter *l, const struct limiter_hit *hit, const struct key_record **ret_record);

/* An automatic report was taken at that time, by an earlier instance; oldest first. */
void limiter_recall(struct limiter *l, uint64_t created_usec, uint64_t now_usec);

/* Why it is only counted, for people; names the setting. */
const char *verdict_to_string(enum verdict v);

/* The capture that the last VERDICT_CAPTURE of KEY allowed did not come about: no pause. It
 * still counts for all problems together, since it may fail again and again. */
void limiter_take_back(struct limiter *l, const char *key);

/* The capture that the last VERDICT_CAPTURE of KEY allowed has this ID. */
void limiter_set_report(struct limiter *l, const char *key, const char *report_id);

/* What is known of KEY, or NULL. Borrowed until the next call of limiter_hit(). */
const struct key_record *limiter_find(const struct limiter *l, const char *key);

size_t limiter_count(const struct limiter *l);

/* Borrowed until the next call of limiter_hit(); in no order. */
const struct key_record *limiter_at(const struct limiter *l, size_t i);

/* When a hit of this key will be captured again, realtime; 0: at once. */
uint64_t limiter_pause_end(
    const struct limiter *l, const struct key_record *k, uint64_t now_usec);

/* For state.json: an array that the caller owns, NULL when out of memory; and back. Records
 * that are damaged are left out: losing a counter is no reason to refuse the rest. */
cJSON *limiter_to_json(const struct limiter *l);
void limiter_from_json(struct limiter *l, const cJSON *array);
