/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include "capture/kube/logshare.h"

/* Runs N logs of the sizes SIZES one after the other; returns what all got together. */
static uint64_t
run_all(uint64_t budget, const uint64_t *sizes, uint64_t *got, size_t n)
{
	struct logshare s;
	uint64_t sum = 0;

	logshare_init(&s, budget, n);
	for (size_t i = 0; i < n; i++) {
		uint64_t share = logshare_take(&s);

		got[i] = sizes[i] < share ? sizes[i] : share;
		logshare_return(&s, share, got[i]);
		sum += got[i];
	}
	return sum;
}

static void
test_fair(void)
{
	uint64_t got[4];

	ok_int(run_all(400, (uint64_t[]){ 900, 900, 900, 900 }, got, 4), 400, "all of it");
	ok(got[0] == 100 && got[3] == 100, "equal parts for equal wants");
	ok_int(run_all(400, (uint64_t[]){ 10, 10, 900, 900 }, got, 4), 400, "all of it");
	ok(got[0] == 10 && got[2] == 190 && got[3] == 190, "what short ones leave is shared");
	ok_int(
	    run_all(400, (uint64_t[]){ 900, 1, 1, 1 }, got, 4), 103, "the first is not greedy");
	ok_int(run_all(0, (uint64_t[]){ 5, 5, 5, 5 }, got, 4), 0, "nothing of nothing");
	ok_int(run_all(3, (uint64_t[]){ 5, 5, 5, 5 }, got, 4), 3, "less than a byte for each");
}

/* Whatever the order of starts and ends: never more than the budget, never less than the equal
 * part for one that wants it. */
static void
test_parallel(void)
{
	unsigned seed = 1;
	bool within = true, fair = true;

	for (int round = 0; round < 200; round++) {
		uint64_t budget = 1000 + (uint64_t)(rand_r(&seed) % 100000);
		size_t n = 1 + (size_t)(rand_r(&seed) % 50);
		uint64_t shares[64] = { 0 }, wants[64], open[64], sum = 0;
		size_t n_open = 0, started = 0;
		struct logshare s;

		logshare_init(&s, budget, n);
		while (started < n || n_open > 0) {
			if (started < n && n_open < 8 && rand_r(&seed) % 2) {
				wants[started] = (uint64_t)(rand_r(&seed) % 5000);
				shares[started] = logshare_take(&s);
				if (shares[started] < budget / n)
					fair = false;
				open[n_open++] = started++;
			} else if (n_open > 0) {
				size_t i = (size_t)rand_r(&seed) % n_open;
				uint64_t k = open[i];
				uint64_t used = wants[k] < shares[k] ? wants[k] : shares[k];

				open[i] = open[--n_open];
				logshare_return(&s, shares[k], used);
				sum += used;
			}
		}
		if (sum > budget)
			within = false;
	}
	ok(within, "never more than the budget");
	ok(fair, "never less than an equal part of it");
}

static void
test_late(void)
{
	struct logshare s;

	logshare_init(&s, 100, 1);
	logshare_add(&s);
	ok_int(logshare_take(&s), 50, "one that turned up later counts");
	ok_int(logshare_take(&s), 50, "and gets as much");
	ok_int(logshare_take(&s), 0, "one that nobody knew of gets nothing");
}

int
main(void)
{
	test_fair();
	test_parallel();
	test_late();
	return tap_done();
}
