/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include "daemon/limiter.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/text.h"

#define START (UINT64_C(1795444072) * USEC_PER_SEC)

/* Hits "k" every minute for DAYS; returns how many captures that gave, with their times in
 * hours. */
static unsigned
loop_for(struct limiter *l, unsigned days, char *hours, size_t size)
{
	unsigned captures = 0;

	hours[0] = '\0';
	for (uint64_t t = 0; t < days * USEC_PER_DAY; t += USEC_PER_MINUTE) {
		size_t n = strlen(hours);

		if (limiter_hit(l, "k", START + t, NULL) != VERDICT_CAPTURE)
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

	ok(limiter_hit(l, "k", START + 4 * USEC_PER_DAY + USEC_PER_HOUR, NULL) ==
		VERDICT_CAPTURE,
	    "after a quiet day the key starts anew");
	ok(limiter_hit(l, "k", START + 4 * USEC_PER_DAY + USEC_PER_HOUR + 11 * USEC_PER_MINUTE,
	       NULL) == VERDICT_CAPTURE,
	    "with the first pause");
}

static void
test_clock(void)
{
	_cleanup_(limiter_freep) struct limiter *l = NULL;

	assert(limiter_new(&l) == 0);
	ok(limiter_hit(l, "k", START, NULL) == VERDICT_CAPTURE, "first");
	ok(limiter_hit(l, "k", START + 1, NULL) == VERDICT_COOLING, "cooling");
	ok(limiter_hit(l, "k", START - 365 * USEC_PER_DAY, NULL) == VERDICT_CAPTURE,
	    "a clock that went back a year ends the pause");
	ok(limiter_hit(l, "k", 0, NULL) == VERDICT_CAPTURE, "so does 1970");
}

static void
test_hour(void)
{
	_cleanup_(limiter_freep) struct limiter *l = NULL;
	const struct key_record *k;
	char key[REPORT_KEY_BYTES];

	assert(limiter_new(&l) == 0);
	limiter_configure(l, USEC_PER_MINUTE, 3);
	for (unsigned i = 0; i < 3; i++) {
		(void)snprintf(key, sizeof(key), "k%u", i);
		ok(limiter_hit(l, key, START + i, NULL) == VERDICT_CAPTURE, "capture %u",
		    i + 1);
	}
	ok(limiter_hit(l, "k9", START + 5, &k) == VERDICT_RATE_LIMITED,
	    "MaxPerHour= is reached");
	ok(k->count == 1 && k->reports == 0, "the hit is counted, no pause has begun");
	ok(limiter_hit(l, "k9", START + USEC_PER_HOUR, NULL) == VERDICT_CAPTURE,
	    "an hour later");
}

static void
test_many_keys(void)
{
	_cleanup_(limiter_freep) struct limiter *l = NULL;
	char key[REPORT_KEY_BYTES];

	assert(limiter_new(&l) == 0);
	for (unsigned i = 0; i < LIMITER_KEYS_MAX + 1; i++) {
		(void)snprintf(key, sizeof(key), "%u", i);
		(void)limiter_hit(l, key, START + i, NULL);
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
	(void)limiter_hit(l, "k", START, NULL);
	limiter_set_report(l, "k", "20261123T142752Z-0007-e585a599");
	(void)limiter_hit(l, "k", START + 5, NULL);
	json = limiter_to_json(l);
	limiter_from_json(back, json);
	ok_int(limiter_find(back, "k")->count, 2, "counter read back");
	ok_str(
	    limiter_find(back, "k")->last_report, "20261123T142752Z-0007-e585a599", "report");
	ok(limiter_hit(back, "k", START + 6, NULL) == VERDICT_COOLING, "the pause goes on");
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
	test_clock();
	test_hour();
	test_many_keys();
	test_json();
	return tap_done();
}
