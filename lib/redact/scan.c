/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/redact/scan.h"
#include "lib/redact/view.h"

void
scan_init(struct scan *s)
{
	memset(s, 0, sizeof(*s));
}

static bool
is_in_set(int set, int c)
{
	switch (set) {
	case SCAN_ANY_HASH:
		return is_digit(c) || is_lower(c);
	case SCAN_ANY_LIST:
		return is_blank(c) || c == ',';
	case SCAN_ANY_DIGIT:
		return is_digit(c);
	case SCAN_ANY_HEX:
		return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f');
	default:
		return true;
	}
}

void
scan_add(struct scan *s, unsigned bit, const char *text, bool fold)
{
	const uint64_t mask = UINT64_C(1) << bit;
	bool over = false;

	for (size_t i = 0; i < SCAN_ANCHOR_BYTES; i++) {
		over = over || text[i] == '\0';
		if (!over && (unsigned char)text[i] > SCAN_ANY_HEX) {
			s->table[i][(unsigned char)text[i]] |= mask;
			if (fold && is_lower(text[i]))
				s->table[i][text[i] - 'a' + 'A'] |= mask;
			continue;
		}
		/* A set, or behind the end of a short anchor, where everything will do. */
		for (int c = 0; c < 256; c++)
			if (is_in_set(over ? 0 : text[i], c))
				s->table[i][c] |= mask;
	}
}

static inline uint64_t
anchors_at(const struct scan *s, const uint8_t *p)
{
	return s->table[0][p[0]] & s->table[1][p[1]] & s->table[2][p[2]] & s->table[3][p[3]];
}

/* The same without the last table, which is enough to pass over nearly all text, for the eight
 * places from P on. */
static inline uint64_t
maybe_near(const struct scan *s, const uint8_t *p)
{
	const uint64_t *a = s->table[0];
	const uint64_t *b = s->table[1];
	const uint64_t *c = s->table[2];

	return (a[p[0]] & b[p[1]] & c[p[2]]) | (a[p[1]] & b[p[2]] & c[p[3]]) |
	    (a[p[2]] & b[p[3]] & c[p[4]]) | (a[p[3]] & b[p[4]] & c[p[5]]) |
	    (a[p[4]] & b[p[5]] & c[p[6]]) | (a[p[5]] & b[p[6]] & c[p[7]]) |
	    (a[p[6]] & b[p[7]] & c[p[8]]) | (a[p[7]] & b[p[8]] & c[p[9]]);
}

size_t
scan_next(
    const struct scan *s, const uint8_t *data, size_t i, size_t end, uint64_t *ret_anchors)
{
	while (i < end) {
		/* Eight places at a time, one branch. */
		while (end - i >= 8 && maybe_near(s, data + i) == 0)
			i += 8;
		for (size_t stop = end - i < 8 ? end : i + 8; i < stop; i++) {
			uint64_t found = anchors_at(s, data + i);

			if (found) {
				*ret_anchors = found;
				return i;
			}
		}
	}
	*ret_anchors = 0;
	return end;
}
