/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>

#include "ctl/client.h"
#include "ctl/reply.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/text.h"

static const struct {
	int r;
	enum proto_error error;
	enum proto_exit want;
} cases[] = {
	{ 0, PROTO_ERROR_NONE, PROTO_EXIT_OK },
	{ 1, PROTO_ERROR_NONE, PROTO_EXIT_OK },
	{ -ENOENT, PROTO_ERROR_NONE, PROTO_EXIT_UNREACHABLE },
	{ -ECONNREFUSED, PROTO_ERROR_NONE, PROTO_EXIT_UNREACHABLE },
	{ -ECONNRESET, PROTO_ERROR_NONE, PROTO_EXIT_UNREACHABLE },
	{ -ETIMEDOUT, PROTO_ERROR_NONE, PROTO_EXIT_UNREACHABLE },
	{ -EACCES, PROTO_ERROR_NONE, PROTO_EXIT_DENIED },
	{ -EPERM, PROTO_ERROR_NONE, PROTO_EXIT_DENIED },
	{ -ENOMEM, PROTO_ERROR_NONE, PROTO_EXIT_ERROR },
	{ -EPROTO, PROTO_ERROR_NONE, PROTO_EXIT_ERROR },
	/* An errno that stands for an error of the service is not one of the connection. */
	{ -ENOENT, PROTO_ERROR_NOT_FOUND, PROTO_EXIT_NOT_FOUND },
	{ -EACCES, PROTO_ERROR_PERMISSION_DENIED, PROTO_EXIT_DENIED },
	{ -EPERM, PROTO_ERROR_DENIED, PROTO_EXIT_DENIED },
	{ -EBUSY, PROTO_ERROR_BUSY, PROTO_EXIT_BUSY },
	{ -EAGAIN, PROTO_ERROR_RATE_LIMITED, PROTO_EXIT_BUSY },
	{ -EREMOTEIO, PROTO_ERROR_INTERNAL, PROTO_EXIT_ERROR },
	{ -EIO, PROTO_ERROR_UNKNOWN, PROTO_EXIT_ERROR },
};

static void
check_event(const char *json, const char *want)
{
	_cleanup_json_ cJSON *report = cJSON_Parse(json);
	char buf[128];

	assert(report);
	ok_str(reply_format_event(report, buf, sizeof(buf)), want, "%s", json);
}

static void
check_outcomes(const char *json, const char *want)
{
	_cleanup_json_ cJSON *report = cJSON_Parse(json);
	char buf[OUTCOMES_TEXT_BYTES];

	assert(report);
	ok_str(reply_format_outcomes(report, buf), want, "%s", json);
}

int
main(void)
{
	for (size_t i = 0; i < ELEMENTSOF(cases); i++)
		ok_int(client_exit_status(cases[i].r, cases[i].error), cases[i].want,
		    "%d with error %d", cases[i].r, cases[i].error);

	check_event("{}", "taken on request");
	check_event("{\"trigger\":\"pressure\",\"subject\":\"/var\",\"problem\":\"full\"}",
	    "/var: full");
	check_event("{\"unit\":\"a.service\"}", "a.service ended");
	check_event("{\"unit\":\"a.service\",\"result\":\"exit-code\",\"exit_code\":\"exited\","
		    "\"exit_status\":1}",
	    "a.service ended: exit-code (exited, status 1)");
	check_event("{\"unit\":\"a.service\",\"result\":\"signal\",\"exit_code\":\"killed\","
		    "\"exit_status\":9}",
	    "a.service ended: signal (killed, SIGKILL)");
	check_event("{\"unit\":\"a.service\",\"exit_code\":\"dumped\",\"exit_status\":9999}",
	    "a.service ended (dumped, signal 9999)");
	check_event(
	    "{\"unit\":\"a.service\",\"exit_code\":\"exited\"}", "a.service ended (exited)");
	check_event("{\"unit\":7,\"result\":{}}", "taken on request");

	check_outcomes("{}", "");
	check_outcomes("{\"collectors_ok\":12,\"collectors_timed_out\":1,"
		       "\"collectors_skipped\":\"x\"}",
	    "12 ok, 1 timed out");
	check_outcomes("{\"collectors_ok\":9007199254740991,\"collectors_partial\":"
		       "9007199254740991,\"collectors_failed\":9007199254740991,"
		       "\"collectors_timed_out\":9007199254740991,\"collectors_skipped\":"
		       "9007199254740991}",
	    "9007199254740991 ok, 9007199254740991 partial, 9007199254740991 failed, "
	    "9007199254740991 timed out, 9007199254740991 skipped");
	ok_str(reply_text(NULL, "x"), "", "a reply without parameters");
	return tap_done();
}
