/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/options.h"
#include "lib/cleanup.h"
#include "lib/fault.h"
#include "lib/text.h"

/* Longer words are not compared; no name is near. */
#define SUGGEST_MAX_CHARS    24u
/* More edits than this are a different word. */
#define SUGGEST_MAX_DISTANCE 2u
/* Options of one verb and the common ones together. */
#define OPTIONS_MAX	     32u

static int
set_help(struct options *o, const char *value, struct fault *reterr)
{
	(void)value;
	(void)reterr;
	o->help = true;
	return 0;
}

static int
set_version(struct options *o, const char *value, struct fault *reterr)
{
	(void)value;
	(void)reterr;
	o->version = true;
	return 0;
}

static int
set_json(struct options *o, const char *value, struct fault *reterr)
{
	if (!value) {
		o->json = isatty(STDOUT_FILENO) ? JSON_PRETTY : JSON_SHORT;
		return 0;
	}
	if (json_mode_from_string(value, &o->json) < 0)
		return fault_set(reterr, -EINVAL,
		    "--json= takes 'pretty', 'short' or 'off', not '%s'", value);
	return 0;
}

static int
set_no_legend(struct options *o, const char *value, struct fault *reterr)
{
	(void)value;
	(void)reterr;
	o->no_legend = true;
	return 0;
}

int
option_set_force(struct options *o, const char *value, struct fault *reterr)
{
	(void)value;
	(void)reterr;
	o->force = true;
	return 0;
}

static int
set_nothing(struct options *o, const char *value, struct fault *reterr)
{
	(void)o;
	(void)value;
	(void)reterr;
	return 0;
}

static int
set_socket(struct options *o, const char *value, struct fault *reterr)
{
	(void)reterr;
	o->socket_path = value;
	return 0;
}

const struct option_def common_options[] = {
	{ 0, "json", "MODE", true, "print JSON: pretty, short (one line each) or off",
	    set_json },
	{ 0, "no-legend", NULL, false, "leave out the column names", set_no_legend },
	{ 0, "no-pager", NULL, false, "accepted for habit; there never is a pager",
	    set_nothing },
	{ 0, "socket", "PATH", false, "talk to the daemon at PATH", set_socket },
	{ 'h', "help", NULL, false, "show this help", set_help },
	{ 0, "version", NULL, false, "show the version", set_version },
	{ 0 },
};

/* Edit distance of A and B where swapping two neighbours counts one, at most MAX + 1. */
static size_t
edit_distance(const char *a, const char *b)
{
	size_t rows[3][SUGGEST_MAX_CHARS + 1];
	size_t n_a = strlen(a);
	size_t n_b = strlen(b);

	if (n_a > SUGGEST_MAX_CHARS || n_b > SUGGEST_MAX_CHARS)
		return SUGGEST_MAX_CHARS;
	for (size_t j = 0; j <= n_b; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= n_a; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i + 2) % 3];
		const size_t *above2 = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= n_b; j++) {
			size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    above2[j - 2] + 1 < best)
				best = above2[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[n_a % 3][n_b];
}

const char *
suggest(const char *s, const char *const *candidates, size_t n)
{
	const char *best = NULL;
	size_t best_distance = SUGGEST_MAX_DISTANCE + 1;
	size_t n_prefixed = 0;
	const char *prefixed = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t distance;

		if (!candidates[i])
			continue;
		if (s[0] != '\0' && text_has_prefix(candidates[i], s)) {
			prefixed = candidates[i];
			n_prefixed++;
		}
		distance = edit_distance(s, candidates[i]);
		/* Two edits turn any two-letter word into any other. */
		if (distance < best_distance && distance < strlen(candidates[i]) / 2 + 1) {
			best = candidates[i];
			best_distance = distance;
		}
	}
	return n_prefixed == 1 ? prefixed : best;
}

static const struct option_def *
find_option(const struct option_def *table, const char *long_name, size_t n, char short_name)
{
	for (; table && (table->long_name || table->short_name); table++) {
		if (short_name && table->short_name == short_name)
			return table;
		if (long_name && table->long_name && strlen(table->long_name) == n &&
		    strncmp(table->long_name, long_name, n) == 0)
			return table;
	}
	return NULL;
}

/* Where parsing stands. */
struct parser {
	struct options *options;
	const struct option_def *table;
	char **argv;
	int n_args;
	int next;
	struct fault *reterr;
};

static const struct option_def *
lookup(const struct parser *p, const char *long_name, size_t n, char short_name)
{
	const struct option_def *def = find_option(p->table, long_name, n, short_name);

	return def ? def : find_option(common_options, long_name, n, short_name);
}

static int
unknown_option(const struct parser *p, const char *name, size_t n)
{
	const char *names[2 * OPTIONS_MAX];
	const char *near;
	char typed[SUGGEST_MAX_CHARS + 2];
	size_t n_names = 0;

	for (const struct option_def *d = p->table; d && (d->long_name || d->short_name); d++)
		if (n_names < ELEMENTSOF(names))
			names[n_names++] = d->long_name;
	for (const struct option_def *d = common_options; d->long_name; d++)
		if (n_names < ELEMENTSOF(names))
			names[n_names++] = d->long_name;
	(void)snprintf(typed, sizeof(typed), "%.*s", (int)n, name);
	near = suggest(typed, names, n_names);
	if (near)
		return fault_set(p->reterr, -EINVAL,
		    "there is no option '--%.*s'; did you mean '--%s'?", (int)n, name, near);
	return fault_set(p->reterr, -EINVAL, "there is no option '--%.*s'", (int)n, name);
}

static int
parse_long(struct parser *p, const char *arg)
{
	const char *equals = strchr(arg, '=');
	size_t n = equals ? (size_t)(equals - arg) : strlen(arg);
	const char *value = equals ? equals + 1 : NULL;
	const struct option_def *def = lookup(p, arg, n, 0);

	if (!def)
		return unknown_option(p, arg, n);
	if (!def->value && value)
		return fault_set(p->reterr, -EINVAL, "--%s takes no value", def->long_name);
	if (def->value && !value && !def->is_value_optional) {
		if (p->next >= p->n_args)
			return fault_set(p->reterr, -EINVAL, "--%s needs a value: --%s=%s",
			    def->long_name, def->long_name, def->value);
		value = p->argv[p->next++];
	}
	return def->set(p->options, value, p->reterr);
}

/* A word of short options: "-r", "-n3", "-n 3", "-rn3". */
static int
parse_short(struct parser *p, const char *arg)
{
	int r;

	for (; *arg; arg++) {
		const struct option_def *def = lookup(p, NULL, 0, *arg);
		const char *value;

		if (!def)
			return fault_set(p->reterr, -EINVAL, "there is no option '-%c'", *arg);
		if (!def->value || def->is_value_optional) {
			r = def->set(p->options, NULL, p->reterr);
			if (r < 0)
				return r;
			continue;
		}
		value = arg[1] != '\0' ? arg + 1 : NULL;
		if (!value && p->next >= p->n_args)
			return fault_set(p->reterr, -EINVAL, "-%c needs a value: -%c %s", *arg,
			    *arg, def->value);
		return def->set(p->options, value ? value : p->argv[p->next++], p->reterr);
	}
	return 0;
}

int
options_parse(struct options *o, const struct option_def *table, char **argv, int n_args,
    bool permute, struct fault *reterr)
{
	struct parser p = {
		.options = o,
		.table = table,
		.argv = argv,
		.n_args = n_args,
		.reterr = reterr,
	};
	int n_words = 0;
	int r = 0;

	while (p.next < n_args) {
		char *arg = argv[p.next];

		if (arg[0] != '-' || arg[1] == '\0') {
			if (!permute)
				return p.next;
			argv[n_words++] = arg;
			p.next++;
			continue;
		}
		p.next++;
		if (streq(arg, "--"))
			break;
		if (arg[1] == '-')
			r = parse_long(&p, arg + 2);
		else
			r = parse_short(&p, arg + 1);
		if (r < 0)
			return r;
	}
	if (!permute)
		return p.next;
	while (p.next < n_args)
		argv[n_words++] = argv[p.next++];
	return n_words;
}
