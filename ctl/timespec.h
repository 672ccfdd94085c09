/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Points in time as people write them, and ages as people read them. */

#include <stddef.h>
#include <stdint.h>

struct fault;

/* "2026-11-23 14:27:52" and its NUL, with room for a lying clock's five-digit year. */
#define TIME_TEXT_BYTES 24u

/* Parses a point in time, as usec since the epoch. Understood are
 *
 *   now, today, yesterday                              the last two at 00:00, local time
 *   2026-11-23, 2026-11-23 14:27, 2026-11-23 14:27:52  local time; UTC with a Z behind it;
 *                                                      T may stand for the space
 *   14:27, 14:27:52                                    today
 *   @1795444072                                        seconds since the epoch
 *   2h, 2h ago, -2h, 1 day 6 hours ago                 that long before NOW_USEC
 *
 * Returns 0, or -EINVAL with a sentence in *reterr. */
int timespec_parse(const char *s, uint64_t now_usec, uint64_t *ret_usec, struct fault *reterr);

/* Parses "90", "90s", "2min", "1h 30min", "1 day 6 hours" into usec. A bare number is seconds.
 * Returns 0 or -EINVAL. */
int timespec_parse_span(const char *s, uint64_t *ret_usec);

/* Writes USEC (epoch) in local time, "-" for 0. Returns BUF. */
const char *timespec_format_local(uint64_t usec, char buf[TIME_TEXT_BYTES]);

/* Writes how long ago USEC was in the one unit that says enough ("12s", "5min", "3h", "9d").
 * "-" for 0, "future" when the clock was set back since. Returns BUF. */
const char *timespec_format_age(uint64_t usec, uint64_t now_usec, char *buf, size_t size);
