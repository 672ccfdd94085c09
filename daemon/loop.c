/* SPDX-License-Identifier: Apache-2.0 */

/* The loop. Callbacks of libevent end here: they unpack and call a plain function. */

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <sys/queue.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "daemon/loop.h"
#include "lib/clock.h"
#include "lib/log.h"

#define LOG_DOMAIN "loop"

struct loop_signal {
	struct event event;
	loop_signal_fn fn;
	void *userdata; /* borrowed */
	TAILQ_ENTRY(loop_signal) link;
};

struct loop {
	struct event_base *base; /* owned */
	TAILQ_HEAD(, loop_signal) signals;
	bool is_exiting;
	int exit_code;
};

struct loop_timer {
	struct event event;
	loop_timer_fn fn;
	void *userdata; /* borrowed */
};

struct loop_io {
	struct event event;
	struct loop *loop; /* borrowed: outlives what is made with it */
	int priority;
	int fd; /* borrowed */
	unsigned events;
	loop_io_fn fn;
	void *userdata; /* borrowed */
};

/* libevent speaks up only when something is wrong with a file descriptor or the kernel. */
static void
on_libevent_log(int severity, const char *message)
{
	if (severity == EVENT_LOG_DEBUG)
		return;
	(void)log_full_errno(
	    severity == EVENT_LOG_ERR ? LOG_ERR : LOG_WARNING, 0, "libevent: %s", message);
}

static int
make_base(struct event_base **ret)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (!config)
		return -ENOMEM;
	/* A timer counts from when it is armed, not from when its callback's turn began. */
	if (event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME) == 0)
		base = event_base_new_with_config(config);
	event_config_free(config);
	if (!base)
		return -ENOMEM;
	if (event_base_priority_init(base, _LOOP_PRIORITY_COUNT) < 0) {
		event_base_free(base);
		return -ENOMEM;
	}
	*ret = base;
	return 0;
}

int
loop_new(struct loop **ret)
{
	_cleanup_(loop_freep) struct loop *loop = calloc(1, sizeof(*loop));
	int r;

	if (!loop)
		return -ENOMEM;
	TAILQ_INIT(&loop->signals);
	event_set_log_callback(on_libevent_log);
	r = make_base(&loop->base);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(loop);
	return 0;
}

void
loop_free(struct loop *loop)
{
	struct loop_signal *s;

	if (!loop)
		return;
	while ((s = TAILQ_FIRST(&loop->signals))) {
		TAILQ_REMOVE(&loop->signals, s, link);
		(void)event_del(&s->event);
		free(s);
	}
	if (loop->base)
		event_base_free(loop->base);
	free(loop);
}

struct event_base *
loop_base(struct loop *loop)
{
	return loop->base;
}

int
loop_run(struct loop *loop)
{
	while (!loop->is_exiting)
		if (event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0)
			return -EIO;
	loop->is_exiting = false;
	return loop->exit_code;
}

void
loop_exit(struct loop *loop, int code)
{
	assert(code >= 0);
	loop->is_exiting = true;
	loop->exit_code = code;
	(void)event_base_loopbreak(loop->base);
}

static void
on_signal(evutil_socket_t signo, short what, void *userdata)
{
	struct loop_signal *s = userdata;

	(void)what;
	s->fn((int)signo, s->userdata);
}

int
loop_add_signal(struct loop *loop, int signo, loop_signal_fn fn, void *userdata)
{
	_cleanup_free_ struct loop_signal *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->fn = fn;
	s->userdata = userdata;
	if (evsignal_assign(&s->event, loop->base, signo, on_signal, s) < 0)
		return -EINVAL;
	if (event_priority_set(&s->event, LOOP_PRIORITY_SIGNAL) < 0 ||
	    evsignal_add(&s->event, NULL) < 0)
		return -EINVAL;
	TAILQ_INSERT_TAIL(&loop->signals, s, link);
	(void)TAKE_PTR(s);
	return 0;
}

static void
on_timer(evutil_socket_t fd, short what, void *userdata)
{
	struct loop_timer *timer = userdata;

	(void)fd;
	(void)what;
	timer->fn(timer->userdata);
}

int
loop_timer_new(struct loop *loop, enum loop_priority priority, loop_timer_fn fn, void *userdata,
    struct loop_timer **ret)
{
	_cleanup_free_ struct loop_timer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		return -ENOMEM;
	timer->fn = fn;
	timer->userdata = userdata;
	if (evtimer_assign(&timer->event, loop->base, on_timer, timer) < 0 ||
	    event_priority_set(&timer->event, (int)priority) < 0)
		return -EINVAL;
	*ret = TAKE_PTR(timer);
	return 0;
}

int
loop_timer_arm(struct loop_timer *timer, uint64_t in_usec)
{
	struct timeval tv;

	loop_timer_disarm(timer);
	if (in_usec == USEC_INFINITY)
		return 0;
	tv = (struct timeval){
		.tv_sec = (time_t)(in_usec / USEC_PER_SEC),
		.tv_usec = (suseconds_t)(in_usec % USEC_PER_SEC),
	};
	return evtimer_add(&timer->event, &tv) < 0 ? -ENOMEM : 0;
}

void
loop_timer_disarm(struct loop_timer *timer)
{
	(void)evtimer_del(&timer->event);
}

void
loop_timer_free(struct loop_timer *timer)
{
	if (!timer)
		return;
	loop_timer_disarm(timer);
	free(timer);
}

static void
on_io(evutil_socket_t fd, short what, void *userdata)
{
	struct loop_io *io = userdata;
	unsigned events = 0;

	if (what & EV_READ)
		events |= LOOP_READ;
	if (what & EV_WRITE)
		events |= LOOP_WRITE;
	io->fn((int)fd, events, io->userdata);
}

static int
io_arm(struct loop_io *io, unsigned events)
{
	short what = EV_PERSIST;

	io->events = events;
	if (events == 0)
		return 0;
	if (events & LOOP_READ)
		what |= EV_READ;
	if (events & LOOP_WRITE)
		what |= EV_WRITE;
	if (event_assign(&io->event, io->loop->base, io->fd, what, on_io, io) < 0 ||
	    event_priority_set(&io->event, io->priority) < 0)
		return -EINVAL;
	/* epoll has no say about regular files: EPERM. */
	errno = 0;
	if (event_add(&io->event, NULL) < 0) {
		io->events = 0;
		return errno > 0 ? -errno : -ENOMEM;
	}
	return 0;
}

int
loop_io_new(struct loop *loop, enum loop_priority priority, int fd, unsigned events,
    loop_io_fn fn, void *userdata, struct loop_io **ret)
{
	_cleanup_free_ struct loop_io *io = calloc(1, sizeof(*io));
	int r;

	if (!io)
		return -ENOMEM;
	io->loop = loop;
	io->priority = (int)priority;
	io->fd = fd;
	io->fn = fn;
	io->userdata = userdata;
	r = io_arm(io, events);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(io);
	return 0;
}

int
loop_io_set_events(struct loop_io *io, unsigned events)
{
	if (events == io->events)
		return 0;
	if (io->events != 0)
		(void)event_del(&io->event);
	return io_arm(io, events);
}

void
loop_io_free(struct loop_io *io)
{
	if (!io)
		return;
	if (io->events != 0)
		(void)event_del(&io->event);
	free(io);
}
