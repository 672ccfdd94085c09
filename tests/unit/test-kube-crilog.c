/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include "capture/kube/crilog.h"
#include "lib/cleanup.h"

static char out[4096];
static size_t n_out;

static int
collect(const void *data, size_t size, void *userdata)
{
	(void)userdata;
	assert(n_out + size < sizeof(out));
	memcpy(out + n_out, data, size);
	n_out += size;
	out[n_out] = '\0';
	return 0;
}

/* Converts TEXT in pieces of STEP bytes. */
static const char *
convert(const char *text, size_t step)
{
	struct crilog c;
	size_t n = strlen(text);

	n_out = 0;
	out[0] = '\0';
	crilog_init(&c, collect, NULL);
	for (size_t i = 0; i < n; i += step)
		assert(crilog_feed(&c, text + i, n - i < step ? n - i : step) == 0);
	assert(crilog_finish(&c) == 0);
	return out;
}

static const struct {
	const char *in;
	const char *want;
	const char *what;
} cases[] = {
	{ "2026-11-22T13:00:00.1Z stdout F hello\n2026-11-22T13:00:00.2Z stderr F a b\n",
	    "2026-11-22T13:00:00.1Z hello\n2026-11-22T13:00:00.2Z a b\n", "lines" },
	{ "T1 stdout P one\nT2 stdout P two\nT3 stdout F three\nT4 stdout F x\n",
	    "T1 onetwothree\nT4 x\n", "parts become one line" },
	{ "T1 stdout F:tag x\n", "T1 x\n", "more tags" },
	{ "T1 stdout F \n", "T1 \n", "an empty text" },
	{ "T1 stdout F\n", "T1 \n", "without the blank behind the tag" },
	{ "T1 stdout F no end", "T1 no end", "no end of line" },
	{ "T1 stdout F   indented\n", "T1   indented\n", "blanks of the text stay" },
	{ "not such a line\n\nx\n", "not such a line\n\nx\n", "other lines pass" },
	{ "T1 stdin F x\n", "T1 stdin F x\n", "another stream is none" },
	{ "T1 stdout X x\n", "T1 stdout X x\n", "another tag is none" },
	{ "T1 stdout P one\njunk\n", "T1 one\njunk\n", "a part that never ends" },
	{ "", "", "nothing" },
};

static void
test_long_head(void)
{
	char in[512];

	memset(in, 'a', sizeof(in) - 2);
	in[sizeof(in) - 2] = '\n';
	in[sizeof(in) - 1] = '\0';
	ok_str(convert(in, 7), in, "a line without blanks passes");
}

int
main(void)
{
	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		ok_str(convert(cases[i].in, 4096), cases[i].want, "%s", cases[i].what);
		ok_str(
		    convert(cases[i].in, 1), cases[i].want, "%s, byte by byte", cases[i].what);
	}
	test_long_head();
	return tap_done();
}
