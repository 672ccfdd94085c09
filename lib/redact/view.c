/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/redact/view.h"

/* Backslashes counted in front of a quote; 64 is JSON within JSON six deep. */
#define SLASHES_MAX 64u

bool
view_has(struct view *v, size_t i, const char *s)
{
	for (; *s; s++, i++)
		if (view_at(v, i) != (unsigned char)*s)
			return false;
	return true;
}

bool
view_has_fold(struct view *v, size_t i, const char *s)
{
	for (; *s; s++, i++)
		if (to_lower(view_at(v, i)) != (unsigned char)*s)
			return false;
	return true;
}

static bool
is_hex(int c)
{
	return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f');
}

bool
view_is_word_start(const struct view *v, size_t i)
{
	int c = view_before(v, i);

	if (!is_alnum(c) && c != '_' && c != '-')
		return true;
	if ((c == 'n' || c == 'r' || c == 't') && view_before(v, i - 1) == '\\')
		return true;
	return is_hex(c) && i - v->low >= 3 && is_hex(v->data[i - 2]) && v->data[i - 3] == '%';
}

unsigned
view_slashes_before(const struct view *v, size_t i)
{
	unsigned n = 0;

	while (n < SLASHES_MAX && view_before(v, i) == '\\') {
		i--;
		n++;
	}
	return n;
}
