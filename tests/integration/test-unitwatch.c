/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>

#include "daemon/busloop.h"
#include "daemon/loop.h"
#include "daemon/unitwatch.h"
#include "lib/log.h"
#include "lib/text.h"
#include "tests/integration/fake-systemd1.h"
#include "tests/integration/harness.h"
#include "tests/integration/private-bus.h"
#include "tests/lib/signals.h"

#define UNIT "microshift.service"

/* A unit that runs; the invocation is 16 times BYTE. */
#define PROPERTIES(load, active, sub, byte, result, n_restarts)                                \
 "{\"LoadState\":[\"s\",\"" load "\"],\"ActiveState\":[\"s\",\"" active                        \
 "\"],\"SubState\":[\"s\",\"" sub "\"],\"InvocationID\":[\"ay\",[" byte "," byte "," byte      \
 "," byte "," byte "," byte "," byte "," byte "," byte "," byte "," byte "," byte "," byte     \
 "," byte "," byte "," byte "]],\"Job\":[\"(uo)\",[0,\"/\"]],\"Result\":[\"s\",\"" result      \
 "\"],\"NRestarts\":[\"u\"," n_restarts "]}"
#define RUNNING(byte, n_restarts)                                                              \
 PROPERTIES("loaded", "active", "running", byte, "success", n_restarts)
#define FAILED(byte) PROPERTIES("loaded", "failed", "failed", byte, "signal", "0")

struct test {
	struct private_bus bus;
	struct loop *loop;
	struct busloop *busloop;
	struct fake *fake;
	struct unitwatch *watch;
	bool is_ready;
	char load_state[STATE_NAME_BYTES];
	char sub_state[STATE_NAME_BYTES];
	unsigned n_states;
	char text[4096];
	const char *want;
	unsigned want_reads;
};

static void
on_run_event(const struct run_event *event, void *userdata)
{
	struct test *t = userdata;
	size_t used = strlen(t->text);

	(void)snprintf(t->text + used, sizeof(t->text) - used, "%s %.4s%s%s%s\n",
	    run_event_type_to_string(event->type), event->event.invocation_id,
	    event->type == RUN_ENDED ? " " : "",
	    event->type == RUN_ENDED ? event->event.result : "",
	    event->is_requested ? " requested" : "");
}

static void
on_ready(void *userdata)
{
	struct test *t = userdata;

	ok(!t->is_ready, "ready is told once");
	t->is_ready = true;
}

static void
on_state(const char *unit, const struct unit_snapshot *snapshot, void *userdata)
{
	struct test *t = userdata;

	assert(streq(unit, UNIT));
	text_copy(t->load_state, sizeof(t->load_state), snapshot->load_state);
	text_copy(t->sub_state, sizeof(t->sub_state), snapshot->sub_state);
	t->n_states++;
}

static const struct unitwatch_handlers handlers = {
	.on_run_event = on_run_event,
	.on_ready = on_ready,
	.on_state = on_state,
};

static bool
is_ready(void *userdata)
{
	return ((struct test *)userdata)->is_ready;
}

static bool
is_told(void *userdata)
{
	struct test *t = userdata;

	return strlen(t->text) >= strlen(t->want);
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
is_read(void *userdata)
{
	struct test *t = userdata;

	return fake_calls(t->fake)->read >= t->want_reads;
}

static void
start_watch(struct test *t)
{
	const char *const units[] = { UNIT, NULL };

	t->is_ready = false;
	t->text[0] = '\0';
	assert(unitwatch_start(t->busloop, units, &handlers, t, &t->watch) == 0);
}

static void
restart_watch(struct test *t, const char *properties)
{
	unitwatch_stop(TAKE_PTR(t->watch));
	fake_set(t->fake, UNIT, properties);
	start_watch(t);
	ok(run_until(t->loop, is_ready, t), "it becomes ready");
	ok_str(t->text, "", "and tells nothing about what was before");
}

static void
expect(struct test *t, const char *want, const char *name)
{
	t->want = want;
	(void)run_until(t->loop, is_told, t);
	ok_str(t->text, want, "%s", name);
	t->text[0] = '\0';
}

static void
expect_reads(struct test *t, unsigned n, const char *name)
{
	t->want_reads = n;
	(void)run_until(t->loop, is_read, t);
	run_for(t->loop, 50 * USEC_PER_MSEC);
	ok_int(fake_calls(t->fake)->read, n, "%s", name);
}

static void
test_absent(struct test *t)
{
	start_watch(t);
	ok(run_until(t->loop, is_ready, t), "ready although the unit is not installed");
	ok_str(t->load_state, "not-found", "which its state says");
	ok_int(fake_calls(t->fake)->subscribe, 1, "it has subscribed");
	ok_int(fake_calls(t->fake)->read, 1, "and read once");
	fake_change(t->fake, UNIT, RUNNING("170", "0"));
	expect(t, "started aaaa\nready aaaa\n", "installed and started later");
}

static void
on_recorded(const cJSON *signal, void *userdata)
{
	struct test *t = userdata;

	fake_send(t->fake, UNIT, signal);
}

/* Only the first: what the unit was before is made of it. */
static void
on_recorded_first(const cJSON *signal, void *userdata)
{
	struct test *t = userdata;

	if (t->n_states > 0 || !signal_interface(signal) ||
	    !streq(signal_interface(signal), "Unit"))
		return;
	fake_learn(t->fake, UNIT, signal);
	t->n_states++;
}

static void
check_recording(struct test *t, const char *name, const char *state, const char *want)
{
	_cleanup_free_ char *before = text_format(
	    "{\"ActiveState\":[\"s\",\"%s\"],\"SubState\":[\"s\",\"%s\"],\"Job\":[\"(uo)\",[0,"
	    "\"/\"]],\"Result\":[\"s\",\"success\"],\"ExecMainExitTimestamp\":[\"t\",1]}",
	    state, streq(state, "active") ? "running" : state);

	assert(before);
	t->n_states = 0;
	signals_for_each(name, on_recorded_first, t);
	restart_watch(t, before);
	signals_for_each(name, on_recorded, t);
	expect(t, want, name);
}

static void
test_recordings(struct test *t)
{
	check_recording(t, "systemd252/sigkill.jsonl", "active",
	    "ended c5b6 signal\nstarted f429\nready f429\n");
	check_recording(
	    t, "systemd252/systemctl-stop.jsonl", "active", "ended e585 exit-code requested\n");
	check_recording(t, "systemd252/bad-config-start-limit.jsonl", "failed",
	    "started 769c\nended 769c exit-code\nstarted 0dfa\nended 0dfa exit-code\n"
	    "started d1bb\nended d1bb exit-code\nstarted d61b\nended d61b exit-code\n"
	    "started ece1\nended ece1 exit-code\nfinal ece1\n");
	check_recording(t, "systemd257/sigkill.jsonl", "active",
	    "ended 91c0 signal\nstarted 994c\nended 994c signal\nstarted f3d7\nready "
	    "f3d7\n");
	/* The daemon-reload is in there, too. */
	check_recording(t, "systemd257/daemon-reload-in-restart.jsonl", "active",
	    "ended 7e6b signal\nstarted be26\nready be26\n");
}

static void
test_final(struct test *t)
{
	restart_watch(t, RUNNING("171", "0"));
	fake_change(t->fake, UNIT, FAILED("171"));
	expect(t, "ended abab signal\nfinal abab\n", "what stays failed has failed for good");

	restart_watch(t, RUNNING("172", "0"));
	fake_change(t->fake, UNIT, FAILED("172"));
	fake_change(t->fake, UNIT,
	    PROPERTIES("loaded", "activating", "auto-restart", "172", "signal", "0"));
	run_for(t->loop, 2 * RUNTRACK_SETTLE_USEC);
	expect(t, "ended acac signal\n", "what is restarted has not");
}

static void
test_rereads(struct test *t)
{
	unsigned n;

	restart_watch(t, RUNNING("173", "0"));
	n = fake_calls(t->fake)->read;
	fake_send_unit_new(t->fake, UNIT);
	expect_reads(t, n, "UnitNew alone is no reason to read");
	fake_send_reloading(t->fake, true);
	expect_reads(t, n, "nor is the begin of a daemon-reload");
	fake_set(t->fake, UNIT, RUNNING("174", "1"));
	fake_send_reloading(t->fake, false);
	expect_reads(t, n + 1, "its end is");
	expect(t, "ended adad \nstarted aeae\nready aeae\n",
	    "and what happened meanwhile is found");
	fake_send_unit_new(t->fake, UNIT);
	expect_reads(t, n + 2, "so is the first UnitNew after it");
	fake_send_unit_new(t->fake, UNIT);
	fake_send_unit_new(t->fake, UNIT);
	expect_reads(t, n + 2, "but no other: two who read would keep each other busy");
}

static void
test_reexec(struct test *t)
{
	fake_free(t->fake);
	t->fake = fake_new(t->loop);
	fake_set(t->fake, UNIT, RUNNING("175", "2"));
	expect(t, "ended aeae \nstarted afaf\nready afaf\n",
	    "a service manager with a new connection is read again");
	ok_int(fake_calls(t->fake)->subscribe, 1, "and subscribed to");
}

static void
test_bus_restart(struct test *t)
{
	private_bus_stop(&t->bus);
	ok(run_until(t->loop, is_disconnected, t), "the bus goes");
	fake_free(TAKE_PTR(t->fake));
	private_bus_start(&t->bus);
	t->fake = fake_new(t->loop);
	fake_set(t->fake, UNIT, RUNNING("176", "3"));
	expect(t, "ended afaf \nstarted b0b0\nready b0b0\n",
	    "an end while the bus was away is found");
	ok(is_connected(t), "it is connected again");
	fake_change(t->fake, UNIT, FAILED("176"));
	t->want = "ended b0b0 signal\n";
	ok(run_until(t->loop, is_told, t), "and signals come again");
	t->text[0] = '\0';
}

static void
test_no_answer(struct test *t)
{
	uint64_t begin;

	unitwatch_stop(TAKE_PTR(t->watch));
	fake_set_mute(t->fake, true);
	busloop_set_call_timeout(t->busloop, 200 * USEC_PER_MSEC);
	start_watch(t);
	run_for(t->loop, USEC_PER_SEC);
	ok(!t->is_ready, "not ready without an answer");
	fake_set_mute(t->fake, false);
	begin = clock_monotonic_usec();
	ok(run_until(t->loop, is_ready, t), "asks again after the time-out of the call");
	ok(clock_monotonic_usec() - begin <= UNITWATCH_RETRY_USEC,
	    "which was delivered when it was due");
}

static void
test_error(struct test *t)
{
	unitwatch_stop(TAKE_PTR(t->watch));
	fake_set_error(t->fake, "org.freedesktop.DBus.Error.AccessDenied");
	start_watch(t);
	run_for(t->loop, 100 * USEC_PER_MSEC);
	ok(!t->is_ready, "not ready with an error");
	fake_set_error(t->fake, NULL);
	ok(run_until(t->loop, is_ready, t), "tries again");
}

static void
test_storm(struct test *t)
{
	restart_watch(t, RUNNING("177", "0"));
	t->n_states = 0;
	for (unsigned i = 0; i < 500; i++) {
		fake_change(t->fake, "other.service", FAILED("1"));
		fake_change(t->fake, UNIT, RUNNING("177", "0"));
	}
	fake_change(t->fake, UNIT, FAILED("177"));
	expect(t, "ended b1b1 signal\nfinal b1b1\n", "nothing is lost in a storm");
	ok(t->n_states <= 3, "what does not change is not told (%u)", t->n_states);
}

static void
test_state(struct test *t)
{
	struct runtrack_state states[2];

	restart_watch(t, RUNNING("178", "0"));
	ok_int(unitwatch_export(t->watch, states, 2), 1, "one unit is saved");
	ok_str(states[0].invocation_id, "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2", "with its run");
	unitwatch_stop(TAKE_PTR(t->watch));
	fake_set(t->fake, UNIT, RUNNING("179", "1"));
	start_watch(t);
	unitwatch_import(t->watch, states, 1);
	expect(t, "ended b2b2 \nstarted b3b3\nready b3b3\n",
	    "an end between two lives of the daemon is found");
}

static void
test_names(struct test *t)
{
	static const char *const bad[] = { "", ".service", "x", "a b.service", "x'.service",
		"x.timer", "../x.service", "x,y.service" };
	struct unitwatch *watch = NULL;

	for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
		const char *const units[] = { UNIT, bad[i], NULL };

		ok_int(unitwatch_start(t->busloop, units, &handlers, t, &watch), -EINVAL,
		    "'%s' is no service or scope", bad[i]);
	}
	ok(!watch, "and nothing is watched");
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
	assert(loop_new(&t.loop) == 0);
	assert(busloop_new(t.loop, &t.busloop) == 0);
	run_for(t.loop, 50 * USEC_PER_MSEC);
	ok(!is_connected(&t), "no bus yet");
	private_bus_start(&t.bus);
	t.fake = fake_new(t.loop);
	ok(run_until(t.loop, is_connected, &t), "connected as soon as there is one");

	test_absent(&t);
	test_recordings(&t);
	test_final(&t);
	test_rereads(&t);
	test_reexec(&t);
	test_bus_restart(&t);
	test_no_answer(&t);
	test_error(&t);
	test_storm(&t);
	test_state(&t);
	test_names(&t);

	unitwatch_stop(t.watch);
	fake_free(t.fake);
	busloop_free(t.busloop);
	loop_free(t.loop);
	private_bus_done(&t.bus);
	return tap_done();
}
