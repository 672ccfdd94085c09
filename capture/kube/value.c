/* SPDX-License-Identifier: Apache-2.0 */

#include "capture/kube/value.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "lib/text.h"

/* The key and the text stand behind the value, each with a NUL, in the same allocation. */
struct kube_value *
kube_value_new_member(
    const char *key, size_t key_len, enum kube_type type, const char *text, size_t len)
{
	struct kube_value *v;
	char *p;

	if (key_len > UINT32_MAX || len > UINT32_MAX)
		return NULL;
	v = malloc(sizeof(*v) + key_len + 1 + len + 1);
	if (!v)
		return NULL;
	p = (char *)(v + 1);
	*v = (struct kube_value){
		.type = type,
		.key_len = (uint32_t)key_len,
		.len = (uint32_t)len,
		.key = p,
		.text = p + key_len + 1,
	};
	if (key_len > 0)
		memcpy(p, key, key_len);
	p[key_len] = '\0';
	p += key_len + 1;
	if (len > 0)
		memcpy(p, text, len);
	p[len] = '\0';
	return v;
}

struct kube_value *
kube_value_new(enum kube_type type, const char *text, size_t len)
{
	return kube_value_new_member(NULL, 0, type, text, len);
}

struct kube_value *
kube_value_new_string(const char *text)
{
	return kube_value_new(KUBE_STRING, text, strlen(text));
}

/* Not recursive, so that any depth can be freed: the children of a container are put in front
 * of what is still to be freed. */
void
kube_value_free(struct kube_value *v)
{
	if (v)
		v->next = NULL;
	while (v) {
		struct kube_value *next = v->next;

		if (v->first) {
			v->last->next = next;
			next = v->first;
		}
		if (v->text_is_separate)
			free((char *)v->text);
		free(v);
		v = next;
	}
}

void
kube_value_append(struct kube_value *parent, struct kube_value *child)
{
	child->next = NULL;
	if (parent->last)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
	parent->len++;
}

static bool
has_key(const struct kube_value *member, const char *key, size_t key_len)
{
	return member->key_len == key_len && memcmp(member->key, key, key_len) == 0;
}

struct kube_value *
kube_value_get(const struct kube_value *object, const char *key)
{
	size_t key_len = strlen(key);
	struct kube_value *m;

	if (!object || object->type != KUBE_OBJECT)
		return NULL;
	KUBE_VALUE_FOREACH (m, object)
		if (has_key(m, key, key_len))
			return m;
	return NULL;
}

struct kube_value *
kube_value_find(const struct kube_value *object, const char *key, ...)
{
	struct kube_value *v = kube_value_get(object, key);
	va_list ap;

	va_start(ap, key);
	for (const char *k = va_arg(ap, const char *); v && k; k = va_arg(ap, const char *))
		v = kube_value_get(v, k);
	va_end(ap);
	return v;
}

const char *
kube_value_string(const struct kube_value *v)
{
	return v && v->type == KUBE_STRING ? v->text : NULL;
}

const char *
kube_value_get_string(const struct kube_value *object, const char *key)
{
	return kube_value_string(kube_value_get(object, key));
}

int
kube_value_int(const struct kube_value *v, int64_t *ret)
{
	const char *digits;
	long long n;
	char *end;

	if (!v || (v->type != KUBE_NUMBER && v->type != KUBE_STRING))
		return -EINVAL;
	digits = v->text + (v->text[0] == '-');
	if (digits[0] < '0' || digits[0] > '9')
		return -EINVAL;
	errno = 0;
	n = strtoll(v->text, &end, 10);
	if (end != v->text + v->len)
		return -EINVAL;
	if (errno == ERANGE)
		return -ERANGE;
	*ret = n;
	return 0;
}

static void
free_children(struct kube_value *v)
{
	while (v->first) {
		struct kube_value *child = v->first;

		v->first = child->next;
		kube_value_free(child);
	}
	v->last = NULL;
}

int
kube_value_assign(struct kube_value *v, const char *text, size_t len)
{
	char *copy;

	if (len > UINT32_MAX)
		return -EINVAL;
	copy = malloc(len + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, len);
	copy[len] = '\0';
	free_children(v);
	if (v->text_is_separate)
		free((char *)v->text);
	v->type = KUBE_STRING;
	v->text = copy;
	v->text_is_separate = true;
	v->len = (uint32_t)len;
	return 0;
}

int
kube_value_set_string(struct kube_value *object, const char *key, const char *text)
{
	struct kube_value *m = kube_value_get(object, key);

	if (m)
		return kube_value_assign(m, text, strlen(text));
	m = kube_value_new_member(key, strlen(key), KUBE_STRING, text, strlen(text));
	if (!m)
		return -ENOMEM;
	kube_value_append(object, m);
	return 0;
}

bool
kube_value_remove(struct kube_value *object, const char *key)
{
	size_t key_len = strlen(key);
	struct kube_value *previous = NULL;
	struct kube_value *m;

	if (!object || object->type != KUBE_OBJECT)
		return false;
	for (m = object->first; m && !has_key(m, key, key_len); m = m->next)
		previous = m;
	if (!m)
		return false;
	if (previous)
		previous->next = m->next;
	else
		object->first = m->next;
	if (object->last == m)
		object->last = previous;
	object->len--;
	kube_value_free(m);
	return true;
}

bool
kube_value_equal(const struct kube_value *a, const struct kube_value *b)
{
	const struct kube_value *in_b;
	const struct kube_value *m;

	if (a->type != b->type || a->len != b->len)
		return false;
	if (a->type != KUBE_ARRAY && a->type != KUBE_OBJECT)
		return memcmp(a->text, b->text, a->len) == 0;
	in_b = b->first;
	KUBE_VALUE_FOREACH (m, a) {
		const struct kube_value *other = in_b;

		/* Where the order is the same, and it mostly is, the search ends at once. */
		if (a->type == KUBE_OBJECT && !has_key(other, m->key, m->key_len))
			for (other = b->first; other; other = other->next)
				if (has_key(other, m->key, m->key_len))
					break;
		if (!other || !kube_value_equal(m, other))
			return false;
		in_b = in_b->next;
	}
	return true;
}
