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
	case SCAN_ANY_LINE:
		return is_blank(c) || is_base64(c);
	case SCAN_ANY_HASH:
		return is_digit(c) || is_lower(c);
	case SCAN_ANY_LIST:
		return is_blank(c) || c == ',';
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
		if (!over && text[i] > SCAN_ANY_LIST) {
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

/* The same without the last table: enough to pass over nearly all text. */
static inline uint64_t
maybe_at(const struct scan *s, const uint8_t *p)
{
	return s->table[0][p[0]] & s->table[1][p[1]] & s->table[2][p[2]];
}

size_t
scan_next(
    const struct scan *s, const uint8_t *data, size_t i, size_t end, uint64_t *ret_anchors)
{
	uint64_t found;

	while (i < end) {
		/* Four places at a time, one branch; END is not passed because a hit behind it
		 * is not reported below. */
		while (end - i >= 4 &&
		    (maybe_at(s, data + i) | maybe_at(s, data + i + 1) |
			maybe_at(s, data + i + 2) | maybe_at(s, data + i + 3)) == 0)
			i += 4;
		for (size_t stop = end - i < 4 ? end : i + 4; i < stop; i++) {
			found = anchors_at(s, data + i);
			if (found) {
				*ret_anchors = found;
				return i;
			}
		}
	}
	*ret_anchors = 0;
	return end;
}
