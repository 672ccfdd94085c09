/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/redact/key.h"

static void
find_name(struct view *v, size_t at, struct key *ret)
{
	size_t end = at;
	size_t start = at;

	while (end - at < KEY_NAME_MAX_BYTES && is_name(view_at(v, end)))
		end++;
	while (at - start < KEY_NAME_MAX_BYTES && is_name(view_before(v, start)))
		start--;
	/* The letter of an escape is no part of the name: "\npassword". */
	if (start < at && view_before(v, start) == '\\' && strchr("nrtbf", v->data[start]))
		start++;
	ret->open = start;
	while (start < at && v->data[start] == '-')
		start++;
	ret->dashes = start > ret->open;
	ret->start = start;
	ret->end = ret->after = end;
}

/* The quote in front of the name, and the one behind it if it is the same. */
static void
find_quotes(struct view *v, struct key *ret)
{
	int c = view_before(v, ret->open);
	size_t next;
	unsigned n;

	ret->quote = 0;
	ret->depth = 0;
	ret->quoted = false;
	if (is_quote(c)) {
		ret->quote = c;
		ret->depth = view_slashes_before(v, ret->open - 1);
	}
	next = view_skip_char(v, ret->end, '\\', 64);
	c = view_at(v, next);
	n = (unsigned)(next - ret->end);
	if (!is_quote(c))
		return;
	if (c == ret->quote && n == ret->depth) {
		ret->open -= 1 + ret->depth;
	} else if (c != '"' || ret->quote != 0) {
		/* Not a pair of quotes; but "db password": "x" is a name of two words. */
		return;
	}
	ret->quoted = true;
	ret->quote = c;
	ret->depth = n;
	ret->after = next + 1;
}

bool
key_find(struct view *v, size_t at, struct key *ret)
{
	find_name(v, at, ret);
	if (ret->end - at == KEY_NAME_MAX_BYTES || v->more)
		return false;
	find_quotes(v, ret);
	return true;
}

/* "API Key", "Secret Access Key": the word before makes the key. */
static bool
judge_two_words(struct view *v, struct key *key)
{
	uint8_t joined[KEY_NAME_MAX_BYTES];
	size_t start = key->start;
	size_t len;

	if (key->end - key->start != 3 || !is_blank(view_before(v, start)))
		return false;
	start--;
	while (key->end - start < sizeof(joined) && is_name(view_before(v, start)))
		start--;
	len = key->end - start;
	memcpy(joined, v->data + start, len);
	if (!key_classify(joined, len, &key->class))
		return false;
	key->class.traits |= KEY_PROSE;
	return true;
}

bool
key_judge(struct view *v, struct key *key)
{
	size_t len = key->end - key->start;

	if (v->own && key_classify_own(v->own, v->data + key->start, len, &key->class))
		return true;
	return key_classify(v->data + key->start, len, &key->class) || judge_two_words(v, key);
}

/* Length of the word before I that may stand before an assignment, 0 if it is another. */
static size_t
lead_word(const struct view *v, size_t i)
{
	static const char *const words[] = { "export", "set", "setenv", "ENV", "-" };

	for (size_t w = 0; w < ELEMENTSOF(words); w++) {
		size_t n = strlen(words[w]);

		if (i - v->low >= n && memcmp(v->data + i - n, words[w], n) == 0)
			return n;
	}
	return 0;
}

/* Steps back from I over indentation, "export ", list dashes and comment signs. */
static size_t
skip_back(const struct view *v, size_t i)
{
	for (;;) {
		size_t start = i;
		size_t n = 0;

		while (is_blank(view_before(v, i)))
			i--;
		if (view_before(v, i) == '#' || view_before(v, i) == ';')
			n = 1;
		else if (i < start)
			n = lead_word(v, i);
		if (n == 0)
			return i;
		i -= n;
	}
}

struct key_line
key_line(struct view *v, const struct key *key)
{
	struct key_line line = { 0 };
	size_t i;
	int c;

	if (key->quote != 0 && !key->quoted) {
		/* The first line of a text within quotes. */
		line.starts = true;
		line.slashes = 2 * key->depth + 1;
		return line;
	}
	i = skip_back(v, key->open);
	c = view_before(v, i);
	line.column = key->open - i;
	if (c == VIEW_NONE)
		line.starts = v->first;
	else
		line.starts = is_record_end(c);
	if (c == 'n' && view_before(v, i - 1) == '\\') {
		line.starts = true;
		line.slashes = view_slashes_before(v, i - 1);
	}
	return line;
}
