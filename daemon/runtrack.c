/* SPDX-License-Identifier: Apache-2.0 */

/* The model.
 *
 * A run goes PENDING → ALIVE → ENDED and is told from the next one by its invocation ID.
 * PENDING is short: PID 1 gives a run its ID while the unit still shows the state that the run
 * before left behind (`inactive` on systemd 252, `failed` after a manual start,
 * `activating/auto-restart-queued` from 254 on). ALIVE is every state in which something may
 * run, ENDED are `inactive`, `failed` and the waits for a restart. The states in between
 * differ from version to version, so none is spelled out here that need not be.
 *
 * The end of a run was asked for if a job other than the one that started it was on the unit
 * when it left its start or running states: PID 1 puts a stop or restart job on the unit and
 * announces that before it touches the processes. An automatic restart has a job as well, but
 * only after the end. Two exceptions:
 *  - a reload is a job too, and ends nothing;
 *  - a restart that is asked for while the unit starts is merged into the start job and keeps
 *    its number. But then the unit is stopped with its main process alive and nothing wrong
 *    (Result=success), which no start does by itself.
 *
 * When signals were lost (`resync`), the end itself was not seen and is judged by what it left
 * behind: see was_asked_for_at_rest(). */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "daemon/runtrack.h"
#include "lib/cleanup.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/text.h"

static const char *const event_names[_RUN_EVENT_COUNT] = {
	[RUN_STARTED] = "started",
	[RUN_READY] = "ready",
	[RUN_ENDED] = "ended",
	[RUN_FINAL] = "final",
};

static const char *const phase_names[_RUN_PHASE_COUNT] = {
	[RUN_PHASE_NONE] = "none",
	[RUN_PHASE_PENDING] = "pending",
	[RUN_PHASE_ALIVE] = "alive",
	[RUN_PHASE_ENDED] = "ended",
};

struct output {
	struct run_event *events;
	size_t count;
};

const char *
run_event_type_to_string(enum run_event_type t)
{
	assert(t >= 0 && t < _RUN_EVENT_COUNT);
	return event_names[t];
}

static bool
waits_for_restart(const struct unit_snapshot *s)
{
	return text_has_prefix(s->sub_state, "auto-restart") ||
	    text_has_suffix(s->sub_state, "-before-auto-restart");
}

static bool
is_alive(const struct unit_snapshot *s)
{
	return !streq(s->active_state, "inactive") && !streq(s->active_state, "failed") &&
	    !streq(s->active_state, "maintenance") && !waits_for_restart(s);
}

static bool
is_failed_for_good(const struct unit_snapshot *s)
{
	return streq(s->active_state, "failed") && streq(s->sub_state, "failed");
}

/* The run is on its way out, whatever the reason. */
static bool
is_leaving(const struct unit_snapshot *s)
{
	return streq(s->active_state, "deactivating");
}

static bool
is_reloading(const struct unit_snapshot *s)
{
	return streq(s->active_state, "reloading") || streq(s->active_state, "refreshing") ||
	    text_has_prefix(s->sub_state, "reload") || text_has_prefix(s->sub_state, "refresh");
}

/* Whether the run that S shows has been `active`, also when it no longer is. */
static bool
reached_active(const struct unit_snapshot *s)
{
	if (streq(s->active_state, "active") || is_reloading(s))
		return true;
	if (is_alive(s) && !is_leaving(s))
		return false;
	return s->exec_main_start_monotonic_usec > 0 &&
	    s->active_enter_monotonic_usec >= s->exec_main_start_monotonic_usec;
}

/* A new run that has its ID, but not yet its state. */
static bool
is_about_to_start(const struct unit_snapshot *s)
{
	return !is_alive(s) && streq(s->result, "success") && s->exec_main_exit_usec == 0;
}

static bool
asks_for_end(const struct runtrack_state *state, uint32_t job)
{
	return job != 0 && job != state->start_job && job != state->reload_job;
}

/* `systemctl restart` of a unit that starts: see the model. */
static bool
is_restart_of_start(const struct runtrack_state *state, const struct unit_snapshot *s)
{
	return !state->was_ready && s->job_id != 0 && streq(s->result, "success") &&
	    s->main_pid != 0;
}

/* The run is over, and S, from a full read, is what it left behind. A run that ended by itself
 * was followed by a wait for the restart. That leaves its traces even when it is over: a
 * counted restart, or a unit that became `activating` later than its last process ended. */
static bool
was_asked_for_at_rest(const struct runtrack_state *state, const struct unit_snapshot *s)
{
	bool is_same = streq(state->invocation_id, s->invocation_id);

	if (waits_for_restart(s))
		return false;
	if (is_same && state->phase == RUN_PHASE_ALIVE && s->n_restarts > state->n_restarts)
		return false;
	if (s->exec_main_exit_monotonic_usec > 0 &&
	    s->inactive_exit_monotonic_usec > s->exec_main_exit_monotonic_usec)
		return false;
	if (!streq(s->active_state, "failed"))
		return true;
	/* Nothing ran, so there was nothing to stop: it could not be started. */
	if (s->exec_main_exit_usec == 0)
		return false;
	return asks_for_end(state, state->last_job) || !s->never_restarts;
}

static void
describe(const struct runtrack *rt, const struct unit_snapshot *s, struct unit_event *ret)
{
	const struct runtrack_state *state = &rt->state;

	*ret = (struct unit_event){
		.exec_main_code = s->exec_main_code,
		.exec_main_status = s->exec_main_status,
		.n_restarts = s->n_restarts,
		.main_pid = s->exec_main_pid > 0 ? s->exec_main_pid : state->main_pid,
		.start_usec =
		    s->exec_main_start_usec > 0 ? s->exec_main_start_usec : state->start_usec,
		.exit_usec = s->exec_main_exit_usec,
		.was_ready = state->was_ready,
	};
	text_copy(ret->boot_id, sizeof(ret->boot_id), state->boot_id);
	text_copy(ret->unit, sizeof(ret->unit), state->unit);
	text_copy(ret->invocation_id, sizeof(ret->invocation_id), state->invocation_id);
	text_copy(ret->active_state, sizeof(ret->active_state), s->active_state);
	text_copy(ret->sub_state, sizeof(ret->sub_state), s->sub_state);
	text_copy(ret->result, sizeof(ret->result), s->result);
}

static struct run_event *
emit(struct output *out, const struct runtrack *rt, enum run_event_type type,
    const struct unit_snapshot *s)
{
	struct run_event *event;

	assert(out->count < RUNTRACK_EVENTS_MAX);
	event = &out->events[out->count++];
	*event = (struct run_event){ .type = type, .is_missed = s->resync };
	describe(rt, s, &event->event);
	return event;
}

/* The end of a run of which nothing is left but what we remember. */
static void
emit_missed(struct output *out, const struct runtrack *rt, uint64_t n_restarts,
    bool is_requested, bool is_known)
{
	const struct unit_snapshot nothing = { .n_restarts = n_restarts, .resync = true };
	struct run_event *event = emit(out, rt, RUN_ENDED, &nothing);

	event->is_requested = is_requested;
	if (is_known)
		return;
	event->event.invocation_id[0] = '\0';
	event->event.main_pid = 0;
	event->event.start_usec = 0;
	event->event.was_ready = false;
}

static void
emit_final(struct output *out, struct runtrack *rt, const struct unit_snapshot *s)
{
	emit(out, rt, RUN_FINAL, s)->event.is_final = true;
	rt->state.is_final = true;
}

/* Another run than the one we know is on the unit: the one we know is over. */
static void
close_old_run(struct runtrack *rt, const struct unit_snapshot *s, struct output *out)
{
	struct runtrack_state *state = &rt->state;
	bool is_requested;

	if (state->phase == RUN_PHASE_ALIVE || state->phase == RUN_PHASE_PENDING) {
		/* A start by hand sets NRestarts to 0, so any other number means that since
		 * then some run ended by itself. */
		is_requested = state->is_leaving
		    ? state->is_requested
		    : asks_for_end(state, state->last_job) || s->n_restarts == 0;
		emit_missed(out, rt, state->n_restarts, is_requested, true);
		return;
	}
	if (state->phase != RUN_PHASE_ENDED || !s->resync || s->n_restarts == 0)
		return;
	/* One restart follows the end that is known. More, or a count that began again, are
	 * ends of runs that came and went unseen. */
	if (state->is_requested || s->n_restarts > state->n_restarts + 1 ||
	    s->n_restarts < state->n_restarts)
		emit_missed(out, rt, s->n_restarts, false, false);
}

static void
adopt_run(struct runtrack *rt, const struct unit_snapshot *s)
{
	struct runtrack_state *state = &rt->state;

	text_copy(state->invocation_id, sizeof(state->invocation_id), s->invocation_id);
	state->phase = RUN_PHASE_PENDING;
	state->start_job = s->job_id;
	state->reload_job = 0;
	state->last_job = 0;
	state->start_usec = 0;
	state->main_pid = 0;
	state->was_ready = false;
	state->is_leaving = false;
	state->is_requested = false;
	state->is_final = false;
}

static void
leave(struct runtrack_state *state, const struct unit_snapshot *s)
{
	state->is_leaving = true;
	state->is_requested = asks_for_end(state, state->last_job) ||
	    asks_for_end(state, s->job_id) || is_restart_of_start(state, s);
}

static void
feed_alive(
    struct runtrack *rt, const struct unit_snapshot *s, bool is_first, struct output *out)
{
	struct runtrack_state *state = &rt->state;

	/* Without an invocation ID runs are told apart by the end between them. */
	if (state->phase == RUN_PHASE_ENDED)
		adopt_run(rt, s);
	if (s->exec_main_start_usec > 0)
		state->start_usec = s->exec_main_start_usec;
	if (s->main_pid > 0)
		state->main_pid = s->main_pid;
	if (state->phase != RUN_PHASE_ALIVE) {
		state->phase = RUN_PHASE_ALIVE;
		if (!is_first)
			(void)emit(out, rt, RUN_STARTED, s);
	}
	if (!state->was_ready && reached_active(s)) {
		state->was_ready = true;
		if (!is_first && !is_leaving(s))
			(void)emit(out, rt, RUN_READY, s);
	}
	if (is_reloading(s) && s->job_id != 0)
		state->reload_job = s->job_id;
	if (is_leaving(s) && !state->is_leaving)
		leave(state, s);
	state->last_job = s->job_id;
}

static void
end_run(struct runtrack *rt, const struct unit_snapshot *s, struct output *out)
{
	struct runtrack_state *state = &rt->state;
	struct run_event *event;

	if (reached_active(s))
		state->was_ready = true;
	if (!state->is_leaving && s->resync)
		state->is_requested = was_asked_for_at_rest(state, s);
	else if (!state->is_leaving)
		state->is_requested = asks_for_end(state, state->last_job);
	/* Without ever being `active`, only a oneshot that did its work ends in success; and
	 * ExecCondition= said that there is nothing to do. */
	if ((streq(s->result, "success") && !state->was_ready) ||
	    streq(s->result, "exec-condition"))
		state->is_requested = true;
	/* It ended by itself and was stopped meanwhile: that it stays down says nothing. */
	if (!state->is_requested &&
	    (asks_for_end(state, state->last_job) || asks_for_end(state, s->job_id)))
		state->is_final = true;
	state->phase = RUN_PHASE_ENDED;
	event = emit(out, rt, RUN_ENDED, s);
	event->is_requested = state->is_requested;
}

/* A unit that is found at rest when we first look: is there something to tell? */
static void
feed_first_at_rest(struct runtrack *rt, const struct unit_snapshot *s, struct output *out)
{
	struct runtrack_state *state = &rt->state;

	if (s->invocation_id[0] != '\0' && is_about_to_start(s))
		return;
	state->is_requested = s->invocation_id[0] == '\0' || was_asked_for_at_rest(state, s);
	state->phase = RUN_PHASE_ENDED;
	if (state->is_requested)
		return;
	end_run(rt, s, out);
	if (is_failed_for_good(s))
		emit_final(out, rt, s);
}

static void
feed_at_rest(struct runtrack *rt, const struct unit_snapshot *s, struct output *out)
{
	struct runtrack_state *state = &rt->state;
	bool was_failed = is_failed_for_good(&rt->last);

	if (state->phase == RUN_PHASE_PENDING && is_about_to_start(s))
		return;
	if (state->phase != RUN_PHASE_ENDED) {
		end_run(rt, s, out);
		/* A full read never sees the `failed` that a restart follows at once. */
		if (s->resync && is_failed_for_good(s) && !state->is_requested)
			emit_final(out, rt, s);
		return;
	}
	if (!is_failed_for_good(s) || was_failed || state->is_final)
		return;
	/* It was waiting or inactive and failed without another run: the start limit, or the
	 * start was refused in another way. */
	if (!s->resync || !state->is_requested)
		emit_final(out, rt, s);
}

/* A unit that was unloaded has forgotten its runs. */
static void
feed_forgotten(struct runtrack *rt, struct output *out)
{
	struct runtrack_state *state = &rt->state;

	if (state->phase != RUN_PHASE_ENDED)
		emit_missed(out, rt, state->n_restarts, true, true);
	state->phase = RUN_PHASE_ENDED;
	state->is_requested = true;
}

void
runtrack_init(struct runtrack *rt, const char *unit, const char *boot_id)
{
	*rt = (struct runtrack){ 0 };
	text_copy(rt->state.unit, sizeof(rt->state.unit), unit);
	text_copy(rt->state.boot_id, sizeof(rt->state.boot_id), boot_id);
}

bool
runtrack_import(struct runtrack *rt, const struct runtrack_state *state)
{
	assert(rt->last.active_state[0] == '\0');
	if (!streq(state->unit, rt->state.unit) || !streq(state->boot_id, rt->state.boot_id))
		return false;
	rt->state = *state;
	return true;
}

size_t
runtrack_feed(struct runtrack *rt, const struct unit_snapshot *s,
    struct run_event events[RUNTRACK_EVENTS_MAX])
{
	struct runtrack_state *state = &rt->state;
	struct output out = { .events = events };
	bool is_first = state->phase == RUN_PHASE_NONE;
	bool is_new =
	    s->invocation_id[0] != '\0' && !streq(s->invocation_id, state->invocation_id);

	if (is_new || is_first) {
		close_old_run(rt, s, &out);
		adopt_run(rt, s);
		/* The job on a unit that already runs is not the one that started it. */
		if (is_first && !streq(s->active_state, "activating"))
			state->start_job = 0;
	}
	if (is_alive(s))
		feed_alive(rt, s, is_first, &out);
	else if (is_first)
		feed_first_at_rest(rt, s, &out);
	else if (s->invocation_id[0] == '\0' && state->invocation_id[0] != '\0')
		feed_forgotten(rt, &out);
	else
		feed_at_rest(rt, s, &out);
	state->n_restarts = s->n_restarts;
	rt->last = *s;
	return out.count;
}

bool
runtrack_is_unsettled(const struct runtrack *rt)
{
	const struct runtrack_state *state = &rt->state;

	return state->phase == RUN_PHASE_ENDED && !state->is_requested && !state->is_final &&
	    is_failed_for_good(&rt->last);
}

size_t
runtrack_settle(struct runtrack *rt, struct run_event events[RUNTRACK_EVENTS_MAX])
{
	struct output out = { .events = events };

	if (runtrack_is_unsettled(rt))
		emit_final(&out, rt, &rt->last);
	return out.count;
}

cJSON *
runtrack_state_to_json(const struct runtrack_state *state)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || json_add_text(object, "boot_id", state->boot_id) < 0 ||
	    json_add_text(object, "unit", state->unit) < 0 ||
	    json_add_text(object, "invocation_id", state->invocation_id) < 0 ||
	    json_add_text(object, "phase", phase_names[state->phase]) < 0 ||
	    json_add_uint(object, "start_job", state->start_job) < 0 ||
	    json_add_uint(object, "reload_job", state->reload_job) < 0 ||
	    json_add_uint(object, "last_job", state->last_job) < 0 ||
	    json_add_uint(object, "n_restarts", state->n_restarts) < 0 ||
	    json_add_uint(object, "start_usec", state->start_usec) < 0 ||
	    json_add_uint(object, "main_pid", state->main_pid) < 0 ||
	    json_add_bool(object, "was_ready", state->was_ready) < 0 ||
	    json_add_bool(object, "is_leaving", state->is_leaving) < 0 ||
	    json_add_bool(object, "is_requested", state->is_requested) < 0 ||
	    json_add_bool(object, "is_final", state->is_final) < 0)
		return NULL;
	return TAKE_PTR(object);
}

static int
get_job(const cJSON *object, const char *name, uint32_t *ret)
{
	uint64_t job = 0;

	if (json_get_uint(object, name, &job) < 0 || job > UINT32_MAX)
		return -EINVAL;
	*ret = (uint32_t)job;
	return 0;
}

static int
get_phase(const cJSON *object, enum run_phase *ret)
{
	const char *name = NULL;

	if (json_get_string(object, "phase", &name) <= 0)
		return -EINVAL;
	for (size_t i = 0; i < _RUN_PHASE_COUNT; i++)
		if (streq(name, phase_names[i])) {
			*ret = (enum run_phase)i;
			return 0;
		}
	return -EINVAL;
}

int
runtrack_state_from_json(const cJSON *object, struct runtrack_state *ret, struct fault *reterr)
{
	struct runtrack_state s = { 0 };

	if (!cJSON_IsObject(object) ||
	    json_get_text(object, "boot_id", s.boot_id, sizeof(s.boot_id)) < 0 ||
	    json_get_text(object, "unit", s.unit, sizeof(s.unit)) <= 0 ||
	    json_get_text(object, "invocation_id", s.invocation_id, sizeof(s.invocation_id)) <
		0 ||
	    get_phase(object, &s.phase) < 0 || get_job(object, "start_job", &s.start_job) < 0 ||
	    get_job(object, "reload_job", &s.reload_job) < 0 ||
	    get_job(object, "last_job", &s.last_job) < 0 ||
	    json_get_uint(object, "n_restarts", &s.n_restarts) < 0 ||
	    json_get_uint(object, "start_usec", &s.start_usec) < 0 ||
	    json_get_uint(object, "main_pid", &s.main_pid) < 0 ||
	    json_get_bool(object, "was_ready", &s.was_ready) < 0 ||
	    json_get_bool(object, "is_leaving", &s.is_leaving) < 0 ||
	    json_get_bool(object, "is_requested", &s.is_requested) < 0 ||
	    json_get_bool(object, "is_final", &s.is_final) < 0)
		return fault_set(reterr, -EINVAL, "state of a unit's run is invalid");
	*ret = s;
	return 0;
}
