/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What happens becomes a request, or a count: the end of a run as the watcher saw it, the
 * notice of a hook, what a check found, the wish of a person. Here they are recognised as one,
 * given their key and limited; submit.h puts them on disk.
 *
 *   run event ─┬─► known already? ─┐
 *   notice ────┘                   ├─► key ─► limiter ─┬─► submit
 *   finding ─────► confirmed? ─────┘                   │
 *   wish ──────────────────────────────────────────────┘ */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/confirm.h"
#include "daemon/runtrack.h"
#include "daemon/vacuum.h"
#include "lib/cleanup.h"
#include "lib/report.h"

struct failure_notice;
struct fault;
struct intake;
struct limiter;
struct loop;
struct scheduler;
struct settings;
struct spool;
struct submit;

/* Requests of people that may wait or run; more are told to come back. */
#define INTAKE_MANUAL_MAX	3u
/* Of MaxRequestsPerHour= so many at once: a person who tries things out. */
#define INTAKE_REQUESTS_BURST	5u
/* A hook is often quicker than the bus. So long the watcher gets to tell the same end, with
 * better facts; the hook of a unit that is not watched does not wait. */
#define INTAKE_NOTICE_WAIT_USEC UINT64_C(1500000)

struct intake_handlers {
	/* The end of a run of UNIT, or with "" a finding, was counted, but no report is taken.
	 */
	void (*on_suppressed)(const char *unit, const char *message, void *userdata);
	/* A problem that checks found is confirmed. */
	void (*on_confirmed)(const char *message, void *userdata);
	void (*on_evicted)(
	    const struct report *report, enum vacuum_reason reason, void *userdata);
};

/* A wish for a report. */
struct intake_wish {
	bool has_profile;
	enum profile profile;
	const char *reason;
	char *const *only;
	char *const *namespaces; /* valid patterns */
	bool only_namespaces;
	bool clean;
	const char *token; /* "" none: see the interface description */
	uid_t uid;
};

/* SPOOL, SCHEDULER and SETTINGS are borrowed. Reads state.json. */
int intake_new(struct loop *loop, struct spool *spool, struct scheduler *scheduler,
    const struct settings *settings, const struct intake_handlers *handlers, void *userdata,
    struct intake **ret);
void intake_free(struct intake *in);
DEFINE_CLEANUP(struct intake *, intake_free);

/* Other settings, which must live as long as the intake or the next call. Unless SAME_UNITS,
 * what is known of units is forgotten, and told anew by the watcher. */
void intake_configure(struct intake *in, const struct settings *settings, bool same_units);

/* What the watcher tells. */
void intake_on_state(struct intake *in, const char *unit, const struct unit_snapshot *snapshot);
void intake_on_run_event(struct intake *in, const struct run_event *event);

/* What a hook tells, now over the socket. */
void intake_on_notice(struct intake *in, const struct failure_notice *notice);

/* Reads the inbox. Call when the watcher knows the units, so that what both tell is recognised.
 */
void intake_read_inbox(struct intake *in);

/* What a check found, worst first; nothing is good news. At most FINDINGS_MAX. */
void intake_on_check(struct intake *in, const struct finding *findings, size_t n_findings);

/* What is known from checks; borrowed. */
const struct confirm *intake_confirm(const struct intake *in);

/* What a person wants. Returns 0 with the ID (of an earlier request with the same token);
 * -EBUSY; -EAGAIN, with *ret_retry_usec the time to wait; or why it could not be put on disk.
 */
int intake_wish(struct intake *in, const struct intake_wish *wish, char id[REPORT_ID_BYTES],
    uint64_t *ret_retry_usec, struct fault *reterr);

/* How often the problem KEY was seen, or 0; counted on after LAST_REPORT was taken. */
uint64_t intake_occurrences(const struct intake *in, const struct report *report);

/* The problems that are known; borrowed. */
const struct limiter *intake_limiter(const struct intake *in);

/* Ends and findings that were only counted since start. */
uint64_t intake_suppressed(const struct intake *in);

/* What is known of the watched units; borrowed. */
size_t intake_units(const struct intake *in);
const struct unit_snapshot *intake_unit_at(
    const struct intake *in, size_t i, const char **ret_unit);

/* States that were saved, for unitwatch_import(); and what is to be saved from now on. */
const struct runtrack_state *intake_saved_units(const struct intake *in, size_t *ret_n);
typedef size_t (*intake_export_fn)(struct runtrack_state *states, size_t max, void *userdata);
void intake_set_export(struct intake *in, intake_export_fn fn, void *userdata);

/* What puts requests on disk; borrowed. */
struct submit *intake_submit(struct intake *in);

/* Saves state.json now. */
void intake_save(struct intake *in);
