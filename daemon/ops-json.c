/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>

#include "daemon/limiter.h"
#include "daemon/ops-json.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/text.h"

static cJSON *
progress_to_json(const struct capture_progress *p)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || json_add_text(object, "collector", p->collector) < 0 ||
	    json_add_uint(object, "done", p->done) < 0 ||
	    json_add_uint(object, "total", p->total) < 0 ||
	    json_add_uint(object, "bytes", p->bytes) < 0)
		return NULL;
	return TAKE_PTR(object);
}

/* What Collect and Watch have in common. Returns 0 or -ENOMEM. */
static int
add_news(cJSON *object, const struct report *report, const struct capture_progress *progress,
    const char *message)
{
	int r = 0;

	if (report)
		r = json_add_item(object, "report", proto_report_to_json(report));
	if (r == 0 && progress)
		r = json_add_item(object, "progress", progress_to_json(progress));
	if (r == 0)
		r = json_add_text(object, "message", message);
	return r;
}

cJSON *
ops_json_collect(const char *id, enum capture_state state, const struct report *report,
    const struct capture_progress *progress, const char *message)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || json_add_text(object, "id", id) < 0 ||
	    json_add_text(object, "state", capture_state_to_string(state)) < 0 ||
	    add_news(object, report, progress, message) < 0)
		return NULL;
	return TAKE_PTR(object);
}

cJSON *
ops_json_event(const struct ops_event *event)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || json_add_text(object, "event", event->event) < 0 ||
	    json_add_uint(object, "time_usec", clock_realtime_usec()) < 0 ||
	    json_add_text(object, "id", event->id) < 0 ||
	    json_add_text(object, "unit", event->unit) < 0 ||
	    add_news(object, event->report, event->progress, event->message) < 0)
		return NULL;
	return TAKE_PTR(object);
}

cJSON *
ops_json_key(const struct key_status *key)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();
	const struct key_record *k = key->record;

	if (!object || json_add_text(object, "key", k->key) < 0 ||
	    json_add_uint(object, "count", k->count) < 0 ||
	    json_add_uint(object, "first_usec", k->first_usec) < 0 ||
	    json_add_uint(object, "last_usec", k->last_usec) < 0 ||
	    json_add_text(object, "reason", k->reason) < 0 ||
	    json_add_text(object, "last_report", k->last_report) < 0 ||
	    (k->last_report_usec > 0 &&
		json_add_uint(object, "last_report_usec", k->last_report_usec) < 0) ||
	    (key->pause_end_usec > 0 &&
		json_add_uint(object, "pause_end_usec", key->pause_end_usec) < 0))
		return NULL;
	return TAKE_PTR(object);
}

static cJSON *
unit_to_json(const struct unit_status *u)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || json_add_text(object, "unit", u->unit) < 0 ||
	    json_add_text(object, "active_state",
		is_empty(u->active_state) ? "unknown" : u->active_state) < 0 ||
	    json_add_text(object, "sub_state", u->sub_state) < 0 ||
	    json_add_text(object, "invocation_id", u->invocation_id) < 0 ||
	    (u->since_usec > 0 && json_add_uint(object, "since_usec", u->since_usec) < 0))
		return NULL;
	return TAKE_PTR(object);
}

static cJSON *
capture_to_json(const struct capture_status *c)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || json_add_text(object, "id", c->id) < 0 ||
	    json_add_text(object, "state", capture_state_to_string(c->state)) < 0 ||
	    json_add_text(object, "profile", profile_to_string(c->profile)) < 0 ||
	    json_add_text(object, "trigger", trigger_to_string(c->trigger)) < 0 ||
	    json_add_uint(object, "created_usec", c->created_usec) < 0 ||
	    json_add_text(object, "unit", c->unit) < 0 ||
	    add_news(object, NULL, c->has_progress ? &c->progress : NULL, NULL) < 0)
		return NULL;
	return TAKE_PTR(object);
}

/* Takes ITEM also on failure. */
static bool
append(cJSON *array, cJSON *item)
{
	if (item && cJSON_AddItemToArray(array, item))
		return true;
	cJSON_Delete(item);
	return false;
}

static cJSON *
units_to_json(const struct status_info *s)
{
	_cleanup_json_ cJSON *array = cJSON_CreateArray();

	for (size_t i = 0; array && i < s->n_units; i++)
		if (!append(array, unit_to_json(&s->units[i])))
			return NULL;
	return TAKE_PTR(array);
}

static cJSON *
captures_to_json(const struct status_info *s)
{
	_cleanup_json_ cJSON *array = cJSON_CreateArray();

	for (size_t i = 0; array && i < s->n_captures; i++)
		if (!append(array, capture_to_json(&s->captures[i])))
			return NULL;
	return TAKE_PTR(array);
}

static cJSON *
problem_to_json(const struct problem_status *p)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || json_add_item(object, "finding", finding_to_json(&p->finding)) < 0 ||
	    json_add_uint(object, "since_usec", p->since_usec) < 0 ||
	    json_add_bool(object, "confirmed", p->is_confirmed) < 0)
		return NULL;
	return TAKE_PTR(object);
}

static cJSON *
check_to_json(const struct status_info *s)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();
	cJSON *array;

	if (!object || json_add_uint(object, "time_usec", s->checked_usec) < 0)
		return NULL;
	array = cJSON_AddArrayToObject(object, "problems");
	for (size_t i = 0; array && i < s->n_problems; i++)
		if (!append(array, problem_to_json(&s->problems[i])))
			return NULL;
	return array ? TAKE_PTR(object) : NULL;
}

cJSON *
ops_json_status(const struct status_info *s, const struct report *latest)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || json_add_text(object, "version", PACKAGE_VERSION) < 0 ||
	    json_add_uint(object, "started_usec", s->started_usec) < 0 ||
	    json_add_text(object, "message", s->message) < 0 ||
	    json_add_item(object, "units", units_to_json(s)) < 0 ||
	    json_add_item(object, "captures", captures_to_json(s)) < 0 ||
	    json_add_uint(object, "reports", s->reports) < 0 ||
	    json_add_uint(object, "reports_max", s->reports_max) < 0 ||
	    json_add_uint(object, "reports_bytes", s->reports_bytes) < 0 ||
	    json_add_uint(object, "reports_bytes_max", s->reports_bytes_max) < 0 ||
	    json_add_uint(object, "free_bytes", s->free_bytes) < 0 ||
	    json_add_uint(object, "keep_free_bytes", s->keep_free_bytes) < 0 ||
	    (latest && json_add_item(object, "latest", proto_report_to_json(latest)) < 0) ||
	    (s->checked_usec > 0 && json_add_item(object, "check", check_to_json(s)) < 0) ||
	    json_add_uint(object, "suppressed", s->suppressed) < 0)
		return NULL;
	return TAKE_PTR(object);
}

cJSON *
ops_json_error(const char *id, const char *message, uint64_t retry_usec)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || json_add_text(object, "id", id) < 0 ||
	    json_add_text(object, "message", message) < 0 ||
	    (retry_usec > 0 && json_add_uint(object, "retry_usec", retry_usec) < 0))
		return NULL;
	return TAKE_PTR(object);
}
