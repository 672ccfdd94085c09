/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Small text helpers, and the parsers of sizes and spans that configuration and options share.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool
streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static inline bool
is_empty(const char *s)
{
	return !s || s[0] == '\0';
}

bool text_has_prefix(const char *s, const char *prefix);
bool text_has_suffix(const char *s, const char *suffix);

/* Cuts white space from both ends, in place; returns the new start inside S. */
char *text_strip(char *s);

/* Copies SRC into DST[SIZE], cut to fit, always terminated (SIZE > 0). SRC NULL counts as
 * empty. */
void text_copy(char *dst, size_t size, const char *src);

/* printf into a new string. Returns NULL when out of memory. The caller frees it. */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Parses "512", "64K", "16M", "2G" (powers of 1024, as systemd.syntax(7)) or "infinity" into
 * bytes. Returns 0, -EINVAL, or -ERANGE when it does not fit 64 bits. */
int text_parse_bytes(const char *s, uint64_t *ret_bytes);

/* Parses a span as systemd.time(7) does, for the units us ms s min h d w: "90", "1min 30s",
 * "2h", "infinity". A bare number is seconds. Returns 0, -EINVAL or -ERANGE. */
int text_parse_usec(const char *s, uint64_t *ret_usec);

/* Parses a decimal number without sign or white space. Returns 0, -EINVAL or -ERANGE. */
int text_parse_uint(const char *s, uint64_t *ret);

/* Parses yes/no, true/false, on/off, 1/0. Returns 0 or -EINVAL. */
int text_parse_bool(const char *s, bool *ret);

/* Writes BYTES for people ("3.2M", "512B") into BUF; returns BUF. */
const char *text_format_bytes(uint64_t bytes, char *buf, size_t size);

/* Lists of owned strings, NULL-terminated; NULL is the empty list. */
size_t strv_length(char *const *l);
bool strv_contains(char *const *l, const char *s);
void strv_free(char **l);

/* Appends a copy of S to *L. Returns 0 or -ENOMEM; *L is unchanged on failure. */
int strv_append(char ***l, const char *s);

/* Copies L. Returns 0 or -ENOMEM; the caller owns *RET (strv_free()). */
int strv_copy(char *const *l, char ***ret);

/* Splits S into words: separated by white space, with '…' and "…" quotes and backslash escapes
 * as systemd.syntax(7) splits command lines, but without variable or specifier expansion.
 * Returns 0, -EINVAL for an unterminated quote, -ENOMEM. The caller owns *ret_words
 * (strv_free()). */
int strv_split_quoted(const char *s, char ***ret_words);

/* Splits S at any character of SEPARATORS; empty pieces are left out. Returns 0 or -ENOMEM. */
int strv_split(const char *s, const char *separators, char ***ret_words);

static inline void
strv_freep(char ***l)
{
	strv_free(*l);
}
