/* SPDX-License-Identifier: Apache-2.0 */

/* The text is libyaml's, which is where the emitter of go-yaml, and with it of `oc`, comes
 * from: block style, two spaces, folded behind column 80, Unicode as it is. What go-yaml
 * decides before, is decided here in the same way: the order of keys, literal blocks for texts
 * with a newline, double quotes for texts that would be read as something else.
 *
 * Where that would not be read back as it was, correctness wins:
 *  - "=" and "<<", numbers and dates that only PyYAML sees (1.2e+999, 2024-02-31), are quoted;
 *  - the line separators of Unicode (NEL, LS, PS) stand in double quotes, as escapes;
 *  - an exponent is written 1.0e+21, because PyYAML reads 1e21 as text; the digits stay.
 *
 * The end of a document is never told to libyaml, because it would add "..." to some. */

#include "capture/kube/yaml.h"

#include <errno.h>
#include <string.h>

#include <yaml.h>

#include "capture/kube/scalar.h"
#include "capture/kube/value.h"
#include "lib/text.h"

/* Longest number with an exponent that is put into PyYAML's form; others stay as they are. */
#define NUMBER_BYTES 128u

struct kube_yaml {
	kube_yaml_write_fn fn;
	void *userdata;
	yaml_emitter_t emitter;
	bool is_open; /* emitter is in use */
	bool in_list;
	char *api_version; /* owned; of the list */
	char *item_kind;   /* owned */
	char last;	   /* byte written */
	int error;	   /* of the callback */

	/* Members of the objects that are being written, in order: a stack. */
	const struct kube_value **sorted; /* owned */
	size_t n_sorted;
	size_t sorted_room;
};

static int
on_write(void *userdata, unsigned char *data, size_t len)
{
	struct kube_yaml *y = userdata;

	if (len == 0)
		return 1;
	y->last = (char)data[len - 1];
	y->error = y->fn(data, len, y->userdata);
	return y->error >= 0;
}

int
kube_yaml_new(kube_yaml_write_fn fn, void *userdata, struct kube_yaml **ret)
{
	struct kube_yaml *y = calloc(1, sizeof(*y));

	if (!y)
		return -ENOMEM;
	y->fn = fn;
	y->userdata = userdata;
	*ret = y;
	return 0;
}

static void
drop(struct kube_yaml *y)
{
	if (y->is_open)
		yaml_emitter_delete(&y->emitter);
	y->is_open = false;
	y->in_list = false;
	y->n_sorted = 0;
	free(y->api_version);
	y->api_version = NULL;
	free(y->item_kind);
	y->item_kind = NULL;
}

void
kube_yaml_free(struct kube_yaml *y)
{
	if (!y)
		return;
	drop(y);
	free(y->sorted);
	free(y);
}

/* Emits EVENT, which was made if MADE. Consumes EVENT. */
static int
emit(struct kube_yaml *y, yaml_event_t *event, int made)
{
	if (!made)
		return -ENOMEM;
	if (yaml_emitter_emit(&y->emitter, event))
		return 0;
	if (y->error < 0)
		return y->error;
	return y->emitter.error == YAML_MEMORY_ERROR ? -ENOMEM : -EIO;
}

static int
emit_scalar(struct kube_yaml *y, const char *text, size_t len, yaml_scalar_style_t style)
{
	yaml_event_t event;

	if (len > INT32_MAX)
		return -EINVAL;
	return emit(y, &event,
	    yaml_scalar_event_initialize(
		&event, NULL, NULL, (const yaml_char_t *)text, (int)len, 1, 1, style));
}

/* NEL, LS or PS: libyaml and PyYAML take them for line breaks. */
static bool
has_unicode_break(const char *text, size_t len)
{
	const char *end = text + len;

	for (const char *p = text; (p = memchr(p, 0xc2, (size_t)(end - p))); p++)
		if (end - p >= 2 && (unsigned char)p[1] == 0x85)
			return true;
	for (const char *p = text; (p = memchr(p, 0xe2, (size_t)(end - p))); p++)
		if (end - p >= 3 && (unsigned char)p[1] == 0x80 &&
		    ((unsigned char)p[2] & 0xfe) == 0xa8)
			return true;
	return false;
}

static int
emit_text(struct kube_yaml *y, const char *text, size_t len)
{
	yaml_scalar_style_t style = YAML_PLAIN_SCALAR_STYLE;

	if (has_unicode_break(text, len))
		style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	else if (memchr(text, '\n', len))
		style = YAML_LITERAL_SCALAR_STYLE;
	else if (scalar_looks_typed(text, len))
		style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	return emit_scalar(y, text, len, style);
}

/* "1e21" → "1.0e+21"; numbers without exponent as they are. */
static int
emit_number(struct kube_yaml *y, const char *text, size_t len)
{
	size_t mantissa = strcspn(text, "eE");
	const char *exponent = text + mantissa + 1;
	char buf[NUMBER_BYTES];
	int n;

	if (mantissa >= len || len >= sizeof(buf) - 8)
		return emit_scalar(y, text, len, YAML_PLAIN_SCALAR_STYLE);
	n = snprintf(buf, sizeof(buf), "%.*s%se%s%s", (int)mantissa, text,
	    memchr(text, '.', mantissa) ? "" : ".0",
	    *exponent == '+' || *exponent == '-' ? "" : "+", exponent);
	return emit_scalar(y, buf, (size_t)n, YAML_PLAIN_SCALAR_STYLE);
}

static int
compare_members(const void *a, const void *b)
{
	const struct kube_value *x = *(const struct kube_value *const *)a;
	const struct kube_value *z = *(const struct kube_value *const *)b;

	return scalar_compare_keys(x->key, x->key_len, z->key, z->key_len);
}

/* Puts the members of OBJECT on the stack, in order. */
static int
push_sorted(struct kube_yaml *y, const struct kube_value *object)
{
	const struct kube_value *m;
	size_t start = y->n_sorted;

	if (y->sorted_room - start < object->len) {
		size_t room = (start + object->len) * 2;
		const struct kube_value **bigger =
		    reallocarray(y->sorted, room, sizeof(struct kube_value *));

		if (!bigger)
			return -ENOMEM;
		y->sorted = bigger;
		y->sorted_room = room;
	}
	KUBE_VALUE_FOREACH (m, object)
		y->sorted[y->n_sorted++] = m;
	if (object->len > 1)
		qsort(y->sorted + start, object->len, sizeof(struct kube_value *),
		    compare_members);
	return 0;
}

static int emit_value(struct kube_yaml *y, const struct kube_value *v);

static int
emit_object(struct kube_yaml *y, const struct kube_value *v)
{
	size_t start = y->n_sorted;
	yaml_event_t event;
	int r;

	r = emit(y, &event,
	    yaml_mapping_start_event_initialize(
		&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
	if (r < 0)
		return r;
	r = push_sorted(y, v);
	if (r < 0)
		return r;
	for (size_t i = 0; i < v->len; i++) {
		const struct kube_value *m = y->sorted[start + i];

		r = emit_text(y, m->key, m->key_len);
		if (r < 0)
			return r;
		r = emit_value(y, m);
		if (r < 0)
			return r;
	}
	y->n_sorted = start;
	return emit(y, &event, yaml_mapping_end_event_initialize(&event));
}

static int
emit_array(struct kube_yaml *y, const struct kube_value *v)
{
	const struct kube_value *element;
	yaml_event_t event;
	int r;

	r = emit(y, &event,
	    yaml_sequence_start_event_initialize(
		&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE));
	if (r < 0)
		return r;
	KUBE_VALUE_FOREACH (element, v) {
		r = emit_value(y, element);
		if (r < 0)
			return r;
	}
	return emit(y, &event, yaml_sequence_end_event_initialize(&event));
}

/* Recursive; callers have looked at the depth. */
static int
emit_value(struct kube_yaml *y, const struct kube_value *v)
{
	switch (v->type) {
	case KUBE_FALSE:
		return emit_scalar(y, "false", 5, YAML_PLAIN_SCALAR_STYLE);
	case KUBE_TRUE:
		return emit_scalar(y, "true", 4, YAML_PLAIN_SCALAR_STYLE);
	case KUBE_NUMBER:
		return emit_number(y, v->text, v->len);
	case KUBE_STRING:
		return emit_text(y, v->text, v->len);
	case KUBE_ARRAY:
		return emit_array(y, v);
	case KUBE_OBJECT:
		return emit_object(y, v);
	case KUBE_NULL:
	case _KUBE_TYPE_COUNT:
		break;
	}
	return emit_scalar(y, "null", 4, YAML_PLAIN_SCALAR_STYLE);
}

static bool
is_too_deep(const struct kube_value *v, unsigned depth)
{
	const struct kube_value *child;

	if (depth > KUBE_VALUE_MAX_DEPTH)
		return true;
	KUBE_VALUE_FOREACH (child, v)
		if (child->first && is_too_deep(child, depth + 1))
			return true;
	return false;
}

static bool
is_writable(const struct kube_value *v)
{
	return v->type == KUBE_OBJECT && !is_too_deep(v, 1);
}

static int
file_begin(struct kube_yaml *y, bool marker)
{
	yaml_event_t event;
	int r;

	drop(y);
	y->error = 0;
	y->last = '\n';
	if (!yaml_emitter_initialize(&y->emitter))
		return -ENOMEM;
	y->is_open = true;
	yaml_emitter_set_output(&y->emitter, on_write, y);
	yaml_emitter_set_unicode(&y->emitter, 1);
	r = emit(y, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
	if (r < 0)
		return r;
	return emit(y, &event,
	    yaml_document_start_event_initialize(&event, NULL, NULL, NULL, marker ? 0 : 1));
}

static int
file_end(struct kube_yaml *y)
{
	int r = 0;

	if (!yaml_emitter_flush(&y->emitter))
		r = y->error < 0 ? y->error : -EIO;
	if (r >= 0 && y->last != '\n')
		r = y->fn("\n", 1, y->userdata);
	drop(y);
	return r < 0 ? r : 0;
}

static int
write_document(struct kube_yaml *y, const struct kube_value *value, bool marker)
{
	int r;

	if (!is_writable(value))
		return -EINVAL;
	r = file_begin(y, marker);
	if (r >= 0)
		r = emit_value(y, value);
	if (r >= 0)
		return file_end(y);
	drop(y);
	return r;
}

int
kube_yaml_document(struct kube_yaml *y, const struct kube_value *value)
{
	return write_document(y, value, true);
}

int
kube_yaml_document_bare(struct kube_yaml *y, const struct kube_value *value)
{
	return write_document(y, value, false);
}

int
kube_yaml_list_begin(struct kube_yaml *y, const char *api_version, const char *item_kind)
{
	yaml_event_t event;
	int r;

	r = file_begin(y, true);
	if (r < 0)
		return r;
	y->api_version = strdup(api_version);
	y->item_kind = strdup(item_kind);
	if (!y->api_version || !y->item_kind)
		return -ENOMEM;
	y->in_list = true;
	r = emit(y, &event,
	    yaml_mapping_start_event_initialize(
		&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
	if (r >= 0)
		r = emit_text(y, "apiVersion", strlen("apiVersion"));
	if (r >= 0)
		r = emit_text(y, api_version, strlen(api_version));
	if (r >= 0)
		r = emit_text(y, "items", strlen("items"));
	if (r >= 0)
		r = emit(y, &event,
		    yaml_sequence_start_event_initialize(
			&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE));
	return r;
}

static int
set_default(struct kube_value *item, const char *key, const char *text)
{
	const char *present = kube_value_get_string(item, key);

	return is_empty(present) ? kube_value_set_string(item, key, text) : 0;
}

int
kube_yaml_list_item(struct kube_yaml *y, struct kube_value *item)
{
	int r;

	if (!y->in_list || !is_writable(item))
		return -EINVAL;
	r = set_default(item, "apiVersion", y->api_version);
	if (r >= 0)
		r = set_default(item, "kind", y->item_kind);
	if (r >= 0)
		r = emit_value(y, item);
	return r;
}

/* The metadata of a list without what says something of its last page only. */
static int
emit_list_metadata(struct kube_yaml *y, const struct kube_value *metadata)
{
	yaml_event_t event;
	size_t start = y->n_sorted;
	int r;

	if (metadata->type != KUBE_OBJECT)
		return emit_value(y, metadata);
	r = emit(y, &event,
	    yaml_mapping_start_event_initialize(
		&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
	if (r >= 0)
		r = push_sorted(y, metadata);
	for (size_t i = 0; r >= 0 && i < metadata->len; i++) {
		const struct kube_value *m = y->sorted[start + i];

		if (streq(m->key, "continue") || streq(m->key, "remainingItemCount"))
			continue;
		r = emit_text(y, m->key, m->key_len);
		if (r >= 0)
			r = emit_value(y, m);
	}
	y->n_sorted = start;
	return r < 0 ? r : emit(y, &event, yaml_mapping_end_event_initialize(&event));
}

static int
emit_list_kind(struct kube_yaml *y)
{
	_cleanup_free_ char *kind = text_format("%sList", y->item_kind);
	int r;

	if (!kind)
		return -ENOMEM;
	r = emit_text(y, "kind", strlen("kind"));
	return r < 0 ? r : emit_text(y, kind, strlen(kind));
}

static int
list_end(struct kube_yaml *y, const struct kube_value *head)
{
	bool has_kind = !is_empty(kube_value_get_string(head, "kind"));
	yaml_event_t event;
	size_t start;
	int r;

	r = emit(y, &event, yaml_sequence_end_event_initialize(&event));
	if (r < 0)
		return r;
	if (!has_kind) {
		r = emit_list_kind(y);
		if (r < 0)
			return r;
	}
	start = y->n_sorted;
	r = push_sorted(y, head);
	if (r < 0)
		return r;
	for (size_t i = 0; i < head->len; i++) {
		const struct kube_value *m = y->sorted[start + i];

		if (streq(m->key, "apiVersion") || streq(m->key, "items") ||
		    (!has_kind && streq(m->key, "kind")))
			continue;
		r = emit_text(y, m->key, m->key_len);
		if (r < 0)
			return r;
		r = streq(m->key, "metadata") ? emit_list_metadata(y, m) : emit_value(y, m);
		if (r < 0)
			return r;
	}
	y->n_sorted = start;
	return emit(y, &event, yaml_mapping_end_event_initialize(&event));
}

int
kube_yaml_list_end(struct kube_yaml *y, const struct kube_value *head)
{
	int r;

	if (!y->in_list || !is_writable(head))
		return -EINVAL;
	r = list_end(y, head);
	if (r >= 0)
		return file_end(y);
	drop(y);
	return r;
}
