/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include "daemon/limiter.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/text.h"

#define START (UINT64_C(1795444072) * USEC_PER_SEC)

static const struct limiter_limits roomy = { 10 * USEC_PER_MINUTE, 1000, 1000, 1000 };

static enum verdict
hit(struct limiter *l, const char *key, uint64_t now_usec)
{
	struct limiter_hit h = {
		.key = key,
		.reason = "it broke",
		.now_usec = now_usec,
		.has_room = true,
	};

	return limiter_hit(l, &h, NULL);
}

/* Hits "k" every minute for DAYS; returns how many captures that gave, with their times in
 * hours. */
static unsigned
loop_for(struct limiter *l, unsigned days, char *hours, size_t size)
{
	unsigned captures = 0;

	hours[0] = '\0';
	for (uint64_t t = 0; t < days * USEC_PER_DAY; t += USEC_PER_MINUTE) {
		size_t n = strlen(hours);

		if (hit(l, "k", START + t) != VERDICT_CAPTURE)
			continue;
		captures++;
		(void)snprintf(hours + n, size - n, "%s%.2f", n ? " " : "",
		    (double)t / (double)USEC_PER_HOUR);
	}
	return captures;
}

static void
test_crash_loop(void)
{
	_cleanup_(limiter_freep) struct limiter *l = NULL;
	char hours[256];

	assert(limiter_new(&l) == 0);
	ok_int(
	    loop_for(l, 3, hours, sizeof(hours)), 6, "3 days of a crash loop give 6 reports");
	ok_str(hours, "0.00 0.17 1.17 7.17 31.17 55.17",
	    "after 10 min, 1 h, 6 h, and then a day each");
	ok_int(limiter_find(l, "k")->count, 3 * 24 * 60, "and every end is counted");

	ok(hit(l, "k", START + 4 * USEC_PER_DAY + USEC_PER_HOUR) == VERDICT_CAPTURE,
	    "after a quiet day the key starts anew");
	ok(hit(l, "k", START + 4 * USEC_PER_DAY + USEC_PER_HOUR + 11 * USEC_PER_MINUTE) ==
		VERDICT_CAPTURE,
	    "with the first pause");
}

/* A hit, HOURS after START less MINUS_USEC, of a problem that rests for an hour. */
static enum verdict
hit_state(struct limiter *l, uint64_t hours, uint64_t minus_usec)
{
	struct limiter_hit h = {
		.key = "s",
		.reason = "it is broken",
		.now_usec = START + hours * USEC_PER_HOUR - minus_usec,
		.pause_usec = USEC_PER_HOUR,
		.has_room = true,
	};

	return limiter_hit(l, &h, NULL);
}

static void
test_pause(void)
{
	struct limiter_limits longer = roomy;
	_cleanup_(limiter_freep) struct limiter *l = NULL;

	assert(limiter_new(&l) == 0);
	limiter_configure(l, &roomy);
	ok(hit_state(l, 0, 0) == VERDICT_CAPTURE, "first");
	ok(hit_state(l, 1, 1) == VERDICT_COOLING, "a problem may ask for a longer pause");
	ok_int(limiter_pause_end(l, limiter_find(l, "s"), START + USEC_PER_HOUR - 1),
	    START + USEC_PER_HOUR, "and its end is known");
	ok(hit_state(l, 1, 0) == VERDICT_CAPTURE, "it ends");
	ok(hit_state(l, 7, 1) == VERDICT_COOLING, "and grows from there");
	ok(hit_state(l, 7, 0) == VERDICT_CAPTURE, "six-fold");

	longer.cool_down_usec = 2 * USEC_PER_HOUR;
	limiter_configure(l, &longer);
	ok(hit_state(l, 100, 0) == VERDICT_CAPTURE, "days later it starts anew");
	ok(hit_state(l, 102, 1) == VERDICT_COOLING, "CoolDownSec= is kept when it is longer");
}

static void
test_clock(void)
{
	_cleanup_(limiter_freep) struct limiter *l = NULL;

	assert(limiter_new(&l) == 0);
	ok(hit(l, "k", START) == VERDICT_CAPTURE, "first");
	ok(hit(l, "k", START + 1) == VERDICT_COOLING, "cooling");
	ok(hit(l, "k", START - 365 * USEC_PER_DAY) == VERDICT_CAPTURE,
	    "a clock that went back a year ends the pause");
	ok(hit(l, "k", 0) == VERDICT_CAPTURE, "so does 1970");
}

/* A hit of a key that was never seen before. */
static enum verdict
hit_new(struct limiter *l, uint64_t now_usec, bool may_borrow, bool has_room)
{
	static unsigned n;
	char key[REPORT_KEY_BYTES];
	const struct key_record *k;
	struct limiter_hit h = {
		.key = key,
		.reason = "it broke",
		.now_usec = now_usec,
		.may_borrow = may_borrow,
		.has_room = has_room,
	};
	enum verdict verdict;

	(void)snprintf(key, sizeof(key), "new%u", n++);
	verdict = limiter_hit(l, &h, &k);
	ok(k->count == 1 && k->reports == (verdict == VERDICT_CAPTURE),
	    "counted; a pause begins with a capture only");
	return verdict;
}

static void
test_all_together(void)
{
	_cleanup_(limiter_freep) struct limiter *l = NULL;
	_cleanup_(limiter_freep) struct limiter *next = NULL;
	uint64_t t = START;
	unsigned n = 0;

	assert(limiter_new(&l) == 0 && limiter_new(&next) == 0);
	for (unsigned i = 0; i < 3; i++)
		ok(hit_new(l, t, false, true) == VERDICT_CAPTURE, "burst, %u", i + 1);
	ok(hit_new(l, t, false, true) == VERDICT_HOUR_FULL, "Burst= is reached");
	ok(hit_new(l, t, true, true) == VERDICT_CAPTURE, "what matters most borrows");
	ok(hit_new(l, t + 11 * USEC_PER_MINUTE, false, true) == VERDICT_HOUR_FULL,
	    "and is paid back");
	ok(hit_new(l, t + 21 * USEC_PER_MINUTE, false, true) == VERDICT_CAPTURE, "then go on");
	ok(hit_new(l, t + USEC_PER_HOUR, true, false) == VERDICT_QUEUE_FULL,
	    "a full queue takes nothing");

	for (t = START; t < START + USEC_PER_DAY; t += USEC_PER_HOUR)
		n += hit_new(next, t, false, true) == VERDICT_CAPTURE;
	ok_int(n, 24, "one each hour");
	ok(hit_new(next, t - USEC_PER_MINUTE, true, true) == VERDICT_DAY_FULL,
	    "MaxPerDay= holds for all");
	ok(hit_new(next, t, false, true) == VERDICT_CAPTURE, "until the first is a day old");
}

/* What an earlier instance took counts. */
static void
test_recall(void)
{
	_cleanup_(limiter_freep) struct limiter *l = NULL;

	assert(limiter_new(&l) == 0);
	limiter_recall(l, START - 2 * USEC_PER_DAY, START);
	limiter_recall(l, START - 3, START);
	limiter_recall(l, START - 2, START);
	limiter_recall(l, START - 1, START);
	limiter_recall(l, START + USEC_PER_DAY, START);
	ok(hit(l, "k", START) == VERDICT_HOUR_FULL, "the burst was taken before");
	ok(hit(l, "k", START + 10 * USEC_PER_MINUTE) == VERDICT_CAPTURE, "the next one later");
}

static void
test_pause_end(void)
{
	_cleanup_(limiter_freep) struct limiter *l = NULL;
	const struct key_record *k;

	assert(limiter_new(&l) == 0);
	(void)hit(l, "k", START);
	k = limiter_at(l, 0);
	ok_str(k->reason, "it broke", "what it is");
	ok(limiter_pause_end(l, k, START + 1) == START + 10 * USEC_PER_MINUTE, "when again");
	ok(limiter_pause_end(l, k, START + 10 * USEC_PER_MINUTE) == 0, "or at once");
	limiter_take_back(l, "k");
	ok(limiter_pause_end(l, k, START + 1) == 0 && k->count == 1,
	    "no report, no pause; but it was seen");
}

static void
test_many_keys(void)
{
	_cleanup_(limiter_freep) struct limiter *l = NULL;
	char key[REPORT_KEY_BYTES];

	assert(limiter_new(&l) == 0);
	limiter_configure(l, &roomy);
	for (unsigned i = 0; i < LIMITER_KEYS_MAX + 1; i++) {
		(void)snprintf(key, sizeof(key), "%u", i);
		(void)hit(l, key, START + i);
	}
	ok_int(limiter_count(l), LIMITER_KEYS_MAX, "at most LIMITER_KEYS_MAX keys are kept");
	ok(!limiter_find(l, "0") && limiter_find(l, "1") && limiter_find(l, "64"),
	    "the one unseen for the longest time made room");
}

static void
test_json(void)
{
	static const char damage[] = "[{\"key\":\"x\"},7,{\"key\":\"ok\",\"count\":1,"
				     "\"first_usec\":1,\"last_usec\":1,\"last_report_usec\":1,"
				     "\"reports\":1}]";
	_cleanup_(limiter_freep) struct limiter *l = NULL;
	_cleanup_(limiter_freep) struct limiter *back = NULL;
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_json_ cJSON *damaged = NULL;

	assert(limiter_new(&l) == 0 && limiter_new(&back) == 0);
	(void)hit(l, "k", START);
	limiter_set_report(l, "k", "20261123T142752Z-0007-e585a599");
	(void)hit(l, "k", START + 5);
	json = limiter_to_json(l);
	limiter_from_json(back, json);
	ok_int(limiter_find(back, "k")->count, 2, "counter read back");
	ok_str(
	    limiter_find(back, "k")->last_report, "20261123T142752Z-0007-e585a599", "report");
	ok(hit(back, "k", START + 6) == VERDICT_COOLING, "the pause goes on");
	limiter_from_json(back, json);
	ok_int(limiter_count(back), 1, "a key that is known is not added twice");

	assert(json_parse(damage, strlen(damage), &damaged, NULL) == 0);
	limiter_from_json(back, damaged);
	ok(limiter_count(back) == 2 && limiter_find(back, "ok"),
	    "damaged records are left out");
	limiter_from_json(back, NULL);
	ok_int(limiter_count(back), 2, "no array is fine");
}

int
main(void)
{
	test_crash_loop();
	test_pause();
	test_clock();
	test_all_together();
	test_recall();
	test_pause_end();
	test_many_keys();
	test_json();
	return tap_done();
}
