/* SPDX-License-Identifier: Apache-2.0 */

/* The description of the interface and the tables of the code say the same. */

#include "tests/lib/tap.h"

#include <signal.h>

#include "daemon/ops.h"
#include "daemon/server.h"
#include "lib/io.h"
#include "lib/proto.h"
#include "lib/report.h"
#include "lib/text.h"
#include "tests/lib/idl.h"

#include <errno.h>
#include <fcntl.h>

static size_t
count(const struct idl *idl, const char *keyword)
{
	size_t n = 0;

	for (size_t i = 0; i < idl->n_members; i++)
		n += streq(idl->members[i].keyword, keyword);
	return n;
}

/* True if the comment in front of METHOD says "Root only". */
static bool
is_root_only(const char *text, const char *method)
{
	_cleanup_free_ char *start = text_format("\nmethod %s(", method);
	const char *at, *from;

	assert(start);
	at = strstr(text, start);
	assert(at);
	for (from = at; from > text && !text_has_prefix(from - 1, "\n\n"); from--)
		;
	for (; from < at; from++)
		if (text_has_prefix(from, "Root only"))
			return true;
	return false;
}

static void
test_methods(const struct idl *idl, const char *text)
{
	const struct server_method *methods;
	size_t n;

	methods = ops_methods(&n);
	ok_int(n, _PROTO_METHOD_COUNT, "there are as many handlers as names");
	ok_int(count(idl, "method"), _PROTO_METHOD_COUNT, "and as many descriptions");
	for (int m = 0; m < _PROTO_METHOD_COUNT; m++) {
		const char *name = proto_method_name((enum proto_method)m);
		const char *member = strrchr(name, '.') + 1;
		size_t i;

		for (i = 0; i < n && !streq(methods[i].name, name); i++)
			;
		ok(varlink_qualified_name_is_valid(name) && idl_find(idl, "method", member),
		    "%s is described", name);
		if (!ok(i < n, "%s has a handler", name))
			continue;
		ok_int(methods[i].access, proto_method_access((enum proto_method)m),
		    "%s is for the same people in both tables", name);
		ok_int(methods[i].access == ACCESS_ROOT, is_root_only(text, member),
		    "%s is for the people whom the description names", name);
	}
}

static void
test_errors(const struct idl *support, const struct idl *service)
{
	size_t n = 0;

	for (int e = 0; e < _PROTO_ERROR_COUNT; e++) {
		const char *name = proto_error_name((enum proto_error)e);
		const char *member = strrchr(name, '.') + 1;
		const struct idl *idl =
		    text_has_prefix(name, VARLINK_SERVICE ".") ? service : support;

		n += idl == support;
		ok(idl_find(idl, "error", member), "%s is described", name);
		ok_int(proto_error_from_name(name), e, "%s is found by name", name);
		ok(proto_error_to_errno((enum proto_error)e) < 0, "%s has an errno", name);
		ok(proto_error_to_exit((enum proto_error)e) != PROTO_EXIT_OK,
		    "%s has an exit code", name);
		if (idl == support)
			ok_int(
			    proto_error_from_errno(proto_error_to_errno((enum proto_error)e)),
			    e, "%s is found by errno", name);
	}
	ok_int(count(support, "error"), n, "every error of the description is in the table");
	ok_int(count(service, "error"), _PROTO_ERROR_COUNT - n, "also of org.varlink.service");
	ok_int(proto_error_from_name("com.example.Other"), PROTO_ERROR_UNKNOWN,
	    "another name is unknown");
	ok_int(proto_error_to_errno(PROTO_ERROR_UNKNOWN), -EIO, "and an I/O error");
	ok_int(proto_error_to_errno(PROTO_ERROR_NONE), 0, "no error is 0");
	ok_int(proto_error_from_errno(-EINVAL), PROTO_ERROR_INTERNAL,
	    "an error of our own work is not the caller's");
}

static void
test_words(const struct idl *idl, const char *text)
{
	const struct idl_member *state = idl_find(idl, "type", "State");
	enum capture_state s;

	assert(state);
	ok_int(state->input->n_fields, _CAPTURE_STATE_COUNT, "all states are described");
	for (size_t i = 0; i < state->input->n_fields; i++)
		ok(capture_state_from_string(state->input->fields[i].name, &s) == 0 &&
			(size_t)s == i,
		    "state %s", state->input->fields[i].name);
	ok_int(capture_state_from_string("other", &s), -EINVAL, "and no other");
	ok(!capture_state_is_final(CAPTURE_RUNNING) && capture_state_is_final(CAPTURE_FAILED),
	    "some of them are final");
	for (int p = 0; p < _PROFILE_COUNT; p++)
		ok(strstr(text, profile_to_string((enum profile)p)), "profile %s",
		    profile_to_string((enum profile)p));
	for (int t = 0; t < _TRIGGER_COUNT; t++)
		ok(strstr(text, trigger_to_string((enum trigger)t)), "trigger %s",
		    trigger_to_string((enum trigger)t));
	for (int i = 0; i < _SOURCE_COUNT; i++)
		ok(strstr(text, source_to_string((enum source)i)), "source %s",
		    source_to_string((enum source)i));
}

static void
test_report(const struct idl *idl)
{
	const struct idl_type *type = idl_find(idl, "type", "Report")->input;
	struct report report = {
		.id = "20261123T142752Z-0007-e585a599",
		.trigger = TRIGGER_REQUEST,
		.capture = { .archive = "20261123T142752Z-0007-e585a599.tar.zst",
		    .sha256 = "00" },
	};
	_cleanup_json_ cJSON *plain = NULL, *full = NULL;
	uint64_t n = 1;

	plain = proto_report_to_json(&report);
	ok(idl_fits(idl, type, plain), "a report with little in it fits its type");
	ok(json_get_uint(plain, "uid", &n) == 1 && n == 0, "root asked for it");
	ok(!cJSON_GetObjectItem(plain, "unit") && !cJSON_GetObjectItem(plain, "exit_status"),
	    "it is about no unit");
	report.trigger = TRIGGER_UNIT_FAILED;
	text_copy(report.reason, sizeof(report.reason), "ended");
	text_copy(report.key, sizeof(report.key), "0123456789abcdef");
	text_copy(report.event.unit, sizeof(report.event.unit), "microshift.service");
	text_copy(report.event.result, sizeof(report.event.result), "exit-code");
	report.event.exec_main_code = CLD_EXITED;
	full = proto_report_to_json(&report);
	ok(idl_fits(idl, type, full), "one of the end of a run does too");
	ok(json_get_uint(full, "exit_status", &n) == 1 && n == 0, "status 0 is told");
	ok(!cJSON_GetObjectItem(full, "uid"), "nobody asked for it");
	ok_str(proto_exit_code_to_string(CLD_DUMPED), "dumped", "a code by name");
	ok_str(proto_exit_code_to_string(0), NULL, "an unknown code");
}

/* What was built in is what is in the tree. */
static void
check_built_in(const char *interface)
{
	const char *srcdir = getenv("top_srcdir");
	_cleanup_free_ char *path =
	    text_format("%s/lib/%s.varlink", srcdir ? srcdir : ".", interface);
	_cleanup_free_ char *text = NULL;

	assert(path);
	if (io_read_file(AT_FDCWD, path, 1u << 20, &text, NULL) < 0) {
		tap_skip("no source tree");
		return;
	}
	ok_str(proto_description(interface), text, "%s is built in as it is", interface);
}

int
main(void)
{
	const char *text = proto_description(PROTO_INTERFACE);
	const struct idl *support = idl_parse(text);
	const struct idl *service = idl_parse(proto_description(VARLINK_SERVICE));

	ok_str(support->name, PROTO_INTERFACE, "the interface");
	ok_str(service->name, VARLINK_SERVICE, "the interface of every service");
	ok_str(proto_description("com.example"), NULL, "no other");
	check_built_in(PROTO_INTERFACE);
	check_built_in(VARLINK_SERVICE);
	test_methods(support, text);
	test_errors(support, service);
	test_words(support, text);
	test_report(support);
	return tap_done();
}
