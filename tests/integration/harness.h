/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Runs the loop until something is true. */

#undef NDEBUG
#include <assert.h>
#include <stdbool.h>

#include "daemon/loop.h"
#include "lib/clock.h"

#define HARNESS_LOOK_USEC     (2 * USEC_PER_MSEC)
#define HARNESS_PATIENCE_USEC (20 * USEC_PER_SEC)

typedef bool (*harness_fn)(void *userdata);

struct harness_wait {
	struct loop *loop;
	struct loop_timer *timer;
	harness_fn is_done;
	void *userdata;
	uint64_t until_usec;
};

static inline void
harness_on_look(void *userdata)
{
	struct harness_wait *w = userdata;

	if (w->is_done && w->is_done(w->userdata))
		loop_exit(w->loop, 1);
	else if (clock_monotonic_usec() >= w->until_usec)
		loop_exit(w->loop, 0);
	else
		assert(loop_timer_arm(w->timer, HARNESS_LOOK_USEC) == 0);
}

static inline bool
harness_wait(struct loop *loop, harness_fn is_done, void *userdata, uint64_t usec)
{
	struct harness_wait w = {
		.loop = loop,
		.is_done = is_done,
		.userdata = userdata,
		.until_usec = clock_monotonic_usec() + usec,
	};
	int r;

	assert(loop_timer_new(loop, LOOP_PRIORITY_IDLE, harness_on_look, &w, &w.timer) == 0);
	assert(loop_timer_arm(w.timer, 0) == 0);
	r = loop_run(loop);
	loop_timer_free(w.timer);
	assert(r >= 0);
	return r == 1;
}

/* True when IS_DONE became true in time. */
static inline bool
run_until(struct loop *loop, harness_fn is_done, void *userdata)
{
	return harness_wait(loop, is_done, userdata, HARNESS_PATIENCE_USEC);
}

/* Lets the loop run for so long, to see that nothing more comes. */
static inline void
run_for(struct loop *loop, uint64_t usec)
{
	(void)harness_wait(loop, NULL, NULL, usec);
}
