/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A JSON value as the API server sent it: members keep their order, numbers their text.
 *
 * A double would turn 9007199254740993 into …992, so a number is never converted. Each value is
 * one allocation; a container holds its children in a list. Texts have a length and may hold
 * NUL; they are always followed by a NUL too. Texts are valid UTF-8 when they come from
 * kube_json (json.h) or from text in UTF-8. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cleanup.h"

/* Deepest nesting taken. The deepest that Kubernetes has, schemas in CRDs, is about 60; readers
 * in Python, which recurse, give up somewhere above 300. */
#define KUBE_VALUE_MAX_DEPTH 200u

enum kube_type {
	KUBE_NULL,
	KUBE_FALSE,
	KUBE_TRUE,
	KUBE_NUMBER,
	KUBE_STRING,
	KUBE_ARRAY,
	KUBE_OBJECT,
	_KUBE_TYPE_COUNT,
};

struct kube_value {
	enum kube_type type;
	uint32_t key_len;	  /* of a member of an object */
	uint32_t len;		  /* of text; number of children of a container */
	bool text_is_separate;	  /* text has an allocation of its own */
	struct kube_value *next;  /* the sibling; owned by the parent */
	struct kube_value *first; /* owned */
	struct kube_value *last;
	const char *key;  /* "" when not a member */
	const char *text; /* owned; of a string or number, "" otherwise */
};

/* clang-format off */
/* Walks the children of VALUE, which may be NULL. CHILD must stay in place meanwhile. */
#define KUBE_VALUE_FOREACH(child, value)                                                 \
	for (child = (value) ? (value)->first : NULL; child; child = (child)->next)
/* clang-format on */

/* New values; *TEXT need not be terminated. NULL when out of memory. The caller owns it. */
struct kube_value *kube_value_new(enum kube_type type, const char *text, size_t len);
struct kube_value *kube_value_new_string(const char *text);
void kube_value_free(struct kube_value *v);
DEFINE_CLEANUP(struct kube_value *, kube_value_free);

/* As above, for a member of an object that kube_value_append() puts in its place. */
struct kube_value *kube_value_new_member(
    const char *key, size_t key_len, enum kube_type type, const char *text, size_t len);

/* Puts CHILD, made with a key for an object, behind the other children. Consumes CHILD. */
void kube_value_append(struct kube_value *parent, struct kube_value *child);

/* The member KEY of an object; NULL when there is none or OBJECT is NULL or no object. */
struct kube_value *kube_value_get(const struct kube_value *object, const char *key);
/* Members of members: kube_value_find(pod, "metadata", "name", NULL). */
struct kube_value *kube_value_find(const struct kube_value *object, const char *key, ...)
    __attribute__((sentinel));

/* The text of a string, NULL for everything else, also for NULL. */
const char *kube_value_string(const struct kube_value *v);
/* The text of the member KEY when it is a string, otherwise NULL. */
const char *kube_value_get_string(const struct kube_value *object, const char *key);
/* A number or a string of digits as integer. Returns 0, -EINVAL or -ERANGE. */
int kube_value_int(const struct kube_value *v, int64_t *ret);

/* Makes V, whatever it was, the string TEXT[LEN]; key and place stay. Returns 0 or -ENOMEM. */
int kube_value_assign(struct kube_value *v, const char *text, size_t len);

/* Sets the member KEY to the string TEXT: at its place, or as the last. Returns 0 or -ENOMEM.
 */
int kube_value_set_string(struct kube_value *object, const char *key, const char *text);

/* Removes the member KEY. Returns true if there was one. */
bool kube_value_remove(struct kube_value *object, const char *key);

/* Same type, texts and children; the members of objects in any order. */
bool kube_value_equal(const struct kube_value *a, const struct kube_value *b);
