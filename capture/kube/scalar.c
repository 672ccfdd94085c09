/* SPDX-License-Identifier: Apache-2.0 */

#include "capture/kube/scalar.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/text.h"

/* Longest text that can be a number or a date for a reader; longer ones exist only as digits.
 */
#define TYPED_MAX_BYTES 320u

/* Longest of the words. */
#define WORD_MAX_BYTES 5u

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t
digits(const char *s)
{
	size_t n = 0;

	while (is_digit(s[n]))
		n++;
	return n;
}

/* Digits and "_", which YAML 1.1 allows in them. */
static size_t
digits_(const char *s)
{
	return strspn(s, "0123456789_");
}

static bool
is_word(const char *s)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL", "y", "Y", "yes",
		"Yes", "YES", "n", "N", "no", "No", "NO", "true", "True", "TRUE", "false",
		"False", "FALSE", "on", "On", "ON", "off", "Off", "OFF", ".nan", ".NaN", ".NAN",
		".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF",
		/* PyYAML fails on these two; `oc` writes them plain. */
		"=", "<<" };

	/* All keys of objects come here: most are told apart without a call. */
	for (size_t i = 0; i < ELEMENTSOF(words); i++)
		if (s[0] == words[i][0] && streq(s, words[i]))
			return true;
	return false;
}

/* Dates and times, of go-yaml and YAML 1.1: also those that do not exist, which make PyYAML
 * fail. */
static bool
is_timestamp(const char *s)
{
	size_t n;

	if (digits(s) != 4 || s[4] != '-')
		return false;
	s += 5;
	for (int i = 0; i < 2; i++) {
		n = digits(s);
		if (n < 1 || n > 2)
			return false;
		s += n;
		if (i == 0 && *s++ != '-')
			return false;
	}
	if (*s == '\0')
		return true;
	if (*s == 'T' || *s == 't')
		s++;
	else if (*s == ' ' || *s == '\t')
		s += strspn(s, " \t");
	else
		return false;
	for (int i = 0; i < 3; i++) {
		n = digits(s);
		if (n < 1 || n > 2)
			return false;
		s += n;
		if (i < 2 && *s++ != ':')
			return false;
	}
	if (*s == '.' || *s == ',')
		s += 1 + digits(s + 1);
	s += strspn(s, " \t");
	if (*s == 'Z')
		s++;
	else if (*s == '+' || *s == '-') {
		s++;
		n = digits(s);
		if (n < 1 || n > 2)
			return false;
		s += n;
		if (*s == ':')
			s += 1 + digits(s + 1);
	}
	return *s == '\0';
}

/* 12:30:45, minutes and seconds in YAML 1.1, with a sign or fraction. */
static bool
is_base60(const char *s)
{
	size_t n;

	if (*s == '+' || *s == '-')
		s++;
	if (!is_digit(*s))
		return false;
	s += digits_(s);
	if (*s != ':')
		return false;
	while (*s == ':') {
		s++;
		n = digits(s);
		if (n < 1 || n > 2 || (n == 2 && *s > '5'))
			return false;
		s += n;
	}
	if (*s == '.')
		s += 1 + digits_(s + 1);
	return *s == '\0';
}

/* PLAIN is without "_". True for integers as Go takes them with base 0; also too large ones. */
static bool
is_integer(const char *plain)
{
	if (*plain == '+' || *plain == '-')
		plain++;
	if (*plain == '0') {
		switch (plain[1]) {
		case 'x':
		case 'X':
			plain += 2;
			return *plain != '\0' &&
			    plain[strspn(plain, "0123456789abcdefABCDEF")] == '\0';
		case 'b':
		case 'B':
			plain += 2;
			/* go-yaml takes "0b+1" too. */
			if (*plain == '+' || *plain == '-')
				plain++;
			return *plain != '\0' && plain[strspn(plain, "01")] == '\0';
		case 'o':
		case 'O':
			plain += 2;
			return *plain != '\0' && plain[strspn(plain, "01234567")] == '\0';
		default:
			break;
		}
	}
	return *plain != '\0' && plain[digits(plain)] == '\0';
}

/* As Go parses it: what is beyond a double is no number (5e12345 is part of a digest). PyYAML
 * reads it only when there is a point and a sign. */
static bool
is_float(const char *plain)
{
	const char *s = plain;
	bool has_point = false;
	bool has_sign = false;
	bool has_exponent = false;
	size_t n;

	if (*s == '+' || *s == '-')
		s++;
	n = digits(s);
	s += n;
	if (*s == '.') {
		has_point = true;
		s++;
		if (n == 0 && !is_digit(*s))
			return false;
		s += digits(s);
	} else if (n == 0)
		return false;
	if (*s == 'e' || *s == 'E') {
		has_exponent = true;
		s++;
		if (*s == '+' || *s == '-') {
			has_sign = true;
			s++;
		}
		if (!is_digit(*s))
			return false;
		s += digits(s);
	}
	if (*s != '\0')
		return false;
	if (has_point && (!has_exponent || has_sign))
		return true;
	return isfinite(strtod(plain, NULL));
}

static bool
is_bare_prefix(const char *plain)
{
	if (*plain == '+' || *plain == '-')
		plain++;
	return streq(plain, "0x") || streq(plain, "0b") || streq(plain, ".");
}

/* What is longer than TYPED_MAX_BYTES is a number only as a row of digits. */
static bool
is_long_number(const char *text, size_t len)
{
	const char *s = text + (text[0] == '+' || text[0] == '-');
	size_t rest = len - (size_t)(s - text);

	if (s[0] == '0' && s[1] == 'x')
		return strspn(s, "0123456789abcdefABCDEFx_") >= rest;
	return strspn(s, "0123456789_.:") >= rest;
}

bool
scalar_looks_typed(const char *text, size_t len)
{
	char plain[TYPED_MAX_BYTES + 1];
	char copy[TYPED_MAX_BYTES + 1];
	size_t n = 0;

	/* Every word, number and date starts with one of these. */
	if (len > 0 && !memchr("0123456789+-.yYnNtTfFoO~=<", text[0], 26))
		return false;
	if (memchr(text, '\0', len))
		return false;
	if (len > TYPED_MAX_BYTES)
		return is_long_number(text, len);
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (len <= WORD_MAX_BYTES && is_word(copy))
		return true;
	if (!is_digit(copy[0]) && copy[0] != '+' && copy[0] != '-' && copy[0] != '.')
		return false;
	for (size_t i = 0; i < len; i++)
		if (copy[i] != '_')
			plain[n++] = copy[i];
	plain[n] = '\0';
	/* PyYAML takes "0x_" and "._" for numbers, and fails on them. */
	if (n < len && (is_float(plain) || is_bare_prefix(plain)))
		return true;
	return is_timestamp(copy) || is_base60(copy) || is_integer(plain) || is_float(plain);
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

/* The run of digits at S[AT], as go-yaml adds it up: 64 bits that wrap around. */
static int64_t
number_at(const char *s, size_t len, size_t at, uint64_t n, size_t *ret_end)
{
	for (; at < len && is_digit(s[at]); at++)
		n = n * 10 + (uint64_t)(s[at] - '0');
	*ret_end = at;
	return (int64_t)n;
}

/* keyList.Less of go-yaml v2. Bytes may be compared where it compares characters: UTF-8 has
 * their order. */
int
scalar_compare_keys(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t len = a_len < b_len ? a_len : b_len;
	uint64_t start = 0;
	size_t a_end = 0;
	size_t b_end = 0;
	size_t i = 0;
	int64_t an;
	int64_t bn;

	while (i < len && a[i] == b[i])
		i++;
	if (i == len)
		return (a_len > b_len) - (a_len < b_len);
	if (is_letter(a[i]) && is_letter(b[i]))
		return (unsigned char)a[i] < (unsigned char)b[i] ? -1 : 1;
	if (is_letter(a[i]) || is_letter(b[i]))
		return is_letter(b[i]) ? -1 : 1;
	/* Behind other digits a zero is not a leading one. */
	if (a[i] == '0' || b[i] == '0')
		for (size_t j = i; j > 0 && is_digit(a[j - 1]); j--)
			if (a[j - 1] != '0') {
				start = 1;
				break;
			}
	an = number_at(a, a_len, i, start, &a_end);
	bn = number_at(b, b_len, i, start, &b_end);
	if (an != bn)
		return an < bn ? -1 : 1;
	if (a_end != b_end)
		return a_end < b_end ? -1 : 1;
	return (unsigned char)a[i] < (unsigned char)b[i] ? -1 : 1;
}
