/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/text.h"

bool
text_has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
text_has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s);
	size_t m = strlen(suffix);

	return n >= m && streq(s + n - m, suffix);
}

char *
text_strip(char *s)
{
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	n = strlen(s);
	while (n > 0 && isspace((unsigned char)s[n - 1]))
		s[--n] = '\0';
	return s;
}

void
text_copy(char *dst, size_t size, const char *src)
{
	(void)snprintf(dst, size, "%s", src ? src : "");
}

char *
text_format(const char *format, ...)
{
	char *s = NULL;
	va_list ap;
	int r;

	va_start(ap, format);
	r = vasprintf(&s, format, ap);
	va_end(ap);
	return r < 0 ? NULL : s;
}

int
text_parse_uint(const char *s, uint64_t *ret)
{
	uint64_t v = 0;

	if (is_empty(s))
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(v, UINT64_C(10), &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return -ERANGE;
	}
	*ret = v;
	return 0;
}

int
text_parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = { "yes", "true", "on", "1", "y", "t" };
	static const char *const no[] = { "no", "false", "off", "0", "n", "f" };

	for (size_t i = 0; i < ELEMENTSOF(yes); i++) {
		if (strcasecmp(s, yes[i]) == 0) {
			*ret = true;
			return 0;
		}
		if (strcasecmp(s, no[i]) == 0) {
			*ret = false;
			return 0;
		}
	}
	return -EINVAL;
}

struct factor {
	const char *name;
	uint64_t value;
};

/* Reads "NUMBER[UNIT]" at *S and moves *S behind it and the white space after it. */
static int
parse_quantity(const char **s, const struct factor *units, size_t n_units, uint64_t *ret)
{
	const char *p = *s;
	char number[24];
	char unit[8];
	size_t n = 0;
	uint64_t v;
	int r;

	while (*p >= '0' && *p <= '9' && n < sizeof(number) - 1)
		number[n++] = *p++;
	number[n] = '\0';
	r = text_parse_uint(number, &v);
	if (r < 0)
		return r;

	p += strspn(p, " \t");
	n = 0;
	while (isalpha((unsigned char)*p) && n < sizeof(unit) - 1)
		unit[n++] = *p++;
	unit[n] = '\0';
	for (size_t i = 0; i < n_units; i++) {
		if (!streq(unit, units[i].name))
			continue;
		if (__builtin_mul_overflow(v, units[i].value, &v))
			return -ERANGE;
		*s = p + strspn(p, " \t");
		*ret = v;
		return 0;
	}
	return -EINVAL;
}

int
text_parse_bytes(const char *s, uint64_t *ret_bytes)
{
	static const struct factor units[] = {
		{ "", 1 },
		{ "B", 1 },
		{ "K", UINT64_C(1) << 10 },
		{ "M", UINT64_C(1) << 20 },
		{ "G", UINT64_C(1) << 30 },
		{ "T", UINT64_C(1) << 40 },
	};
	uint64_t v;
	int r;

	if (streq(s, "infinity")) {
		*ret_bytes = UINT64_MAX;
		return 0;
	}
	r = parse_quantity(&s, units, ELEMENTSOF(units), &v);
	if (r < 0)
		return r;
	if (*s != '\0')
		return -EINVAL;
	*ret_bytes = v;
	return 0;
}

int
text_parse_usec(const char *s, uint64_t *ret_usec)
{
	static const struct factor units[] = {
		{ "", USEC_PER_SEC },
		{ "us", 1 },
		{ "usec", 1 },
		{ "ms", USEC_PER_MSEC },
		{ "msec", USEC_PER_MSEC },
		{ "s", USEC_PER_SEC },
		{ "sec", USEC_PER_SEC },
		{ "m", USEC_PER_MINUTE },
		{ "min", USEC_PER_MINUTE },
		{ "h", USEC_PER_HOUR },
		{ "hr", USEC_PER_HOUR },
		{ "d", USEC_PER_DAY },
		{ "day", USEC_PER_DAY },
		{ "days", USEC_PER_DAY },
		{ "w", 7 * USEC_PER_DAY },
	};
	uint64_t total = 0;
	int r;

	if (streq(s, "infinity")) {
		*ret_usec = USEC_INFINITY;
		return 0;
	}
	do {
		uint64_t v;

		r = parse_quantity(&s, units, ELEMENTSOF(units), &v);
		if (r < 0)
			return r;
		if (__builtin_add_overflow(total, v, &total))
			return -ERANGE;
	} while (*s != '\0');
	*ret_usec = total;
	return 0;
}

const char *
text_format_bytes(uint64_t bytes, char *buf, size_t size)
{
	static const char suffix[] = "BKMGTPE";
	uint64_t unit = 1;
	size_t i = 0;

	while (bytes / unit >= 1024 && i < sizeof(suffix) - 2) {
		unit *= 1024;
		i++;
	}
	if (i == 0)
		(void)snprintf(buf, size, "%" PRIu64 "B", bytes);
	else
		(void)snprintf(buf, size, "%.1f%c", (double)bytes / (double)unit, suffix[i]);
	return buf;
}

size_t
strv_length(char *const *l)
{
	size_t n = 0;

	while (l && l[n])
		n++;
	return n;
}

bool
strv_contains(char *const *l, const char *s)
{
	for (; l && *l; l++)
		if (streq(*l, s))
			return true;
	return false;
}

void
strv_free(char **l)
{
	for (char **i = l; i && *i; i++)
		free(*i);
	free(l);
}

int
strv_append(char ***l, const char *s)
{
	size_t n = strv_length(*l);
	char **grown;
	char *copy;

	copy = strdup(s);
	if (!copy)
		return -ENOMEM;
	grown = reallocarray(*l, n + 2, sizeof(char *));
	if (!grown) {
		free(copy);
		return -ENOMEM;
	}
	grown[n] = copy;
	grown[n + 1] = NULL;
	*l = grown;
	return 0;
}

int
strv_copy(char *const *l, char ***ret)
{
	_cleanup_(strv_freep) char **copy = NULL;

	for (; l && *l; l++)
		if (strv_append(&copy, *l) < 0)
			return -ENOMEM;
	*ret = TAKE_PTR(copy);
	return 0;
}

/* Copies one word from *S to OUT (as long as *S) and moves *S behind it. */
static int
next_quoted_word(const char **s, char *out)
{
	const char *p = *s;
	char quote = '\0';

	for (; *p && (quote || !isspace((unsigned char)*p)); p++) {
		if (quote && *p == quote)
			quote = '\0';
		else if (!quote && (*p == '"' || *p == '\''))
			quote = *p;
		else if (*p == '\\' && p[1] && quote != '\'')
			*out++ = *++p;
		else
			*out++ = *p;
	}
	if (quote)
		return -EINVAL;
	*out = '\0';
	*s = p;
	return 0;
}

int
strv_split_quoted(const char *s, char ***ret_words)
{
	_cleanup_(strv_freep) char **words = NULL;
	_cleanup_free_ char *word = NULL;
	int r;

	word = malloc(strlen(s) + 1);
	if (!word)
		return -ENOMEM;
	for (;;) {
		while (isspace((unsigned char)*s))
			s++;
		if (*s == '\0')
			break;
		r = next_quoted_word(&s, word);
		if (r < 0)
			return r;
		r = strv_append(&words, word);
		if (r < 0)
			return r;
	}
	*ret_words = TAKE_PTR(words);
	return 0;
}

int
strv_split(const char *s, const char *separators, char ***ret_words)
{
	_cleanup_(strv_freep) char **words = NULL;
	_cleanup_free_ char *copy = NULL;
	char *save = NULL;
	int r;

	copy = strdup(s);
	if (!copy)
		return -ENOMEM;
	for (char *w = strtok_r(copy, separators, &save); w;
	     w = strtok_r(NULL, separators, &save)) {
		r = strv_append(&words, w);
		if (r < 0)
			return r;
	}
	*ret_words = TAKE_PTR(words);
	return 0;
}
