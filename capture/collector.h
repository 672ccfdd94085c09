/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The one interface of all collectors, declared (conf/collect.d) and built in.
 *
 * A collector adds members to ctx->bundle and says how it went; it cannot fail a capture. What
 * it stores is recorded by the bundle, commands by collector_run_command(). It should look at
 * collector_must_stop() between its steps. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/manifest.h"
#include "lib/profile.h"

struct bundle;
struct collector_list;
struct fault;
struct request;
struct settings;

#define PROFILE_BIT(p)	 (1u << (p))
#define PROFILE_MASK_ALL (PROFILE_BIT(_PROFILE_COUNT) - 1u)

/* Priorities: lower runs first. What is lost first comes first; what is slow comes last. */
#define PRIORITY_VOLATILE 10 /* gone in seconds: unit states, the journal of the run */
#define PRIORITY_FIRST	  20 /* what a person reads first: version, configuration */
#define PRIORITY_NORMAL	  50
#define PRIORITY_LATE	  80 /* large or slow */

/* Limits of a collector that names none. */
#define COLLECTOR_DEFAULT_WALL_USEC (30 * UINT64_C(1000000))
#define COLLECTOR_DEFAULT_MAX_BYTES (32u * 1024u * 1024u)
/* Time and output of a command that names none. The output's tail is kept. */
#define COMMAND_DEFAULT_WALL_USEC   (10 * UINT64_C(1000000))
#define COMMAND_DEFAULT_MAX_BYTES   (4u * 1024u * 1024u)

/* What a collector is given. Everything is borrowed and outlives the call. */
struct collector_context {
	const struct request *request; /* event, boot and invocation ID, flash */
	const struct settings *settings;
	struct bundle *bundle;
	struct manifest_collector *record; /* filled by bundle and collector_run_command() */
	const struct collector_list *collectors; /* all of this capture; NULL = this one */
	uint64_t deadline_usec;			 /* monotonic: of this collector */
	uint64_t end_usec;	/* monotonic: commands are over by then; see cmdrun.h */
	bool *rpm_hangs;	/* of all collectors together; see conditions.h */
	const char *root;	/* "" or, in tests, a directory that stands for "/" */
	const char *kubeconfig; /* the one to use; NULL = MicroShift's */
	const char *state_dir;	/* of the daemon, where the last good state is; NULL = none */
};

struct collector {
	const char *name;	 /* also the directory in sos_commands/ */
	const char *description; /* one line for people */
	unsigned profiles;	 /* PROFILE_BIT()s; 0 = only when it is named */
	int priority;
	uint64_t wall_usec; /* 0 = COLLECTOR_DEFAULT_WALL_USEC */
	uint64_t max_bytes; /* raw; 0 = COLLECTOR_DEFAULT_MAX_BYTES */
	void *data;	    /* of the implementation; a declared collector's definition */
	const char *plugin; /* directory in sos_commands/ for journal_units */
	char *const *journal_units; /* strv: units whose journal it wants; the collector
				       "journal" takes them with the others, in one go */

	/* Returns true when there is something to collect here, otherwise the reason is in
	 * *reterr. NULL = always. */
	bool (*applies)(const struct collector *c, const struct collector_context *ctx,
	    struct fault *reterr);

	/* Collects. *reterr is what a person reads when the outcome is not OK. */
	enum outcome (*run)(
	    const struct collector *c, struct collector_context *ctx, struct fault *reterr);

	/* Frees `data`, names and the struct; NULL for built-in ones. */
	void (*free)(const struct collector *c);
};

/* True when the time of the collector is over or the capture is asked to stop. */
bool collector_must_stop(const struct collector_context *ctx);

/* One command whose output becomes a member. */
struct collector_command {
	char *const *argv;
	const char *path; /* of the member; NULL = sos_commands/NAME/MANGLED */
	uint64_t
	    wall_usec; /* 0 = COMMAND_DEFAULT_WALL_USEC; the collector's deadline holds too */
	uint64_t max_bytes;    /* 0 = COMMAND_DEFAULT_MAX_BYTES */
	bool drop_stderr;      /* instead of merged, for output that programs read */
	bool hide_environment; /* it prints JSON of containers, see envfilter.h */
};

/* Runs the command, stores its output (also of one that failed or was killed, with a line that
 * says so) and records it in the manifest. Returns 0 when it ran and exited with 0; 1 when it
 * ran but failed, was killed or cut, with the reason in *reterr; -ENOENT when the program does
 * not exist (nothing is stored); -EDQUOT and other errors of the bundle. */
int collector_run_command(const struct collector *c, struct collector_context *ctx,
    const struct collector_command *command, struct fault *reterr);

/* Built-in collectors, NULL-terminated. In capture/collectors/builtin.c. */
extern const struct collector *const builtin_collectors[];

/* A mistake in a declaration. */
struct collector_problem {
	char *collector; /* owned: in whose files it is; "" = nobody's */
	char *file;	 /* owned */
	unsigned line;	 /* 0 = the whole file */
	char *text;	 /* owned */
};

/* Mistakes that are kept; more are only logged. Enough to see that a file is none of ours. */
#define COLLECTOR_PROBLEMS_MAX 100u

/* A list that owns its declared collectors. */
struct collector_list {
	const struct collector **items; /* [n_items] */
	size_t n_items;
	struct collector_problem *problems; /* owned, [n_problems] */
	size_t n_problems;
	char **masked; /* owned strv: paths of the files that mask a collector */
};

/* Appends C. Returns 0 or -ENOMEM (C stays the caller's then). */
int collector_list_add(struct collector_list *list, const struct collector *c);
void collector_list_done(struct collector_list *list);

/* Writes P as "FILE:LINE: TEXT" into a new string; NULL when out of memory. */
char *collector_problem_format(const struct collector_problem *p);

/* Appends the collectors declared in DIRS (lowest precedence first: vendor, admin, run), and
 * what is wrong with them, which is logged too. In capture/collectors/declared.c. */
int declared_load(char *const *dirs, struct collector_list *list, struct fault *reterr);

struct collectdef;

/* What C was declared as; NULL for a built-in one. */
const struct collectdef *declared_definition(const struct collector *c);
