/* SPDX-License-Identifier: Apache-2.0 */

/* The parser of lists and objects, and the values it makes. */

#include "tests/lib/tap.h"

#include <errno.h>
#include <sys/resource.h>
#include <time.h>

#include "capture/kube/json.h"
#include "capture/kube/yaml.h"
#include "lib/fault.h"
#include "lib/text.h"

#if defined(__SANITIZE_ADDRESS__)
# define KEEPS_FREED
#elif defined(__has_feature)
# if __has_feature(address_sanitizer)
#  define KEEPS_FREED
# endif
#endif

/* What the handlers saw. */
struct seen {
	struct kube_json *parser;
	int n_items;
	int n_skipped;
	int fail_at; /* item that is refused; 0 = none */
	char names[256];
	char kind_at_first[64];
	struct fault why;
};

static int
on_item(struct kube_value *item, void *userdata)
{
	_cleanup_(kube_value_freep) struct kube_value *owned = item;
	struct seen *seen = userdata;
	const char *name = kube_value_string(kube_value_find(item, "metadata", "name", NULL));
	size_t len = strlen(seen->names);

	if (seen->n_items++ == 0)
		text_copy(seen->kind_at_first, sizeof(seen->kind_at_first),
		    kube_value_get_string(kube_json_head(seen->parser), "kind"));
	if (name)
		(void)snprintf(seen->names + len, sizeof(seen->names) - len, "%s,", name);
	return seen->n_items == seen->fail_at ? -EDQUOT : 0;
}

static void
on_skip(const struct fault *why, void *userdata)
{
	struct seen *seen = userdata;

	seen->n_skipped++;
	seen->why = *why;
}

static struct kube_json *
parser_new(enum kube_json_mode mode, struct seen *seen)
{
	struct kube_json_handlers handlers = {
		.on_item = on_item,
		.on_skip = on_skip,
		.userdata = seen,
	};

	*seen = (struct seen){ .fail_at = seen->fail_at };
	assert(kube_json_new(mode, &handlers, &seen->parser) == 0);
	return seen->parser;
}

/* Feeds TEXT in pieces of PIECE bytes. Returns what the parser does at the end. */
static int
feed(struct kube_json *p, const char *text, size_t len, size_t piece, struct fault *reterr)
{
	int r = 0;

	for (size_t at = 0; r >= 0 && at < len; at += piece)
		r = kube_json_feed(p, text + at, piece < len - at ? piece : len - at, reterr);
	return r < 0 ? r : kube_json_finish(p, reterr);
}

static int
parse(enum kube_json_mode mode, const char *text, struct seen *seen, struct fault *reterr)
{
	_cleanup_(kube_json_freep) struct kube_json *p = parser_new(mode, seen);
	int r = feed(p, text, strlen(text), strlen(text), reterr);

	seen->parser = NULL;
	return r;
}

static void
test_list(void)
{
	static const char text[] =
	    "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"12\","
	    "\"continue\":\"abc\"},\"items\":[{\"metadata\":{\"name\":\"a\"},\"n\":[1,[2,{}]]},"
	    "{\"metadata\":{\"name\":\"b\"}}],\"later\":{\"x\":null}}";
	struct seen seen = { 0 };

	for (size_t piece = 1; piece <= sizeof(text); piece += 1 + piece / 2) {
		_cleanup_(kube_json_freep) struct kube_json *p =
		    parser_new(KUBE_JSON_LIST, &seen);

		ok_int(feed(p, text, strlen(text), piece, NULL), 0, "pieces of %zu", piece);
		ok_str(seen.names, "a,b,", "both items came");
		ok_str(seen.kind_at_first, "PodList", "the kind was known before");
		ok_str(kube_value_string(
			   kube_value_find(kube_json_head(p), "metadata", "continue", NULL)),
		    "abc", "the metadata is there");
		ok(kube_value_get(kube_json_head(p), "later") != NULL,
		    "what stands behind too");
		ok(!kube_value_get(kube_json_head(p), "items"), "not the items");
		ok(kube_json_has_items(p) && kube_json_n_items(p) == 2, "counted");
	}

	ok_int(parse(KUBE_JSON_LIST, "{\"items\":[{}],\"kind\":\"XList\"}", &seen, NULL), 0,
	    "items in front");
	ok_int(seen.n_items, 1, "they come");
	ok_str(seen.kind_at_first, "", "without a kind yet");
	ok_int(parse(KUBE_JSON_LIST, "{\"kind\":\"XList\",\"items\":null}", &seen, NULL), 0,
	    "items: null is a list");
	ok_int(parse(KUBE_JSON_LIST, "{\"kind\":\"XList\",\"items\":[]}", &seen, NULL), 0,
	    "an empty list");
	ok_int(seen.n_items, 0, "without items");

	seen.fail_at = 2;
	ok_int(parse(KUBE_JSON_LIST, text, &seen, NULL), -EDQUOT, "an item is refused");
	ok_int(seen.n_items, 2, "nothing comes after that");
}

static void
test_status(void)
{
	static const char text[] =
	    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},"
	    "\"status\":\"Failure\",\"reason\":\"Expired\",\"code\":410}";
	struct seen seen = { 0 };
	_cleanup_(kube_json_freep) struct kube_json *p = parser_new(KUBE_JSON_LIST, &seen);
	int64_t code = 0;

	ok_int(feed(p, text, strlen(text), 7, NULL), 0, "a Status instead of a list");
	ok(!kube_json_has_items(p), "has no items");
	ok_str(kube_value_get_string(kube_json_head(p), "reason"), "Expired", "its reason");
	ok_int(kube_value_int(kube_value_get(kube_json_head(p), "code"), &code), 0, "its code");
	ok_int(code, 410, "as number");
}

static void
test_document(void)
{
	static const char text[] =
	    "{\"a\":{\"big\":9007199254740993,\"f\":1.50,\"e\":1E400},\"s\":\"\\u0000\\ud83d\\ude00"
	    "\\u00e9\",\"bad\":\"x\\udc00y\",\"raw\":\"\xff\xc3(\",\"t\":true,\"n\":null,\"l\":[]}";
	struct seen seen = { 0 };
	_cleanup_(kube_json_freep) struct kube_json *p = parser_new(KUBE_JSON_DOCUMENT, &seen);
	_cleanup_(kube_value_freep) struct kube_value *head = NULL;
	const struct kube_value *s;
	int64_t n = 0;

	ok_int(feed(p, text, strlen(text), 3, NULL), 0, "an object");
	head = kube_json_take_head(p);
	ok_str(kube_value_find(head, "a", "big", NULL)->text, "9007199254740993",
	    "numbers keep their text");
	ok_int(kube_value_int(kube_value_find(head, "a", "big", NULL), &n), 0, "as integer");
	ok(n == 9007199254740993, "exactly");
	ok_str(kube_value_find(head, "a", "f", NULL)->text, "1.50", "with zeroes");
	ok_int(kube_value_int(kube_value_find(head, "a", "f", NULL), &n), -EINVAL,
	    "a fraction is no integer");
	s = kube_value_get(head, "s");
	ok_int(s->len, 7, "a NUL is a character");
	ok(memcmp(s->text, "\0\xf0\x9f\x98\x80\xc3\xa9", 7) == 0, "surrogate pairs are one");
	ok_str(kube_value_get_string(head, "bad"), "x\xef\xbf\xbdy", "a lone surrogate");
	ok_str(kube_value_get_string(head, "raw"), "\xef\xbf\xbd\xef\xbf\xbd(", "no UTF-8");
	ok(kube_value_get(head, "t")->type == KUBE_TRUE, "true");
	ok(kube_value_get(head, "n")->type == KUBE_NULL, "null");
	ok_int(kube_json_head(p)->len, 0, "the head was taken");
}

static void
test_errors(void)
{
	static const struct {
		const char *text;
		int mode;
	} bad[] = {
		{ "", KUBE_JSON_LIST },
		{ "[]", KUBE_JSON_LIST },
		{ "null", KUBE_JSON_DOCUMENT },
		{ "{\"items\":[{\"a\":1}", KUBE_JSON_LIST },
		{ "{\"items\":[{\"a\":\"x", KUBE_JSON_LIST },
		{ "{\"items\":{}}", KUBE_JSON_LIST },
		{ "{\"items\":[],\"items\":[]}", KUBE_JSON_LIST },
		{ "{\"kind\":\"a\",\"kind\":\"b\"}", KUBE_JSON_LIST },
		{ "{\"a\":{\"b\":1,\"b\":2}}", KUBE_JSON_DOCUMENT },
		{ "{\"a\":1} x", KUBE_JSON_DOCUMENT },
		{ "{\"a\":1}{}", KUBE_JSON_DOCUMENT },
		{ "{\"a\":01}", KUBE_JSON_DOCUMENT },
		{ "{'a':1}", KUBE_JSON_DOCUMENT },
		{ "<html>502</html>", KUBE_JSON_LIST },
	};
	struct seen seen = { 0 };

	for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
		struct fault f = { 0 };

		ok_int(parse(bad[i].mode, bad[i].text, &seen, &f), -EBADMSG, "%s", bad[i].text);
		ok(f.text[0] != '\0', "says: %s", f.text);
	}
}

/* "[[[…" N deep as the value of an item. */
static char *
deep_list(size_t n)
{
	static const char start[] = "{\"items\":[{\"metadata\":{\"name\":\"deep\"},\"x\":";
	static const char end[] = "},{\"metadata\":{\"name\":\"after\"}}]}";
	char *text = malloc(sizeof(start) + sizeof(end) + 2 * n);

	assert(text);
	(void)strcpy(text, start);
	memset(text + strlen(start), '[', n);
	memset(text + strlen(start) + n, ']', n);
	(void)strcpy(text + strlen(start) + 2 * n, end);
	return text;
}

static void
test_skip(void)
{
	static const size_t depths[] = { KUBE_VALUE_MAX_DEPTH + 1, 5000 };
	struct seen seen = { 0 };
	_cleanup_free_ char *fine = deep_list(KUBE_VALUE_MAX_DEPTH - 1);
	_cleanup_free_ char *bomb = deep_list(500000);

	ok_int(parse(KUBE_JSON_LIST, fine, &seen, NULL), 0, "as deep as allowed");
	ok_str(seen.names, "deep,after,", "both came");
	for (size_t i = 0; i < ELEMENTSOF(depths); i++) {
		_cleanup_free_ char *text = deep_list(depths[i]);

		ok_int(parse(KUBE_JSON_LIST, text, &seen, NULL), 0, "%zu deep", depths[i]);
		ok_str(seen.names, "after,", "the list goes on");
		ok_str(seen.why.text, "'deep': nested too deep", "the reason");
	}
	ok_int(parse(KUBE_JSON_LIST, bomb, &seen, NULL), -E2BIG, "a bomb ends it");

	ok_int(
	    parse(KUBE_JSON_LIST,
		"{\"items\":[1,{\"metadata\":{\"name\":\"b\"},\"k\":1,\"k\":2},[[]],null,{}]}",
		&seen, NULL),
	    0, "no objects and a key that stands twice");
	ok_int(seen.n_skipped, 4, "are left out");
	ok_int(seen.n_items, 1, "one item is fine");
}

static void
test_size(void)
{
	size_t n = KUBE_JSON_ITEM_MAX_BYTES + 200000;
	_cleanup_free_ char *text = malloc(n + 200);
	struct seen seen = { 0 };
	int at;

	assert(text);
	/* One item of many small values: skipped. */
	at = sprintf(text, "{\"items\":[{\"metadata\":{\"name\":\"large\"},\"x\":[");
	for (; (size_t)at < n; at += 2)
		memcpy(text + at, "1,", 2);
	(void)strcpy(text + at, "1]},{\"metadata\":{\"name\":\"after\"}}]}");
	ok_int(parse(KUBE_JSON_LIST, text, &seen, NULL), 0, "an item that is too large");
	ok_str(seen.names, "after,", "is left out");
	ok(text_has_prefix(seen.why.text, "'large': too large"), "with a reason: %s",
	    seen.why.text);

	/* One text: nothing can be seen of it before its end. */
	at = sprintf(text, "{\"items\":[{\"x\":\"");
	memset(text + at, 'x', n - (size_t)at);
	(void)strcpy(text + n, "\"}]}");
	ok_int(feed(parser_new(KUBE_JSON_LIST, &seen), text, strlen(text), 65536, NULL), -E2BIG,
	    "a text that is too large ends it");
	kube_json_free(seen.parser);
}

static void
test_values(void)
{
	_cleanup_(kube_value_freep) struct kube_value *o = kube_value_new(KUBE_OBJECT, NULL, 0);
	_cleanup_(kube_value_freep) struct kube_value *p = kube_value_new(KUBE_OBJECT, NULL, 0);

	assert(o && p);
	ok_int(kube_value_set_string(o, "a", "1"), 0, "set");
	ok_int(kube_value_set_string(o, "b", "2"), 0, "set another");
	ok_int(kube_value_set_string(o, "a", "longer than before"), 0, "set again");
	ok_int(o->len, 2, "two members");
	ok_str(kube_value_get_string(o, "a"), "longer than before", "the new text");
	ok_str(o->first->key, "a", "at its place");
	ok_int(kube_value_set_string(p, "b", "2"), 0, "the same");
	ok_int(kube_value_set_string(p, "a", "longer than before"), 0, "in other order");
	ok(kube_value_equal(o, p), "is equal");
	ok(kube_value_remove(o, "b"), "remove the last");
	ok(!kube_value_remove(o, "b"), "only once");
	ok(!kube_value_equal(o, p), "no longer equal");
	ok_int(kube_value_set_string(o, "c", ""), 0, "append after removing");
	ok(kube_value_remove(o, "a"), "remove the first");
	ok_str(o->first->key, "c", "the rest stays");
	ok(!kube_value_find(o, "c", "d", NULL), "a string has no members");
	ok(!kube_value_get(NULL, "c"), "nothing has none");
}

/* A list of 24 MB: how fast, and how much memory. */
static int
discard(const void *data, size_t len, void *userdata)
{
	(void)data;
	*(size_t *)userdata += len;
	return 0;
}

static int
on_large_item(struct kube_value *item, void *userdata)
{
	_cleanup_(kube_value_freep) struct kube_value *owned = item;

	return userdata ? kube_yaml_list_item(userdata, item) : 0;
}

static double
seconds(void)
{
	struct timespec t;

	assert(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
run_large(struct kube_yaml *writer, const char *item, int n_items, size_t *ret_bytes)
{
	struct kube_json_handlers handlers = {
		.on_item = on_large_item,
		.userdata = writer,
	};
	_cleanup_(kube_json_freep) struct kube_json *p = NULL;
	static const char start[] = "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"items\":[";

	assert(kube_json_new(KUBE_JSON_LIST, &handlers, &p) == 0);
	assert(kube_json_feed(p, start, strlen(start), NULL) == 0);
	for (int i = 0; i < n_items; i++) {
		assert(i == 0 || kube_json_feed(p, ",", 1, NULL) == 0);
		assert(kube_json_feed(p, item, strlen(item), NULL) == 0);
		*ret_bytes += strlen(item) + 1;
	}
	assert(kube_json_feed(p, "]}", 2, NULL) == 0);
	assert(kube_json_finish(p, NULL) == 0);
	if (writer)
		assert(kube_yaml_list_end(writer, kube_json_head(p)) == 0);
}

static void
test_large(void)
{
	_cleanup_(kube_yaml_freep) struct kube_yaml *writer = NULL;
	char item[8192];
	size_t len = 0;
	size_t yaml_bytes = 0;
	size_t bytes = 0;
	struct rusage before;
	struct rusage after;
	double t;

	len += (size_t)snprintf(item, sizeof(item),
	    "{\"metadata\":{\"name\":\"pod\",\"namespace\":\"ns\",\"labels\":{\"app\":\"x\"}},"
	    "\"spec\":{\"containers\":[");
	for (int i = 0; i < 40; i++)
		len += (size_t)snprintf(item + len, sizeof(item) - len,
		    "%s{\"name\":\"c%d\",\"image\":\"quay.io/openshift/image@sha256:0123456789abcdef\","
		    "\"ports\":[%d],\"ready\":true}",
		    i ? "," : "", i, 8000 + i);
	(void)snprintf(item + len, sizeof(item) - len, "]}}");
	assert(getrusage(RUSAGE_SELF, &before) == 0);
	t = seconds();
	run_large(NULL, item, 24000000 / (int)strlen(item), &bytes);
	t = seconds() - t;
	(void)printf("# parse: %.0f MB/s\n", (double)bytes / t / 1e6);

	bytes = 0;
	assert(kube_yaml_new(discard, &yaml_bytes, &writer) == 0);
	assert(kube_yaml_list_begin(writer, "v1", "Pod") == 0);
	t = seconds();
	run_large(writer, item, 24000000 / (int)strlen(item), &bytes);
	t = seconds() - t;
	assert(getrusage(RUSAGE_SELF, &after) == 0);
	(void)printf("# parse and write: %.0f MB/s of JSON, %.0f MB/s of YAML\n",
	    (double)bytes / t / 1e6, (double)yaml_bytes / t / 1e6);
	(void)printf("# peak memory grew by %ld KiB\n", after.ru_maxrss - before.ru_maxrss);
#ifdef KEEPS_FREED
	tap_skip("the address sanitizer keeps what was freed");
#else
	ok(after.ru_maxrss - before.ru_maxrss < 4096, "24 MB of list need less than 4 MiB");
#endif
}

int
main(void)
{
	/* First, because the peak of memory never sinks. */
	if (getenv("LD_PRELOAD") && strstr(getenv("LD_PRELOAD"), "vgpreload"))
		tap_skip("valgrind is slow and keeps what was freed");
	else
		test_large();
	test_list();
	test_status();
	test_document();
	test_errors();
	test_skip();
	test_size();
	test_values();
	return tap_done();
}
