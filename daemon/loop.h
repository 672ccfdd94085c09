/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The event loop: owns the only event_base. Signals, one-shot timers and file descriptors, so
 * that no other module needs to know libevent. Nothing here wakes up when nothing happens. */

#include <stdint.h>

#include "lib/cleanup.h"

struct event_base;
struct loop;
struct loop_timer;
struct loop_io;

/* When several things are ready at once, the lower number goes first, and is drained before
 * the next one gets a turn. */
enum loop_priority {
	LOOP_PRIORITY_SIGNAL,	/* being told to stop or reload must get through any storm */
	LOOP_PRIORITY_DEADLINE, /* a limit that is only kept if it is looked at in time */
	LOOP_PRIORITY_BUS,	/* what PID 1 says is overwritten within 100 ms */
	LOOP_PRIORITY_CLIENT,	/* people wait, but can wait */
	LOOP_PRIORITY_IDLE,	/* house-keeping: clearing out the spool, saving state */
	_LOOP_PRIORITY_COUNT,
};

#define LOOP_READ  0x1u
#define LOOP_WRITE 0x2u

typedef void (*loop_signal_fn)(int signo, void *userdata);
typedef void (*loop_timer_fn)(void *userdata);

/* EVENTS is what is ready of LOOP_READ and LOOP_WRITE. */
typedef void (*loop_io_fn)(int fd, unsigned events, void *userdata);

/* Returns 0 or negative errno. */
int loop_new(struct loop **ret);

/* Everything that was made with the loop must be freed before it. */
void loop_free(struct loop *loop);
DEFINE_CLEANUP(struct loop *, loop_free);

/* For modules that own another library's events (busloop). */
struct event_base *loop_base(struct loop *loop);

/* Runs until loop_exit() is called. Returns its CODE, or negative errno. */
int loop_run(struct loop *loop);

/* Makes loop_run() return CODE (>= 0) after the callback that is running. */
void loop_exit(struct loop *loop, int code);

/* Calls FN in the loop whenever SIGNO arrives; it is no longer delivered otherwise. */
int loop_add_signal(struct loop *loop, int signo, loop_signal_fn fn, void *userdata);

/* A one-shot timer, not armed at first. Counts CLOCK_MONOTONIC. */
int loop_timer_new(struct loop *loop, enum loop_priority priority, loop_timer_fn fn,
    void *userdata, struct loop_timer **ret);

/* Fires once, IN_USEC from now; an armed timer is moved. USEC_INFINITY disarms. A timer may be
 * armed again, or freed, in its own callback. */
int loop_timer_arm(struct loop_timer *timer, uint64_t in_usec);
void loop_timer_disarm(struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer);
DEFINE_CLEANUP(struct loop_timer *, loop_timer_free);

/* Calls FN whenever FD is ready for EVENTS (level-triggered). FD stays the caller's and must be
 * closed only after loop_io_free(), which may be called inside FN. */
int loop_io_new(struct loop *loop, enum loop_priority priority, int fd, unsigned events,
    loop_io_fn fn, void *userdata, struct loop_io **ret);

/* Changes what is waited for; 0 waits for nothing. */
int loop_io_set_events(struct loop_io *io, unsigned events);
void loop_io_free(struct loop_io *io);
DEFINE_CLEANUP(struct loop_io *, loop_io_free);
