/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What supportd.conf(5) says. One table in settings.c has every key with its type, bounds,
 * default and help; parsing, --dump-config, the shipped file and the manual page are checked
 * against it. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/cleanup.h"
#include "lib/conf.h"
#include "lib/profile.h"

enum compression {
	COMPRESSION_ZSTD,
	COMPRESSION_XZ,
	COMPRESSION_GZIP,
	_COMPRESSION_COUNT,
};

/* Units of Units=, and as many of Neighbours=. Watching costs two matches and one bus call per
 * unit; more units than this are a mistake. */
#define SETTINGS_UNITS_MAX 16u
#define WATCHED_UNITS_MAX  (2u * SETTINGS_UNITS_MAX)

struct settings {
	/* [Watch] */
	char *
	    *units; /* owned strv: units whose runs are watched; the first one is MicroShift */
	char **neighbours; /* owned strv: units that MicroShift stands on; may be NULL */

	/* [Capture] */
	enum profile default_profile; /* of a request that names none */
	enum compression compression;

	/* [Clean] */
	bool clean;	       /* names and addresses are replaced in all reports */
	char **clean_keywords; /* owned strv; may be NULL */
	char **clean_domains;  /* owned strv; may be NULL */
	char *clean_key_file;  /* owned; NULL = none */

	/* [Kube]: what of the cluster is taken; see capture/kube/ */
	char **namespaces;	      /* owned strv: patterns, see lib/namepattern.h */
	char **add_namespaces;	      /* owned strv: patterns, besides those; may be NULL */
	bool failing_pods;	      /* also namespaces with a pod that is failing */
	uint64_t max_log_bytes;	      /* of container logs, all together */
	uint64_t tail_lines;	      /* of one container log */
	bool last_good;		      /* keep a copy for when the API is dead */
	uint64_t last_good_max_bytes; /* of the copy, compressed */

	/* [Check]: what microshift-support-check.service finds, and when it is believed */
	uint64_t confirmations;	      /* checks in a row */
	uint64_t settle_usec;	      /* MicroShift is up for so long before it must answer */
	uint64_t min_free_bytes;      /* on each file system that MicroShift needs */
	uint64_t max_memory_pressure; /* percent of a minute */
	uint64_t kubelet_port;	      /* of its health check; 0: not asked */

	/* [Recorder]: see daemon/recorder.h */
	bool recorder_enabled;
	uint64_t recorder_interval_usec; /* from sample to sample */
	uint64_t recorder_keep_usec;	 /* how far it goes back */

	/* [Limits] of automatic captures */
	uint64_t
	    cool_down_usec;    /* first pause of a key after its report; grows, see limiter.h */
	uint64_t max_per_hour; /* automatic captures, all keys together */
	uint64_t burst;	       /* of those, at once */
	uint64_t max_per_day;
	uint64_t max_requests_per_hour; /* of people */
	uint64_t max_queued;		/* requests waiting for the running capture */

	/* [Spool] */
	uint64_t max_reports;	  /* automatic ones */
	uint64_t max_per_key;	  /* of one problem */
	uint64_t max_use_bytes;	  /* all reports together */
	uint64_t keep_free_bytes; /* left free on the file system */
	uint64_t max_age_usec;
	uint64_t
	    max_manual_reports; /* a budget of their own: a flood of requests evicts no crash */
	uint64_t manual_use_bytes; /* share of max_use_bytes that manual reports may take */

	/* [Server] */
	uint64_t max_connections;
	uint64_t max_connections_per_user;
	uint64_t idle_timeout_usec;
};

/* True when UNIT is one of neighbours, and none of units. */
bool settings_is_neighbour(const struct settings *s, const char *unit);

/* All units that are watched, each once: units, then neighbours; at most WATCHED_UNITS_MAX. The
 * caller owns *ret (strv_free()). Returns 0 or -ENOMEM. */
int settings_watched(const struct settings *s, char ***ret);

/* The built-in defaults. The caller owns *ret. Returns 0 or -ENOMEM. */
int settings_new(struct settings **ret);
void settings_free(struct settings *s);
DEFINE_CLEANUP(struct settings *, settings_free);

/* Defaults, then FILE (NULL: the installed one), then the drop-ins supportd.conf.d/ beside the
 * vendor's, the administrator's and the run-time directory (only with FILE NULL). A mistake
 * leaves the key's earlier value. Returns the number of problems, each passed to ON_PROBLEM
 * (may be NULL), or negative errno. The caller owns *ret. */
int settings_load(
    const char *file, conf_problem_fn on_problem, void *userdata, struct settings **ret);

/* Sets one key as a configuration line would. Returns 0, or -EINVAL, -ERANGE with the reason.
 */
int settings_set(struct settings *s, const char *section, const char *key, const char *value,
    struct fault *reterr);

/* Writes S as a configuration file; with HELP each key is preceded by its description. */
void settings_dump(const struct settings *s, bool help, FILE *f);

const char *compression_to_string(enum compression c);
int compression_from_string(const char *s, enum compression *ret);

/* "zst", "xz" or "gz". */
const char *compression_suffix(enum compression c);
