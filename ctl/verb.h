/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The verbs of msupportctl: one table, one handler each. */

#include "ctl/options.h"

struct verb {
	const char *name;
	const char *arguments; /* for the help: "ID…" */
	int min_arguments;
	int max_arguments;	 /* -1 any number */
	const char *help;	 /* one line, no full stop */
	const char *description; /* more of it, for VERB --help; may be NULL */
	const struct option_def *options;
	/* Loud: says what went wrong. Returns the exit status, an enum proto_exit. */
	int (*run)(const struct options *o, char **arguments, int n_arguments);
};

/* The first one is the default. The last one has no name. */
extern const struct verb verbs[];

extern const struct option_def list_options[];
extern const struct option_def collect_options[];
extern const struct option_def collectors_options[];
extern const struct option_def fetch_options[];
extern const struct option_def clean_options[];
extern const struct option_def verify_options[];
extern const struct option_def hook_options[];

int verb_list(const struct options *o, char **arguments, int n_arguments);
int verb_collect(const struct options *o, char **arguments, int n_arguments);
int verb_collectors(const struct options *o, char **arguments, int n_arguments);
int verb_show(const struct options *o, char **arguments, int n_arguments);
int verb_fetch(const struct options *o, char **arguments, int n_arguments);
int verb_clean(const struct options *o, char **arguments, int n_arguments);
int verb_verify(const struct options *o, char **arguments, int n_arguments);
int verb_delete(const struct options *o, char **arguments, int n_arguments);
int verb_pin(const struct options *o, char **arguments, int n_arguments);
int verb_cancel(const struct options *o, char **arguments, int n_arguments);
int verb_keys(const struct options *o, char **arguments, int n_arguments);
int verb_unpin(const struct options *o, char **arguments, int n_arguments);
int verb_status(const struct options *o, char **arguments, int n_arguments);
int verb_watch(const struct options *o, char **arguments, int n_arguments);
int verb_notify_failure(const struct options *o, char **arguments, int n_arguments);

/* The program. Returns its exit status. */
int ctl_main(int argc, char **argv);
