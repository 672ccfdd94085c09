/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a rule sees of the text: a window that may end before the text does.
 *
 * A rule reads through view_at() and never asks how much there is. When it runs off the end of
 * what has arrived so far, `more` is set and whatever it decided is thrown away; it is asked
 * again when more has arrived. So a decision depends on the bytes of the text alone and not on
 * how they were delivered, without any rule having to care. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "No byte": behind the end, or before the first one that may be looked at. */
#define VIEW_NONE (-1)

struct redact_own;

struct view {
	const struct redact_own
	    *own;	     /* borrowed: rules besides the built-in ones; may be NULL */
	const uint8_t *data; /* borrowed: the filter's buffer, valid while a rule runs */
	size_t low;	     /* first byte that may be looked at */
	size_t end;	     /* first byte that may not */
	bool first;	     /* low is the first byte of the text */
	bool last;	     /* end is the end of the text */
	bool full;	     /* end is as far as a rule may ever look */
	bool more;	     /* a rule wanted a byte that may still arrive */
};

/* The byte at I, or VIEW_NONE. */
static inline int
view_at(struct view *v, size_t i)
{
	if (__builtin_expect(i < v->end, 1))
		return v->data[i];
	if (!v->last && !v->full)
		v->more = true;
	return VIEW_NONE;
}

/* The byte before I, or VIEW_NONE. */
static inline int
view_before(const struct view *v, size_t i)
{
	return i > v->low ? v->data[i - 1] : VIEW_NONE;
}

/* True if the text ends at I, as opposed to what is known of it. */
static inline bool
view_is_end(const struct view *v, size_t i)
{
	return i >= v->end && v->last;
}

static inline bool
is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static inline bool
is_upper(int c)
{
	return c >= 'A' && c <= 'Z';
}

static inline bool
is_lower(int c)
{
	return c >= 'a' && c <= 'z';
}

static inline bool
is_alnum(int c)
{
	return is_digit(c) || is_upper(c) || is_lower(c);
}

static inline int
to_lower(int c)
{
	return is_upper(c) ? c + ('a' - 'A') : c;
}

/* Part of a key name: "client-secret", "db.password", "API_TOKEN". */
static inline bool
is_name(int c)
{
	return is_alnum(c) || c == '_' || c == '-' || c == '.';
}

static inline bool
is_base64(int c)
{
	return is_alnum(c) || c == '+' || c == '/';
}

static inline bool
is_blank(int c)
{
	return c == ' ' || c == '\t';
}

/* Ends a record: a line of text, or a string of /proc/PID/environ and cmdline. */
static inline bool
is_record_end(int c)
{
	return c == '\n' || c == '\r' || c == '\0';
}

static inline bool
is_quote(int c)
{
	return c == '"' || c == '\'' || c == '`';
}

/* First byte at or behind I that is not blank, at most MAX bytes on. */
static inline size_t
view_skip_blank(struct view *v, size_t i, size_t max)
{
	for (size_t n = 0; n < max && is_blank(view_at(v, i)); n++)
		i++;
	return i;
}

/* First byte at or behind I that is not C, at most MAX bytes on. */
static inline size_t
view_skip_char(struct view *v, size_t i, int c, size_t max)
{
	for (size_t n = 0; n < max && view_at(v, i) == c; n++)
		i++;
	return i;
}

/* True if S stands at I. */
bool view_has(struct view *v, size_t i, const char *s);
/* The same, S in lower case, the text in any. */
bool view_has_fold(struct view *v, size_t i, const char *s);

/* True if no word reaches over I from the left: what stands before it is no word character, or
 * is one that belongs to an escape ("\neyJ…", "%20eyJ…"). */
bool view_is_word_start(const struct view *v, size_t i);

/* Number of backslashes that end right before I, at most 64. */
unsigned view_slashes_before(const struct view *v, size_t i);
