/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/kube/eventpage.h"
#include "capture/kube/value.h"
#include "lib/text.h"

enum column {
	COLUMN_NAMESPACE,
	COLUMN_COMPONENT,
	COLUMN_OBJECT,
	COLUMN_REASON,
	COLUMN_MESSAGE,
	_COLUMN_COUNT,
};

struct event {
	char time[40];		      /* RFC 3339 in UTC, so that it sorts as text */
	char first[40];		      /* when it was seen first */
	char *columns[_COLUMN_COUNT]; /* owned */
	int64_t count;
	uint64_t number; /* in which it came, to keep the order of equal times */
};

struct eventpage {
	struct event *events; /* owned, [EVENTPAGE_EVENTS_MAX] */
	size_t n_events;
	uint64_t seen;
	uint64_t dropped;
};

static void
event_done(struct event *e)
{
	for (size_t i = 0; i < _COLUMN_COUNT; i++)
		free(e->columns[i]);
	*e = (struct event){ 0 };
}

int
eventpage_new(struct eventpage **ret)
{
	_cleanup_(eventpage_freep) struct eventpage *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->events = calloc(EVENTPAGE_EVENTS_MAX, sizeof(*p->events));
	if (!p->events)
		return -ENOMEM;
	*ret = TAKE_PTR(p);
	return 0;
}

void
eventpage_free(struct eventpage *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_events; i++)
		event_done(&p->events[i]);
	free(p->events);
	free(p);
}

static int
compare(const void *a, const void *b)
{
	const struct event *x = a, *y = b;
	int r = strcmp(x->time, y->time);

	if (r != 0)
		return r;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* Makes room: the older half goes. */
static void
drop_oldest(struct eventpage *p)
{
	size_t n = p->n_events / 2;

	qsort(p->events, p->n_events, sizeof(*p->events), compare);
	for (size_t i = 0; i < n; i++)
		event_done(&p->events[i]);
	memmove(p->events, p->events + n, (p->n_events - n) * sizeof(*p->events));
	p->n_events -= n;
	p->dropped += n;
}

/* A copy of TEXT, cut to MAX bytes between characters. */
static char *
copy_cut(const char *text, size_t max)
{
	size_t n = strnlen(text, max);

	while (n > 0 && text[n] != '\0' && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return strndup(text, n);
}

/* oc sorts by lastTimestamp alone, which events of the newer interface do not have. */
static const char *
event_time(const struct kube_value *event)
{
	static const char *const keys[] = { "lastTimestamp", "eventTime", "firstTimestamp" };
	const char *time = NULL;

	for (size_t i = 0; i < ELEMENTSOF(keys) && !time; i++)
		time = kube_value_get_string(event, keys[i]);
	if (!time)
		time = kube_value_string(
		    kube_value_find(event, "metadata", "creationTimestamp", NULL));
	return time ? time : "";
}

int
eventpage_add(struct eventpage *p, const struct kube_value *event)
{
	const char *texts[_COLUMN_COUNT] = {
		[COLUMN_NAMESPACE] =
		    kube_value_string(kube_value_find(event, "metadata", "namespace", NULL)),
		[COLUMN_COMPONENT] =
		    kube_value_string(kube_value_find(event, "source", "component", NULL)),
		[COLUMN_OBJECT] =
		    kube_value_string(kube_value_find(event, "involvedObject", "name", NULL)),
		[COLUMN_REASON] = kube_value_get_string(event, "reason"),
		[COLUMN_MESSAGE] = kube_value_get_string(event, "message"),
	};
	struct event *e;

	if (is_empty(texts[COLUMN_COMPONENT]))
		texts[COLUMN_COMPONENT] = kube_value_get_string(event, "reportingComponent");
	if (p->n_events == EVENTPAGE_EVENTS_MAX)
		drop_oldest(p);
	e = &p->events[p->n_events];
	*e = (struct event){ .number = p->seen };
	text_copy(e->time, sizeof(e->time), event_time(event));
	text_copy(e->first, sizeof(e->first), kube_value_get_string(event, "firstTimestamp"));
	if (kube_value_int(kube_value_get(event, "count"), &e->count) < 0)
		e->count = 1;
	for (size_t i = 0; i < _COLUMN_COUNT; i++) {
		e->columns[i] = copy_cut(texts[i] ? texts[i] : "", EVENTPAGE_MESSAGE_BYTES);
		if (!e->columns[i]) {
			event_done(e);
			return -ENOMEM;
		}
	}
	p->n_events++;
	p->seen++;
	return 0;
}

static void
put_escaped(FILE *f, const char *text)
{
	for (const char *s = text; *s; s++) {
		switch (*s) {
		case '&':
			(void)fputs("&amp;", f);
			break;
		case '<':
			(void)fputs("&lt;", f);
			break;
		case '>':
			(void)fputs("&gt;", f);
			break;
		case '"':
			(void)fputs("&quot;", f);
			break;
		case '\'':
			(void)fputs("&#39;", f);
			break;
		default:
			(void)fputc(
			    (unsigned char)*s < ' ' && *s != '\n' && *s != '\t' ? '?' : *s, f);
			break;
		}
	}
}

/* As oc colours them. */
static const char *
reason_class(const char *reason)
{
	static const char *const danger[] = { "fail", "error", "kill", "backoff" };
	static const char *const warning[] = { "notready", "unhealthy", "missing" };

	for (size_t i = 0; i < ELEMENTSOF(danger); i++)
		if (strcasestr(reason, danger[i]))
			return "text-danger";
	for (size_t i = 0; i < ELEMENTSOF(warning); i++)
		if (strcasestr(reason, warning[i]))
			return "text-warning";
	return "text-muted";
}

/* The HH:MM:SS of an RFC 3339 time. */
static void
put_clock(FILE *f, const char *time)
{
	char text[9];

	text_copy(text, sizeof(text), strlen(time) > 11 ? time + 11 : time);
	put_escaped(f, text);
}

static void
put_row(FILE *f, const struct event *e)
{
	(void)fputs("<tr><td><time datetime=\"", f);
	put_escaped(f, e->time);
	(void)fputs("\" title=\"First Seen: ", f);
	put_escaped(f, e->first);
	(void)fputs("\">", f);
	put_clock(f, e->time);
	(void)fputs("</time>", f);
	if (e->count > 1)
		(void)fprintf(f, " <small>(x%" PRId64 ")</small>", e->count);
	(void)fputs("</td>", f);
	for (size_t i = 0; i < _COLUMN_COUNT; i++) {
		(void)fprintf(f, "<td%s%s%s>", i == COLUMN_REASON ? " class=\"" : "",
		    i == COLUMN_REASON ? reason_class(e->columns[i]) : "",
		    i == COLUMN_REASON ? "\"" : "");
		put_escaped(f, e->columns[i]);
		(void)fputs("</td>", f);
	}
	(void)fputs("</tr>\n", f);
}

static const char page_head[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
    "<title>Events</title>\n"
    "<style>\n"
    "body { font: 12px sans-serif; }\n"
    "table { border-collapse: collapse; }\n"
    "th, td { border: 1px solid #ccc; padding: 2px 6px; text-align: left; "
    "vertical-align: top; }\n"
    "td { max-width: 60em; overflow-wrap: anywhere; }\n"
    ".text-danger { color: #b00020; }\n"
    ".text-warning { color: #8a6d00; }\n"
    ".text-muted { color: #666; }\n"
    "</style>\n"
    "</head>\n"
    "<body>\n"
    "<p><input id=\"filter\" placeholder=\"Filter\" size=\"40\"> "
    "Times are in UTC.</p>\n";

/* Shows the rows in which the text of the input occurs. It reads texts and sets no HTML. */
static const char page_tail[] =
    "</tbody>\n"
    "</table>\n"
    "<script>\n"
    "document.getElementById('filter').addEventListener('input', function () {\n"
    "  var want = this.value.toLowerCase();\n"
    "  document.querySelectorAll('tbody tr').forEach(function (row) {\n"
    "    row.hidden = row.textContent.toLowerCase().indexOf(want) < 0;\n"
    "  });\n"
    "});\n"
    "</script>\n"
    "</body>\n"
    "</html>\n";

/* Hands on what F has collected in *TEXT[*SIZE], and starts anew. */
static int
drain(FILE *f, char **text, size_t *size, eventpage_write_fn fn, void *userdata)
{
	int r;

	if (fflush(f) != 0)
		return -ENOMEM;
	r = fn(*text, *size, userdata);
	rewind(f);
	return r;
}

int
eventpage_write(struct eventpage *p, eventpage_write_fn fn, void *userdata)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	int r;

	if (!f)
		return -ENOMEM;
	qsort(p->events, p->n_events, sizeof(*p->events), compare);
	(void)fputs(page_head, f);
	if (p->dropped > 0)
		(void)fprintf(
		    f, "<p>The %zu newest of %" PRIu64 " events.</p>\n", p->n_events, p->seen);
	(void)fputs("<table id=\"events\">\n<thead><tr><th>Time</th><th>Namespace</th>"
		    "<th>Component</th><th>RelatedObject</th><th>Reason</th><th>Message</th>"
		    "</tr></thead>\n<tbody>\n",
	    f);
	r = drain(f, &text, &size, fn, userdata);
	for (size_t i = 0; i < p->n_events && r >= 0; i++) {
		put_row(f, &p->events[i]);
		r = drain(f, &text, &size, fn, userdata);
	}
	if (r >= 0) {
		(void)fputs(page_tail, f);
		r = drain(f, &text, &size, fn, userdata);
	}
	(void)fclose(f);
	return r;
}
