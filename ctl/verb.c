/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/options.h"
#include "ctl/verb.h"
#include "lib/cleanup.h"
#include "lib/fault.h"
#include "lib/paths.h"
#include "lib/proto.h"
#include "lib/text.h"

#define PROGRAM		 "msupportctl"
#define VERBS_MAX	 24u
/* Column of the explanations in the help. */
#define HELP_COLUMN	 26
#define VERB_HELP_COLUMN 24

const struct verb verbs[] = {
	{
	    .name = "list",
	    .arguments = "",
	    .help = "list the reports, newest first (what happens without a verb)",
	    .options = list_options,
	    .run = verb_list,
	},
	{
	    .name = "collect",
	    .arguments = "",
	    .help = "take a report now, and follow it",
	    .description =
		"Interrupting the command leaves the report running; 'msupportctl watch'\n"
		"says when it is ready. The exit status is 6 when the report is partial.",
	    .options = collect_options,
	    .run = verb_collect,
	},
	{
	    .name = "show",
	    .arguments = "ID...",
	    .min_arguments = 1,
	    .max_arguments = -1,
	    .help = "show one report on a page",
	    .run = verb_show,
	},
	{
	    .name = "fetch",
	    .arguments = "ID...",
	    .min_arguments = 1,
	    .max_arguments = -1,
	    .help = "copy a report out of the spool, or unpack it",
	    .description =
		"It is copied to microshift-support-ID.tar.zst here, or where -o says, and its\n"
		"path is printed. A file appears only when it is complete and its SHA-256 is\n"
		"right.",
	    .options = fetch_options,
	    .run = verb_fetch,
	},
	{
	    .name = "clean",
	    .arguments = "FILE|DIR|ID",
	    .min_arguments = 1,
	    .max_arguments = 1,
	    .help = "write a copy without secrets, names and addresses",
	    .description =
		"Takes reports of ours, of sos and must-gather. The copy is NAME-cleaned in\n"
		"this directory, or what -o says; it appears only when all of it is filtered.\n"
		"What cannot be filtered is replaced by a note. See microshift-support-clean(7).",
	    .options = clean_options,
	    .run = verb_clean,
	},
	{
	    .name = "verify",
	    .arguments = "FILE|DIR|ID",
	    .min_arguments = 1,
	    .max_arguments = 1,
	    .help = "look for what should not be in a report",
	    .description =
		"Prints the place and the rule of every secret, never the secret; with --seeds\n"
		"also names and addresses. The exit status is 8 when there is any, 6 when\n"
		"something could not be looked at.",
	    .options = verify_options,
	    .run = verb_verify,
	},
	{
	    .name = "delete",
	    .arguments = "ID...",
	    .min_arguments = 1,
	    .max_arguments = -1,
	    .help = "delete reports from the spool (root only)",
	    .run = verb_delete,
	},
	{
	    .name = "pin",
	    .arguments = "ID...",
	    .min_arguments = 1,
	    .max_arguments = -1,
	    .help = "keep reports whatever the limits of the spool are (root only)",
	    .run = verb_pin,
	},
	{
	    .name = "unpin",
	    .arguments = "ID...",
	    .min_arguments = 1,
	    .max_arguments = -1,
	    .help = "let the limits hold for reports again (root only)",
	    .run = verb_unpin,
	},
	{
	    .name = "cancel",
	    .arguments = "ID...",
	    .min_arguments = 1,
	    .max_arguments = -1,
	    .help = "end requests that wait, and captures that run",
	    .description =
		"What a capture has until then becomes a partial report. Those of others only\n"
		"root may end.",
	    .run = verb_cancel,
	},
	{
	    .name = "keys",
	    .arguments = "",
	    .help = "list the problems that were seen, how often, and when",
	    .run = verb_keys,
	},
	{
	    .name = "collectors",
	    .arguments = "[NAME]",
	    .max_arguments = 1,
	    .help = "show what reports are made of, and what of it applies here",
	    .description =
		"With NAME, all that one collector takes, within which limits. Asks no daemon.\n"
		"See collect.d(5).",
	    .options = collectors_options,
	    .run = verb_collectors,
	},
	{
	    .name = "status",
	    .arguments = "",
	    .help = "show the daemon, the watched units and the spool",
	    .run = verb_status,
	},
	{
	    .name = "watch",
	    .arguments = "",
	    .help = "print what happens, one line each, until interrupted",
	    .run = verb_watch,
	},
	{
	    .name = "notify-failure",
	    .arguments = "UNIT",
	    .min_arguments = 1,
	    .max_arguments = 1,
	    .help = "tell the daemon that UNIT failed (run by OnFailure=)",
	    .description =
		"Reads MONITOR_* of systemd.exec(5) from the environment. Leaves a note in\n"
		"the inbox when the daemon cannot be reached. Never blocks, never fails.",
	    .options = hook_options,
	    .run = verb_notify_failure,
	},
	{ 0 },
};

static void
print_options(const struct option_def *table)
{
	for (; table && (table->long_name || table->short_name); table++) {
		char text[64];
		char short_text[8] = "   ";

		if (table->short_name)
			(void)snprintf(
			    short_text, sizeof(short_text), "-%c,", table->short_name);
		if (!table->long_name)
			(void)snprintf(text, sizeof(text), "-%c%s%s", table->short_name,
			    table->value ? " " : "", table->value ? table->value : "");
		else
			(void)snprintf(text, sizeof(text), "%s --%s%s%s%s", short_text,
			    table->long_name,
			    !table->value		   ? ""
				: table->is_value_optional ? "[="
							   : "=",
			    table->value ? table->value : "",
			    table->is_value_optional ? "]" : "");
		(void)printf("  %-*s %s\n", HELP_COLUMN, text, table->help);
	}
}

static void
print_program_help(void)
{
	(void)printf("Usage: " PROGRAM " [VERB] [OPTION...] [ID...]\n"
		     "\n"
		     "Take, list and fetch support reports of this MicroShift host.\n"
		     "\n"
		     "Verbs:\n");
	for (const struct verb *v = verbs; v->name; v++) {
		char text[48];

		(void)snprintf(text, sizeof(text), "%s %s", v->name, v->arguments);
		(void)printf("  %-*s %s\n", VERB_HELP_COLUMN, text, v->help);
	}
	(void)printf("\nOptions of every verb (its own: " PROGRAM " VERB --help):\n");
	print_options(common_options);
	(void)printf("\nAn ID may be any unambiguous beginning of one, or 'latest'.\n"
		     "See " PROGRAM "(1).\n");
}

static void
print_verb_help(const struct verb *v)
{
	(void)printf("Usage: " PROGRAM " %s [OPTION...]%s%s\n\n%c%s.\n", v->name,
	    v->arguments[0] ? " " : "", v->arguments, v->help[0] - 'a' + 'A', v->help + 1);
	if (v->description)
		(void)printf("%s\n", v->description);
	if (v->options) {
		(void)printf("\nOptions:\n");
		print_options(v->options);
	}
	(void)printf("\nOptions of every verb:\n");
	print_options(common_options);
}

static const struct verb *
find_verb(const char *name)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (streq(v->name, name))
			return v;
	return NULL;
}

static int
usage_error(const char *verb, const char *text)
{
	(void)fprintf(stderr, PROGRAM ": %s\nTry '" PROGRAM "%s%s --help'.\n", text,
	    verb ? " " : "", verb ? verb : "");
	return PROTO_EXIT_USAGE;
}

static int
unknown_verb(const char *name)
{
	const char *names[VERBS_MAX];
	const char *near;
	struct fault f;
	size_t n = 0;

	for (const struct verb *v = verbs; v->name && n < ELEMENTSOF(names); v++)
		names[n++] = v->name;
	near = suggest(name, names, n);
	if (near)
		(void)fault_set(
		    &f, -EINVAL, "there is no verb '%s'; did you mean '%s'?", name, near);
	else
		(void)fault_set(&f, -EINVAL, "there is no verb '%s'", name);
	return usage_error(NULL, f.text);
}

static int
wrong_count(const struct verb *v, int n)
{
	struct fault f;

	if (v->max_arguments == 0)
		(void)fault_set(&f, -EINVAL, "'%s' takes no arguments", v->name);
	else if (n > v->min_arguments)
		(void)fault_set(&f, -EINVAL, "'%s' takes one %s", v->name, v->arguments);
	else
		(void)fault_set(&f, -EINVAL, "'%s' needs %s", v->name, v->arguments);
	return usage_error(v->name, f.text);
}

/* Takes the verb out of ARGV. A line without one is the default verb's. Returns NULL, with a
 * sentence in *reterr, when the options in front of it are wrong or the verb is unknown. */
static int
take_verb(char **argv, int *n_args, const struct verb **ret)
{
	struct options ignored = { 0 };
	struct fault fault;
	int index;

	index = options_parse(&ignored, verbs[0].options, argv, *n_args, false, &fault);
	if (index < 0)
		return usage_error(NULL, fault_text(&fault));
	if (index >= *n_args) {
		*ret = &verbs[0];
		if (ignored.help)
			print_program_help();
		return ignored.help ? -1 : PROTO_EXIT_OK;
	}
	*ret = find_verb(argv[index]);
	if (!*ret)
		return unknown_verb(argv[index]);
	for (int i = index; i < *n_args - 1; i++)
		argv[i] = argv[i + 1];
	(*n_args)--;
	return PROTO_EXIT_OK;
}

/* What was printed may still be in a buffer; a full disk or a closed pipe shows here. */
static int
finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	(void)fprintf(stderr, PROGRAM ": cannot write the output\n");
	return status == PROTO_EXIT_OK ? PROTO_EXIT_ERROR : status;
}

int
ctl_main(int argc, char **argv)
{
	struct options o = { .socket_path = SOCKET_PATH, .state_dir = STATE_DIR };
	const struct verb *verb = NULL;
	int n_args = argc > 0 ? argc - 1 : 0;
	struct fault fault;
	int r;

	r = take_verb(argv + 1, &n_args, &verb);
	if (r < 0)
		return finish(PROTO_EXIT_OK);
	if (r != PROTO_EXIT_OK)
		return r;
	r = options_parse(&o, verb->options, argv + 1, n_args, true, &fault);
	if (r < 0)
		return usage_error(verb->name, fault_text(&fault));
	n_args = r;
	if (o.help) {
		print_verb_help(verb);
		return finish(PROTO_EXIT_OK);
	}
	if (o.version) {
		(void)printf(PROGRAM " " PACKAGE_VERSION "\n");
		return finish(PROTO_EXIT_OK);
	}
	if (n_args < verb->min_arguments ||
	    (verb->max_arguments >= 0 && n_args > verb->max_arguments))
		return wrong_count(verb, n_args);
	return finish(verb->run(&o, argv + 1, n_args));
}
