/* SPDX-License-Identifier: Apache-2.0 */

/* Lists from an API server: never crash, and every item that comes out is written as YAML that
 * reads back as the item, before and after redaction; so is the list. The first byte is the
 * size of the pieces. Whatever an item is named, its file stays inside of the tree. */

#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <stdint.h>

#include "capture/kube/json.h"
#include "capture/kube/layout.h"
#include "capture/kube/redact.h"
#include "capture/kube/yaml.h"
#include "capture/sink/layout.h"
#include "tests/lib/yaml-reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
	char *data;
	size_t len;
};

struct run {
	struct kube_yaml *list;
	struct kube_redactions counts;
};

static int
append(const void *data, size_t len, void *userdata)
{
	struct text *t = userdata;

	t->data = realloc(t->data, t->len + len);
	assert(t->data);
	memcpy(t->data + t->len, data, len);
	t->len += len;
	return 0;
}

static void
check(const struct kube_value *v)
{
	_cleanup_(kube_yaml_freep) struct kube_yaml *y = NULL;
	struct text t = { 0 };

	assert(kube_yaml_new(append, &t, &y) == 0);
	assert(kube_yaml_document(y, v) == 0);
	assert(yaml_reads_back(t.data, t.len, v));
	free(t.data);
}

static void
check_path(const struct kube_value *item)
{
	const char *name = kube_value_string(kube_value_find(item, "metadata", "name", NULL));
	const char *ns =
	    kube_value_string(kube_value_find(item, "metadata", "namespace", NULL));
	_cleanup_free_ char *object = NULL;
	_cleanup_free_ char *log = NULL;

	if (!name)
		return;
	if (kube_layout_object(ns, ns, name, name, &object) >= 0)
		assert(layout_path_is_valid(object));
	if (ns && kube_layout_log(ns, name, name, KUBE_LOG_CURRENT, &log) >= 0)
		assert(layout_path_is_valid(log));
}

static int
on_item(struct kube_value *item, void *userdata)
{
	_cleanup_(kube_value_freep) struct kube_value *owned = item;
	struct run *run = userdata;

	check_path(item);
	check(item);
	assert(kube_redact_object(item, "", "configmaps", &run->counts) == 0);
	check(item);
	assert(kube_yaml_list_item(run->list, item) == 0);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(kube_json_freep) struct kube_json *p = NULL;
	_cleanup_(kube_yaml_freep) struct kube_yaml *list = NULL;
	struct text t = { 0 };
	struct run run = { 0 };
	struct kube_json_handlers handlers = { .on_item = on_item, .userdata = &run };
	size_t piece;
	int r = 0;

	if (size < 1)
		return 0;
	piece = data[0] ? data[0] : size;
	assert(kube_json_new(KUBE_JSON_LIST, &handlers, &p) == 0);
	assert(kube_yaml_new(append, &t, &list) == 0);
	assert(kube_yaml_list_begin(list, "v1", "Thing") == 0);
	run.list = list;
	for (size_t at = 1; r >= 0 && at < size; at += piece)
		r = kube_json_feed(p, data + at, piece < size - at ? piece : size - at, NULL);
	if (r >= 0)
		r = kube_json_finish(p, NULL);
	if (r >= 0) {
		check(kube_json_head(p));
		assert(kube_yaml_list_end(list, kube_json_head(p)) == 0);
		assert(yaml_reads_back(t.data, t.len, NULL));
	}
	free(t.data);
	return 0;
}
