/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A part of the text and what is written in its place. */

#include <string.h>

#include "lib/clean/alias.h"
#include "lib/clean/clean.h"
#include "lib/redact/view.h"

/* The name of a host has at most 127 labels, each of which may get an alias and a dot. */
#define SPAN_TEXT_BYTES (127u * (ALIAS_NAME_BYTES + 1))

struct span {
	enum clean_kind kind;
	size_t start;
	size_t end;
	size_t len; /* 0: what stands there is known and stays */
	char text[SPAN_TEXT_BYTES];
};

/* What the finders of addresses need to know. */
struct finder {
	const struct prf_key *key;
	const uint32_t *known_ipv4; /* addresses that are no versions */
	size_t n_known_ipv4;
};

static inline void
span_begin(struct span *s, enum clean_kind kind, size_t start, size_t end)
{
	s->kind = kind;
	s->start = start;
	s->end = end;
	s->len = 0;
}

/* Appends TEXT[LEN], which fits. */
static inline void
span_add(struct span *s, const void *text, size_t len)
{
	memcpy(s->text + s->len, text, len);
	s->len += len;
}

/* True if a letter or digit stands before I and is not that of an escape, as in "\n". */
static inline bool
span_is_glued(const struct view *v, size_t i)
{
	return is_alnum(view_before(v, i)) && !view_is_word_start(v, i);
}
