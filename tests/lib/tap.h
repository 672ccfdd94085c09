/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The Test Anything Protocol for unit tests. Include it first: it keeps assert() alive. */

#undef NDEBUG
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count;
static int tap_failed;

/* One check. Says where it is when it fails; returns CONDITION. */
#define ok(condition, ...) tap_ok((condition), #condition, __FILE__, __LINE__, __VA_ARGS__)

/* Equal texts (NULL allowed) or numbers; both values are printed when they differ. */
#define ok_str(got, want, ...) tap_ok_str((got), (want), __FILE__, __LINE__, __VA_ARGS__)
#define ok_int(got, want, ...)                                                                 \
 tap_ok_int((long long)(got), (long long)(want), __FILE__, __LINE__, __VA_ARGS__)

__attribute__((format(printf, 5, 6))) static inline bool
tap_ok(
    bool condition, const char *expression, const char *file, int line, const char *format, ...)
{
	va_list ap;

	(void)printf("%sok %d - ", condition ? "" : "not ", ++tap_count);
	va_start(ap, format);
	(void)vprintf(format, ap);
	va_end(ap);
	(void)printf("\n");
	if (!condition) {
		tap_failed++;
		(void)printf("# %s:%d: %s\n", file, line, expression);
	}
	(void)fflush(stdout);
	return condition;
}

__attribute__((format(printf, 5, 6))) static inline bool
tap_ok_str(
    const char *got, const char *want, const char *file, int line, const char *format, ...)
{
	bool same = got && want ? strcmp(got, want) == 0 : got == want;
	char name[256];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(name, sizeof(name), format, ap);
	va_end(ap);
	(void)tap_ok(same, "texts differ", file, line, "%s", name);
	if (!same)
		(void)printf("#   got:  '%s'\n#   want: '%s'\n", got ? got : "(null)",
		    want ? want : "(null)");
	return same;
}

__attribute__((format(printf, 5, 6))) static inline bool
tap_ok_int(long long got, long long want, const char *file, int line, const char *format, ...)
{
	char name[256];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(name, sizeof(name), format, ap);
	va_end(ap);
	(void)tap_ok(got == want, "numbers differ", file, line, "%s", name);
	if (got != want)
		(void)printf("#   got:  %lld\n#   want: %lld\n", got, want);
	return got == want;
}

/* A check that cannot run here; the reason is printed and counted. */
static inline void
tap_skip(const char *reason)
{
	(void)printf("ok %d # SKIP %s\n", ++tap_count, reason);
}

/* Ends the test: `return tap_done();` from main(). */
static inline int
tap_done(void)
{
	(void)printf("1..%d\n", tap_count);
	return tap_failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
