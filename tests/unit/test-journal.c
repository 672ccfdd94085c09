/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/cmdrun.h"
#include "capture/collectors/builtin.h"
#include "capture/collectors/journal.h"
#include "capture/collectors/journalentry.h"
#include "lib/json.h"
#include "tests/lib/export-reader.h"
#include "tests/lib/lab.h"

/* Makes journal files from the journal export format. */
#define JOURNAL_REMOTE "/usr/lib/systemd/systemd-journal-remote"
#define JOURNALCTL     "/usr/bin/journalctl"

#define MACHINE_ID  "3d1219c7c4c5404aaa1f6d2a48adfda4"
#define JOURNAL_DIR "var/log/journal/" MACHINE_ID
#define BOOT_1	    "11111111111111111111111111111111"
#define RUN_1	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1"
#define RUN_2	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa2"
#define EXPORT_FILE "sos_commands/logs/journal.export.zst"
#define BOOT_FILE   "sos_commands/logs/journalctl_--no-pager_--boot"
#define UNIT_FILE   "sos_commands/microshift/journalctl_--no-pager_--unit_microshift"
#define START_USEC  (UINT64_C(1795353000) * USEC_PER_SEC)

static void
run(char *const *argv)
{
	struct cmdrun_spec spec = {
		.argv = argv,
		.deadline_usec = clock_monotonic_usec() + 60 * USEC_PER_SEC,
	};
	struct cmdrun_result result;

	assert(cmdrun(&spec, &result, NULL) == 0 && result.exit_status == 0);
}

/* Makes the journal of LAB from the file EXPORT. */
static void
make_journal(struct lab *lab, const char *export)
{
	_cleanup_free_ char *output = NULL;
	char *argv[] = { (char *)JOURNAL_REMOTE, (char *)"-o", NULL, (char *)export, NULL };

	assert(io_mkdir_p(lab->root.fd, JOURNAL_DIR, 0755) == 0);
	output = text_format("%s/" JOURNAL_DIR "/system.journal", lab->root.path);
	assert(output);
	argv[2] = output;
	run(argv);
}

/* Writes entries in the export format. */
struct writer {
	FILE *f;
	char path[128];
	uint64_t n;
};

static void
writer_open(struct writer *w, struct lab *lab)
{
	*w = (struct writer){ 0 };
	(void)snprintf(w->path, sizeof(w->path), "%s/export", lab->out.path);
	w->f = fopen(w->path, "we");
	assert(w->f);
}

/* One second after the last one. BINARY is for messages with newlines or other bytes. */
static void
write_entry(struct writer *w, const char *fields, const char *message, size_t size)
{
	uint64_t usec = START_USEC + ++w->n * USEC_PER_SEC;
	uint64_t little = htole64(size);

	(void)fprintf(w->f,
	    "__REALTIME_TIMESTAMP=%" PRIu64 "\n__MONOTONIC_TIMESTAMP=%" PRIu64
	    "\n_BOOT_ID=" BOOT_1 "\n_HOSTNAME=edge\n%sMESSAGE\n",
	    usec, w->n * USEC_PER_SEC, fields);
	(void)fwrite(&little, sizeof(little), 1, w->f);
	(void)fwrite(message, 1, size, w->f);
	(void)fprintf(w->f, "\n\n");
}

static void
write_unit(struct writer *w, const char *run_id, int priority, const char *format, ...)
{
	char fields[512], message[512];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	(void)snprintf(fields, sizeof(fields),
	    "PRIORITY=%d\nSYSLOG_IDENTIFIER=microshift\n_PID=90\n_UID=0\n"
	    "_SYSTEMD_UNIT=microshift.service\n_SYSTEMD_INVOCATION_ID=%s\n",
	    priority, run_id);
	write_entry(w, fields, message, strlen(message));
}

static void
write_other(struct writer *w, const char *fields, const char *message)
{
	write_entry(w, fields, message, strlen(message));
}

static void
writer_close(struct writer *w, struct lab *lab)
{
	assert(fclose(w->f) == 0);
	make_journal(lab, w->path);
}

static unsigned
count_lines(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

struct output {
	char *data;
	size_t size;
};

static int
on_output(const void *data, size_t size, void *userdata)
{
	struct output *out = userdata;

	out->data = realloc(out->data, out->size + size + 1);
	assert(out->data);
	memcpy(out->data + out->size, data, size);
	out->size += size;
	out->data[out->size] = '\0';
	return 0;
}

/* What journalctl prints for the journal of LAB. */
static char *
journalctl(struct lab *lab, const char *option, const char *value)
{
	_cleanup_free_ char *dir = text_format("%s/" JOURNAL_DIR, lab->root.path);
	char *argv[] = { (char *)JOURNALCTL, (char *)"-D", dir, (char *)"--no-pager",
		(char *)option, (char *)value, NULL };
	struct output out = { 0 };
	struct cmdrun_spec spec = {
		.argv = argv,
		.deadline_usec = clock_monotonic_usec() + 60 * USEC_PER_SEC,
		.output = on_output,
		.userdata = &out,
	};
	struct cmdrun_result result;

	assert(cmdrun(&spec, &result, NULL) == 0);
	return out.data;
}

/* Prints the first line in which GOT and WANT differ. */
static bool
same_text(const char *got, const char *want)
{
	for (unsigned line = 1; got && want && *got && *want; line++) {
		size_t g = strcspn(got, "\n"), w = strcspn(want, "\n");

		if (g != w || memcmp(got, want, g) != 0) {
			printf("# line %u\n# got:  %.*s\n# want: %.*s\n", line, (int)g, got,
			    (int)w, want);
			return false;
		}
		got += g + (got[g] == '\n');
		want += w + (want[w] == '\n');
	}
	return got && want && *got == *want;
}

static int
compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines of TEXT, sorted, without those about the text itself. */
static char **
sorted_lines(const char *text)
{
	char **lines = NULL;
	size_t n = 0;

	for (size_t size; *text; text += size + (text[size] == '\n')) {
		char *line;

		size = strcspn(text, "\n");
		line = strndup(text, size);
		assert(line);
		if (!text_has_prefix(line, "-- "))
			assert(strv_append(&lines, line) == 0);
		free(line);
	}
	n = strv_length(lines);
	if (n > 0)
		qsort(lines, n, sizeof(*lines), compare_lines);
	return lines;
}

/* All text of the journal in the report, and all of journalctl's: the same lines, as often. */
static void
check_each_line_once(struct lab *lab)
{
	_cleanup_free_ char *want = journalctl(lab, "--output", "short");
	_cleanup_free_ char *got = strdup("");
	char **got_lines, **want_lines;
	size_t n, same = 0;

	for (size_t i = 0; i < lab->archive.n_entries; i++) {
		const struct read_entry *e = &lab->archive.entries[i];
		char *longer;

		if (!strstr(e->path, "journalctl_") || strstr(e->path, "usage") || !e->data)
			continue;
		longer = text_format("%s%s", got, e->data);
		free(got);
		got = longer;
	}
	got_lines = sorted_lines(got);
	want_lines = sorted_lines(want);
	n = strv_length(want_lines);
	while (same < n && got_lines && got_lines[same] &&
	    streq(got_lines[same], want_lines[same]))
		same++;
	ok_int(same, n, "each line of the journal is in the report once");
	ok_int(strv_length(got_lines), n, "and nothing else");
	strv_free(got_lines);
	strv_free(want_lines);
}

/* Fields that journalctl and journald make, not whoever wrote the entry. */
static cJSON *
parse_entry(const char *line, size_t size)
{
	static const char *const own[] = { "__CURSOR", "__SEQNUM", "__SEQNUM_ID" };
	cJSON *entry = cJSON_ParseWithLength(line, size);

	assert(entry);
	for (size_t i = 0; i < ELEMENTSOF(own); i++)
		cJSON_DeleteItemFromObjectCaseSensitive(entry, own[i]);
	return entry;
}

/* Number of entries up to the first in which two outputs of journalctl -o json differ. */
static size_t
count_same_entries(const char *got, const char *want)
{
	size_t n = 0;

	while (*got && *want) {
		size_t g = strcspn(got, "\n"), w = strcspn(want, "\n");
		cJSON *a = parse_entry(got, g), *b = parse_entry(want, w);
		bool same = cJSON_Compare(a, b, true);

		cJSON_Delete(a);
		cJSON_Delete(b);
		if (!same) {
			printf("# got:  %.*s\n# want: %.*s\n", (int)g, got, (int)w, want);
			break;
		}
		got += g + (got[g] == '\n');
		want += w + (want[w] == '\n');
		n++;
	}
	return n;
}

/* The export, as text. */
static char *
read_export(struct lab *lab, size_t *ret_size)
{
	const struct read_entry *e = lab_find(lab, EXPORT_FILE);

	assert(e);
	return export_unpack(e->data, e->size, ret_size);
}

/* Imports the export again: the same entries with the same fields. */
static void
check_export(struct lab *lab)
{
	_cleanup_lab_ struct lab copy;
	_cleanup_free_ char *want = journalctl(lab, "--all", "--output=json");
	_cleanup_free_ char *got = NULL;
	_cleanup_free_ char *data = NULL;
	_cleanup_free_ char *path = NULL;
	size_t size;
	FILE *f;

	lab_open(&copy);
	data = read_export(lab, &size);
	path = text_format("%s/export", copy.out.path);
	f = fopen(path, "we");
	assert(f && fwrite(data, 1, size, f) == size && fclose(f) == 0);
	make_journal(&copy, path);
	got = journalctl(&copy, "--all", "--output=json");
	ok_int(count_same_entries(got, want), count_lines(want),
	    "systemd-journal-remote makes the same entries of the export");
	ok_int(count_lines(got), count_lines(want), "and no others");
}

/* Real records of a MicroShift over a change of the boot: the same text as journalctl's. */
static void
test_as_journalctl(void)
{
	static const char *const names[] = { "microshift-etcd.scope", "init.scope",
		"microshift", "silent", NULL };
	static const struct collector declared = {
		.name = "declared",
		.plugin = "microshift",
		.journal_units = (char *const *)names,
	};
	const struct collector *items[] = { &journal_collector, &declared };
	struct collector_list collectors = { .items = items, .n_items = ELEMENTSOF(items) };
	_cleanup_lab_ struct lab lab;
	_cleanup_free_ char *data = NULL;
	_cleanup_free_ char *want = NULL;
	const char *srcdir = getenv("top_srcdir");
	const struct read_entry *link;

	lab_open(&lab);
	data = text_format("%s/tests/data/journal/two-boots.export", srcdir ? srcdir : ".");
	make_journal(&lab, data);
	lab.ctx.collectors = &collectors;
	ok_int(journal_collector.run(&journal_collector, &lab.ctx, &lab.ctx.record->fault),
	    OUTCOME_OK, "the collector");
	ok_int(journal_add_unit(&lab.ctx, "mine", "microshift-etcd.scope"), 0, "a unit again");
	ok_int(journal_add_unit(&lab.ctx, "sshd", "sshd"), 0, "a unit without entries");
	lab_close(&lab);
	if (access(JOURNALCTL, X_OK) < 0) {
		tap_skip("journalctl is not installed");
	} else {
		want = journalctl(&lab, "--unit", "microshift");
		ok(same_text(lab_text(&lab, UNIT_FILE), want),
		    "a unit, as journalctl prints it");
		check_each_line_once(&lab);
		check_export(&lab);
	}
	ok(strstr(lab_text(&lab, UNIT_FILE), "-- Boot 2584df214fde4f098ecaca4e05971f78 --"),
	    "a change of the boot is marked");
	ok(lab_find(&lab, "sos_commands/logs/journalctl_--no-pager_--boot_-1"),
	    "the boot before");
	ok(lab_text(&lab,
	       "sos_commands/microshift/journalctl_--no-pager_--unit_microshift-etcd.scope"),
	    "a unit that a collector names is taken with the others");
	ok(!lab_find(
	       &lab, "sos_commands/mine/journalctl_--no-pager_--unit_microshift-etcd.scope"),
	    "and not once more for another");
	ok(!lab_find(&lab, "sos_commands/microshift/journalctl_--no-pager_--unit_silent"),
	    "one that said nothing is left to its collector");
	ok_str(lab_text(&lab, "sos_commands/sshd/journalctl_--no-pager_--unit_sshd"),
	    "-- No entries --\n", "no entries");
	link = lab_find(&lab, "sos_commands/logs/journalctl_--no-pager");
	ok(link && streq(link->link, "journalctl_--no-pager_--boot"),
	    "the name that tools look for");
	ok(lab_find(&lab, "sos_commands/logs/journalctl_--disk-usage"), "disk usage");
}

static void
test_unit_matches(void)
{
	_cleanup_lab_ struct lab lab;
	struct writer w;
	const char *text;

	lab_open(&lab);
	writer_open(&w, &lab);
	write_unit(&w, RUN_1, 6, "own line");
	write_other(&w, "_PID=1\nSYSLOG_IDENTIFIER=systemd\nUNIT=microshift.service\n",
	    "line of PID 1");
	write_other(&w, "_PID=77\nSYSLOG_IDENTIFIER=evil\n_UID=1000\nUNIT=microshift.service\n",
	    "line of a pretender");
	write_other(&w,
	    "_UID=0\n_PID=50\nSYSLOG_IDENTIFIER=systemd-coredump\n"
	    "MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1\nCOREDUMP_UNIT=microshift.service\n",
	    "line of the core dump");
	write_other(&w,
	    "_UID=0\n_PID=51\nSYSLOG_IDENTIFIER=systemd-journald\n"
	    "MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e\nN_DROPPED=1234\n"
	    "OBJECT_SYSTEMD_UNIT=microshift.service\n",
	    "Suppressed 1234 messages from microshift.service");
	write_other(&w, "_SYSTEMD_UNIT=crio.service\n_COMM=crio\n_PID=60\n", "line of another");
	writer_close(&w, &lab);
	ok_int(journal_add_unit(&lab.ctx, "microshift", "microshift.service"), 0, "a unit");
	ok_int(journal_add_unit(&lab.ctx, "crio", "crio.service"), 0, "another unit");
	ok_int(journal_add_unit(&lab.ctx, "crio", "crio.service"), 0, "it again");
	lab_close(&lab);
	text = lab_text(&lab, UNIT_FILE);
	ok_int(count_lines(text), 4, "four lines");
	ok(strstr(text, "edge microshift[90]: own line\n"), "its own");
	ok(strstr(text, "edge systemd[1]: line of PID 1\n"), "of PID 1");
	ok(strstr(text, "line of the core dump\n"), "of its core dump");
	ok(strstr(text, "Suppressed 1234 messages"), "of journald");
	ok(!strstr(text, "pretender") && !strstr(text, "another"), "and no others");
	ok(strstr(lab_text(&lab, "sos_commands/crio/journalctl_--no-pager_--unit_crio"),
	       "edge crio[60]: line of another\n"),
	    "the command's name where there is no identifier");
	ok(!lab_find(&lab, "sos_commands/crio/journalctl_--no-pager_--unit_crio.1"),
	    "the same unit is stored once");
	ok(lab_has_note(&lab, "journald dropped 1234 messages"), "dropped messages are noted");
}

static void
test_text(void)
{
	static const char odd[] =
	    "col\033[31mour\033[0m bell\a nul\0 bad\xff tab         \xc3\xa4";
	_cleanup_lab_ struct lab lab;
	_cleanup_free_ char *huge = malloc(90000);
	_cleanup_free_ char *want = NULL;
	struct writer w;
	const char *text;

	assert(huge);
	memset(huge, 'x', 90000);
	lab_open(&lab);
	writer_open(&w, &lab);
	write_unit(&w, RUN_1, 6, "goroutine 1 [running]:\nmain.main()\n\t/src/main.go:1");
	write_entry(&w, "_SYSTEMD_UNIT=microshift.service\nSYSLOG_IDENTIFIER=m\n", odd,
	    sizeof(odd) - 1);
	write_entry(&w, "_SYSTEMD_UNIT=microshift.service\nSYSLOG_IDENTIFIER=m\n", huge, 90000);
	write_unit(&w, RUN_1, 6, "ends with a newline\n");
	write_unit(&w, RUN_1, 6, "last");
	write_other(&w, "_SYSTEMD_UNIT=multi.service\nSYSLOG_IDENTIFIER=m\n_PID=5\n",
	    "one\n\ttwo\n\nfour");
	writer_close(&w, &lab);
	ok_int(journal_add_unit(&lab.ctx, "microshift", "microshift"), 0, "odd messages");
	ok_int(journal_add_unit(&lab.ctx, "multi", "multi"), 0, "lines");
	lab_close(&lab);
	want = journalctl(&lab, "--unit", "multi");
	ok(same_text(
	       lab_text(&lab, "sos_commands/multi/journalctl_--no-pager_--unit_multi"), want),
	    "lines of one message, as journalctl prints them");
	text = lab_text(&lab, UNIT_FILE);
	ok(strstr(text,
	       "edge microshift[90]: goroutine 1 [running]:\n"
	       "                                     main.main()\n"
	       "                                             /src/main.go:1\n"),
	    "lines of one message are indented");
	ok(strstr(text, "edge m: colour bell\\x07 nul\\x00 bad\\xff tab         \xc3\xa4\n"),
	    "unprintable bytes are shown, colours dropped");
	ok(strstr(text, "xxx … (cut, too long)\n") &&
		strlen(text) < JOURNAL_MESSAGE_MAX_BYTES + 2048,
	    "a huge message is cut");
	ok(strstr(text, ": ends with a newline\n") && !strstr(text, "\n\n"), "no empty lines");
	ok(strstr(text, ": last\n"), "what follows is there");
}

/* A long run whose first error is far before what fits. */
static void
test_budget(void)
{
	static const struct journal_limits limits = { .unit_bytes = 20000 };
	_cleanup_lab_ struct lab lab;
	struct writer w;
	unsigned n_left = 0;
	const char *text, *gap;

	lab_open(&lab);
	writer_open(&w, &lab);
	write_unit(&w, RUN_1, 6, "a line of the run before");
	write_unit(&w, RUN_1, 3, "an error of the run before");
	write_unit(&w, RUN_2, 6, "version 4.20");
	for (int i = 0; i < 100; i++)
		write_unit(&w, RUN_2, 6, "early line %d", i);
	write_unit(&w, RUN_2, 6,
	    "kube-apiserver E1122 13:29:25.401135    4419 x.go:7] [a b c] rotate at: 2027");
	write_unit(&w, RUN_2, 6,
	    "kube-apiserver E1122 13:29:25.401135    4419 x.go:7] \"THE FIRST ERROR\"");
	for (int i = 0; i < 2000; i++)
		write_unit(&w, RUN_2, 6, "middle line %d", i);
	write_unit(&w, RUN_2, 6, "F1122 13:29:25.401135 4419 y.go:7] the end");
	writer_close(&w, &lab);
	text_copy(lab.request.event.unit, sizeof(lab.request.event.unit), "microshift.service");
	text_copy(
	    lab.request.event.invocation_id, sizeof(lab.request.event.invocation_id), RUN_2);
	ok_int(journal_add_unit_limited(&lab.ctx, "microshift", "microshift", &limits), 0,
	    "more than the budget");
	lab_close(&lab);
	text = lab_text(&lab, UNIT_FILE);
	ok(strlen(text) < 25000, "is kept (%zu)", strlen(text));
	ok(strstr(text, "the end\n"), "the newest line is there");
	ok(strstr(text, "THE FIRST ERROR"), "and the first error");
	ok(strstr(text, "version 4.20"), "and how the run began");
	ok(!strstr(text, "rotate at"), "dates of rotation are no errors");
	ok(!strstr(text, "run before"), "other runs are left out first");
	ok(strstr(text, "early line 18\n-- 82 lines are left out --\n"),
	    "lines between the two are counted");
	ok(strstr(text, "middle line 4\n") && !strstr(text, "middle line 5\n"),
	    "an error is kept with what follows");
	gap = strstr(text, "middle line 4\n");
	ok(gap &&
		sscanf(gap,
		    "middle line 4\n-- above: how it began, and its first errors --\n"
		    "-- %u lines are left out: the budget of this file is 19.5K --\n",
		    &n_left) == 1,
	    "the gap is marked");
	/* All lines are written or counted. */
	ok_int(count_lines(text) - 3 + 82 + n_left, 2106, "with the number of lines in it");
	ok(lab_has_note(&lab, "older lines are left out"), "and noted");
}

/* A run that begins with a storm of errors. */
static void
test_storm(void)
{
	static const struct journal_limits limits = { .unit_bytes = 200000 };
	_cleanup_lab_ struct lab lab;
	struct writer w;
	const char *text;

	lab_open(&lab);
	writer_open(&w, &lab);
	for (int i = 0; i < 400; i++)
		write_unit(&w, RUN_1, 3, "error %d", i);
	for (int i = 0; i < 6000; i++)
		write_unit(&w, RUN_1, 6, "line %d", i);
	writer_close(&w, &lab);
	ok_int(journal_add_unit_limited(&lab.ctx, "microshift", "microshift", &limits), 0,
	    "a storm of errors");
	lab_close(&lab);
	text = lab_text(&lab, UNIT_FILE);
	ok(strstr(text, ": error 299\n-- above: ") && !strstr(text, ": error 300\n"),
	    "the first 300 are kept");
	ok(strstr(text, ": line 5999\n"), "and the newest lines");
}

/* So many that the journal is opened anew on the way. */
static void
test_many(void)
{
	_cleanup_lab_ struct lab lab;
	struct writer w;
	unsigned expected = 0, n = 0;
	const char *text;

	lab_open(&lab);
	writer_open(&w, &lab);
	for (int i = 0; i < 9000; i++)
		write_unit(&w, RUN_1, 6, "line %d", i);
	writer_close(&w, &lab);
	ok_int(journal_add_unit(&lab.ctx, "microshift", "microshift"), 0, "9,000 lines");
	lab_close(&lab);
	text = lab_text(&lab, UNIT_FILE);
	for (const char *p = strstr(text, ": line "); p; p = strstr(p + 1, ": line "))
		if ((unsigned)atoi(p + strlen(": line ")) == expected++)
			n++;
	ok_int(n, 9000, "all are there, in order");
	ok_int(expected, 9000, "and no others");
}

static void
test_runs(void)
{
	static const struct journal_limits limits = { .unit_bytes = 1 << 20, .max_runs = 2 };
	_cleanup_lab_ struct lab lab;
	struct writer w;
	const char *text;

	lab_open(&lab);
	writer_open(&w, &lab);
	for (int run_number = 0; run_number < 5; run_number++) {
		char run_id[33];

		(void)snprintf(run_id, sizeof(run_id), "%032d", run_number);
		for (int i = 0; i < 100; i++)
			write_unit(&w, run_id, 6, "run %d line %d", run_number, i);
	}
	writer_close(&w, &lab);
	/* Ten minutes before the event are kept in any case: put it far ahead. */
	lab.request.created_usec = START_USEC + USEC_PER_DAY;
	ok_int(journal_add_unit_limited(&lab.ctx, "microshift", "microshift", &limits), 0,
	    "two runs of five");
	lab_close(&lab);
	text = lab_text(&lab, UNIT_FILE);
	ok(strstr(text, "run 3 line 0\n") && strstr(text, "run 4 line 99\n"), "the newest");
	ok(!strstr(text, "run 2 "), "no older one");
	ok(strstr(text, "-- 300 lines are left out: only the last 2 runs are taken --\n"),
	    "which is said");
}

static void
test_flash(void)
{
	_cleanup_lab_ struct lab lab;
	struct writer w;
	const char *text;

	lab_open(&lab);
	writer_open(&w, &lab);
	for (int i = 0; i < 1000; i++)
		write_unit(&w, RUN_1, 6, "line %d", i);
	writer_close(&w, &lab);
	lab.request.profile = PROFILE_FLASH;
	ok_int(journal_collector.run(&journal_collector, &lab.ctx, &lab.ctx.record->fault),
	    OUTCOME_OK, "profile flash");
	lab_close(&lab);
	text = lab_text(&lab, UNIT_FILE);
	ok(text && strstr(text, "line 999\n") && strstr(text, "line 700\n") &&
		!strstr(text, "line 699\n"),
	    "300 lines of the unit");
	ok(!lab_find(&lab, "sos_commands/logs/journalctl_--no-pager_--boot"), "nothing else");
}

static void
test_kernel(void)
{
	_cleanup_lab_ struct lab lab;
	struct writer w;

	lab_open(&lab);
	writer_open(&w, &lab);
	write_other(&w,
	    "_TRANSPORT=kernel\nSYSLOG_IDENTIFIER=kernel\n"
	    "_SOURCE_MONOTONIC_TIMESTAMP=12345678\n",
	    "Out of memory: Killed process 4419 (microshift)");
	write_unit(&w, RUN_1, 6, "line");
	writer_close(&w, &lab);
	ok_int(journal_collector.run(&journal_collector, &lab.ctx, &lab.ctx.record->fault),
	    OUTCOME_OK, "kernel messages");
	lab_close(&lab);
	ok_str(lab_text(&lab, "sos_commands/kernel/dmesg"),
	    "[   12.345678] Out of memory: Killed process 4419 (microshift)\n", "as dmesg");
	ok_str(lab_text(&lab, BOOT_FILE),
	    "-- microshift.service: see " UNIT_FILE " --\n"
	    "-- messages of the kernel: see sos_commands/kernel/dmesg --\n-- No entries --\n",
	    "and nowhere else");
}

/* Opens the journal file of LAB to damage it, and says where the message TEXT is in it. */
static int
open_journal_file(struct lab *lab, const char *text, off_t *ret_at)
{
	int fd = openat(lab->root.fd, JOURNAL_DIR "/system.journal", O_RDWR | O_CLOEXEC);
	_cleanup_free_ char *data = NULL;
	const char *found;
	struct stat st;

	assert(fd >= 0 && fstat(fd, &st) == 0);
	data = malloc((size_t)st.st_size);
	assert(data && pread(fd, data, (size_t)st.st_size, 0) == st.st_size);
	found = memmem(data, (size_t)st.st_size, text, strlen(text));
	assert(found);
	*ret_at = found - data;
	return fd;
}

/* Blocks of a journal are overwritten: what is before and behind them is there. */
static void
test_corrupt(void)
{
	_cleanup_lab_ struct lab lab;
	_cleanup_close_ int fd = -EBADF;
	struct writer w;
	char junk[65536];
	const char *text;
	off_t at;
	int r;

	lab_open(&lab);
	writer_open(&w, &lab);
	for (int i = 0; i < 9000; i++)
		write_unit(&w, RUN_1, 6, "line %d", i);
	writer_close(&w, &lab);
	fd = open_journal_file(&lab, "MESSAGE=line 4500", &at);
	memset(junk, 0xa5, sizeof(junk));
	assert(pwrite(fd, junk, sizeof(junk), at) == sizeof(junk));
	r = (int)journal_collector.run(&journal_collector, &lab.ctx, &lab.ctx.record->fault);
	ok_int(r, OUTCOME_PARTIAL, "a corrupt journal gives what it can");
	lab_close(&lab);
	text = lab_text(&lab, UNIT_FILE);
	ok(text && strstr(text, ": line 0\n") && strstr(text, ": line 4499\n"),
	    "what is before the damage");
	ok(text && strstr(text, ": line 8999\n") && strstr(text, ": line 5000\n"),
	    "and what is behind it");
	ok(text && strstr(text, "-- a journal file is corrupt or "), "which the file says");
	ok(lab_has_note(&lab, "a journal file is corrupt"), "and a note");
}

/* Bits flip anywhere: whatever comes of it, the report is one and its export can be read. */
static void
test_flipped_bits(void)
{
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
	unsigned n_runs = 0, n_lines = 0;

	for (unsigned round = 0; round < 12; round++) {
		_cleanup_lab_ struct lab lab;
		_cleanup_close_ int fd = -EBADF;
		_cleanup_free_ char *data = NULL;
		struct writer w;
		enum outcome outcome;
		size_t export_size;
		off_t begin, end;

		lab_open(&lab);
		writer_open(&w, &lab);
		for (int i = 0; i < 300; i++)
			write_unit(&w, RUN_1, 6, "line %d", i);
		writer_close(&w, &lab);
		fd = open_journal_file(&lab, "MESSAGE=line 299", &end);
		(void)close(fd);
		fd = open_journal_file(&lab, "MESSAGE=line 0", &begin);
		for (unsigned i = 0; i < 20; i++) {
			char byte;
			off_t at;

			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			at = begin + (off_t)((seed >> 20) % (uint64_t)(end - begin));
			assert(pread(fd, &byte, 1, at) == 1);
			byte = (char)(byte ^ (1 << (seed >> 61)));
			assert(pwrite(fd, &byte, 1, at) == 1);
		}
		outcome =
		    journal_collector.run(&journal_collector, &lab.ctx, &lab.ctx.record->fault);
		n_runs += outcome == OUTCOME_OK || outcome == OUTCOME_PARTIAL;
		lab_close(&lab);
		if (lab_text(&lab, UNIT_FILE))
			n_lines += count_lines(lab_text(&lab, UNIT_FILE));
		if (!lab_find(&lab, EXPORT_FILE))
			continue;
		data = read_export(&lab, &export_size);
		(void)export_count(data, export_size);
	}
	ok_int(n_runs, 12, "flipped bits end no report");
	ok(n_lines > 1000, "and lines are read (%u)", n_lines);
}

static void
test_files(void)
{
	_cleanup_lab_ struct lab lab;
	_cleanup_close_ int fd = -EBADF;
	struct writer w;

	lab_open(&lab);
	writer_open(&w, &lab);
	write_unit(&w, RUN_1, 6, "line 0");
	writer_close(&w, &lab);
	assert(renameat(lab.root.fd, JOURNAL_DIR "/system.journal", lab.root.fd,
		   JOURNAL_DIR "/system@0.journal") == 0);
	make_journal(&lab, w.path);
	fd = openat(lab.root.fd, JOURNAL_DIR "/system@0.journal", O_RDWR | O_CLOEXEC);
	assert(fd >= 0 && ftruncate(fd, 8192) == 0);
	lab_put(&lab, JOURNAL_DIR "/system@1.journal", "not a journal");
	lab_put(&lab, JOURNAL_DIR "/user-1000.journal",
	    "[Journal] this is a text that somebody put there, longer than the header of a file, "
	    "and not a journal either");
	lab_put(&lab, JOURNAL_DIR "/system@2.journal~", "");
	assert(mkfifoat(lab.root.fd, JOURNAL_DIR "/fifo.journal", 0600) == 0);
	assert(symlinkat("/dev/zero", lab.root.fd, JOURNAL_DIR "/link.journal") == 0);
	(void)journal_collector.run(&journal_collector, &lab.ctx, &lab.ctx.record->fault);
	lab_close(&lab);
	ok(lab_has_note(&lab, "/system@0.journal: its end is missing"), "a file that was cut");
	ok(lab_has_note(&lab, "/system@1.journal: it is too short for a journal file"),
	    "one that is too short");
	ok(lab_has_note(&lab, "/user-1000.journal: it does not begin as a journal file does"),
	    "one that is none");
	ok(lab_has_note(&lab, "/fifo.journal: it is no regular file"),
	    "a FIFO does not hang it");
	ok(lab_has_note(&lab, "/link.journal: Too many levels of symbolic links"),
	    "links are not followed");
	ok(lab_has_note(&lab, "journald has set 1 journal files aside"), "one set aside");
	ok(strstr(lab_text(&lab, UNIT_FILE), ": line 0\n"), "the rest is read");
}

/* More than are looked at. */
static void
test_many_files(void)
{
	_cleanup_lab_ struct lab lab;

	lab_open(&lab);
	for (int i = 0; i < 1005; i++) {
		char path[128];

		(void)snprintf(path, sizeof(path), JOURNAL_DIR "/system@%d.journal~", i);
		lab_put(&lab, path, "");
	}
	(void)journal_collector.run(&journal_collector, &lab.ctx, &lab.ctx.record->fault);
	lab_close(&lab);
	ok(lab_has_note(&lab, "journald has set 1000 journal files aside"),
	    "so many files are looked at");
	ok(lab_has_note(&lab, "990 more journal files cannot be read"), "and ten named");
}

/* What journald accepts is not always text; the export has it as it was. */
static void
test_odd_export(void)
{
	static const char odd[] = "nul\0 bad\xff\nline\r\n\n";
	_cleanup_lab_ struct lab lab;
	_cleanup_free_ char *huge = malloc(768 * 1024);
	struct writer w;

	assert(huge);
	memset(huge, 'x', 768 * 1024);
	lab_open(&lab);
	writer_open(&w, &lab);
	write_entry(&w, "SYSLOG_IDENTIFIER=m\n", odd, sizeof(odd) - 1);
	write_entry(&w, "SYSLOG_IDENTIFIER=m\n", huge, 768 * 1024);
	write_entry(&w, "SYSLOG_IDENTIFIER=m\nTWICE=1\nTWICE=2\nEMPTY=\n", "", 0);
	write_entry(&w, "MESSAGE=second\n", "first", 5);
	writer_close(&w, &lab);
	ok_int(journal_collector.run(&journal_collector, &lab.ctx, &lab.ctx.record->fault),
	    OUTCOME_OK, "odd entries");
	lab_close(&lab);
	check_export(&lab);
}

/* Older than the profile wants, and the boot before. */
static void
test_window(void)
{
	_cleanup_lab_ struct lab lab;
	_cleanup_free_ char *data = NULL;
	struct writer w;
	size_t size;

	lab_open(&lab);
	writer_open(&w, &lab);
	for (int i = 0; i < 100; i++)
		write_other(&w, "SYSLOG_IDENTIFIER=old\n", "old");
	write_unit(&w, RUN_1, 3, "THE FIRST ERROR");
	w.n += 3 * 3600;
	for (int i = 0; i < 50; i++)
		write_other(&w, "SYSLOG_IDENTIFIER=new\n", "new");
	writer_close(&w, &lab);
	lab.request.profile = PROFILE_CRASH;
	lab.request.event.exit_usec = START_USEC + w.n * USEC_PER_SEC;
	text_copy(lab.request.event.unit, sizeof(lab.request.event.unit), "microshift.service");
	text_copy(
	    lab.request.event.invocation_id, sizeof(lab.request.event.invocation_id), RUN_1);
	ok_int(journal_collector.run(&journal_collector, &lab.ctx, &lab.ctx.record->fault),
	    OUTCOME_OK, "three hours of which two are wanted");
	lab_close(&lab);
	ok_int(count_lines(lab_text(&lab, BOOT_FILE)), 1 + 20 + 2 + 50,
	    "the beginning of the boot and the newest two hours");
	ok(strstr(lab_text(&lab, BOOT_FILE),
	       "-- 80 lines are left out: they are too old for this profile --\n"),
	    "with what is left out");
	data = read_export(&lab, &size);
	ok_int(export_count(data, size), 51, "the export has them, and the first error");
}

static void
test_none(void)
{
	_cleanup_lab_ struct lab lab;

	lab_open(&lab);
	ok_int(journal_add_unit(&lab.ctx, "microshift", "microshift"), 0, "no journal at all");
	lab_close(&lab);
	ok_str(lab_text(&lab, UNIT_FILE), "-- No entries --\n", "is an empty one");
}

static void
test_deadline(void)
{
	_cleanup_lab_ struct lab lab;
	struct writer w;

	lab_open(&lab);
	writer_open(&w, &lab);
	for (int i = 0; i < 1000; i++)
		write_unit(&w, RUN_1, 6, "line %d", i);
	writer_close(&w, &lab);
	lab.ctx.deadline_usec = 1;
	ok_int(journal_collector.run(&journal_collector, &lab.ctx, &lab.ctx.record->fault),
	    OUTCOME_TIMED_OUT, "no time");
}

int
main(void)
{
	/* The text has local times, journalctl's too. */
	setenv("TZ", "UTC", 1);
	test_none();
	if (access(JOURNAL_REMOTE, X_OK) < 0) {
		tap_skip("systemd-journal-remote is not installed: no journal files to read");
		return tap_done();
	}
	test_as_journalctl();
	test_unit_matches();
	test_text();
	test_budget();
	test_storm();
	test_many();
	test_runs();
	test_flash();
	test_kernel();
	test_corrupt();
	test_flipped_bits();
	test_files();
	test_many_files();
	test_odd_export();
	test_window();
	test_deadline();
	return tap_done();
}
