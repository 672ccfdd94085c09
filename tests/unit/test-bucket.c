/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include "daemon/bucket.h"
#include "lib/clock.h"

#define START (UINT64_C(1795444072) * USEC_PER_SEC)
#define TEN   (10 * USEC_PER_MINUTE)

static const struct bucket_rate rate = { .per_hour = 6, .burst = 3 };

static void
test_take(void)
{
	struct bucket b = { 0 };
	unsigned n = 0;

	for (unsigned i = 0; i < 3; i++)
		ok_int(bucket_take(&b, &rate, START + i), 0, "token %u at once", i + 1);
	ok_int(bucket_take(&b, &rate, START + 2), TEN - 2, "the next one in ten minutes");
	ok_int(bucket_take(&b, &rate, START + TEN - 1), 1, "not earlier");
	ok_int(bucket_take(&b, &rate, START + TEN), 0, "not later");
	ok(bucket_take(&b, &rate, START + TEN + 1) > 0, "and only one");

	b = (struct bucket){ 0 };
	for (uint64_t t = 0; t < USEC_PER_DAY; t += USEC_PER_SEC)
		n += bucket_take(&b, &rate, START + t) == 0;
	ok_int(n, 3 - 1 + 24 * 6, "a day of asking gives the rate, and the burst once");
	ok_int(bucket_take(&b, &rate, START + 3 * USEC_PER_DAY), 0, "it fills up");
	ok_int(bucket_take(&b, &rate, START + 3 * USEC_PER_DAY), 0, "to its size");
	ok_int(bucket_take(&b, &rate, START + 3 * USEC_PER_DAY), 0, "of three");
	ok(bucket_take(&b, &rate, START + 3 * USEC_PER_DAY) > 0, "and no more");
}

static void
test_borrow(void)
{
	struct bucket b = { 0 };

	for (unsigned i = 0; i < 3; i++)
		(void)bucket_take(&b, &rate, START);
	bucket_borrow(&b, &rate, START);
	ok_int(bucket_take(&b, &rate, START), 2 * TEN, "what is borrowed is paid back");
	for (unsigned i = 0; i < 100; i++)
		bucket_borrow(&b, &rate, START);
	ok_int(bucket_take(&b, &rate, START), 4 * TEN, "but not for ever");
}

static void
test_clock(void)
{
	struct bucket b = { 0 };

	for (unsigned i = 0; i < 3; i++)
		(void)bucket_take(&b, &rate, START);
	ok_int(bucket_take(&b, &rate, START - 365 * USEC_PER_DAY), 0,
	    "a clock that went back fills it");
	ok_int(bucket_take(&b, &rate, 0), 0, "so does 1970");
}

int
main(void)
{
	test_take();
	test_borrow();
	test_clock();
	return tap_done();
}
