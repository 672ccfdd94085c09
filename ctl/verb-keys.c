/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "ctl/client.h"
#include "ctl/reply.h"
#include "ctl/timespec.h"
#include "ctl/verb.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/text.h"

static const struct table_column columns[] = {
	{ "KEY", false, 0 },
	{ "COUNT", true, 0 },
	{ "FIRST", true, 2 },
	{ "LAST", true, 0 },
	{ "PAUSE", true, 1 },
	{ "LAST-REPORT", false, 3 },
	{ "REASON", false, 0 },
};

static int
add_row(struct table *t, const cJSON *key, uint64_t now_usec)
{
	uint64_t pause_end_usec = reply_uint(key, "pause_end_usec");
	char first[16];
	char last[16];
	char pause[16] = "";
	char count[24];
	struct table_cell cells[] = {
		{ reply_text(key, "key"), STYLE_NORMAL },
		{ count, STYLE_NORMAL },
		{ timespec_format_age(
		      reply_uint(key, "first_usec"), now_usec, first, sizeof(first)),
		    STYLE_NORMAL },
		{ timespec_format_age(
		      reply_uint(key, "last_usec"), now_usec, last, sizeof(last)),
		    STYLE_NORMAL },
		{ pause, STYLE_NORMAL },
		{ reply_text(key, "last_report"), STYLE_NORMAL },
		{ reply_text(key, "reason"), STYLE_NORMAL },
	};

	/* How long it is still only counted: the age that now has at that time. */
	if (pause_end_usec > now_usec)
		(void)timespec_format_age(now_usec, pause_end_usec, pause, sizeof(pause));
	(void)snprintf(count, sizeof(count), "%" PRIu64, reply_uint(key, "count"));
	return table_add(t, cells);
}

static int
print_table(const struct options *o, const cJSON *keys)
{
	_cleanup_(table_freep) struct table *t = NULL;
	const cJSON *key;

	if (cJSON_GetArraySize(keys) == 0) {
		if (!o->no_legend)
			(void)fprintf(stderr, "No problem was seen.\n");
		return PROTO_EXIT_OK;
	}
	if (table_new(columns, ELEMENTSOF(columns), &t) < 0)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	cJSON_ArrayForEach (key, keys)
		if (add_row(t, key, clock_realtime_usec()) < 0)
			return complain(PROTO_EXIT_ERROR, "out of memory");
	table_print(t, stdout, !o->no_legend, output_has_colour(stdout), output_width(stdout));
	return PROTO_EXIT_OK;
}

int
verb_keys(const struct options *o, char **arguments, int n_arguments)
{
	_cleanup_(varlink_client_closep) struct varlink_client *c = NULL;
	_cleanup_json_ cJSON *reply = NULL;
	const cJSON *keys;
	int status;

	(void)arguments;
	(void)n_arguments;
	status = client_connect(o, &c);
	if (status != PROTO_EXIT_OK)
		return status;
	status = client_call(c, PROTO_KEYS, NULL, &reply);
	if (status != PROTO_EXIT_OK)
		return status;
	keys = reply_member(reply, "keys");
	if (o->json == JSON_OFF)
		return print_table(o, keys);
	if (output_json(stdout, keys, o->json) < 0)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	return PROTO_EXIT_OK;
}
