/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "ctl/client.h"
#include "ctl/extract.h"
#include "ctl/reply.h"
#include "ctl/timespec.h"
#include "ctl/verb.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/manifest.h"
#include "lib/text.h"

/* Room for one value on the page. */
#define VALUE_BYTES 512u

/* What the archive itself says, when it can be read. */
struct contents {
	struct manifest manifest; /* empty when the archive has none */
	cJSON *json;		  /* owned; the same as it is in the archive */
};

static void
contents_done(struct contents *contents)
{
	manifest_done(&contents->manifest);
	cJSON_Delete(contents->json);
}

/* Reads the manifest out of the archive. Quiet: a partial report may have none. */
static int
read_contents(struct varlink_client *c, const char *id, struct contents *ret)
{
	_cleanup_json_ cJSON *opened = NULL;
	_cleanup_close_ int fd = -EBADF;
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	r = varlink_client_call_fd(c, proto_method_name(PROTO_OPEN), client_id_parameters(id),
	    VARLINK_CALL_TIMEOUT_USEC, &opened, &fd, NULL);
	if (r < 0)
		return r;
	r = extract_manifest(fd, &text, &size, NULL);
	if (r < 0)
		return r;
	r = manifest_parse(text, size, &ret->manifest, NULL);
	if (r < 0)
		return r;
	return json_parse(text, size, &ret->json, NULL);
}

static void
print_safe(const char *name, const char *text)
{
	char value[VALUE_BYTES];

	text_copy(value, sizeof(value), text);
	output_field(stdout, name, output_make_safe(value));
}

static void
print_when(const cJSON *report)
{
	uint64_t created_usec = reply_uint(report, "created_usec");
	uint64_t committed_usec = reply_uint(report, "committed_usec");
	char value[VALUE_BYTES];
	char time[TIME_TEXT_BYTES];
	char age[16];
	char span[32];
	int n;

	n = snprintf(value, sizeof(value), "%s (%s ago)",
	    timespec_format_local(created_usec, time),
	    timespec_format_age(created_usec, clock_realtime_usec(), age, sizeof(age)));
	if (committed_usec > created_usec)
		(void)snprintf(value + n, sizeof(value) - (size_t)n, "; ready %s later",
		    clock_format_span(committed_usec - created_usec, span, sizeof(span)));
	output_field(stdout, "When", value);
}

static void
print_why(const cJSON *report)
{
	uint64_t n = reply_uint(report, "occurrences");
	const char *key = reply_text(report, "key");
	char value[VALUE_BYTES];

	print_safe("Reason", reply_text(report, "reason"));
	(void)snprintf(value, sizeof(value), "%s, told by the %s; profile %s",
	    reply_text(report, "trigger"), reply_text(report, "source"),
	    reply_text(report, "profile"));
	print_safe("Trigger", value);
	if (is_empty(key))
		return;
	(void)snprintf(
	    value, sizeof(value), "%s, seen %" PRIu64 " time%s", key, n, n == 1 ? "" : "s");
	print_safe("Problem", value);
}

static void
print_size(const cJSON *report, const cJSON *details)
{
	const cJSON *capture = reply_member(details, "capture");
	uint64_t raw_bytes = reply_uint(capture, "raw_bytes");
	uint64_t redactions = reply_uint(report, "redactions");
	char value[VALUE_BYTES];
	char size[16];
	char raw[16];
	int n;

	n = snprintf(value, sizeof(value), "%s",
	    text_format_bytes(reply_uint(report, "size_bytes"), size, sizeof(size)));
	if (raw_bytes > 0)
		n += snprintf(value + n, sizeof(value) - (size_t)n, ", %s unpacked",
		    text_format_bytes(raw_bytes, raw, sizeof(raw)));
	if (redactions > 0)
		(void)snprintf(value + n, sizeof(value) - (size_t)n,
		    "; %" PRIu64 " secret%s removed", redactions, redactions == 1 ? "" : "s");
	output_field(stdout, "Size", value);
}

/* One line for each collector that has something to say. */
static void
print_collectors(const cJSON *report, const struct manifest *m)
{
	bool colour = output_has_colour(stdout);
	char outcomes[OUTCOMES_TEXT_BYTES];

	output_field(stdout, "Collectors", reply_format_outcomes(report, outcomes));
	for (size_t i = 0; i < m->n_collectors; i++) {
		const struct manifest_collector *col = m->collectors[i];
		enum style style = col->outcome == OUTCOME_PARTIAL ? STYLE_WARNING : STYLE_BAD;
		char value[VALUE_BYTES];

		if (col->outcome == OUTCOME_OK || col->outcome == OUTCOME_SKIPPED)
			continue;
		(void)snprintf(
		    value, sizeof(value), "%s: %s", col->name, fault_text(&col->fault));
		(void)printf("%14s%s%s%s %s\n", "", style_on(style, colour),
		    col->outcome == OUTCOME_TIMED_OUT ? "timed out"
						      : outcome_to_string(col->outcome),
		    style_off(style, colour), output_make_safe(value));
	}
}

/* Commands and files that are in the report, but not whole. */
static void
print_cut(const struct manifest *m)
{
	size_t n_commands = 0;
	size_t n_files = 0;
	char value[VALUE_BYTES];

	for (size_t i = 0; i < m->n_collectors; i++) {
		const struct manifest_collector *col = m->collectors[i];

		for (size_t j = 0; j < col->n_commands; j++)
			n_commands += col->commands[j].timed_out;
		for (size_t j = 0; j < col->n_files; j++)
			n_files += col->files[j].truncated;
	}
	if (n_commands + n_files == 0)
		return;
	(void)snprintf(value, sizeof(value),
	    "%zu command%s timed out, %zu file%s cut at the limit", n_commands,
	    n_commands == 1 ? "" : "s", n_files, n_files == 1 ? "" : "s");
	output_field(stdout, "Cut", value);
}

static void
print_status(const cJSON *report, const struct manifest *m)
{
	bool is_partial = streq(reply_text(report, "status"), "partial");
	bool colour = output_has_colour(stdout);
	enum style style = is_partial ? STYLE_WARNING : STYLE_GOOD;
	char value[VALUE_BYTES];
	char reason[FAULT_TEXT_MAX_BYTES];

	text_copy(reason, sizeof(reason), m->end_reason);
	(void)snprintf(value, sizeof(value), "%s%s%s%s%s%s", style_on(style, colour),
	    is_partial ? "partial" : "complete", style_off(style, colour),
	    reply_bool(report, "pinned") ? ", pinned" : "", reason[0] ? ": " : "",
	    output_make_safe(reason));
	output_field(stdout, "Status", value);
}

static void
print_page(const cJSON *report, const cJSON *details, const struct manifest *m)
{
	bool colour = output_has_colour(stdout);
	const char *id = reply_text(report, "id");
	char value[VALUE_BYTES];

	text_copy(value, sizeof(value), id);
	(void)printf("%s%s%s\n", style_on(STYLE_BOLD, colour), output_make_safe(value),
	    style_off(STYLE_BOLD, colour));
	print_safe("What", reply_format_event(report, value, sizeof(value)));
	print_when(report);
	print_why(report);
	print_safe("Invocation", reply_text(report, "invocation_id"));
	print_status(report, m);
	print_collectors(report, m);
	print_cut(m);
	print_size(report, details);
	print_safe("SHA-256", reply_text(report, "sha256"));
	(void)snprintf(value, sizeof(value), "msupportctl fetch %s", id);
	print_safe("Fetch", value);
}

static int
print_json(const struct options *o, cJSON *shown, struct contents *contents)
{
	if (contents->json && json_add_item(shown, "manifest", TAKE_PTR(contents->json)) < 0)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	if (output_json(stdout, shown, o->json) < 0)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	return PROTO_EXIT_OK;
}

static int
show_one(const struct options *o, struct varlink_client *c, const char *id, bool is_first)
{
	_cleanup_(contents_done) struct contents contents = { 0 };
	_cleanup_json_ cJSON *shown = NULL;
	const cJSON *report;
	int status;

	status = client_call(c, PROTO_SHOW, client_id_parameters(id), &shown);
	if (status != PROTO_EXIT_OK)
		return status;
	report = reply_member(shown, "report");
	(void)read_contents(c, reply_text(report, "id"), &contents);
	if (o->json != JSON_OFF)
		return print_json(o, shown, &contents);
	if (!is_first)
		(void)putchar('\n');
	print_page(report, reply_member(shown, "details"), &contents.manifest);
	return PROTO_EXIT_OK;
}

int
verb_show(const struct options *o, char **arguments, int n_arguments)
{
	return client_for_each_id(o, arguments, n_arguments, show_one);
}
