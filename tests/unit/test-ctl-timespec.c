/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <time.h>

#include "ctl/timespec.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/fault.h"

/* 2026-11-23 14:27:52 UTC, a Monday; 15:27:52 in Berlin. */
#define NOW (UINT64_C(1795444072) * USEC_PER_SEC)
#define SEC USEC_PER_SEC

static const struct {
	const char *text;
	uint64_t want_sec;
} times[] = {
	{ "now", 1795444072 },
	{ "today", 1795388400 },
	{ "yesterday", 1795302000 },
	{ "@1795444072", 1795444072 },
	{ "@0", 0 },
	{ "2026-11-23", 1795388400 },
	{ "2026-11-23 14:00", 1795438800 },
	{ "2026-11-23 14:00:01", 1795438801 },
	{ "2026-11-23T14:00:01", 1795438801 },
	{ "2026-11-23T14:27:52Z", 1795444072 },
	{ "2026-11-23 14:27Z", 1795444020 },
	/* Summer time. */
	{ "2026-07-01 12:00", 1782900000 },
	{ "14:00", 1795438800 },
	{ "14:00:30", 1795438830 },
	{ "2h ago", 1795436872 },
	{ "-2h", 1795436872 },
	{ "2h", 1795436872 },
	{ "90", 1795443982 },
	{ "1 day 6 hours ago", 1795335999 + 73 },
	{ "1d6h", 1795335999 + 73 },
	{ "1 week ago", 1795444072 - 7 * 86400 },
	{ "100000 weeks ago", 0 },
};

static const char *const no_times[] = { "", " ", "whenever", "2h from now", "2026-13-01",
	"2026-02-31", "2026-11-23 25:00", "@", "@-1", "@99999999999999999999", "14:00x",
	"2 fortnights ago", "--2h", "9999999999999999999999 h", "9999999999999999 weeks",
	"2026-11-23T14:27:52Z and a text that goes on for much longer than any time does" };

static const struct {
	const char *text;
	uint64_t want_usec;
} spans[] = {
	{ "90", 90 * SEC },
	{ "90s", 90 * SEC },
	{ "2min", 120 * SEC },
	{ "1h 30min", 5400 * SEC },
	{ "1 hour 30 minutes", 5400 * SEC },
	{ " 5 s ", 5 * SEC },
	{ "0", 0 },
};

static void
check_age(uint64_t seconds, const char *want)
{
	char buf[16];

	ok_str(timespec_format_age(NOW - seconds * SEC, NOW, buf, sizeof(buf)), want,
	    "%" PRIu64 " s ago", seconds);
}

int
main(void)
{
	char text[TIME_TEXT_BYTES];
	char buf[16];
	struct fault f;
	uint64_t usec = 42;

	assert(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1) == 0);
	tzset();
	for (size_t i = 0; i < ELEMENTSOF(times); i++) {
		int r = timespec_parse(times[i].text, NOW, &usec, &f);

		ok(r == 0 && usec == times[i].want_sec * SEC, "'%s' is %" PRIu64, times[i].text,
		    usec / SEC);
	}
	for (size_t i = 0; i < ELEMENTSOF(no_times); i++) {
		usec = 42;
		ok(timespec_parse(no_times[i], NOW, &usec, &f) == -EINVAL, "no time: '%s'",
		    no_times[i]);
	}
	for (size_t i = 0; i < ELEMENTSOF(spans); i++) {
		int r = timespec_parse_span(spans[i].text, &usec);

		ok(r == 0 && usec == spans[i].want_usec, "span '%s' is %" PRIu64, spans[i].text,
		    usec);
	}
	ok(timespec_parse_span("", &usec) < 0 && timespec_parse_span("s", &usec) < 0 &&
		timespec_parse_span("-1", &usec) < 0 && timespec_parse_span("1.5h", &usec) < 0,
	    "no spans");

	ok_str(timespec_format_local(NOW, text), "2026-11-23 15:27:52", "local time");
	ok_str(timespec_format_local(0, text), "-", "no time");
	ok(timespec_format_local(UINT64_MAX, text) == text, "a clock gone mad: %s", text);

	check_age(0, "0s");
	check_age(59, "59s");
	check_age(60, "1min");
	check_age(3599, "59min");
	check_age(3600, "1h");
	check_age(47 * 3600, "47h");
	check_age(48 * 3600, "2d");
	check_age(400 * 86400, "400d");
	ok_str(timespec_format_age(NOW + 1, NOW, buf, sizeof(buf)), "future", "clock set back");
	ok_str(timespec_format_age(0, NOW, buf, sizeof(buf)), "-", "unknown");
	return tap_done();
}
