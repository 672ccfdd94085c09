/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/kube/requestlog.h"
#include "capture/sink/bundle.h"
#include "lib/clock.h"
#include "lib/text.h"

/* A name of a pod, one of a container, and a sentence. */
#define LINE_BYTES 1536u

struct requestlog {
	struct bundle_member *member; /* owned */
};

int
requestlog_new(struct bundle *b, const char *path, struct requestlog **ret)
{
	_cleanup_(requestlog_freep) struct requestlog *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	r = bundle_member_begin(b, path, NULL, &l->member);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(l);
	return 0;
}

void
requestlog_free(struct requestlog *l)
{
	if (!l)
		return;
	bundle_member_abort(l->member);
	free(l);
}

int
requestlog_end(struct requestlog *l)
{
	int r = bundle_member_end(TAKE_PTR(l->member));

	requestlog_free(l);
	return r;
}

/* Names and sentences come from the network: a line stays one line. */
static void
write_line(struct requestlog *l, char *line)
{
	size_t n = strlen(line);

	/* Once ended, a late answer has nobody to tell. */
	if (!l)
		return;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = ' ';
	line[n] = '\n';
	(void)bundle_member_write(l->member, line, n + 1);
}

void
requestlog_note(struct requestlog *l, const char *format, ...)
{
	char line[LINE_BYTES + 1];
	char time[CLOCK_TEXT_BYTES];
	va_list ap;
	int n;

	n = snprintf(line, LINE_BYTES, "%s ", clock_format_utc(clock_realtime_usec(), time));
	va_start(ap, format);
	(void)vsnprintf(line + n, LINE_BYTES - (size_t)n, format, ap);
	va_end(ap);
	write_line(l, line);
}

void
requestlog_add(struct requestlog *l, const struct requestlog_line *line)
{
	char text[LINE_BYTES + 1];
	char retries[32] = "";
	const char *word = "ok";

	if (line->failure != KUBE_FAILURE_NONE)
		word = line->is_normal	  ? "none"
		    : line->is_incomplete ? "INCOMPLETE"
					  : "MISSING";
	if (line->retries > 0)
		(void)snprintf(retries, sizeof(retries), ", %u %s", line->retries,
		    line->retries == 1 ? "retry" : "retries");
	(void)snprintf(text, LINE_BYTES,
	    "GET %s%s%s: %s%s%s, %d, %" PRIu64 " ms, %" PRIu64 " bytes%s%s%s", line->what,
	    line->where ? " in " : "", line->where ? line->where : "", word,
	    line->failure == KUBE_FAILURE_NONE ? "" : " ", kube_failure_name(line->failure),
	    line->status, line->duration_usec / USEC_PER_MSEC, line->bytes, retries,
	    is_empty(line->detail) ? "" : ": ", line->detail ? line->detail : "");
	write_line(l, text);
}
