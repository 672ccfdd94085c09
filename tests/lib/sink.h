/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Output of a filter, in memory, and numbers to make input of. For tests and fuzz targets:
 * assert() is alive when this is included. */

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct sink {
	char *data; /* owned; ends in a NUL behind len once something was written */
	size_t len;
	size_t size;
};

static inline void
sink_done(struct sink *s)
{
	free(s->data);
}

/* A callback of the filters. */
static inline int
sink_write(const void *data, size_t len, void *userdata)
{
	struct sink *s = userdata;

	if (s->len + len >= s->size) {
		s->size = 2 * (s->len + len) + 64;
		s->data = realloc(s->data, s->size);
		assert(s->data);
	}
	if (len > 0)
		memcpy(s->data + s->len, data, len);
	s->len += len;
	s->data[s->len] = '\0';
	return 0;
}

static inline bool
sink_same(const struct sink *a, const struct sink *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* A generator that a printed seed repeats; STATE is not 0. */
static inline uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}
