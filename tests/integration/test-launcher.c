/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>

#include "daemon/busloop.h"
#include "daemon/launcher.h"
#include "daemon/loop.h"
#include "lib/log.h"
#include "lib/report.h"
#include "lib/text.h"
#include "tests/integration/fake-systemd1.h"
#include "tests/integration/harness.h"
#include "tests/integration/private-bus.h"

#define ID	 "20261123T142752Z-0007-e585a599"
#define OTHER_ID "20261123T142752Z-0008-e585a599"
#define UNIT	 "microshift-support-capture@" ID ".service"
#define STATE(active, job)                                                                     \
 "{\"ActiveState\":[\"s\",\"" active "\"],\"Job\":[\"(uo)\",[" job ",\"/\"]]}"

struct test {
	struct private_bus bus;
	struct loop *loop;
	struct busloop *busloop;
	struct fake *fake;
	struct launcher *launcher;
	unsigned n_ends;
	char result[STATE_NAME_BYTES];
	bool is_restarting; /* the capture is started again when it ends */
};

static void
on_end(const char *id, const char *job_result, void *userdata)
{
	struct test *t = userdata;

	assert(streq(id, ID));
	text_copy(t->result, sizeof(t->result), job_result);
	t->n_ends++;
	if (t->is_restarting)
		ok_int(launcher_start(t->launcher, id), 0, "it can be started again at once");
	t->is_restarting = false;
}

static bool
has_ended(void *userdata)
{
	return ((struct test *)userdata)->n_ends > 0;
}

static bool
is_connected(void *userdata)
{
	return busloop_is_connected(((struct test *)userdata)->busloop);
}

static bool
is_disconnected(void *userdata)
{
	return !is_connected(userdata);
}

static bool
is_started(void *userdata)
{
	return fake_calls(((struct test *)userdata)->fake)->start > 0;
}

static bool
is_looked_at(void *userdata)
{
	return fake_calls(((struct test *)userdata)->fake)->read > 0;
}

/* A service manager that has seen nothing yet. */
static void
fresh(struct test *t)
{
	fake_free(t->fake);
	t->fake = fake_new(t->loop);
	t->n_ends = 0;
	t->result[0] = '\0';
}

static void
expect_end(struct test *t, const char *want, const char *name)
{
	(void)run_until(t->loop, has_ended, t);
	ok_str(t->result, want, "%s", name);
	ok_int(launcher_count(t->launcher), 0, "and is not followed any more");
	run_for(t->loop, 30 * USEC_PER_MSEC);
	ok_int(t->n_ends, 1, "the end is told once");
}

static void
start(struct test *t)
{
	fresh(t);
	ok_int(launcher_start(t->launcher, ID), 0, "started");
	assert(run_until(t->loop, is_started, t));
	fake_set(t->fake, UNIT, STATE("activating", "1"));
}

static void
test_start(struct test *t)
{
	start(t);
	ok_str(fake_calls(t->fake)->unit, UNIT, "the unit of the report");
	ok_str(fake_calls(t->fake)->mode, "fail", "pushes no other job aside");
	ok_int(launcher_start(t->launcher, ID), -EALREADY, "not twice");
	ok_int(launcher_adopt(t->launcher, ID), -EALREADY, "nor adopted");
	fake_send_job_removed(t->fake, 2, "microshift.service", "failed");
	fake_send_job_removed(
	    t->fake, 3, "microshift-support-capture@" OTHER_ID ".service", "done");
	run_for(t->loop, 30 * USEC_PER_MSEC);
	ok_int(t->n_ends, 0, "jobs of others are no end");
	fake_send_job_removed(t->fake, 1, UNIT, "done");
	expect_end(t, "done", "the end of its job is");
	ok_int(fake_calls(t->fake)->read, 0, "which needs no look at the unit");

	start(t);
	fake_send_job_removed(t->fake, 1, UNIT, "failed");
	expect_end(t, "failed", "a capture that fails");

	start(t);
	t->is_restarting = true;
	fake_send_job_removed(t->fake, 1, UNIT, "done");
	assert(run_until(t->loop, has_ended, t));
	t->n_ends = 0;
	fake_send_job_removed(t->fake, 2, UNIT, "done");
	expect_end(t, "done", "started in the callback of its end");
}

static void
test_refused(struct test *t)
{
	fresh(t);
	fake_set_error(t->fake, "org.freedesktop.systemd1.NoSuchUnit");
	ok_int(launcher_start(t->launcher, ID), 0, "the start is sent");
	expect_end(t, LAUNCHER_RESULT_REFUSED, "and refused");
	ok_int(launcher_start(t->launcher, "../x"), -EINVAL, "not an ID");
	ok_int(launcher_cancel(t->launcher, ID), -ENOENT, "nothing to cancel");
}

static void
test_cancel(struct test *t)
{
	start(t);
	ok_int(launcher_cancel(t->launcher, ID), 0, "stopped");
	fake_set(t->fake, UNIT, STATE("deactivating", "2"));
	fake_send_job_removed(t->fake, 1, UNIT, "canceled");
	assert(run_until(t->loop, is_looked_at, t));
	run_for(t->loop, 30 * USEC_PER_MSEC);
	ok_int(t->n_ends, 0, "it has not ended while it salvages");
	ok_int(fake_calls(t->fake)->stop, 1, "StopUnit was called");
	fake_set(t->fake, UNIT, STATE("inactive", "0"));
	fake_send_job_removed(t->fake, 2, UNIT, "done");
	expect_end(t, "canceled", "then it has");

	start(t);
	fake_set(t->fake, UNIT, STATE("failed", "0"));
	fake_send_job_removed(t->fake, 1, UNIT, "canceled");
	expect_end(t, "canceled", "stopped by somebody else, with nothing to salvage");
}

static void
test_adopt(struct test *t)
{
	fresh(t);
	ok_int(launcher_adopt(t->launcher, ID), 0, "adopted, but it does not run");
	expect_end(t, LAUNCHER_RESULT_GONE, "is gone");

	fresh(t);
	fake_set(t->fake, UNIT, STATE("activating", "1"));
	ok_int(launcher_adopt(t->launcher, ID), 0, "adopted, and runs");
	assert(run_until(t->loop, is_looked_at, t));
	run_for(t->loop, 30 * USEC_PER_MSEC);
	ok_int(t->n_ends, 0, "is followed");
	fake_send_job_removed(t->fake, 1, UNIT, "done");
	expect_end(t, "done", "to its end");

	fresh(t);
	fake_set(t->fake, UNIT, STATE("inactive", "1"));
	ok_int(launcher_adopt(t->launcher, ID), 0, "adopted before its job runs");
	assert(run_until(t->loop, is_looked_at, t));
	run_for(t->loop, 30 * USEC_PER_MSEC);
	ok_int(t->n_ends, 0, "is not taken for ended");
	fake_send_job_removed(t->fake, 1, UNIT, "failed");
	expect_end(t, "failed", "until it has");
}

static void
stop_bus(struct test *t)
{
	private_bus_stop(&t->bus);
	assert(run_until(t->loop, is_disconnected, t));
}

/* STATE is what is left of the capture when the bus is back. */
static void
start_bus(struct test *t, const char *state)
{
	fake_free(TAKE_PTR(t->fake));
	private_bus_start(&t->bus);
	t->fake = fake_new(t->loop);
	fake_set(t->fake, UNIT, state);
	assert(run_until(t->loop, is_connected, t));
}

static void
test_bus_restart(struct test *t)
{
	start(t);
	stop_bus(t);
	ok_int(t->n_ends, 0, "a capture goes on without the bus");
	ok_int(launcher_cancel(t->launcher, ID), -ENOTCONN, "but cannot be stopped");
	start_bus(t, STATE("inactive", "0"));
	expect_end(t, LAUNCHER_RESULT_GONE, "it ended meanwhile");

	start(t);
	stop_bus(t);
	start_bus(t, STATE("activating", "1"));
	assert(run_until(t->loop, is_looked_at, t));
	fake_send_job_removed(t->fake, 1, UNIT, "done");
	expect_end(t, "done", "it still runs when the bus is back");

	fresh(t);
	fake_set_mute(t->fake, true);
	ok_int(launcher_start(t->launcher, ID), 0, "the answer to the start is lost");
	run_for(t->loop, 30 * USEC_PER_MSEC);
	stop_bus(t);
	ok_int(t->n_ends, 0, "so it is not known");
	ok_int(launcher_start(t->launcher, OTHER_ID), -ENOTCONN, "no start without a bus");
	ok_int(launcher_count(t->launcher), 1, "and nothing to follow");
	start_bus(t, STATE("inactive", "0"));
	expect_end(t, LAUNCHER_RESULT_GONE, "looked at when the bus is back");

	fresh(t);
	stop_bus(t);
	ok_int(launcher_adopt(t->launcher, ID), 0, "adopted without a bus");
	start_bus(t, STATE("activating", "1"));
	assert(run_until(t->loop, is_looked_at, t));
	fake_send_job_removed(t->fake, 1, UNIT, "done");
	expect_end(t, "done", "followed when there is one");
}

static void
test_no_answer(struct test *t)
{
	busloop_set_call_timeout(t->busloop, 100 * USEC_PER_MSEC);
	fresh(t);
	fake_set_mute(t->fake, true);
	ok_int(launcher_start(t->launcher, ID), 0, "a start that is not answered");
	run_for(t->loop, 150 * USEC_PER_MSEC);
	fake_set_mute(t->fake, false);
	fake_set(t->fake, UNIT, STATE("activating", "1"));
	assert(run_until(t->loop, is_looked_at, t));
	ok_int(t->n_ends, 0, "may have been done all the same");
	fake_send_job_removed(t->fake, 1, UNIT, "done");
	expect_end(t, "done", "and was");
}

int
main(void)
{
	struct test t = { 0 };

	if (!private_bus_is_possible()) {
		tap_skip("dbus-daemon is not installed");
		return tap_done();
	}
	log_set_sink(LOG_SINK_NONE);
	private_bus_init(&t.bus);
	private_bus_start(&t.bus);
	assert(loop_new(&t.loop) == 0 && busloop_new(t.loop, &t.busloop) == 0);
	assert(launcher_new(t.busloop, on_end, &t, &t.launcher) == 0);
	ok_int(launcher_start(t.launcher, ID), -ENOTCONN, "no bus yet");
	t.fake = fake_new(t.loop);
	assert(run_until(t.loop, is_connected, &t));

	test_start(&t);
	test_refused(&t);
	test_cancel(&t);
	test_adopt(&t);
	test_bus_restart(&t);
	test_no_answer(&t);

	/* One that runs is left alone. */
	start(&t);
	launcher_free(t.launcher);
	ok_int(fake_calls(t.fake)->stop, 0, "captures outlive the launcher");
	fake_free(t.fake);
	busloop_free(t.busloop);
	loop_free(t.loop);
	private_bus_done(&t.bus);
	return tap_done();
}
