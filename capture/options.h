/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The command line of microshift-support-capture. */

#include <stdbool.h>

#include "lib/cleanup.h"

enum mode {
	MODE_UNIT,    /* --id */
	MODE_SALVAGE, /* --id --salvage */
	MODE_OUTPUT,  /* --output */
	MODE_PLAN,    /* --dry-run */
	MODE_LIST,    /* --list-collectors */
	MODE_CHECK_COLLECTORS,
	MODE_CHECK,   /* --check */
	MODE_REFRESH, /* --refresh-last-good */
};

enum options_json {
	OPTIONS_JSON_NONE,
	OPTIONS_JSON_PRETTY,
	OPTIONS_JSON_SHORT,
};

/* Strings are those of argv, NULL when they were not given. */
struct options {
	enum mode mode;
	bool salvage;
	bool refresh;
	bool debug;
	bool dry_run;
	bool list_collectors;
	bool check_collectors;
	bool check;
	bool tell;
	enum options_json json;
	const char *id; /* a valid one */
	const char *state_dir;
	const char *output;
	const char *config;
	const char *reason; /* shorter than REASON_BYTES */
	const char *collect_dir;
	const char *profile;
	const char *compression;
	const char *kubeconfig;
	char **only;	   /* owned */
	char **namespaces; /* owned: valid patterns */
	bool only_namespaces;
	bool clean;
	char *cmdline; /* owned */
};

/* Returns 1 to go on, 0 when everything is done (--help, --version), or a negative errno after
 * it said on standard error what is wrong. *RET is the caller's (options_done()) in any case.
 */
int options_parse(int argc, char *argv[], struct options *ret);
void options_done(struct options *o);

/* Says what is wrong with ARGUMENT, which FORMAT has as %s; returns -EINVAL. */
int options_error(const char *format, const char *argument);
