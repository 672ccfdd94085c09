/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "daemon/busloop.h"
#include "daemon/launcher.h"
#include "daemon/loop.h"
#include "daemon/scheduler.h"
#include "daemon/spool.h"
#include "lib/clock.h"
#include "lib/failpoint.h"
#include "lib/fault.h"
#include "lib/log.h"
#include "lib/msgids.h"
#include "lib/text.h"

#define LOG_DOMAIN "scheduler"

enum phase {
	PHASE_UNSAVED, /* in memory only; the disk is full, read-only or broken */
	PHASE_WAITING,
	PHASE_RUNNING,	 /* its unit runs */
	PHASE_UNSETTLED, /* its unit has ended; commit or next attempt after a pause */
};

struct entry {
	struct request req; /* owned */
	enum phase phase;
	char cancelled[REASON_BYTES]; /* why it is not tried again; "" */
	TAILQ_ENTRY(entry) link;
};

TAILQ_HEAD(entries, entry);

struct scheduler {
	struct spool *spool;	     /* borrowed */
	struct launcher *launcher;   /* owned */
	struct busloop *busloop;     /* borrowed */
	struct loop_timer *retry;    /* owned */
	struct busloop_listener bus; /* linked into busloop */
	struct entries entries;
	size_t n_entries;
	scheduler_fn fn;
	void *userdata;
};

static void
entry_free(struct scheduler *s, struct entry *e)
{
	TAILQ_REMOVE(&s->entries, e, link);
	s->n_entries--;
	request_done(&e->req);
	free(e);
}

static struct entry *
find(const struct scheduler *s, const char *id)
{
	struct entry *e;

	TAILQ_FOREACH (e, &s->entries, link)
		if (streq(e->req.id, id))
			return e;
	return NULL;
}

static struct entry *
running(const struct scheduler *s)
{
	struct entry *e;

	TAILQ_FOREACH (e, &s->entries, link)
		if (e->phase == PHASE_RUNNING)
			return e;
	return NULL;
}

static int
append(struct scheduler *s, struct request *req, struct entry **ret)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e) {
		request_done(req);
		return -ENOMEM;
	}
	e->req = *req;
	e->phase = PHASE_WAITING;
	*req = (struct request){ 0 };
	TAILQ_INSERT_TAIL(&s->entries, e, link);
	s->n_entries++;
	if (ret)
		*ret = e;
	return 0;
}

static void
tell(struct scheduler *s, const struct entry *e, enum capture_state state,
    const struct report *report, const char *message)
{
	s->fn(&e->req, state, report, message, s->userdata);
}

static void
end_without_report(struct scheduler *s, struct entry *e, const char *reason)
{
	spool_bury(s->spool, &e->req, reason);
	tell(s, e, CAPTURE_FAILED, NULL, reason);
	entry_free(s, e);
}

static void
give_up(struct scheduler *s, struct entry *e, const char *reason)
{
	struct log_field fields[] = {
		{ "SUPPORTD_REPORT", e->req.id },
		{ "SUPPORTD_TRIGGER", trigger_to_string(e->req.trigger) },
	};

	log_event(MSGID_REPORT_LOST, LOG_ERR, fields, ELEMENTSOF(fields),
	    "Report '%s' is lost: %s", e->req.id, reason);
	end_without_report(s, e, reason);
}

static void
commit(struct scheduler *s, struct entry *e)
{
	const struct report *report;
	struct fault fault = { 0 };
	int r;

	r = spool_commit(s->spool, &e->req, clock_realtime_usec(), &report, &fault);
	if (r == -EBADMSG) {
		give_up(s, e, fault_text(&fault));
		return;
	}
	if (r < 0) {
		(void)log_warning_errno(r, "Cannot commit report '%s' (%s), will retry in 10 s",
		    e->req.id, fault_text(&fault));
		e->phase = PHASE_UNSETTLED;
		(void)loop_timer_arm(s->retry, SCHEDULER_RETRY_USEC);
		return;
	}
	tell(s, e,
	    report->capture.status == REPORT_COMPLETE ? CAPTURE_COMPLETE : CAPTURE_PARTIAL,
	    report, NULL);
	entry_free(s, e);
}

/* Starts the capture of E. Returns 0, or -ENOTCONN when that must wait for the bus. */
static int
start(struct scheduler *s, struct entry *e)
{
	int r;

	e->req.attempts++;
	/* On disk first: should the capture take the machine down, the attempt has counted. */
	r = spool_enqueue(s->spool, &e->req);
	if (r < 0)
		(void)log_warning_errno(
		    r, "Cannot count the attempt for '%s', ignoring: %m", e->req.id);
	r = launcher_start(s->launcher, e->req.id);
	if (r < 0) {
		e->req.attempts--;
		return r;
	}
	(void)failpoint("capture-started");
	e->phase = PHASE_RUNNING;
	tell(s, e, CAPTURE_RUNNING, NULL, NULL);
	return 0;
}

static void
run_next(struct scheduler *s)
{
	struct entry *e;
	int r;

	if (running(s))
		return;
	TAILQ_FOREACH (e, &s->entries, link)
		if (e->phase == PHASE_WAITING)
			break;
	if (!e)
		return;
	r = start(s, e);
	if (r == -ENOTCONN)
		log_info("The bus is away, capture '%s' waits for it", e->req.id);
	else if (r < 0) {
		(void)log_warning_errno(
		    r, "Cannot start capture '%s', will retry in 10 s: %m", e->req.id);
		e->phase = PHASE_UNSETTLED;
		(void)loop_timer_arm(s->retry, SCHEDULER_RETRY_USEC);
	}
}

/* The unit of E has ended with JOB_RESULT. */
static void
settle(struct scheduler *s, struct entry *e, const char *job_result)
{
	char reason[128];

	if (spool_is_finished(s->spool, e->req.id)) {
		commit(s, e);
		return;
	}
	if (e->cancelled[0] != '\0') {
		log_info("Capture '%s' ended without a result, as it was %s", e->req.id,
		    e->cancelled);
		end_without_report(s, e, e->cancelled);
		return;
	}
	if (e->req.attempts >= SCHEDULER_ATTEMPTS_MAX) {
		(void)snprintf(reason, sizeof(reason),
		    "its capture ended %u times without a result (%s)", e->req.attempts,
		    job_result);
		give_up(s, e, reason);
		return;
	}
	log_warning("Capture '%s' ended without a result (%s), will retry in 10 s", e->req.id,
	    job_result);
	e->phase = PHASE_UNSETTLED;
	(void)loop_timer_arm(s->retry, SCHEDULER_RETRY_USEC);
}

static void
on_end(const char *id, const char *job_result, void *userdata)
{
	struct scheduler *s = userdata;
	struct entry *e = find(s, id);

	if (!e)
		return;
	(void)failpoint("capture-ended");
	settle(s, e, job_result);
	run_next(s);
}

/* Tries again to put E on disk. */
static void
save(struct scheduler *s, struct entry *e)
{
	if (spool_enqueue(s->spool, &e->req) < 0) {
		(void)loop_timer_arm(s->retry, SCHEDULER_RETRY_USEC);
		return;
	}
	log_info("Request '%s' is on disk now", e->req.id);
	e->phase = PHASE_WAITING;
}

static void
on_retry(void *userdata)
{
	struct scheduler *s = userdata;
	struct entry *next;

	for (struct entry *e = TAILQ_FIRST(&s->entries); e; e = next) {
		next = TAILQ_NEXT(e, link);
		if (e->phase == PHASE_UNSAVED)
			save(s, e);
		if (e->phase != PHASE_UNSETTLED)
			continue;
		if (spool_is_finished(s->spool, e->req.id))
			commit(s, e);
		else
			e->phase = PHASE_WAITING;
	}
	run_next(s);
}

static void
on_connected(void *userdata)
{
	run_next(userdata);
}

int
scheduler_new(struct spool *spool, struct busloop *busloop, scheduler_fn fn, void *userdata,
    struct scheduler **ret)
{
	_cleanup_(scheduler_freep) struct scheduler *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	TAILQ_INIT(&s->entries);
	s->spool = spool;
	s->fn = fn;
	s->userdata = userdata;
	r = loop_timer_new(busloop_loop(busloop), LOOP_PRIORITY_IDLE, on_retry, s, &s->retry);
	if (r < 0)
		return r;
	r = launcher_new(busloop, on_end, s, &s->launcher);
	if (r < 0)
		return r;
	s->busloop = busloop;
	s->bus.on_connected = on_connected;
	s->bus.userdata = s;
	busloop_add_listener(busloop, &s->bus);
	*ret = TAKE_PTR(s);
	return 0;
}

void
scheduler_free(struct scheduler *s)
{
	if (!s)
		return;
	if (s->busloop)
		busloop_remove_listener(s->busloop, &s->bus);
	if (s->launcher)
		launcher_free(s->launcher);
	if (s->retry)
		loop_timer_free(s->retry);
	while (!TAILQ_EMPTY(&s->entries))
		entry_free(s, TAILQ_FIRST(&s->entries));
	free(s);
}

static void
recover_one(struct scheduler *s, struct entry *e)
{
	if (spool_find(s->spool, e->req.id) || spool_is_finished(s->spool, e->req.id)) {
		log_info("Report '%s' was finished while nobody looked", e->req.id);
		commit(s, e);
		return;
	}
	/* Never started, or started by an earlier instance: then it may still run. */
	if (e->req.attempts == 0)
		return;
	if (launcher_adopt(s->launcher, e->req.id) >= 0)
		e->phase = PHASE_RUNNING;
}

int
scheduler_recover(struct scheduler *s)
{
	_cleanup_free_ struct request *requests = NULL;
	size_t n = 0;
	int r;

	r = spool_read_queue(s->spool, &requests, &n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		struct entry *e;

		if (append(s, &requests[i], &e) < 0)
			continue;
		recover_one(s, e);
	}
	spool_clean_incoming(s->spool);
	run_next(s);
	return 0;
}

/* The disk does not take it now, but may later. */
static bool
is_disk_trouble(int r)
{
	return r == -ENOSPC || r == -EDQUOT || r == -EROFS || r == -EIO;
}

int
scheduler_add(struct scheduler *s, struct request *req, bool keep)
{
	struct entry *e;
	int saved;
	int r;

	saved = spool_enqueue(s->spool, req);
	if (saved >= 0)
		saved = failpoint("request-written");
	keep = keep && is_disk_trouble(saved) &&
	    scheduler_count_unsaved(s) < SCHEDULER_UNSAVED_MAX;
	if (saved < 0 && !keep) {
		request_done(req);
		return saved;
	}
	r = append(s, req, &e);
	if (r < 0)
		return r;
	if (saved < 0) {
		e->phase = PHASE_UNSAVED;
		log_event(MSGID_SPOOL_UNWRITABLE, LOG_ERR, NULL, 0,
		    "Cannot put request '%s' on disk, keeping it in memory: %s", e->req.id,
		    strerror(-saved));
		(void)loop_timer_arm(s->retry, SCHEDULER_RETRY_USEC);
	}
	tell(s, e, CAPTURE_QUEUED, NULL, NULL);
	run_next(s);
	return 0;
}

size_t
scheduler_count_unsaved(const struct scheduler *s)
{
	struct entry *e;
	size_t n = 0;

	TAILQ_FOREACH (e, &s->entries, link)
		n += e->phase == PHASE_UNSAVED;
	return n;
}

int
scheduler_cancel(struct scheduler *s, const char *id, const char *reason)
{
	struct entry *e = find(s, id);
	int r = 0;

	if (!e)
		return -ENOENT;
	if (e->phase == PHASE_RUNNING) {
		r = launcher_cancel(s->launcher, id);
		if (r >= 0)
			text_copy(e->cancelled, sizeof(e->cancelled), reason);
		return r;
	}
	log_info("Request '%s' was %s", id, reason);
	end_without_report(s, e, reason);
	return 0;
}

size_t
scheduler_count(const struct scheduler *s)
{
	return s->n_entries;
}

const struct request *
scheduler_at(const struct scheduler *s, size_t i)
{
	struct entry *e = TAILQ_FIRST(&s->entries);

	while (e && i-- > 0)
		e = TAILQ_NEXT(e, link);
	return e ? &e->req : NULL;
}

const struct request *
scheduler_find(const struct scheduler *s, const char *id)
{
	struct entry *e = find(s, id);

	return e ? &e->req : NULL;
}

bool
scheduler_is_running(const struct scheduler *s, const char *id)
{
	struct entry *e = find(s, id);

	return e && e->phase == PHASE_RUNNING;
}
