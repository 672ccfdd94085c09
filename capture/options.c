/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/options.h"
#include "lib/cleanup.h"
#include "lib/fault.h"
#include "lib/namepattern.h"
#include "lib/paths.h"
#include "lib/report.h"
#include "lib/reportid.h"
#include "lib/text.h"

void
options_done(struct options *o)
{
	strv_free(o->namespaces);
	strv_free(o->only);
	free(o->cmdline);
	*o = (struct options){ 0 };
}

static void
print_help(FILE *f)
{
	(void)fputs(
	    "Usage: microshift-support-capture --output DIR [OPTION...]\n"
	    "       microshift-support-capture --id ID [--salvage] [OPTION...]\n"
	    "       microshift-support-capture --dry-run|--list-collectors|--check-collectors\n"
	    "       microshift-support-capture --check [OPTION...]\n"
	    "       microshift-support-capture --refresh-last-good [OPTION...]\n"
	    "\n"
	    "Takes one support report of this machine.\n"
	    "\n"
	    "By hand, without the daemon; the path of the report is the last line of output:\n"
	    "  -o, --output DIR         write the report into DIR\n"
	    "  -p, --profile PROFILE    flash, crash, startup, cert, pressure, final or full\n"
	    "      --only NAME[,NAME]   run these collectors only\n"
	    "      --namespaces PATTERN[,PATTERN]\n"
	    "                           take these namespaces too: globs or /expressions/\n"
	    "      --only-namespaces    take no others than these\n"
	    "      --clean              replace names and addresses by aliases\n"
	    "  -r, --reason TEXT        why, for the person who will read the report\n"
	    "      --compression TYPE   zstd, xz or gzip\n"
	    "\n"
	    "What a report would take, without taking it:\n"
	    "      --dry-run            list what runs, in order, with its limits\n"
	    "      --list-collectors    list all collectors, and which apply here\n"
	    "      --check-collectors   list the mistakes in their definitions\n"
	    "      --json[=MODE]        print JSON: pretty, or short (the default)\n"
	    "\n"
	    "For a request of the daemon, in its own unit:\n"
	    "      --id ID              take the report that queue/ID.json asks for\n"
	    "      --salvage            close what a killed capture of ID left behind\n"
	    "\n"
	    "Instead of a report, one look at API, certificates, disk and memory:\n"
	    "      --check              print what is wrong\n"
	    "      --json[=MODE]        print JSON, as above\n"
	    "      --tell               tell the daemon, which captures what lasts\n"
	    "\n"
	    "For a timer:\n"
	    "      --refresh-last-good  copy the state of the cluster if it is well and changed\n"
	    "\n"
	    "      --state-dir DIR      the daemon's directory [" STATE_DIR "]\n"
	    "      --kubeconfig FILE    ask the API with this instead of MicroShift's own\n"
	    "      --config FILE        read this instead of supportd.conf and its drop-ins\n"
	    "      --collect-dir DIR    read collectors from here instead of collect.d\n"
	    "      --debug              say more on standard error\n"
	    "  -h, --help               show this text\n"
	    "      --version            show the version\n"
	    "\n"
	    "Exit status: 0 complete, 6 partial (with --output), 1 no report, or mistakes (with\n"
	    "--check-collectors), 2 usage; with --check 0 nothing is wrong, 8 something is.\n",
	    f);
}

int
options_error(const char *format, const char *argument)
{
	(void)fputs("microshift-support-capture: ", stderr);
	(void)fprintf(stderr, format, argument);
	(void)fputs("\nTry 'microshift-support-capture --help'.\n", stderr);
	return -EINVAL;
}

static char *
join_arguments(int argc, char *argv[])
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	for (int i = 0; i < argc; i++)
		(void)fprintf(f, "%s%s", i > 0 ? " " : "", argv[i]);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

/* Which one of the things that the program can do is asked for. */
static int
choose_mode(struct options *o)
{
	const struct {
		bool given;
		enum mode mode;
	} choices[] = {
		{ o->output, MODE_OUTPUT },
		{ o->id, o->salvage ? MODE_SALVAGE : MODE_UNIT },
		{ o->dry_run, MODE_PLAN },
		{ o->list_collectors, MODE_LIST },
		{ o->check_collectors, MODE_CHECK_COLLECTORS },
		{ o->check, MODE_CHECK },
		{ o->refresh, MODE_REFRESH },
	};
	unsigned n = 0;

	for (size_t i = 0; i < ELEMENTSOF(choices); i++) {
		if (!choices[i].given)
			continue;
		o->mode = choices[i].mode;
		n++;
	}
	if (n == 0)
		return options_error("what to do? Give --output DIR (or --id ID)%s", "");
	if (n > 1)
		return options_error("--output, --id, --dry-run, --list-collectors, "
				     "--check-collectors, --check and --refresh-last-good "
				     "exclude each other%s",
		    "");
	return 0;
}

/* Checks what belongs together. Returns 0, or -EINVAL after it said what is wrong. */
static int
check_options(struct options *o)
{
	if (o->salvage && !o->id)
		return options_error("--salvage needs --id%s", "");
	if (choose_mode(o) < 0)
		return -EINVAL;
	if ((o->id || o->check || o->refresh) &&
	    (o->profile || o->only || o->namespaces || o->reason || o->compression))
		return options_error("--profile, --only, --namespaces, --reason and "
				     "--compression are for --output and --dry-run%s",
		    "");
	if (o->id && o->clean)
		return options_error("with --id the request says whether to --clean%s", "");
	if (o->only_namespaces && !o->namespaces)
		return options_error("--only-namespaces goes with --namespaces%s", "");
	if (o->json != OPTIONS_JSON_NONE && o->mode != MODE_PLAN && o->mode != MODE_LIST &&
	    o->mode != MODE_CHECK)
		return options_error(
		    "--json goes with --dry-run, --list-collectors and --check%s", "");
	if (o->tell && !o->check)
		return options_error("--tell needs --check%s", "");
	if (o->id && !report_id_is_valid(o->id))
		return options_error("'%s' is not the ID of a report", o->id);
	if (o->reason && strlen(o->reason) >= REASON_BYTES)
		return options_error("--reason is too long, 255 bytes are possible%s", "");
	return 0;
}

static int
read_only(struct options *o, const char *value)
{
	strv_free(o->only);
	o->only = NULL;
	if (strv_split(value, ", ", &o->only) < 0)
		return -ENOMEM;
	if (strv_length(o->only) == 0)
		return options_error("--only needs the name of a collector%s", "");
	return 0;
}

static int
read_json(struct options *o, const char *value)
{
	if (!value || streq(value, "short"))
		o->json = OPTIONS_JSON_SHORT;
	else if (streq(value, "pretty"))
		o->json = OPTIONS_JSON_PRETTY;
	else
		return options_error("--json= takes 'pretty' or 'short', not '%s'", value);
	return 0;
}

static int
read_namespaces(struct options *o, const char *value)
{
	struct fault fault;

	strv_free(o->namespaces);
	o->namespaces = NULL;
	if (strv_split(value, ", ", &o->namespaces) < 0)
		return -ENOMEM;
	for (char **p = o->namespaces; p && *p; p++)
		if (name_pattern_check(*p, &fault) < 0)
			return options_error("--namespaces: %s", fault.text);
	return 0;
}

enum {
	OPTION_ID = 256,
	OPTION_SALVAGE,
	OPTION_STATE_DIR,
	OPTION_ONLY,
	OPTION_NAMESPACES,
	OPTION_ONLY_NAMESPACES,
	OPTION_CLEAN,
	OPTION_KUBECONFIG,
	OPTION_COMPRESSION,
	OPTION_CONFIG,
	OPTION_COLLECT_DIR,
	OPTION_DRY_RUN,
	OPTION_LIST_COLLECTORS,
	OPTION_CHECK_COLLECTORS,
	OPTION_CHECK,
	OPTION_REFRESH,
	OPTION_TELL,
	OPTION_JSON,
	OPTION_DEBUG,
	OPTION_VERSION,
};

static const struct option table[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "profile", required_argument, NULL, 'p' },
	{ "only", required_argument, NULL, OPTION_ONLY },
	{ "namespaces", required_argument, NULL, OPTION_NAMESPACES },
	{ "only-namespaces", no_argument, NULL, OPTION_ONLY_NAMESPACES },
	{ "clean", no_argument, NULL, OPTION_CLEAN },
	{ "kubeconfig", required_argument, NULL, OPTION_KUBECONFIG },
	{ "reason", required_argument, NULL, 'r' },
	{ "compression", required_argument, NULL, OPTION_COMPRESSION },
	{ "id", required_argument, NULL, OPTION_ID },
	{ "salvage", no_argument, NULL, OPTION_SALVAGE },
	{ "state-dir", required_argument, NULL, OPTION_STATE_DIR },
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ "collect-dir", required_argument, NULL, OPTION_COLLECT_DIR },
	{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
	{ "list-collectors", no_argument, NULL, OPTION_LIST_COLLECTORS },
	{ "check-collectors", no_argument, NULL, OPTION_CHECK_COLLECTORS },
	{ "check", no_argument, NULL, OPTION_CHECK },
	{ "refresh-last-good", no_argument, NULL, OPTION_REFRESH },
	{ "tell", no_argument, NULL, OPTION_TELL },
	{ "json", optional_argument, NULL, OPTION_JSON },
	{ "debug", no_argument, NULL, OPTION_DEBUG },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ 0 },
};

/* Takes one option. Returns 0, or negative errno after it said what is wrong. */
static int
take_option(struct options *o, int option, const char *value)
{
	switch (option) {
	case 'o':
		o->output = value;
		break;
	case 'p':
		o->profile = value;
		break;
	case 'r':
		o->reason = value;
		break;
	case OPTION_ID:
		o->id = value;
		break;
	case OPTION_SALVAGE:
		o->salvage = true;
		break;
	case OPTION_STATE_DIR:
		o->state_dir = value;
		break;
	case OPTION_ONLY:
		return read_only(o, value);
	case OPTION_NAMESPACES:
		return read_namespaces(o, value);
	case OPTION_ONLY_NAMESPACES:
		o->only_namespaces = true;
		break;
	case OPTION_CLEAN:
		o->clean = true;
		break;
	case OPTION_KUBECONFIG:
		o->kubeconfig = value;
		break;
	case OPTION_COMPRESSION:
		o->compression = value;
		break;
	case OPTION_CONFIG:
		o->config = value;
		break;
	case OPTION_COLLECT_DIR:
		o->collect_dir = value;
		break;
	case OPTION_DRY_RUN:
		o->dry_run = true;
		break;
	case OPTION_LIST_COLLECTORS:
		o->list_collectors = true;
		break;
	case OPTION_CHECK_COLLECTORS:
		o->check_collectors = true;
		break;
	case OPTION_CHECK:
		o->check = true;
		break;
	case OPTION_REFRESH:
		o->refresh = true;
		break;
	case OPTION_TELL:
		o->tell = true;
		break;
	case OPTION_JSON:
		return read_json(o, value);
	case OPTION_DEBUG:
		o->debug = true;
		break;
	default:
		/* getopt_long() has said what is wrong. */
		(void)fputs("Try 'microshift-support-capture --help'.\n", stderr);
		return -EINVAL;
	}
	return 0;
}

int
options_parse(int argc, char *argv[], struct options *o)
{
	int c;

	*o = (struct options){ 0 };
	while ((c = getopt_long(argc, argv, "o:p:r:h", table, NULL)) != -1) {
		int r;

		if (c == 'h') {
			print_help(stdout);
			return 0;
		}
		if (c == OPTION_VERSION) {
			(void)puts("microshift-support-capture " PACKAGE_VERSION);
			return 0;
		}
		r = take_option(o, c, optarg);
		if (r < 0)
			return r;
	}
	if (optind < argc)
		return options_error("unexpected argument '%s'", argv[optind]);
	o->cmdline = join_arguments(argc, argv);
	return check_options(o) < 0 ? -EINVAL : 1;
}
