/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <signal.h>

#include "lib/interface.h"
#include "lib/json.h"
#include "lib/proto.h"
#include "lib/report.h"
#include "lib/text.h"

static const struct {
	const char *name;
	enum access access;
} methods[_PROTO_METHOD_COUNT] = {
	[PROTO_COLLECT] = { PROTO_INTERFACE ".Collect", ACCESS_MEMBER },
	[PROTO_LIST] = { PROTO_INTERFACE ".List", ACCESS_MEMBER },
	[PROTO_SHOW] = { PROTO_INTERFACE ".Show", ACCESS_MEMBER },
	[PROTO_OPEN] = { PROTO_INTERFACE ".Open", ACCESS_MEMBER },
	[PROTO_DELETE] = { PROTO_INTERFACE ".Delete", ACCESS_ROOT },
	[PROTO_PIN] = { PROTO_INTERFACE ".Pin", ACCESS_ROOT },
	[PROTO_UNPIN] = { PROTO_INTERFACE ".Unpin", ACCESS_ROOT },
	[PROTO_CANCEL] = { PROTO_INTERFACE ".Cancel", ACCESS_MEMBER },
	[PROTO_KEYS] = { PROTO_INTERFACE ".Keys", ACCESS_MEMBER },
	[PROTO_STATUS] = { PROTO_INTERFACE ".Status", ACCESS_MEMBER },
	[PROTO_WATCH] = { PROTO_INTERFACE ".Watch", ACCESS_MEMBER },
	[PROTO_FAILED] = { PROTO_INTERFACE ".Failed", ACCESS_ROOT },
	[PROTO_PROGRESS] = { PROTO_INTERFACE ".Progress", ACCESS_ROOT },
	[PROTO_CHECKED] = { PROTO_INTERFACE ".Checked", ACCESS_ROOT },
};

/* Of several rows with one errno, the first is what the errno becomes. */
static const struct {
	const char *name;
	int code;
	enum proto_exit exit;
} errors[_PROTO_ERROR_COUNT] = {
	[PROTO_ERROR_NOT_FOUND] = { PROTO_INTERFACE ".NotFound", -ENOENT,
	    PROTO_EXIT_NOT_FOUND },
	[PROTO_ERROR_AMBIGUOUS] = { PROTO_INTERFACE ".Ambiguous", -ENOTUNIQ, PROTO_EXIT_USAGE },
	[PROTO_ERROR_BUSY] = { PROTO_INTERFACE ".Busy", -EBUSY, PROTO_EXIT_BUSY },
	[PROTO_ERROR_RATE_LIMITED] = { PROTO_INTERFACE ".RateLimited", -EAGAIN,
	    PROTO_EXIT_BUSY },
	[PROTO_ERROR_DENIED] = { PROTO_INTERFACE ".Denied", -EPERM, PROTO_EXIT_DENIED },
	[PROTO_ERROR_TOO_LARGE] = { PROTO_INTERFACE ".TooLarge", -EFBIG, PROTO_EXIT_ERROR },
	[PROTO_ERROR_UNSUPPORTED] = { PROTO_INTERFACE ".Unsupported", -EOPNOTSUPP,
	    PROTO_EXIT_USAGE },
	[PROTO_ERROR_INTERNAL] = { PROTO_INTERFACE ".Internal", -EREMOTEIO, PROTO_EXIT_ERROR },
	[PROTO_ERROR_INTERFACE_NOT_FOUND] = { VARLINK_SERVICE ".InterfaceNotFound",
	    -EADDRNOTAVAIL, PROTO_EXIT_ERROR },
	[PROTO_ERROR_METHOD_NOT_FOUND] = { VARLINK_SERVICE ".MethodNotFound", -ENXIO,
	    PROTO_EXIT_ERROR },
	[PROTO_ERROR_METHOD_NOT_IMPLEMENTED] = { VARLINK_SERVICE ".MethodNotImplemented",
	    -ENOSYS, PROTO_EXIT_ERROR },
	[PROTO_ERROR_INVALID_PARAMETER] = { VARLINK_SERVICE ".InvalidParameter", -EINVAL,
	    PROTO_EXIT_USAGE },
	[PROTO_ERROR_PERMISSION_DENIED] = { VARLINK_SERVICE ".PermissionDenied", -EACCES,
	    PROTO_EXIT_DENIED },
	[PROTO_ERROR_EXPECTED_MORE] = { VARLINK_SERVICE ".ExpectedMore", -EBADE,
	    PROTO_EXIT_ERROR },
};

static const char *const state_names[_CAPTURE_STATE_COUNT] = {
	[CAPTURE_QUEUED] = "queued",
	[CAPTURE_RUNNING] = "running",
	[CAPTURE_COMPLETE] = "complete",
	[CAPTURE_PARTIAL] = "partial",
	[CAPTURE_FAILED] = "failed",
};

const char *
proto_description(const char *interface)
{
	if (streq(interface, PROTO_INTERFACE))
		return io_microshift_Support;
	if (streq(interface, VARLINK_SERVICE))
		return org_varlink_service;
	return NULL;
}

const char *
proto_method_name(enum proto_method m)
{
	assert(m < _PROTO_METHOD_COUNT);
	return methods[m].name;
}

enum access
proto_method_access(enum proto_method m)
{
	assert(m < _PROTO_METHOD_COUNT);
	return methods[m].access;
}

const char *
proto_error_name(enum proto_error e)
{
	assert(e >= 0 && e < _PROTO_ERROR_COUNT);
	return errors[e].name;
}

enum proto_error
proto_error_from_name(const char *name)
{
	for (int e = 0; e < _PROTO_ERROR_COUNT; e++)
		if (streq(errors[e].name, name))
			return (enum proto_error)e;
	return PROTO_ERROR_UNKNOWN;
}

int
proto_error_to_errno(enum proto_error e)
{
	if (e == PROTO_ERROR_NONE)
		return 0;
	return e >= 0 && e < _PROTO_ERROR_COUNT ? errors[e].code : -EIO;
}

enum proto_error
proto_error_from_errno(int r)
{
	/* The errors of org.varlink.service are about calls, not about what a call led to: an
	 * -EACCES or -EINVAL from the daemon's own work is its failure, not the client's. */
	for (int e = 0; e < PROTO_ERROR_INTERNAL; e++)
		if (errors[e].code == r)
			return (enum proto_error)e;
	return PROTO_ERROR_INTERNAL;
}

enum proto_exit
proto_error_to_exit(enum proto_error e)
{
	if (e == PROTO_ERROR_NONE)
		return PROTO_EXIT_OK;
	return e >= 0 && e < _PROTO_ERROR_COUNT ? errors[e].exit : PROTO_EXIT_ERROR;
}

const char *
capture_state_to_string(enum capture_state s)
{
	assert(s < _CAPTURE_STATE_COUNT);
	return state_names[s];
}

int
capture_state_from_string(const char *s, enum capture_state *ret)
{
	for (int i = 0; i < _CAPTURE_STATE_COUNT; i++)
		if (streq(state_names[i], s)) {
			*ret = (enum capture_state)i;
			return 0;
		}
	return -EINVAL;
}

bool
capture_state_is_final(enum capture_state s)
{
	return s == CAPTURE_COMPLETE || s == CAPTURE_PARTIAL || s == CAPTURE_FAILED;
}

const char *
proto_exit_code_to_string(int exec_main_code)
{
	switch (exec_main_code) {
	case CLD_EXITED:
		return "exited";
	case CLD_KILLED:
		return "killed";
	case CLD_DUMPED:
		return "dumped";
	default:
		return NULL;
	}
}

/* What a check found; nothing when it is about something else. */
static int
add_finding(cJSON *object, const struct finding *finding)
{
	int r;

	r = json_add_text(object, "subject", finding->subject);
	return r < 0 ? r : json_add_text(object, "problem", finding->problem);
}

/* What a unit's run left behind; nothing when no unit is concerned. */
static int
add_event(cJSON *object, const struct unit_event *event)
{
	const char *exit_code = proto_exit_code_to_string(event->exec_main_code);
	int r;

	if (is_empty(event->unit))
		return 0;
	if ((r = json_add_text(object, "unit", event->unit)) < 0 ||
	    (r = json_add_text(object, "invocation_id", event->invocation_id)) < 0 ||
	    (r = json_add_text(object, "result", event->result)) < 0)
		return r;
	if (!exit_code)
		return 0;
	r = json_add_text(object, "exit_code", exit_code);
	return r < 0 ? r : json_add_int(object, "exit_status", event->exec_main_status);
}

static int
add_capture(cJSON *object, const struct capture_meta *meta)
{
	const struct outcome_counts *n = &meta->outcomes;
	int r;

	if ((r = json_add_text(object, "status", report_status_to_string(meta->status))) < 0 ||
	    (r = json_add_text(object, "archive", meta->archive)) < 0 ||
	    (r = json_add_uint(object, "size_bytes", meta->size_bytes)) < 0 ||
	    (r = json_add_text(object, "sha256", meta->sha256)) < 0 ||
	    (r = json_add_uint(object, "collectors_ok", n->ok)) < 0 ||
	    (r = json_add_uint(object, "collectors_partial", n->partial)) < 0 ||
	    (r = json_add_uint(object, "collectors_skipped", n->skipped)) < 0 ||
	    (r = json_add_uint(object, "collectors_failed", n->failed)) < 0 ||
	    (r = json_add_uint(object, "collectors_timed_out", n->timed_out)) < 0)
		return r;
	return json_add_uint(object, "redactions", meta->redactions);
}

cJSON *
proto_report_to_json(const struct report *report)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || json_add_text(object, "id", report->id) < 0 ||
	    json_add_uint(object, "created_usec", report->created_usec) < 0 ||
	    json_add_uint(object, "committed_usec", report->committed_usec) < 0 ||
	    json_add_text(object, "profile", profile_to_string(report->profile)) < 0 ||
	    json_add_text(object, "trigger", trigger_to_string(report->trigger)) < 0 ||
	    json_add_text(object, "source", source_to_string(report->source)) < 0 ||
	    json_add_text(object, "reason", report->reason) < 0 ||
	    json_add_text(object, "key", report->key) < 0 ||
	    json_add_uint(object, "occurrences", report->occurrences) < 0 ||
	    (report->trigger == TRIGGER_REQUEST &&
		json_add_uint(object, "uid", report->uid) < 0) ||
	    (report->pinned && json_add_bool(object, "pinned", true) < 0) ||
	    (report->fetched_usec > 0 &&
		json_add_uint(object, "fetched_usec", report->fetched_usec) < 0) ||
	    add_event(object, &report->event) < 0 ||
	    add_finding(object, &report->finding) < 0 ||
	    add_capture(object, &report->capture) < 0)
		return NULL;
	return TAKE_PTR(object);
}
