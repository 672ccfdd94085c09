/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <signal.h>

#include "lib/failure.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/text.h"

#define INVOCATION "e585a59934ff4fa295c4aec47053fd1b"

static const char *const bad_units[] = { "", "microshift", ".service", "@.service",
	"micro shift.service", "../x.service", "a/b.service", "x.service\n", "x." };

/* Each is a whole inbox file with one thing wrong. */
static const char *const bad_records[] = {
	"",
	"[]",
	"{}",
	"{\"unit\":\"a.service\"}",
	"{\"version\":2,\"unit\":\"a.service\"}",
	"{\"version\":1}",
	"{\"version\":1,\"unit\":\"../../etc/passwd\"}",
	"{\"version\":1,\"unit\":7}",
	"{\"version\":1,\"unit\":\"a.service\",\"invocation_id\":\"../x\"}",
	"{\"version\":1,\"unit\":\"a.service\",\"invocation_id\":\"e585a599\"}",
	"{\"version\":1,\"unit\":\"a.service\",\"result\":\"two words\"}",
	"{\"version\":1,\"unit\":\"a.service\",\"result\":\"\\u001b[2J\"}",
	"{\"version\":1,\"unit\":\"a.service\",\"exit_status\":1}",
	"{\"version\":1,\"unit\":\"a.service\",\"exit_status\":\"a very long signal name\"}",
	"{\"version\":1,\"unit\":\"a.service\",\"boottime_usec\":-1}",
	"{\"version\":1,\"unit\":\"a.service\",\"realtime_usec\":\"1\"}",
};

static void
test_round_trip(void)
{
	struct failure_notice n = {
		.unit = "microshift.service",
		.invocation_id = INVOCATION,
		.result = "exit-code",
		.exit_code = "exited",
		.exit_status = "255",
		.boot_id = "0c45d7e2f4c94d90b7e8a4bd9e2dd2f5",
		.boottime_usec = 12345678,
		.realtime_usec = UINT64_C(1795444072123456),
	};
	struct failure_notice back;
	_cleanup_free_ char *text = failure_notice_print(&n);
	_cleanup_free_ char *again = NULL;
	char name[FAILURE_NAME_BYTES];
	struct fault f = { 0 };

	assert(text);
	ok_int(failure_notice_parse(text, strlen(text), &back, &f), 0, "reads what it wrote");
	again = failure_notice_print(&back);
	ok_str(again, text, "and nothing is lost");
	ok_int(back.realtime_usec, n.realtime_usec, "to the microsecond");
	failure_notice_name(&n, name);
	ok_str(name, INVOCATION ".json", "the file is named after the run");

	n = (struct failure_notice){ .unit = "microshift.service" };
	free(TAKE_PTR(text));
	text = failure_notice_print(&n);
	assert(text);
	ok_int(failure_notice_parse(text, strlen(text), &back, &f), 0,
	    "without MONITOR_*, the unit is enough");
	failure_notice_name(&n, name);
	ok_int(strlen(name), FAILURE_NAME_BYTES - 1, "a random name has the same length");
}

static void
test_refusals(void)
{
	struct failure_notice n = { .unit = "untouched" };
	_cleanup_free_ char *large = calloc(1, FAILURE_MAX_BYTES + 2);
	struct fault f;

	for (size_t i = 0; i < ELEMENTSOF(bad_units); i++)
		ok(!unit_name_is_valid(bad_units[i]), "no unit name: '%s'", bad_units[i]);
	ok(unit_name_is_valid("systemd-cryptsetup@dev-disk\\x2dby.service"), "escaped name");
	for (size_t i = 0; i < ELEMENTSOF(bad_records); i++) {
		f = (struct fault){ 0 };
		ok(failure_notice_parse(bad_records[i], strlen(bad_records[i]), &n, &f) < 0,
		    "refused: %s (%s)", bad_records[i], fault_text(&f));
	}
	assert(large);
	memset(large, ' ', FAILURE_MAX_BYTES + 1);
	ok(failure_notice_parse(large, FAILURE_MAX_BYTES + 1, &n, &f) < 0, "too large");
	ok_str(n.unit, "untouched", "a failure leaves the result alone");
}

static void
test_exec_main(const char *code, const char *status, int want_code, int want_status)
{
	struct failure_notice n = { .unit = "a.service" };
	int got_code;
	int got_status;

	text_copy(n.exit_code, sizeof(n.exit_code), code);
	text_copy(n.exit_status, sizeof(n.exit_status), status);
	failure_notice_exec_main(&n, &got_code, &got_status);
	ok(got_code == want_code && got_status == want_status, "'%s' '%s' is %d %d", code,
	    status, got_code, got_status);
}

int
main(void)
{
	test_round_trip();
	test_refusals();
	test_exec_main("exited", "255", CLD_EXITED, 255);
	test_exec_main("killed", "KILL", CLD_KILLED, SIGKILL);
	test_exec_main("dumped", "SEGV", CLD_DUMPED, SIGSEGV);
	test_exec_main("killed", "9", CLD_KILLED, SIGKILL);
	test_exec_main("killed", "RTMIN+1", CLD_KILLED, 0);
	test_exec_main("exited", "99999", CLD_EXITED, 0);
	test_exec_main("", "", 0, 0);
	return tap_done();
}
