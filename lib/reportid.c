/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/reportid.h"
#include "lib/text.h"

#define DATE_CHARS	    16u
#define SEQUENCE_DIGITS_MIN 4u
#define SEQUENCE_DIGITS_MAX 10u
#define TAIL_CHARS	    8u

void
report_id_make(char id[REPORT_ID_BYTES], uint64_t realtime_usec, uint64_t sequence,
    const char *invocation_id)
{
	time_t sec = (time_t)(realtime_usec / USEC_PER_SEC);
	char date[24] = "19700101T000000Z";
	char tail[TAIL_CHARS + 1];
	uint32_t random = 0;
	struct tm tm;

	/* A year of five digits (a lying clock) would break the format; such a date is not
	 * worth it. */
	if (gmtime_r(&sec, &tm) && tm.tm_year < 9999 - 1900)
		(void)strftime(date, sizeof(date), "%Y%m%dT%H%M%SZ", &tm);

	if (is_empty(invocation_id) || strlen(invocation_id) < TAIL_CHARS) {
		if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
			random = (uint32_t)clock_boottime_usec();
		(void)snprintf(tail, sizeof(tail), "%08" PRIx32, random);
	} else {
		(void)snprintf(tail, sizeof(tail), "%.8s", invocation_id);
	}
	(void)snprintf(id, REPORT_ID_BYTES, "%.16s-%04" PRIu64 "-%s", date,
	    sequence % UINT64_C(10000000000), tail);
}

/* Walks over as much of S as fits the format. Returns the number of characters that fit;
 * *ret_whole says whether that is a whole ID. */
static size_t
match(const char *s, bool *ret_whole)
{
	static const char shape[] = "ddddddddTddddddZ-";
	size_t i;
	size_t n;

	*ret_whole = false;
	for (i = 0; i < DATE_CHARS + 1; i++)
		if (shape[i] == 'd' ? !isdigit((unsigned char)s[i]) : s[i] != shape[i])
			return i;
	for (n = 0; isdigit((unsigned char)s[i]) && n < SEQUENCE_DIGITS_MAX; n++)
		i++;
	if (s[i] != '-' || n < SEQUENCE_DIGITS_MIN)
		return i;
	i++;
	for (n = 0; n < TAIL_CHARS && s[i] && strchr("0123456789abcdef", s[i]); n++)
		i++;
	*ret_whole = n == TAIL_CHARS && s[i] == '\0';
	return i;
}

bool
report_id_is_valid(const char *s)
{
	bool whole;

	(void)match(s, &whole);
	return whole;
}

bool
report_id_is_prefix(const char *s)
{
	bool whole;

	return s[0] != '\0' && match(s, &whole) == strlen(s);
}

uint64_t
report_id_sequence(const char *id)
{
	return strtoull(id + DATE_CHARS + 1, NULL, 10);
}

const char *
report_id_topdir(const char *id, char *buf, size_t size)
{
	(void)snprintf(buf, size, "microshift-support-%s", id);
	return buf;
}
