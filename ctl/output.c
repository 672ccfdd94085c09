/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl/output.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/text.h"

/* Between two columns of a table. */
#define COLUMN_GAP	  1u
/* Names of output_field() are aligned to the right at this column. */
#define FIELD_NAME_COLUMN 12
/* Of each level of JSON. */
#define JSON_INDENT	  2u

struct row {
	char *text[TABLE_COLUMNS_MAX]; /* owned */
	enum style style[TABLE_COLUMNS_MAX];
};

struct table {
	const struct table_column *columns;
	size_t n_columns;
	struct row *rows; /* owned */
	size_t n_rows;
	size_t capacity;
	size_t width[TABLE_COLUMNS_MAX];
};

static const char *const style_sequences[_STYLE_COUNT] = {
	[STYLE_NORMAL] = "",
	[STYLE_BOLD] = "\033[1m",
	[STYLE_DIM] = "\033[2m",
	[STYLE_GOOD] = "\033[32m",
	[STYLE_WARNING] = "\033[33m",
	[STYLE_BAD] = "\033[31m",
};

int
json_mode_from_string(const char *s, enum json_mode *ret)
{
	if (streq(s, "pretty"))
		*ret = JSON_PRETTY;
	else if (streq(s, "short"))
		*ret = JSON_SHORT;
	else if (streq(s, "off"))
		*ret = JSON_OFF;
	else
		return -EINVAL;
	return 0;
}

bool
output_has_colour(FILE *f)
{
	const char *term = getenv("TERM");

	if (!is_empty(getenv("NO_COLOR")))
		return false;
	return isatty(fileno(f)) && !is_empty(term) && !streq(term, "dumb");
}

unsigned
output_width(FILE *f)
{
	struct winsize size;

	if (ioctl(fileno(f), TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col;
}

const char *
style_on(enum style style, bool colour)
{
	assert(style < _STYLE_COUNT);
	return colour ? style_sequences[style] : "";
}

const char *
style_off(enum style style, bool colour)
{
	return colour && style != STYLE_NORMAL ? "\033[0m" : "";
}

/* Length of the UTF-8 sequence at S that is fit to print, 0 when there is none. */
static size_t
printable_length(const unsigned char *s)
{
	uint32_t c;
	size_t n;

	if (s[0] < 0x80)
		return s[0] >= 0x20 && s[0] != 0x7f;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	c = s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	/* C1 controls; over-long forms and surrogates; bidirectional overrides, which reorder
	 * what is on the line. */
	if (c < 0xa0 || (n == 3 && c < 0x800) || (n == 4 && c < 0x10000) || c > 0x10ffff ||
	    (c >= 0xd800 && c <= 0xdfff) || (c >= 0x202a && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069))
		return 0;
	return n;
}

char *
output_make_safe(char *s)
{
	for (char *p = s; *p;) {
		size_t n = printable_length((const unsigned char *)p);

		if (n == 0)
			*p = '?';
		p += n > 0 ? n : 1;
	}
	return s;
}

size_t
output_text_width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

int
table_new(const struct table_column *columns, size_t n_columns, struct table **ret)
{
	struct table *t;

	assert(n_columns <= TABLE_COLUMNS_MAX);
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->columns = columns;
	t->n_columns = n_columns;
	for (size_t i = 0; i < n_columns; i++)
		t->width[i] = output_text_width(columns[i].name);
	*ret = t;
	return 0;
}

static void
row_done(struct row *row)
{
	for (size_t i = 0; i < TABLE_COLUMNS_MAX; i++)
		free(row->text[i]);
}

void
table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_rows; i++)
		row_done(&t->rows[i]);
	free(t->rows);
	free(t);
}

static int
reserve_row(struct table *t)
{
	size_t capacity = t->capacity > 0 ? 2 * t->capacity : 32;
	struct row *rows;

	if (t->n_rows < t->capacity)
		return 0;
	rows = reallocarray(t->rows, capacity, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	t->rows = rows;
	t->capacity = capacity;
	return 0;
}

int
table_add(struct table *t, const struct table_cell *cells)
{
	struct row row = { 0 };
	int r;

	r = reserve_row(t);
	if (r < 0)
		return r;
	for (size_t i = 0; i < t->n_columns; i++) {
		row.text[i] = strdup(is_empty(cells[i].text) ? "-" : cells[i].text);
		if (!row.text[i]) {
			row_done(&row);
			return -ENOMEM;
		}
		(void)output_make_safe(row.text[i]);
		row.style[i] = cells[i].style;
	}
	for (size_t i = 0; i < t->n_columns; i++) {
		size_t width = output_text_width(row.text[i]);

		if (width > t->width[i])
			t->width[i] = width;
	}
	t->rows[t->n_rows++] = row;
	return 0;
}

static size_t
shown_width(const struct table *t, const bool *is_shown)
{
	size_t sum = 0;

	for (size_t i = 0; i < t->n_columns; i++)
		if (is_shown[i])
			sum += t->width[i] + (sum > 0 ? COLUMN_GAP : 0);
	return sum;
}

/* Takes columns away until the rest fits into WIDTH, or no more may go. */
static void
choose_columns(const struct table *t, unsigned width, bool *is_shown)
{
	for (size_t i = 0; i < t->n_columns; i++)
		is_shown[i] = true;
	while (width > 0 && shown_width(t, is_shown) > width) {
		size_t victim = SIZE_MAX;

		for (size_t i = 0; i < t->n_columns; i++) {
			if (!is_shown[i] || t->columns[i].give_way == 0)
				continue;
			if (victim == SIZE_MAX ||
			    t->columns[i].give_way < t->columns[victim].give_way)
				victim = i;
		}
		if (victim == SIZE_MAX)
			return;
		is_shown[victim] = false;
	}
}

/* One line: cells padded to their column's width, nothing behind the last. */
static void
print_line(const struct table *t, FILE *f, const bool *is_shown, bool colour, char *const *text,
    const enum style *style)
{
	size_t pending = 0;

	for (size_t i = 0; i < t->n_columns; i++) {
		size_t padding;

		if (!is_shown[i])
			continue;
		padding = t->width[i] - output_text_width(text[i]);
		if (t->columns[i].is_right)
			pending += padding;
		(void)fprintf(f, "%*s%s%s%s", (int)pending, "", style_on(style[i], colour),
		    text[i], style_off(style[i], colour));
		pending = COLUMN_GAP + (t->columns[i].is_right ? 0 : padding);
	}
	(void)fputc('\n', f);
}

void
table_print(const struct table *t, FILE *f, bool legend, bool colour, unsigned width)
{
	bool is_shown[TABLE_COLUMNS_MAX];

	choose_columns(t, width, is_shown);
	if (legend) {
		char *names[TABLE_COLUMNS_MAX];
		enum style bold[TABLE_COLUMNS_MAX];

		for (size_t i = 0; i < t->n_columns; i++) {
			names[i] = (char *)t->columns[i].name;
			bold[i] = STYLE_BOLD;
		}
		print_line(t, f, is_shown, colour, names, bold);
	}
	for (size_t i = 0; i < t->n_rows; i++)
		print_line(t, f, is_shown, colour, t->rows[i].text, t->rows[i].style);
}

void
output_field(FILE *f, const char *name, const char *text)
{
	if (is_empty(text))
		return;
	(void)fprintf(f, "%*s: %s\n", FIELD_NAME_COLUMN, name, text);
}

static int print_pretty(FILE *f, const cJSON *value, unsigned depth);

/* The members between the brackets OPEN of VALUE. */
static int
print_members(FILE *f, const cJSON *value, unsigned depth, const char *open)
{
	const cJSON *item;
	int r;

	(void)fprintf(f, "%c", open[0]);
	cJSON_ArrayForEach (item, value) {
		(void)fprintf(f, "%s\n%*s", item == value->child ? "" : ",",
		    (int)(JSON_INDENT * (depth + 1)), "");
		if (cJSON_IsObject(value)) {
			cJSON name = { .type = cJSON_String, .valuestring = item->string };

			r = print_pretty(f, &name, depth + 1);
			if (r < 0)
				return r;
			(void)fprintf(f, ": ");
		}
		r = print_pretty(f, item, depth + 1);
		if (r < 0)
			return r;
	}
	if (value->child)
		(void)fprintf(f, "\n%*s", (int)(JSON_INDENT * depth), "");
	(void)fprintf(f, "%c", open[1]);
	return 0;
}

/* cJSON indents with tabs, which leave no room for text where it is deep. */
static int
print_pretty(FILE *f, const cJSON *value, unsigned depth)
{
	_cleanup_free_ char *text = NULL;

	if (cJSON_IsObject(value))
		return print_members(f, value, depth, "{}");
	if (cJSON_IsArray(value))
		return print_members(f, value, depth, "[]");
	text = json_print(value, false);
	if (!text)
		return -ENOMEM;
	/* JSON escapes only what is below 0x20; a program gets the bytes as they are. */
	if (isatty(fileno(f)))
		(void)output_make_safe(text);
	(void)fprintf(f, "%s", text);
	return 0;
}

int
output_json(FILE *f, const cJSON *value, enum json_mode mode)
{
	_cleanup_free_ char *text = NULL;
	int r;

	if (mode == JSON_PRETTY) {
		r = print_pretty(f, value, 0);
		if (r < 0)
			return r;
		(void)fputc('\n', f);
		return 0;
	}
	text = json_print(value, false);
	if (!text)
		return -ENOMEM;
	if (isatty(fileno(f)))
		(void)output_make_safe(text);
	(void)fprintf(f, "%s\n", text);
	return 0;
}
