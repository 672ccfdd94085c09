/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/loop.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/log.h"

struct test {
	struct loop *loop;
	struct loop_timer *timer;
	struct loop_io *io;
	int fd;
	unsigned count;
	unsigned events;
	char order[16];
	size_t n_order;
};

static void
put(struct test *t, char c)
{
	assert(t->n_order < sizeof(t->order) - 1);
	t->order[t->n_order++] = c;
}

static void
on_exit_timer(void *userdata)
{
	loop_exit(userdata, 7);
}

static void
on_again(void *userdata)
{
	struct test *t = userdata;

	if (++t->count < 3)
		assert(loop_timer_arm(t->timer, 1000) == 0);
	else
		loop_exit(t->loop, 0);
}

static void
on_never(void *userdata)
{
	(void)userdata;
	ok(false, "a disarmed timer fired");
}

static void
test_timers(void)
{
	_cleanup_(loop_freep) struct loop *loop = NULL;
	_cleanup_(loop_timer_freep) struct loop_timer *end = NULL;
	_cleanup_(loop_timer_freep) struct loop_timer *never = NULL;
	_cleanup_(loop_timer_freep) struct loop_timer *again = NULL;
	struct test t = { 0 };
	uint64_t begin = clock_monotonic_usec();

	ok_int(loop_new(&loop), 0, "a loop");
	assert(loop_timer_new(loop, LOOP_PRIORITY_CLIENT, on_exit_timer, loop, &end) == 0);
	assert(loop_timer_new(loop, LOOP_PRIORITY_IDLE, on_never, NULL, &never) == 0);
	assert(loop_timer_arm(never, 1000) == 0);
	loop_timer_disarm(never);
	assert(loop_timer_arm(end, 0) == 0);
	assert(loop_timer_arm(end, 50000) == 0);
	ok_int(loop_run(loop), 7, "loop_run() returns the code of loop_exit()");
	ok(clock_monotonic_usec() - begin >= 40000, "an armed timer is moved, not doubled");

	assert(loop_timer_arm(never, 1000) == 0);
	assert(loop_timer_arm(never, USEC_INFINITY) == 0);
	t.loop = loop;
	assert(loop_timer_new(loop, LOOP_PRIORITY_CLIENT, on_again, &t, &again) == 0);
	t.timer = again;
	assert(loop_timer_arm(again, 0) == 0);
	ok_int(loop_run(loop), 0, "the loop can run again");
	ok_int(t.count, 3, "a timer arms itself in its callback");

	loop_exit(loop, 5);
	ok_int(loop_run(loop), 5, "an exit before the run counts too");
}

static void
on_free_timer(void *userdata)
{
	struct test *t = userdata;

	loop_timer_free(TAKE_PTR(t->timer));
	t->count++;
	loop_exit(t->loop, 0);
}

static void
on_free_io(int fd, unsigned events, void *userdata)
{
	struct test *t = userdata;

	(void)fd;
	t->events = events;
	loop_io_free(TAKE_PTR(t->io));
	t->count++;
	loop_exit(t->loop, 0);
}

static void
test_free_in_callback(void)
{
	_cleanup_(loop_freep) struct loop *loop = NULL;
	_cleanup_close_ int reader = -EBADF;
	_cleanup_close_ int writer = -EBADF;
	struct test t = { 0 };
	int fds[2];

	assert(loop_new(&loop) == 0 && pipe2(fds, O_CLOEXEC) == 0);
	reader = fds[0];
	writer = fds[1];
	t.loop = loop;
	assert(loop_timer_new(loop, LOOP_PRIORITY_CLIENT, on_free_timer, &t, &t.timer) == 0);
	assert(loop_timer_arm(t.timer, 0) == 0);
	assert(loop_run(loop) == 0);
	ok_int(t.count, 1, "a timer is freed in its own callback");

	assert(loop_io_new(
		   loop, LOOP_PRIORITY_CLIENT, reader, LOOP_READ, on_free_io, &t, &t.io) == 0);
	assert(write(writer, "x", 1) == 1);
	assert(loop_run(loop) == 0);
	ok_int(t.count, 2, "and so is an io");
	ok_int(t.events, LOOP_READ, "which was told what is ready");
}

static void
on_io(int fd, unsigned events, void *userdata)
{
	struct test *t = userdata;

	t->fd = fd;
	t->events |= events;
	t->count++;
	if (events & LOOP_WRITE)
		assert(loop_io_set_events(t->io, LOOP_READ) == 0);
	if (t->count == 3)
		loop_exit(t->loop, 0);
}

static void
test_io(void)
{
	_cleanup_(loop_freep) struct loop *loop = NULL;
	_cleanup_(loop_timer_freep) struct loop_timer *end = NULL;
	_cleanup_(loop_io_freep) struct loop_io *io = NULL;
	_cleanup_close_ int a = -EBADF;
	_cleanup_close_ int b = -EBADF;
	struct loop_io *none = NULL;
	struct test t = { 0 };
	int fds[2];

	assert(loop_new(&loop) == 0);
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	a = fds[0];
	b = fds[1];
	t.loop = loop;
	assert(loop_io_new(loop, LOOP_PRIORITY_CLIENT, a, 0, on_io, &t, &io) == 0);
	t.io = io;
	assert(loop_timer_new(loop, LOOP_PRIORITY_IDLE, on_exit_timer, loop, &end) == 0);
	assert(loop_timer_arm(end, 10000) == 0);
	assert(loop_run(loop) == 7);
	ok_int(t.count, 0, "an io without events waits for nothing");

	assert(write(b, "xx", 2) == 2);
	assert(loop_io_set_events(io, LOOP_READ | LOOP_WRITE) == 0);
	ok_int(loop_run(loop), 0, "ready until it is read");
	ok_int(t.fd, a, "the descriptor is told");
	ok_int(t.events, LOOP_READ | LOOP_WRITE, "both directions");

	(void)close_fd(fds[0] = open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
	ok_int(loop_io_new(loop, LOOP_PRIORITY_CLIENT, fds[0], LOOP_READ, on_io, &t, &none),
	    -EBADF, "a closed descriptor is refused");
	ok(!none, "and nothing is made");
}

static void
on_low(void *userdata)
{
	struct test *t = userdata;

	put(t, 'i');
	loop_exit(t->loop, 0);
}

static void
on_bus(int fd, unsigned events, void *userdata)
{
	struct test *t = userdata;
	char c;

	(void)events;
	assert(read(fd, &c, 1) == 1);
	put(t, 'b');
}

static void
on_deadline(void *userdata)
{
	put(userdata, 'd');
}

static void
on_signal(int signo, void *userdata)
{
	struct test *t = userdata;

	put(t, signo == SIGUSR1 ? '1' : '2');
}

static void
test_priorities(void)
{
	_cleanup_(loop_freep) struct loop *loop = NULL;
	_cleanup_(loop_timer_freep) struct loop_timer *low = NULL;
	_cleanup_(loop_timer_freep) struct loop_timer *deadline = NULL;
	_cleanup_(loop_io_freep) struct loop_io *bus = NULL;
	_cleanup_close_ int reader = -EBADF;
	_cleanup_close_ int writer = -EBADF;
	struct test t = { 0 };
	int fds[2];

	assert(loop_new(&loop) == 0 && pipe2(fds, O_CLOEXEC) == 0);
	reader = fds[0];
	writer = fds[1];
	t.loop = loop;
	assert(loop_timer_new(loop, LOOP_PRIORITY_IDLE, on_low, &t, &low) == 0);
	assert(loop_io_new(loop, LOOP_PRIORITY_BUS, reader, LOOP_READ, on_bus, &t, &bus) == 0);
	assert(loop_timer_new(loop, LOOP_PRIORITY_DEADLINE, on_deadline, &t, &deadline) == 0);
	assert(loop_timer_arm(low, 0) == 0 && loop_timer_arm(deadline, 0) == 0);
	assert(write(writer, "xx", 2) == 2);
	assert(loop_run(loop) == 0);
	ok_str(t.order, "dbbi", "what is urgent goes first, and is drained");

	t.n_order = 0;
	memset(t.order, 0, sizeof(t.order));
	ok_int(loop_add_signal(loop, SIGUSR1, on_signal, &t), 0, "a signal");
	ok_int(loop_add_signal(loop, SIGUSR2, on_signal, &t), 0, "and another");
	assert(raise(SIGUSR2) == 0 && raise(SIGUSR1) == 0);
	assert(loop_timer_arm(low, 10000) == 0);
	assert(loop_run(loop) == 0);
	ok(t.n_order == 3 && strchr(t.order, '1') && strchr(t.order, '2'),
	    "signals arrive in the loop ('%s')", t.order);
}

/* Voluntary context switches are wake-ups of a process that waits. */
static long
wakeups(void)
{
	struct rusage usage;

	assert(getrusage(RUSAGE_SELF, &usage) == 0);
	return usage.ru_nvcsw;
}

static void
test_idle(void)
{
	_cleanup_(loop_freep) struct loop *loop = NULL;
	_cleanup_(loop_timer_freep) struct loop_timer *end = NULL;
	long before;

	assert(loop_new(&loop) == 0);
	assert(loop_timer_new(loop, LOOP_PRIORITY_IDLE, on_exit_timer, loop, &end) == 0);
	assert(loop_timer_arm(end, 200000) == 0);
	before = wakeups();
	assert(loop_run(loop) == 7);
	ok(wakeups() - before <= 3, "nothing wakes up in between (%ld)", wakeups() - before);
}

int
main(void)
{
	log_set_sink(LOG_SINK_NONE);
	test_timers();
	test_free_in_callback();
	test_io();
	test_priorities();
	test_idle();
	return tap_done();
}
