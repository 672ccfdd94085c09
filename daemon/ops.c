/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "daemon/ops-json.h"
#include "daemon/ops-params.h"
#include "daemon/ops.h"
#include "lib/failure.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/text.h"

#define LOG_DOMAIN "ops"

/* A call that is kept: Watch, or Collect with `more`. */
struct stream {
	TAILQ_ENTRY(stream) entry;
	struct ops *ops;	  /* borrowed: outlives us */
	struct server_call *call; /* borrowed: the server ends it, or we do */
	char id[REPORT_ID_BYTES]; /* of the Collect; "" for a Watch */
};

struct ops {
	const struct ops_backend *backend; /* borrowed: a constant table */
	void *userdata;			   /* borrowed: the backend's */
	TAILQ_HEAD(, stream) streams;
	size_t n_streams;
};

/* --- answers ---------------------------------------------------------------------------- */

/* Answers with what a function of the backend returned, and of ID (may be NULL) and RETRY_USEC
 * what the error has. */
static int
answer_failure(struct server_call *call, int r, const char *id, const struct fault *fault,
    uint64_t retry_usec)
{
	enum proto_error error = proto_error_from_errno(r);
	const char *message = fault->code < 0 ? fault_text(fault) : NULL;

	if (error == PROTO_ERROR_INTERNAL)
		(void)log_warning_errno(r, "A call failed, answering so: %s",
		    message ? message : "no reason given");
	if (error != PROTO_ERROR_NOT_FOUND && error != PROTO_ERROR_AMBIGUOUS)
		id = NULL;
	if (error != PROTO_ERROR_BUSY && error != PROTO_ERROR_RATE_LIMITED)
		retry_usec = 0;
	return server_call_error(call, error, ops_json_error(id, message, retry_usec));
}

/* Answers with OBJECT, which is consumed; NULL means out of memory. */
static int
answer(struct server_call *call, cJSON *object, bool continues)
{
	if (!object && continues)
		return -ENOMEM;
	if (!object)
		return server_call_fail(call, PROTO_ERROR_INTERNAL, "out of memory");
	return server_call_reply(call, object, continues);
}

/* --- streams ---------------------------------------------------------------------------- */

static void
stream_free(struct stream *s)
{
	TAILQ_REMOVE(&s->ops->streams, s, entry);
	s->ops->n_streams--;
	free(s);
}

static void
on_stream_cancel(struct server_call *call, void *userdata)
{
	(void)call;
	stream_free(userdata);
}

/* Keeps CALL to tell it what happens: to the request ID, or with ID "" to all. */
static int
stream_new(struct ops *ops, struct server_call *call, const char *id)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->ops = ops;
	s->call = call;
	text_copy(s->id, sizeof(s->id), id);
	TAILQ_INSERT_TAIL(&ops->streams, s, entry);
	ops->n_streams++;
	server_call_keep(call, on_stream_cancel, s);
	return 0;
}

static void
tell_watchers(struct ops *ops, const struct ops_event *event)
{
	struct stream *s;

	/* Answers that continue free nothing: the list is stable. */
	TAILQ_FOREACH (s, &ops->streams, entry)
		if (s->id[0] == '\0')
			(void)answer(s->call, ops_json_event(event), true);
}

/* Tells those who asked for the request ID; a final state is their last answer. */
static void
tell_collectors(struct ops *ops, const char *id, enum capture_state state,
    const struct report *report, const struct capture_progress *progress, const char *message)
{
	bool is_final = capture_state_is_final(state);
	struct stream *s, *next;

	for (s = TAILQ_FIRST(&ops->streams); s; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (!streq(s->id, id))
			continue;
		(void)answer(
		    s->call, ops_json_collect(id, state, report, progress, message), !is_final);
		if (is_final)
			stream_free(s);
	}
}

void
ops_capture_changed(struct ops *ops, const char *id, enum capture_state state,
    const struct report *report, const char *message)
{
	const struct ops_event event = {
		.event = capture_state_to_string(state),
		.id = id,
		.unit = report ? report->event.unit : NULL,
		.message = message,
		.report = report,
	};

	tell_collectors(ops, id, state, report, NULL, message);
	tell_watchers(ops, &event);
}

void
ops_report_deleted(struct ops *ops, const char *id, const char *message)
{
	const struct ops_event event = { .event = "deleted", .id = id, .message = message };

	tell_watchers(ops, &event);
}

void
ops_suppressed(struct ops *ops, const char *unit, const char *message)
{
	const struct ops_event event = {
		.event = "suppressed",
		.unit = unit,
		.message = message,
	};

	tell_watchers(ops, &event);
}

void
ops_confirmed(struct ops *ops, const char *message)
{
	const struct ops_event event = { .event = "confirmed", .message = message };

	tell_watchers(ops, &event);
}

/* --- reports ---------------------------------------------------------------------------- */

struct search {
	const char *wanted;
	struct report found;
	unsigned n_found;
};

static int
on_search(const struct report *report, void *userdata)
{
	struct search *s = userdata;

	if (!streq(s->wanted, ID_LATEST) && !text_has_prefix(report->id, s->wanted))
		return 0;
	s->found = *report;
	s->n_found++;
	return s->n_found > 1 || streq(s->wanted, ID_LATEST) || streq(s->wanted, report->id);
}

/* Finds the report that WANTED means. Returns 0, -ENOENT, -ENOTUNIQ, or what the backend says.
 */
static int
find_report(
    struct ops *ops, const char *wanted, struct report *ret_report, struct fault *reterr)
{
	struct search s = { .wanted = wanted };
	int r;

	r = ops->backend->each_report(ops->userdata, false, on_search, &s);
	if (r < 0)
		return fault_set(reterr, r, "cannot look through the reports: %m");
	if (s.n_found == 0 && streq(wanted, ID_LATEST))
		return fault_set(reterr, -ENOENT, "there are no reports yet");
	if (s.n_found == 0)
		return fault_set(reterr, -ENOENT, "no report has the ID '%s'", wanted);
	if (s.n_found > 1)
		return fault_set(reterr, -ENOTUNIQ,
		    "more than one report has an ID that starts with '%s'", wanted);
	*ret_report = s.found;
	return 0;
}

/* Finds the report that ID means, unless the parameter BAD is not acceptable. Returns 1 when it
 * did, otherwise the call was answered and the value is what the handler returns. */
static int
resolve(struct ops *ops, struct server_call *call, const char *bad, const char *id,
    struct report *ret)
{
	struct fault fault = { 0 };
	int r;

	if (bad)
		return server_call_invalid_parameter(call, bad);
	r = find_report(ops, id, ret, &fault);
	return r < 0 ? answer_failure(call, r, id, &fault, 0) : 1;
}

/* The same for methods whose one parameter is `id`. */
static int
get_report(struct ops *ops, struct server_call *call, struct report *ret)
{
	const char *id = NULL;
	const char *bad = ops_read_id(server_call_parameters(call), &id);

	return resolve(ops, call, bad, id, ret);
}

/* --- methods ---------------------------------------------------------------------------- */

static int
handle_collect(struct server_call *call, void *userdata)
{
	struct ops *ops = userdata;
	_cleanup_(strv_freep) char **only = NULL;
	_cleanup_(strv_freep) char **namespaces = NULL;
	struct collect_args args = {
		.uid = server_call_peer_uid(call),
		.pid = server_call_peer_pid(call),
	};
	struct collect_result result = { 0 };
	struct fault fault = { 0 };
	const struct report *report;
	const char *bad;
	bool stays;
	int r;

	bad = ops_read_collect(server_call_parameters(call), &args);
	only = args.only;
	namespaces = args.namespaces;
	if (bad)
		return server_call_invalid_parameter(call, bad);
	if (server_call_wants_more(call) && ops->n_streams >= OPS_STREAMS_MAX)
		return server_call_fail(call, PROTO_ERROR_BUSY, "too many calls are waiting");
	r = ops->backend->collect(ops->userdata, &args, &result, &fault);
	if (r < 0)
		return answer_failure(
		    call, r, NULL, &fault, r == -EBUSY || r == -EAGAIN ? result.retry_usec : 0);
	report = result.state == CAPTURE_COMPLETE || result.state == CAPTURE_PARTIAL
	    ? &result.report
	    : NULL;
	stays = server_call_wants_more(call) && !capture_state_is_final(result.state);
	if (stays) {
		r = stream_new(ops, call, result.id);
		if (r < 0)
			return r;
	}
	(void)answer(
	    call, ops_json_collect(result.id, result.state, report, NULL, NULL), stays);
	return 0;
}

struct listing {
	const struct list_args *args;
	cJSON *reports; /* borrowed */
	uint64_t total;
	uint64_t listed;
};

static bool
list_args_match(const struct list_args *args, const struct report *report)
{
	if (args->has_trigger && report->trigger != args->trigger)
		return false;
	if (args->key[0] != '\0' && !text_has_prefix(report->key, args->key))
		return false;
	if (args->unit[0] != '\0' && !streq(args->unit, report->event.unit))
		return false;
	return report->created_usec >= args->since_usec &&
	    report->created_usec <= args->until_usec;
}

static int
on_list(const struct report *report, void *userdata)
{
	struct listing *l = userdata;
	cJSON *item;

	if (!list_args_match(l->args, report))
		return 0;
	if (l->total++ < l->args->offset || l->listed >= l->args->limit)
		return 0;
	item = proto_report_to_json(report);
	if (!item || !cJSON_AddItemToArray(l->reports, item)) {
		cJSON_Delete(item);
		return -ENOMEM;
	}
	l->listed++;
	return 0;
}

static int
handle_list(struct server_call *call, void *userdata)
{
	struct ops *ops = userdata;
	_cleanup_json_ cJSON *object = cJSON_CreateObject();
	struct list_args args;
	struct listing l = { .args = &args };
	struct fault fault = { 0 };
	const char *bad;
	int r;

	bad = ops_read_list(server_call_parameters(call), &args);
	if (bad)
		return server_call_invalid_parameter(call, bad);
	l.reports = object ? cJSON_AddArrayToObject(object, "reports") : NULL;
	if (!l.reports)
		return -ENOMEM;
	r = ops->backend->each_report(ops->userdata, args.reverse, on_list, &l);
	if (r < 0)
		return answer_failure(call, r, NULL, &fault, 0);
	if (json_add_uint(object, "total", l.total) < 0)
		return -ENOMEM;
	return answer(call, TAKE_PTR(object), false);
}

static int
handle_show(struct server_call *call, void *userdata)
{
	_cleanup_json_ cJSON *object = NULL;
	struct report report;
	int r;

	r = get_report(userdata, call, &report);
	if (r <= 0)
		return r;
	object = cJSON_CreateObject();
	if (!object || json_add_item(object, "report", proto_report_to_json(&report)) < 0 ||
	    json_add_item(object, "details", report_to_json(&report)) < 0)
		return -ENOMEM;
	return answer(call, TAKE_PTR(object), false);
}

static int
handle_open(struct server_call *call, void *userdata)
{
	struct ops *ops = userdata;
	_cleanup_json_ cJSON *object = NULL;
	_cleanup_close_ int fd = -EBADF;
	struct fault fault = { 0 };
	struct report report;
	const char *id = NULL;
	bool fetch;
	const char *bad = ops_read_open(server_call_parameters(call), &id, &fetch);
	int r;

	r = resolve(ops, call, bad, id, &report);
	if (r <= 0)
		return r;
	r = ops->backend->open(ops->userdata, report.id, fetch, &fd, &fault);
	if (r < 0)
		return answer_failure(call, r, report.id, &fault, 0);
	object = cJSON_CreateObject();
	if (!object || json_add_int(object, "fd", 0) < 0 ||
	    json_add_text(object, "id", report.id) < 0 ||
	    json_add_text(object, "name", report.capture.archive) < 0 ||
	    json_add_uint(object, "size_bytes", report.capture.size_bytes) < 0)
		return -ENOMEM;
	return server_call_reply_fd(call, TAKE_PTR(object), TAKE_FD(fd));
}

/* Answers with the ID, which was perhaps asked for by its beginning. */
static int
answer_id(struct server_call *call, const char *id)
{
	cJSON *object = cJSON_CreateObject();

	if (object)
		(void)json_add_text(object, "id", id);
	return answer(call, object, false);
}

static int
handle_delete(struct server_call *call, void *userdata)
{
	struct ops *ops = userdata;
	struct fault fault = { 0 };
	struct report report;
	int r;

	r = get_report(ops, call, &report);
	if (r <= 0)
		return r;
	r = ops->backend->remove(ops->userdata, report.id, &fault);
	if (r < 0)
		return answer_failure(call, r, report.id, &fault, 0);
	(void)answer_id(call, report.id);
	ops_report_deleted(ops, report.id, "removed on request");
	return 0;
}

static int
pin(struct server_call *call, struct ops *ops, bool pinned)
{
	struct fault fault = { 0 };
	struct report report;
	int r;

	r = get_report(ops, call, &report);
	if (r <= 0)
		return r;
	r = ops->backend->pin(ops->userdata, report.id, pinned, &fault);
	if (r < 0)
		return answer_failure(call, r, report.id, &fault, 0);
	return answer_id(call, report.id);
}

static int
handle_pin(struct server_call *call, void *userdata)
{
	return pin(call, userdata, true);
}

static int
handle_unpin(struct server_call *call, void *userdata)
{
	return pin(call, userdata, false);
}

static int
handle_cancel(struct server_call *call, void *userdata)
{
	struct ops *ops = userdata;
	struct fault fault = { 0 };
	char id[REPORT_ID_BYTES];
	const char *prefix = NULL;
	const char *bad = ops_read_id(server_call_parameters(call), &prefix);
	int r;

	if (bad)
		return server_call_invalid_parameter(call, bad);
	r = ops->backend->cancel(ops->userdata, prefix, server_call_peer_uid(call), id, &fault);
	if (r < 0)
		return answer_failure(call, r, prefix, &fault, 0);
	return answer_id(call, id);
}

static int
on_key(const struct key_status *key, void *userdata)
{
	cJSON *item = ops_json_key(key);

	if (item && cJSON_AddItemToArray(userdata, item))
		return 0;
	cJSON_Delete(item);
	return -ENOMEM;
}

static int
handle_keys(struct server_call *call, void *userdata)
{
	struct ops *ops = userdata;
	_cleanup_json_ cJSON *object = cJSON_CreateObject();
	const char *bad = ops_read_nothing(server_call_parameters(call));
	cJSON *keys;
	int r;

	if (bad)
		return server_call_invalid_parameter(call, bad);
	keys = object ? cJSON_AddArrayToObject(object, "keys") : NULL;
	if (!keys)
		return -ENOMEM;
	r = ops->backend->each_key(ops->userdata, on_key, keys);
	if (r < 0)
		return r;
	return answer(call, TAKE_PTR(object), false);
}

static int
on_latest(const struct report *report, void *userdata)
{
	*(struct report *)userdata = *report;
	return 1;
}

static int
handle_status(struct server_call *call, void *userdata)
{
	struct ops *ops = userdata;
	_cleanup_free_ struct status_info *status = NULL;
	struct report latest = { 0 };
	struct fault fault = { 0 };
	const char *bad;
	int r;

	bad = ops_read_nothing(server_call_parameters(call));
	if (bad)
		return server_call_invalid_parameter(call, bad);
	status = calloc(1, sizeof(*status)); /* some 40 KiB: not for the stack */
	if (!status)
		return -ENOMEM;
	r = ops->backend->status(ops->userdata, status, &fault);
	if (r >= 0)
		r = ops->backend->each_report(ops->userdata, false, on_latest, &latest);
	if (r < 0)
		return answer_failure(call, r, NULL, &fault, 0);
	return answer(
	    call, ops_json_status(status, latest.id[0] != '\0' ? &latest : NULL), false);
}

static int
handle_watch(struct server_call *call, void *userdata)
{
	static const struct ops_event watching = { .event = "watching" };
	struct ops *ops = userdata;
	const char *bad;
	int r;

	bad = ops_read_nothing(server_call_parameters(call));
	if (bad)
		return server_call_invalid_parameter(call, bad);
	if (ops->n_streams >= OPS_STREAMS_MAX)
		return server_call_fail(call, PROTO_ERROR_BUSY, "too many calls are waiting");
	r = stream_new(ops, call, "");
	if (r < 0)
		return r;
	(void)answer(call, ops_json_event(&watching), true);
	return 0;
}

static int
handle_failed(struct server_call *call, void *userdata)
{
	struct ops *ops = userdata;
	struct failure_notice notice;
	struct fault fault = { 0 };
	const char *bad;
	int r;

	bad = ops_read_failed(server_call_parameters(call), &notice);
	if (bad)
		return server_call_invalid_parameter(call, bad);
	r = ops->backend->failed(ops->userdata, &notice, &fault);
	if (r < 0)
		return answer_failure(call, r, NULL, &fault, 0);
	return server_call_reply(call, NULL, false);
}

static int
handle_checked(struct server_call *call, void *userdata)
{
	struct ops *ops = userdata;
	_cleanup_free_ struct finding *findings = NULL;
	struct fault fault = { 0 };
	const char *bad;
	size_t n;
	int r;

	findings = calloc(FINDINGS_MAX, sizeof(*findings)); /* 20 KiB: not for the stack */
	if (!findings)
		return -ENOMEM;
	bad = ops_read_checked(server_call_parameters(call), findings, &n);
	if (bad)
		return server_call_invalid_parameter(call, bad);
	r = ops->backend->checked(ops->userdata, findings, n, &fault);
	if (r < 0)
		return answer_failure(call, r, NULL, &fault, 0);
	return server_call_reply(call, NULL, false);
}

static int
handle_progress(struct server_call *call, void *userdata)
{
	struct ops *ops = userdata;
	struct capture_progress progress = { 0 };
	char id[REPORT_ID_BYTES] = "";
	const struct ops_event event = {
		.event = "progress",
		.id = id,
		.progress = &progress,
	};
	struct fault fault = { 0 };
	const char *bad;
	int r;

	bad = ops_read_progress(server_call_parameters(call), id, &progress);
	if (bad)
		return server_call_invalid_parameter(call, bad);
	r = ops->backend->progress(ops->userdata, id, &progress);
	if (r < 0)
		return answer_failure(call, r, id, &fault, 0);
	tell_collectors(ops, id, CAPTURE_RUNNING, NULL, &progress, NULL);
	tell_watchers(ops, &event);
	return server_call_reply(call, NULL, false);
}

static const struct server_method methods[] = {
	{ PROTO_INTERFACE ".Collect", ACCESS_MEMBER, false, handle_collect },
	{ PROTO_INTERFACE ".List", ACCESS_MEMBER, false, handle_list },
	{ PROTO_INTERFACE ".Show", ACCESS_MEMBER, false, handle_show },
	{ PROTO_INTERFACE ".Open", ACCESS_MEMBER, false, handle_open },
	{ PROTO_INTERFACE ".Delete", ACCESS_ROOT, false, handle_delete },
	{ PROTO_INTERFACE ".Pin", ACCESS_ROOT, false, handle_pin },
	{ PROTO_INTERFACE ".Unpin", ACCESS_ROOT, false, handle_unpin },
	{ PROTO_INTERFACE ".Cancel", ACCESS_MEMBER, false, handle_cancel },
	{ PROTO_INTERFACE ".Keys", ACCESS_MEMBER, false, handle_keys },
	{ PROTO_INTERFACE ".Status", ACCESS_MEMBER, false, handle_status },
	{ PROTO_INTERFACE ".Watch", ACCESS_MEMBER, true, handle_watch },
	{ PROTO_INTERFACE ".Failed", ACCESS_ROOT, false, handle_failed },
	{ PROTO_INTERFACE ".Progress", ACCESS_ROOT, false, handle_progress },
	{ PROTO_INTERFACE ".Checked", ACCESS_ROOT, false, handle_checked },
};

const struct server_method *
ops_methods(size_t *ret_n)
{
	*ret_n = ELEMENTSOF(methods);
	return methods;
}

int
ops_new(const struct ops_backend *backend, void *userdata, struct ops **ret)
{
	struct ops *ops = malloc(sizeof(*ops));

	if (!ops)
		return -ENOMEM;
	*ops = (struct ops){ .backend = backend, .userdata = userdata };
	TAILQ_INIT(&ops->streams);
	*ret = ops;
	return 0;
}

void
ops_free(struct ops *ops)
{
	/* The server has ended and cancelled what we kept. */
	assert(!ops || TAILQ_EMPTY(&ops->streams));
	free(ops);
}
