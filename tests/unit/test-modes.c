/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/modes.h"
#include "capture/options.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/proto.h"
#include "lib/report.h"
#include "lib/settings.h"
#include "lib/text.h"
#include "tests/lib/archive-reader.h"
#include "tests/lib/tmpdir.h"

#define ID	 "20261123T142752Z-0007-e585a599"
#define INCOMING "incoming/" ID

/* A state directory with one request. The collector `flash` is enough here: it is built in, and
 * needs nothing of the machine. */
static struct tmpdir
make_state(void)
{
	struct tmpdir t = tmpdir_make();
	struct request request = {
		.id = ID,
		.profile = PROFILE_FLASH,
		.trigger = TRIGGER_UNIT_FAILED,
		.event = { .unit = "microshift.service" },
	};
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int queue = -EBADF;

	assert(strv_append(&request.only, "flash") == 0);
	request.flash = cJSON_CreateObject();
	assert(json_add_text(request.flash, "loadavg", "0.50 0.40 0.30") == 0);
	json = request_to_json(&request);
	text = json_print(json, false);
	assert(mkdirat(t.fd, "queue", 0750) == 0 && mkdirat(t.fd, "incoming", 0750) == 0);
	queue = openat(t.fd, "queue", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(io_write_file_atomic(queue, ID ".json", text, strlen(text), 0640) == 0);
	request_done(&request);
	return t;
}

static int
run(const struct tmpdir *t, const struct tmpdir *collect, enum mode mode)
{
	struct options o = {
		.mode = mode,
		.id = ID,
		.state_dir = t->path,
		.collect_dir = collect->path,
		.cmdline = (char *)"test",
	};
	_cleanup_(settings_freep) struct settings *settings = NULL;

	assert(settings_new(&settings) == 0);
	return modes_state(&o, settings);
}

/* Status of the finished capture; -1 when it is not finished. */
static int
read_status(const struct tmpdir *t)
{
	_cleanup_free_ char *data = NULL;
	struct capture_meta meta;
	struct fault f;
	size_t size;

	if (io_read_file(t->fd, INCOMING "/meta.json", REPORT_MAX_BYTES, &data, &size) < 0)
		return -1;
	assert(capture_meta_parse(data, size, &meta, &f) == 0);
	ok_str(meta.archive, "report.tar.zst", "meta.json names the archive");
	return (int)meta.status;
}

static struct read_archive
read_report(const struct tmpdir *t)
{
	_cleanup_free_ char *path = text_format("%s/" INCOMING "/report.tar.zst", t->path);

	assert(path);
	return read_archive(path);
}

static uint64_t
inode(const struct tmpdir *t, const char *path)
{
	struct stat st;

	return fstatat(t->fd, path, &st, 0) < 0 ? 0 : st.st_ino;
}

static void
test_unit(const struct tmpdir *collect)
{
	_cleanup_tmpdir_ struct tmpdir t = make_state();
	struct read_archive a;
	uint64_t before;

	ok_int(run(&t, collect, MODE_UNIT), PROTO_EXIT_OK, "a request is carried out");
	ok_int(read_status(&t), REPORT_COMPLETE, "and complete");
	a = read_report(&t);
	ok(a.status == ARCHIVE_EOF &&
		read_archive_find(
		    &a, "microshift-support-" ID "/sos_commands/microshift-support/flash.json"),
	    "the flash is in the report");
	read_archive_done(&a);

	before = inode(&t, INCOMING "/report.tar.zst");
	ok_int(run(&t, collect, MODE_UNIT), PROTO_EXIT_OK, "a second time");
	ok_int(run(&t, collect, MODE_SALVAGE), PROTO_EXIT_OK, "and the salvage after it");
	ok(before != 0 && inode(&t, INCOMING "/report.tar.zst") == before, "change nothing");
}

static void
test_remains(const struct tmpdir *collect)
{
	_cleanup_tmpdir_ struct tmpdir t = make_state();
	_cleanup_close_ int dir = -EBADF;

	assert(mkdirat(t.fd, INCOMING, 0750) == 0);
	dir = openat(t.fd, INCOMING, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(io_write_file_atomic(dir, "report.tar.zst.part", "cut", 3, 0640) == 0);
	ok_int(run(&t, collect, MODE_UNIT), PROTO_EXIT_OK, "remains of an earlier attempt");
	ok_int(read_status(&t), REPORT_PARTIAL, "are salvaged, not overwritten");
}

static void
test_salvage(const struct tmpdir *collect)
{
	_cleanup_tmpdir_ struct tmpdir t = make_state();
	_cleanup_close_ int dir = -EBADF;
	struct read_archive a;

	assert(setenv("SERVICE_RESULT", "timeout", 1) == 0);
	ok_int(run(&t, collect, MODE_SALVAGE), PROTO_EXIT_OK, "a capture that wrote nothing");
	assert(unsetenv("SERVICE_RESULT") == 0);
	ok_int(read_status(&t), REPORT_PARTIAL, "still gives a report");
	a = read_report(&t);
	ok(strstr(read_archive_find(&a, "microshift-support-" ID "/summary.txt")->data,
	       "took longer than its unit allows"),
	    "that says why");
	read_archive_done(&a);

	assert(io_remove_tree(t.fd, "queue") == 0 && io_remove_tree(t.fd, INCOMING) == 0);
	ok_int(run(&t, collect, MODE_SALVAGE), PROTO_EXIT_OK, "without a request");
	ok(inode(&t, INCOMING) == 0, "there is nothing to salvage");
	ok_int(run(&t, collect, MODE_UNIT), PROTO_EXIT_ERROR, "nor to capture");

	assert(mkdirat(t.fd, INCOMING, 0750) == 0);
	dir = openat(t.fd, INCOMING, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(io_write_file_atomic(dir, "report.tar.zst.part", "cut", 3, 0640) == 0);
	ok_int(run(&t, collect, MODE_SALVAGE), PROTO_EXIT_OK, "but what was written counts");
	ok_int(read_status(&t), REPORT_PARTIAL, "also then");
}

static void
test_damaged_request(const struct tmpdir *collect)
{
	_cleanup_tmpdir_ struct tmpdir t = make_state();
	_cleanup_close_ int queue = -EBADF;

	queue = openat(t.fd, "queue", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(io_write_file_atomic(queue, ID ".json", "{\"id\":", 6, 0640) == 0);
	ok_int(run(&t, collect, MODE_UNIT), PROTO_EXIT_ERROR, "a damaged request");
	ok_int(read_status(&t), -1, "makes no report");
}

static int
run_output(const char *dir, const struct tmpdir *collect, const char *profile, const char *only)
{
	struct options o = {
		.mode = MODE_OUTPUT,
		.output = dir,
		.profile = profile,
		.reason = "a test",
		.compression = "gzip",
		.collect_dir = collect->path,
		.cmdline = (char *)"test",
	};
	_cleanup_(settings_freep) struct settings *settings = NULL;
	int r;

	assert(settings_new(&settings) == 0 && strv_append(&o.only, only) == 0);
	r = modes_output(&o, settings);
	strv_free(o.only);
	return r;
}

/* How many names in DIR end in SUFFIX. */
static int
count_names(const char *path, const char *suffix)
{
	_cleanup_closedir_ DIR *dir = opendir(path);
	int n = 0;

	assert(dir);
	for (struct dirent *de = readdir(dir); de; de = readdir(dir))
		n += text_has_suffix(de->d_name, suffix);
	return n;
}

static void
test_output(const struct tmpdir *collect)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_free_ char *dir = text_format("%s/new/dir", t.path);

	assert(dir);
	ok_int(run_output(dir, collect, "flash", "flash"), PROTO_EXIT_OK, "by hand");
	ok(count_names(dir, ".tar.gz") == 1 && count_names(dir, ".tar.gz.sha256") == 1 &&
		count_names(dir, ".part") == 0,
	    "an archive and its digest, in a new directory");
	ok_int(run_output(dir, collect, "flash", "nonsense"), PROTO_EXIT_USAGE,
	    "a collector that does not exist");
	ok_int(run_output(dir, collect, "nonsense", "flash"), PROTO_EXIT_USAGE,
	    "a profile that does not exist");
	ok_int(run_output("/dev/null/x", collect, "flash", "flash"), PROTO_EXIT_ERROR,
	    "a directory that cannot be");
	ok_int(count_names(dir, ".tar.gz"), 1, "make no report");
}

/* Looks in MODE; what is printed is in *RET_TEXT. */
static int
run_inventory(enum mode mode, const struct tmpdir *collect, const char *only, char **ret_text)
{
	struct options o = { .mode = mode, .collect_dir = collect->path, .profile = "crash" };
	_cleanup_(settings_freep) struct settings *settings = NULL;
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_close_ int old = dup(STDOUT_FILENO);
	_cleanup_close_ int fd =
	    openat(t.fd, "out", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r;

	assert(settings_new(&settings) == 0 && old >= 0 && fd >= 0);
	assert(!only || strv_append(&o.only, only) == 0);
	assert(fflush(stdout) == 0 && dup2(fd, STDOUT_FILENO) >= 0);
	r = modes_inventory(&o, settings);
	assert(dup2(old, STDOUT_FILENO) >= 0);
	strv_free(o.only);
	assert(io_read_file(t.fd, "out", 1 << 20, ret_text, NULL) == 0);
	return r;
}

static void
test_inventory(void)
{
	_cleanup_tmpdir_ struct tmpdir collect = tmpdir_make();
	_cleanup_free_ char *line = text_format("%s/bad.conf:2: unknown key", collect.path);
	_cleanup_free_ char *plan = NULL, *list = NULL, *none = NULL, *good = NULL, *bad = NULL;

	tmpdir_put(&collect, "mine.conf", "[Collector]\nProfiles=full\n");
	ok_int(run_inventory(MODE_CHECK_COLLECTORS, &collect, NULL, &good), PROTO_EXIT_OK,
	    "no mistakes");
	ok_str(good, "", "nothing to say");
	ok_int(run_inventory(MODE_PLAN, &collect, NULL, &plan), PROTO_EXIT_OK, "a plan");
	ok(strstr(plan, ". flash ") && !strstr(plan, ". mine "), "is that of a profile");
	ok_int(run_inventory(MODE_LIST, &collect, NULL, &list), PROTO_EXIT_OK, "a list");
	ok(strstr(list, "flash ") && strstr(list, "mine "), "has them all");
	ok_int(run_inventory(MODE_LIST, &collect, "nonsense", &none), PROTO_EXIT_USAGE,
	    "one that does not exist");
	ok_str(none, "", "is not listed");
	tmpdir_put(&collect, "bad.conf", "[Collector]\nColour=red\n");
	ok_int(run_inventory(MODE_CHECK_COLLECTORS, &collect, NULL, &bad), PROTO_EXIT_ERROR,
	    "mistakes");
	ok(text_has_prefix(bad, line), "have file and line: %s", bad);
}

int
main(void)
{
	_cleanup_tmpdir_ struct tmpdir collect = tmpdir_make();

	log_set_sink(LOG_SINK_NONE);
	assert(freopen("/dev/null", "w", stderr));
	test_unit(&collect);
	test_remains(&collect);
	test_salvage(&collect);
	test_damaged_request(&collect);
	test_output(&collect);
	test_inventory();
	return tap_done();
}
