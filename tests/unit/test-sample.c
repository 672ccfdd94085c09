/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>

#include "daemon/sample.h"
#include "lib/cleanup.h"
#include "lib/text.h"

static char *const units[] = { (char *)"microshift.service", (char *)"crio.service", NULL };

static char *
print(const struct sample *s, size_t n_units)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert(f);
	if (s)
		sample_print(s, n_units, f);
	else
		sample_print_header(units, f);
	assert(fclose(f) == 0);
	assert(size > 0 && text[size - 1] == '\n');
	text[size - 1] = '\0';
	return text;
}

static size_t
count_cells(const char *line)
{
	size_t n = 1;

	for (; *line; line++)
		n += *line == ',';
	return n;
}

static struct sample
make(void)
{
	struct sample s;

	sample_clear(&s);
	s.time_sec = 1795444072;
	s.boottime_sec = 86401;
	s.boot = 0x00c0ffee;
	sample_set(&s, SAMPLE_PSI_CPU_SOME, 6711);
	sample_set(&s, SAMPLE_LOAD, 5);
	sample_set(&s, SAMPLE_MEM_AVAILABLE, 0);
	sample_set(&s, SAMPLE_DISK_ROOT, UINT64_MAX);
	s.values[SAMPLE_UNITS] = sample_unit_state("activating");
	sample_set(&s, SAMPLE_UNITS + 1, 3);
	return s;
}

static void
test_print(void)
{
	struct sample s = make();
	_cleanup_free_ char *header = print(NULL, 0);
	_cleanup_free_ char *line = print(&s, 2);

	ok_int(count_cells(header), count_cells(line), "a cell for each column");
	ok(text_has_prefix(header, "time,boot,uptime_s,psi_cpu_some_percent,"), "names");
	ok(text_has_suffix(header,
	       ",microshift.service_state,microshift.service_restarts,crio.service_state,"
	       "crio.service_restarts"),
	    "names of units");
	ok(text_has_prefix(line, "2026-11-23T14:27:52Z,00c0ffee,86401,67.11,,,,,0.05,0,"),
	    "absent is empty, zero is zero: %s", line);
	ok(text_has_suffix(line, ",activating,3,,"), "units");
	ok(strstr(line, ",4294967294,"), "too large is the largest, not absent");
}

static void
test_longest(void)
{
	struct sample s = { .time_sec = UINT32_MAX, .boottime_sec = UINT32_MAX };
	_cleanup_free_ char *line = NULL;

	for (size_t i = 0; i < SAMPLE_UNITS; i++)
		s.values[i] = SAMPLE_ABSENT - 1;
	for (size_t i = 0; i < SAMPLE_UNITS_MAX; i++) {
		s.values[SAMPLE_UNITS + 2 * i] = sample_unit_state("deactivating");
		s.values[SAMPLE_UNITS + 2 * i + 1] = SAMPLE_ABSENT - 1;
	}
	line = print(&s, SAMPLE_UNITS_MAX);
	ok(strlen(line) < SAMPLE_LINE_MAX_BYTES, "the longest line has %zu bytes",
	    strlen(line));
}

static void
test_parse(void)
{
	struct sample s = make();
	struct sample back;
	_cleanup_free_ char *line = print(&s, 2);
	_cleanup_free_ char *more = text_format("%s,1", line);
	_cleanup_free_ char *again = NULL;

	ok_int(sample_parse(line, 2, &back), 0, "what is printed is parsed");
	again = print(&back, 2);
	ok_str(again, line, "into the same");
	ok_int(sample_parse(more, 2, &back), -EINVAL, "a cell too many");
	ok_int(sample_parse(line, 1, &back), -EINVAL, "a unit too many");
	ok_int(sample_parse(line, 3, &back), -EINVAL, "a unit too few");
	line[0] = 'x';
	ok_int(sample_parse(line, 2, &back), -EINVAL, "no time");
	ok_int(sample_parse("", 2, &back), -EINVAL, "nothing");
	ok_int(sample_parse("2026-11-23T13:07:52Z,C0FFEE,1", 2, &back), -EINVAL, "no boot");
	ok_int(sample_parse("2026-11-23T13:07:52Z,00c0ffee,4294967296", 2, &back), -EINVAL,
	    "too large");
	ok_int(sample_parse("0026-11-23T13:07:52Z,00c0ffee,1", 2, &back), -EINVAL, "too old");
	ok_int(sample_unit_state("no such state"), SAMPLE_ABSENT, "an unknown state is absent");
}

int
main(void)
{
	test_print();
	test_longest();
	test_parse();
	return tap_done();
}
