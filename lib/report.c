/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "lib/fault.h"
#include "lib/json.h"
#include "lib/report.h"
#include "lib/text.h"

/* Version of the three formats; a reader refuses a higher one, which it may misunderstand. */
#define RECORD_VERSION 1u

static const char *const trigger_names[_TRIGGER_COUNT] = {
	[TRIGGER_REQUEST] = "request",
	[TRIGGER_UNIT_FAILED] = "unit-failed",
	[TRIGGER_UNIT_EXITED] = "unit-exited",
	[TRIGGER_UNIT_STARTUP] = "unit-startup",
	[TRIGGER_NEIGHBOUR] = "neighbour-failed",
	[TRIGGER_CRASH_LOOP] = "crash-loop",
	[TRIGGER_CERTIFICATE] = "certificate",
	[TRIGGER_LIVENESS] = "liveness",
	[TRIGGER_PRESSURE] = "pressure",
};

static const char *const source_names[_SOURCE_COUNT] = {
	[SOURCE_WATCHER] = "watcher",
	[SOURCE_HOOK] = "hook",
	[SOURCE_INBOX] = "inbox",
	[SOURCE_CLIENT] = "client",
	[SOURCE_MANUAL] = "manual",
	[SOURCE_CHECK] = "check",
};

static const char *const status_names[_REPORT_STATUS_COUNT] = {
	[REPORT_COMPLETE] = "complete",
	[REPORT_PARTIAL] = "partial",
};

/* Index of S in NAMES, or -EINVAL. */
static int
name_lookup(const char *const *names, int n_names, const char *s)
{
	for (int i = 0; i < n_names; i++)
		if (streq(names[i], s))
			return i;
	return -EINVAL;
}

const char *
trigger_to_string(enum trigger t)
{
	assert(t < _TRIGGER_COUNT);
	return trigger_names[t];
}

int
trigger_from_string(const char *s, enum trigger *ret)
{
	int i = name_lookup(trigger_names, _TRIGGER_COUNT, s);

	if (i < 0)
		return i;
	*ret = (enum trigger)i;
	return 0;
}

const char *
source_to_string(enum source s)
{
	assert(s < _SOURCE_COUNT);
	return source_names[s];
}

int
source_from_string(const char *s, enum source *ret)
{
	int i = name_lookup(source_names, _SOURCE_COUNT, s);

	if (i < 0)
		return i;
	*ret = (enum source)i;
	return 0;
}

const char *
report_status_to_string(enum report_status s)
{
	assert(s < _REPORT_STATUS_COUNT);
	return status_names[s];
}

int
report_status_from_string(const char *s, enum report_status *ret)
{
	int i = name_lookup(status_names, _REPORT_STATUS_COUNT, s);

	if (i < 0)
		return i;
	*ret = (enum report_status)i;
	return 0;
}

/* The formats are tables: one row per member, so that writing and reading cannot drift apart.
 */

enum field_type {
	FIELD_TEXT,
	FIELD_U64,
	FIELD_U32,
	FIELD_INT,
	FIELD_BOOL,
	FIELD_ID, /* text that must be a report ID */
	FIELD_PROFILE,
	FIELD_TRIGGER,
	FIELD_SOURCE,
	FIELD_STATUS,
};

struct field {
	const char *name;
	enum field_type type;
	size_t offset;
	size_t size;
	bool required;
};

#define FIELD(st, member, name, type, required)                                                \
 {                                                                                             \
  name, type, offsetof(st, member), sizeof(((st *)0)->member), required                        \
 }

static const struct field event_fields[] = {
	FIELD(struct unit_event, boot_id, "boot_id", FIELD_TEXT, false),
	FIELD(struct unit_event, unit, "unit", FIELD_TEXT, true),
	FIELD(struct unit_event, invocation_id, "invocation_id", FIELD_TEXT, false),
	FIELD(struct unit_event, active_state, "active_state", FIELD_TEXT, false),
	FIELD(struct unit_event, sub_state, "sub_state", FIELD_TEXT, false),
	FIELD(struct unit_event, result, "result", FIELD_TEXT, false),
	FIELD(struct unit_event, exec_main_code, "exec_main_code", FIELD_INT, false),
	FIELD(struct unit_event, exec_main_status, "exec_main_status", FIELD_INT, false),
	FIELD(struct unit_event, n_restarts, "n_restarts", FIELD_U64, false),
	FIELD(struct unit_event, main_pid, "main_pid", FIELD_U64, false),
	FIELD(struct unit_event, start_usec, "start_usec", FIELD_U64, false),
	FIELD(struct unit_event, exit_usec, "exit_usec", FIELD_U64, false),
	FIELD(struct unit_event, was_ready, "was_ready", FIELD_BOOL, false),
	FIELD(struct unit_event, is_final, "is_final", FIELD_BOOL, false),
};

static const struct field finding_fields[] = {
	FIELD(struct finding, trigger, "trigger", FIELD_TRIGGER, true),
	FIELD(struct finding, subject, "subject", FIELD_TEXT, true),
	FIELD(struct finding, problem, "problem", FIELD_TEXT, true),
	FIELD(struct finding, detail, "detail", FIELD_TEXT, false),
	FIELD(struct finding, message, "message", FIELD_TEXT, true),
};

static const struct field request_fields[] = {
	FIELD(struct request, id, "id", FIELD_ID, true),
	FIELD(struct request, created_usec, "created_usec", FIELD_U64, true),
	FIELD(struct request, profile, "profile", FIELD_PROFILE, true),
	FIELD(struct request, trigger, "trigger", FIELD_TRIGGER, true),
	FIELD(struct request, source, "source", FIELD_SOURCE, true),
	FIELD(struct request, reason, "reason", FIELD_TEXT, false),
	FIELD(struct request, key, "key", FIELD_TEXT, false),
	FIELD(struct request, occurrences, "occurrences", FIELD_U64, false),
	FIELD(struct request, uid, "uid", FIELD_U32, false),
	FIELD(struct request, attempts, "attempts", FIELD_U32, false),
	FIELD(struct request, only_namespaces, "only_namespaces", FIELD_BOOL, false),
	FIELD(struct request, clean, "clean", FIELD_BOOL, false),
};

static const struct field meta_fields[] = {
	FIELD(struct capture_meta, id, "id", FIELD_ID, true),
	FIELD(struct capture_meta, status, "status", FIELD_STATUS, true),
	FIELD(struct capture_meta, archive, "archive", FIELD_TEXT, true),
	FIELD(struct capture_meta, size_bytes, "size_bytes", FIELD_U64, true),
	FIELD(struct capture_meta, raw_bytes, "raw_bytes", FIELD_U64, false),
	FIELD(struct capture_meta, sha256, "sha256", FIELD_TEXT, true),
	FIELD(struct capture_meta, started_usec, "started_usec", FIELD_U64, false),
	FIELD(struct capture_meta, finished_usec, "finished_usec", FIELD_U64, false),
	FIELD(struct capture_meta, peak_memory_bytes, "peak_memory_bytes", FIELD_U64, false),
	FIELD(struct capture_meta, redactions, "redactions", FIELD_U64, false),
	FIELD(struct capture_meta, outcomes.ok, "collectors_ok", FIELD_U64, false),
	FIELD(struct capture_meta, outcomes.partial, "collectors_partial", FIELD_U64, false),
	FIELD(struct capture_meta, outcomes.skipped, "collectors_skipped", FIELD_U64, false),
	FIELD(struct capture_meta, outcomes.failed, "collectors_failed", FIELD_U64, false),
	FIELD(
	    struct capture_meta, outcomes.timed_out, "collectors_timed_out", FIELD_U64, false),
};

static const struct field report_fields[] = {
	FIELD(struct report, id, "id", FIELD_ID, true),
	FIELD(struct report, created_usec, "created_usec", FIELD_U64, true),
	FIELD(struct report, committed_usec, "committed_usec", FIELD_U64, true),
	FIELD(struct report, profile, "profile", FIELD_PROFILE, true),
	FIELD(struct report, trigger, "trigger", FIELD_TRIGGER, true),
	FIELD(struct report, source, "source", FIELD_SOURCE, true),
	FIELD(struct report, reason, "reason", FIELD_TEXT, false),
	FIELD(struct report, key, "key", FIELD_TEXT, false),
	FIELD(struct report, occurrences, "occurrences", FIELD_U64, false),
	FIELD(struct report, uid, "uid", FIELD_U32, false),
	FIELD(struct report, pinned, "pinned", FIELD_BOOL, false),
	FIELD(struct report, fetched_usec, "fetched_usec", FIELD_U64, false),
};

static int
add_field(cJSON *object, const struct field *f, const char *p)
{
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_ID:
		return json_add_text(object, f->name, p);
	case FIELD_U64:
		return json_add_uint(object, f->name, *(const uint64_t *)(const void *)p);
	case FIELD_U32:
		return json_add_uint(object, f->name, *(const uint32_t *)(const void *)p);
	case FIELD_INT:
		return json_add_int(object, f->name, *(const int *)(const void *)p);
	case FIELD_BOOL:
		return json_add_bool(object, f->name, *(const bool *)(const void *)p);
	case FIELD_PROFILE:
		return json_add_text(
		    object, f->name, profile_to_string(*(const enum profile *)(const void *)p));
	case FIELD_TRIGGER:
		return json_add_text(
		    object, f->name, trigger_to_string(*(const enum trigger *)(const void *)p));
	case FIELD_SOURCE:
		return json_add_text(
		    object, f->name, source_to_string(*(const enum source *)(const void *)p));
	case FIELD_STATUS:
		return json_add_text(object, f->name,
		    report_status_to_string(*(const enum report_status *)(const void *)p));
	}
	assert(false);
	return -EINVAL;
}

static int
add_fields(cJSON *object, const struct field *fields, size_t n_fields, const void *record)
{
	int r;

	for (size_t i = 0; i < n_fields; i++) {
		r = add_field(object, &fields[i], (const char *)record + fields[i].offset);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Reads a member that is a name from one of the tables. Returns as the JSON getters. */
static int
get_name(const cJSON *object, const struct field *f, char *p)
{
	const char *s;
	int r;

	r = json_get_string(object, f->name, &s);
	if (r <= 0)
		return r;
	if (f->type == FIELD_PROFILE)
		r = profile_from_string(s, (enum profile *)(void *)p);
	else if (f->type == FIELD_TRIGGER)
		r = trigger_from_string(s, (enum trigger *)(void *)p);
	else if (f->type == FIELD_SOURCE)
		r = source_from_string(s, (enum source *)(void *)p);
	else
		r = report_status_from_string(s, (enum report_status *)(void *)p);
	return r < 0 ? r : 1;
}

static int
get_u32(const cJSON *object, const char *name, uint32_t *ret)
{
	uint64_t v;
	int r;

	r = json_get_uint(object, name, &v);
	if (r <= 0)
		return r;
	if (v > UINT32_MAX)
		return -EINVAL;
	*ret = (uint32_t)v;
	return 1;
}

static int
get_field(const cJSON *object, const struct field *f, char *p)
{
	int r;

	switch (f->type) {
	case FIELD_TEXT:
		return json_get_text(object, f->name, p, f->size);
	case FIELD_ID:
		r = json_get_text(object, f->name, p, f->size);
		return r > 0 && !report_id_is_valid(p) ? -EINVAL : r;
	case FIELD_U64:
		return json_get_uint(object, f->name, (uint64_t *)(void *)p);
	case FIELD_U32:
		return get_u32(object, f->name, (uint32_t *)(void *)p);
	case FIELD_INT:
		return json_get_int(object, f->name, (int *)(void *)p);
	case FIELD_BOOL:
		return json_get_bool(object, f->name, (bool *)(void *)p);
	case FIELD_PROFILE:
	case FIELD_TRIGGER:
	case FIELD_SOURCE:
	case FIELD_STATUS:
		return get_name(object, f, p);
	}
	assert(false);
	return -EINVAL;
}

static int
get_fields(const cJSON *object, const struct field *fields, size_t n_fields, void *record,
    struct fault *reterr)
{
	int r;

	if (!cJSON_IsObject(object))
		return fault_set(reterr, -EINVAL, "not a JSON object");
	for (size_t i = 0; i < n_fields; i++) {
		r = get_field(object, &fields[i], (char *)record + fields[i].offset);
		if (r < 0)
			return fault_set(reterr, r, "member '%s' is invalid", fields[i].name);
		/* Empty text is not written, so what must be there must not be empty. */
		if (r > 0 && fields[i].type == FIELD_TEXT &&
		    ((const char *)record)[fields[i].offset] == '\0')
			r = 0;
		if (r == 0 && fields[i].required)
			return fault_set(
			    reterr, -EINVAL, "member '%s' is missing", fields[i].name);
	}
	return 0;
}

static int
check_version(const cJSON *object, struct fault *reterr)
{
	uint64_t version = 0;

	if (json_get_uint(object, "version", &version) < 0 || version == 0)
		return fault_set(reterr, -EINVAL, "member 'version' is missing or invalid");
	if (version > RECORD_VERSION)
		return fault_set(reterr, -EINVAL,
		    "version %u is newer than this program knows (%u)", (unsigned)version,
		    RECORD_VERSION);
	return 0;
}

/* A new object with "version" and FIELDS; NULL when out of memory. */
static cJSON *
record_to_json(const struct field *fields, size_t n_fields, const void *record)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || json_add_uint(object, "version", RECORD_VERSION) < 0)
		return NULL;
	if (add_fields(object, fields, n_fields, record) < 0)
		return NULL;
	return TAKE_PTR(object);
}

cJSON *
unit_event_to_json(const struct unit_event *event)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || add_fields(object, event_fields, ELEMENTSOF(event_fields), event) < 0)
		return NULL;
	return TAKE_PTR(object);
}

cJSON *
finding_to_json(const struct finding *finding)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object ||
	    add_fields(object, finding_fields, ELEMENTSOF(finding_fields), finding) < 0)
		return NULL;
	return TAKE_PTR(object);
}

/* Adds "event" or "finding", whichever it is about. */
static int
add_cause(cJSON *object, const struct unit_event *event, const struct finding *finding)
{
	if (event->unit[0] != '\0')
		return json_add_item(object, "event", unit_event_to_json(event));
	if (finding->subject[0] != '\0')
		return json_add_item(object, "finding", finding_to_json(finding));
	return 0;
}

cJSON *
request_to_json(const struct request *req)
{
	_cleanup_json_ cJSON *object = NULL;

	object = record_to_json(request_fields, ELEMENTSOF(request_fields), req);
	if (!object || add_cause(object, &req->event, &req->finding) < 0)
		return NULL;
	if (json_add_strv(object, "only", req->only) < 0 ||
	    json_add_strv(object, "namespaces", req->namespaces) < 0)
		return NULL;
	if (req->flash && json_add_item(object, "flash", cJSON_Duplicate(req->flash, true)) < 0)
		return NULL;
	return TAKE_PTR(object);
}

cJSON *
capture_meta_to_json(const struct capture_meta *meta)
{
	return record_to_json(meta_fields, ELEMENTSOF(meta_fields), meta);
}

cJSON *
report_to_json(const struct report *report)
{
	_cleanup_json_ cJSON *object = NULL;

	object = record_to_json(report_fields, ELEMENTSOF(report_fields), report);
	if (!object || add_cause(object, &report->event, &report->finding) < 0)
		return NULL;
	if (json_add_item(object, "capture", capture_meta_to_json(&report->capture)) < 0)
		return NULL;
	return TAKE_PTR(object);
}

int
unit_event_from_json(const cJSON *object, struct unit_event *ret, struct fault *reterr)
{
	struct unit_event event = { 0 };
	int r;

	r = get_fields(object, event_fields, ELEMENTSOF(event_fields), &event, reterr);
	if (r < 0)
		return r;
	*ret = event;
	return 0;
}

int
finding_from_json(const cJSON *object, struct finding *ret, struct fault *reterr)
{
	struct finding finding = { 0 };
	int r;

	r = get_fields(object, finding_fields, ELEMENTSOF(finding_fields), &finding, reterr);
	if (r < 0)
		return r;
	*ret = finding;
	return 0;
}

/* The other way of add_cause(). */
static int
get_cause(const cJSON *object, struct unit_event *ret_event, struct finding *ret_finding,
    struct fault *reterr)
{
	const cJSON *event = cJSON_GetObjectItemCaseSensitive(object, "event");
	const cJSON *finding = cJSON_GetObjectItemCaseSensitive(object, "finding");
	int r;

	if (event) {
		r = unit_event_from_json(event, ret_event, reterr);
		if (r < 0) {
			fault_wrap(reterr, "event");
			return r;
		}
	}
	if (finding) {
		r = finding_from_json(finding, ret_finding, reterr);
		if (r < 0) {
			fault_wrap(reterr, "finding");
			return r;
		}
	}
	return 0;
}

void
request_done(struct request *req)
{
	strv_free(req->namespaces);
	strv_free(req->only);
	cJSON_Delete(req->flash);
	*req = (struct request){ 0 };
}

static int
parse_record(const char *data, size_t size, const struct field *fields, size_t n_fields,
    void *record, cJSON **ret_object, struct fault *reterr)
{
	_cleanup_json_ cJSON *object = NULL;
	int r;

	r = json_parse(data, size, &object, reterr);
	if (r < 0)
		return r;
	r = check_version(object, reterr);
	if (r < 0)
		return r;
	r = get_fields(object, fields, n_fields, record, reterr);
	if (r < 0)
		return r;
	*ret_object = TAKE_PTR(object);
	return 0;
}

int
request_parse(const char *data, size_t size, struct request *ret, struct fault *reterr)
{
	_cleanup_json_ cJSON *object = NULL;
	struct request req = { 0 };
	int r;

	r = parse_record(
	    data, size, request_fields, ELEMENTSOF(request_fields), &req, &object, reterr);
	if (r < 0)
		return r;
	r = get_cause(object, &req.event, &req.finding, reterr);
	if (r < 0)
		return r;
	r = json_get_strv(object, "only", &req.only);
	if (r < 0)
		return fault_set(reterr, r, "member 'only' is invalid");
	r = json_get_strv(object, "namespaces", &req.namespaces);
	if (r < 0) {
		strv_free(req.only);
		return fault_set(reterr, r, "member 'namespaces' is invalid");
	}
	req.flash = cJSON_DetachItemFromObjectCaseSensitive(object, "flash");
	*ret = req;
	return 0;
}

int
capture_meta_parse(
    const char *data, size_t size, struct capture_meta *ret, struct fault *reterr)
{
	_cleanup_json_ cJSON *object = NULL;
	struct capture_meta meta = { 0 };
	int r;

	r = parse_record(
	    data, size, meta_fields, ELEMENTSOF(meta_fields), &meta, &object, reterr);
	if (r < 0)
		return r;
	/* The daemon renames this file: it must be a plain name in its own directory. */
	if (strchr(meta.archive, '/') || meta.archive[0] == '.')
		return fault_set(reterr, -EINVAL, "member 'archive' is not a plain file name");
	*ret = meta;
	return 0;
}

int
report_parse(const char *data, size_t size, struct report *ret, struct fault *reterr)
{
	_cleanup_json_ cJSON *object = NULL;
	struct report report = { 0 };
	int r;

	r = parse_record(
	    data, size, report_fields, ELEMENTSOF(report_fields), &report, &object, reterr);
	if (r < 0)
		return r;
	r = get_cause(object, &report.event, &report.finding, reterr);
	if (r < 0)
		return r;
	r = get_fields(cJSON_GetObjectItemCaseSensitive(object, "capture"), meta_fields,
	    ELEMENTSOF(meta_fields), &report.capture, reterr);
	if (r < 0) {
		fault_wrap(reterr, "capture");
		return r;
	}
	if (strchr(report.capture.archive, '/') || report.capture.archive[0] == '.')
		return fault_set(
		    reterr, -EINVAL, "capture: member 'archive' is not a plain file name");
	*ret = report;
	return 0;
}

void
report_from_capture(const struct request *req, const struct capture_meta *meta,
    const char *archive, uint64_t committed_usec, struct report *ret)
{
	*ret = (struct report){
		.created_usec = req->created_usec,
		.committed_usec = committed_usec,
		.profile = req->profile,
		.trigger = req->trigger,
		.source = req->source,
		.occurrences = req->occurrences,
		.uid = req->uid,
		.event = req->event,
		.finding = req->finding,
		.capture = *meta,
	};
	text_copy(ret->id, sizeof(ret->id), req->id);
	text_copy(ret->reason, sizeof(ret->reason), req->reason);
	text_copy(ret->key, sizeof(ret->key), req->key);
	text_copy(ret->capture.archive, sizeof(ret->capture.archive), archive);
}
