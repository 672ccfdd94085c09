/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The clocks, in microseconds, and how times are written. Every time in this program is a
 * uint64_t count of microseconds; there is no other unit. */

#include <stddef.h>
#include <stdint.h>

#define USEC_PER_MSEC	UINT64_C(1000)
#define USEC_PER_SEC	UINT64_C(1000000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_PER_HOUR	(60 * USEC_PER_MINUTE)
#define USEC_PER_DAY	(24 * USEC_PER_HOUR)
#define NSEC_PER_USEC	UINT64_C(1000)

/* No limit, no deadline. */
#define USEC_INFINITY UINT64_MAX

/* "2026-11-23T14:27:52.123456Z" and its NUL. */
#define CLOCK_TEXT_BYTES 28u

/* Wall clock, usec since the epoch. For records that people read, never for waiting. */
uint64_t clock_realtime_usec(void);

/* CLOCK_MONOTONIC, usec: for deadlines, and what systemd's *Monotonic properties count in. */
uint64_t clock_monotonic_usec(void);

/* CLOCK_BOOTTIME, usec: counts suspended time too; comparable between processes of one boot. */
uint64_t clock_boottime_usec(void);

/* Replaces all three clocks by a fixed time, or gives them back (USEC_INFINITY). Tests only. */
void clock_set_for_test(uint64_t usec);

/* Writes USEC (epoch) as RFC 3339 in UTC with microseconds into BUF; returns BUF. */
const char *clock_format_utc(uint64_t usec, char buf[CLOCK_TEXT_BYTES]);

/* Writes a span for people ("1h 5min", "3.2s", "15ms") into BUF; returns BUF. */
const char *clock_format_span(uint64_t usec, char *buf, size_t size);
