/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "lib/clock.h"

/* The clock source is one of the three globals that the style allows. */
static uint64_t fixed_usec = USEC_INFINITY;

static uint64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	if (fixed_usec != USEC_INFINITY)
		return fixed_usec;
	if (clock_gettime(id, &ts) < 0)
		return 0;
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / NSEC_PER_USEC;
}

uint64_t
clock_realtime_usec(void)
{
	return read_clock(CLOCK_REALTIME);
}

uint64_t
clock_monotonic_usec(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t
clock_boottime_usec(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

void
clock_set_for_test(uint64_t usec)
{
	fixed_usec = usec;
}

const char *
clock_format_utc(uint64_t usec, char buf[CLOCK_TEXT_BYTES])
{
	time_t sec = (time_t)(usec / USEC_PER_SEC);
	struct tm tm;
	char date[24];

	if (!gmtime_r(&sec, &tm) ||
	    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
		(void)snprintf(buf, CLOCK_TEXT_BYTES, "invalid");
		return buf;
	}
	(void)snprintf(
	    buf, CLOCK_TEXT_BYTES, "%.19s.%06" PRIu64 "Z", date, usec % USEC_PER_SEC);
	return buf;
}

const char *
clock_format_span(uint64_t usec, char *buf, size_t size)
{
	if (usec == USEC_INFINITY)
		(void)snprintf(buf, size, "infinity");
	else if (usec >= USEC_PER_DAY)
		(void)snprintf(buf, size, "%" PRIu64 "d %" PRIu64 "h", usec / USEC_PER_DAY,
		    usec % USEC_PER_DAY / USEC_PER_HOUR);
	else if (usec >= USEC_PER_HOUR)
		(void)snprintf(buf, size, "%" PRIu64 "h %" PRIu64 "min", usec / USEC_PER_HOUR,
		    usec % USEC_PER_HOUR / USEC_PER_MINUTE);
	else if (usec >= USEC_PER_MINUTE)
		(void)snprintf(buf, size, "%" PRIu64 "min %" PRIu64 "s", usec / USEC_PER_MINUTE,
		    usec % USEC_PER_MINUTE / USEC_PER_SEC);
	else if (usec >= USEC_PER_SEC)
		(void)snprintf(buf, size, "%" PRIu64 ".%" PRIu64 "s", usec / USEC_PER_SEC,
		    usec % USEC_PER_SEC / (100 * USEC_PER_MSEC));
	else
		(void)snprintf(buf, size, "%" PRIu64 "ms", usec / USEC_PER_MSEC);
	return buf;
}
