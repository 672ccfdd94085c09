/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is printed for people and programs: aligned tables, colours on terminals, JSON. */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/cleanup.h"

typedef struct cJSON cJSON;

enum json_mode {
	JSON_OFF,
	JSON_PRETTY,
	JSON_SHORT, /* one line for each value */
};

enum style {
	STYLE_NORMAL,
	STYLE_BOLD,
	STYLE_DIM,
	STYLE_GOOD,
	STYLE_WARNING,
	STYLE_BAD,
	_STYLE_COUNT,
};

/* Columns of a table; enough for everything that we print. */
#define TABLE_COLUMNS_MAX 10u

struct table_column {
	const char *name;
	bool is_right;	   /* numbers are aligned to the right */
	unsigned give_way; /* > 0: left out when the terminal is too narrow, smallest first */
};

struct table_cell {
	const char *text; /* copied; NULL or "" is printed as "-" */
	enum style style;
};

struct table;

/* "pretty", "short" or "off". Returns 0 or -EINVAL. */
int json_mode_from_string(const char *s, enum json_mode *ret);

/* Whether colours are wanted on F: it is a terminal that can, and NO_COLOR is unset or empty.
 */
bool output_has_colour(FILE *f);

/* Columns of the terminal that F is, 0 when it is none. */
unsigned output_width(FILE *f);

/* The escape sequences of STYLE; "" when there is no COLOUR. */
const char *style_on(enum style style, bool colour);
const char *style_off(enum style style, bool colour);

/* COLUMNS is borrowed and must outlive the table. Returns 0 or -ENOMEM. */
int table_new(const struct table_column *columns, size_t n_columns, struct table **ret);

/* Appends a row of as many cells as there are columns. Returns 0 or -ENOMEM. */
int table_add(struct table *t, const struct table_cell *cells);

/* Prints the table. WIDTH is the room in columns, 0 for any. */
void table_print(const struct table *t, FILE *f, bool legend, bool colour, unsigned width);

void table_free(struct table *t);
DEFINE_CLEANUP(struct table *, table_free);

/* Prints "  NAME: TEXT" with the names aligned; nothing when TEXT is NULL or empty. */
void output_field(FILE *f, const char *name, const char *text);

/* Prints VALUE in MODE with a newline. Returns 0 or -ENOMEM. */
int output_json(FILE *f, const cJSON *value, enum json_mode mode);

/* Replaces in place what a terminal would act on, or what is no UTF-8, by '?'. Every text of a
 * peer passes this before it is printed for people. Returns S. */
char *output_make_safe(char *s);

/* Number of character cells that S takes, if no character is wide. */
size_t output_text_width(const char *s);
