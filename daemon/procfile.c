/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "daemon/procfile.h"

/* Takes the digits at *P. Returns false when there are none or too many. */
static bool
take_uint(const char **p, uint64_t *ret)
{
	const char *s = *p;
	uint64_t value = 0;

	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*s - '0'), &value))
			return false;
	if (s == *p)
		return false;
	*p = s;
	*ret = value;
	return true;
}

static const char *
skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

/* What follows KEY at the beginning of a line; NULL when no line begins so. */
static const char *
find_line(const char *data, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = data; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, length) == 0)
			return skip_blanks(line + length);
	}
	return NULL;
}

int
procfile_uint(const char *data, const char *key, uint64_t *ret)
{
	const char *p = find_line(data, key);

	return p && take_uint(&p, ret) ? 0 : -ENODATA;
}

int
procfile_centi(const char *data, const char *key, uint64_t *ret)
{
	const char *p = find_line(data, key);
	uint64_t value;

	if (!p || !take_uint(&p, &value) || __builtin_mul_overflow(value, 100, &value))
		return -ENODATA;
	/* Two digits is what the kernel prints. */
	if (p[0] != '.' || p[1] < '0' || p[1] > '9' || p[2] < '0' || p[2] > '9')
		return -ENODATA;
	if (__builtin_add_overflow(value, (uint64_t)((p[1] - '0') * 10 + p[2] - '0'), &value))
		return -ENODATA;
	*ret = value;
	return 0;
}

int
procfile_sum(const char *data, const char *key, uint64_t *ret)
{
	size_t length = strlen(key);
	uint64_t sum = 0;
	bool is_found = false;

	for (const char *p = strstr(data, key); p; p = strstr(p, key)) {
		bool is_word = p == data || p[-1] == ' ' || p[-1] == '\n';
		uint64_t value;

		p += length;
		if (!is_word)
			continue;
		if (!take_uint(&p, &value) || __builtin_add_overflow(sum, value, &sum))
			return -ENODATA;
		is_found = true;
	}
	if (!is_found)
		return -ENODATA;
	*ret = sum;
	return 0;
}
