/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The runs of one unit, told from what PID 1 says about it. Pure: no I/O, no clock.
 *
 * A run is what systemd calls an invocation. Of interest is *a run that ended and nobody asked
 * for it*, which is neither the same as ActiveState=failed (MicroShift exits 0 when its etcd
 * dies) nor derivable from it (a stop may end in `failed`). See runtrack.c for the model. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/report.h"

struct fault;

/* One snapshot can tell at most of: the end of the old run, start, ready, end and final failure
 * of a new one. */
#define RUNTRACK_EVENTS_MAX 5u

/* How long `failed` must last to be final where a pending restart looks the same (systemd 252);
 * the restart is announced in the same millisecond. */
#define RUNTRACK_SETTLE_USEC UINT64_C(300000)

/* The properties of a unit that matter, as in org.freedesktop.systemd1.{Unit,Service}. */
struct unit_snapshot {
	char load_state[STATE_NAME_BYTES]; /* only from a full read; "" unknown */
	char active_state[STATE_NAME_BYTES];
	char sub_state[STATE_NAME_BYTES];
	char result[STATE_NAME_BYTES];
	char status_text[REASON_BYTES];
	char invocation_id[ID128_BYTES]; /* "" when there was no run since it was loaded */
	uint32_t job_id;		 /* 0: none */
	int exec_main_code;
	int exec_main_status;
	uint64_t main_pid;	/* 0 when the main process is gone */
	uint64_t exec_main_pid; /* of the last main process */
	uint64_t n_restarts;
	uint64_t exec_main_start_usec; /* realtime */
	uint64_t exec_main_exit_usec;  /* realtime, 0 while it runs */
	uint64_t exec_main_start_monotonic_usec;
	uint64_t exec_main_exit_monotonic_usec;
	uint64_t inactive_exit_monotonic_usec;
	uint64_t active_enter_monotonic_usec;
	uint64_t state_change_monotonic_usec;
	bool never_restarts; /* Restart=no; only from a full read, else false */
	bool resync;	     /* from a full read: signals may have been lost before it */
};

enum run_phase {
	RUN_PHASE_NONE,	   /* nothing known yet */
	RUN_PHASE_PENDING, /* has an invocation ID, but no state of its own yet */
	RUN_PHASE_ALIVE,
	RUN_PHASE_ENDED,
	_RUN_PHASE_COUNT,
};

/* What must be remembered between snapshots; the daemon saves it over its own restart. */
struct runtrack_state {
	char boot_id[ID128_BYTES];
	char unit[UNIT_NAME_BYTES];
	char invocation_id[ID128_BYTES];
	enum run_phase phase;
	uint32_t start_job;  /* the job that started the run; 0 unknown */
	uint32_t reload_job; /* a job that was seen to reload the unit */
	uint32_t last_job;
	uint64_t n_restarts;
	uint64_t start_usec; /* realtime */
	uint64_t main_pid;
	bool was_ready;
	bool is_leaving;   /* ALIVE, but on its way out */
	bool is_requested; /* somebody asked for the end */
	bool is_final;	   /* the final failure was told, or cannot come any more */
};

struct runtrack {
	struct runtrack_state state;
	struct unit_snapshot last; /* [0] of active_state is NUL before the first one */
};

enum run_event_type {
	RUN_STARTED,
	RUN_READY, /* reached `active` */
	RUN_ENDED,
	RUN_FINAL, /* systemd gave up on the unit; same invocation as a run that ended */
	_RUN_EVENT_COUNT,
};

struct run_event {
	enum run_event_type type;
	/* RUN_ENDED only: somebody asked for it (stop, restart, shutdown), or it is how such a
	 * unit ends (a oneshot that did its work). Only an end that is not requested is a
	 * trigger.
	 */
	bool is_requested;
	/* Noticed after the fact (daemon-reload, bus restart, restart of the daemon). `result`
	 * is "" when the next run had already overwritten it, and invocation_id is "" when even
	 * that is not known. */
	bool is_missed;
	struct unit_event event; /* .is_final is set in RUN_FINAL only */
};

const char *run_event_type_to_string(enum run_event_type t);

/* BOOT_ID may be "". */
void runtrack_init(struct runtrack *rt, const char *unit, const char *boot_id);

/* Goes on from what an earlier instance of the daemon knew. Returns false, and starts from
 * nothing, when STATE is of another unit or boot. Call before the first snapshot. */
bool runtrack_import(struct runtrack *rt, const struct runtrack_state *state);

/* Takes the next snapshot. Returns how many EVENTS were written. */
size_t runtrack_feed(struct runtrack *rt, const struct unit_snapshot *snapshot,
    struct run_event events[RUNTRACK_EVENTS_MAX]);

/* True when `failed` may or may not be final: call runtrack_settle() RUNTRACK_SETTLE_USEC after
 * the snapshot. Returns as runtrack_feed(). */
bool runtrack_is_unsettled(const struct runtrack *rt);
size_t runtrack_settle(struct runtrack *rt, struct run_event events[RUNTRACK_EVENTS_MAX]);

/* A new JSON object, NULL when out of memory. */
cJSON *runtrack_state_to_json(const struct runtrack_state *state);
int runtrack_state_from_json(
    const cJSON *object, struct runtrack_state *ret, struct fault *reterr);
