/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The command line: what was asked for, and the tables that say what may be asked.
 *
 * Each verb has a table of options beside its handler; the same table parses the line, prints
 * --help, and is compared with the man page and the completion by a test. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/output.h"

struct fault;

/* Values of one option that may be given more than once, and a NULL. */
#define OPTION_WORDS_MAX 33u

struct options {
	/* Every verb. */
	const char *socket_path;
	enum json_mode json;
	bool no_legend;
	bool help;
	bool version;

	/* list */
	const char *unit;
	const char *trigger;
	const char *key;
	uint64_t since_usec; /* 0 unset */
	uint64_t until_usec; /* 0 unset */
	uint64_t limit;	     /* 0 unset */
	bool reverse;

	/* collect */
	const char *profile;
	const char *reason;
	const char *only;
	const char *namespaces; /* valid patterns, separated by commas */
	bool only_namespaces;
	bool clean;
	uint64_t timeout_usec; /* 0 unset */
	bool no_wait;
	bool direct;
	bool dry_run;

	/* collectors */
	bool check;

	/* collect --direct, fetch */
	const char *output;

	/* fetch */
	bool extract;
	bool must_gather;
	bool last_good;
	bool force;

	/* clean */
	const char *map;
	const char *keywords[OPTION_WORDS_MAX]; /* NULL behind the last one */
	const char *domains[OPTION_WORDS_MAX];
	bool report;

	/* verify */
	const char *seeds;

	/* notify-failure */
	const char *state_dir;
};

struct option_def {
	char short_name;	/* 0 none */
	const char *long_name;	/* NULL none */
	const char *value;	/* name of the value in the help; NULL takes none */
	bool is_value_optional; /* only as --name=VALUE */
	const char *help;
	/* Returns 0, or a negative errno with a sentence in *reterr. VALUE is NULL when there
	 * is none. */
	int (*set)(struct options *o, const char *value, struct fault *reterr);
};

/* Both end with an entry without names. */
extern const struct option_def common_options[];

/* Parses ARGV[0…N_ARGS) with the common options and TABLE (may be NULL). What is no option is
 * moved to the front of ARGV, in order; "--" ends the options. Unless PERMUTE, parsing stops at
 * the first such word. Returns their number (with !PERMUTE: the index of the first), or -EINVAL
 * with a sentence in *reterr. */
int options_parse(struct options *o, const struct option_def *table, char **argv, int n_args,
    bool permute, struct fault *reterr);

/* For tables: --force, which is the same for several verbs. */
int option_set_force(struct options *o, const char *value, struct fault *reterr);

/* The entry of CANDIDATES (N names, NULL ones are skipped) that S is probably a typing mistake
 * of, or NULL. */
const char *suggest(const char *s, const char *const *candidates, size_t n);
