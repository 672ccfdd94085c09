/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How a secret ends: every form a value can have, and where each is over. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/redact/view.h"

/* How far ahead the end of a value is looked for beyond the byte in question: the next key
 * after a comma, the indentation behind blank lines. */
#define VALUE_LOOK_BYTES      1024u
/* How far a quoted value may reach over line ends before its quote counts as never closed. */
#define VALUE_MULTILINE_BYTES 4096u

/* Characters a token is made of. */
enum charset {
	CHARSET_BASE64, /* A-Z a-z 0-9 + / = */
	CHARSET_TOKEN,	/* A-Z a-z 0-9 - . _ ~ + / =, as RFC 6750 */
	CHARSET_WORD,	/* A-Z a-z 0-9 - _ . */
	CHARSET_HASH,	/* of crypt(5) and its relatives */
	CHARSET_HEX,
	CHARSET_NUMBERS, /* 45 45 45 or 45, 45, 45 */
};

enum value_form {
	VALUE_PLAIN,   /* bare; the flags say what ends it */
	VALUE_QUOTED,  /* up to the quote that closes it */
	VALUE_BRACKET, /* up to "]" */
	VALUE_ELEMENT, /* up to "<" of the closing tag */
	VALUE_BLOCK,   /* YAML: all lines indented deeper than `column` */
	VALUE_PARAMS,  /* HTTP credentials: word, then NAME=VALUE with commas between */
	VALUE_COOKIES, /* word; word; word */
	VALUE_RUN,     /* characters of `charset` */
	VALUE_LINES,   /* lines of base64, indented by `column` */
	VALUE_SPAN,    /* `left` bytes */
	VALUE_OBJECT,  /* JSON on one line, up to the "}" that closes it, with it */
	VALUE_PEM,     /* a PEM block, see pem.h */
};

/* Flags of VALUE_PLAIN. */
#define PLAIN_SPACES  (1u << 0) /* blanks belong to it, unless NAME= follows */
#define PLAIN_FLOW    (1u << 1) /* a comma or a closing bracket can end it */
#define PLAIN_COMMENT (1u << 2) /* " #" ends it */
#define PLAIN_QUOTES  (1u << 3) /* quotes belong to it, but for `quote` */
#define PLAIN_ALONE   (1u << 4) /* only `quote` ends it: the string holds nothing else */

struct value {
	enum value_form form;
	enum charset charset;
	unsigned flags;
	int quote;	  /* that encloses it, 0 for none */
	unsigned depth;	  /* backslashes before that quote: JSON within JSON */
	unsigned slashes; /* backslashes before "n" when lines end in "\n" spelled out */
	bool dash;	  /* VALUE_BLOCK: "- " in `column` still belongs to it */
	size_t column;
	size_t left;
	bool string;	 /* VALUE_OBJECT: within a string */
	unsigned braces; /* VALUE_OBJECT: open ones */
	struct {
		unsigned stray; /* lines in a row that are not of a PEM block */
		size_t run;	/* bytes of the last word of the line */
		size_t length;	/* bytes of the line */
		bool lines;	/* the block has had a line end */
		bool word;	/* the last word is all base64 ... */
		bool digit;	/* ... and has a digit */
		bool ended;	/* what comes next begins a new word */
	} pem;
};

bool charset_has(enum charset charset, int c);

/* True if a quote with N backslashes before it closes a string opened by one with DEPTH. */
bool quote_closes(unsigned n, unsigned depth);

/* Finds the end of a value from I on, a place inside it. Returns where it ends. When v->more is
 * set it did not, yet: everything before the result belongs to the value, and the search goes
 * on from there. The same when the result is v->end and the window was full. */
size_t value_end(struct view *v, size_t i, struct value *value);
