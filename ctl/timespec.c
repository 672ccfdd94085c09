/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/timespec.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/text.h"

/* Longest text that is worth parsing. */
#define SPEC_MAX_CHARS 64u

static const struct {
	const char *name;
	uint64_t usec;
} units[] = {
	{ "s", USEC_PER_SEC },
	{ "sec", USEC_PER_SEC },
	{ "second", USEC_PER_SEC },
	{ "seconds", USEC_PER_SEC },
	{ "m", USEC_PER_MINUTE },
	{ "min", USEC_PER_MINUTE },
	{ "minute", USEC_PER_MINUTE },
	{ "minutes", USEC_PER_MINUTE },
	{ "h", USEC_PER_HOUR },
	{ "hour", USEC_PER_HOUR },
	{ "hours", USEC_PER_HOUR },
	{ "d", USEC_PER_DAY },
	{ "day", USEC_PER_DAY },
	{ "days", USEC_PER_DAY },
	{ "w", 7 * USEC_PER_DAY },
	{ "week", 7 * USEC_PER_DAY },
	{ "weeks", 7 * USEC_PER_DAY },
};

/* Value of the unit at the start of *s, which is moved behind it. 0 when there is none. */
static uint64_t
parse_unit(const char **s)
{
	size_t n = 0;

	while (isalpha((unsigned char)(*s)[n]))
		n++;
	for (size_t i = 0; i < ELEMENTSOF(units); i++) {
		if (strlen(units[i].name) == n && strncmp(units[i].name, *s, n) == 0) {
			*s += n;
			return units[i].usec;
		}
	}
	return 0;
}

/* Reads "NUMBER[ UNIT]" at *s and moves behind it. */
static int
parse_piece(const char **s, uint64_t *ret_usec)
{
	uint64_t number = 0;
	uint64_t unit;

	if (!isdigit((unsigned char)**s))
		return -EINVAL;
	for (; isdigit((unsigned char)**s); (*s)++)
		if (__builtin_mul_overflow(number, UINT64_C(10), &number) ||
		    __builtin_add_overflow(number, (uint64_t)(**s - '0'), &number))
			return -EINVAL;
	while (**s == ' ')
		(*s)++;
	unit = **s == '\0' || isdigit((unsigned char)**s) ? USEC_PER_SEC : parse_unit(s);
	if (unit == 0 || __builtin_mul_overflow(number, unit, ret_usec))
		return -EINVAL;
	return 0;
}

int
timespec_parse_span(const char *s, uint64_t *ret_usec)
{
	uint64_t sum = 0;
	int r;

	do {
		uint64_t piece;

		while (*s == ' ')
			s++;
		r = parse_piece(&s, &piece);
		if (r < 0)
			return r;
		if (__builtin_add_overflow(sum, piece, &sum))
			return -EINVAL;
		while (*s == ' ')
			s++;
	} while (*s != '\0');
	*ret_usec = sum;
	return 0;
}

/* "2h", "2h ago" or "-2h": before now. */
static int
parse_ago(const char *s, uint64_t now_usec, uint64_t *ret_usec)
{
	char text[SPEC_MAX_CHARS + 1];
	uint64_t span;
	int r;

	text_copy(text, sizeof(text), s[0] == '-' ? s + 1 : s);
	if (text_has_suffix(text, " ago"))
		text[strlen(text) - strlen(" ago")] = '\0';
	r = timespec_parse_span(text, &span);
	if (r < 0)
		return r;
	*ret_usec = span > now_usec ? 0 : now_usec - span;
	return 0;
}

static int
tm_to_usec(struct tm tm, bool is_utc, uint64_t *ret_usec)
{
	struct tm wanted = tm;
	time_t sec;

	tm.tm_isdst = -1;
	sec = is_utc ? timegm(&tm) : mktime(&tm);
	/* 31 February is silently moved to March; the person meant something else. */
	if (sec < 0 || tm.tm_mday != wanted.tm_mday || tm.tm_mon != wanted.tm_mon)
		return -EINVAL;
	*ret_usec = (uint64_t)sec * USEC_PER_SEC;
	return 0;
}

/* A calendar time; what is missing of the date is today. */
static int
parse_calendar(const char *s, uint64_t now_usec, uint64_t *ret_usec)
{
	static const char *const formats[] = {
		"%Y-%m-%d",
		"%Y-%m-%d %H:%M",
		"%Y-%m-%d %H:%M:%S",
		"%Y-%m-%dT%H:%M",
		"%Y-%m-%dT%H:%M:%S",
		"%H:%M",
		"%H:%M:%S",
	};
	time_t now = (time_t)(now_usec / USEC_PER_SEC);

	for (size_t i = 0; i < ELEMENTSOF(formats); i++) {
		struct tm tm;
		const char *end;

		if (!localtime_r(&now, &tm))
			return -EINVAL;
		tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
		end = strptime(s, formats[i], &tm);
		if (end && (streq(end, "") || streq(end, "Z")))
			return tm_to_usec(tm, *end == 'Z', ret_usec);
	}
	return -EINVAL;
}

static int
parse_midnight(int days_ago, uint64_t now_usec, uint64_t *ret_usec)
{
	time_t now = (time_t)(now_usec / USEC_PER_SEC);
	struct tm tm;
	time_t sec;

	if (!localtime_r(&now, &tm))
		return -EINVAL;
	tm.tm_mday -= days_ago;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	sec = mktime(&tm);
	if (sec < 0)
		return -EINVAL;
	*ret_usec = (uint64_t)sec * USEC_PER_SEC;
	return 0;
}

static int
parse_epoch(const char *s, uint64_t *ret_usec)
{
	uint64_t sec;

	if (text_parse_uint(s, &sec) < 0 || sec > UINT64_MAX / USEC_PER_SEC)
		return -EINVAL;
	*ret_usec = sec * USEC_PER_SEC;
	return 0;
}

static int
parse_any(const char *s, uint64_t now_usec, uint64_t *ret_usec)
{
	if (strlen(s) > SPEC_MAX_CHARS)
		return -EINVAL;
	if (streq(s, "now")) {
		*ret_usec = now_usec;
		return 0;
	}
	if (streq(s, "today"))
		return parse_midnight(0, now_usec, ret_usec);
	if (streq(s, "yesterday"))
		return parse_midnight(1, now_usec, ret_usec);
	if (s[0] == '@')
		return parse_epoch(s + 1, ret_usec);
	if (parse_calendar(s, now_usec, ret_usec) >= 0)
		return 0;
	return parse_ago(s, now_usec, ret_usec);
}

int
timespec_parse(const char *s, uint64_t now_usec, uint64_t *ret_usec, struct fault *reterr)
{
	if (parse_any(s, now_usec, ret_usec) < 0)
		return fault_set(reterr, -EINVAL,
		    "'%s' is no time; try \"2h ago\", \"yesterday\" or "
		    "\"2026-11-23 14:00\"",
		    s);
	return 0;
}

const char *
timespec_format_local(uint64_t usec, char buf[TIME_TEXT_BYTES])
{
	time_t sec = (time_t)(usec / USEC_PER_SEC);
	struct tm tm;

	if (usec == 0 || !localtime_r(&sec, &tm) ||
	    strftime(buf, TIME_TEXT_BYTES, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		text_copy(buf, TIME_TEXT_BYTES, "-");
	return buf;
}

const char *
timespec_format_age(uint64_t usec, uint64_t now_usec, char *buf, size_t size)
{
	uint64_t age = now_usec - usec;

	if (usec == 0)
		text_copy(buf, size, "-");
	else if (usec > now_usec)
		text_copy(buf, size, "future");
	else if (age < USEC_PER_MINUTE)
		(void)snprintf(buf, size, "%" PRIu64 "s", age / USEC_PER_SEC);
	else if (age < USEC_PER_HOUR)
		(void)snprintf(buf, size, "%" PRIu64 "min", age / USEC_PER_MINUTE);
	else if (age < 2 * USEC_PER_DAY)
		(void)snprintf(buf, size, "%" PRIu64 "h", age / USEC_PER_HOUR);
	else
		(void)snprintf(buf, size, "%" PRIu64 "d", age / USEC_PER_DAY);
	return buf;
}
