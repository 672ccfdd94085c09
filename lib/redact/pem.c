/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/redact/base64.h"
#include "lib/redact/pem.h"

/* Longest label between "BEGIN" and the dashes; "ENCRYPTED PRIVATE KEY" has 21. */
#define LABEL_MAX      64u
/* Most dashes taken for those of a block; a longer row is a line in a document. */
#define DASHES_MAX     16u
/* Base64 characters in a row that make a word part of a block. */
#define BODY_RUN_MIN   16u
/* Length from which a line of only base64 is one of PEM (64) or base64(1) (76). */
#define LINE_MIN       60u
/* How far a line of base64 is looked at. */
#define LINE_LOOK_MAX  1024u
/* Deepest indentation of such a line. */
#define INDENT_MAX     128u
/* A line longer than this that is no base64 is not of a block. */
#define STRAY_LINE_MAX 4096u

static enum redact_kind
label_kind(const uint8_t *label, size_t len)
{
	if (memmem(label, len, "PRIVATE", 7))
		return REDACT_PRIVATE_KEY;
	if (memmem(label, len, "CERTIFICATE REQUEST", 19))
		return REDACT_CERTIFICATE_REQUEST;
	if (memmem(label, len, "CERTIFICATE", 11))
		return REDACT_CERTIFICATE;
	if (memmem(label, len, "PUBLIC KEY", 10))
		return REDACT_PUBLIC_KEY;
	/* A key of a kind that is not known is a key. */
	if (memmem(label, len, "KEY", 3))
		return REDACT_PRIVATE_KEY;
	return REDACT_PEM;
}

static void
set_kind(struct finding *f, enum redact_kind kind)
{
	f->kind = kind;
	f->sized = kind != REDACT_PRIVATE_KEY;
}

/* "-----WORD LABEL-----" at I: returns its length, 0 if there is none, and where the label is.
 * SSH2 keys have four dashes and a blank. */
static size_t
boundary_length(
    struct view *v, size_t i, const char *word, size_t *ret_label, size_t *ret_label_len)
{
	size_t start = i;
	size_t dashes;
	size_t n = 0;

	if (view_before(v, i) == '-')
		return 0;
	i = view_skip_char(v, i, '-', DASHES_MAX);
	if (i - start < 4)
		return 0;
	if (i - start == 4)
		i = view_skip_char(v, i, ' ', 1);
	if (!view_has(v, i, word))
		return 0;
	i += strlen(word);
	while (n < LABEL_MAX &&
	    (is_upper(view_at(v, i + n)) || is_digit(view_at(v, i + n)) ||
		view_at(v, i + n) == ' '))
		n++;
	dashes = view_skip_char(v, i + n, '-', DASHES_MAX) - (i + n);
	if (dashes < 4)
		return 0;
	*ret_label = i;
	*ret_label_len = n;
	return i + n + dashes - start;
}

static size_t
base64_run(struct view *v, size_t i, size_t max)
{
	size_t n = 0;

	while (n < max && is_base64(view_at(v, i + n)))
		n++;
	return n;
}

/* True if what stands behind "-----BEGIN …-----" at I can be the body of a block. A sentence
 * that mentions such a line goes on differently. */
static bool
body_follows(struct view *v, size_t i)
{
	int c = view_at(v, i);
	size_t next = view_skip_blank(v, i, INDENT_MAX);

	if (c == '\\' || c == '%' || c == '&' || view_is_end(v, i))
		return true;
	return is_record_end(view_at(v, next)) ||
	    base64_run(v, next, BODY_RUN_MIN) >= BODY_RUN_MIN;
}

enum verdict
pem_match(struct view *v, size_t at, struct finding *ret)
{
	size_t label;
	size_t label_len;
	size_t n;

	n = boundary_length(v, at, "BEGIN ", &label, &label_len);
	if (n == 0 || !body_follows(v, at + n))
		return VERDICT_PASS;
	set_kind(ret, label_kind(v->data + label, label_len));
	ret->start = ret->body = at;
	ret->value.form = VALUE_PEM;
	return VERDICT_HIDE;
}

/* Ends a block that has had no line end: it stands in a string that is over here. */
static bool
ends_inline(struct view *v, size_t i)
{
	int c = view_at(v, i);

	if (c == '\\')
		c = view_at(v, view_skip_char(v, i, '\\', VALUE_LOOK_BYTES));
	return is_quote(c) || c == '<';
}

/* Notes the byte C of a line of a block. */
static void
note_byte(struct value *value, int c)
{
	if (is_blank(c) || c == '\r') {
		value->pem.ended = true;
		return;
	}
	if (value->pem.ended) {
		value->pem.ended = false;
		value->pem.run = 0;
		value->pem.word = true;
		value->pem.digit = false;
	}
	if (!is_base64(c) && c != '=')
		value->pem.word = false;
	value->pem.digit = value->pem.digit || is_digit(c);
	value->pem.run++;
	value->pem.length++;
}

/* The line ended: returns false if the block has to be over. A line is of the block when its
 * last word is base64; in a journal other words stand before it. */
static bool
note_line(struct value *value)
{
	bool body = value->pem.word && value->pem.digit && value->pem.run >= BODY_RUN_MIN;

	value->pem.stray = body ? 0 : value->pem.stray + 1;
	value->pem.lines = true;
	value->pem.ended = true;
	value->pem.word = false;
	value->pem.run = 0;
	value->pem.length = 0;
	return value->pem.stray <= PEM_STRAY_LINES;
}

size_t
pem_end(struct view *v, size_t i, struct value *value)
{
	size_t label;
	size_t label_len;
	size_t n;

	for (;; i++) {
		int c = view_at(v, i);

		if (c == VIEW_NONE || c == '\0')
			return i;
		n = c == '-' ? boundary_length(v, i, "END ", &label, &label_len) : 0;
		if (v->more)
			return i;
		if (n > 0)
			return i + n;
		if (!value->pem.lines && ends_inline(v, i))
			return i;
		if (v->more)
			return i;
		if (value->pem.lines && !value->pem.word && value->pem.length > STRAY_LINE_MAX)
			return i;
		if (c != '\n')
			note_byte(value, c);
		else if (!note_line(value))
			return i;
	}
}

/* PEM's first bytes in base64, for each place in a group of three bytes at which they can
 * stand, and how many characters on a group begins. */
static const struct {
	const char *text;
	size_t group;
} encoded_starts[] = {
	{ "LS0tLS1CRUdJTi", 0 },
	{ "0tLS0tQkVHSU4g", 2 },
	{ "tLS0tLUJFR0lOI", 1 },
};

/* What the decoded start of a block says about its kind. */
static enum redact_kind
decoded_kind(const uint8_t *text, size_t len)
{
	const uint8_t *begin = memmem(text, len, "BEGIN ", 6);
	const uint8_t *end;

	if (!begin)
		return REDACT_PRIVATE_KEY;
	begin += 6;
	len -= (size_t)(begin - text);
	end = memchr(begin, '-', len);
	return label_kind(begin, end ? (size_t)(end - begin) : len);
}

static enum verdict
match_base64(struct view *v, size_t at, struct finding *ret)
{
	uint8_t text[72];
	size_t group;
	size_t i;
	size_t n;

	for (i = 0; i < ELEMENTSOF(encoded_starts); i++)
		if (view_has(v, at, encoded_starts[i].text))
			break;
	if (i == ELEMENTSOF(encoded_starts))
		return VERDICT_PASS;
	group = encoded_starts[i].group;
	/* 72 characters are 54 bytes: all of the longest label. */
	n = base64_run(v, at + group, 72);
	set_kind(ret,
	    decoded_kind(text, base64_decode(v->data + at + group, n, text, sizeof(text))));
	ret->start = ret->body = at;
	ret->encoded = group == 0;
	ret->value.form = VALUE_RUN;
	ret->value.charset = CHARSET_BASE64;
	return VERDICT_HIDE;
}

static unsigned
hex_digit(int c)
{
	return (unsigned)(is_digit(c) ? c - '0' : to_lower(c) - 'a' + 10);
}

static enum verdict
match_hex(struct view *v, size_t at, struct finding *ret)
{
	uint8_t text[64];
	size_t n = 0;

	if (!view_has_fold(v, at, "2d2d2d2d2d424547494e20"))
		return VERDICT_PASS;
	while (n < sizeof(text) && charset_has(CHARSET_HEX, view_at(v, at + 2 * n)) &&
	    charset_has(CHARSET_HEX, view_at(v, at + 2 * n + 1))) {
		text[n] = (uint8_t)(hex_digit(v->data[at + 2 * n]) << 4 |
		    hex_digit(v->data[at + 2 * n + 1]));
		n++;
	}
	set_kind(ret, decoded_kind(text, n));
	ret->start = ret->body = at;
	ret->value.form = VALUE_RUN;
	ret->value.charset = CHARSET_HEX;
	return VERDICT_HIDE;
}

/* Reads a number of up to three digits and the separator behind it, without which it is none;
 * moves *I. */
static int
read_number(struct view *v, size_t *i)
{
	int number = 0;
	size_t end = *i;

	while (end < *i + 3 && is_digit(view_at(v, end)))
		number = number * 10 + view_at(v, end++) - '0';
	if (end == *i)
		return -1;
	*i = view_skip_char(v, end, ',', 1);
	*i = view_skip_char(v, *i, ' ', 1);
	return *i > end ? number : -1;
}

/* Go prints []byte as decimal numbers: "tls.key:[45 45 45 45 45 66 69 71 73 78 32 …". */
static enum verdict
match_numbers(struct view *v, size_t at, struct finding *ret)
{
	static const uint8_t begin[] = "-----BEGIN ";
	uint8_t text[64];
	size_t i = at;

	if (is_digit(view_before(v, at)))
		return VERDICT_PASS;
	for (size_t n = 0; n < sizeof(begin) - 1; n++)
		if (read_number(v, &i) != begin[n])
			return VERDICT_PASS;
	memcpy(text, begin, sizeof(begin) - 1);
	for (size_t n = sizeof(begin) - 1; n < sizeof(text); n++) {
		int number = read_number(v, &i);

		text[n] = (uint8_t)(number < 0 ? 0 : number);
	}
	set_kind(ret, decoded_kind(text, sizeof(text)));
	ret->start = ret->body = at;
	ret->value.form = VALUE_RUN;
	ret->value.charset = CHARSET_NUMBERS;
	return VERDICT_HIDE;
}

enum verdict
pem_match_encoded(struct view *v, size_t at, struct finding *ret)
{
	switch (v->data[at]) {
	case '2':
		return match_hex(v, at, ret);
	case '4':
		return match_numbers(v, at, ret);
	default:
		return match_base64(v, at, ret);
	}
}

/* Length of the line of base64 at I, 0 if there is other text on it. Padding counts. */
static size_t
base64_line(struct view *v, size_t i)
{
	size_t n = base64_run(v, i, LINE_LOOK_MAX);
	size_t end;

	if (n == 0 || n == LINE_LOOK_MAX)
		return n;
	end = view_skip_char(v, i + n, '=', 2);
	if (view_is_end(v, end) || is_record_end(view_at(v, end)))
		return end - i;
	return 0;
}

/* True if TEXT[LEN] has the letters and digits of base64 and not those of a path, a word or a
 * digest in hex. */
static bool
looks_random(const uint8_t *text, size_t len)
{
	size_t upper = 0;
	size_t lower = 0;
	size_t digits = 0;
	size_t slashes = 0;

	for (size_t i = 0; i < len; i++) {
		upper += is_upper(text[i]);
		lower += is_lower(text[i]);
		digits += is_digit(text[i]);
		slashes += text[i] == '/';
	}
	return upper >= 4 && lower >= 4 && digits >= 1 && slashes <= len / 8;
}

/* Start of the text of the line behind the line end at I. */
static size_t
next_line(struct view *v, size_t i, size_t *ret_column)
{
	size_t start = i;

	start = view_skip_char(v, start, '\r', 1);
	start = view_skip_char(v, start, '\n', 1);
	i = view_skip_blank(v, start, INDENT_MAX);
	*ret_column = i - start;
	return i;
}

static bool
is_long_line(struct view *v, size_t i, size_t len)
{
	return len >= LINE_MIN && looks_random(v->data + i, len);
}

/* A short line is part of a block if "-----END" follows, or, as the first of the text, a line
 * of the block's usual length. */
static bool
is_short_line(struct view *v, size_t i, size_t len, size_t column, bool first)
{
	size_t next_column;
	size_t next = next_line(v, i + len, &next_column);

	if (len == 0 || next_column != column)
		return false;
	if (len >= BODY_RUN_MIN && view_has(v, next, "-----END "))
		return true;
	return first && is_long_line(v, next, base64_line(v, next));
}

enum verdict
pem_match_lines(struct view *v, size_t at, struct finding *ret)
{
	bool first = v->first && at == v->low;
	size_t column;
	size_t i = next_line(v, at, &column);
	size_t len = base64_line(v, i);

	ret->start = ret->body = i;
	ret->sized = true;
	ret->kind = REDACT_BASE64;
	if (!is_long_line(v, i, len)) {
		if (!is_short_line(v, i, len, column, first))
			return VERDICT_PASS;
		ret->value.form = VALUE_RUN;
		ret->value.charset = CHARSET_BASE64;
		return VERDICT_HIDE;
	}
	(void)match_base64(v, i, ret);
	ret->value.form = VALUE_LINES;
	ret->value.column = column;
	return VERDICT_HIDE;
}

/* True if the line that ends at I has fewer base64 characters than lines of a block have; such
 * a line is the last one. */
static bool
was_short(const struct view *v, size_t i)
{
	for (size_t n = 0; n < LINE_MIN; n++, i--)
		if (!is_base64(view_before(v, i)) && view_before(v, i) != '=')
			return true;
	return false;
}

size_t
pem_lines_end(struct view *v, size_t i, const struct value *value)
{
	for (;;) {
		int c = view_at(v, i);
		size_t column;
		size_t next;

		if (is_base64(c) || c == '=') {
			i++;
			continue;
		}
		if ((c != '\r' && c != '\n') || was_short(v, i))
			return i;
		next = next_line(v, i, &column);
		if (column != value->column || base64_line(v, next) == 0)
			return i;
		if (v->more)
			return i;
		i = next;
	}
}

size_t
pem_to_der(uint8_t *text, size_t len, bool encoded)
{
	const uint8_t *begin;
	const uint8_t *end;

	if (encoded)
		len = base64_decode(text, len, text, len);
	begin = memmem(text, len, "BEGIN ", 6);
	if (!begin)
		return 0;
	len -= (size_t)(begin - text);
	end = memmem(begin, len, "----", 4);
	if (!end)
		return 0;
	len -= (size_t)(end - begin);
	begin = end;
	while (len > 0 && *begin == '-') {
		begin++;
		len--;
	}
	end = memchr(begin, '-', len);
	if (end)
		len = (size_t)(end - begin);
	return base64_decode(begin, len, text, len);
}
