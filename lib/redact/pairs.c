/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/redact/pairs.h"

/* How far a line below a key is looked at. */
#define LINE_LOOK_MAX  512u
/* Longest first word of a sentence behind "token: ". */
#define PROSE_WORD_MAX 20u

static enum verdict
hide(struct finding *f, const struct key *key, size_t start)
{
	f->kind = key->class.kind;
	f->start = f->body = start;
	return VERDICT_HIDE;
}

/* Hides the value at START unless it is one that may stay. f->value is set. */
static enum verdict
judge_value(struct view *v, const struct key *key, size_t start, struct finding *f)
{
	struct value probe = f->value;
	size_t end = value_end(v, start, &probe);
	const uint8_t *text = v->data + start;

	/* No end within the window: too long to be harmless. */
	if (end < v->end || v->last) {
		if (value_is_harmless(text, end - start) ||
		    value_suits_traits(text, end - start, key->class.traits))
			return VERDICT_PASS;
	}
	return hide(f, key, start);
}

/* True if a quote at I, which would open a value, rather closes the string that NAME: ends:
 * {"msg":"Enter password:","level":3} or "bad token:" err="…". */
static bool
closes_rather(struct view *v, size_t i, const struct key *key)
{
	size_t next;
	size_t n = 0;
	int c;

	if (key->quoted)
		return false;
	next = view_skip_blank(v, i + 1, PAIR_BLANKS_MAX);
	c = view_at(v, next);
	if (view_is_end(v, next) || is_record_end(c))
		return true;
	if (c == ',' || c == '}' || c == ']' || c == ':' || c == ')') {
		next = view_skip_blank(v, next + 1, PAIR_BLANKS_MAX);
		c = view_at(v, next);
		return view_is_end(v, next) || is_record_end(c) || is_quote(c) || c == '\\' ||
		    c == ',' || c == '}' || c == ']' || c == '{' || c == '[';
	}
	while (next > i + 1 && n < 64 && is_name(view_at(v, next + n)))
		n++;
	return n > 0 && view_at(v, next + n) == '=';
}

static enum verdict
quoted_value(
    struct view *v, const struct key *key, size_t quote, unsigned depth, struct finding *f)
{
	if (closes_rather(v, quote, key))
		return VERDICT_PASS;
	f->value.form = VALUE_QUOTED;
	f->value.quote = v->data[quote];
	f->value.depth = depth;
	/* '' is empty, not the first half of an escaped quote. */
	if (view_at(v, quote + 1) == f->value.quote &&
	    (depth > 0 || view_at(v, quote + 2) != f->value.quote))
		return VERDICT_PASS;
	return judge_value(v, key, quote + 1, f);
}

/* [abc def], ["abc", "def"], [104 117 110]. */
static enum verdict
bracket_value(struct view *v, const struct key *key, size_t bracket, struct finding *f)
{
	size_t start = view_skip_blank(v, bracket + 1, PAIR_BLANKS_MAX);
	size_t next = view_skip_char(v, start, '\\', 64);
	int c = view_at(v, start);

	if (marker_stands(v, bracket))
		return VERDICT_PASS;
	if (c == '{' || c == '[' || c == ']')
		return VERDICT_PASS;
	if ((key->class.traits & KEY_PLURAL) && (key->class.traits & KEY_PROSE))
		return VERDICT_PASS;
	f->value.form = VALUE_BRACKET;
	if (is_quote(view_at(v, next))) {
		f->value.quote = f->quote = view_at(v, next);
		f->depth = f->value.depth = (unsigned)(next - start);
	} else if (key->quoted) {
		f->quote = key->quote;
		f->depth = key->depth;
	}
	return judge_value(v, key, start, f);
}

/* A word of a sentence stands at I. */
static bool
is_lower_word(struct view *v, size_t i)
{
	size_t n = 0;

	if (is_upper(view_at(v, i)))
		n++;
	while (n < PROSE_WORD_MAX && is_lower(view_at(v, i + n)))
		n++;
	return n > 1 && n < PROSE_WORD_MAX && !is_name(view_at(v, i + n));
}

/* The word behind "token: " begins a sentence: "token: not found". Only where the key stands
 * amid text; at the start of a line it is configuration. */
static bool
is_prose(struct view *v, const struct key *key, size_t start)
{
	if (!(key->class.traits & KEY_PROSE) || key->quoted || key->dashes)
		return false;
	return is_blank(view_before(v, start)) && is_lower_word(v, start);
}

/* Where the secret behind a scheme begins: "token=Bearer abc". Only schemes that are known are
 * passed over, for what is passed over is written. */
static size_t
skip_scheme(struct view *v, size_t start)
{
	static const char *const schemes[] = { "aws4-hmac-sha256", "basic", "bearer", "digest",
		"negotiate", "ntlm", "oauth", "token" };

	for (size_t i = 0; i < ELEMENTSOF(schemes); i++) {
		size_t word = start + strlen(schemes[i]);
		size_t next;

		if (!view_has_fold(v, start, schemes[i]))
			continue;
		next = view_skip_blank(v, word, PAIR_BLANKS_MAX);
		if (next > word && !is_record_end(view_at(v, next)) && !view_is_end(v, next))
			return next;
	}
	return start;
}

static void
set_plain(const struct key *key, const struct key_line *line, int separator, struct finding *f)
{
	struct value *value = &f->value;

	value->form = VALUE_PLAIN;
	if (key->quoted) {
		/* JSON without quotes is a number; a marker needs them. */
		value->flags = PLAIN_FLOW | PLAIN_SPACES;
		f->quote = key->quote;
		f->depth = key->depth;
	} else if (key->quote != 0) {
		/* "DB_PASSWORD=x y": the whole string is the pair. */
		value->flags = separator == '=' && !key->dashes ? PLAIN_ALONE : PLAIN_SPACES;
		value->quote = key->quote;
		value->depth = key->depth;
		value->slashes = separator == '=' ? 0 : 2 * key->depth + 1;
	} else if (line->starts) {
		value->flags = PLAIN_SPACES | PLAIN_QUOTES;
		if (separator == ':')
			value->flags |= PLAIN_COMMENT;
		if (line->slashes > 0) {
			value->slashes = line->slashes;
			value->flags &= ~PLAIN_QUOTES;
		}
	} else {
		value->flags = PLAIN_FLOW;
	}
}

static enum verdict
plain_value(struct view *v, const struct key *key, const struct key_line *line, int separator,
    size_t start, struct finding *f)
{
	size_t secret;

	if (marker_stands(v, start))
		return VERDICT_PASS;
	if (separator == ':' && (!line->starts || key->quote != 0) && is_prose(v, key, start))
		return VERDICT_PASS;
	set_plain(key, line, separator, f);
	secret = skip_scheme(v, start);
	if (marker_stands(v, secret))
		return VERDICT_PASS;
	return judge_value(v, key, secret, f);
}

/* True if the line at I is a mapping or a comment and not the value itself. One with a marker
 * in it was a mapping before that was hidden. */
static bool
is_other_line(struct view *v, size_t i)
{
	int c = view_at(v, i);

	if (c == '#' || c == '{' || c == '[' || c == '&' || c == VIEW_NONE || is_record_end(c))
		return true;
	for (size_t n = 0; n < LINE_LOOK_MAX; n++, i++) {
		c = view_at(v, i);
		if (c == VIEW_NONE || is_record_end(c))
			return false;
		if (c == '[' && marker_stands(v, i))
			return true;
		if (c == ':') {
			c = view_at(v, i + 1);
			if (is_blank(c) || is_record_end(c) || view_is_end(v, i + 1))
				return true;
		}
	}
	return false;
}

static size_t
skip_line_end(struct view *v, size_t i, unsigned slashes)
{
	if (slashes > 0) {
		size_t next = view_skip_char(v, i, '\\', slashes + 1);

		return next - i == slashes && view_at(v, next) == 'n' ? next + 1 : i;
	}
	i = view_skip_char(v, i, '\r', 1);
	return view_skip_char(v, i, '\n', 1);
}

/* YAML: the value is on the lines below the key, which ends at I. */
static enum verdict
value_below(struct view *v, const struct key *key, const struct key_line *line, size_t i,
    struct finding *f)
{
	size_t next = skip_line_end(v, i, line->slashes);
	size_t text = view_skip_blank(v, next, PAIR_BLANKS_MAX);
	size_t column = text - next;
	bool dash = view_at(v, text) == '-' && is_blank(view_at(v, text + 1));

	if (next == i || !line->starts)
		return VERDICT_PASS;
	if (dash) {
		/* A list of passwords; one of secrets or tokens is a list of names. */
		if (column < line->column || key->class.kind != REDACT_PASSWORD)
			return VERDICT_PASS;
		text = view_skip_blank(v, text + 1, PAIR_BLANKS_MAX);
	} else if (column <= line->column) {
		return VERDICT_PASS;
	}
	if (is_other_line(v, text) || marker_stands(v, text))
		return VERDICT_PASS;
	f->value.form = VALUE_BLOCK;
	f->value.column = line->column;
	f->value.slashes = line->slashes;
	f->value.dash = dash;
	return hide(f, key, text);
}

/* YAML block scalar: "|" or ">" at I, with indicators and a comment behind it. */
static enum verdict
block_value(struct view *v, const struct key *key, const struct key_line *line, size_t i,
    struct finding *f)
{
	size_t end = i + 1;
	size_t next;
	size_t text;

	while (end < i + 4 &&
	    (is_digit(view_at(v, end)) || view_at(v, end) == '-' || view_at(v, end) == '+'))
		end++;
	next = view_skip_blank(v, end, PAIR_BLANKS_MAX);
	if (view_at(v, next) == '#' && next > end)
		while (next < end + LINE_LOOK_MAX && view_at(v, next) != VIEW_NONE &&
		    !is_record_end(view_at(v, next)) && view_at(v, next) != '\\')
			next++;
	text = skip_line_end(v, next, line->slashes);
	if (text == next)
		return plain_value(v, key, line, ':', i, f);
	f->keep = next;
	text = view_skip_blank(v, text, PAIR_BLANKS_MAX);
	f->keep_end = text;
	f->value.form = VALUE_BLOCK;
	f->value.column = line->column;
	f->value.slashes = line->slashes;
	if (marker_stands(v, text))
		return VERDICT_PASS;
	(void)hide(f, key, end);
	f->body = text;
	return VERDICT_HIDE;
}

/* Opens HTTP credentials at I: a bracket as Go prints headers, a quote. Sets the form of the
 * value and returns where the scheme begins. */
static size_t
open_credentials(struct view *v, const struct key *key, size_t i, struct finding *f)
{
	size_t next;

	f->value.form = VALUE_PARAMS;
	if (view_at(v, i) == '[' && !marker_stands(v, i)) {
		i = view_skip_blank(v, i + 1, PAIR_BLANKS_MAX);
		f->value.form = VALUE_BRACKET;
	}
	next = view_skip_char(v, i, '\\', 64);
	if (is_quote(view_at(v, next)) && !closes_rather(v, next, key)) {
		f->value.form = VALUE_QUOTED;
		f->value.quote = view_at(v, next);
		f->value.depth = (unsigned)(next - i);
		i = next + 1;
	}
	return i;
}

/* HTTP credentials: a scheme, which stays, then a token or parameters. Behind a scheme that is
 * not known anything may come. */
static enum verdict
credentials_value(struct view *v, const struct key *key, size_t i, struct finding *f)
{
	size_t start = open_credentials(v, key, i, f);
	size_t token = skip_scheme(v, start);

	if (marker_stands(v, token))
		return VERDICT_PASS;
	if (f->value.form == VALUE_PARAMS && token == start) {
		/* "authorization: denied by …" */
		if (is_lower_word(v, start))
			return VERDICT_PASS;
		f->value.form = VALUE_PLAIN;
		f->value.flags = PLAIN_SPACES;
	}
	return judge_value(v, key, token, f);
}

static enum verdict
cookie_value(struct view *v, const struct key *key, size_t i, struct finding *f)
{
	size_t n = 0;

	if (is_quote(view_at(v, i)))
		return quoted_value(v, key, i, 0, f);
	if (view_at(v, i) == '[')
		i++;
	while (n < 64 && is_name(view_at(v, i + n)))
		n++;
	if (n == 0 || view_at(v, i + n) != '=')
		return VERDICT_PASS;
	f->value.form = VALUE_COOKIES;
	return judge_value(v, key, i, f);
}

/* The value behind SEPARATOR, blanks skipped, at I. */
static enum verdict
pair_value(struct view *v, const struct key *key, int separator, size_t i, struct finding *f)
{
	struct key_line line = key_line(v, key);
	size_t next = view_skip_char(v, i, '\\', 64);
	int c = view_at(v, i);

	if (key->class.traits & KEY_PARAMS)
		return credentials_value(v, key, i, f);
	if (key->class.traits & KEY_COOKIE)
		return separator == ':' ? cookie_value(v, key, i, f) : VERDICT_PASS;
	if (is_quote(view_at(v, next)))
		return quoted_value(v, key, next, (unsigned)(next - i), f);
	if (view_is_end(v, i))
		return VERDICT_PASS;
	if (skip_line_end(v, i, line.slashes) > i || c == '\0')
		return separator == ':' && !key->dashes ? value_below(v, key, &line, i, f)
							: VERDICT_PASS;
	if (c == '[')
		return bracket_value(v, key, i, f);
	if (c == '{' && view_at(v, i + 1) != '{')
		return VERDICT_PASS;
	if ((c == '|' || c == '>') && separator == ':' && line.starts)
		return block_value(v, key, &line, i, f);
	if ((key->class.traits & KEY_PLURAL) && (key->class.traits & KEY_PROSE) &&
	    separator == ':' && !key->quoted)
		return VERDICT_PASS;
	return plain_value(v, key, &line, separator, i, f);
}

enum verdict
pair_match_value(struct view *v, const struct key *key, size_t i, struct finding *ret)
{
	return pair_value(v, key, ':', i, ret);
}

/* Finds the separator behind a key. Returns it and where the value begins, or 0. */
static int
find_separator(struct view *v, const struct key *key, size_t *ret_value)
{
	size_t i = view_skip_blank(v, key->after, PAIR_BLANKS_MAX);
	int c = view_at(v, i);

	if (c == '%' && view_at(v, i + 1) == '3' && to_lower(view_at(v, i + 2)) == 'd') {
		*ret_value = i + 3;
		return '=';
	}
	if (c == ':' && view_at(v, i + 1) == '=')
		c = view_at(v, ++i);
	else if (c == ':' && view_at(v, i + 1) == ':')
		i++; /* LDIF, before base64 */
	else if (c == '=' && (view_at(v, i + 1) == '>' || view_at(v, i + 1) == '='))
		i++;
	if (c != '=' && c != ':')
		return 0;
	i = view_skip_blank(v, i + 1, PAIR_BLANKS_MAX);
	if (key->quoted && c == ':')
		/* JSON may break the line here. */
		while (is_blank(view_at(v, i)) || is_record_end(view_at(v, i))) {
			if (view_at(v, i) == '\0' || i - key->after > PAIR_BLANKS_MAX)
				break;
			i++;
		}
	*ret_value = i;
	return c;
}

/* <password>x</password>: KEY stands in a tag that ends at I. */
static enum verdict
element_value(struct view *v, const struct key *key, size_t i, struct finding *f)
{
	size_t start = i + 1;
	int c = view_at(v, start);
	size_t end;

	if (c == '<' || is_blank(c) || is_record_end(c) || c == VIEW_NONE)
		return VERDICT_PASS;
	f->value.form = VALUE_ELEMENT;
	end = value_end(v, start, &f->value);
	/* "<token>" in a usage text is followed by anything but a closing tag. */
	if (end < v->end && view_at(v, end + 1) != '/')
		return VERDICT_PASS;
	if (end == v->end && v->last)
		return VERDICT_PASS;
	return judge_value(v, key, start, f);
}

/* --password x, ["--password", "x"], --password NUL x NUL, and the same as a YAML list. */
static enum verdict
flag_value(struct view *v, const struct key *key, struct finding *f)
{
	static const char *const words[] = { "a", "and", "are", "be", "can", "cannot", "does",
		"file", "flag", "for", "has", "if", "in", "is", "may", "must", "not", "of",
		"option", "or", "should", "the", "to", "value", "was", "will", "with" };
	size_t i = view_skip_blank(v, key->after, PAIR_BLANKS_MAX);
	struct key_line line = key_line(v, key);
	bool blank = i > key->after;
	size_t next;

	if (key->quoted && view_at(v, i) == ',') {
		i++;
		while (i - key->after < PAIR_BLANKS_MAX &&
		    (is_blank(view_at(v, i)) || view_at(v, i) == '\n'))
			i++;
		next = view_skip_char(v, i, '\\', 64);
		if (view_at(v, next) != key->quote || view_at(v, next + 1) == '-')
			return VERDICT_PASS;
		return quoted_value(v, key, next, (unsigned)(next - i), f);
	}
	if (view_at(v, i) == '\0') {
		i++;
	} else if (view_at(v, i) == '\n' && line.starts) {
		i = view_skip_blank(v, i + 1, PAIR_BLANKS_MAX);
		if (view_at(v, i) != '-' || !is_blank(view_at(v, i + 1)))
			return VERDICT_PASS;
		i = view_skip_blank(v, i + 1, PAIR_BLANKS_MAX);
	} else if (!blank || key->quoted) {
		return VERDICT_PASS;
	}
	if (view_at(v, i) == '-' || is_record_end(view_at(v, i)) || view_is_end(v, i))
		return VERDICT_PASS;
	for (size_t w = 0; w < ELEMENTSOF(words); w++)
		if (view_has(v, i, words[w]) && !is_name(view_at(v, i + strlen(words[w]))))
			return VERDICT_PASS;
	next = view_skip_char(v, i, '\\', 64);
	if (is_quote(view_at(v, next)))
		return quoted_value(v, key, next, (unsigned)(next - i), f);
	if (marker_stands(v, i))
		return VERDICT_PASS;
	f->value.form = VALUE_PLAIN;
	f->value.flags = PLAIN_FLOW;
	return judge_value(v, key, i, f);
}

/* "name": "DB_PASSWORD", "value": "x": the name is itself a value, and the next key says
 * "value". Finds that key, its separator and where its value begins. Returns the separator, 0
 * if there is no such key. */
static int
find_value_key(
    struct view *v, const struct key *key, struct key *ret_value_key, size_t *ret_value)
{
	size_t i = key->after;

	for (;; i++) {
		int c = view_at(v, i);

		if (c == '\\' && view_at(v, i + 1) == 'n')
			i++;
		else if (!is_blank(c) && c != ',' && c != '\n' && c != '\r')
			break;
		if (i - key->after > PAIR_BLANKS_MAX)
			return 0;
	}
	if (i == key->after)
		return 0;
	i = view_skip_char(v, i, '\\', 64);
	if (is_quote(view_at(v, i)))
		i++;
	if (!view_has_fold(v, i, "value") || !key_find(v, i, ret_value_key) ||
	    ret_value_key->start != i || ret_value_key->end != i + 5)
		return 0;
	ret_value_key->class = key->class;
	ret_value_key->class.traits &= ~(unsigned)KEY_PROSE;
	return find_separator(v, ret_value_key, ret_value);
}

/* PASSWORD 'x' of SQL and of messages, secret "x"; of configurations: only quotes make it a
 * value. */
static enum verdict
spaced_value(struct view *v, const struct key *key, struct finding *f)
{
	size_t i = view_skip_blank(v, key->after, PAIR_BLANKS_MAX);
	size_t next = view_skip_char(v, i, '\\', 64);
	struct value probe;
	int c = view_at(v, next);

	if (key->quoted || i == key->after || (c != '"' && c != '\''))
		return VERDICT_PASS;
	if (!(key->class.traits & KEY_SPACED)) {
		/* Secret "x" not found; but: key "k" { secret "x"; }; */
		probe = (struct value){ .form = VALUE_QUOTED, .quote = c };
		if (key->class.kind != REDACT_SECRET || next != i ||
		    view_at(v, value_end(v, i + 1, &probe) + 1) != ';')
			return VERDICT_PASS;
	}
	return quoted_value(v, key, next, (unsigned)(next - i), f);
}

/* What can stand behind a name that has a value; nearly all words end here. */
static bool
can_have_value(struct view *v, size_t i)
{
	int c = view_at(v, i);

	return c == '=' || c == ':' || c == '"' || c == '\'' || c == '\\' || is_blank(c) ||
	    c == '\n' || c == '\r' || c == '\0' || c == '>' || c == ',' || c == '%' || c == '`';
}

/* The value of a name that no separator follows. */
static enum verdict
loose_value(struct view *v, const struct key *key, struct finding *f)
{
	struct key value_key;
	int separator;
	size_t i;

	if (view_at(v, key->after) == '>' && (key->quoted || view_before(v, key->open) == '<'))
		return element_value(v, key, key->after, f);
	separator = find_value_key(v, key, &value_key, &i);
	if (separator != 0)
		return pair_value(v, &value_key, separator, i, f);
	if (key->dashes || (key->class.traits & KEY_WORD))
		return flag_value(v, key, f);
	return spaced_value(v, key, f);
}

enum verdict
pair_match(struct view *v, size_t at, struct finding *ret)
{
	struct key key;
	size_t i;
	int c;

	if (!key_find(v, at, &key) || !can_have_value(v, key.end) || !key_judge(v, &key))
		return VERDICT_PASS;
	c = find_separator(v, &key, &i);
	if (c == 0)
		return loose_value(v, &key, ret);
	/* /run/secrets/token: No such file; PASS: name-of-a-test */
	if (c == ':' && !key.quoted &&
	    (view_before(v, key.open) == '/' ||
		(key.end - key.start == 4 && view_has(v, key.start, "PASS"))))
		return VERDICT_PASS;
	return pair_value(v, &key, c, i, ret);
}
