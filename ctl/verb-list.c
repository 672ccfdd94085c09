/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "ctl/client.h"
#include "ctl/reply.h"
#include "ctl/timespec.h"
#include "ctl/verb.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/report.h"
#include "lib/text.h"

/* So much of a key is shown: enough to tell problems apart, and for --key. */
#define KEY_SHOWN_BYTES 9u

/* For people; the words themselves are those of trigger_to_string(). */
#define TRIGGERS                                                                               \
 "unit-failed, unit-exited, unit-startup, neighbour-failed, crash-loop, certificate, "         \
 "liveness, pressure or request"

static int
set_unit(struct options *o, const char *value, struct fault *reterr)
{
	(void)reterr;
	o->unit = value;
	return 0;
}

static int
set_trigger(struct options *o, const char *value, struct fault *reterr)
{
	enum trigger trigger;

	if (trigger_from_string(value, &trigger) < 0)
		return fault_set(
		    reterr, -EINVAL, "there is no trigger '%s', only " TRIGGERS, value);
	o->trigger = value;
	return 0;
}

static int
set_key(struct options *o, const char *value, struct fault *reterr)
{
	(void)reterr;
	o->key = value;
	return 0;
}

static int
set_since(struct options *o, const char *value, struct fault *reterr)
{
	return timespec_parse(value, clock_realtime_usec(), &o->since_usec, reterr);
}

static int
set_until(struct options *o, const char *value, struct fault *reterr)
{
	return timespec_parse(value, clock_realtime_usec(), &o->until_usec, reterr);
}

static int
set_limit(struct options *o, const char *value, struct fault *reterr)
{
	if (text_parse_uint(value, &o->limit) < 0 || o->limit == 0)
		return fault_set(
		    reterr, -EINVAL, "-n takes a number from 1 on, not '%s'", value);
	return 0;
}

static int
set_one(struct options *o, const char *value, struct fault *reterr)
{
	(void)value;
	(void)reterr;
	o->limit = 1;
	return 0;
}

static int
set_reverse(struct options *o, const char *value, struct fault *reterr)
{
	(void)value;
	(void)reterr;
	o->reverse = true;
	return 0;
}

const struct option_def list_options[] = {
	{ 'u', "unit", "UNIT", false, "only reports about UNIT", set_unit },
	{ 0, "trigger", "TRIGGER", false, "only " TRIGGERS, set_trigger },
	{ 0, "key", "KEY", false,
	    "only reports of this problem (see 'keys'); its start will do", set_key },
	{ 'S', "since", "TIME", false, "only since TIME: \"2h ago\", \"2026-11-23 14:00\"",
	    set_since },
	{ 'U', "until", "TIME", false, "only until TIME", set_until },
	{ 'n', "limit", "N", false, "only the newest N", set_limit },
	{ '1', NULL, NULL, false, "only the newest one", set_one },
	{ 'r', "reverse", NULL, false, "oldest first", set_reverse },
	{ 0 },
};

static const struct table_column columns[] = {
	{ "ID", false, 0 },
	{ "TIME", false, 1 },
	{ "TRIGGER", false, 2 },
	{ "UNIT", false, 0 },
	{ "RESULT", false, 0 },
	{ "STATUS", false, 0 },
	{ "SIZE", true, 3 },
	{ "AGE", true, 5 },
	{ "KEY", false, 6 },
	{ "COUNT", true, 4 },
};

static int
add_row(struct table *t, const cJSON *report, uint64_t now_usec)
{
	uint64_t created_usec = reply_uint(report, "created_usec");
	bool is_partial = streq(reply_text(report, "status"), "partial");
	const char *problem = reply_text(report, "problem");
	const char *result = is_empty(problem) ? reply_text(report, "result") : problem;
	bool is_bad = !is_empty(result) && !streq(result, "success");
	char time[TIME_TEXT_BYTES];
	char size[16];
	char age[16];
	char key[KEY_SHOWN_BYTES];
	char count[24];
	char status[32];
	struct table_cell cells[] = {
		{ reply_text(report, "id"), STYLE_NORMAL },
		{ timespec_format_local(created_usec, time), STYLE_NORMAL },
		{ reply_text(report, "trigger"), STYLE_NORMAL },
		{ reply_text(report, "unit"), STYLE_NORMAL },
		{ result, is_bad ? STYLE_BAD : STYLE_NORMAL },
		{ status, is_partial ? STYLE_WARNING : STYLE_NORMAL },
		{ text_format_bytes(reply_uint(report, "size_bytes"), size, sizeof(size)),
		    STYLE_NORMAL },
		{ timespec_format_age(created_usec, now_usec, age, sizeof(age)), STYLE_NORMAL },
		{ key, STYLE_NORMAL },
		{ count, STYLE_NORMAL },
	};

	(void)snprintf(status, sizeof(status), "%s%s", reply_text(report, "status"),
	    reply_bool(report, "pinned") ? ", pinned" : "");
	text_copy(key, sizeof(key), reply_text(report, "key"));
	(void)snprintf(count, sizeof(count), "%" PRIu64, reply_uint(report, "occurrences"));
	return table_add(t, cells);
}

static int
print_table(const struct options *o, const cJSON *reports, uint64_t total)
{
	_cleanup_(table_freep) struct table *t = NULL;
	uint64_t n = (uint64_t)cJSON_GetArraySize(reports);
	const cJSON *report;

	if (n == 0) {
		if (!o->no_legend)
			(void)fprintf(stderr, "No reports.\n");
		return PROTO_EXIT_OK;
	}
	if (table_new(columns, ELEMENTSOF(columns), &t) < 0)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	cJSON_ArrayForEach (report, reports)
		if (add_row(t, report, clock_realtime_usec()) < 0)
			return complain(PROTO_EXIT_ERROR, "out of memory");
	table_print(t, stdout, !o->no_legend, output_has_colour(stdout), output_width(stdout));
	if (!o->no_legend && n < total)
		(void)fprintf(stderr, "%" PRIu64 " of %" PRIu64 " reports.\n", n, total);
	return PROTO_EXIT_OK;
}

/* The parameters of List for the reports from OFFSET on; NULL when out of memory. */
static cJSON *
list_parameters(const struct options *o, uint64_t offset, uint64_t limit)
{
	_cleanup_json_ cJSON *p = cJSON_CreateObject();

	if (!p || json_add_text(p, "trigger", o->trigger) < 0 ||
	    json_add_text(p, "key", o->key) < 0 || json_add_text(p, "unit", o->unit) < 0)
		return NULL;
	if (o->since_usec > 0 && json_add_uint(p, "since_usec", o->since_usec) < 0)
		return NULL;
	if (o->until_usec > 0 && json_add_uint(p, "until_usec", o->until_usec) < 0)
		return NULL;
	if (offset > 0 && json_add_uint(p, "offset", offset) < 0)
		return NULL;
	if (json_add_uint(p, "limit", limit) < 0)
		return NULL;
	return TAKE_PTR(p);
}

/* Moves the reports of PAGE (newest first) to REPORTS: behind the others, or in front of them
 * when the oldest is to come first. Returns how many there were. */
static uint64_t
take_page(cJSON *reports, cJSON *page, bool oldest_first)
{
	cJSON *items = cJSON_GetObjectItemCaseSensitive(page, "reports");
	uint64_t n = 0;

	while (cJSON_IsArray(items) && items->child) {
		cJSON *item = cJSON_DetachItemViaPointer(items, items->child);

		if (oldest_first)
			(void)cJSON_InsertItemInArray(reports, 0, item);
		else
			(void)cJSON_AddItemToArray(reports, item);
		n++;
	}
	return n;
}

/* Asks page by page until there are as many as are wanted, or no more. */
static int
fetch_list(
    const struct options *o, struct varlink_client *c, cJSON *reports, uint64_t *ret_total)
{
	uint64_t wanted = o->limit > 0 ? o->limit : UINT64_MAX;
	uint64_t got = 0;
	uint64_t n;

	do {
		uint64_t limit = wanted - got < PROTO_LIST_MAX ? wanted - got : PROTO_LIST_MAX;
		_cleanup_json_ cJSON *page = NULL;
		cJSON *parameters = list_parameters(o, got, limit);
		int status;

		if (!parameters)
			return complain(PROTO_EXIT_ERROR, "out of memory");
		status = client_call(c, PROTO_LIST, parameters, &page);
		if (status != PROTO_EXIT_OK)
			return status;
		n = take_page(reports, page, o->reverse);
		got += n;
		*ret_total = reply_uint(page, "total");
	} while (n > 0 && got < wanted && got < *ret_total);
	return PROTO_EXIT_OK;
}

int
verb_list(const struct options *o, char **arguments, int n_arguments)
{
	_cleanup_(varlink_client_closep) struct varlink_client *c = NULL;
	_cleanup_json_ cJSON *reports = cJSON_CreateArray();
	uint64_t total = 0;
	int status;

	(void)arguments;
	(void)n_arguments;
	if (!reports)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	status = client_connect(o, &c);
	if (status != PROTO_EXIT_OK)
		return status;
	status = fetch_list(o, c, reports, &total);
	if (status != PROTO_EXIT_OK)
		return status;
	if (o->json == JSON_OFF)
		return print_table(o, reports, total);
	if (output_json(stdout, reports, o->json) < 0)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	return PROTO_EXIT_OK;
}
