/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "capture/cmdrun.h"
#include "capture/stop.h"
#include "lib/cleanup.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/text.h"
#include "tests/lib/deadfs.h"
#include "tests/lib/tmpdir.h"

/* Generous: the machine that runs the tests may be busy. */
#define LATE_USEC (3 * USEC_PER_SEC)

struct sink {
	char data[4096];
	size_t size;
	uint64_t total;
	int answer;
};

static int
on_output(const void *data, size_t size, void *userdata)
{
	struct sink *s = userdata;
	size_t n = size < sizeof(s->data) - 1 - s->size ? size : sizeof(s->data) - 1 - s->size;

	memcpy(s->data + s->size, data, n);
	s->size += n;
	s->data[s->size] = '\0';
	s->total += size;
	return s->answer;
}

static int
run(const char *script, struct cmdrun_spec spec, struct sink *sink, struct cmdrun_result *ret)
{
	char *const argv[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };
	struct fault f;

	if (!spec.argv)
		spec.argv = argv;
	if (spec.deadline_usec == 0)
		spec.deadline_usec = clock_monotonic_usec() + 30 * USEC_PER_SEC;
	spec.output = on_output;
	spec.userdata = sink;
	return cmdrun(&spec, ret, &f);
}

/* A deadline this far away. */
static uint64_t
in_msec(uint64_t msec)
{
	return clock_monotonic_usec() + msec * USEC_PER_MSEC;
}

static void
test_plain(void)
{
	struct cmdrun_result result;
	struct sink sink = { 0 };

	ok_int(run("echo out; echo err >&2; exit 3", (struct cmdrun_spec){ 0 }, &sink, &result),
	    0, "a command that fails was run");
	ok_str(sink.data, "out\nerr\n", "both streams in order");
	ok_int(result.exit_status, 3, "its exit status");
	ok_int(result.bytes, 8, "bytes are counted");
	ok(!result.timed_out && !result.too_long && result.signal == 0,
	    "nothing else happened");

	sink = (struct sink){ 0 };
	(void)run("echo out; echo err >&2", (struct cmdrun_spec){ .drop_stderr = true }, &sink,
	    &result);
	ok_str(sink.data, "out\n", "stderr can be dropped");

	sink = (struct sink){ 0 };
	(void)run("cat; pwd; echo $LC_ALL; echo ${FOO-unset}; kill -USR1 $$",
	    (struct cmdrun_spec){ 0 }, &sink, &result);
	ok_str(sink.data, "/\nC.UTF-8\nunset\n", "stdin is empty, the environment is ours");
	ok(result.exit_status == -1 && result.signal == SIGUSR1, "ended by a signal");

	sink = (struct sink){ 0 };
	(void)run("printf 'a\\000b\\377'", (struct cmdrun_spec){ 0 }, &sink, &result);
	ok(sink.size == 4 && memcmp(sink.data, "a\0b\xff", 4) == 0, "binary output passes");
}

static void
test_missing(void)
{
	static const char *const names[] = { "no-such-program-here", "/no/such/program" };
	struct cmdrun_result result;
	struct sink sink = { 0 };
	struct fault f;

	for (size_t i = 0; i < ELEMENTSOF(names); i++) {
		char *argv[] = { (char *)names[i], NULL };
		struct cmdrun_spec spec = { .argv = argv, .deadline_usec = USEC_INFINITY };

		ok_int(cmdrun(&spec, &result, &f), -ENOENT, "'%s' is missing", names[i]);
		ok(strstr(f.text, names[i]), "the fault names it");
	}
	ok_int(
	    run("", (struct cmdrun_spec){ .argv = (char *[]){ (char *)"/etc/passwd", NULL } },
		&sink, &result),
	    -EACCES, "not executable");
}

/* Whether the process whose number is TEXT has ended. Whoever reaps it may need a moment. */
static bool
is_gone(const char *text)
{
	pid_t pid = (pid_t)strtol(text, NULL, 10);
	char path[64];

	assert(pid > 1);
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	for (int i = 0; i < 100; i++) {
		_cleanup_free_ char *stat = NULL;

		if (io_read_file(AT_FDCWD, path, 4096, &stat, NULL) < 0 || strstr(stat, ") Z"))
			return true;
		(void)usleep(20000);
	}
	return false;
}

/* A process that ignores SIGTERM, with a grandchild that does so too and holds the pipe. */
static void
test_stubborn(void)
{
	struct cmdrun_result result;
	struct sink sink = { 0 };
	uint64_t begin = clock_monotonic_usec();
	uint64_t took;

	ok_int(run("trap '' TERM; sleep 120 & echo $!; while :; do sleep 1; done",
		   (struct cmdrun_spec){ .deadline_usec = in_msec(500) }, &sink, &result),
	    0, "a command that ignores SIGTERM");
	took = clock_monotonic_usec() - begin;
	ok(result.timed_out, "timed out");
	ok_int(result.signal, SIGKILL, "and was killed");
	ok(took >= CMDRUN_GRACE_USEC && took < CMDRUN_GRACE_USEC + LATE_USEC,
	    "after the time of grace");
	ok(is_gone(sink.data), "the grandchild is gone, too");
}

static void
test_polite(void)
{
	struct cmdrun_result result;
	struct sink sink = { 0 };

	ok_int(run("trap 'echo bye; exit 7' TERM; echo hi; while :; do sleep 0.1; done",
		   (struct cmdrun_spec){ .deadline_usec = in_msec(1000) }, &sink, &result),
	    0, "a command that obeys SIGTERM");
	ok(result.timed_out && result.exit_status == 7, "ends by itself");
	ok(strstr(sink.data, "bye"), "and what it said last is kept");
}

static void
test_grandchild(void)
{
	struct cmdrun_result result;
	struct sink sink = { 0 };
	uint64_t begin = clock_monotonic_usec();

	ok_int(run("sleep 100 & echo done", (struct cmdrun_spec){ 0 }, &sink, &result), 0,
	    "a grandchild that keeps the pipe");
	ok(clock_monotonic_usec() - begin < CMDRUN_LINGER_USEC + LATE_USEC, "does not hold us");
	ok(!result.timed_out && result.exit_status == 0, "and is no failure");
	ok_str(sink.data, "done\n", "the output is there");
}

/* A daemon: it left the group and the session, holds the pipe, and ignores SIGTERM. */
static void
test_stray(void)
{
	static const char script[] = "setsid sh -c 'trap \"\" TERM; echo $$; "
				     "sleep 120 & while :; do sleep 1; done' & sleep 0.3";
	struct cmdrun_result result;
	struct sink sink = { 0 };

	assert(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	ok_int(run(script, (struct cmdrun_spec){ 0 }, &sink, &result), 0, "a daemon is left");
	ok(!result.timed_out && result.exit_status == 0, "which is no failure");
	ok(is_gone(sink.data), "it is ended with the command");
	ok(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "nothing is left of it");

	sink = (struct sink){ 0 };
	(void)run("setsid sh -c 'echo $$; sleep 120 & wait' & wait",
	    (struct cmdrun_spec){ .deadline_usec = in_msec(500) }, &sink, &result);
	ok(result.timed_out && is_gone(sink.data), "also with one that hangs");
	assert(prctl(PR_SET_CHILD_SUBREAPER, 0) == 0);
}

/* The times of grace have to fit into what the capture has left. */
static void
test_end(void)
{
	struct cmdrun_result result;
	struct sink sink = { 0 };
	uint64_t begin = clock_monotonic_usec();

	ok_int(
	    run("trap '' TERM; while :; do sleep 1; done",
		(struct cmdrun_spec){ .deadline_usec = in_msec(300), .end_usec = in_msec(900) },
		&sink, &result),
	    0, "it ignores SIGTERM, and there is little time");
	ok(result.timed_out && result.signal == SIGKILL, "it is killed");
	ok(clock_monotonic_usec() - begin < 300 * USEC_PER_MSEC + CMDRUN_GRACE_USEC,
	    "before the time of grace is over");
}

/* What not even SIGKILL ends. */
static void
test_unkillable(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_free_ char *script = text_format("echo begun; exec cat %s/file", t.path);
	struct cmdrun_result result;
	struct sink sink = { 0 };
	struct deadfs fs;
	uint64_t begin;
	int r;

	r = deadfs_mount(&fs, t.path);
	if (r < 0) {
		tap_skip("cannot mount FUSE here");
		return;
	}
	begin = clock_monotonic_usec();
	ok_int(run(script,
		   (struct cmdrun_spec){
		       .deadline_usec = in_msec(300), .end_usec = in_msec(1500) },
		   &sink, &result),
	    0, "a command that sleeps uninterruptibly");
	ok(result.abandoned && result.timed_out, "is abandoned");
	ok(result.signal == 0 && result.exit_status == -1, "its end is not known");
	ok_str(sink.data, "begun\n", "what it said is there");
	ok(clock_monotonic_usec() - begin < 1500 * USEC_PER_MSEC + LATE_USEC, "we go on");
	deadfs_done(&fs);
	ok(wait(NULL) > 0, "it ends when the kernel lets it go");
	(void)umount2(t.path, MNT_DETACH);
}

static void
test_endless(void)
{
	struct cmdrun_result result;
	struct sink sink = { 0 };

	ok_int(run("yes", (struct cmdrun_spec){ .max_read_bytes = 10000000 }, &sink, &result),
	    0, "endless output");
	ok(result.too_long && !result.timed_out, "is ended at the limit");
	ok(result.bytes > 10000000 && result.bytes < 11000000, "not later");

	sink = (struct sink){ .answer = -EFBIG };
	ok_int(run("yes", (struct cmdrun_spec){ 0 }, &sink, &result), 0, "a full sink");
	ok(result.too_long, "ends the command");

	sink = (struct sink){ .answer = -ENOSPC };
	ok_int(run("yes", (struct cmdrun_spec){ 0 }, &sink, &result), -ENOSPC,
	    "an error of the sink comes back");

	sink = (struct sink){ 0 };
	ok_int(run("head -c 1000000000 /dev/zero",
		   (struct cmdrun_spec){ .deadline_usec = in_msec(120000) }, &sink, &result),
	    0, "1 GB of output");
	ok_int(sink.total, 1000000000, "passes through");
}

static void
test_many(void)
{
	struct cmdrun_result result;
	int last_fd;
	int fd;

	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	(void)close_fd(fd);
	for (int i = 0; i < 50; i++) {
		struct sink sink = { 0 };

		(void)run("exit 0", (struct cmdrun_spec){ 0 }, &sink, &result);
	}
	last_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ok_int(last_fd, fd, "no descriptor is leaked");
	(void)close_fd(last_fd);
}

static void
test_stop(void)
{
	struct cmdrun_result result;
	struct sink sink = { 0 };
	uint64_t begin;

	assert(stop_install() == 0);
	(void)run("exit 0", (struct cmdrun_spec){ 0 }, &sink, &result);
	ok(!result.stopped, "no stop was asked for");
	begin = clock_monotonic_usec();
	ok_int(run("kill -TERM $PPID; sleep 60", (struct cmdrun_spec){ 0 }, &sink, &result), 0,
	    "SIGTERM while a command runs");
	ok(result.stopped && !result.timed_out && stop_is_requested(), "stops it");
	ok(clock_monotonic_usec() - begin < LATE_USEC, "at once");
	stop_done();
	ok(!stop_is_requested() && stop_fd() < 0, "a stop can be taken back");
}

int
main(void)
{
	test_plain();
	test_missing();
	test_stubborn();
	test_polite();
	test_grandchild();
	test_stray();
	test_end();
	test_unkillable();
	test_endless();
	test_many();
	test_stop();
	return tap_done();
}
