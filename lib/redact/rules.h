/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is looked for, as tables: anchors, key names, prefixes of tokens, harmless words.
 * To teach the filter a new spelling, add a row here and a line to the test. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/redact/redact.h"
#include "lib/redact/value.h"

/* Longest key name that is looked at; of a longer one its end. */
#define KEY_NAME_MAX_BYTES 128u

/* Who decides about an anchor. */
enum rule {
	RULE_PAIR,    /* a word of a key name */
	RULE_BEARER,  /* "Bearer TOKEN" */
	RULE_BASIC,   /* "Basic BASE64" */
	RULE_JWT,     /* eyJ….eyJ….… */
	RULE_PREFIX,  /* tokens that announce themselves */
	RULE_DER,     /* a private key in base64 without PEM around it */
	RULE_USER,    /* -u user:password */
	RULE_HASH,    /* $6$salt$hash */
	RULE_URL,     /* scheme://user:password@host */
	RULE_PEM,     /* -----BEGIN … */
	RULE_ENCODED, /* the same in base64, hex or as a list of numbers */
	RULE_LINES,   /* what only the line as a whole shows: base64, data of a Secret */
	RULE_OBJECT,  /* "data": {...} of a Secret on one line */
	RULE_PROGRAM, /* programs that take passwords in short options */
	RULE_MARKER,  /* ours: passed over */
};

struct anchor {
	char text[5];
	bool fold; /* upper and lower case are the same; text is in lower case */
	enum rule rule;
};

extern const struct anchor redact_anchors[];
extern const size_t redact_n_anchors;

/* What has to be considered about a key before its value is taken for a secret. */
enum key_trait {
	KEY_WHOLE =
	    1 << 0, /* the word stands alone or is the last of several: DB_PASS, not bypass */
	KEY_PATH = 1 << 1,    /* may name a file instead */
	KEY_PROSE = 1 << 2,   /* is a word of ordinary sentences too: "token: not found" */
	KEY_ENCODED = 1 << 3, /* is a secret only if it looks like base64 or USER:PASSWORD */
	KEY_PARAMS = 1 << 4,  /* HTTP credentials: scheme and parameters */
	KEY_COOKIE = 1 << 5,  /* HTTP cookies; "cookie=0x0" is a flow of Open vSwitch */
	KEY_NSS = 1 << 6,     /* "passwd: files sss" is nsswitch.conf */
	KEY_CWD = 1 << 7,     /* PWD=/srv is the working directory */
	KEY_SPACED = 1 << 8,  /* quotes alone make a value: PASSWORD 'x' */
	KEY_WORD = 1 << 9,    /* so does a blank: rootpw x */
	KEY_HTML = 1 << 10,   /* <a accesskey="n"> */
	KEY_PLURAL = 1 << 11, /* set by key_classify(): "tokens" */
};

struct redact_own;

struct key_class {
	const char *suffix; /* of the name in lower case without "_", "-", "." */
	size_t suffix_len;
	enum redact_kind kind;
	unsigned traits;
};

/* Finds what NAME[LEN] means. Returns false if its value is no secret. */
bool key_classify(const uint8_t *name, size_t len, struct key_class *ret);

/* The same by OWN, whose keys are plain secrets. */
bool key_classify_own(
    const struct redact_own *own, const uint8_t *name, size_t len, struct key_class *ret);

/* Tokens known by their first bytes. */
struct token_prefix {
	const char *prefix;
	enum redact_kind kind;
	enum charset charset;
	size_t min; /* bytes behind the prefix; less is no token */
};

extern const struct token_prefix redact_prefixes[];
extern const size_t redact_n_prefixes;

/* True if TEXT[LEN] is a value that is no secret whatever the key is called: nothing, null,
 * stars, a reference to a variable, "12 bytes long", or what this filter has written. */
bool value_is_harmless(const uint8_t *text, size_t len);

/* The same for what only some keys may have, by their traits. */
bool value_suits_traits(const uint8_t *text, size_t len, unsigned traits);

/* Longest marker: kind, length, description. */
#define MARKER_MAX_BYTES (64u + REDACT_DETAIL_BYTES)

/* Length of the marker at I, or 0 if there is none. What stands there was hidden before. */
size_t marker_length(struct view *v, size_t i);

static inline bool
marker_stands(struct view *v, size_t i)
{
	return marker_length(v, i) > 0;
}
