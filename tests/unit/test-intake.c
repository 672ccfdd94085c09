/* SPDX-License-Identifier: Apache-2.0 */

/* One end of a run is told by watcher, hook and inbox, in every order, and must give one
 * request. The bus is away here, so requests stay on disk as they were made. */

#include "tests/lib/tap.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <systemd/sd-id128.h>

#include "daemon/busloop.h"
#include "daemon/intake.h"
#include "daemon/limiter.h"
#include "daemon/loop.h"
#include "daemon/recorder.h"
#include "daemon/scheduler.h"
#include "daemon/spool.h"
#include "daemon/submit.h"
#include "lib/clock.h"
#include "lib/failure.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/settings.h"
#include "lib/text.h"
#include "tests/lib/tmpdir.h"

#define UNIT "microshift.service"
#define RUN1 "11111111111111111111111111111111"
#define RUN2 "22222222222222222222222222222222"

struct world {
	struct tmpdir tmp;
	struct settings *settings;
	struct loop *loop;
	struct busloop *busloop;
	struct spool *spool;
	struct scheduler *scheduler;
	struct intake *intake;
	struct recorder *recorder;
	struct loop_timer *stop;
	unsigned suppressed;
	unsigned confirmed;
	char message[REASON_BYTES]; /* of the last one */
	char boot_id[ID128_BYTES];
};

static void
on_capture(const struct request *req, enum capture_state state, const struct report *report,
    const char *message, void *userdata)
{
	(void)req;
	(void)state;
	(void)report;
	(void)message;
	(void)userdata;
}

static void
on_suppressed(const char *unit, const char *message, void *userdata)
{
	struct world *w = userdata;

	(void)unit;
	(void)message;
	w->suppressed++;
}

static void
on_confirmed(const char *message, void *userdata)
{
	struct world *w = userdata;

	w->confirmed++;
	text_copy(w->message, sizeof(w->message), message);
}

static void
on_stop(void *userdata)
{
	struct world *w = userdata;

	loop_exit(w->loop, 0);
}

static void
daemon_start(struct world *w)
{
	struct intake_handlers handlers = {
		.on_suppressed = on_suppressed,
		.on_confirmed = on_confirmed,
	};
	struct fault f = { 0 };

	assert(loop_new(&w->loop) == 0);
	assert(busloop_new(w->loop, &w->busloop) == 0);
	assert(spool_open(w->tmp.path, &w->spool, &f) == 0);
	assert(scheduler_new(w->spool, w->busloop, on_capture, w, &w->scheduler) == 0);
	assert(scheduler_recover(w->scheduler) == 0);
	assert(intake_new(w->loop, w->spool, w->scheduler, w->settings, &handlers, w,
		   &w->intake) == 0);
	assert(recorder_new(w->loop, "/", spool_state_fd(w->spool), &w->recorder) == 0);
	assert(recorder_configure(w->recorder, w->settings) == 0);
	submit_set_recorder(intake_submit(w->intake), w->recorder);
	assert(loop_timer_new(w->loop, LOOP_PRIORITY_IDLE, on_stop, w, &w->stop) == 0);
}

static void
daemon_stop(struct world *w)
{
	loop_timer_free(w->stop);
	intake_free(w->intake);
	recorder_free(w->recorder);
	scheduler_free(w->scheduler);
	spool_close(w->spool);
	busloop_free(w->busloop);
	loop_free(w->loop);
}

static struct world
world_make(void)
{
	struct world w = { .tmp = tmpdir_make() };
	sd_id128_t boot;

	assert(sd_id128_get_boot(&boot) == 0);
	(void)sd_id128_to_string(boot, w.boot_id);
	assert(settings_new(&w.settings) == 0);
	w.settings->keep_free_bytes = 0;
	return w;
}

static void
world_free(struct world *w)
{
	settings_free(w->settings);
	tmpdir_remove(&w->tmp);
}

static void
run_for(struct world *w, uint64_t usec)
{
	assert(loop_timer_arm(w->stop, usec) == 0);
	assert(loop_run(w->loop) == 0);
}

static void
unit_ends(struct world *w, const char *unit, const char *result, const char *invocation)
{
	struct run_event ev = { .type = RUN_ENDED, .event = { .was_ready = true } };

	text_copy(ev.event.unit, sizeof(ev.event.unit), unit);
	text_copy(ev.event.result, sizeof(ev.event.result), result);
	text_copy(ev.event.invocation_id, sizeof(ev.event.invocation_id), invocation);
	intake_on_run_event(w->intake, &ev);
}

static void
watcher_tells(struct world *w, const char *invocation, int status, bool requested)
{
	struct run_event ev = {
		.type = RUN_ENDED,
		.is_requested = requested,
		.event = {
			.unit = UNIT,
			.result = "exit-code",
			.exec_main_code = 1,
			.exec_main_status = status,
			.was_ready = true,
		},
	};

	text_copy(ev.event.invocation_id, sizeof(ev.event.invocation_id), invocation);
	intake_on_run_event(w->intake, &ev);
}

static void
unit_is(struct world *w, const char *state, const char *invocation)
{
	struct unit_snapshot snapshot = { 0 };

	text_copy(snapshot.active_state, sizeof(snapshot.active_state), state);
	text_copy(snapshot.invocation_id, sizeof(snapshot.invocation_id), invocation);
	intake_on_state(w->intake, UNIT, &snapshot);
}

static struct failure_notice
notice_of(const struct world *w, const char *invocation, const char *result)
{
	struct failure_notice n = { .unit = UNIT, .exit_code = "exited", .exit_status = "1" };

	text_copy(n.invocation_id, sizeof(n.invocation_id), invocation);
	text_copy(n.result, sizeof(n.result), result);
	text_copy(n.boot_id, sizeof(n.boot_id), w->boot_id);
	return n;
}

static void
hook_tells(struct world *w, const char *invocation, const char *result)
{
	struct failure_notice n = notice_of(w, invocation, result);

	intake_on_notice(w->intake, &n);
}

static void
hook_leaves(struct world *w, const char *invocation)
{
	struct failure_notice n = notice_of(w, invocation, "exit-code");
	_cleanup_free_ char *text = failure_notice_print(&n);
	_cleanup_free_ char *path = NULL;
	char name[FAILURE_NAME_BYTES];

	failure_notice_name(&n, name);
	path = text_format("inbox/%s", name);
	tmpdir_put(&w->tmp, path, text);
}

static void
check(struct world *w, const char *name, size_t requests, unsigned suppressed)
{
	ok_int(scheduler_count(w->scheduler), requests, "%s: requests", name);
	ok_int(w->suppressed, suppressed, "%s: only counted", name);
}

static void
test_orders(void)
{
	struct world w = world_make();
	const struct request *req;
	const char *history;

	daemon_start(&w);
	unit_is(&w, "failed", RUN1);
	watcher_tells(&w, RUN1, 1, false);
	hook_tells(&w, RUN1, "exit-code");
	watcher_tells(&w, RUN1, 1, false);
	check(&w, "watcher, hook, watcher again", 1, 0);
	req = scheduler_at(w.scheduler, 0);
	ok(req->source == SOURCE_WATCHER && req->trigger == TRIGGER_UNIT_FAILED && req->flash,
	    "the request is the watcher's and has a flash");
	ok(json_get_string(req->flash, FLASH_HISTORY_MEMBER, &history) == 1 &&
		text_has_prefix(history, "time,boot,"),
	    "with what the recorder has");
	ok(text_has_suffix(req->id, "-11111111"), "its ID ends with the run's");
	ok_str(limiter_find(intake_limiter(w.intake), req->key)->last_report, req->id,
	    "and its problem knows it");

	hook_tells(&w, RUN2, "exit-code");
	check(&w, "a hook alone waits for the watcher", 1, 0);
	watcher_tells(&w, RUN2, 2, false);
	run_for(&w, INTAKE_NOTICE_WAIT_USEC + 200 * USEC_PER_MSEC);
	check(&w, "hook, then watcher", 2, 0);
	ok(scheduler_at(w.scheduler, 1)->source == SOURCE_WATCHER, "with the watcher's facts");
	daemon_stop(&w);
	world_free(&w);
}

static void
test_hook_alone(void)
{
	struct world w = world_make();

	daemon_start(&w);
	unit_is(&w, "active", RUN2);
	hook_tells(&w, RUN1, "exit-code");
	run_for(&w, INTAKE_NOTICE_WAIT_USEC + 200 * USEC_PER_MSEC);
	check(&w, "a hook that nobody confirms", 1, 0);
	ok(scheduler_at(w.scheduler, 0)->source == SOURCE_HOOK, "is believed after the wait");

	watcher_tells(&w, RUN2, 1, true);
	hook_tells(&w, RUN2, "timeout");
	run_for(&w, INTAKE_NOTICE_WAIT_USEC + 200 * USEC_PER_MSEC);
	check(&w, "a stop that was asked for but ended in failure", 1, 0);
	daemon_stop(&w);
	world_free(&w);
}

static void
test_stale_variables(void)
{
	struct world w = world_make();

	daemon_start(&w);
	watcher_tells(&w, RUN1, 1, false);
	unit_is(&w, "activating", RUN2);
	hook_tells(&w, RUN2, "success");
	run_for(&w, INTAKE_NOTICE_WAIT_USEC + 200 * USEC_PER_MSEC);
	check(&w, "MONITOR_* of the run that follows", 1, 0);
	hook_tells(&w, RUN2, "success");
	run_for(&w, INTAKE_NOTICE_WAIT_USEC + 200 * USEC_PER_MSEC);
	check(&w, "once more, and that run still lives", 1, 0);
	daemon_stop(&w);
	world_free(&w);
}

static void
loop_tells(struct world *w, unsigned run, int status, uint64_t usec)
{
	char invocation[ID128_BYTES];

	(void)snprintf(invocation, sizeof(invocation), "%032u", run);
	clock_set_for_test(usec);
	watcher_tells(w, invocation, status, false);
	clock_set_for_test(USEC_INFINITY);
}

static void
test_crash_loop(void)
{
	const uint64_t start = clock_realtime_usec();
	struct world w = world_make();
	const struct request *req;
	uint64_t t = start;

	daemon_start(&w);
	loop_tells(&w, 1, 1, t);
	loop_tells(&w, 2, 2, t += USEC_PER_MINUTE);
	check(&w, "two ends, two problems", 2, 0);
	loop_tells(&w, 3, 2, t += USEC_PER_MINUTE);
	check(&w, "the third end within 10 minutes", 3, 0);
	req = scheduler_at(w.scheduler, 2);
	ok(req->trigger == TRIGGER_CRASH_LOOP && req->profile == PROFILE_CRASH &&
		req->event.exec_main_status == 2,
	    "is a crash loop");
	ok_str(req->reason, UNIT " exited with status 2; end 3 of a crash loop", "and says so");
	ok_int(limiter_find(intake_limiter(w.intake), req->key)->pause_usec, 6 * USEC_PER_HOUR,
	    "and rests for 6 hours");
	loop_tells(&w, 4, 255, t += USEC_PER_MINUTE);
	check(&w, "another problem within the loop is counted", 3, 1);

	daemon_stop(&w);
	daemon_start(&w);
	for (unsigned run = 5; t < start + USEC_PER_HOUR + USEC_PER_MINUTE; run++)
		loop_tells(&w, run, 1, t += USEC_PER_MINUTE);
	check(&w, "after a restart and within the hour too", 3, 59);
	loop_tells(&w, 99, 3, t += USEC_PER_MINUTE);
	check(&w, "an hour after it began", 4, 60);
	req = scheduler_at(w.scheduler, 3);
	ok(req->trigger == TRIGGER_CRASH_LOOP && req->profile == PROFILE_FLASH &&
		streq(req->key, scheduler_at(w.scheduler, 2)->key) && req->occurrences == 61,
	    "a flash of it");
	loop_tells(&w, 100, 3, t += USEC_PER_HOUR);
	check(&w, "a single end again", 5, 60);
	ok(scheduler_at(w.scheduler, 4)->trigger == TRIGGER_UNIT_FAILED, "is what it is");
	daemon_stop(&w);
	world_free(&w);
}

static void
test_loop_without_pause(void)
{
	struct world w = world_make();

	w.settings->cool_down_usec = 0;
	w.settings->burst = w.settings->max_per_hour;
	daemon_start(&w);
	for (unsigned run = 1; run <= 5; run++)
		loop_tells(&w, run, 1, clock_realtime_usec());
	check(&w, "CoolDownSec=0: each end of a loop", 5, 0);
	ok(scheduler_at(w.scheduler, 4)->trigger == TRIGGER_UNIT_FAILED, "is a single one");
	daemon_stop(&w);
	world_free(&w);
}

static void
test_flash_without_room(void)
{
	struct world w = world_make();
	uint64_t t = clock_realtime_usec();

	daemon_start(&w);
	w.settings->max_queued = 2;
	for (unsigned run = 1; run <= 61; run++)
		loop_tells(&w, run, 1, t += USEC_PER_MINUTE);
	check(&w, "the loop and its first end", 2, 59);
	for (unsigned run = 62; run <= 70; run++)
		loop_tells(&w, run, 1, t += USEC_PER_MINUTE);
	check(&w, "no flash while the queue is full", 2, 68);
	daemon_stop(&w);
	world_free(&w);
}

static void
test_neighbours(void)
{
	struct world w = world_make();
	const struct request *req;

	daemon_start(&w);
	unit_ends(&w, "crio.service", "success", "10000000000000000000000000000000");
	unit_ends(&w, "crio.service", "", "20000000000000000000000000000000");
	check(&w, "a neighbour that ended without a failure", 0, 0);
	unit_ends(&w, "crio.service", "exit-code", "30000000000000000000000000000000");
	check(&w, "a neighbour that failed", 1, 0);
	req = scheduler_at(w.scheduler, 0);
	ok(req->trigger == TRIGGER_NEIGHBOUR && req->profile == PROFILE_CRASH,
	    "has its trigger and profile");
	ok_int(limiter_find(intake_limiter(w.intake), req->key)->pause_usec,
	    30 * USEC_PER_MINUTE, "and pause");
	watcher_tells(&w, RUN1, 1, false);
	check(&w, "MicroShift, which failed for it, is another problem", 2, 0);
	ok(scheduler_at(w.scheduler, 1)->trigger == TRIGGER_UNIT_FAILED,
	    "with its own trigger");
	unit_ends(&w, "crio.service", "exit-code", "40000000000000000000000000000000");
	check(&w, "once more", 2, 1);

	assert(
	    settings_set(w.settings, "Watch", "Units", UNIT " openvswitch.service", NULL) == 0);
	assert(recorder_configure(w.recorder, w.settings) == 0);
	unit_ends(&w, "openvswitch.service", "exit-code", "50000000000000000000000000000000");
	check(&w, "as one of Units=", 3, 1);
	ok(scheduler_at(w.scheduler, 2)->trigger == TRIGGER_UNIT_FAILED,
	    "it has the triggers of those");
	daemon_stop(&w);
	world_free(&w);
}

/* Killed right after the request was on disk: no state.json of that moment. */
static void
test_restart(void)
{
	struct world w = world_make();
	_cleanup_free_ char *first = NULL;

	daemon_start(&w);
	watcher_tells(&w, RUN1, 1, false);
	first = strdup(scheduler_at(w.scheduler, 0)->id);
	daemon_stop(&w);
	assert(unlinkat(w.tmp.fd, "state.json", 0) == 0);
	hook_leaves(&w, RUN1);

	daemon_start(&w);
	check(&w, "after a restart without state", 1, 0);
	watcher_tells(&w, RUN1, 1, false);
	intake_read_inbox(w.intake);
	check(&w, "the same end by watcher and inbox", 1, 0);
	ok(faccessat(w.tmp.fd, "inbox/" RUN1 ".json", F_OK, 0) < 0, "the inbox is empty");
	watcher_tells(&w, RUN2, 2, false);
	ok(scheduler_count(w.scheduler) == 2 &&
		strcmp(scheduler_at(w.scheduler, 1)->id + 17, first + 17) > 0,
	    "sequence numbers go on: %s", scheduler_at(w.scheduler, 1)->id);
	hook_leaves(&w, "33333333333333333333333333333333");
	intake_read_inbox(w.intake);
	check(&w, "an end that only the inbox knows", 3, 0);
	ok(scheduler_at(w.scheduler, 2)->source == SOURCE_INBOX, "is believed");
	daemon_stop(&w);

	daemon_start(&w);
	watcher_tells(&w, "44444444444444444444444444444444", 1, false);
	check(&w, "pauses go on after a restart", 3, 1);
	daemon_stop(&w);
	world_free(&w);
}

static void
check_tells(struct world *w, const struct finding *findings, size_t n, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		intake_on_check(w->intake, findings, n);
}

static void
unit_is_up_for(struct world *w, uint64_t usec)
{
	struct unit_snapshot snapshot = {
		.active_state = "active",
		.active_enter_monotonic_usec = clock_monotonic_usec() - usec,
	};

	intake_on_state(w->intake, UNIT, &snapshot);
}

static void
test_findings(void)
{
	static const struct finding findings[] = {
		{ TRIGGER_CERTIFICATE, "/a.crt", "expired", "2026", "/a.crt expired." },
		{ TRIGGER_PRESSURE, "/var", "full", "", "/var is full." },
		{ TRIGGER_CERTIFICATE, "/b.crt", "expired", "2026", "/b.crt expired." },
	};
	struct world w = world_make();
	const struct request *req;

	daemon_start(&w);
	check_tells(&w, findings, 3, 2);
	check(&w, "found twice", 0, 0);
	check_tells(&w, findings, 3, 5);
	check(&w, "found for long: one request of each kind", 2, 0);
	ok_int(w.confirmed, 2, "and told as often");
	req = scheduler_at(w.scheduler, 0);
	ok(req->trigger == TRIGGER_CERTIFICATE && req->source == SOURCE_CHECK &&
		req->profile == PROFILE_CERT && req->flash && req->event.unit[0] == '\0',
	    "certificates have their profile, and a flash");
	ok_str(req->finding.subject, "/a.crt", "the worst one leads");
	ok_str(req->reason, "/a.crt expired. (and 1 more)", "and says that there are others");
	req = scheduler_at(w.scheduler, 1);
	ok(req->trigger == TRIGGER_PRESSURE && req->profile == PROFILE_PRESSURE,
	    "pressure too");
	ok_str(w.message, "/var is full.", "alone it needs no more words");

	check_tells(&w, NULL, 0, 1);
	check_tells(&w, findings, 2, 3);
	check(&w, "over, and back soon", 2, 2);
	ok_int(intake_suppressed(w.intake), 2, "are counted");

	daemon_stop(&w);
	daemon_start(&w);
	check_tells(&w, findings, 2, 5);
	check(&w, "after a restart it is known", 2, 2);
	daemon_stop(&w);
	world_free(&w);
}

static void
test_finding_in_the_queue(void)
{
	static const struct finding full = { TRIGGER_PRESSURE, "/var", "full", "",
		"/var is full." };
	struct world w = world_make();

	daemon_start(&w);
	watcher_tells(&w, RUN1, 1, false);
	w.settings->max_queued = 1;
	check_tells(&w, &full, 1, 5);
	check(&w, "no room for a finding", 1, 1);
	w.settings->max_queued = 2;
	check_tells(&w, &full, 1, 1);
	check(&w, "it lasts, there is room: captured", 2, 1);
	daemon_stop(&w);
	world_free(&w);
}

static void
test_liveness(void)
{
	static const struct finding dead = { TRIGGER_LIVENESS, "https://localhost:6443/readyz",
		"refused", "", "Nothing listens." };
	struct world w = world_make();

	daemon_start(&w);
	check_tells(&w, &dead, 1, 5);
	check(&w, "the unit is not known yet", 0, 0);
	unit_is(&w, "activating", RUN1);
	check_tells(&w, &dead, 1, 5);
	check(&w, "it is starting", 0, 0);
	w.settings->settle_usec = USEC_PER_HOUR;
	unit_is_up_for(&w, USEC_PER_MINUTE);
	check_tells(&w, &dead, 1, 5);
	check(&w, "it is not up for SettleSec=", 0, 0);
	w.settings->settle_usec = USEC_PER_SEC;
	check_tells(&w, &dead, 1, 5);
	check(&w, "now it is", 1, 0);
	ok(scheduler_at(w.scheduler, 0)->profile == PROFILE_STARTUP, "with its profile");
	w.settings->confirmations = 1;
	unit_is(&w, "inactive", RUN1);
	check_tells(&w, &dead, 1, 1);
	unit_is_up_for(&w, USEC_PER_MINUTE);
	check_tells(&w, &dead, 1, 1);
	check(&w, "the next run does the same: counted", 1, 1);
	daemon_stop(&w);
	world_free(&w);
}

/* A problem that is none of the others. */
static void
some_unit_ends(struct world *w, unsigned number)
{
	char unit[UNIT_NAME_BYTES];

	(void)snprintf(unit, sizeof(unit), "%u.service", number);
	unit_ends(w, unit, "exit-code", "");
}

static void
test_wishes(void)
{
	struct world w = world_make();
	char pattern[] = "shop-*";
	char *const patterns[] = { pattern, NULL };
	struct intake_wish wish = {
		.reason = "",
		.token = "t1",
		.uid = 7,
		.namespaces = patterns,
		.only_namespaces = true,
		.clean = true,
	};
	const struct request *queued;
	char id[REPORT_ID_BYTES];
	char again[REPORT_ID_BYTES];
	uint64_t retry = 0;
	struct fault f = { 0 };

	daemon_start(&w);
	ok_int(intake_wish(w.intake, &wish, id, &retry, &f), 0, "a wish");
	queued = scheduler_at(w.scheduler, 0);
	ok(queued->profile == PROFILE_FULL, "has the default profile");
	ok(strv_length(queued->namespaces) == 1 && streq(queued->namespaces[0], pattern) &&
		queued->only_namespaces,
	    "and the namespaces that it names");
	ok(queued->clean, "and is to be cleaned");
	ok(intake_wish(w.intake, &wish, again, &retry, &f) == 0 && streq(id, again),
	    "a token joins");
	wish.uid = 8;
	ok(intake_wish(w.intake, &wish, again, &retry, &f) == 0 && !streq(id, again),
	    "but not that of another user");
	wish.token = "";
	ok_int(intake_wish(w.intake, &wish, again, &retry, &f), 0, "third");
	ok_int(intake_wish(w.intake, &wish, again, &retry, &f), -EBUSY,
	    "INTAKE_MANUAL_MAX is reached");
	watcher_tells(&w, RUN1, 1, false);
	check(&w, "a failure still gets its request", 4, 0);
	for (unsigned i = 0; i < 8; i++)
		some_unit_ends(&w, i);
	check(&w, "Burst= holds", 6, 6);
	w.settings->burst = w.settings->max_per_hour = 1000;
	intake_configure(w.intake, w.settings, true);
	for (unsigned i = 100; i < 104; i++)
		some_unit_ends(&w, i);
	check(&w, "MaxQueued= holds", 8, 8);
	daemon_stop(&w);
	world_free(&w);
}

/* Each is cancelled at once, so that none waits. */
static int
wish_and_cancel(struct world *w, uid_t uid, uint64_t *ret_retry)
{
	struct intake_wish wish = { .reason = "", .token = "", .uid = uid };
	char id[REPORT_ID_BYTES];
	struct fault f = { 0 };
	int r = intake_wish(w->intake, &wish, id, ret_retry, &f);

	if (r >= 0)
		assert(scheduler_cancel(w->scheduler, id, "cancelled") == 0);
	return r;
}

static void
test_requests_per_hour(void)
{
	struct world w = world_make();
	uint64_t retry = 0;

	daemon_start(&w);
	for (unsigned i = 0; i < INTAKE_REQUESTS_BURST; i++)
		ok_int(wish_and_cancel(&w, 7, &retry), 0, "wish %u", i + 1);
	ok_int(wish_and_cancel(&w, 7, &retry), -EAGAIN, "MaxRequestsPerHour= holds");
	ok(retry > 0 && retry <= 2 * USEC_PER_MINUTE, "with the time to wait");
	ok_int(wish_and_cancel(&w, 0, &retry), 0, "not for root");
	ok_int((int)scheduler_count(w.scheduler), 0, "what is cancelled is gone");
	daemon_stop(&w);
	world_free(&w);
}

int
main(void)
{
	assert(setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1) == 0);
	log_set_sink(LOG_SINK_NONE);
	test_orders();
	test_hook_alone();
	test_stale_variables();
	test_crash_loop();
	test_loop_without_pause();
	test_flash_without_room();
	test_neighbours();
	test_restart();
	test_findings();
	test_finding_in_the_queue();
	test_liveness();
	test_wishes();
	test_requests_per_hour();
	return tap_done();
}
