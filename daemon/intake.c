/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <systemd/sd-id128.h>

#include "daemon/bucket.h"
#include "daemon/crashloop.h"
#include "daemon/inbox.h"
#include "daemon/intake.h"
#include "daemon/limiter.h"
#include "daemon/loop.h"
#include "daemon/runlog.h"
#include "daemon/scheduler.h"
#include "daemon/spool.h"
#include "daemon/state.h"
#include "daemon/submit.h"
#include "daemon/tokens.h"
#include "daemon/trigger.h"
#include "daemon/unitstates.h"
#include "lib/clock.h"
#include "lib/failpoint.h"
#include "lib/failure.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/msgids.h"
#include "lib/settings.h"
#include "lib/text.h"

#define LOG_DOMAIN "intake"

/* Notices that wait for the watcher; a storm of hooks is cut here and answered by the watcher.
 */
#define NOTICES_MAX 32u

/* A hook's notice that waits for the watcher to tell the same. */
struct waiting_notice {
	struct failure_notice notice;
	uint64_t due_usec; /* CLOCK_MONOTONIC */
	TAILQ_ENTRY(waiting_notice) link;
};

struct intake {
	struct spool *spool;		 /* borrowed */
	struct scheduler *scheduler;	 /* borrowed */
	const struct settings *settings; /* borrowed */
	struct intake_handlers handlers;
	void *userdata;
	struct limiter *limiter; /* owned */
	struct runlog *runlog;	 /* owned */
	struct submit *submit;	 /* owned */
	struct confirm confirm;
	struct crashloop loops;
	struct loop_timer *notice_timer; /* owned */
	TAILQ_HEAD(, waiting_notice) notices;
	size_t n_notices;
	struct unit_states units;
	struct runtrack_state saved_units[WATCHED_UNITS_MAX];
	size_t n_saved_units;
	intake_export_fn export_units;
	void *export_userdata;
	struct tokens tokens;
	char boot_id[ID128_BYTES];
	struct bucket requests; /* of people */
	uint64_t suppressed;
};

void
intake_save(struct intake *in)
{
	struct runtrack_state units[WATCHED_UNITS_MAX];
	struct state state = {
		.sequence = submit_sequence(in->submit),
		.limiter = in->limiter,
		.runlog = in->runlog,
		.confirm = &in->confirm,
		.loops = &in->loops,
		.boot_id = in->boot_id,
		.units = units,
	};
	int r;

	if (in->export_units)
		state.n_units = in->export_units(units, WATCHED_UNITS_MAX, in->export_userdata);
	r = state_save(spool_state_fd(in->spool), &state);
	if (r < 0)
		(void)log_warning_errno(r, "Cannot save the state, ignoring: %m");
}

static void
load(struct intake *in)
{
	struct state state = {
		.limiter = in->limiter,
		.runlog = in->runlog,
		.confirm = &in->confirm,
		.loops = &in->loops,
		.boot_id = in->boot_id,
		.units = in->saved_units,
		.max_units = WATCHED_UNITS_MAX,
	};
	int r;

	r = state_load(spool_state_fd(in->spool), &state);
	if (r < 0 && r != -ENOENT)
		(void)log_warning_errno(r, "Cannot read the saved state, starting anew: %m");
	in->n_saved_units = state.n_units;
	submit_set_sequence(in->submit, state.sequence);
}

static void
remember(struct intake *in, enum trigger trigger, const struct unit_event *event,
    uint64_t created_usec)
{
	if (trigger != TRIGGER_REQUEST)
		limiter_recall(in->limiter, created_usec, clock_realtime_usec());
	if (event->unit[0] != '\0')
		(void)runlog_add(in->runlog, event, false, 0);
}

/* Ends that are in the spool are known, even if we died before the state was saved. */
static void
remember_spool(struct intake *in)
{
	for (size_t i = 0; i < spool_count(in->spool); i++) {
		const struct report *report = spool_at(in->spool, i);

		remember(in, report->trigger, &report->event, report->created_usec);
	}
	for (size_t i = 0; i < scheduler_count(in->scheduler); i++) {
		const struct request *req = scheduler_at(in->scheduler, i);

		remember(in, req->trigger, &req->event, req->created_usec);
	}
}

static void
suppress(struct intake *in, const struct request *req, uint64_t count, const char *why)
{
	const char *unit = req->event.unit;
	struct log_field fields[] = { { "SUPPORTD_UNIT", unit }, { "SUPPORTD_KEY", req->key } };
	char message[REASON_BYTES];

	in->suppressed++;
	(void)snprintf(message, sizeof(message),
	    "%s%.100s is only counted (%llu times so far): %s",
	    unit[0] != '\0' ? "The end of a run of " : "The problem of ",
	    unit[0] != '\0' ? unit : req->finding.subject, (unsigned long long)count, why);
	log_event(MSGID_SUPPRESSED, LOG_INFO, fields, ELEMENTSOF(fields), "%s", message);
	in->handlers.on_suppressed(unit, message, in->userdata);
}

static void
log_run_ended(const struct unit_event *event, const char *reason)
{
	struct log_field fields[] = {
		{ "SUPPORTD_UNIT", event->unit },
		{ "SUPPORTD_INVOCATION_ID", event->invocation_id },
		{ "SUPPORTD_RESULT", event->result },
	};

	log_event(MSGID_RUN_ENDED, LOG_NOTICE, fields, ELEMENTSOF(fields), "%s", reason);
}

/* Captures the problem that REQ has with its key, unless the verdict is against it. */
static enum verdict
capture(struct intake *in, struct request *req, uint64_t pause_usec, bool may_borrow)
{
	struct limiter_hit hit = {
		.key = req->key,
		.reason = req->reason,
		.now_usec = clock_realtime_usec(),
		.pause_usec = pause_usec,
		.may_borrow = may_borrow,
		.has_room = scheduler_count(in->scheduler) < in->settings->max_queued,
	};
	const struct key_record *record;
	enum verdict verdict;
	char id[REPORT_ID_BYTES];
	int r;

	verdict = limiter_hit(in->limiter, &hit, &record);
	if (verdict != VERDICT_CAPTURE) {
		suppress(in, req, record->count, verdict_to_string(verdict));
		return verdict;
	}
	req->occurrences = record->count;
	r = submit_request(in->submit, req, id);
	if (r < 0) {
		log_event(MSGID_SPOOL_UNWRITABLE, LOG_ERR, NULL, 0,
		    "Cannot put a request on disk, no report of this: %s", strerror(-r));
		limiter_take_back(in->limiter, record->key);
		return verdict;
	}
	limiter_set_report(in->limiter, record->key, id); /* REQ is empty now */
	return verdict;
}

/* One more end of LOOP. Within the pause of the loop it is counted, but each hour that it goes
 * on shows how the machine is; that is no capture of its own, and no limit but the queue's is
 * for it. */
static void
capture_loop(struct intake *in, struct request *req, const struct crashloop_unit *loop,
    bool is_flash_due)
{
	char id[REPORT_ID_BYTES];
	bool may_borrow = req->event.is_final && req->trigger != TRIGGER_NEIGHBOUR;

	req->trigger = TRIGGER_CRASH_LOOP;
	req->profile = trigger_profile(req->trigger);
	trigger_loop_key(loop->dominant, req->key);
	trigger_describe_loop(&req->event, loop->count, req->reason);
	if (capture(in, req, trigger_pause_usec(req->trigger), may_borrow) == VERDICT_CAPTURE ||
	    !is_flash_due || scheduler_count(in->scheduler) >= in->settings->max_queued)
		return;
	req->profile = PROFILE_FLASH;
	req->occurrences = limiter_find(in->limiter, req->key)->count;
	if (submit_request(in->submit, req, id) < 0)
		log_warning("Cannot put the hourly flash of a crash loop on disk");
}

/* Whether the end is one of a crash loop. What the inbox tells of may have ended at any time;
 * and who turned pauses off wants each end. */
static enum crashloop_verdict
judge_loop(struct intake *in, const struct request *req, const struct crashloop_unit **ret_loop)
{
	if (req->source == SOURCE_INBOX || in->settings->cool_down_usec == 0)
		return CRASHLOOP_NONE;
	return crashloop_feed(
	    &in->loops, req->event.unit, req->key, clock_boottime_usec(), ret_loop);
}

/* An end that nobody asked for and that was not known. */
static void
capture_event(struct intake *in, const struct unit_event *event, enum source source)
{
	struct request req = { .source = source, .event = *event };
	const struct crashloop_unit *loop = NULL;
	enum crashloop_verdict verdict;

	req.trigger = settings_is_neighbour(in->settings, event->unit)
	    ? TRIGGER_NEIGHBOUR
	    : trigger_classify(event);
	req.profile = trigger_profile(req.trigger);
	trigger_key(req.trigger, event, req.key);
	trigger_describe(event, req.reason);
	log_run_ended(event, req.reason);
	(void)failpoint("run-ended");
	verdict = judge_loop(in, &req, &loop);
	if (verdict == CRASHLOOP_NONE)
		(void)capture(in, &req, trigger_pause_usec(req.trigger),
		    event->is_final && req.trigger != TRIGGER_NEIGHBOUR);
	else
		capture_loop(in, &req, loop, verdict == CRASHLOOP_FLASH);
}

void
intake_on_run_event(struct intake *in, const struct run_event *event)
{
	struct unit_event ended = event->event;

	if (event->type == RUN_ENDED || event->type == RUN_FINAL) {
		if (ended.boot_id[0] == '\0')
			text_copy(ended.boot_id, sizeof(ended.boot_id), in->boot_id);
		/* A final failure is mostly that of a run whose end was told before. */
		if (!runlog_add(in->runlog, &ended, event->is_requested, clock_boottime_usec()))
			log_debug("Run '%s' of '%s' is known to have ended",
			    ended.invocation_id, ended.unit);
		else if (event->is_requested)
			log_info("A run of '%s' ended as requested", ended.unit);
		else if (settings_is_neighbour(in->settings, ended.unit) &&
		    !trigger_is_failure(&ended))
			log_info("A run of '%s' ended without a failure", ended.unit);
		else
			capture_event(in, &ended, SOURCE_WATCHER);
	}
	intake_save(in);
}

void
intake_on_state(struct intake *in, const char *unit, const struct unit_snapshot *snapshot)
{
	unit_states_set(&in->units, unit, snapshot);
}

/* The MONITOR_* variables of a hook that came late: they tell of the run that followed, which
 * is alive. What ended before it has been told by the watcher. */
static bool
is_about_living_run(struct intake *in, const struct failure_notice *notice)
{
	return notice->invocation_id[0] != '\0' &&
	    streq(notice->invocation_id, unit_states_invocation(&in->units, notice->unit));
}

/* A notice that nobody else told of. */
static void
capture_notice(struct intake *in, const struct failure_notice *notice, enum source source)
{
	struct unit_event event = {
		.active_state = "failed",
		.exit_usec = notice->realtime_usec,
		/* `protocol` is how systemd names an end before READY; else we do not know. */
		.was_ready = !streq(notice->result, "protocol"),
	};

	text_copy(event.boot_id, sizeof(event.boot_id), notice->boot_id);
	text_copy(event.unit, sizeof(event.unit), notice->unit);
	text_copy(event.invocation_id, sizeof(event.invocation_id), notice->invocation_id);
	text_copy(event.result, sizeof(event.result), notice->result);
	failure_notice_exec_main(notice, &event.exec_main_code, &event.exec_main_status);
	if (runlog_add(in->runlog, &event, false, clock_boottime_usec()))
		capture_event(in, &event, source);
	(void)runlog_match_notice(in->runlog, notice, "");
}

static void
on_notice_timer(void *userdata)
{
	struct intake *in = userdata;
	uint64_t now = clock_monotonic_usec();
	struct waiting_notice *w;

	while ((w = TAILQ_FIRST(&in->notices)) && w->due_usec <= now) {
		TAILQ_REMOVE(&in->notices, w, link);
		in->n_notices--;
		if (runlog_match_notice(in->runlog, &w->notice,
			unit_states_invocation(&in->units, w->notice.unit)))
			log_debug(
			    "The hook tells of an end of '%s' that is known", w->notice.unit);
		else if (is_about_living_run(in, &w->notice))
			log_info("A hook tells of a run of '%s' that has not ended, ignoring",
			    w->notice.unit);
		else
			capture_notice(in, &w->notice, SOURCE_HOOK);
		free(w);
	}
	if (w)
		(void)loop_timer_arm(in->notice_timer, w->due_usec - now);
	intake_save(in);
}

void
intake_on_notice(struct intake *in, const struct failure_notice *notice)
{
	struct waiting_notice *w;

	if (runlog_match_notice(
		in->runlog, notice, unit_states_invocation(&in->units, notice->unit))) {
		log_debug("The hook tells of an end of '%s' that is known", notice->unit);
		return;
	}
	if (!unit_states_find(&in->units, notice->unit)) {
		capture_notice(in, notice, SOURCE_HOOK);
		intake_save(in);
		return;
	}
	if (in->n_notices == NOTICES_MAX) {
		log_warning("Too many notices of hooks wait, leaving '%s' to the watcher",
		    notice->unit);
		return;
	}
	w = calloc(1, sizeof(*w));
	if (!w)
		return;
	w->notice = *notice;
	w->due_usec = clock_monotonic_usec() + INTAKE_NOTICE_WAIT_USEC;
	TAILQ_INSERT_TAIL(&in->notices, w, link);
	if (in->n_notices++ == 0)
		(void)loop_timer_arm(in->notice_timer, INTAKE_NOTICE_WAIT_USEC);
}

static void
on_inbox_notice(const struct failure_notice *notice, void *userdata)
{
	struct intake *in = userdata;

	if (!runlog_match_notice(
		in->runlog, notice, unit_states_invocation(&in->units, notice->unit)))
		capture_notice(in, notice, SOURCE_INBOX);
}

void
intake_read_inbox(struct intake *in)
{
	int r;

	r = inbox_drain(spool_inbox_fd(in->spool), on_inbox_notice, in);
	if (r < 0)
		(void)log_warning_errno(r, "Cannot read the inbox, ignoring: %m");
	intake_save(in);
}

/* Tells of LEAD, the worst of N_ALIKE problems of one kind that were confirmed at once, and
 * captures it: one report shows them all. */
static void
capture_finding(struct intake *in, const struct suspicion *lead, size_t n_alike)
{
	const struct finding *f = &lead->finding;
	struct request req = { .source = SOURCE_CHECK, .trigger = f->trigger, .finding = *f };
	struct log_field fields[] = {
		{ "SUPPORTD_TRIGGER", trigger_to_string(f->trigger) },
		{ "SUPPORTD_SUBJECT", f->subject },
		{ "SUPPORTD_PROBLEM", f->problem },
		{ "SUPPORTD_KEY", lead->key },
	};

	req.profile = trigger_profile(f->trigger);
	text_copy(req.key, sizeof(req.key), lead->key);
	if (n_alike > 1)
		(void)snprintf(req.reason, sizeof(req.reason), "%.220s (and %zu more)",
		    f->message, n_alike - 1);
	else
		text_copy(req.reason, sizeof(req.reason), f->message);
	log_event(MSGID_CONFIRMED, LOG_WARNING, fields, ELEMENTSOF(fields), "%s", req.reason);
	in->handlers.on_confirmed(req.reason, in->userdata);
	switch (capture(in, &req, trigger_finding_pause_usec(f), false)) {
	case VERDICT_CAPTURE:
	case VERDICT_COOLING:
		break;
	default:
		/* Other problems were in the way, and this one has no report yet. */
		confirm_retry(&in->confirm, f->trigger);
	}
}

void
intake_on_check(struct intake *in, const struct finding *findings, size_t n_findings)
{
	/* MicroShift is the first of Units=. */
	const struct confirm_context context = {
		.realtime_usec = clock_realtime_usec(),
		.boottime_usec = clock_boottime_usec(),
		.unit_age = unit_states_age(&in->units, in->settings->units[0],
		    in->settings->settle_usec, clock_monotonic_usec()),
		.confirmations = in->settings->confirmations,
	};
	const struct suspicion *lead[_TRIGGER_COUNT] = { 0 };
	size_t n_alike[_TRIGGER_COUNT] = { 0 };

	if (!confirm_feed(&in->confirm, findings, n_findings, &context))
		return;
	for (size_t i = 0; i < in->confirm.n_items; i++) {
		const struct suspicion *s = &in->confirm.items[i];
		enum trigger trigger = s->finding.trigger;

		if (s->state == SUSPICION_OVER)
			log_info("No longer found: %s", s->finding.message);
		if (s->state != SUSPICION_CONFIRMED)
			continue;
		if (n_alike[trigger]++ == 0)
			lead[trigger] = s;
	}
	for (size_t t = 0; t < _TRIGGER_COUNT; t++)
		if (lead[t])
			capture_finding(in, lead[t], n_alike[t]);
	intake_save(in);
}

const struct confirm *
intake_confirm(const struct intake *in)
{
	return &in->confirm;
}

static size_t
count_manual(const struct intake *in)
{
	size_t n = 0;

	for (size_t i = 0; i < scheduler_count(in->scheduler); i++)
		if (scheduler_at(in->scheduler, i)->trigger == TRIGGER_REQUEST)
			n++;
	return n;
}

/* May this user have another report now? Root could have one without us. */
static int
admit(struct intake *in, const struct intake_wish *wish, uint64_t *ret_retry_usec,
    struct fault *reterr)
{
	struct bucket_rate rate = {
		.per_hour = in->settings->max_requests_per_hour,
		.burst = INTAKE_REQUESTS_BURST,
	};
	char span[32];

	if (count_manual(in) >= INTAKE_MANUAL_MAX ||
	    scheduler_count(in->scheduler) >= in->settings->max_queued)
		return fault_set(reterr, -EBUSY, "%zu requests wait already, try again later",
		    scheduler_count(in->scheduler));
	if (wish->uid == 0)
		return 0;
	*ret_retry_usec = bucket_take(&in->requests, &rate, clock_realtime_usec());
	if (*ret_retry_usec == 0)
		return 0;
	return fault_set(reterr, -EAGAIN,
	    "more reports on request than MaxRequestsPerHour= allows, try again in %s",
	    clock_format_span(*ret_retry_usec, span, sizeof(span)));
}

int
intake_wish(struct intake *in, const struct intake_wish *wish, char id[REPORT_ID_BYTES],
    uint64_t *ret_retry_usec, struct fault *reterr)
{
	struct request req = {
		.trigger = TRIGGER_REQUEST,
		.source = SOURCE_CLIENT,
		.profile = wish->has_profile ? wish->profile : in->settings->default_profile,
		.occurrences = 1,
		.uid = wish->uid,
		.only_namespaces = wish->only_namespaces,
		.clean = wish->clean,
	};
	const char *known = tokens_find(&in->tokens, wish->token, wish->uid);
	int r;

	if (known) {
		text_copy(id, REPORT_ID_BYTES, known);
		return 0;
	}
	r = admit(in, wish, ret_retry_usec, reterr);
	if (r < 0)
		return r;
	text_copy(req.reason, sizeof(req.reason), wish->reason);
	if (strv_copy(wish->only, &req.only) < 0 ||
	    strv_copy(wish->namespaces, &req.namespaces) < 0) {
		request_done(&req);
		return fault_set(reterr, -ENOMEM, "%m");
	}
	r = submit_request(in->submit, &req, id);
	if (r < 0)
		return fault_set(reterr, r, "cannot put the request on disk: %m");
	tokens_add(&in->tokens, wish->token, wish->uid, id);
	intake_save(in);
	return 0;
}

const struct limiter *
intake_limiter(const struct intake *in)
{
	return in->limiter;
}

uint64_t
intake_occurrences(const struct intake *in, const struct report *report)
{
	const struct key_record *k = NULL;

	if (report->key[0] != '\0')
		k = limiter_find(in->limiter, report->key);
	if (!k || !streq(k->last_report, report->id))
		return report->occurrences;
	return k->count;
}

uint64_t
intake_suppressed(const struct intake *in)
{
	return in->suppressed;
}

size_t
intake_units(const struct intake *in)
{
	return in->units.n_items;
}

const struct unit_snapshot *
intake_unit_at(const struct intake *in, size_t i, const char **ret_unit)
{
	*ret_unit = in->units.items[i].unit;
	return &in->units.items[i].snapshot;
}

const struct runtrack_state *
intake_saved_units(const struct intake *in, size_t *ret_n)
{
	*ret_n = in->n_saved_units;
	return in->saved_units;
}

void
intake_set_export(struct intake *in, intake_export_fn fn, void *userdata)
{
	in->export_units = fn;
	in->export_userdata = userdata;
}

struct submit *
intake_submit(struct intake *in)
{
	return in->submit;
}

void
intake_configure(struct intake *in, const struct settings *settings, bool same_units)
{
	struct limiter_limits limits = {
		.cool_down_usec = settings->cool_down_usec,
		.max_per_hour = settings->max_per_hour,
		.burst = settings->burst,
		.max_per_day = settings->max_per_day,
	};

	in->settings = settings;
	submit_configure(in->submit, settings);
	limiter_configure(in->limiter, &limits);
	if (!same_units)
		in->units.n_items = 0;
}

static void
read_boot_id(char boot_id[ID128_BYTES])
{
	sd_id128_t id;

	if (sd_id128_get_boot(&id) >= 0)
		(void)sd_id128_to_string(id, boot_id);
}

int
intake_new(struct loop *loop, struct spool *spool, struct scheduler *scheduler,
    const struct settings *settings, const struct intake_handlers *handlers, void *userdata,
    struct intake **ret)
{
	_cleanup_(intake_freep) struct intake *in = calloc(1, sizeof(*in));
	int r;

	if (!in)
		return -ENOMEM;
	TAILQ_INIT(&in->notices);
	in->spool = spool;
	in->scheduler = scheduler;
	in->handlers = *handlers;
	in->userdata = userdata;
	read_boot_id(in->boot_id);
	r = limiter_new(&in->limiter);
	if (r < 0)
		return r;
	r = runlog_new(&in->runlog);
	if (r < 0)
		return r;
	r = submit_new(
	    spool, scheduler, settings, in->handlers.on_evicted, userdata, &in->submit);
	if (r < 0)
		return r;
	r = loop_timer_new(
	    loop, LOOP_PRIORITY_DEADLINE, on_notice_timer, in, &in->notice_timer);
	if (r < 0)
		return r;
	intake_configure(in, settings, true);
	load(in);
	remember_spool(in);
	*ret = TAKE_PTR(in);
	return 0;
}

void
intake_free(struct intake *in)
{
	struct waiting_notice *w;

	if (!in)
		return;
	while ((w = TAILQ_FIRST(&in->notices))) {
		TAILQ_REMOVE(&in->notices, w, link);
		free(w);
	}
	if (in->notice_timer)
		loop_timer_free(in->notice_timer);
	submit_free(in->submit);
	runlog_free(in->runlog);
	limiter_free(in->limiter);
	free(in);
}
