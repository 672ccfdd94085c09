/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/bucket.h"
#include "lib/clock.h"

/* When the bucket is full, not before now. Debts are at most its size again, so that what is
 * further ahead tells of a clock that went back. */
static uint64_t
full_at(const struct bucket *b, uint64_t size_usec, uint64_t now_usec)
{
	if (b->full_usec <= now_usec || b->full_usec - now_usec > 2 * size_usec)
		return now_usec;
	return b->full_usec;
}

uint64_t
bucket_take(struct bucket *b, const struct bucket_rate *rate, uint64_t now_usec)
{
	uint64_t interval = USEC_PER_HOUR / rate->per_hour;
	uint64_t size = rate->burst * interval;
	uint64_t full = full_at(b, size, now_usec) + interval;

	if (full - now_usec > size)
		return full - now_usec - size;
	b->full_usec = full;
	return 0;
}

void
bucket_borrow(struct bucket *b, const struct bucket_rate *rate, uint64_t now_usec)
{
	uint64_t interval = USEC_PER_HOUR / rate->per_hour;
	uint64_t size = rate->burst * interval;
	uint64_t full = full_at(b, size, now_usec) + interval;

	b->full_usec = full - now_usec < 2 * size ? full : now_usec + 2 * size;
}
