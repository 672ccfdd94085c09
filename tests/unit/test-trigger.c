/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <signal.h>

#include "daemon/trigger.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/text.h"

static struct unit_event
sample(void)
{
	return (struct unit_event){
		.unit = "microshift.service",
		.result = "exit-code",
		.exec_main_code = CLD_EXITED,
		.exec_main_status = 1,
		.was_ready = true,
	};
}

static void
check_key(const char *name, const struct unit_event *a, const struct unit_event *b, bool same)
{
	char x[REPORT_KEY_BYTES];
	char y[REPORT_KEY_BYTES];

	trigger_key(trigger_classify(a), a, x);
	trigger_key(trigger_classify(b), b, y);
	ok(streq(x, y) == same, "%s: %s key", name, same ? "same" : "another");
}

static void
test_keys(void)
{
	struct unit_event a = sample();
	struct unit_event b = sample();
	char key[REPORT_KEY_BYTES];

	trigger_key(TRIGGER_UNIT_FAILED, &a, key);
	ok_str(key, "0e7317f59481a2e2", "the key is stable: old reports have it");

	text_copy(b.invocation_id, sizeof(b.invocation_id), "e585a59934ff4fa295c4aec47053fd1b");
	b.n_restarts = 9;
	b.is_final = true;
	check_key("another run of the loop", &a, &b, true);
	b = sample();
	b.exec_main_status = 2;
	check_key("another exit status", &a, &b, false);
	b = sample();
	b.exec_main_code = CLD_KILLED;
	check_key("a signal with the number of the status", &a, &b, false);
	b = sample();
	b.was_ready = false;
	check_key("another phase", &a, &b, false);
	b = sample();
	text_copy(b.unit, sizeof(b.unit), "crio.service");
	check_key("another unit", &a, &b, false);
	b = sample();
	text_copy(b.result, sizeof(b.result), "timeout");
	check_key("another result", &a, &b, false);
}

static void
test_neighbours(void)
{
	struct unit_event a = sample();
	struct unit_event b = sample();
	char x[REPORT_KEY_BYTES];
	char y[REPORT_KEY_BYTES];

	b.exec_main_status = 2;
	b.was_ready = false;
	trigger_key(TRIGGER_NEIGHBOUR, &a, x);
	trigger_key(TRIGGER_NEIGHBOUR, &b, y);
	ok_str(x, y, "of a neighbour, unit and result are the key");
	trigger_key(TRIGGER_UNIT_FAILED, &a, y);
	ok(!streq(x, y), "another one than if it were MicroShift's");
	text_copy(b.result, sizeof(b.result), "timeout");
	trigger_key(TRIGGER_NEIGHBOUR, &b, y);
	ok(!streq(x, y), "another result, another key");

	ok(trigger_is_failure(&a), "a failure");
	text_copy(b.result, sizeof(b.result), "success");
	ok(!trigger_is_failure(&b), "success is none");
	text_copy(b.result, sizeof(b.result), "");
	ok(!trigger_is_failure(&b), "nor is what nobody knows");
	ok(trigger_profile(TRIGGER_NEIGHBOUR) == PROFILE_CRASH &&
		trigger_pause_usec(TRIGGER_NEIGHBOUR) == 30 * USEC_PER_MINUTE &&
		trigger_pause_usec(TRIGGER_UNIT_FAILED) == 0,
	    "profile and pause");
}

static void
test_loop(void)
{
	struct unit_event ev = sample();
	char key[REPORT_KEY_BYTES];
	char other[REPORT_KEY_BYTES];
	char reason[REASON_BYTES];

	trigger_loop_key("0e7317f59481a2e2", key);
	trigger_loop_key("0e7317f59481a2e3", other);
	ok(!streq(key, "0e7317f59481a2e2") && !streq(key, other),
	    "a loop has its own key, from its most frequent one");
	trigger_describe_loop(&ev, 3, reason);
	ok_str(reason, "microshift.service exited with status 1; end 3 of a crash loop",
	    "described");
	ok(trigger_profile(TRIGGER_CRASH_LOOP) == PROFILE_CRASH &&
		trigger_pause_usec(TRIGGER_CRASH_LOOP) == 6 * USEC_PER_HOUR,
	    "profile and pause");
}

static struct finding
certificate(const char *path, const char *problem, const char *detail)
{
	struct finding f = { .trigger = TRIGGER_CERTIFICATE };

	text_copy(f.subject, sizeof(f.subject), path);
	text_copy(f.problem, sizeof(f.problem), problem);
	text_copy(f.detail, sizeof(f.detail), detail);
	return f;
}

static void
check_finding_key(const char *name, const struct finding *a, const struct finding *b, bool same)
{
	char x[REPORT_KEY_BYTES];
	char y[REPORT_KEY_BYTES];

	trigger_finding_key(a, x);
	trigger_finding_key(b, y);
	ok(streq(x, y) == same, "%s: %s key", name, same ? "same" : "another");
}

static void
test_findings(void)
{
	struct finding a = certificate("/a/server.crt", "expired", "2026-11-01T00:00:00Z");
	struct finding b = a;
	char key[REPORT_KEY_BYTES];

	trigger_finding_key(&a, key);
	ok_str(key, "ae0fbc7035312e67", "the key of a finding is stable");
	text_copy(b.message, sizeof(b.message), "It expired 5 minutes ago.");
	check_finding_key("other words", &a, &b, true);
	b = certificate("/b/server.crt", "expired", a.detail);
	check_finding_key("another certificate", &a, &b, false);
	b = certificate(a.subject, "untrusted", a.detail);
	check_finding_key("another problem of it", &a, &b, false);
	b = certificate(a.subject, "expired", "2026-11-08T00:00:00Z");
	check_finding_key("its successor", &a, &b, false);

	a.trigger = b.trigger = TRIGGER_LIVENESS;
	text_copy(b.problem, sizeof(b.problem), "timeout");
	check_finding_key("an API that refuses, then hangs", &a, &b, true);
	b.trigger = TRIGGER_PRESSURE;
	check_finding_key("another trigger", &a, &b, false);
}

static void
test_pauses(void)
{
	static const struct {
		enum trigger trigger;
		const char *problem;
		uint64_t hours;
	} rows[] = {
		{ TRIGGER_CERTIFICATE, "expired", 1 },
		{ TRIGGER_CERTIFICATE, FINDING_EXPIRING, 24 },
		{ TRIGGER_CERTIFICATE, FINDING_REPLACED, 24 },
		{ TRIGGER_CERTIFICATE, FINDING_CLOCK, 24 },
		{ TRIGGER_LIVENESS, "refused", 1 },
		{ TRIGGER_PRESSURE, "full", 6 },
		{ TRIGGER_UNIT_FAILED, "", 0 },
	};

	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		struct finding f = certificate("/a", rows[i].problem, "");

		f.trigger = rows[i].trigger;
		ok_int(trigger_finding_pause_usec(&f), rows[i].hours * USEC_PER_HOUR,
		    "%s rests for %u h", trigger_to_string(f.trigger), (unsigned)rows[i].hours);
	}
	ok(trigger_profile(TRIGGER_CERTIFICATE) == PROFILE_CERT &&
		trigger_profile(TRIGGER_LIVENESS) == PROFILE_STARTUP &&
		trigger_profile(TRIGGER_PRESSURE) == PROFILE_PRESSURE,
	    "each has its profile");
}

static void
check_text(const struct unit_event *ev, const char *want)
{
	char reason[REASON_BYTES];

	trigger_describe(ev, reason);
	ok_str(reason, want, "described");
}

static void
test_words(void)
{
	struct unit_event ev = sample();

	ok(trigger_classify(&ev) == TRIGGER_UNIT_FAILED, "a failure");
	ok(trigger_profile(TRIGGER_UNIT_FAILED) == PROFILE_CRASH, "crash profile");
	check_text(&ev, "microshift.service exited with status 1");

	text_copy(ev.result, sizeof(ev.result), "success");
	ev.exec_main_status = 0;
	ok(trigger_classify(&ev) == TRIGGER_UNIT_EXITED, "exit 0 after READY (etcd died)");
	check_text(&ev, "microshift.service exited with status 0, nobody had asked for it");

	ev = sample();
	ev.was_ready = false;
	text_copy(ev.result, sizeof(ev.result), "protocol");
	ok(trigger_classify(&ev) == TRIGGER_UNIT_STARTUP, "before READY");
	ok(trigger_profile(TRIGGER_UNIT_STARTUP) == PROFILE_STARTUP, "startup profile");
	check_text(&ev, "microshift.service exited with status 1 before it was ready");

	ev = sample();
	ev.exec_main_code = CLD_DUMPED;
	ev.exec_main_status = SIGSEGV;
	ev.is_final = true;
	check_text(&ev,
	    "microshift.service was killed by SIGSEGV and dumped core; systemd gave up "
	    "restarting it");

	ev = sample();
	ev.exec_main_code = CLD_KILLED;
	ev.exec_main_status = 9999;
	check_text(&ev, "microshift.service was killed by signal 9999");

	ev = (struct unit_event){ .unit = "microshift.service" };
	ok(trigger_classify(&ev) == TRIGGER_UNIT_FAILED, "an end that was missed");
	check_text(&ev, "microshift.service ended while nobody was watching");

	ev = sample();
	memset(ev.unit, 'u', sizeof(ev.unit) - 1);
	{
		char reason[REASON_BYTES];

		trigger_describe(&ev, reason);
		ok(strstr(reason, "exited with status 1") != NULL,
		    "a long name leaves room for the rest");
	}
}

int
main(void)
{
	test_keys();
	test_neighbours();
	test_loop();
	test_findings();
	test_pauses();
	test_words();
	return tap_done();
}
