/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/redact/value.h"
#include "lib/redact/pem.h"
#include "lib/redact/rules.h"

/* Longest name looked for behind a separator: ", user=", "&state=". */
#define NEXT_NAME_MAX 64u
/* Most blanks looked over. */
#define BLANKS_MAX    64u

bool
charset_has(enum charset charset, int c)
{
	switch (charset) {
	case CHARSET_BASE64:
		return is_base64(c) || c == '=';
	case CHARSET_TOKEN:
		return is_base64(c) || c == '=' || c == '-' || c == '.' || c == '_' || c == '~';
	case CHARSET_WORD:
		return is_name(c);
	case CHARSET_HASH:
		return is_base64(c) || c == '.' || c == '$' || c == '=' || c == ',' ||
		    c == '-' || c == '}' || c == '_';
	case CHARSET_HEX:
		return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f');
	case CHARSET_NUMBERS:
		return is_digit(c) || c == ' ' || c == ',';
	}
	return false;
}

/* In a string whose own quote has D backslashes, one inside it has 2D+1, and each backslash of
 * the content has become 2(D+1) of them. Fewer than D: the string around this one ended. */
bool
quote_closes(unsigned n, unsigned depth)
{
	return n < depth || n % (2 * (depth + 1)) == depth;
}

/* True if NAME=x (or NAME: where COLON says so) stands at I, after at most one blank. Base64
 * can end in "=" too, with nothing behind it. */
static bool
pair_follows(struct view *v, size_t i, bool colon)
{
	size_t n = 0;
	int c;

	if (is_blank(view_at(v, i)))
		i++;
	if (is_digit(view_at(v, i)))
		return false;
	while (n < NEXT_NAME_MAX && is_name(view_at(v, i + n)))
		n++;
	if (n == 0 || n == NEXT_NAME_MAX)
		return false;
	c = view_at(v, i + n);
	if (c == ':')
		return colon;
	if (c != '=')
		return false;
	c = view_at(v, i + n + 1);
	return c != '=' && !is_record_end(c) && !view_is_end(v, i + n + 1);
}

/* True if what stands at I can follow a value that a comma or bracket ended. */
static bool
can_follow(struct view *v, size_t i)
{
	int c = view_at(v, i);

	return view_is_end(v, i) || is_blank(c) || is_record_end(c) || is_quote(c) ||
	    c == '\\' || c == ',' || c == ';' || c == ')' || c == ']' || c == '}' ||
	    (c == '.' && !is_alnum(view_at(v, i + 1)));
}

static bool
separator_ends(struct view *v, size_t i, unsigned flags)
{
	int c = view_at(v, i);

	if (c == ',' || c == ';' || c == '&')
		return pair_follows(v, i + 1, true) ||
		    ((flags & PLAIN_FLOW) && can_follow(v, i + 1));
	if (!(flags & PLAIN_FLOW))
		return false;
	if (c == ')' || c == ']' || c == '}')
		return can_follow(v, i + 1);
	return c == '<' && view_at(v, i + 1) == '/';
}

static bool
blank_ends(struct view *v, size_t i, unsigned flags)
{
	size_t next = view_skip_blank(v, i, BLANKS_MAX);
	int c = view_at(v, next);

	/* Trailing blanks stay. */
	if (view_is_end(v, next) || is_record_end(c))
		return true;
	if (!(flags & PLAIN_SPACES))
		return true;
	if ((flags & PLAIN_COMMENT) && c == '#')
		return true;
	return pair_follows(v, next, false);
}

/* A run of backslashes at I: does it lead to something that ends the value? Moves *I behind it
 * if not. */
static bool
slashes_end(struct view *v, size_t *i, const struct value *value)
{
	size_t next = view_skip_char(v, *i, '\\', VALUE_LOOK_BYTES);
	unsigned n = (unsigned)(next - *i);
	int c = view_at(v, next);

	if (is_quote(c) && !(value->flags & PLAIN_QUOTES) && value->quote == 0)
		return true;
	if (value->quote != 0 && c == value->quote && quote_closes(n, value->depth))
		return true;
	if (c == 'n' || c == 'r' || c == 't') {
		if (value->slashes > 0 && n <= value->slashes)
			return true;
		if (value->flags & PLAIN_FLOW)
			return true;
	}
	/* An escaped character, "\ " for one, belongs to the value. */
	*i = next + (n % 2 == 1 && (is_blank(c) || is_quote(c)));
	return false;
}

/* The place behind the marker at I; I if there is none. A marker ends no value. */
static size_t
skip_marker(struct view *v, size_t i)
{
	return view_at(v, i) == '[' ? i + marker_length(v, i) : i;
}

static size_t
plain_end(struct view *v, size_t i, const struct value *value)
{
	for (;;) {
		size_t marker = skip_marker(v, i);
		int c = view_at(v, i);

		if (c == VIEW_NONE || is_record_end(c) || v->more)
			return i;
		if (marker > i) {
			i = marker;
			continue;
		}
		if (c == '\\') {
			size_t next = i;

			if (slashes_end(v, &next, value) || v->more)
				return i;
			i = next;
			continue;
		}
		if (value->quote != 0 && c == value->quote && quote_closes(0, value->depth))
			return i;
		if (!(value->flags & PLAIN_ALONE)) {
			if (is_quote(c) && value->quote == 0 && !(value->flags & PLAIN_QUOTES))
				return i;
			if (is_blank(c) && blank_ends(v, i, value->flags))
				return i;
			if (separator_ends(v, i, value->flags))
				return i;
		}
		if (v->more)
			return i;
		i++;
	}
}

/* A line end inside quotes: true if the quote is closed soon and by something that looks like
 * it, so that a string cut off by its writer does not take the next lines with it. */
static bool
goes_on_after_line(struct view *v, size_t i, const struct value *value)
{
	int c;

	for (size_t n = 0; n < VALUE_MULTILINE_BYTES; n++, i++) {
		c = view_at(v, i);
		if (c == VIEW_NONE || c == '\0')
			return false;
		/* The value was let pass for the marker in it; see it again. */
		if (c == '[' && marker_stands(v, i))
			return true;
		if (c != value->quote || !quote_closes(view_slashes_before(v, i), value->depth))
			continue;
		if (is_blank(v->data[i - 1]) && value->quote == '"')
			return false;
		c = view_at(v, i + 1);
		return view_is_end(v, i + 1) || is_blank(c) || is_record_end(c) || c == ',' ||
		    c == '}' || c == ']' || c == ')' || c == ';';
	}
	return false;
}

/* A quote that would close, at I: 'it''s' and 'it'\''s' go on. Returns how much to pass over,
 * 0 if it does close. */
static size_t
single_quote_goes_on(struct view *v, size_t i, const struct value *value)
{
	if (value->quote != '\'' || value->depth != 0)
		return 0;
	if (view_at(v, i + 1) == '\'')
		return 2;
	return view_has(v, i, "'\\''") ? 4 : 0;
}

static size_t
quoted_end(struct view *v, size_t i, const struct value *value)
{
	for (;;) {
		size_t next = i;
		size_t pass;
		unsigned n;
		int c = view_at(v, i);

		if (c == VIEW_NONE || c == '\0')
			return i;
		if (c == '\n' && !goes_on_after_line(v, i + 1, value))
			return i;
		if (c == '\\')
			next = view_skip_char(v, i, '\\', VALUE_LOOK_BYTES);
		if (view_at(v, next) == value->quote) {
			n = (unsigned)(next - i);
			pass = single_quote_goes_on(v, next, value);
			if (v->more)
				return i;
			if (quote_closes(n, value->depth) && pass == 0)
				return next - (n < value->depth ? n : value->depth);
			next += pass > 0 ? pass : 1;
		}
		if (v->more)
			return i;
		i = next > i ? next : i + 1;
	}
}

/* True if the last thing before I that is no white space is a quote: between strings. */
static bool
is_behind_quote(const struct view *v, size_t i)
{
	for (size_t n = 0; n < BLANKS_MAX; n++, i--) {
		int c = view_before(v, i);

		if (!is_blank(c) && c != '\n' && c != '\r')
			return is_quote(c);
	}
	return false;
}

/* A line end within a list of strings: true if the list goes on behind it. */
static bool
list_goes_on(struct view *v, size_t i)
{
	size_t next = view_skip_blank(v, i + 1, VALUE_LOOK_BYTES);
	int c = view_at(v, next);

	return is_quote(c) || c == ']' || c == '\\' || c == '\n';
}

static size_t
bracket_end(struct view *v, size_t i, const struct value *value)
{
	bool strings = value->quote != 0;

	for (;; i++) {
		size_t marker = skip_marker(v, i);
		int c;

		if (v->more)
			return i;
		i = marker;
		c = view_at(v, i);
		if (c == VIEW_NONE || c == '\0')
			return i;
		if (c == ']' && (!strings || is_behind_quote(v, i)))
			return i;
		if (is_record_end(c) && !(strings && list_goes_on(v, i)))
			return i;
		if (c == '"' && !strings)
			return i;
		if (v->more)
			return i;
	}
}

static size_t
element_end(struct view *v, size_t i)
{
	for (;; i++) {
		int c = view_at(v, i);

		if (c == VIEW_NONE || c == '\0' || c == '<')
			return i;
	}
}

/* Length of the line end at I, real or spelled out with value->slashes backslashes; 0 if there
 * is none. */
static size_t
line_end_length(struct view *v, size_t i, const struct value *value)
{
	size_t n;

	if (value->slashes == 0)
		return view_at(v, i) == '\n';
	n = view_skip_char(v, i, '\\', value->slashes + 1) - i;
	return n == value->slashes && view_at(v, i + n) == 'n' ? n + 1 : 0;
}

/* True if the line behind the line end at I belongs to the block. */
static bool
block_goes_on(struct view *v, size_t i, const struct value *value)
{
	size_t stop = i + VALUE_LOOK_BYTES;

	while (i < stop) {
		size_t start = i + line_end_length(v, i, value);
		size_t text = view_skip_blank(v, start, VALUE_LOOK_BYTES);
		int c = view_at(v, text);

		if (c == VIEW_NONE)
			return !view_is_end(v, text);
		if (c == '\r')
			c = view_at(v, ++text);
		if (line_end_length(v, text, value) > 0) {
			i = text;
			continue;
		}
		if (text - start > value->column)
			return c != '\0' && (value->slashes == 0 || (c != '\n' && c != '"'));
		return value->dash && text - start == value->column && c == '-' &&
		    is_blank(view_at(v, text + 1));
	}
	return true;
}

static size_t
block_end(struct view *v, size_t i, const struct value *value)
{
	for (;;) {
		int c = view_at(v, i);
		size_t n = line_end_length(v, i, value);

		if (c == VIEW_NONE || c == '\0')
			return i;
		if (n > 0 && !block_goes_on(v, i, value))
			return i;
		if (value->slashes > 0 && n == 0) {
			if (c == '\n')
				return i;
			if (c == '"' &&
			    quote_closes(view_slashes_before(v, i), (value->slashes - 1) / 2))
				return i - (value->slashes - 1) / 2;
		}
		if (v->more)
			return i;
		i += n > 0 ? n : 1;
	}
}

/* NAME="text" within parameters, at the quote. Returns where it is over. */
static size_t
param_string_end(struct view *v, size_t i)
{
	int quote = view_at(v, i);

	for (size_t n = 1; n < VALUE_LOOK_BYTES; n++) {
		int c = view_at(v, i + n);

		if (c == VIEW_NONE || is_record_end(c))
			break;
		if (c == quote && view_before(v, i + n) != '\\')
			return i + n + 1;
	}
	return i + 1;
}

static size_t
params_end(struct view *v, size_t i)
{
	for (;;) {
		size_t next = skip_marker(v, i);
		int c = view_at(v, i);

		if (c == VIEW_NONE || is_record_end(c) || c == '\\' || v->more)
			return i;
		if (next > i) {
			i = next;
			continue;
		}
		next = i + 1;
		if (is_quote(c)) {
			if (view_before(v, i) != '=')
				return i;
			next = param_string_end(v, i);
		} else if (is_blank(c)) {
			if (view_before(v, i) != ',')
				return i;
		} else if (c == ',') {
			if (!pair_follows(v, i + 1, false))
				return i;
		} else if (separator_ends(v, i, PLAIN_FLOW)) {
			return i;
		}
		if (v->more)
			return i;
		i = next;
	}
}

static size_t
cookies_end(struct view *v, size_t i)
{
	for (;; i++) {
		size_t marker = skip_marker(v, i);
		int c;

		if (v->more)
			return i;
		i = marker;
		c = view_at(v, i);
		if (c == VIEW_NONE || is_record_end(c) || is_quote(c) || c == '\\' || c == ']')
			return i;
		if (is_blank(c) && view_before(v, i) != ';')
			return i;
	}
}

/* base64(1) breaks its lines; in JSON that is "\n" spelled out. Returns where the next line
 * begins if it is base64 too, else I. */
static size_t
next_encoded_line(struct view *v, size_t i)
{
	size_t next = view_skip_char(v, i, '\\', BLANKS_MAX);
	size_t n = 1;
	int c;

	if (next == i || view_at(v, next) != 'n')
		return i;
	while (n < VALUE_LOOK_BYTES && charset_has(CHARSET_BASE64, view_at(v, next + n)))
		n++;
	c = view_at(v, next + n);
	return n > 1 && (n == VALUE_LOOK_BYTES || is_quote(c) || c == '\\') ? next + 1 : i;
}

static size_t
run_end(struct view *v, size_t i, const struct value *value)
{
	for (;;) {
		size_t next;

		while (charset_has(value->charset, view_at(v, i)))
			i++;
		if (value->charset != CHARSET_BASE64 || view_at(v, i) != '\\')
			return i;
		next = next_encoded_line(v, i);
		if (next == i || v->more)
			return i;
		i = next;
	}
}

static size_t
span_end(struct view *v, size_t i, struct value *value)
{
	while (value->left > 0 && view_at(v, i) != VIEW_NONE) {
		value->left--;
		i++;
	}
	return i;
}

static size_t
object_end(struct view *v, size_t i, struct value *value)
{
	for (;; i++) {
		int c = view_at(v, i);

		if (c == VIEW_NONE || is_record_end(c))
			return i;
		if (c == '"' && quote_closes(view_slashes_before(v, i), value->depth))
			value->string = !value->string;
		if (value->string)
			continue;
		value->braces += c == '{';
		if (c == '}' && --value->braces == 0)
			return i + 1;
	}
}

size_t
value_end(struct view *v, size_t i, struct value *value)
{
	switch (value->form) {
	case VALUE_PLAIN:
		return plain_end(v, i, value);
	case VALUE_QUOTED:
		return quoted_end(v, i, value);
	case VALUE_BRACKET:
		return bracket_end(v, i, value);
	case VALUE_ELEMENT:
		return element_end(v, i);
	case VALUE_BLOCK:
		return block_end(v, i, value);
	case VALUE_PARAMS:
		return params_end(v, i);
	case VALUE_COOKIES:
		return cookies_end(v, i);
	case VALUE_RUN:
		return run_end(v, i, value);
	case VALUE_LINES:
		return pem_lines_end(v, i, value);
	case VALUE_SPAN:
		return span_end(v, i, value);
	case VALUE_OBJECT:
		return object_end(v, i, value);
	case VALUE_PEM:
		return pem_end(v, i, value);
	}
	return i;
}
