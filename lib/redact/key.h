/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The name in front of a value: its extent, its quotes, where on its line it stands. */

#include "lib/redact/rules.h"
#include "lib/redact/view.h"

struct key {
	size_t start; /* the name, without dashes in front */
	size_t end;
	size_t open;  /* with its dashes and quote */
	size_t after; /* behind the quote that closes it, or end */
	bool dashes;  /* --name */
	bool quoted;  /* "name" */
	int quote; /* the quote before it: of the name if quoted, else around name and value */
	unsigned depth; /* backslashes before that quote */
	struct key_class class;
};

/* Where a key stands. */
struct key_line {
	bool starts;	  /* nothing but indentation, list dashes and the like before it */
	unsigned slashes; /* the line began with "\n" spelled out, this many backslashes */
	size_t column;
};

/* Finds the name around AT. Returns false if there is none, or none that ends soon. Does not
 * set `class`. */
bool key_find(struct view *v, size_t at, struct key *ret);

/* Decides what the key means. Returns false if its value is no secret. */
bool key_judge(struct view *v, struct key *key);

struct key_line key_line(struct view *v, const struct key *key);
