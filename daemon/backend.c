/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/backend.h"
#include "daemon/busloop.h"
#include "daemon/intake.h"
#include "daemon/limiter.h"
#include "daemon/ops.h"
#include "daemon/scheduler.h"
#include "daemon/spool.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/log.h"
#include "lib/settings.h"
#include "lib/text.h"

#define LOG_DOMAIN	"backend"
/* What a client is told to wait when too much is queued: about a capture. */
#define BUSY_RETRY_USEC (15 * USEC_PER_SEC)

const char *
backend_status_line(const struct backend *b, char *buf, size_t size)
{
	char use[16];
	char wait[64] = "";
	size_t n = spool_count(b->spool);
	size_t n_unsaved = scheduler_count_unsaved(b->scheduler);

	if (n_unsaved > 0)
		(void)snprintf(
		    wait, sizeof(wait), "; %zu in memory, the disk takes nothing", n_unsaved);
	(void)text_format_bytes(spool_total_bytes(b->spool), use, sizeof(use));
	(void)snprintf(buf, size, "%s %s%s; %zu report%s, %s%s%s",
	    busloop_is_connected(b->busloop) ? "watching"
					     : "waiting for the system bus to watch",
	    b->settings->units[0], b->settings->units[1] ? " and more" : "", n,
	    n == 1 ? "" : "s", use,
	    scheduler_count(b->scheduler) > n_unsaved ? "; capturing" : "", wait);
	return buf;
}

/* A copy of REPORT that counts on: the problem may have been seen again since. */
static struct report
with_count(const struct backend *b, const struct report *report)
{
	struct report copy = *report;

	copy.occurrences = intake_occurrences(b->intake, report);
	return copy;
}

static int
backend_collect(void *userdata, const struct collect_args *args, struct collect_result *ret,
    struct fault *reterr)
{
	struct backend *b = userdata;
	struct intake_wish wish = {
		.has_profile = args->has_profile,
		.profile = args->profile,
		.reason = args->reason,
		.only = args->only,
		.namespaces = args->namespaces,
		.only_namespaces = args->only_namespaces,
		.clean = args->clean,
		.token = args->token,
		.uid = args->uid,
	};
	const struct report *report;
	int r;

	ret->retry_usec = BUSY_RETRY_USEC;
	r = intake_wish(b->intake, &wish, ret->id, &ret->retry_usec, reterr);
	if (r < 0)
		return r;
	report = spool_find(b->spool, ret->id);
	if (report) {
		ret->report = with_count(b, report);
		ret->state = report->capture.status == REPORT_COMPLETE ? CAPTURE_COMPLETE
								       : CAPTURE_PARTIAL;
	} else if (scheduler_is_running(b->scheduler, ret->id)) {
		ret->state = CAPTURE_RUNNING;
	} else {
		ret->state =
		    scheduler_find(b->scheduler, ret->id) ? CAPTURE_QUEUED : CAPTURE_FAILED;
	}
	return 0;
}

static int
backend_each_report(void *userdata, bool oldest_first, ops_report_fn fn, void *fn_userdata)
{
	struct backend *b = userdata;
	size_t n = spool_count(b->spool);
	int r;

	for (size_t i = 0; i < n; i++) {
		const struct report *report = spool_at(b->spool, oldest_first ? i : n - 1 - i);
		struct report counted;

		/* Only few are copied: a full spool is 20 MB of records. */
		if (intake_occurrences(b->intake, report) != report->occurrences) {
			counted = with_count(b, report);
			report = &counted;
		}
		r = fn(report, fn_userdata);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	return 0;
}

static int
backend_open(void *userdata, const char *id, bool fetch, int *ret_fd, struct fault *reterr)
{
	struct backend *b = userdata;
	int r;

	r = spool_open_archive(b->spool, id, ret_fd);
	if (r < 0)
		return fault_set(reterr, r, "cannot open the archive: %m");
	if (fetch)
		spool_note_fetched(b->spool, id, clock_realtime_usec());
	return 0;
}

static int
backend_pin(void *userdata, const char *id, bool pinned, struct fault *reterr)
{
	struct backend *b = userdata;
	int r;

	r = spool_pin(b->spool, id, pinned);
	if (r < 0)
		return fault_set(reterr, r, "cannot write that down: %m");
	return 0;
}

/* The request that PREFIX means, or NULL; with two of them the second one is in *ret_other. */
static const struct request *
find_request(const struct backend *b, const char *prefix, const struct request **ret_other)
{
	size_t n = scheduler_count(b->scheduler);
	const struct request *found = NULL;

	*ret_other = NULL;
	if (streq(prefix, ID_LATEST))
		return n > 0 ? scheduler_at(b->scheduler, n - 1) : NULL;
	for (size_t i = 0; i < n; i++) {
		const struct request *req = scheduler_at(b->scheduler, i);

		if (!text_has_prefix(req->id, prefix))
			continue;
		if (found)
			*ret_other = req;
		found = req;
	}
	return found;
}

static int
backend_cancel(void *userdata, const char *prefix, uid_t uid, char ret_id[REPORT_ID_BYTES],
    struct fault *reterr)
{
	struct backend *b = userdata;
	const struct request *other;
	const struct request *req = find_request(b, prefix, &other);
	char reason[REASON_BYTES];
	int r;

	if (!req)
		return fault_set(reterr, -ENOENT,
		    "no request or capture with the ID '%s' is under way", prefix);
	if (other)
		return fault_set(reterr, -ENOTUNIQ,
		    "more than one request has an ID that starts with '%s'", prefix);
	if (uid != 0 && (req->trigger != TRIGGER_REQUEST || req->uid != uid))
		return fault_set(
		    reterr, -EPERM, "only root may end what somebody else asked for");
	text_copy(ret_id, REPORT_ID_BYTES, req->id);
	(void)snprintf(reason, sizeof(reason), "cancelled by the user %u", (unsigned)uid);
	r = scheduler_cancel(b->scheduler, ret_id, reason);
	if (r < 0)
		return fault_set(reterr, r, "cannot stop the capture: %m");
	return 0;
}

static int
compare_last_seen(const void *a, const void *b)
{
	uint64_t x = (*(const struct key_record *const *)a)->last_usec;
	uint64_t y = (*(const struct key_record *const *)b)->last_usec;

	return x > y ? -1 : x < y;
}

static int
backend_each_key(void *userdata, ops_key_fn fn, void *fn_userdata)
{
	struct backend *b = userdata;
	const struct limiter *limiter = intake_limiter(b->intake);
	const struct key_record *keys[LIMITER_KEYS_MAX];
	size_t n = limiter_count(limiter);
	uint64_t now = clock_realtime_usec();
	int r = 0;

	for (size_t i = 0; i < n; i++)
		keys[i] = limiter_at(limiter, i);
	qsort(keys, n, sizeof(*keys), compare_last_seen);
	for (size_t i = 0; i < n && r >= 0; i++) {
		struct key_status key = { keys[i], limiter_pause_end(limiter, keys[i], now) };

		r = fn(&key, fn_userdata);
	}
	return r;
}

static int
backend_remove(void *userdata, const char *id, struct fault *reterr)
{
	struct backend *b = userdata;
	int r;

	if (spool_find(b->spool, id)->pinned)
		return fault_set(reterr, -EPERM, "it is pinned; unpin it first");
	r = spool_remove(b->spool, id, "removed on request");
	if (r < 0)
		return fault_set(reterr, r, "cannot remove the report: %m");
	log_info("Report '%s' was removed on request", id);
	return 0;
}

/* PID 1 counts CLOCK_MONOTONIC; people want the wall clock. */
static uint64_t
to_realtime(uint64_t monotonic_usec)
{
	uint64_t now = clock_monotonic_usec();

	if (monotonic_usec == 0 || monotonic_usec > now)
		return 0;
	return clock_realtime_usec() - (now - monotonic_usec);
}

/* Not installed. A scope is not until it runs, and is not read again then. */
static bool
is_absent(const struct unit_snapshot *snapshot)
{
	return streq(snapshot->load_state, "not-found") &&
	    streq(snapshot->active_state, "inactive");
}

static void
add_units(const struct backend *b, struct status_info *ret)
{
	size_t n = intake_units(b->intake);

	for (size_t i = 0; i < n && i < STATUS_UNITS_MAX; i++) {
		const char *unit;
		const struct unit_snapshot *snapshot = intake_unit_at(b->intake, i, &unit);
		struct unit_status *u;

		if (is_absent(snapshot) && settings_is_neighbour(b->settings, unit))
			continue;
		u = &ret->units[ret->n_units++];
		text_copy(u->unit, sizeof(u->unit), unit);
		text_copy(u->active_state, sizeof(u->active_state),
		    is_absent(snapshot) ? "not-found" : snapshot->active_state);
		text_copy(u->sub_state, sizeof(u->sub_state), snapshot->sub_state);
		text_copy(u->invocation_id, sizeof(u->invocation_id), snapshot->invocation_id);
		u->since_usec = to_realtime(snapshot->state_change_monotonic_usec);
	}
}

static void
add_captures(const struct backend *b, struct status_info *ret)
{
	size_t n = scheduler_count(b->scheduler);

	for (size_t i = 0; i < n && i < STATUS_CAPTURES_MAX; i++) {
		const struct request *req = scheduler_at(b->scheduler, i);
		struct capture_status *c = &ret->captures[ret->n_captures++];

		text_copy(c->id, sizeof(c->id), req->id);
		text_copy(c->unit, sizeof(c->unit), req->event.unit);
		c->state = scheduler_is_running(b->scheduler, req->id) ? CAPTURE_RUNNING
								       : CAPTURE_QUEUED;
		c->profile = req->profile;
		c->trigger = req->trigger;
		c->created_usec = req->created_usec;
	}
}

static void
add_problems(const struct backend *b, struct status_info *ret)
{
	const struct confirm *c = intake_confirm(b->intake);

	ret->checked_usec = c->checked_usec;
	for (size_t i = 0; i < c->n_items; i++) {
		const struct suspicion *s = &c->items[i];

		if (s->state == SUSPICION_OVER)
			continue;
		ret->problems[ret->n_problems++] = (struct problem_status){
			.finding = s->finding,
			.since_usec = s->since_usec,
			.is_confirmed = s->state != SUSPICION_SUSPECTED,
		};
	}
}

static int
backend_status(void *userdata, struct status_info *ret, struct fault *reterr)
{
	struct backend *b = userdata;

	(void)reterr;
	*ret = (struct status_info){
		.started_usec = b->started_usec,
		.reports = spool_count(b->spool),
		.reports_max = b->settings->max_reports + b->settings->max_manual_reports,
		.reports_bytes = spool_total_bytes(b->spool),
		.reports_bytes_max = b->settings->max_use_bytes,
		.keep_free_bytes = b->settings->keep_free_bytes,
		.suppressed = intake_suppressed(b->intake),
	};
	(void)backend_status_line(b, ret->message, sizeof(ret->message));
	(void)spool_free_bytes(b->spool, &ret->free_bytes);
	add_units(b, ret);
	add_captures(b, ret);
	add_problems(b, ret);
	return 0;
}

static int
backend_failed(void *userdata, const struct failure_notice *notice, struct fault *reterr)
{
	struct backend *b = userdata;

	(void)reterr;
	intake_on_notice(b->intake, notice);
	return 0;
}

static int
backend_checked(
    void *userdata, const struct finding *findings, size_t n_findings, struct fault *reterr)
{
	struct backend *b = userdata;

	(void)reterr;
	intake_on_check(b->intake, findings, n_findings);
	return 0;
}

static int
backend_progress(void *userdata, const char *id, const struct capture_progress *progress)
{
	struct backend *b = userdata;

	(void)progress;
	return scheduler_find(b->scheduler, id) ? 0 : -ENOENT;
}

const struct ops_backend backend_ops = {
	.collect = backend_collect,
	.each_report = backend_each_report,
	.open = backend_open,
	.pin = backend_pin,
	.cancel = backend_cancel,
	.each_key = backend_each_key,
	.remove = backend_remove,
	.status = backend_status,
	.failed = backend_failed,
	.checked = backend_checked,
	.progress = backend_progress,
};
