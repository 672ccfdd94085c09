/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/capture.h"
#include "capture/collector.h"
#include "capture/digest.h"
#include "capture/sink/bundle.h"
#include "capture/stop.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/manifest.h"
#include "tests/lib/archive-reader.h"
#include "tests/lib/tmpdir.h"

#define ID  "20261123T142752Z-0007-e585a599"
#define TOP "microshift-support-" ID
#define MIB (1024u * 1024u)

#define WORDS(...) ((char *const[]){ __VA_ARGS__, NULL })

static enum outcome
run_ok(const struct collector *c, struct collector_context *ctx, struct fault *reterr)
{
	struct collector_command command = { .argv = WORDS((char *)"echo", (char *)"hello") };

	assert(ctx->request && ctx->record && ctx->root && !collector_must_stop(ctx));
	assert(bundle_add(ctx->bundle, "etc/a", "password=hunter2\n", 17, NULL) == 0);
	return collector_run_command(c, ctx, &command, reterr) == 0 ? OUTCOME_OK
								    : OUTCOME_FAILED;
}

static enum outcome
run_failing(const struct collector *c, struct collector_context *ctx, struct fault *reterr)
{
	struct collector_command command = { .argv = WORDS((char *)"sh", (char *)"-c",
						 (char *)"exit 3") };
	struct collector_command missing = { .argv = WORDS((char *)"no-such-program") };
	struct fault fault;

	ok_int(collector_run_command(c, ctx, &missing, &fault), -ENOENT, "a missing program");
	ok_int(collector_run_command(c, ctx, &command, reterr), 1, "a failing command");
	return OUTCOME_PARTIAL;
}

static enum outcome
run_slow(const struct collector *c, struct collector_context *ctx, struct fault *reterr)
{
	struct collector_command command = {
		.argv = WORDS((char *)"sh", (char *)"-c", (char *)"echo begun; sleep 600"),
		.wall_usec = 600 * USEC_PER_SEC,
	};

	ok_int(collector_run_command(c, ctx, &command, reterr), 1, "a command that hangs");
	ok(collector_must_stop(ctx), "the time of the collector is over");
	return OUTCOME_TIMED_OUT;
}

/* Everything that a command can do against us at once. */
static enum outcome
run_stubborn(const struct collector *c, struct collector_context *ctx, struct fault *reterr)
{
	struct collector_command command = {
		.argv = WORDS((char *)"sh", (char *)"-c",
		    (char *)"trap '' TERM; setsid sleep 600 & sleep 600 & echo begun; "
			    "while :; do sleep 1; done"),
		.wall_usec = 600 * USEC_PER_SEC,
	};

	ok_int(collector_run_command(c, ctx, &command, reterr), 1, "a command that hangs");
	return OUTCOME_TIMED_OUT;
}

static enum outcome
run_gigabyte(const struct collector *c, struct collector_context *ctx, struct fault *reterr)
{
	struct collector_command command = {
		.argv = WORDS((char *)"head", (char *)"-c", (char *)"1G", (char *)"/dev/zero"),
	};

	ok_int(collector_run_command(c, ctx, &command, reterr), 1, "1 GB of output");
	return OUTCOME_PARTIAL;
}

/* Sleeps in the kernel, where nobody looks at the clock; any signal wakes it. */
static enum outcome
run_blocked(const struct collector *c, struct collector_context *ctx, struct fault *reterr)
{
	(void)c;
	ok(pause() < 0 && errno == EINTR, "a call that blocks is interrupted");
	ok(collector_must_stop(ctx) && stop_is_late(), "since the time is over");
	(void)fault_set(reterr, -ETIME, "blocked");
	return OUTCOME_TIMED_OUT;
}

static enum outcome
run_greedy(const struct collector *c, struct collector_context *ctx, struct fault *reterr)
{
	uint64_t limit = profile_limits(ctx->request->profile)->memory_bytes;
	struct rlimit now;
	void *p;

	(void)c;
	assert(getrlimit(RLIMIT_DATA, &now) == 0);
	if (now.rlim_cur == RLIM_INFINITY) {
		tap_skip("a sanitizer has its own limits");
		return OUTCOME_OK;
	}
	p = malloc(limit + 64 * MIB);
	ok(!p, "more memory than the profile has is refused");
	free(p);
	p = malloc(limit);
	ok(p, "what it has is there");
	free(p);
	return fault_set(reterr, -ENOMEM, "%m") < 0 ? OUTCOME_FAILED : OUTCOME_OK;
}

/* A command does not inherit what is ours. */
static enum outcome
run_ulimit(const struct collector *c, struct collector_context *ctx, struct fault *reterr)
{
	struct collector_command command = {
		.argv = WORDS((char *)"sh", (char *)"-c", (char *)"ulimit -d"),
		.path = "ulimit",
	};

	return collector_run_command(c, ctx, &command, reterr) == 0 ? OUTCOME_OK
								    : OUTCOME_FAILED;
}

static enum outcome
run_large(const struct collector *c, struct collector_context *ctx, struct fault *reterr)
{
	_cleanup_free_ char *data = calloc(1, MIB);
	char path[64];
	int r = 0;

	assert(data);
	for (int i = 0; i < 10 && r == 0; i++) {
		(void)snprintf(path, sizeof(path), "sos_commands/%s/%d", c->name, i);
		r = bundle_add(ctx->bundle, path, data, MIB, NULL);
	}
	return r < 0 ? (fault_set(reterr, r, "no room"), OUTCOME_PARTIAL) : OUTCOME_OK;
}

/* What does not compress: more than any budget. */
static enum outcome
run_noise(const struct collector *c, struct collector_context *ctx, struct fault *reterr)
{
	_cleanup_close_ int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	struct bundle_member_options options = { .max_bytes = 4 * MIB };
	int r;

	(void)c;
	r = bundle_add_fd(ctx->bundle, "noise", fd, &options);
	ok_int(r, -EDQUOT, "more than the archive may have");
	(void)fault_set(reterr, r, "no room");
	return OUTCOME_PARTIAL;
}

/* Small enough to need no spill, so that it is the archive that meets the end of the disk. */
static enum outcome
run_flood(const struct collector *c, struct collector_context *ctx, struct fault *reterr)
{
	_cleanup_close_ int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	struct bundle_member_options options = { .max_bytes = MIB / 8 };
	int r = 0;

	(void)c;
	for (int i = 0; i < 40 && r >= 0; i++)
		r = bundle_add_fd(ctx->bundle, "flood", fd, &options);
	ok_int(r, -ENOSPC, "the disk is full");
	(void)fault_set(reterr, r, "the disk is full");
	return OUTCOME_FAILED;
}

static enum outcome
run_stop(const struct collector *c, struct collector_context *ctx, struct fault *reterr)
{
	(void)c;
	(void)reterr;
	stop_request();
	return collector_must_stop(ctx) ? OUTCOME_OK : OUTCOME_FAILED;
}

static bool
never(const struct collector *c, const struct collector_context *ctx, struct fault *reterr)
{
	(void)c;
	(void)ctx;
	(void)fault_set(reterr, -ENOENT, "it is not here");
	return false;
}

static const struct collector fine = { .name = "fine", .run = run_ok };
static const struct collector failing = { .name = "failing", .run = run_failing };
static const struct collector absent = { .name = "absent", .applies = never, .run = run_ok };
static const struct collector slow = { .name = "slow", .wall_usec = 300000, .run = run_slow };
static const struct collector large = {
	.name = "large",
	.max_bytes = 3 * MIB + MIB / 2,
	.run = run_large,
};
static const struct collector noise = { .name = "noise", .run = run_noise };
static const struct collector flood = { .name = "flood", .run = run_flood };
static const struct collector stubborn = {
	.name = "stubborn",
	.wall_usec = 600 * USEC_PER_SEC,
	.run = run_stubborn,
};
static const struct collector gigabyte = { .name = "gigabyte", .run = run_gigabyte };
static const struct collector blocked = { .name = "blocked", .run = run_blocked };
static const struct collector greedy = { .name = "greedy", .run = run_greedy };
static const struct collector ulimit = { .name = "ulimit", .run = run_ulimit };
static const struct collector stopping = { .name = "stopping", .run = run_stop };

static struct collector_problem mistake = {
	.collector = (char *)"mine",
	.file = (char *)"/etc/mine.conf",
	.line = 7,
	.text = (char *)"is wrong",
};

static int
capture(const struct tmpdir *t, enum profile profile, const struct collector *const *list,
    size_t n, struct capture_meta *meta, struct fault *f)
{
	struct request request = {
		.id = ID,
		.profile = profile,
		.trigger = TRIGGER_UNIT_FAILED,
		.source = SOURCE_WATCHER,
		.reason = "a test",
		.event = { .unit = "microshift.service", .exec_main_code = 1 },
	};
	struct collector_list collectors = {
		.items = (const struct collector **)list,
		.n_items = n,
		.problems = &mistake,
		.n_problems = 1,
	};
	_cleanup_(settings_freep) struct settings *settings = NULL;
	struct capture_options options = {
		.request = &request,
		.collectors = &collectors,
		.root = "",
		.dir_fd = t->fd,
		.archive = "report.tar.zst",
	};

	assert(settings_new(&settings) == 0);
	options.settings = settings;
	return capture_run(&options, meta, f);
}

static const struct manifest_collector *
find_collector(const struct manifest *m, const char *name)
{
	for (size_t i = 0; i < m->n_collectors; i++)
		if (streq(m->collectors[i]->name, name))
			return m->collectors[i];
	printf("Bail out! no collector '%s'\n", name);
	abort();
}

static struct read_archive
read_result(const struct tmpdir *t, struct manifest *m)
{
	_cleanup_free_ char *path = text_format("%s/report.tar.zst", t->path);
	struct read_archive a;
	const struct read_entry *e;
	struct fault f = { 0 };

	assert(path);
	a = read_archive(path);
	ok_int(a.status, ARCHIVE_EOF, "the archive is whole");
	e = read_archive_find(&a, TOP "/manifest.json");
	ok(e && manifest_parse(e->data, e->size, m, &f) == 0, "it has a manifest %s", f.text);
	return a;
}

static void
test_outcomes(void)
{
	static const struct collector *const list[] = { &fine, &failing, &absent, &slow,
		&large };
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_(manifest_done) struct manifest m = { 0 };
	_cleanup_close_ int fd = -EBADF;
	const struct manifest_collector *c;
	struct capture_meta meta;
	struct read_archive a;
	const struct read_entry *e;
	char sha256[SHA256_BYTES];
	uint64_t bytes;
	struct fault f;

	ok_int(capture(&t, PROFILE_CRASH, list, ELEMENTSOF(list), &meta, &f), 0,
	    "collectors that go wrong do not fail a capture");
	ok_int(meta.status, REPORT_COMPLETE, "it is complete: all were run");
	ok(meta.outcomes.ok == 2 && meta.outcomes.partial == 2 && meta.outcomes.skipped == 1 &&
		meta.outcomes.timed_out == 1 && meta.outcomes.failed == 0,
	    "outcomes");
	ok(meta.redactions == 1 && meta.peak_memory_bytes > MIB && meta.raw_bytes > 3 * MIB,
	    "numbers");
	fd = openat(t.fd, "report.tar.zst", O_RDONLY | O_CLOEXEC);
	ok(digest_file(fd, sha256, &bytes) == 0 && streq(sha256, meta.sha256) &&
		bytes == meta.size_bytes,
	    "size and digest are those of the archive");

	a = read_result(&t, &m);
	ok_str(a.entries[1].path, TOP "/version.txt", "version.txt comes first");
	ok_str(a.entries[a.n_entries - 1].path, TOP "/manifest.json", "manifest.json last");
	e = read_archive_find(&a, TOP "/sos_commands/fine/echo_hello");
	ok_str(e ? e->data : NULL, "hello\n", "output of a command");
	e = read_archive_find(&a, TOP "/sos_commands/slow/sh_-c_echo_begun_sleep_600");
	ok(e && text_has_prefix(e->data, "begun\n\n[microshift-support: ended by us after"),
	    "of one that was killed");
	e = read_archive_find(&a, TOP "/summary.txt");
	ok(e && strstr(e->data, "A run of microshift.service ended") &&
		strstr(e->data, "it is not here") && strstr(e->data, "no room"),
	    "the summary says what is missing and why");
	ok(strstr(e->data, "/etc/mine.conf:7: is wrong"), "and what is wrong with definitions");
	ok_str(find_collector(&m, CAPTURE_OWN_COLLECTOR)->notes[0],
	    "/etc/mine.conf:7: is wrong", "so does the manifest");

	c = find_collector(&m, "failing");
	ok_int(c->n_commands, 2, "commands are recorded");
	ok(c->commands[0].error && !c->commands[0].path, "the missing program");
	ok_int(c->commands[1].exit_status, 3, "the exit status");
	c = find_collector(&m, "slow");
	ok(c->commands[0].timed_out && c->commands[0].truncated, "the one that hung");
	ok(c->limit_usec == 300000 && c->duration_usec >= 300000, "times");
	c = find_collector(&m, "large");
	ok(c->n_files == 4 && c->files[3].truncated, "a limit of one collector");
	ok_str(find_collector(&m, "absent")->fault.text, "it is not here", "the reason");
	read_archive_done(&a);
}

static void
test_budget(void)
{
	static const struct collector *const list[] = { &fine, &noise, &fine };
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_(manifest_done) struct manifest m = { 0 };
	struct capture_meta meta;
	struct read_archive a;
	struct fault f;

	ok_int(capture(&t, PROFILE_PRESSURE, list, ELEMENTSOF(list), &meta, &f), 0,
	    "the archive's limit");
	ok_int(meta.status, REPORT_PARTIAL, "makes a partial report");
	ok(meta.size_bytes < profile_limits(PROFILE_PRESSURE)->archive_bytes,
	    "that keeps to it");
	a = read_result(&t, &m);
	ok(strstr(m.end_reason, "size limit"), "and says why");
	read_archive_done(&a);
}

/* Its own limit is ten minutes, the profile's two seconds. */
static void
test_wall(enum profile profile)
{
	static const struct collector *const list[] = { &fine, &stubborn, &failing };
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_(manifest_done) struct manifest m = { 0 };
	const char *name = profile_to_string(profile);
	uint64_t begin = clock_monotonic_usec();
	const struct manifest_collector *c;
	struct capture_meta meta;
	struct read_archive a;
	uint64_t took;
	struct fault f;

	assert(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	ok_int(
	    capture(&t, profile, list, ELEMENTSOF(list), &meta, &f), 0, "%s with a hang", name);
	took = clock_monotonic_usec() - begin;
	ok(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "nothing is left running");
	assert(prctl(PR_SET_CHILD_SUBREAPER, 0) == 0);
	/* Half a second for a machine that is busy; without the limit it would be ten minutes.
	 */
	ok(took < profile_limits(profile)->wall_usec + USEC_PER_SEC / 2,
	    "ends within its time (%" PRIu64 " ms)", took / USEC_PER_MSEC);
	ok_int(meta.status, REPORT_PARTIAL, "as a partial report");
	a = read_result(&t, &m);
	ok(strstr(m.end_reason, name), "that names the profile");
	ok(read_archive_find(&a, TOP "/etc/a"), "what came before is there");
	c = find_collector(&m, "stubborn");
	ok(c->n_commands == 1 && c->commands[0].timed_out && c->commands[0].signal == SIGKILL,
	    "the command was killed");
	ok(strstr(find_collector(&m, "failing")->fault.text, "not started: the time"),
	    "what comes later is not started");
	read_archive_done(&a);
}

static void
test_blocked(void)
{
	static const struct collector *const list[] = { &fine, &blocked, &failing };
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_(manifest_done) struct manifest m = { 0 };
	struct capture_meta meta;
	struct read_archive a;
	struct fault f;

	assert(stop_install() == 0);
	stop_watch(200 * USEC_PER_MSEC, 600 * USEC_PER_SEC);
	ok_int(capture(&t, PROFILE_CRASH, list, ELEMENTSOF(list), &meta, &f), 0,
	    "a collector that blocks");
	a = read_result(&t, &m);
	ok(strstr(m.end_reason, "the time of profile 'crash'"),
	    "costs the time that there was");
	read_archive_done(&a);
	stop_done();
	ok(!stop_is_late(), "which can be taken back");
}

static void
test_output_cap(void)
{
	static const struct collector *const list[] = { &gigabyte, &fine };
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_(manifest_done) struct manifest m = { 0 };
	const struct manifest_collector *c;
	struct capture_meta meta;
	struct read_archive a;
	struct fault f;

	ok_int(capture(&t, PROFILE_CRASH, list, ELEMENTSOF(list), &meta, &f), 0,
	    "a command that prints 1 GB");
	ok_int(meta.status, REPORT_COMPLETE, "costs nothing else");
	a = read_result(&t, &m);
	c = find_collector(&m, "gigabyte");
	ok(c->n_files == 1 && c->files[0].truncated && c->commands[0].truncated,
	    "its output is cut");
	ok(c->files[0].bytes <= COMMAND_DEFAULT_MAX_BYTES + 4096, "at its limit");
	read_archive_done(&a);
}

static void
test_memory(void)
{
	static const struct collector *const list[] = { &greedy, &ulimit };
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_(manifest_done) struct manifest m = { 0 };
	const struct read_entry *e;
	struct capture_meta meta;
	struct read_archive a;
	struct rlimit now;
	struct fault f;

	ok_int(capture(&t, PROFILE_PRESSURE, list, ELEMENTSOF(list), &meta, &f), 0,
	    "the memory of a profile");
	ok(getrlimit(RLIMIT_DATA, &now) == 0 && now.rlim_cur == now.rlim_max,
	    "is limited in its capture only");
	a = read_result(&t, &m);
	e = read_archive_find(&a, TOP "/ulimit");
	ok(e && strstr(e->data, "unlimited"), "and not for commands");
	read_archive_done(&a);
}

static void
test_disk_full(void)
{
	static const struct collector *const list[] = { &fine, &flood, &failing };
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_(manifest_done) struct manifest m = { 0 };
	struct capture_meta meta;
	struct read_archive a;
	struct rlimit old;
	struct rlimit small;
	struct fault f;

	assert(getrlimit(RLIMIT_FSIZE, &old) == 0);
	small = (struct rlimit){ MIB, old.rlim_max };
	(void)signal(SIGXFSZ, SIG_IGN);
	assert(setrlimit(RLIMIT_FSIZE, &small) == 0);
	ok_int(capture(&t, PROFILE_CRASH, list, ELEMENTSOF(list), &meta, &f), 0,
	    "a full disk still gives a report");
	assert(setrlimit(RLIMIT_FSIZE, &old) == 0);
	ok_int(meta.status, REPORT_PARTIAL, "a partial one");
	a = read_result(&t, &m);
	ok(strstr(m.end_reason, "No space left"), "that says why");
	ok(read_archive_find(&a, TOP "/etc/a"), "and has what was taken before");
	ok(!read_archive_find(&a, TOP "/flood"), "not what did not fit");
	ok_int(find_collector(&m, "flood")->outcome, OUTCOME_FAILED, "which is lost");
	ok(find_collector(&m, "flood")->files[0].missing, "and listed");
	ok(strstr(find_collector(&m, "failing")->fault.text, "not started"),
	    "as is what was not even started");
	ok_int(find_collector(&m, CAPTURE_OWN_COLLECTOR)->n_files, 2,
	    "the report's own files are listed once");
	read_archive_done(&a);
}

static void
test_cannot_write(void)
{
	static const struct collector *const list[] = { &fine };
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	struct capture_meta meta;
	struct fault f;

	assert(io_write_file_atomic(t.fd, "report.tar.zst.part", "x", 1, 0640) == 0);
	ok_int(capture(&t, PROFILE_CRASH, list, 1, &meta, &f), -EEXIST,
	    "another capture's file is not touched");
	ok(strstr(f.text, "report.tar.zst.part"), "and named");
}

static void
test_stop(void)
{
	static const struct collector *const list[] = { &fine, &stopping, &slow };
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_(manifest_done) struct manifest m = { 0 };
	struct capture_meta meta;
	struct read_archive a;
	struct fault f;

	ok_int(capture(&t, PROFILE_CRASH, list, ELEMENTSOF(list), &meta, &f), 0, "a stop");
	ok_int(meta.status, REPORT_PARTIAL, "makes a partial report");
	a = read_result(&t, &m);
	ok_int(find_collector(&m, "slow")->outcome, OUTCOME_TIMED_OUT, "the rest is not run");
	ok(strstr(find_collector(&m, "slow")->fault.text, "not started"), "which is said");
	ok(read_archive_find(&a, TOP "/etc/a"), "what was there before is kept");
	read_archive_done(&a);
	stop_done();
}

int
main(void)
{
	log_set_sink(LOG_SINK_NONE);
	test_outcomes();
	test_budget();
	test_wall(PROFILE_FLASH);
	test_wall(PROFILE_FINAL);
	test_blocked();
	test_output_cap();
	test_memory();
	test_disk_full();
	test_cannot_write();
	test_stop();
	return tap_done();
}
