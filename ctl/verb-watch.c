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
#include "lib/reportid.h"
#include "lib/text.h"

#define LINE_BYTES 768u

static enum style
event_style(const char *event)
{
	if (streq(event, "complete"))
		return STYLE_GOOD;
	if (streq(event, "partial") || streq(event, "confirmed"))
		return STYLE_WARNING;
	if (streq(event, "failed"))
		return STYLE_BAD;
	return STYLE_NORMAL;
}

/* What there is to say of the event behind its name and report. */
static void
format_rest(const cJSON *e, char *buf, size_t size)
{
	const cJSON *progress = reply_member(e, "progress");
	const cJSON *report = reply_member(e, "report");
	const char *message = reply_text(e, "message");

	if (cJSON_IsObject(progress))
		(void)snprintf(buf, size, "%" PRIu64 "/%" PRIu64 " %s",
		    reply_uint(progress, "done"), reply_uint(progress, "total"),
		    reply_text(progress, "collector"));
	else if (!is_empty(message))
		text_copy(buf, size, message);
	else if (cJSON_IsObject(report))
		(void)reply_format_event(report, buf, size);
	else
		text_copy(buf, size, reply_text(e, "unit"));
}

static void
print_event(const cJSON *e)
{
	bool colour = output_has_colour(stdout);
	const char *event = reply_text(e, "event");
	enum style style = event_style(event);
	char word[16];
	char time[TIME_TEXT_BYTES];
	char id[REPORT_ID_BYTES];
	char rest[LINE_BYTES];

	text_copy(word, sizeof(word), event);
	text_copy(id, sizeof(id), reply_text(e, "id"));
	format_rest(e, rest, sizeof(rest));
	(void)printf("%s %s%s%s%*s%s%s%s\n",
	    timespec_format_local(reply_uint(e, "time_usec"), time), style_on(style, colour),
	    output_make_safe(word), style_off(style, colour),
	    (int)(strlen(word) < 10 ? 11 - strlen(word) : 1), "", output_make_safe(id),
	    id[0] && rest[0] ? " " : "", output_make_safe(rest));
}

int
verb_watch(const struct options *o, char **arguments, int n_arguments)
{
	_cleanup_(varlink_client_closep) struct varlink_client *c = NULL;
	struct fault fault = { 0 };
	int r;

	(void)arguments;
	(void)n_arguments;
	r = client_connect(o, &c);
	if (r != PROTO_EXIT_OK)
		return r;
	r = varlink_client_send(c, proto_method_name(PROTO_WATCH), NULL, VARLINK_MORE,
	    VARLINK_CALL_TIMEOUT_USEC, &fault);
	if (r < 0)
		return client_explain(c, PROTO_WATCH, r, &fault);
	do {
		_cleanup_json_ cJSON *e = NULL;

		r = varlink_client_receive(c, USEC_INFINITY, &e, &fault);
		if (r == -EINTR)
			continue;
		if (r < 0)
			return client_explain(c, PROTO_WATCH, r, &fault);
		if (o->json == JSON_OFF)
			print_event(e);
		else if (output_json(stdout, e, o->json) < 0)
			return complain(PROTO_EXIT_ERROR, "out of memory");
		/* Whoever reads a pipe wants each event now; when he left, so do we. */
		if (fflush(stdout) != 0)
			return PROTO_EXIT_ERROR;
	} while (r != 0);
	return PROTO_EXIT_OK;
}
