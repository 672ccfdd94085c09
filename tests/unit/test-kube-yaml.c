/* SPDX-License-Identifier: Apache-2.0 */

/* Values as YAML: the text that go-yaml writes, and lists in steps. */

#include "tests/lib/tap.h"

#include <errno.h>

#include "capture/kube/json.h"
#include "capture/kube/scalar.h"
#include "capture/kube/yaml.h"
#include "lib/text.h"

struct text {
	char *data;
	size_t len;
	size_t fail_at; /* bytes after which writing fails; 0 = never */
};

static int
append(const void *data, size_t len, void *userdata)
{
	struct text *t = userdata;

	if (t->fail_at > 0 && t->len + len > t->fail_at)
		return -ENOSPC;
	t->data = realloc(t->data, t->len + len + 1);
	assert(t->data);
	memcpy(t->data + t->len, data, len);
	t->len += len;
	t->data[t->len] = '\0';
	return 0;
}

static struct kube_value *
value_of(const char *json)
{
	_cleanup_(kube_json_freep) struct kube_json *p = NULL;

	assert(kube_json_new(KUBE_JSON_DOCUMENT, NULL, &p) == 0);
	assert(kube_json_feed(p, json, strlen(json), NULL) == 0);
	assert(kube_json_finish(p, NULL) == 0);
	return kube_json_take_head(p);
}

/* The document made of JSON, without "---". */
static struct text
yaml_of(const char *json)
{
	_cleanup_(kube_value_freep) struct kube_value *v = value_of(json);
	_cleanup_(kube_yaml_freep) struct kube_yaml *y = NULL;
	struct text t = { 0 };

	assert(kube_yaml_new(append, &t, &y) == 0);
	assert(kube_yaml_document_bare(y, v) == 0);
	return t;
}

/* Left JSON, right the text of sigs.k8s.io/yaml 1.6, which is what `oc` writes. */
static void
test_text(void)
{
	static const struct {
		const char *json;
		const char *yaml;
	} same[] = {
		{ "{}", "{}\n" },
		{ "{\"a\":[],\"b\":{},\"c\":[{}],\"d\":[[1,2],[]]}",
		    "a: []\nb: {}\nc:\n- {}\nd:\n- - 1\n  - 2\n- []\n" },
		{ "{\"k10\":1,\"k9\":2,\"K1\":3,\"k\":4,\"k-a\":5,\"k_b\":6,\"ka\":7,\"k01\":8}",
		    "K1: 3\nk: 4\nk-a: 5\nk_b: 6\nk01: 8\nk9: 2\nk10: 1\nka: 7\n" },
		{ "{\"a\":\"y\",\"b\":\"No\",\"c\":\"\",\"d\":\"~\",\"e\":\"0123\",\"f\":\"0x1F\","
		  "\"g\":\"1_000\",\"h\":\"1e3\",\"i\":\"12:30:45\",\"j\":\"2024-01-01T00:00:00Z\"}",
		    "a: \"y\"\nb: \"No\"\nc: \"\"\nd: \"~\"\ne: \"0123\"\nf: \"0x1F\"\n"
		    "g: \"1_000\"\nh: \"1e3\"\ni: \"12:30:45\"\nj: \"2024-01-01T00:00:00Z\"\n" },
		{ "{\"a\":\"1e999\",\"b\":\"0xg\",\"c\":\"1.2.3\",\"d\":\"5e12345\",\"e\":\"nope\"}",
		    "a: 1e999\nb: 0xg\nc: 1.2.3\nd: 5e12345\ne: nope\n" },
		{ "{\"a\":\"- x\",\"b\":\"a: b\",\"c\":\"#x\",\"d\":\"it's\",\"e\":\" x\",\"f\":\"*\"}",
		    "a: '- x'\nb: 'a: b'\nc: '#x'\nd: it's\ne: ' x'\nf: '*'\n" },
		{ "{\"a\":\"x\\ny\",\"b\":\"x\\n\",\"c\":\"x\\n\\n\",\"d\":\"\\nx\",\"e\":\" x\\ny\"}",
		    "a: |-\n  x\n  y\nb: |\n  x\nc: |+\n  x\n\nd: |2-\n\n  x\ne: |2-\n   x\n  y\n" },
		{ "{\"a\":\"x \\ny\",\"b\":\"x\\ty\\n\",\"c\":\"x\\r\\ny\",\"d\":\"\\ud83d\\ude00\"}",
		    "a: \"x \\ny\"\nb: \"x\\ty\\n\"\nc: \"x\\r\\ny\"\nd: \"\\U0001F600\"\n" },
		{ "{\"a\":\"\\u0000\\u0007\\u001b\\u007f\\ufeff\\u00e9\"}",
		    "a: \"\\0\\a\\e\\x7F\\uFEFF\xc3\xa9\"\n" },
		{ "{\"i\":-9223372036854775808,\"u\":18446744073709551615,\"f\":0.1}",
		    "f: 0.1\ni: -9223372036854775808\nu: 18446744073709551615\n" },
	};
	/* Where the text of `oc` is not read back as it was. */
	static const struct {
		const char *json;
		const char *yaml;
	} ours[] = {
		{ "{\"=\":\"=\",\"<<\":\"<<\"}", "\"<<\": \"<<\"\n\"=\": \"=\"\n" },
		{ "{\"a\":\"2024-02-31\",\"b\":\"._\",\"c\":\"0x_\",\"d\":\"1.2e+999\"}",
		    "a: \"2024-02-31\"\nb: \"._\"\nc: \"0x_\"\nd: \"1.2e+999\"\n" },
		{ "{\"a\":\"\\u0085nel\",\"b\":\"x\\u2028y\\nz\",\"c\":\"\\u2029\"}",
		    "a: \"\\Nnel\"\nb: \"x\\Ly\\nz\"\nc: \"\\P\"\n" },
		{ "{\"a\":1e21,\"b\":1.5E7,\"c\":-2e-3,\"d\":9007199254740993,\"e\":1.50}",
		    "a: 1.0e+21\nb: 1.5e+7\nc: -2.0e-3\nd: 9007199254740993\ne: 1.50\n" },
	};
	char key[200];
	_cleanup_free_ char *json = NULL;
	_cleanup_free_ char *yaml = NULL;
	struct text t;

	for (size_t i = 0; i < ELEMENTSOF(same); i++) {
		t = yaml_of(same[i].json);
		ok_str(t.data, same[i].yaml, "%s", same[i].json);
		free(t.data);
	}
	for (size_t i = 0; i < ELEMENTSOF(ours); i++) {
		t = yaml_of(ours[i].json);
		ok_str(t.data, ours[i].yaml, "%s", ours[i].json);
		free(t.data);
	}

	t = yaml_of("{\"a\":\"one two three four five six seven eight nine ten eleven twelve "
		    "thirteen fourteen fifteen\"}");
	ok_str(t.data,
	    "a: one two three four five six seven eight nine ten eleven twelve thirteen fourteen\n"
	    "  fifteen\n",
	    "folded behind column 80");
	free(t.data);

	memset(key, 'k', 129);
	key[129] = '\0';
	json = text_format("{\"%s\":1}", key);
	yaml = text_format("? %s\n: 1\n", key);
	assert(json && yaml);
	t = yaml_of(json);
	ok_str(t.data, yaml, "long keys are explicit");
	free(t.data);
}

static void
test_list(void)
{
	_cleanup_(kube_value_freep) struct kube_value *head =
	    value_of("{\"metadata\":{\"resourceVersion\":\"7\",\"continue\":\"x\","
		     "\"remainingItemCount\":3},\"kind\":\"PodList\",\"apiVersion\":\"v1\"}");
	_cleanup_(kube_value_freep) struct kube_value *bare = value_of("{\"metadata\":{}}");
	_cleanup_(kube_value_freep) struct kube_value *item =
	    value_of("{\"metadata\":{\"name\":\"a\"}}");
	_cleanup_(kube_value_freep) struct kube_value *own =
	    value_of("{\"kind\":\"Other\",\"apiVersion\":\"x/v2\"}");
	_cleanup_(kube_yaml_freep) struct kube_yaml *y = NULL;
	struct text t = { 0 };

	assert(kube_yaml_new(append, &t, &y) == 0);
	ok_int(kube_yaml_list_end(y, head), -EINVAL, "no list was begun");
	ok_int(kube_yaml_list_begin(y, "v1", "Pod"), 0, "begin");
	ok_int(kube_yaml_list_item(y, item), 0, "item");
	ok_int(kube_yaml_list_item(y, own), 0, "item with a kind of its own");
	ok_int(kube_yaml_list_end(y, head), 0, "end");
	ok_str(t.data,
	    "---\napiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n"
	    "    name: a\n- apiVersion: x/v2\n  kind: Other\nkind: PodList\nmetadata:\n"
	    "  resourceVersion: \"7\"\n",
	    "a list");
	ok_int(kube_yaml_list_item(y, item), -EINVAL, "the list has ended");

	t.len = 0;
	ok_int(kube_yaml_list_begin(y, "v1", "Pod"), 0, "begin");
	ok_int(kube_yaml_list_item(y, item), 0, "and give up");
	t.len = 0;
	ok_int(kube_yaml_list_begin(y, "v1", "Pod"), 0, "begin anew");
	ok_int(kube_yaml_list_end(y, bare), 0, "without items, without kind");
	ok_str(t.data, "---\napiVersion: v1\nitems: []\nkind: PodList\nmetadata: {}\n",
	    "an empty list");

	t.len = 0;
	t.fail_at = 10;
	ok_int(kube_yaml_list_begin(y, "v1", "Pod"), 0, "begin on a full disk");
	(void)kube_yaml_list_item(y, item);
	ok_int(kube_yaml_list_end(y, head), -ENOSPC, "the error of the callback");
	t.fail_at = 0;
	t.len = 0;
	ok_int(kube_yaml_document(y, own), 0, "another file");
	ok_str(t.data, "---\napiVersion: x/v2\nkind: Other\n", "is written");
	free(t.data);
}

static void
test_depth(void)
{
	_cleanup_(kube_value_freep) struct kube_value *top =
	    kube_value_new(KUBE_OBJECT, NULL, 0);
	_cleanup_(kube_yaml_freep) struct kube_yaml *y = NULL;
	struct kube_value *at = top;
	struct text t = { 0 };

	assert(top);
	for (int i = 0; i < 100000; i++) {
		struct kube_value *next = kube_value_new_member("k", 1, KUBE_OBJECT, NULL, 0);

		assert(next);
		kube_value_append(at, next);
		at = next;
	}
	assert(kube_yaml_new(append, &t, &y) == 0);
	ok_int(kube_yaml_document(y, top), -EINVAL, "a value that is too deep");
	ok_int(t.len, 0, "writes nothing");
}

static void
test_order(void)
{
	static const char *const keys[] = { "", "0", "1", "01", "2", "10", "A", "B", "a", "a.b",
		"a1", "a01", "a2", "a10", "a10b", "aB", "ab", "\xc3\xa9" };

	for (size_t i = 0; i < ELEMENTSOF(keys); i++)
		for (size_t j = 0; j < ELEMENTSOF(keys); j++) {
			int c = scalar_compare_keys(
			    keys[i], strlen(keys[i]), keys[j], strlen(keys[j]));

			if ((c > 0) - (c < 0) != (i > j) - (i < j))
				ok(false, "'%s' and '%s'", keys[i], keys[j]);
		}
	ok(true, "keys are in order");
}

int
main(void)
{
	test_text();
	test_list();
	test_depth();
	test_order();
	return tap_done();
}
