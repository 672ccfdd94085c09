/* SPDX-License-Identifier: Apache-2.0 */

/* Any text, as key, value, element and nested, reads back from YAML as it was. */

#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <stdint.h>

#include "capture/kube/yaml.h"
#include "tests/lib/yaml-reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
	char *data;
	size_t len;
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

static struct kube_value *
add(struct kube_value *parent, const char *key, size_t key_len, enum kube_type type,
    const char *text, size_t len)
{
	struct kube_value *v = kube_value_new_member(key, key_len, type, text, len);

	assert(v);
	kube_value_append(parent, v);
	return v;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(kube_value_freep) struct kube_value *top =
	    kube_value_new(KUBE_OBJECT, NULL, 0);
	_cleanup_(kube_yaml_freep) struct kube_yaml *y = NULL;
	const char *text = (const char *)data;
	struct kube_value *array;
	struct kube_value *inner;
	struct text t = { 0 };

	assert(top);
	(void)add(top, text, size, KUBE_STRING, text, size);
	array = add(top, "\x01", 1, KUBE_ARRAY, NULL, 0);
	(void)add(array, NULL, 0, KUBE_STRING, text, size);
	inner = add(array, NULL, 0, KUBE_OBJECT, NULL, 0);
	inner = add(inner, text, size, KUBE_OBJECT, NULL, 0);
	(void)add(inner, text, size, KUBE_STRING, text, size);
	inner = add(array, NULL, 0, KUBE_ARRAY, NULL, 0);
	(void)add(inner, NULL, 0, KUBE_STRING, text, size);

	assert(kube_yaml_new(append, &t, &y) == 0);
	/* Text that is not UTF-8 is refused. */
	if (kube_yaml_document(y, top) == 0 && !(size == 1 && data[0] == 1))
		assert(yaml_reads_back(t.data, t.len, top));
	free(t.data);
	return 0;
}
