/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/cleanup.h"
#include "lib/redact/kubesecret.h"
#include "lib/redact/pairs.h"

/* Deepest indentation that is followed. */
#define INDENT_MAX     256u
/* Longest name of a key. */
#define NAME_MAX_BYTES 128u
/* Base64 that is long enough to tell a Secret from text when its kind is out of sight. */
#define VALUE_MIN      8u

/* A line of YAML, or of JSON with one key on it. */
struct line {
	size_t column; /* of the first character: of the list dash if there is one */
	size_t text;   /* where the text behind list dashes begins */
	size_t text_column;
	bool empty;
	struct key key; /* key.end is 0 if there is none */
	size_t value;	/* behind the colon and blanks */
};

static bool
ends_line(struct view *v, size_t i)
{
	return view_is_end(v, i) || is_record_end(view_at(v, i));
}

/* Reads NAME: or "NAME": at line->text. */
static void
read_key(struct view *v, struct line *line)
{
	struct key *key = &line->key;
	int quote = view_at(v, line->text);
	size_t i = line->text;

	key->open = i;
	if (is_quote(quote)) {
		key->quoted = true;
		key->quote = quote;
		i++;
	}
	key->start = i;
	while (i - key->start < NAME_MAX_BYTES && is_name(view_at(v, i)))
		i++;
	if (i == key->start)
		return;
	key->after = i + key->quoted;
	if ((key->quoted && view_at(v, i) != quote) || view_at(v, key->after) != ':')
		return;
	if (!is_blank(view_at(v, key->after + 1)) && !ends_line(v, key->after + 1))
		return;
	key->end = i;
	line->value = view_skip_blank(v, key->after + 1, INDENT_MAX);
}

static void
read_line(struct view *v, size_t start, struct line *ret)
{
	size_t i = view_skip_blank(v, start, INDENT_MAX);

	*ret = (struct line){ .column = i - start };
	while (view_at(v, i) == '-' && is_blank(view_at(v, i + 1)))
		i = view_skip_blank(v, i + 1, INDENT_MAX);
	ret->text = i;
	ret->text_column = i - start;
	ret->empty = ends_line(v, i);
	read_key(v, ret);
}

static bool
key_is(const struct view *v, const struct line *line, const char *name)
{
	size_t len = strlen(name);

	return line->key.end == line->key.start + len &&
	    memcmp(v->data + line->key.start, name, len) == 0;
}

/* True if the value of LINE is Secret, in quotes or not. */
static bool
says_secret(struct view *v, const struct line *line)
{
	size_t i = line->value + is_quote(view_at(v, line->value));

	return view_has(v, i, "Secret") && !is_name(view_at(v, i + 6));
}

/* First byte behind the line that I is on. Sets *RET_MARKED if a marker is on it. */
static size_t
next_line(struct view *v, size_t i, bool *ret_marked)
{
	for (;; i++) {
		int c = view_at(v, i);

		if (c == VIEW_NONE)
			return i;
		if (c == '\n')
			return i + 1;
		if (c == '[' && marker_stands(v, i))
			*ret_marked = true;
	}
}

static bool
is_document_start(struct view *v, const struct line *line)
{
	size_t end = line->text + 3;

	return line->column == 0 && view_has(v, line->text, "---") &&
	    (ends_line(v, end) || is_blank(view_at(v, end)));
}

/* All the text of LINE behind its key is base64, as the values of a Secret are. */
static bool
has_base64(struct view *v, const struct line *line)
{
	size_t i = line->value + is_quote(view_at(v, line->value));
	size_t n = 0;

	while (charset_has(CHARSET_BASE64, view_at(v, i + n)))
		n++;
	i += n;
	i += is_quote(view_at(v, i));
	i += view_at(v, i) == ',';
	return n >= VALUE_MIN && ends_line(v, i);
}

/* "data:" comes before "kind:" where keys are sorted. Looks for the kind of the object that
 * DATA is of. Out of sight, the first value has to tell. A text with markers in it was judged
 * when it had more lines; it must not be judged otherwise now that more of it is in sight. */
static bool
is_secret_below(struct view *v, const struct line *data)
{
	struct line line;
	struct line first = { 0 };
	bool marked = false;
	size_t i = next_line(v, data->value, &marked);

	while (view_at(v, i) != VIEW_NONE && !marked) {
		read_line(v, i, &line);
		if (!line.empty) {
			if (first.text == 0)
				first = line;
			if (line.column < data->text_column || is_document_start(v, &line))
				return false;
			if (line.column == data->text_column && key_is(v, &line, "kind"))
				return says_secret(v, &line);
			/* An object has one; a text made of nothing else would take long. */
			if (line.column == data->text_column && key_is(v, &line, "data"))
				return false;
		}
		i = next_line(v, i, &marked);
	}
	return v->full && !marked && first.key.end > 0 && has_base64(v, &first);
}

/* Moves K over LINE. */
static void
follow(struct kubesecret *k, struct view *v, const struct line *line)
{
	bool opens = line->key.end > 0 &&
	    (ends_line(v, line->value) || view_at(v, line->value) == '{' ||
		view_at(v, line->value) == '#');

	if (k->inside && line->column <= k->column)
		k->inside = false;
	if (k->known && (line->column < k->kind_column || is_document_start(v, line)))
		k->known = false;
	if (k->inside)
		return;
	if (key_is(v, line, "kind") && (!k->known || line->text_column == k->kind_column)) {
		k->known = says_secret(v, line);
		k->kind_column = line->text_column;
	}
	if (!opens)
		return;
	if (key_is(v, line, "stringData") ||
	    (key_is(v, line, "data") &&
		((k->known && k->kind_column == line->text_column) ||
		    is_secret_below(v, line)))) {
		k->inside = true;
		k->column = line->text_column;
	}
}

/* Hides what stands on the line from START on. */
static enum verdict
hide_line(struct view *v, size_t start, struct finding *f)
{
	struct value probe = { .form = VALUE_PLAIN, .flags = PLAIN_SPACES | PLAIN_QUOTES };
	size_t end = value_end(v, start, &probe);

	f->value = probe;
	f->kind = REDACT_SECRET;
	f->start = f->body = start;
	if ((end < v->end || v->last) && value_is_harmless(v->data + start, end - start))
		return VERDICT_PASS;
	return VERDICT_HIDE;
}

/* Outside of a Secret only three names matter; nearly every line of every log ends here. */
static bool
can_matter(const struct kubesecret *k, struct view *v, size_t start)
{
	size_t i = view_skip_blank(v, start, INDENT_MAX);
	int c;

	if (k->known || k->inside)
		return true;
	while (view_at(v, i) == '-' && is_blank(view_at(v, i + 1)))
		i = view_skip_blank(v, i + 1, INDENT_MAX);
	c = view_at(v, i + is_quote(view_at(v, i)));
	return c == 'd' || c == 'k' || c == 's';
}

void
kubesecret_see_kind(struct kubesecret *k, struct view *v, size_t at)
{
	size_t i = at;

	if (!view_has(v, at, "Secret\"") && !view_has(v, at, "Secret\\") &&
	    !view_has(v, at, "SecretList"))
		return;
	/* Back over quotes, colon and blanks to the key. */
	while (i > v->low && strchr("\\\": ", v->data[i - 1]) && v->data[i - 1] != '\0')
		i--;
	if (i < at && i - v->low >= 4 && memcmp(v->data + i - 4, "kind", 4) == 0)
		k->line = true;
}

/* The name "data" or "stringData" in quotes around AT, and "{" behind it. Returns the place of
 * the brace and sets *RET_DEPTH to the backslashes before the quotes; 0 if it is something
 * else. */
static size_t
object_behind(struct view *v, size_t at, unsigned *ret_depth)
{
	bool is_data = at >= v->low + 2 && memcmp(v->data + at - 2, "data", 4) == 0;
	size_t start = is_data ? at - 2 : at - 8;
	size_t i;

	if (!is_data && (at < v->low + 8 || memcmp(v->data + at - 8, "stringData", 10) != 0))
		return 0;
	if (view_before(v, start) != '"')
		return 0;
	*ret_depth = view_slashes_before(v, start - 1);
	i = view_skip_char(v, at + 2, '\\', VALUE_LOOK_BYTES);
	if (view_at(v, i) != '"' || i - at - 2 != *ret_depth)
		return 0;
	i = view_skip_blank(v, i + 1, INDENT_MAX);
	if (view_at(v, i) != ':')
		return 0;
	i = view_skip_blank(v, i + 1, INDENT_MAX);
	return view_at(v, i) == '{' ? i : 0;
}

/* True if the object that ends before I is followed by `"kind":"Secret"`: keys are sorted. */
static bool
kind_follows(struct view *v, size_t i, unsigned depth)
{
	static const char *const keys[] = { "immutable", "true", "kind", "Secret" };
	size_t k = 0;

	for (size_t n = 0; n < NAME_MAX_BYTES && k < ELEMENTSOF(keys); n++) {
		int c = view_at(v, i);

		if (c == ',' || c == ':' || c == '"' || is_blank(c) ||
		    (depth > 0 && c == '\\')) {
			i++;
			continue;
		}
		if (k == 0 && !view_has(v, i, keys[0]))
			k = 2;
		if (!view_has(v, i, keys[k]))
			return false;
		i += strlen(keys[k++]);
	}
	return k == ELEMENTSOF(keys) && !is_name(view_at(v, i));
}

/* The first value within the object at BRACE is base64, as that of a Secret. */
static bool
begins_with_base64(struct view *v, size_t brace)
{
	size_t i = brace;
	size_t n = 0;

	while (i - brace < VALUE_LOOK_BYTES && view_at(v, i) != ':' && !view_is_end(v, i))
		i++;
	while (i - brace < VALUE_LOOK_BYTES && !is_alnum(view_at(v, i)) && !view_is_end(v, i))
		i++;
	while (n < VALUE_LOOK_BYTES && charset_has(CHARSET_BASE64, view_at(v, i + n)))
		n++;
	return n >= VALUE_MIN && (is_quote(view_at(v, i + n)) || view_at(v, i + n) == '\\');
}

enum verdict
kubesecret_match_object(
    const struct kubesecret *k, struct view *v, size_t at, struct finding *ret)
{
	struct value probe = { .form = VALUE_OBJECT };
	size_t brace = object_behind(v, at, &probe.depth);
	size_t end;

	if (brace == 0 || ends_line(v, brace + 1) || view_at(v, brace + 1) == '}')
		return VERDICT_PASS;
	ret->kind = REDACT_SECRET;
	ret->start = ret->body = brace;
	ret->quote = '"';
	ret->depth = probe.depth;
	ret->value = probe;
	if (k->line)
		return VERDICT_HIDE;
	end = value_end(v, brace, &probe);
	if (end >= v->end && v->full)
		return begins_with_base64(v, brace) ? VERDICT_HIDE : VERDICT_PASS;
	return kind_follows(v, end, ret->depth) ? VERDICT_HIDE : VERDICT_PASS;
}

enum verdict
kubesecret_match(struct kubesecret *k, struct view *v, size_t start, struct finding *ret)
{
	struct line line;
	bool was_inside;
	int c;

	k->line = false;
	if (!can_matter(k, v, start))
		return VERDICT_PASS;
	read_line(v, start, &line);
	if (line.empty)
		return VERDICT_PASS;
	was_inside = k->inside;
	follow(k, v, &line);
	c = view_at(v, line.text);
	if (!k->inside || c == '#')
		return VERDICT_PASS;
	if (!was_inside || line.text_column == k->column) {
		/* The line of "data:" itself, with braces: data: {a: b} */
		if (view_at(v, line.value) != '{' || ends_line(v, line.value + 1) ||
		    view_at(v, line.value + 1) == '}')
			return VERDICT_PASS;
		return hide_line(v, line.value, ret);
	}
	if (line.key.end == 0)
		return c == '}' || c == ']' ? VERDICT_PASS : hide_line(v, line.text, ret);
	/* PEM says what it is; see there. */
	if (ends_line(v, line.value) ||
	    view_has(v, line.value + is_quote(view_at(v, line.value)), "LS0tLS1CRUdJTi"))
		return VERDICT_PASS;
	line.key.class = (struct key_class){ .kind = REDACT_SECRET };
	return pair_match_value(v, &line.key, line.value, ret);
}
