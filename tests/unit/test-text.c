/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/text.h"

static void
test_numbers(void)
{
	uint64_t v;
	bool b;

	ok(text_parse_uint("0", &v) == 0 && v == 0, "0");
	ok(text_parse_uint("18446744073709551615", &v) == 0 && v == UINT64_MAX, "largest");
	ok_int(text_parse_uint("18446744073709551616", &v), -ERANGE, "one more");
	ok_int(text_parse_uint("-1", &v), -EINVAL, "sign");
	ok_int(text_parse_uint(" 1", &v), -EINVAL, "white space");
	ok_int(text_parse_uint("", &v), -EINVAL, "empty");

	ok(text_parse_bytes("64M", &v) == 0 && v == 64 << 20, "64M");
	ok(text_parse_bytes("3", &v) == 0 && v == 3, "bytes");
	ok(text_parse_bytes("infinity", &v) == 0 && v == UINT64_MAX, "infinity");
	ok_int(text_parse_bytes("64MB", &v), -EINVAL, "unknown unit");
	ok_int(text_parse_bytes("20000000000T", &v), -ERANGE, "too large");

	ok(text_parse_usec("90", &v) == 0 && v == 90 * USEC_PER_SEC, "seconds by default");
	ok(text_parse_usec("1min 30s", &v) == 0 && v == 90 * USEC_PER_SEC, "sum");
	ok(text_parse_usec("1h30min", &v) == 0 && v == 90 * USEC_PER_MINUTE, "without space");
	ok(text_parse_usec("2w", &v) == 0 && v == 14 * USEC_PER_DAY, "weeks");
	ok_int(text_parse_usec("10 parsecs", &v), -EINVAL, "unknown unit");
	ok_int(text_parse_usec("", &v), -EINVAL, "empty span");

	ok(text_parse_bool("Yes", &b) == 0 && b, "yes");
	ok(text_parse_bool("off", &b) == 0 && !b, "off");
	ok_int(text_parse_bool("maybe", &b), -EINVAL, "maybe");
}

static void
check_words(const char *input, const char *want)
{
	_cleanup_(strv_freep) char **words = NULL;
	char got[256] = "";

	if (strv_split_quoted(input, &words) < 0)
		text_copy(got, sizeof(got), "error");
	for (char **w = words; w && *w; w++) {
		strcat(got, "<");
		strcat(got, *w);
		strcat(got, ">");
	}
	ok_str(got, want, "words of: %s", input);
}

static void
test_words(void)
{
	_cleanup_(strv_freep) char **l = NULL;
	char **copy;

	check_words("a  b\tc", "<a><b><c>");
	check_words("'a b' \"c d\"", "<a b><c d>");
	check_words("a\\ b \"q\\\"q\" 'n\\n'", "<a b><q\"q><n\\n>");
	check_words("--x='y z'", "<--x=y z>");
	check_words("''", "<>");
	check_words("", "");
	check_words("'open", "error");

	ok(strv_split("a:b::c", ":", &l) == 0 && strv_length(l) == 3,
	    "split leaves empty pieces out");
	ok(strv_contains(l, "b") && !strv_contains(l, "d") && !strv_contains(NULL, "a"),
	    "contains");
	ok(strv_copy(l, &copy) == 0 && strv_length(copy) == 3 && strv_contains(copy, "c") &&
		copy[0] != l[0],
	    "a copy has texts of its own");
	strv_free(copy);
	ok(strv_copy(NULL, &copy) == 0 && !copy, "the copy of an empty list is one");
}

static void
test_formats(void)
{
	char text[CLOCK_TEXT_BYTES];
	char buf[32];
	char s[] = " \t x y \n";

	ok_str(text_strip(s), "x y", "strip");
	ok(text_has_prefix("abc", "ab") && !text_has_prefix("a", "ab"), "prefix");
	ok(text_has_suffix("a.conf", ".conf") && !text_has_suffix("f", ".conf"), "suffix");
	ok_str(text_format_bytes(512, buf, sizeof(buf)), "512B", "bytes");
	ok_str(text_format_bytes(1536, buf, sizeof(buf)), "1.5K", "kibibytes");
	ok_str(text_format_bytes(UINT64_MAX, buf, sizeof(buf)), "16.0E", "largest");
	ok_str(clock_format_utc(UINT64_C(1795353016807447), text),
	    "2026-11-22T13:10:16.807447Z", "UTC");
	ok_str(clock_format_span(1500 * USEC_PER_MSEC, buf, sizeof(buf)), "1.5s", "seconds");
	ok_str(clock_format_span(25 * USEC_PER_HOUR, buf, sizeof(buf)), "1d 1h", "days");
	ok_str(clock_format_span(USEC_INFINITY, buf, sizeof(buf)), "infinity", "for ever");
}

int
main(void)
{
	test_numbers();
	test_words();
	test_formats();
	return tap_done();
}
