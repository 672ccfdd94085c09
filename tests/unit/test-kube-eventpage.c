/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include "capture/kube/eventpage.h"
#include "capture/kube/json.h"
#include "capture/kube/value.h"
#include "lib/text.h"

static void
add(struct eventpage *p, const char *text)
{
	_cleanup_(kube_json_freep) struct kube_json *json = NULL;

	assert(kube_json_new(KUBE_JSON_DOCUMENT, NULL, &json) == 0);
	assert(kube_json_feed(json, text, strlen(text), NULL) == 0);
	assert(kube_json_finish(json, NULL) == 0);
	assert(eventpage_add(p, kube_json_head(json)) == 0);
}

static int
collect(const void *data, size_t size, void *userdata)
{
	FILE *f = userdata;

	return fwrite(data, 1, size, f) == size ? 0 : -1;
}

static char *
write_page(struct eventpage *p)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert(f && eventpage_write(p, collect, f) == 0 && fclose(f) == 0);
	return text;
}

static void
test_page(void)
{
	_cleanup_(eventpage_freep) struct eventpage *p = NULL;
	_cleanup_free_ char *page = NULL;
	const char *first, *second;

	assert(eventpage_new(&p) == 0);
	add(p,
	    "{\"metadata\":{\"namespace\":\"b\"},\"reason\":\"BackOff\",\"count\":7,"
	    "\"lastTimestamp\":\"2026-11-22T13:00:01Z\",\"message\":\"later\"}");
	add(p,
	    "{\"metadata\":{\"namespace\":\"<script>x</script>\"},\"reason\":\"'\\\"&<b>\","
	    "\"involvedObject\":{\"name\":\"pod\"},\"source\":{\"component\":\"kubelet\"},"
	    "\"lastTimestamp\":null,\"eventTime\":\"2026-11-22T12:59:59.5Z\",\"message\":\"\"}");
	add(p, "{}");
	page = write_page(p);
	ok(!strstr(page, "<script>x") && strstr(page, "&lt;script&gt;x&lt;/script&gt;"),
	    "markup is text");
	ok(strstr(page, "<td class=\"text-muted\">&#39;&quot;&amp;&lt;b&gt;</td>"),
	    "the reason, too");
	ok(strstr(page, "<td class=\"text-danger\">BackOff</td>"), "and coloured");
	ok(strstr(page, "<small>(x7)</small>"), "how often");
	first = strstr(page, "12:59:59");
	second = strstr(page, "13:00:01</time>");
	ok(first && second && first < second, "in order of time");
	ok(!strstr(page, " src=") && !strstr(page, "<link"), "needs nothing else");
}

static void
test_bounded(void)
{
	_cleanup_(eventpage_freep) struct eventpage *p = NULL;
	_cleanup_free_ char *page = NULL;
	_cleanup_free_ char *message = malloc(4000);
	size_t n = 0;

	assert(message && eventpage_new(&p) == 0);
	/* Two bytes a character: the cut may not go through one. */
	for (size_t i = 0; i < 1999; i++)
		memcpy(message + 2 * i, "\xc3\xbc", 2);
	message[3998] = '\0';
	for (unsigned i = 0; i < 2 * EVENTPAGE_EVENTS_MAX; i++) {
		_cleanup_free_ char *text = text_format(
		    "{\"lastTimestamp\":\"2026-11-22T%02u:%02u:%02uZ\",\"message\":\"%s\"}",
		    i / 3600, i / 60 % 60, i % 60,
		    i == 2 * EVENTPAGE_EVENTS_MAX - 1 ? message : "m");

		assert(text);
		add(p, text);
	}
	page = write_page(p);
	for (const char *s = page; (s = strstr(s, "<tr><td>")); s++)
		n++;
	ok(n <= EVENTPAGE_EVENTS_MAX && n >= EVENTPAGE_EVENTS_MAX / 2, "%zu events", n);
	ok(strstr(page, "newest of 10000 events"), "says that there were more");
	ok(strstr(page, "02:46:39</time>") && !strstr(page, "00:00:00</time>"), "the newest");
	ok(strstr(page, "\xc3\xbc</td>"), "a message is cut between characters");
}

static void
test_empty(void)
{
	_cleanup_(eventpage_freep) struct eventpage *p = NULL;
	_cleanup_free_ char *page = NULL;

	assert(eventpage_new(&p) == 0);
	page = write_page(p);
	ok(text_has_prefix(page, "<!doctype html>") && strstr(page, "</html>"),
	    "a page without events is one");
}

int
main(void)
{
	test_page();
	test_bounded();
	test_empty();
	return tap_done();
}
