/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "ctl/client.h"
#include "ctl/reply.h"
#include "ctl/timespec.h"
#include "ctl/verb.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/text.h"

#define VALUE_BYTES 512u

/* Prints under NAME for the first of several lines, then under nothing. */
static void
print_next(const char **name, const char *text)
{
	char value[VALUE_BYTES];

	text_copy(value, sizeof(value), text);
	(void)output_make_safe(value);
	if (*name)
		output_field(stdout, *name, value);
	else
		(void)printf("%14s%s\n", "", value);
	*name = NULL;
}

static void
print_daemon(const cJSON *status)
{
	bool colour = output_has_colour(stdout);
	char version[64];
	char age[16];

	text_copy(version, sizeof(version), reply_text(status, "version"));
	(void)printf("%s●%s microshift-supportd %s, up %s\n", style_on(STYLE_GOOD, colour),
	    style_off(STYLE_GOOD, colour), output_make_safe(version),
	    timespec_format_age(
		reply_uint(status, "started_usec"), clock_realtime_usec(), age, sizeof(age)));
}

static void
print_units(const cJSON *status)
{
	const char *name = "Watched";
	const cJSON *unit;

	cJSON_ArrayForEach (unit, reply_member(status, "units")) {
		const char *sub_state = reply_text(unit, "sub_state");
		uint64_t since_usec = reply_uint(unit, "since_usec");
		char value[VALUE_BYTES];
		char age[16];
		int n;

		n = snprintf(value, sizeof(value), "%s %s%s%s%s", reply_text(unit, "unit"),
		    reply_text(unit, "active_state"), is_empty(sub_state) ? "" : " (",
		    sub_state, is_empty(sub_state) ? "" : ")");
		if (since_usec > 0 && n > 0 && (size_t)n < sizeof(value))
			(void)snprintf(value + n, sizeof(value) - (size_t)n, " for %s",
			    timespec_format_age(
				since_usec, clock_realtime_usec(), age, sizeof(age)));
		print_next(&name, value);
	}
}

/* What the last check found, the worst first. */
static void
print_check(const cJSON *status)
{
	const cJSON *check = reply_member(status, "check");
	const cJSON *problems = reply_member(check, "problems");
	const char *name = "Checked";
	const cJSON *problem;
	char value[VALUE_BYTES];
	char age[16];

	if (!cJSON_IsObject(check))
		return;
	(void)snprintf(value, sizeof(value), "%s ago: %s",
	    timespec_format_age(
		reply_uint(check, "time_usec"), clock_realtime_usec(), age, sizeof(age)),
	    cJSON_GetArraySize(problems) == 0 ? "all is well" : "something is wrong");
	print_next(&name, value);
	cJSON_ArrayForEach (problem, problems) {
		bool is_confirmed =
		    cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(problem, "confirmed"));

		(void)snprintf(value, sizeof(value), "%s (for %s%s)",
		    reply_text(reply_member(problem, "finding"), "message"),
		    timespec_format_age(reply_uint(problem, "since_usec"),
			clock_realtime_usec(), age, sizeof(age)),
		    is_confirmed ? "" : ", not confirmed yet");
		print_next(&name, value);
	}
}

static void
print_captures(const cJSON *status)
{
	const char *name = "Captures";
	const cJSON *capture;

	cJSON_ArrayForEach (capture, reply_member(status, "captures")) {
		const cJSON *progress = reply_member(capture, "progress");
		const char *unit = reply_text(capture, "unit");
		char value[VALUE_BYTES];
		int n;

		n = snprintf(value, sizeof(value), "%s %s, %s%s%s", reply_text(capture, "id"),
		    reply_text(capture, "state"), reply_text(capture, "trigger"),
		    is_empty(unit) ? "" : " of ", unit);
		if (cJSON_IsObject(progress) && n > 0 && (size_t)n < sizeof(value))
			(void)snprintf(value + n, sizeof(value) - (size_t)n,
			    ": %" PRIu64 " of %" PRIu64 " done, now %s",
			    reply_uint(progress, "done"), reply_uint(progress, "total"),
			    reply_text(progress, "collector"));
		print_next(&name, value);
	}
}

static void
print_spool(const cJSON *status)
{
	const char *name = "Spool";
	uint64_t free_bytes = reply_uint(status, "free_bytes");
	uint64_t keep_free_bytes = reply_uint(status, "keep_free_bytes");
	char value[VALUE_BYTES];
	char a[16];
	char b[16];

	(void)snprintf(value, sizeof(value), "%" PRIu64 " of %" PRIu64 " reports, %s of %s",
	    reply_uint(status, "reports"), reply_uint(status, "reports_max"),
	    text_format_bytes(reply_uint(status, "reports_bytes"), a, sizeof(a)),
	    text_format_bytes(reply_uint(status, "reports_bytes_max"), b, sizeof(b)));
	print_next(&name, value);
	(void)snprintf(value, sizeof(value), "%s free on its file system, %s are kept free%s",
	    text_format_bytes(free_bytes, a, sizeof(a)),
	    text_format_bytes(keep_free_bytes, b, sizeof(b)),
	    free_bytes < keep_free_bytes ? ": too little, reports are thinned out" : "");
	print_next(&name, value);
}

static void
print_latest(const cJSON *status)
{
	const cJSON *report = reply_member(status, "latest");
	const char *name = "Latest";
	char value[VALUE_BYTES];
	char event[VALUE_BYTES / 2];
	char age[16];

	if (!cJSON_IsObject(report))
		return;
	(void)snprintf(value, sizeof(value), "%s (%s ago)", reply_text(report, "id"),
	    timespec_format_age(
		reply_uint(report, "created_usec"), clock_realtime_usec(), age, sizeof(age)));
	print_next(&name, value);
	print_next(&name, reply_format_event(report, event, sizeof(event)));
}

static void
print_page(const cJSON *status)
{
	uint64_t suppressed = reply_uint(status, "suppressed");
	const char *name = "Says";
	char value[VALUE_BYTES];

	print_daemon(status);
	if (!is_empty(reply_text(status, "message")))
		print_next(&name, reply_text(status, "message"));
	print_units(status);
	print_check(status);
	print_captures(status);
	print_spool(status);
	print_latest(status);
	if (suppressed == 0)
		return;
	name = "Not captured";
	(void)snprintf(value, sizeof(value),
	    "%" PRIu64 " repeated event%s, because of a cool-down or limit", suppressed,
	    suppressed == 1 ? "" : "s");
	print_next(&name, value);
}

int
verb_status(const struct options *o, char **arguments, int n_arguments)
{
	_cleanup_(varlink_client_closep) struct varlink_client *c = NULL;
	_cleanup_json_ cJSON *status = NULL;
	int r;

	(void)arguments;
	(void)n_arguments;
	r = client_connect(o, &c);
	if (r != PROTO_EXIT_OK)
		return r;
	r = client_call(c, PROTO_STATUS, NULL, &status);
	if (r != PROTO_EXIT_OK)
		return r;
	if (o->json == JSON_OFF)
		print_page(status);
	else if (output_json(stdout, status, o->json) < 0)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	return PROTO_EXIT_OK;
}
