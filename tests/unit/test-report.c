/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>

#include "lib/fault.h"
#include "lib/json.h"
#include "lib/report.h"
#include "lib/text.h"

#define ID "20261123T142752Z-0007-e585a599"

static struct request
sample_request(void)
{
	struct request req = {
		.id = ID,
		.created_usec = UINT64_C(1795353016807447),
		.profile = PROFILE_CRASH,
		.trigger = TRIGGER_UNIT_FAILED,
		.source = SOURCE_WATCHER,
		.reason = "microshift.service: exit-code 1",
		.key = "0123456789abcdef",
		.occurrences = 3,
		.uid = 4294967295u,
		.attempts = 1,
		.only_namespaces = true,
		.clean = true,
		.event = {
			.unit = "microshift.service",
			.invocation_id = "e585a59934ff4fa295c4aec47053fd1b",
			.result = "exit-code",
			.exec_main_code = 1,
			.exec_main_status = 255,
			.n_restarts = 4,
			.was_ready = true,
		},
	};

	assert(strv_append(&req.only, "journal") == 0);
	assert(strv_append(&req.namespaces, "shop-*") == 0);
	req.flash = cJSON_CreateObject();
	assert(json_add_uint(req.flash, "load", 3) == 0);
	return req;
}

static void
test_request(void)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_free_ char *text = NULL;
	struct request req = sample_request();
	struct request back = { 0 };
	struct fault f;

	json = request_to_json(&req);
	text = json_print(json, false);
	ok_int(request_parse(text, strlen(text), &back, &f), 0, "a request reads back");
	ok_str(back.id, req.id, "id");
	ok_str(back.event.invocation_id, req.event.invocation_id, "invocation");
	ok_int(back.event.exec_main_status, 255, "exit status");
	ok(back.event.was_ready && !back.event.is_final, "flags");
	ok(back.uid == req.uid && back.attempts == 1 && back.occurrences == 3, "numbers");
	ok(strv_length(back.only) == 1 && streq(back.only[0], "journal"), "list");
	ok(strv_length(back.namespaces) == 1 && streq(back.namespaces[0], "shop-*") &&
		back.only_namespaces,
	    "namespaces");
	ok(back.clean, "cleaning");
	ok(back.flash && cJSON_GetObjectItem(back.flash, "load"), "flash");
	request_done(&req);
	request_done(&back);
	ok(!back.only && !back.flash, "request_done frees and zeroes");
}

static void
test_finding(void)
{
	_cleanup_json_ cJSON *json = NULL, *sidecar = NULL;
	_cleanup_free_ char *text = NULL;
	struct request req = {
		.id = ID,
		.created_usec = 1,
		.trigger = TRIGGER_CERTIFICATE,
		.source = SOURCE_CHECK,
		.finding = { TRIGGER_CERTIFICATE, "/etc/a.crt", "expired", "2026",
		    "It expired." },
	};
	struct request back = { 0 };
	struct report report;
	struct capture_meta meta = { .id = ID };
	struct fault f = { 0 };

	json = request_to_json(&req);
	ok(!cJSON_HasObjectItem(json, "event"), "a finding is no end of a run");
	text = json_print(json, false);
	ok_int(request_parse(text, strlen(text), &back, &f), 0, "it reads back");
	ok_str(back.finding.subject, "/etc/a.crt", "subject");
	ok_str(back.finding.detail, "2026", "detail");
	report_from_capture(&req, &meta, "x.tar.zst", 99, &report);
	sidecar = report_to_json(&report);
	ok(cJSON_HasObjectItem(sidecar, "finding"), "the report has it too");

	cJSON_DeleteItemFromObject(cJSON_GetObjectItem(json, "finding"), "problem");
	free(text);
	text = json_print(json, false);
	ok_int(
	    request_parse(text, strlen(text), &back, &f), -EINVAL, "a part of one is refused");
	ok_str(f.text, "finding: member 'problem' is missing", "with the reason");
}

static void
test_sidecar(void)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_free_ char *text = NULL;
	struct request req = sample_request();
	struct capture_meta meta = {
		.id = ID,
		.status = REPORT_PARTIAL,
		.archive = "report.tar.zst",
		.size_bytes = 12345,
		.sha256 = "ab",
		.outcomes = { .ok = 9, .timed_out = 2 },
	};
	struct report report;
	struct report back;
	struct fault f;

	report_from_capture(&req, &meta, ID ".tar.zst", 99, &report);
	json = report_to_json(&report);
	text = json_print(json, true);
	ok_int(report_parse(text, strlen(text), &back, &f), 0, "a sidecar reads back");
	ok_str(back.capture.archive, ID ".tar.zst", "archive name");
	ok(back.capture.status == REPORT_PARTIAL && back.capture.size_bytes == 12345,
	    "status, size");
	ok(back.capture.outcomes.ok == 9 && back.capture.outcomes.timed_out == 2, "outcomes");
	ok_int(back.committed_usec, 99, "commit time");
	request_done(&req);
}

static void
test_bad(const char *name, const char *text, const char *complaint)
{
	struct capture_meta meta = { .size_bytes = 77 };
	struct fault f = { 0 };

	ok_int(
	    capture_meta_parse(text, strlen(text), &meta, &f), -EINVAL, "%s is refused", name);
	ok(strstr(f.text, complaint) != NULL, "and why: %s", f.text);
	ok_int(meta.size_bytes, 77, "the result is untouched");
}

#define META(id, archive, version)                                                             \
 "{\"version\":" version ",\"id\":\"" id "\",\"status\":\"complete\",\"archive\":\"" archive   \
 "\",\"size_bytes\":1,\"sha256\":\"ab\"}"

int
main(void)
{
	struct capture_meta meta;

	test_request();
	test_finding();
	test_sidecar();
	ok_int(capture_meta_parse(META(ID, "report.tar.zst", "1"),
		   strlen(META(ID, "report.tar.zst", "1")), &meta, NULL),
	    0, "a good meta.json");
	test_bad("a path as archive", META(ID, "../x", "1"), "plain file name");
	test_bad("a hidden archive", META(ID, ".x", "1"), "plain file name");
	test_bad("a bad id", META("../../etc", "a", "1"), "'id' is invalid");
	test_bad("a newer version", META(ID, "a", "2"), "newer");
	test_bad("no version", "{\"id\":\"" ID "\"}", "'version'");
	test_bad(
	    "a missing member", "{\"version\":1,\"id\":\"" ID "\"}", "'status' is missing");
	test_bad("an array", "[1]", "'version'");
	return tap_done();
}
