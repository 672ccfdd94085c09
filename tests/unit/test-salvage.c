/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <fcntl.h>

#include "capture/capture.h"
#include "capture/salvage.h"
#include "capture/sink/bundle.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/manifest.h"
#include "tests/lib/archive-reader.h"
#include "tests/lib/tmpdir.h"

#define ID	  "20261123T142752Z-0007-e585a599"
#define TOP	  "microshift-support-" ID
#define STEM	  "report.tar"
#define MTIME	  (UINT64_C(1795353016) * USEC_PER_SEC)
/* Members of the sample; each is a part of its own. */
#define N_MEMBERS 12

static struct request
sample_request(void)
{
	struct request request = {
		.id = ID,
		.profile = PROFILE_CRASH,
		.trigger = TRIGGER_UNIT_FAILED,
		.source = SOURCE_HOOK,
		.event = { .unit = "microshift.service", .result = "exit-code" },
	};

	request.flash = cJSON_CreateObject();
	assert(json_add_text(request.flash, "loadavg", "0.50 0.40 0.30") == 0);
	return request;
}

static int
salvage(const struct tmpdir *t, struct capture_meta *meta, struct fault *f)
{
	struct request request = sample_request();
	struct salvage_options options = {
		.dir_fd = t->fd,
		.stem = STEM,
		.request = &request,
		.reason = "the capture was killed by signal KILL",
	};
	int r = salvage_run(&options, meta, f);

	request_done(&request);
	return r;
}

static void
fill(char *buf, size_t size, unsigned seed)
{
	uint32_t x = seed * 2654435761u + 1;

	for (size_t i = 0; i < size; i++) {
		x = x * 1664525u + 1013904223u;
		buf[i] = (char)('a' + (x >> 24) % 8);
	}
}

/* Writes the sample archive NAME; ends it only when COMPLETE. */
static void
make_archive(
    const struct tmpdir *t, const char *name, enum compression compression, bool complete)
{
	struct bundle_options options = {
		.topdir = TOP,
		.compression = compression,
		.max_archive_bytes = UINT64_MAX,
		.mtime_usec = MTIME,
		.spill_dir_fd = t->fd,
	};
	_cleanup_bundle_ struct bundle *b = NULL;
	_cleanup_(manifest_done) struct manifest m = { 0 };
	struct request request = sample_request();
	char data[20000];

	assert(bundle_open(t->fd, name, &options, &b, NULL) == 0);
	assert(capture_add_version(b) == 0);
	assert(bundle_add_symlink(b, "link", "version.txt") == 0);
	for (unsigned i = 0; i < N_MEMBERS; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "sos_commands/c%u/file", i % 4);
		fill(data, sizeof(data), i + 3);
		assert(bundle_add(b, path, data, sizeof(data) - i, NULL) == 0);
		assert(bundle_flush(b, NULL) == 0);
	}
	if (complete) {
		assert(capture_init_manifest(&request, compression, NULL, &m) == 0);
		assert(capture_add_end(b, &m, &request) == 0);
		assert(bundle_close(b, NULL) == 0);
	}
	request_done(&request);
}

static struct read_archive
read_result(const struct tmpdir *t, const struct capture_meta *meta)
{
	_cleanup_free_ char *path = text_format("%s/%s", t->path, meta->archive);

	assert(path);
	return read_archive(path);
}

/* What every result has: a whole archive with a manifest that says `partial` and why. */
static bool
is_sound(const struct read_archive *a, const struct capture_meta *meta)
{
	_cleanup_(manifest_done) struct manifest m = { 0 };
	const struct read_entry *e = read_archive_find(a, TOP "/manifest.json");
	struct fault f;

	return a->status == ARCHIVE_EOF && e && manifest_parse(e->data, e->size, &m, &f) == 0 &&
	    m.status == REPORT_PARTIAL && strstr(m.end_reason, "signal KILL") &&
	    streq(m.event.unit, "microshift.service") && streq(m.id, ID) &&
	    read_archive_find(a, TOP "/summary.txt") &&
	    read_archive_find(a, TOP "/version.txt") && meta->status == REPORT_PARTIAL &&
	    streq(meta->id, ID) && meta->size_bytes > 0 && strlen(meta->sha256) == 64;
}

/* Number of whole members of the sample; -1 when one has other bytes than it should. */
static int
count_whole(const struct read_archive *a)
{
	char data[20000];
	int n = 0;

	for (unsigned i = 0; i < N_MEMBERS; i++) {
		char path[128];
		const struct read_entry *e;

		(void)snprintf(path, sizeof(path), TOP "/sos_commands/c%u/file%.*s%.*u", i % 4,
		    i >= 4, ".", i >= 4, i / 4);
		e = read_archive_find(a, path);
		fill(data, sizeof(data), i + 3);
		if (!e)
			continue;
		if (e->size == sizeof(data) - i && memcmp(e->data, data, e->size) == 0)
			n++;
		else if (!strstr(e->data, "[microshift-support: the capture was ended here"))
			return -1;
	}
	return n;
}

static int
names_in(const struct tmpdir *t)
{
	_cleanup_closedir_ DIR *dir = opendir(t->path);
	int n = -2; /* . and .. */

	assert(dir);
	while (readdir(dir))
		n++;
	return n;
}

/* The archive cut at every STEP bytes. */
static void
test_cuts(enum compression compression, size_t step)
{
	_cleanup_tmpdir_ struct tmpdir whole = tmpdir_make();
	_cleanup_free_ char *data = NULL;
	char part[64];
	size_t size = 0;
	int last = 0;
	int n_sound = 0;
	int n_cuts = 0;
	bool grows = true;

	(void)snprintf(part, sizeof(part), STEM ".%s.part", compression_suffix(compression));
	make_archive(&whole, part, compression, false);
	assert(io_read_file(whole.fd, part, 1 << 20, &data, &size) == 0);
	for (size_t cut = size % step; cut <= size; cut += step, n_cuts++) {
		_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
		struct capture_meta meta = { 0 };
		struct read_archive a;
		struct fault f;
		int n;

		assert(io_write_file_atomic(t.fd, part, data, cut, 0640) == 0);
		if (salvage(&t, &meta, &f) < 0) {
			printf("# cut at %zu: %s\n", cut, f.text);
			continue;
		}
		a = read_result(&t, &meta);
		n = count_whole(&a);
		n_sound += is_sound(&a, &meta) && n >= 0 && names_in(&t) == 1;
		grows = grows && n >= last;
		last = n;
		read_archive_done(&a);
	}
	ok_int(n_sound, n_cuts, "%d cuts of %s give sound reports", n_cuts,
	    compression_to_string(compression));
	ok(grows, "each with all that was whole before the cut");
	ok_int(last, N_MEMBERS, "at the end with all");
}

static void
test_nothing(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	struct capture_meta meta = { 0 };
	const struct read_entry *e;
	struct read_archive a;
	struct fault f;

	ok_int(salvage(&t, &meta, &f), 0, "nothing was written");
	a = read_result(&t, &meta);
	ok(is_sound(&a, &meta), "still there is a report");
	e = read_archive_find(&a, TOP "/sos_commands/microshift-support/flash.json");
	ok(e && strstr(e->data, "0.50 0.40 0.30"), "with the flash");
	read_archive_done(&a);
}

static void
test_garbage(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	struct capture_meta meta = { 0 };
	struct read_archive a;
	struct fault f;
	char noise[5000];

	fill(noise, sizeof(noise), 7);
	assert(io_write_file_atomic(t.fd, STEM ".xz.part", noise, sizeof(noise), 0640) == 0);
	/* A salvage that was killed, too. */
	assert(io_write_file_atomic(t.fd, "salvage.part", noise, sizeof(noise), 0640) == 0);
	ok_int(salvage(&t, &meta, &f), 0, "garbage is no obstacle");
	ok_str(meta.archive, STEM ".xz", "the compression stays");
	a = read_result(&t, &meta);
	ok(is_sound(&a, &meta), "there is a report");
	ok_int(names_in(&t), 1, "and nothing else");
	read_archive_done(&a);
}

/* Killed after the archive was whole: between its end and meta.json. */
static void
test_complete(const char *name)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	struct capture_meta meta = { 0 };
	struct read_archive a;
	struct fault f;

	make_archive(&t, name, COMPRESSION_ZSTD, true);
	ok_int(salvage(&t, &meta, &f), 0, "a whole archive as %s", name);
	ok_int(meta.status, REPORT_COMPLETE, "stays what its manifest says");
	ok_str(meta.archive, STEM ".zst", "under its name");
	a = read_result(&t, &meta);
	ok_int(a.status, ARCHIVE_EOF, "reads back");
	ok_int(count_whole(&a), N_MEMBERS, "with all members");
	ok_int(names_in(&t), 1, "nothing else is left");
	read_archive_done(&a);
}

/* What the archive claims about itself is not believed. */
static void
test_foreign(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	struct bundle_options options = {
		.topdir = "other",
		.max_archive_bytes = UINT64_MAX,
		.spill_dir_fd = t.fd,
	};
	struct capture_meta meta = { 0 };
	struct read_archive a;
	struct bundle *b;
	struct fault f;

	assert(bundle_open(t.fd, STEM ".zst.part", &options, &b, &f) == 0);
	assert(bundle_add(b, "x", "y", 1, NULL) == 0 && bundle_close(b, &f) == 0);
	bundle_free(b);
	ok_int(salvage(&t, &meta, &f), 0, "an archive with another top directory");
	a = read_result(&t, &meta);
	ok(is_sound(&a, &meta) && !read_archive_find(&a, "other/x"), "is left out");
	read_archive_done(&a);
}

static void
test_reasons(void)
{
	static const struct {
		const char *result;
		const char *status;
		const char *want;
	} cases[] = {
		{ "timeout", "TERM", "took longer" },
		{ "oom-kill", "KILL", "memory" },
		{ "signal", "SEGV", "signal SEGV" },
		{ "core-dump", NULL, "signal unknown" },
		{ "exit-code", "1", "status 1" },
		{ "success", "0", "before it had finished" },
		{ "watchdog", "", "'watchdog'" },
		{ NULL, NULL, "before it had finished" },
	};
	char text[128];

	for (size_t i = 0; i < ELEMENTSOF(cases); i++)
		ok(strstr(salvage_reason(cases[i].result, cases[i].status, text, sizeof(text)),
		       cases[i].want),
		    "reason %zu: %s", i, text);
}

int
main(void)
{
	log_set_sink(LOG_SINK_NONE);
	test_cuts(COMPRESSION_ZSTD, 1009);
	test_cuts(COMPRESSION_XZ, 5003);
	test_cuts(COMPRESSION_GZIP, 5003);
	test_nothing();
	test_garbage();
	test_complete(STEM ".zst.part");
	test_complete(STEM ".zst");
	test_foreign();
	test_reasons();
	return tap_done();
}
