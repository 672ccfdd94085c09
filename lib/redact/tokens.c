/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/redact/base64.h"
#include "lib/redact/own.h"
#include "lib/redact/tokens.h"

/* Shortest header of a JWT: {"alg":"x"} has 15 characters; less is a word that begins so. */
#define JWT_HEADER_MIN 10u
/* Longest id between the first two "$" of a hash: "pbkdf2-sha512". */
#define HASH_ID_MAX    16u
/* Shortest rest of a hash; DES-like ones of 13 characters have no id. */
#define HASH_MIN       20u
/* Length from which a word behind "Bearer" is a token whatever its letters are. */
#define BEARER_LONG    20u
/* Length below which it is none. */
#define BEARER_MIN     8u
/* Base64 of the smallest RSA key has some 300 characters. */
#define DER_MIN	       64u
/* Longest user name in front of a password. */
#define USER_MAX       128u
/* How far a URL is searched for the "@" of its user. */
#define URL_LOOK_BYTES 2048u
/* How far behind its name an option of a program is looked for. */
#define OPTIONS_MAX    256u
/* Length from which a user name in a URL is taken for a token. */
#define URL_USER_LONG  20u

static enum verdict
hide_run(struct finding *f, enum redact_kind kind, size_t start, enum charset charset)
{
	f->kind = kind;
	f->start = f->body = start;
	f->value.form = VALUE_RUN;
	f->value.charset = charset;
	return VERDICT_HIDE;
}

static size_t
run_length(struct view *v, size_t i, enum charset charset, size_t max)
{
	size_t n = 0;

	while (n < max && charset_has(charset, view_at(v, i + n)))
		n++;
	return n;
}

static bool
is_base64url(int c)
{
	return is_alnum(c) || c == '-' || c == '_';
}

static size_t
skip_base64url(struct view *v, size_t i)
{
	while (is_base64url(view_at(v, i)))
		i++;
	return i;
}

enum verdict
token_match_jwt(struct view *v, size_t at, struct finding *ret)
{
	size_t dot;

	if (!view_is_word_start(v, at))
		return VERDICT_PASS;
	/* Pull secrets in base64 begin as a JWT does. */
	if (token_match_prefix(v, at, ret) == VERDICT_HIDE)
		return VERDICT_HIDE;
	dot = skip_base64url(v, at);
	if (dot - at < JWT_HEADER_MIN || view_at(v, dot) != '.')
		return VERDICT_PASS;
	/* A log may have cut the signature off; then the payload has to look like one. */
	if (!view_has(v, dot + 1, "eyJ") && view_at(v, skip_base64url(v, dot + 1)) != '.')
		return VERDICT_PASS;
	return hide_run(ret, REDACT_JWT, at, CHARSET_WORD);
}

enum verdict
token_match_prefix(struct view *v, size_t at, struct finding *ret)
{
	if (!view_is_word_start(v, at))
		return VERDICT_PASS;
	for (size_t i = 0; i < redact_n_prefixes; i++) {
		const struct token_prefix *p = &redact_prefixes[i];
		size_t start = at + strlen(p->prefix);

		if (!view_has(v, at, p->prefix))
			continue;
		if (run_length(v, start, p->charset, p->min) < p->min)
			return VERDICT_PASS;
		(void)hide_run(ret, p->kind, at, p->charset);
		ret->body = start;
		return VERDICT_HIDE;
	}
	return VERDICT_PASS;
}

enum verdict
token_match_hash(struct view *v, size_t at, struct finding *ret)
{
	static const char *const ids[] = { "1", "2", "2a", "2b", "2x", "2y", "5", "6", "7", "8",
		"apr1", "argon2d", "argon2i", "argon2id", "gy", "md5", "pbkdf2",
		"pbkdf2-sha256", "pbkdf2-sha512", "scrypt", "sha1", "y" };
	size_t n = 0;

	while (n < HASH_ID_MAX &&
	    (is_lower(view_at(v, at + 1 + n)) || is_digit(view_at(v, at + 1 + n)) ||
		view_at(v, at + 1 + n) == '-'))
		n++;
	if (view_at(v, at + 1 + n) != '$')
		return VERDICT_PASS;
	for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
		if (strlen(ids[i]) != n || memcmp(v->data + at + 1, ids[i], n) != 0)
			continue;
		if (run_length(v, at + n + 2, CHARSET_HASH, HASH_MIN) < HASH_MIN)
			return VERDICT_PASS;
		return hide_run(ret, REDACT_PASSWORD_HASH, at, CHARSET_HASH);
	}
	return VERDICT_PASS;
}

/* Start of the word behind WORD[LEN] at AT and the blanks after it, or 0 if there is none. */
static size_t
word_behind(struct view *v, size_t at, const char *word)
{
	size_t i = at + strlen(word);
	size_t next;

	if (!view_is_word_start(v, at) || !view_has_fold(v, at, word))
		return 0;
	next = view_skip_blank(v, i, 16);
	if (next == i && view_at(v, i) == '+')
		next = i + 1;
	else if (next == i && view_has(v, i, "%20"))
		next = i + 3;
	return next > i ? next : 0;
}

/* True if TEXT[LEN] has something that words of a sentence do not have. */
static bool
is_no_word(const uint8_t *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (is_digit(text[i]) || is_upper(text[i]) || text[i] == '_' ||
		    text[i] == '=' || text[i] == '~' || text[i] == '+')
			return true;
	return false;
}

enum verdict
token_match_bearer(struct view *v, size_t at, struct finding *ret)
{
	size_t start = word_behind(v, at, "bearer");
	size_t n;

	if (start == 0)
		return VERDICT_PASS;
	n = run_length(v, start, CHARSET_TOKEN, 64);
	if (n < BEARER_MIN || (n < BEARER_LONG && !is_no_word(v->data + start, n)))
		return VERDICT_PASS;
	/* A word with a marker behind it was let pass when it was longer. */
	if (marker_stands(v, start + n))
		return VERDICT_PASS;
	/* WWW-Authenticate: Bearer realm="…" */
	if (v->data[start + n - 1] == '=' && is_quote(view_at(v, start + n)))
		return VERDICT_PASS;
	return hide_run(ret, REDACT_AUTHORIZATION, start, CHARSET_TOKEN);
}

enum verdict
token_match_basic(struct view *v, size_t at, struct finding *ret)
{
	size_t start = word_behind(v, at, "basic");
	uint8_t plain[48];
	size_t n;

	if (start == 0)
		return VERDICT_PASS;
	n = run_length(v, start, CHARSET_BASE64, 64);
	if (n < 4 || marker_stands(v, start + n))
		return VERDICT_PASS;
	n = base64_decode(v->data + start, n, plain, sizeof(plain));
	if (!memchr(plain, ':', n))
		return VERDICT_PASS;
	for (size_t i = 0; i < n; i++)
		if (plain[i] < ' ' || plain[i] > '~')
			return VERDICT_PASS;
	return hide_run(ret, REDACT_AUTHORIZATION, start, CHARSET_BASE64);
}

/* What is in front of the host of a URL. */
struct authority {
	size_t colon; /* the first one, 0 if there is none */
	size_t at;    /* the "@", 0 if there is none */
	bool endless; /* no end in sight */
};

static bool
ends_url(int c)
{
	return c <= ' ' || is_quote(c) || c == '<' || c == '>' || c == '\\';
}

/* A port behind the colon: HOST:PORT, not USER:PASSWORD. */
static bool
is_port(struct view *v, size_t colon, size_t end)
{
	for (size_t i = colon + 1; i < end; i++)
		if (!is_digit(view_at(v, i)))
			return false;
	return true;
}

static void
read_authority(struct view *v, size_t start, struct authority *ret)
{
	bool path = false;

	*ret = (struct authority){ 0 };
	for (size_t i = start; i < start + URL_LOOK_BYTES; i++) {
		int c = view_at(v, i);

		if (ends_url(c))
			return;
		if (c == '[' && (i == start || marker_stands(v, i))) {
			/* An IPv6 address has no user in front of it, and where a marker is the
			 * rest was let pass before. */
			*ret = (struct authority){ 0 };
			return;
		}
		if (c == '@') {
			ret->at = i;
			if (path)
				return;
		} else if (c == ':' && ret->colon == 0) {
			ret->colon = i;
		} else if (!path && (c == '/' || c == '?' || c == '#')) {
			/* Only a password that should have been escaped goes on behind it. */
			if (ret->at != 0 || ret->colon == 0 || is_port(v, ret->colon, i))
				return;
			path = true;
		}
	}
	ret->endless = true;
}

enum verdict
token_match_url(struct view *v, size_t at, struct finding *ret)
{
	size_t start = at + (v->data[at + 1] == '/' ? 3 : 5);
	struct authority a;
	size_t len;

	if (!is_alnum(view_before(v, at)) || (start == at + 5 && view_at(v, at + 4) != '/'))
		return VERDICT_PASS;
	read_authority(v, start, &a);
	if (a.endless && a.at == 0) {
		if (a.colon == 0)
			return VERDICT_PASS;
		ret->kind = REDACT_URL_PASSWORD;
		ret->start = ret->body = a.colon + 1;
		ret->value.form = VALUE_PLAIN;
		return VERDICT_HIDE;
	}
	if (a.at == 0)
		return VERDICT_PASS;
	if (a.colon != 0 && a.colon < a.at)
		start = a.colon + 1;
	else if (a.at - start < URL_USER_LONG || !is_no_word(v->data + start, a.at - start))
		return VERDICT_PASS;
	len = a.at - start;
	if (value_is_harmless(v->data + start, len))
		return VERDICT_PASS;
	ret->kind = REDACT_URL_PASSWORD;
	ret->start = ret->body = start;
	ret->value.form = VALUE_SPAN;
	ret->value.left = len;
	return VERDICT_HIDE;
}

/* SEQUENCE of two length bytes, INTEGER 0: "MII", three characters of the length, "IBA". A
 * certificate goes on with another SEQUENCE. */
enum verdict
token_match_der(struct view *v, size_t at, struct finding *ret)
{
	if (is_base64(view_before(v, at)) && !view_is_word_start(v, at))
		return VERDICT_PASS;
	if (!view_has(v, at + 6, "IBA") || run_length(v, at, CHARSET_BASE64, DER_MIN) < DER_MIN)
		return VERDICT_PASS;
	return hide_run(ret, REDACT_PRIVATE_KEY, at, CHARSET_BASE64);
}

/* Length of the name and the blanks of a flag that takes USER:PASSWORD at AT, 0 for others. */
static size_t
user_flag_length(struct view *v, size_t at)
{
	size_t end;

	if (view_at(v, at) == '-') {
		end = at + 2;
		if (!is_blank(view_before(v, at)))
			return 0;
	} else {
		end = at + 4;
		if (view_before(v, at) != '-')
			return 0;
	}
	at = view_skip_blank(v, end, 16);
	return at > end || view_at(v, at) == '=' ? at + (at == end) : 0;
}

enum verdict
token_match_user(struct view *v, size_t at, struct finding *ret)
{
	size_t start = user_flag_length(v, at);
	size_t n = 0;
	int c;

	if (start == 0)
		return VERDICT_PASS;
	if (is_quote(view_at(v, start)))
		start++;
	while (n < USER_MAX && (is_name(view_at(v, start + n)) || view_at(v, start + n) == '@'))
		n++;
	c = view_at(v, start + n + 1);
	/* -u 1000:1000 of docker, -u host:port; what follows "//" or "/" is an address. */
	if (n == 0 || view_at(v, start + n) != ':' || is_digit(view_at(v, start)) || c == '/' ||
	    c == VIEW_NONE || is_record_end(c) || is_blank(c) || is_quote(c) || c == '\\')
		return VERDICT_PASS;
	if (marker_stands(v, start + n + 1))
		return VERDICT_PASS;
	ret->kind = REDACT_PASSWORD;
	ret->start = ret->body = start + n + 1;
	ret->value.form = VALUE_PLAIN;
	ret->value.flags = PLAIN_FLOW;
	return VERDICT_HIDE;
}

/* Programs whose password follows a short option; `attached`: without a blank, because with
 * one it is something else. */
static const struct program {
	const char *anchor;
	const char *option;
	bool attached;
} programs[] = {
	{ "sshpass", " -p", false },
	{ "mysql", " -p", true },
	{ "-cli", " -a ", false },
};

/* Where the password of P begins, whose name stands at AT; 0 if there is none on the line. */
static size_t
program_password(struct view *v, size_t at, const struct program *p)
{
	for (size_t i = at; i < at + OPTIONS_MAX; i++) {
		int c = view_at(v, i);

		if (c == VIEW_NONE || is_record_end(c) || c == '|' || c == ';' || c == '&')
			return 0;
		if (c != ' ' || !view_has(v, i, p->option))
			continue;
		i += strlen(p->option);
		return p->attached && is_blank(view_at(v, i)) ? 0 : view_skip_blank(v, i, 16);
	}
	return 0;
}

enum verdict
token_match_program(struct view *v, size_t at, struct finding *ret)
{
	size_t start = 0;
	int c;

	for (size_t i = 0; i < ELEMENTSOF(programs) && start == 0; i++)
		if (view_has(v, at, programs[i].anchor))
			start = program_password(v, at, &programs[i]);
	c = view_at(v, start);
	if (start == 0 || c == VIEW_NONE || is_record_end(c) || marker_stands(v, start))
		return VERDICT_PASS;
	if (is_quote(c))
		c = view_at(v, ++start);
	ret->kind = REDACT_PASSWORD;
	ret->start = ret->body = start;
	ret->value.form = VALUE_PLAIN;
	ret->value.flags = PLAIN_FLOW;
	return is_blank(c) || is_quote(c) || c == ';' || marker_stands(v, start) ? VERDICT_PASS
										 : VERDICT_HIDE;
}

enum verdict
token_match_literal(struct view *v, size_t at, struct finding *ret)
{
	const char *text;

	for (size_t i = 0; v->own && (text = redact_own_literal(v->own, i)); i++) {
		if (!view_has(v, at, text))
			continue;
		ret->kind = REDACT_SECRET;
		ret->start = ret->body = at;
		ret->value.form = VALUE_SPAN;
		ret->value.left = strlen(text);
		return VERDICT_HIDE;
	}
	return VERDICT_PASS;
}
