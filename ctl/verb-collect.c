/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/options.h"
#include "ctl/program.h"
#include "ctl/reply.h"
#include "ctl/timespec.h"
#include "ctl/verb.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/namepattern.h"
#include "lib/profile.h"
#include "lib/report.h"
#include "lib/text.h"

/* How often the live line shows the time that has passed. */
#define TICK_USEC  USEC_PER_SEC
#define LINE_BYTES 256u

static int
set_profile(struct options *o, const char *value, struct fault *reterr)
{
	const char *names[_PROFILE_COUNT];
	enum profile profile;
	const char *near;

	if (profile_from_string(value, &profile) >= 0) {
		o->profile = value;
		return 0;
	}
	for (size_t i = 0; i < _PROFILE_COUNT; i++)
		names[i] = profile_to_string((enum profile)i);
	near = suggest(value, names, ELEMENTSOF(names));
	return fault_set(reterr, -EINVAL,
	    "there is no profile '%s'%s%s%s; see --help for their names", value,
	    near ? "; did you mean '" : "", near ? near : "", near ? "'" : "");
}

static int
set_reason(struct options *o, const char *value, struct fault *reterr)
{
	if (strlen(value) >= REASON_BYTES)
		return fault_set(
		    reterr, -EINVAL, "a reason has at most %u bytes", REASON_BYTES - 1);
	for (const char *p = value; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return fault_set(reterr, -EINVAL, "a reason is one line of text");
	o->reason = value;
	return 0;
}

static int
set_only(struct options *o, const char *value, struct fault *reterr)
{
	if (is_empty(value))
		return fault_set(reterr, -EINVAL, "--only needs names of collectors");
	o->only = value;
	return 0;
}

static int
set_namespaces(struct options *o, const char *value, struct fault *reterr)
{
	_cleanup_(strv_freep) char **patterns = NULL;
	int r;

	r = strv_split(value, ",", &patterns);
	if (r < 0)
		return fault_set(reterr, r, "out of memory");
	if (!patterns)
		return fault_set(reterr, -EINVAL, "--namespaces needs names or patterns");
	for (char **p = patterns; *p; p++) {
		r = name_pattern_check(*p, reterr);
		if (r < 0)
			return r;
	}
	o->namespaces = value;
	return 0;
}

static int
set_clean(struct options *o, const char *value, struct fault *reterr)
{
	(void)value;
	(void)reterr;
	o->clean = true;
	return 0;
}

static int
set_only_namespaces(struct options *o, const char *value, struct fault *reterr)
{
	(void)value;
	(void)reterr;
	o->only_namespaces = true;
	return 0;
}

static int
set_timeout(struct options *o, const char *value, struct fault *reterr)
{
	if (timespec_parse_span(value, &o->timeout_usec) < 0 || o->timeout_usec == 0)
		return fault_set(reterr, -EINVAL,
		    "'%s' is no time span; try 90, \"90s\" or \"2min\"", value);
	return 0;
}

static int
set_no_wait(struct options *o, const char *value, struct fault *reterr)
{
	(void)value;
	(void)reterr;
	o->no_wait = true;
	return 0;
}

static int
set_direct(struct options *o, const char *value, struct fault *reterr)
{
	(void)value;
	(void)reterr;
	o->direct = true;
	return 0;
}

static int
set_dry_run(struct options *o, const char *value, struct fault *reterr)
{
	(void)value;
	(void)reterr;
	o->dry_run = true;
	return 0;
}

static int
set_output(struct options *o, const char *value, struct fault *reterr)
{
	(void)reterr;
	o->output = value;
	return 0;
}

const struct option_def collect_options[] = {
	{ 'p', "profile", "NAME", false, "flash, crash, startup, cert, pressure, final or full",
	    set_profile },
	{ 'm', "reason", "TEXT", false, "say why, for whoever reads the report", set_reason },
	{ 0, "only", "NAME,...", false, "run these collectors only", set_only },
	{ 0, "namespaces", "PATTERN,...", false,
	    "take these namespaces too: globs or /expressions/", set_namespaces },
	{ 0, "clean", NULL, false, "replace names and addresses by aliases", set_clean },
	{ 0, "only-namespaces", NULL, false, "with --namespaces: take no others",
	    set_only_namespaces },
	{ 0, "no-wait", NULL, false, "print the ID and leave", set_no_wait },
	{ 0, "timeout", "SPAN", false, "leave after SPAN; the report goes on", set_timeout },
	{ 0, "direct", NULL, false, "without the daemon: write a report into a directory",
	    set_direct },
	{ 0, "dry-run", NULL, false, "only say what a report would take, in order",
	    set_dry_run },
	{ 'o', "output", "DIR", false, "with --direct: the directory, instead of this one",
	    set_output },
	{ 0 },
};

/* What a signal handler says; it can do no more than write(2). */
static char farewell[LINE_BYTES] =
    "\nThe request may have been accepted; 'msupportctl status' tells.\n";

static void
on_interrupt(int sig)
{
	ssize_t n = write(STDERR_FILENO, farewell, strlen(farewell));

	(void)n;
	/* What a shell makes of a program that a signal ended. */
	_exit(128 + sig);
}

static void
say_farewell_on_interrupt(void)
{
	struct sigaction sa = { .sa_handler = on_interrupt };

	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
}

/* The request while it is followed. */
struct following {
	const struct options *options;
	bool is_live; /* stderr is a terminal: one line that changes */
	bool has_line;
	uint64_t start_usec; /* monotonic */
	char id[REPORT_ID_BYTES];
	char state[16];
	char step[LINE_BYTES / 2]; /* what is being done, for people */
	char said[LINE_BYTES / 2]; /* last plain line */
};

static void
clear_line(struct following *f)
{
	if (f->has_line)
		(void)fprintf(stderr, "\r\033[K");
	f->has_line = false;
}

/* The live line, cut to the terminal: one that wraps could not be taken back. */
static void
draw_live(struct following *f)
{
	uint64_t seconds = (clock_monotonic_usec() - f->start_usec) / USEC_PER_SEC;
	unsigned width = output_width(stderr);
	char line[LINE_BYTES];

	(void)snprintf(line, sizeof(line), "%s %s  %" PRIu64 ":%02" PRIu64, f->id, f->step,
	    seconds / 60, seconds % 60);
	clear_line(f);
	(void)fprintf(stderr, "%.*s", width > 0 ? (int)width - 1 : (int)sizeof(line), line);
	(void)fflush(stderr);
	f->has_line = true;
}

static void
draw(struct following *f)
{
	if (f->options->json != JSON_OFF)
		return;
	if (f->is_live) {
		draw_live(f);
		return;
	}
	if (!streq(f->said, f->step))
		(void)fprintf(stderr, "%s %s\n", f->id, f->step);
	text_copy(f->said, sizeof(f->said), f->step);
}

static void
take_state(struct following *f, const cJSON *reply)
{
	const cJSON *progress = reply_member(reply, "progress");
	char size[16];

	text_copy(f->id, sizeof(f->id), reply_text(reply, "id"));
	text_copy(f->state, sizeof(f->state), reply_text(reply, "state"));
	(void)output_make_safe(f->id);
	if (cJSON_IsObject(progress))
		(void)snprintf(f->step, sizeof(f->step), "%" PRIu64 "/%" PRIu64 " %s%s%s",
		    reply_uint(progress, "done"), reply_uint(progress, "total"),
		    reply_text(progress, "collector"), f->is_live ? ", " : "",
		    f->is_live
			? text_format_bytes(reply_uint(progress, "bytes"), size, sizeof(size))
			: "");
	else
		text_copy(f->step, sizeof(f->step), f->state);
	(void)output_make_safe(f->step);
	(void)snprintf(farewell, sizeof(farewell),
	    "%s%s goes on; 'msupportctl list' shows it when it is ready.\n",
	    f->is_live ? "\n" : "", f->id);
}

/* Says how it ended, and gives the exit status for it. */
static int
say_end(struct following *f, const cJSON *reply)
{
	const cJSON *report = reply_member(reply, "report");
	char outcomes[OUTCOMES_TEXT_BYTES];
	char span[32];
	char size[16];

	clear_line(f);
	if (f->options->json != JSON_OFF && output_json(stdout, reply, f->options->json) < 0)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	if (!streq(f->state, "complete") && !streq(f->state, "partial")) {
		const char *message = reply_text(reply, "message");

		return complain(PROTO_EXIT_ERROR, "no report came of %s: %s", f->id,
		    is_empty(message) ? "the capture failed" : message);
	}
	if (f->options->json == JSON_OFF) {
		bool colour = output_has_colour(stderr);
		enum style style = streq(f->state, "partial") ? STYLE_WARNING : STYLE_GOOD;

		(void)fprintf(stderr, "%s %s%s%s in %s, %s; collectors: %s\n", f->id,
		    style_on(style, colour), f->state, style_off(style, colour),
		    clock_format_span(
			clock_monotonic_usec() - f->start_usec, span, sizeof(span)),
		    text_format_bytes(reply_uint(report, "size_bytes"), size, sizeof(size)),
		    reply_format_outcomes(report, outcomes));
		if (isatty(STDOUT_FILENO))
			(void)fprintf(stderr, "Read it:  msupportctl fetch -x %s\n", f->id);
		else
			(void)printf("%s\n", f->id);
	}
	return streq(f->state, "partial") ? PROTO_EXIT_PARTIAL : PROTO_EXIT_OK;
}

/* How long to wait for the next reply: until the clock of the live line moves, or the end. */
static uint64_t
next_wait(const struct following *f)
{
	uint64_t passed = clock_monotonic_usec() - f->start_usec;
	uint64_t left = USEC_INFINITY;

	if (f->options->timeout_usec > 0)
		left =
		    passed < f->options->timeout_usec ? f->options->timeout_usec - passed : 0;
	if (f->is_live && f->options->json == JSON_OFF && left > TICK_USEC)
		left = TICK_USEC - passed % TICK_USEC;
	return left;
}

static bool
is_out_of_time(const struct following *f)
{
	return f->options->timeout_usec > 0 &&
	    clock_monotonic_usec() - f->start_usec >= f->options->timeout_usec;
}

static int
follow(struct following *f, struct varlink_client *c)
{
	struct fault fault = { 0 };
	int r;

	for (;;) {
		_cleanup_json_ cJSON *reply = NULL;

		r = varlink_client_receive(c, next_wait(f), &reply, &fault);
		if (r == -ETIMEDOUT && is_out_of_time(f)) {
			clear_line(f);
			if (f->id[0] == '\0')
				return client_explain(c, PROTO_COLLECT, r, &fault);
			return complain(PROTO_EXIT_ERROR,
			    "%s is not ready yet; it goes on without us", f->id);
		}
		if (r == -ETIMEDOUT || r == -EINTR) {
			if (f->id[0] != '\0')
				draw(f);
			continue;
		}
		if (r < 0) {
			clear_line(f);
			r = client_explain(c, PROTO_COLLECT, r, &fault);
			if (f->id[0] != '\0')
				(void)fprintf(stderr,
				    "  %s goes on; 'msupportctl list' shows it when it is "
				    "ready.\n",
				    f->id);
			return r;
		}
		take_state(f, reply);
		if (r == 0)
			return say_end(f, reply);
		draw(f);
	}
}

/* Adds the words of LIST, which are separated by commas; nothing when it is NULL. Returns 0 or
 * -ENOMEM. */
static int
add_words(cJSON *object, const char *key, const char *list)
{
	_cleanup_(strv_freep) char **words = NULL;

	if (!list)
		return 0;
	if (strv_split(list, ",", &words) < 0)
		return -ENOMEM;
	return json_add_item(object, key,
	    cJSON_CreateStringArray((const char *const *)words, (int)strv_length(words)));
}

/* The parameters of Collect; NULL when out of memory. */
static cJSON *
collect_parameters(const struct options *o)
{
	_cleanup_json_ cJSON *p = cJSON_CreateObject();

	if (!p || json_add_text(p, "profile", o->profile) < 0 ||
	    json_add_text(p, "reason", o->reason) < 0 || add_words(p, "only", o->only) < 0 ||
	    add_words(p, "namespaces", o->namespaces) < 0)
		return NULL;
	if (o->only_namespaces && json_add_bool(p, "only_namespaces", true) < 0)
		return NULL;
	if (o->clean && json_add_bool(p, "clean", true) < 0)
		return NULL;
	return TAKE_PTR(p);
}

/* What both forms without the daemon have. */
static void
add_choice(struct program_args *args, const struct options *o)
{
	if (o->profile)
		program_add(args, "--profile", o->profile);
	if (o->only)
		program_add(args, "--only", o->only);
}

static int
collect_direct(const struct options *o)
{
	struct program_args args = { 0 };

	if (o->no_wait || o->timeout_usec > 0 || o->json != JSON_OFF)
		return complain(PROTO_EXIT_USAGE,
		    "--no-wait, --timeout and --json do not go with --direct");
	program_add(&args, "--output", o->output ? o->output : ".");
	add_choice(&args, o);
	if (o->namespaces)
		program_add(&args, "--namespaces", o->namespaces);
	if (o->only_namespaces)
		program_add(&args, "--only-namespaces", NULL);
	if (o->clean)
		program_add(&args, "--clean", NULL);
	if (o->reason)
		program_add(&args, "--reason", o->reason);
	if (geteuid() != 0)
		(void)fprintf(stderr, "Without root most of the report will be missing.\n");
	return program_exec(&args);
}

static int
collect_dry_run(const struct options *o)
{
	struct program_args args = { 0 };

	if (o->direct || o->output || o->no_wait || o->timeout_usec > 0)
		return complain(PROTO_EXIT_USAGE,
		    "--direct, --output, --no-wait and --timeout do not go with --dry-run");
	program_add(&args, "--dry-run", NULL);
	add_choice(&args, o);
	if (o->json != JSON_OFF)
		program_add(
		    &args, o->json == JSON_PRETTY ? "--json=pretty" : "--json=short", NULL);
	return program_exec(&args);
}

static int
collect_and_leave(const struct options *o, struct varlink_client *c)
{
	_cleanup_json_ cJSON *reply = NULL;
	cJSON *parameters = collect_parameters(o);
	int status;

	if (!parameters)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	status = client_call(c, PROTO_COLLECT, parameters, &reply);
	if (status != PROTO_EXIT_OK)
		return status;
	if (o->json == JSON_OFF)
		(void)printf("%s\n", reply_text(reply, "id"));
	else if (output_json(stdout, reply, o->json) < 0)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	return PROTO_EXIT_OK;
}

int
verb_collect(const struct options *o, char **arguments, int n_arguments)
{
	_cleanup_(varlink_client_closep) struct varlink_client *c = NULL;
	struct following f = { .options = o, .is_live = isatty(STDERR_FILENO) };
	struct fault fault = { 0 };
	cJSON *parameters;
	int r;

	(void)arguments;
	(void)n_arguments;
	if (o->only_namespaces && !o->namespaces)
		return complain(PROTO_EXIT_USAGE, "--only-namespaces goes with --namespaces");
	if (o->dry_run)
		return collect_dry_run(o);
	if (o->direct)
		return collect_direct(o);
	if (o->output)
		return complain(PROTO_EXIT_USAGE,
		    "--output goes with --direct; "
		    "'msupportctl fetch -o' copies a report");
	r = client_connect(o, &c);
	if (r != PROTO_EXIT_OK)
		return r;
	if (o->no_wait)
		return collect_and_leave(o, c);
	f.start_usec = clock_monotonic_usec();
	parameters = collect_parameters(o);
	if (!parameters)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	say_farewell_on_interrupt();
	r = varlink_client_send(c, proto_method_name(PROTO_COLLECT), parameters, VARLINK_MORE,
	    VARLINK_CALL_TIMEOUT_USEC, &fault);
	if (r < 0)
		return client_explain(c, PROTO_COLLECT, r, &fault);
	return follow(&f, c);
}
