/* SPDX-License-Identifier: Apache-2.0 */

/* The stream. As in lib/redact/redact.c the text lies in one buffer in which `pos` is how far
 * it is decided and `out` how far it is written; but nothing found here is longer than the
 * window, so there is no state between two places, and a place is decided once the window
 * behind it is there. What was passed over may still be replaced, as a label before a domain
 * is, so the last CLEAN_HISTORY_BYTES before `pos` are written late. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clean/clean.h"
#include "lib/clean/colon.h"
#include "lib/clean/dictionary.h"
#include "lib/clean/hostname.h"
#include "lib/clean/ipv4.h"
#include "lib/redact/scan.h"
#include "lib/text.h"

#define PADDING_BYTES SCAN_ANCHOR_BYTES

/* Places at which somebody has to look. */
enum anchor {
	ANCHOR_DOTTED,
	ANCHOR_DASHED,
	ANCHOR_UNDERSCORED,
	ANCHOR_COLON,
	ANCHOR_COLONS,
	ANCHOR_MAC_DASHES,
	ANCHOR_MAC_DOTS,
	ANCHOR_FIELD, /* of a table in /proc/net */
	ANCHOR_LINE,
	ANCHOR_COLUMN,
	ANCHOR_URL,
	ANCHOR_EMAIL,
	_ANCHOR_COUNT, /* the others are beginnings of names */
};

static const char *const anchor_texts[_ANCHOR_COUNT] = {
	[ANCHOR_DOTTED] = "\003.\003",
	[ANCHOR_DASHED] = "\003-\003",
	[ANCHOR_UNDERSCORED] = "\003_\003",
	[ANCHOR_COLON] = "\004:\004",
	[ANCHOR_COLONS] = "::",
	[ANCHOR_MAC_DASHES] = "\004\004-\004",
	[ANCHOR_MAC_DOTS] = "\004\004.\004",
	[ANCHOR_FIELD] = " \004\004\004",
	[ANCHOR_LINE] = "\n\004\004\004",
	[ANCHOR_COLUMN] = "\t\004\004\004",
	[ANCHOR_URL] = "://",
	[ANCHOR_EMAIL] = "@",
};

#define ANCHORS_NAMES (~((UINT64_C(1) << _ANCHOR_COUNT) - 1))

struct clean_rules {
	struct prf_key key;
	struct dictionary *names; /* owned */
	struct scan scan;
	uint32_t known_ipv4[CLEAN_KNOWN_IPV4_MAX];
	size_t n_known_ipv4;
};

struct clean {
	const struct clean_rules *rules; /* borrowed */
	struct finder finder;
	clean_write_fn write;
	void *userdata; /* borrowed: the caller's, passed to write */
	clean_found_fn found;
	void *found_userdata; /* borrowed: the caller's */

	uint8_t *buffer;  /* owned, [CLEAN_BUFFER_BYTES + PADDING_BYTES] */
	size_t len;	  /* bytes in it */
	size_t used;	  /* the most there were since it was cleared */
	size_t out;	  /* written up to here */
	size_t pos;	  /* decided up to here */
	uint64_t dropped; /* bytes of the text that are no longer in the buffer */
	size_t judged;	  /* rows that begin before this were seen */
	bool begun;	  /* the start of the text was looked at */
	bool moved;	  /* buffer[0] is no longer the start of the text */
	int error;	  /* of the callback, until clean_finish() */

	struct span span; /* the one of now: too large for a stack */
	uint64_t counts[_CLEAN_KIND_COUNT];
};

_Static_assert(CLEAN_BUFFER_BYTES >= 2 * (CLEAN_WINDOW_BYTES + CLEAN_HISTORY_BYTES),
    "room for a window, what is before it, and something new");
_Static_assert(CLEAN_HISTORY_BYTES > DICTIONARY_NAME_MAX_BYTES, "no name reaches back farther");

int
clean_rules_new(const struct prf_key *key, struct clean_rules **ret)
{
	_cleanup_(clean_rules_freep) struct clean_rules *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	e = dictionary_new(&r->names);
	if (e < 0)
		return e;
	r->key = *key;
	scan_init(&r->scan);
	for (unsigned i = 0; i < _ANCHOR_COUNT; i++)
		scan_add(&r->scan, i, anchor_texts[i], false);
	*ret = TAKE_PTR(r);
	return 0;
}

void
clean_rules_free(struct clean_rules *r)
{
	if (!r)
		return;
	dictionary_free(r->names);
	explicit_bzero(&r->key, sizeof(r->key));
	free(r);
}

static int
add_name(struct clean_rules *r, enum alias_kind kind, const char *name)
{
	char head[SCAN_ANCHOR_BYTES + 1];
	int e = dictionary_add(r->names, kind, name);

	if (e <= 0)
		return e;
	/* More names than bits: some share one, and are told apart by the dictionary. */
	text_copy(
	    head, sizeof(head), dictionary_get(r->names, dictionary_size(r->names) - 1)->text);
	scan_add(&r->scan,
	    _ANCHOR_COUNT +
		(unsigned)dictionary_size(r->names) % (SCAN_ANCHORS_MAX - _ANCHOR_COUNT),
	    head, true);
	return e;
}

/* The name of a company stands in many places without the rest of its domain. What is too short
 * or too common is left out. */
static int
add_registered(struct clean_rules *r, const char *domain)
{
	const char *label;
	size_t len = registered_label(domain, strlen(domain), &label);
	_cleanup_free_ char *copy =
	    len > DICTIONARY_NAME_MIN_BYTES ? strndup(label, len) : NULL;
	int e;

	if (len <= DICTIONARY_NAME_MIN_BYTES)
		return 0;
	if (!copy)
		return -ENOMEM;
	e = add_name(r, ALIAS_DOMAIN, copy);
	return e == -ENOMEM || e == -ENOSPC ? e : 0;
}

int
clean_rules_add(struct clean_rules *r, enum alias_kind kind, const char *name)
{
	int e = add_name(r, kind, name);

	if (e > 0 && kind == ALIAS_DOMAIN && strchr(name, '.')) {
		int more = add_registered(r, name);

		if (more < 0)
			return more;
	}
	if (e <= 0 || !strchr(name, '.') || (kind != ALIAS_DOMAIN && kind != ALIAS_HOST))
		return e;
	for (const char *c = "-_"; *c; c++) {
		_cleanup_free_ char *joined = strdup(name);
		int more;

		if (!joined)
			return -ENOMEM;
		for (char *p = strchr(joined, '.'); p; p = strchr(p, '.'))
			*p = *c;
		more = add_name(r, kind, joined);
		if (more == -ENOMEM || more == -ENOSPC)
			return more;
	}
	return e;
}

void
clean_rules_add_ipv4(struct clean_rules *r, uint32_t address)
{
	if (r->n_known_ipv4 < ELEMENTSOF(r->known_ipv4))
		r->known_ipv4[r->n_known_ipv4++] = address;
}

const struct prf_key *
clean_rules_key(const struct clean_rules *r)
{
	return &r->key;
}

const struct dictionary *
clean_rules_names(const struct clean_rules *r)
{
	return r->names;
}

const char *
clean_kind_to_string(enum clean_kind kind)
{
	static const char *const names[_CLEAN_KIND_COUNT] = {
		[CLEAN_IPV4] = "ipv4",
		[CLEAN_IPV6] = "ipv6",
		[CLEAN_MAC] = "mac",
		[CLEAN_HOST] = "host",
		[CLEAN_DOMAIN] = "domain",
		[CLEAN_USER] = "user",
		[CLEAN_KEYWORD] = "keyword",
	};

	return names[kind];
}

int
clean_new(
    const struct clean_rules *rules, clean_write_fn fn, void *userdata, struct clean **ret)
{
	_cleanup_(clean_freep) struct clean *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->buffer = malloc(CLEAN_BUFFER_BYTES + PADDING_BYTES);
	if (!c->buffer)
		return -ENOMEM;
	c->rules = rules;
	c->finder = (struct finder){ .key = &rules->key,
		.known_ipv4 = rules->known_ipv4,
		.n_known_ipv4 = rules->n_known_ipv4 };
	c->write = fn;
	c->userdata = userdata;
	*ret = TAKE_PTR(c);
	return 0;
}

void
clean_free(struct clean *c)
{
	if (!c)
		return;
	if (c->buffer)
		explicit_bzero(c->buffer, c->used);
	free(c->buffer);
	free(c);
}

void
clean_set_found(struct clean *c, clean_found_fn fn, void *userdata)
{
	c->found = fn;
	c->found_userdata = userdata;
}

uint64_t
clean_count(const struct clean *c, enum clean_kind kind)
{
	return c->counts[kind];
}

uint64_t
clean_count_all(const struct clean *c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < _CLEAN_KIND_COUNT; i++)
		n += c->counts[i];
	return n;
}

static void
emit(struct clean *c, const void *data, size_t len)
{
	if (len > 0 && c->error == 0)
		c->error = c->write(data, len, c->userdata);
}

/* Writes what stays up to END. */
static void
flush(struct clean *c, size_t end)
{
	if (end <= c->out)
		return;
	emit(c, c->buffer + c->out, end - c->out);
	c->out = end;
}

static struct view
view_at_pos(const struct clean *c)
{
	struct view v = { .data = c->buffer, .end = c->len, .last = true };

	if (c->pos > CLEAN_HISTORY_BYTES)
		v.low = c->pos - CLEAN_HISTORY_BYTES;
	if (v.end - c->pos > CLEAN_WINDOW_BYTES)
		v.end = c->pos + CLEAN_WINDOW_BYTES;
	v.first = v.low == 0 && !c->moved;
	return v;
}

static bool
match_field(struct clean *c, struct view *v, size_t at)
{
	return table_match_ipv6(&c->finder, v, at, &c->span);
}

/* Asks about the row of digits around pos: those before were judged as a whole. */
static bool
match_row(struct clean *c, enum anchor anchor, struct view *v)
{
	size_t at = c->pos;

	if (at < c->judged)
		return false;
	switch (anchor) {
	case ANCHOR_DOTTED:
		return ipv4_match(&c->finder, v, at, &c->judged, &c->span);
	case ANCHOR_DASHED:
		return ipv4_match_joined(&c->finder, v, at, '-', &c->judged, &c->span);
	case ANCHOR_UNDERSCORED:
		return ipv4_match_joined(&c->finder, v, at, '_', &c->judged, &c->span);
	case ANCHOR_COLON:
		return colon_match(&c->finder, v, at + 1, &c->judged, &c->span);
	case ANCHOR_COLONS:
		return colon_match(&c->finder, v, at, &c->judged, &c->span);
	default:
		return false;
	}
}

static bool
match(struct clean *c, enum anchor anchor, struct view *v)
{
	const struct prf_key *key = &c->rules->key;
	size_t at = c->pos;

	switch (anchor) {
	case ANCHOR_MAC_DASHES:
		return mac_match_dashes(&c->finder, v, at + 2, &c->span);
	case ANCHOR_MAC_DOTS:
		return at >= v->low + 2 && mac_match_dots(&c->finder, v, at + 2, &c->span);
	case ANCHOR_FIELD:
	case ANCHOR_LINE:
		return match_field(c, v, at + 1);
	case ANCHOR_COLUMN:
		return view_at(v, at + 9) == '\t' &&
		    table_match_ipv4(&c->finder, v, at + 1, &c->span);
	case ANCHOR_URL:
		return url_host_match(key, v, at, &c->span);
	case ANCHOR_EMAIL:
		return email_match(key, v, c->out, at, &c->span);
	default:
		return match_row(c, anchor, v);
	}
}

/* Asks those of ANCHORS about pos. */
static bool
ask_all(struct clean *c, uint64_t anchors, struct view *v)
{
	if ((anchors & ANCHORS_NAMES) &&
	    name_match(&c->rules->key, c->rules->names, v, c->out, c->pos, &c->span))
		return true;
	for (anchors &= ~ANCHORS_NAMES; anchors != 0; anchors &= anchors - 1)
		if (match(c, (enum anchor)__builtin_ctzll(anchors), v))
			return true;
	return false;
}

static void
replace(struct clean *c)
{
	const struct span *s = &c->span;

	flush(c, s->start);
	if (c->found)
		c->found(s->kind, c->dropped + s->start, c->found_userdata);
	emit(c, s->text, s->len);
	c->counts[s->kind]++;
	c->out = c->pos = s->end;
}

/* No line end announces the first line, of which a table may be. */
static void
begin(struct clean *c)
{
	struct view v = view_at_pos(c);

	c->begun = true;
	if (match_field(c, &v, 0))
		replace(c);
}

/* Decides everything before END. */
static void
run(struct clean *c, size_t end)
{
	memset(c->buffer + c->len, 0, PADDING_BYTES);
	if (!c->begun)
		begin(c);
	while (c->error == 0 && c->pos < end) {
		uint64_t anchors;
		struct view v;

		c->pos = scan_next(&c->rules->scan, c->buffer, c->pos, end, &anchors);
		if (anchors == 0)
			break;
		v = view_at_pos(c);
		/* A row that begins before what was just replaced has no more to say. */
		if (ask_all(c, anchors, &v) && c->span.start >= c->out)
			replace(c);
		else
			c->pos++;
	}
}

/* Drops what is written and no longer looked back at. */
static void
compact(struct clean *c)
{
	size_t keep = c->pos > CLEAN_HISTORY_BYTES ? c->pos - CLEAN_HISTORY_BYTES : 0;
	size_t drop = keep < c->out ? keep : c->out;

	if (drop == 0)
		return;
	memmove(c->buffer, c->buffer + drop, c->len - drop);
	c->dropped += drop;
	c->len -= drop;
	c->pos -= drop;
	c->out -= drop;
	c->judged = c->judged > drop ? c->judged - drop : 0;
	c->moved = true;
}

int
clean_write(struct clean *c, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len > 0 && c->error == 0) {
		size_t n;

		compact(c);
		n = CLEAN_BUFFER_BYTES - c->len;
		/* Never 0: less than a window and the history stays. */
		assert(n > 0);
		if (n > len)
			n = len;
		memcpy(c->buffer + c->len, p, n);
		c->len += n;
		if (c->len > c->used)
			c->used = c->len;
		p += n;
		len -= n;
		if (c->len - c->pos <= CLEAN_WINDOW_BYTES)
			continue;
		run(c, c->len - CLEAN_WINDOW_BYTES);
		if (c->pos > CLEAN_HISTORY_BYTES)
			flush(c, c->pos - CLEAN_HISTORY_BYTES);
	}
	return c->error;
}

int
clean_finish(struct clean *c)
{
	int error;

	if (c->error == 0 && c->len > 0) {
		run(c, c->len);
		flush(c, c->len);
	}
	error = c->error;
	explicit_bzero(c->buffer, c->used);
	c->used = c->len = c->out = c->pos = c->judged = 0;
	c->dropped = 0;
	c->begun = c->moved = false;
	c->error = 0;
	return error;
}

/* Room for the result of clean_text(). */
struct text_buffer {
	char *data;
	size_t len;
	size_t size;
};

static int
on_text(const void *data, size_t len, void *userdata)
{
	struct text_buffer *b = userdata;

	if (len >= b->size - b->len)
		return -ENAMETOOLONG;
	memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int
clean_text(const struct clean_rules *rules, const char *text, char *buf, size_t size)
{
	struct text_buffer b = { .data = buf, .size = size };
	_cleanup_(clean_freep) struct clean *c = NULL;
	int r;

	buf[0] = '\0';
	r = clean_new(rules, on_text, &b, &c);
	if (r < 0)
		return r;
	(void)clean_write(c, text, strlen(text));
	return clean_finish(c);
}
