/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A token bucket: so many at once, then one each interval. Kept as the time at which it is full
 * again, which is the generic cell rate algorithm of ITU-T I.371; nothing has to be refilled.
 * Pure: the clock comes in. Zeroed, it is full. */

#include <stdbool.h>
#include <stdint.h>

struct bucket {
	uint64_t full_usec; /* realtime */
};

struct bucket_rate {
	uint64_t per_hour; /* at least 1 */
	uint64_t burst;	   /* at least 1; tokens of a full bucket */
};

/* Takes a token. Returns 0, or how long to wait for the next one, in microseconds. A clock that
 * went back fills the bucket. */
uint64_t bucket_take(struct bucket *b, const struct bucket_rate *rate, uint64_t now_usec);

/* Takes a token that may not be there yet: later ones come later, by at most a whole bucket. */
void bucket_borrow(struct bucket *b, const struct bucket_rate *rate, uint64_t now_usec);
