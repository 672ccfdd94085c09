/* SPDX-License-Identifier: Apache-2.0 */

/* The connection goes: nothing (waits for `retry`) → opened (authenticates, or waits for the
 * socket to appear; `retry` is its deadline) → connected → nothing.
 *
 * sd-bus has no file descriptor that says all: its fd, the events it waits for and its next
 * time-out change with every message. So after each dispatch, and after each call from
 * outside, they are asked for again (rearm()). A registration made once would never deliver
 * the time-out of a method call. */

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "daemon/busloop.h"
#include "daemon/loop.h"
#include "lib/clock.h"
#include "lib/log.h"

#define LOG_DOMAIN "bus"

#define SYSTEM_BUS_ADDRESS "unix:path=/run/dbus/system_bus_socket"

struct busloop {
	struct loop *loop;  /* borrowed: outlives us */
	sd_bus *bus;	    /* owned; NULL between attempts */
	struct loop_io *io; /* owned; of the bus's fd, freed before the bus closes it */
	int io_fd;
	struct loop_timer *timeout; /* owned: of sd-bus */
	struct loop_timer *retry;   /* owned */
	uint64_t retry_usec;
	uint64_t call_timeout_usec;
	uint64_t connected_usec; /* CLOCK_MONOTONIC */
	bool is_connected;
	bool is_dispatching;
	bool was_told; /* that the bus is gone */
	TAILQ_HEAD(, busloop_listener) listeners;
};

static void rearm(struct busloop *b);

static void
retry_later(struct busloop *b)
{
	(void)loop_timer_arm(b->retry, b->retry_usec);
	b->retry_usec *= 2;
	if (b->retry_usec > BUSLOOP_RETRY_MAX_USEC)
		b->retry_usec = BUSLOOP_RETRY_MAX_USEC;
}

static void
tell_listeners(struct busloop *b, bool is_connected)
{
	struct busloop_listener *next;

	for (struct busloop_listener *l = TAILQ_FIRST(&b->listeners); l; l = next) {
		next = TAILQ_NEXT(l, link);
		if (is_connected && l->on_connected)
			l->on_connected(l->userdata);
		else if (!is_connected && l->on_disconnected)
			l->on_disconnected(l->userdata);
	}
}

/* Lets go of the connection, without waiting for anything. */
static void
drop_bus(struct busloop *b)
{
	sd_bus *bus = TAKE_PTR(b->bus);
	bool was_connected = b->is_connected;

	b->is_connected = false;
	loop_io_free(TAKE_PTR(b->io));
	b->io_fd = -EBADF;
	loop_timer_disarm(b->timeout);
	if (was_connected)
		tell_listeners(b, false);
	if (bus)
		sd_bus_close(bus);
	sd_bus_unref(bus);
}

static void
lose_bus(struct busloop *b, int error)
{
	if (b->is_connected &&
	    clock_monotonic_usec() - b->connected_usec >= BUSLOOP_RETRY_MAX_USEC)
		b->retry_usec = BUSLOOP_RETRY_MIN_USEC;
	if (!b->was_told)
		(void)log_warning_errno(
		    error, "No connection to the system bus, trying again until there is: %m");
	b->was_told = true;
	drop_bus(b);
	retry_later(b);
}

static void
become_connected(struct busloop *b)
{
	b->is_connected = true;
	b->was_told = false;
	b->connected_usec = clock_monotonic_usec();
	loop_timer_disarm(b->retry);
	log_info("Connected to the system bus");
	tell_listeners(b, true);
}

static void
dispatch(struct busloop *b)
{
	int r = 1;

	b->is_dispatching = true;
	for (unsigned n = 0; r > 0 && n < BUSLOOP_MESSAGES_PER_WAKEUP; n++) {
		r = sd_bus_process(b->bus, NULL);
		if (r >= 0 && !b->is_connected && sd_bus_is_ready(b->bus) > 0)
			become_connected(b);
	}
	b->is_dispatching = false;
	if (r < 0)
		lose_bus(b, r);
	else
		rearm(b);
}

static void
on_io(int fd, unsigned events, void *userdata)
{
	(void)fd;
	(void)events;
	dispatch(userdata);
}

static void
on_timeout(void *userdata)
{
	dispatch(userdata);
}

static int
rearm_io(struct busloop *b)
{
	int fd = sd_bus_get_fd(b->bus);
	int poll_events = sd_bus_get_events(b->bus);
	unsigned events = 0;

	if (fd < 0 || poll_events < 0)
		return fd < 0 ? fd : poll_events;
	if (poll_events & POLLIN)
		events |= LOOP_READ;
	if (poll_events & POLLOUT)
		events |= LOOP_WRITE;
	/* While it connects, sd-bus closes one descriptor and opens another, perhaps with the
	 * same number, so what we registered may be gone. */
	if (b->io && b->is_connected && fd == b->io_fd)
		return loop_io_set_events(b->io, events);
	loop_io_free(TAKE_PTR(b->io));
	b->io_fd = fd;
	return loop_io_new(b->loop, LOOP_PRIORITY_BUS, fd, events, on_io, b, &b->io);
}

static int
rearm_timeout(struct busloop *b)
{
	uint64_t until_usec = USEC_INFINITY;
	uint64_t now_usec = clock_monotonic_usec();
	int r;

	r = sd_bus_get_timeout(b->bus, &until_usec);
	if (r < 0)
		return r;
	if (until_usec != USEC_INFINITY)
		until_usec = until_usec > now_usec ? until_usec - now_usec : 0;
	return loop_timer_arm(b->timeout, until_usec);
}

static void
rearm(struct busloop *b)
{
	int r;

	if (!b->bus || b->is_dispatching)
		return;
	r = rearm_io(b);
	if (r >= 0)
		r = rearm_timeout(b);
	/* Let the loop come round to the error: our caller may be a listener. */
	if (r < 0)
		(void)loop_timer_arm(b->timeout, 0);
}

static int
open_bus(sd_bus **ret)
{
	_cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;
	const char *address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
	int r;

	r = sd_bus_new(&bus);
	if (r < 0)
		return r;
	r = sd_bus_set_address(bus, address ? address : SYSTEM_BUS_ADDRESS);
	if (r < 0)
		return r;
	r = sd_bus_set_bus_client(bus, 1);
	if (r < 0)
		return r;
	/* Waits for a socket that is not there yet, so that we are back at once. */
	r = sd_bus_set_watch_bind(bus, 1);
	if (r < 0)
		return r;
	r = sd_bus_start(bus);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(bus);
	return 0;
}

static void
on_retry(void *userdata)
{
	struct busloop *b = userdata;
	int r;

	drop_bus(b);
	r = open_bus(&b->bus);
	if (r < 0) {
		lose_bus(b, r);
		return;
	}
	(void)loop_timer_arm(b->retry, BUSLOOP_RETRY_MAX_USEC);
	rearm(b);
}

int
busloop_new(struct loop *loop, struct busloop **ret)
{
	_cleanup_(busloop_freep) struct busloop *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->loop = loop;
	b->io_fd = -EBADF;
	b->retry_usec = BUSLOOP_RETRY_MIN_USEC;
	b->call_timeout_usec = BUSLOOP_CALL_TIMEOUT_USEC;
	TAILQ_INIT(&b->listeners);
	r = loop_timer_new(loop, LOOP_PRIORITY_BUS, on_timeout, b, &b->timeout);
	if (r < 0)
		return r;
	r = loop_timer_new(loop, LOOP_PRIORITY_BUS, on_retry, b, &b->retry);
	if (r < 0)
		return r;
	r = loop_timer_arm(b->retry, 0);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(b);
	return 0;
}

void
busloop_free(struct busloop *b)
{
	if (!b)
		return;
	assert(!b->is_dispatching);
	if (b->timeout)
		drop_bus(b);
	loop_timer_free(b->retry);
	loop_timer_free(b->timeout);
	free(b);
}

void
busloop_add_listener(struct busloop *b, struct busloop_listener *listener)
{
	TAILQ_INSERT_TAIL(&b->listeners, listener, link);
	if (b->is_connected && listener->on_connected)
		listener->on_connected(listener->userdata);
}

void
busloop_remove_listener(struct busloop *b, struct busloop_listener *listener)
{
	TAILQ_REMOVE(&b->listeners, listener, link);
}

void
busloop_set_call_timeout(struct busloop *b, uint64_t usec)
{
	b->call_timeout_usec = usec;
}

struct loop *
busloop_loop(struct busloop *b)
{
	return b->loop;
}

bool
busloop_is_connected(const struct busloop *b)
{
	/* A connection that closes still answers what was pending: with errors. */
	return b->is_connected && sd_bus_is_ready(b->bus) > 0;
}

sd_bus *
busloop_bus(struct busloop *b)
{
	return busloop_is_connected(b) ? b->bus : NULL;
}

int
busloop_call(struct busloop *b, sd_bus_message *m, sd_bus_message_handler_t callback,
    void *userdata, sd_bus_slot **ret_slot)
{
	int r;

	if (!busloop_is_connected(b))
		return -ENOTCONN;
	r = sd_bus_call_async(b->bus, ret_slot, m, callback, userdata, b->call_timeout_usec);
	rearm(b);
	return r < 0 ? r : 0;
}

int
busloop_match(struct busloop *b, const char *rule, sd_bus_message_handler_t callback,
    void *userdata, sd_bus_slot **ret_slot)
{
	int r;

	if (!busloop_is_connected(b))
		return -ENOTCONN;
	/* Without a function of ours for the reply, sd-bus gives the connection up when the bus
	 * refuses the match, and we start over: better than to be deaf. */
	r = sd_bus_add_match_async(b->bus, ret_slot, rule, callback, NULL, userdata);
	rearm(b);
	return r < 0 ? r : 0;
}

int
busloop_reply_errno(sd_bus_message *m)
{
	return -sd_bus_message_get_errno(m);
}
