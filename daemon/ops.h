/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The methods of io.microshift.Support: reads and checks parameters, resolves report IDs,
 * builds the answers, and carries states and progress to those who wait for them (Collect with
 * `more`, Watch). What is behind it (spool, queue, watcher) is a table of functions, so that a
 * test can stand in for it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/server.h"
#include "lib/cleanup.h"
#include "lib/proto.h"
#include "lib/report.h"
#include "lib/settings.h"

struct failure_notice;
struct fault;
struct key_record;
struct ops;

/* The word that stands for the newest report, or request. */
#define ID_LATEST	     "latest"
/* Name of a collector, and its NUL. */
#define COLLECTOR_NAME_BYTES 64u
/* Units and captures that Status tells of; the rest is left out. */
#define STATUS_UNITS_MAX     WATCHED_UNITS_MAX
#define STATUS_CAPTURES_MAX  16u
/* Collect and Watch calls that wait for events; more are answered with Busy. */
#define OPS_STREAMS_MAX	     SERVER_CLIENTS_MAX_COUNT

struct collect_args {
	bool has_profile;
	enum profile profile;
	char reason[REASON_BYTES];
	char **only;	   /* borrowed strv; NULL: all */
	char **namespaces; /* borrowed strv of valid patterns */
	bool only_namespaces;
	bool clean;
	char token[PROTO_TOKEN_BYTES];
	uid_t uid; /* of the peer */
	pid_t pid;
};

struct collect_result {
	char id[REPORT_ID_BYTES];
	enum capture_state state;
	struct report report; /* with a token whose report is ready already */
	uint64_t
	    retry_usec; /* also read after -EBUSY and -EAGAIN: how long to wait; 0 unknown */
};

struct list_args {
	bool has_trigger;
	enum trigger trigger;
	char key[REPORT_KEY_BYTES]; /* or its start; "" any */
	char unit[UNIT_NAME_BYTES]; /* "" any */
	uint64_t since_usec;
	uint64_t until_usec; /* UINT64_MAX: no limit */
	uint64_t offset;
	uint64_t limit;
	bool reverse;
};

struct capture_progress {
	char collector[COLLECTOR_NAME_BYTES];
	uint64_t done;
	uint64_t total;
	uint64_t bytes;
};

struct unit_status {
	char unit[UNIT_NAME_BYTES];
	char active_state[STATE_NAME_BYTES];
	char sub_state[STATE_NAME_BYTES];
	char invocation_id[ID128_BYTES];
	uint64_t since_usec;
};

struct capture_status {
	char id[REPORT_ID_BYTES];
	enum capture_state state;
	enum profile profile;
	enum trigger trigger;
	uint64_t created_usec;
	char unit[UNIT_NAME_BYTES];
	bool has_progress;
	struct capture_progress progress;
};

struct problem_status {
	struct finding finding;
	uint64_t since_usec;
	bool is_confirmed;
};

struct status_info {
	uint64_t started_usec;
	char message[256];
	struct unit_status units[STATUS_UNITS_MAX];
	size_t n_units;
	struct capture_status captures[STATUS_CAPTURES_MAX];
	size_t n_captures;
	uint64_t reports;
	uint64_t reports_max;
	uint64_t reports_bytes;
	uint64_t reports_bytes_max;
	uint64_t free_bytes;
	uint64_t keep_free_bytes;
	uint64_t suppressed;
	uint64_t checked_usec; /* realtime; 0 there was no check */
	struct problem_status problems[FINDINGS_MAX];
	size_t n_problems;
};

/* A problem; see limiter.h. */
struct key_status {
	const struct key_record *record;
	uint64_t pause_end_usec; /* realtime; 0 none */
};

/* Returns 0 to go on, or a negative errno. */
typedef int (*ops_key_fn)(const struct key_status *key, void *userdata);

/* Returns 0 to go on, 1 to stop. */
typedef int (*ops_report_fn)(const struct report *report, void *userdata);

/* What the daemon does. All return 0 or negative errno; the errno becomes the name of the error
 * (proto_error_from_errno(): -ENOENT NotFound, -EBUSY Busy, -EAGAIN RateLimited, -EPERM
 * Denied, -EFBIG TooLarge, -EOPNOTSUPP Unsupported, anything else Internal) and the fault its
 * message. IDs are whole and valid. Nothing here may block for long: the loop waits. */
struct ops_backend {
	/* Makes the request, on disk when it returns. What follows is told by
	 * ops_capture_changed(). */
	int (*collect)(void *userdata, const struct collect_args *args,
	    struct collect_result *ret, struct fault *reterr);

	/* Calls FN for the reports in the spool until it returns 1, newest first unless
	 * OLDEST_FIRST. Cheap: resolving an ID calls it too. */
	int (*each_report)(
	    void *userdata, bool oldest_first, ops_report_fn fn, void *fn_userdata);

	/* Opens the archive of the report ID read-only; with FETCH the client takes all of it.
	 */
	int (*open)(
	    void *userdata, const char *id, bool fetch, int *ret_fd, struct fault *reterr);

	/* Keeps a report whatever the limits are, or no longer. */
	int (*pin)(void *userdata, const char *id, bool pinned, struct fault *reterr);

	/* Ends the request whose ID is or starts with PREFIX (ID_LATEST: the newest), for the
	 * user UID. -ENOENT, -ENOTUNIQ, -EPERM. */
	int (*cancel)(void *userdata, const char *prefix, uid_t uid,
	    char ret_id[REPORT_ID_BYTES], struct fault *reterr);

	/* Calls FN for the problems that are known, the one seen last first. */
	int (*each_key)(void *userdata, ops_key_fn fn, void *fn_userdata);

	/* Removes a report; calls no ops function, Delete tells the watchers itself. */
	int (*remove)(void *userdata, const char *id, struct fault *reterr);

	int (*status)(void *userdata, struct status_info *ret, struct fault *reterr);

	/* The hook says that a unit failed. */
	int (*failed)(
	    void *userdata, const struct failure_notice *notice, struct fault *reterr);

	/* A check says what it found. */
	int (*checked)(void *userdata, const struct finding *findings, size_t n_findings,
	    struct fault *reterr);

	/* A capture says how far it is; the clients are told by ops.c. */
	int (*progress)(
	    void *userdata, const char *id, const struct capture_progress *progress);
};

/* BACKEND is borrowed: a constant table. Ends after the server, whose calls it keeps. */
int ops_new(const struct ops_backend *backend, void *userdata, struct ops **ret);
void ops_free(struct ops *ops);
DEFINE_CLEANUP(struct ops *, ops_free);

/* The table for struct server_options; its userdata is the struct ops. */
const struct server_method *ops_methods(size_t *ret_n);

/* The request ID has a new state: tells the Collect calls of that ID and every Watch. REPORT
 * (NULL when there is none) goes with complete and partial, MESSAGE (may be NULL) with failed.
 * A final state ends those Collect calls. */
void ops_capture_changed(struct ops *ops, const char *id, enum capture_state state,
    const struct report *report, const char *message);

/* A report was removed to keep the spool within its limits. */
void ops_report_deleted(struct ops *ops, const char *id, const char *message);

/* The end of a run of UNIT, or with "" a finding, was counted, but no report is taken. */
void ops_suppressed(struct ops *ops, const char *unit, const char *message);

/* A problem that checks found is confirmed. */
void ops_confirmed(struct ops *ops, const char *message);
