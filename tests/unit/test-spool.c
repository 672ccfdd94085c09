/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/spool.h"
#include "daemon/tombstone.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/log.h"
#include "lib/text.h"
#include "tests/lib/tmpdir.h"

#define ID1 "20261123T142752Z-0001-e585a599"
#define ID2 "20261123T142753Z-0002-e585a599"
#define ID3 "20261123T142754Z-0003-e585a599"

static struct request
request_of(const char *id, const char *key)
{
	struct request req = {
		.trigger = key[0] ? TRIGGER_UNIT_FAILED : TRIGGER_REQUEST,
		.profile = PROFILE_CRASH,
		.reason = "test",
		.created_usec = USEC_PER_SEC,
	};

	text_copy(req.id, sizeof(req.id), id);
	text_copy(req.key, sizeof(req.key), key);
	return req;
}

/* What a capture leaves when it has finished. */
static void
finish(const struct tmpdir *tmp, const char *id, const char *archive, const char *content)
{
	_cleanup_free_ char *dir = text_format("incoming/%s", id);
	_cleanup_free_ char *file = text_format("incoming/%s/%s", id, archive);
	_cleanup_free_ char *meta = text_format("incoming/%s/meta.json", id);
	_cleanup_free_ char *text = text_format(
	    "{\"version\":1,\"id\":\"%s\",\"status\":\"complete\",\"archive\":\"%s\","
	    "\"size_bytes\":%zu,\"sha256\":\"ab\"}",
	    id, archive, strlen(content));

	assert(io_mkdir_p(tmp->fd, dir, 0750) == 0);
	tmpdir_put(tmp, file, content);
	tmpdir_put(tmp, meta, text);
}

static bool
exists(const struct tmpdir *tmp, const char *path)
{
	return faccessat(tmp->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static struct spool *
open_spool(const struct tmpdir *tmp)
{
	struct spool *s = NULL;
	struct fault f = { 0 };

	if (spool_open(tmp->path, &s, &f) < 0) {
		fprintf(stderr, "%s\n", fault_text(&f));
		abort();
	}
	return s;
}

static void
test_commit(void)
{
	_cleanup_tmpdir_ struct tmpdir tmp = tmpdir_make();
	_cleanup_(spool_closep) struct spool *s = open_spool(&tmp);
	struct spool *other = NULL;
	struct request req = request_of(ID1, "k");
	const struct report *report = NULL;
	_cleanup_close_ int fd = -EBADF;
	struct fault f;
	char byte;

	ok_int(spool_open(tmp.path, &other, &f), -EBUSY, "a second daemon is refused");
	ok_int(spool_enqueue(s, &req), 0, "request is on disk");
	ok(exists(&tmp, "queue/" ID1 ".json"), "as queue/ID.json");
	ok_int(spool_commit(s, &req, 7, NULL, &f), -ENOENT, "no commit before it finished");
	ok(!spool_is_finished(s, ID1), "it has not finished");
	finish(&tmp, ID1, "report.tar.zst", "archive");
	ok(spool_is_finished(s, ID1), "now it has");
	ok_int(spool_commit(s, &req, 7, &report, &f), 0, "commit: %s", f.text);
	ok(exists(&tmp, "reports/" ID1 ".tar.zst") && exists(&tmp, "reports/" ID1 ".json"),
	    "archive and sidecar are there");
	ok(!exists(&tmp, "queue/" ID1 ".json") && !exists(&tmp, "incoming/" ID1),
	    "request and incoming directory are gone");
	ok(report && report->committed_usec == 7 && streq(report->key, "k"), "report");
	ok_int(spool_commit(s, &req, 8, &report, &f), 0, "repeated commit is fine");
	ok(spool_count(s) == 1 && spool_total_bytes(s) == 7, "and counts once");
	ok_int(spool_open_archive(s, ID1, &fd), 0, "open");
	ok(read(fd, &byte, 1) == 1 && byte == 'a' && write(fd, "x", 1) < 0, "read-only");
	ok_int(spool_remove(s, ID1, "because"), 0, "remove");
	ok(!exists(&tmp, "reports/" ID1 ".tar.zst") && !exists(&tmp, "reports/" ID1 ".json"),
	    "gone");
	ok(exists(&tmp, "tombstones.jsonl"), "with a tombstone");
	ok(read(fd, &byte, 1) == 1, "a reader that has it open still reads");
	ok(spool_count(s) == 0 && spool_total_bytes(s) == 0, "nothing left");
	ok_int(spool_remove(s, ID1, NULL), -ENOENT, "removing it again");
}

static void
test_damaged_captures(void)
{
	_cleanup_tmpdir_ struct tmpdir tmp = tmpdir_make();
	_cleanup_(spool_closep) struct spool *s = open_spool(&tmp);
	struct request req = request_of(ID1, "k");
	struct fault f;

	assert(spool_enqueue(s, &req) == 0);
	finish(&tmp, ID1, "report.tar.zst", "archive");
	tmpdir_put(&tmp, "incoming/" ID1 "/report.tar.zst", "cut");
	ok_int(spool_commit(s, &req, 7, NULL, &f), -EBADMSG, "another size: %s", f.text);
	finish(&tmp, ID1, "evil.tar", "archive");
	ok_int(spool_commit(s, &req, 7, NULL, &f), -EBADMSG, "another name: %s", f.text);
	finish(&tmp, ID1, "report.tar.zst", "archive");
	assert(io_remove_tree(tmp.fd, "incoming/" ID1 "/report.tar.zst") == 0);
	assert(symlinkat("/etc/passwd", tmp.fd, "incoming/" ID1 "/report.tar.zst") == 0);
	ok_int(spool_commit(s, &req, 7, NULL, &f), -EBADMSG, "a link instead of the archive");
	tmpdir_put(&tmp, "incoming/" ID1 "/meta.json", "{");
	ok_int(spool_commit(s, &req, 7, NULL, &f), -EBADMSG, "half a meta.json: %s", f.text);
	ok(spool_count(s) == 0 && exists(&tmp, "queue/" ID1 ".json"), "nothing became visible");
	spool_bury(s, &req, "damaged");
	ok(!exists(&tmp, "queue/" ID1 ".json") && !exists(&tmp, "incoming/" ID1), "buried");
}

/* We died at each point of the commit; the next instance finds things as they are here. */
static void
test_recovery(void)
{
	_cleanup_tmpdir_ struct tmpdir tmp = tmpdir_make();
	struct spool *s = open_spool(&tmp);
	struct request req1 = request_of(ID1, "k");
	struct request req2 = request_of(ID2, "k");
	struct request *queue = NULL;
	struct fault f = { 0 };
	size_t n = 0;

	assert(spool_enqueue(s, &req2) == 0 && spool_enqueue(s, &req1) == 0);
	finish(&tmp, ID1, "report.tar.zst", "archive");
	finish(&tmp, ID2, "report.tar.xz", "archive2");
	/* Between the rename of the archive and the sidecar. */
	assert(renameat(tmp.fd, "incoming/" ID1 "/report.tar.zst", tmp.fd,
		   "reports/" ID1 ".tar.zst") == 0);
	tmpdir_put(&tmp, "reports/.#" ID1 ".json", "half");
	tmpdir_put(&tmp, "queue/.#" ID3 ".json", "half");
	spool_close(s);

	s = open_spool(&tmp);
	ok_int(spool_count(s), 0, "an archive without sidecar is no report");
	ok(!exists(&tmp, "reports/.#" ID1 ".json"), "the half-written sidecar is gone");
	ok_int(spool_read_queue(s, &queue, &n), 0, "queue");
	ok(n == 2 && streq(queue[0].id, ID1) && streq(queue[1].id, ID2), "in order");
	ok_int(spool_commit(s, &queue[0], 7, NULL, &f), 0, "the commit goes on: %s", f.text);
	ok_int(spool_commit(s, &queue[1], 7, NULL, &f), 0, "and the next");
	ok(exists(&tmp, "reports/" ID2 ".tar.xz"), "with its own suffix");
	/* Between the sidecar and the removal of the request. */
	assert(spool_enqueue(s, &req1) == 0);
	spool_close(s);
	free(queue);

	s = open_spool(&tmp);
	ok_int(spool_count(s), 2, "reports are found again");
	ok_int(spool_max_sequence(s), 2, "and the highest sequence number");
	ok_int(spool_commit(s, &req1, 7, NULL, &f), 0, "a request with a report");
	ok(!exists(&tmp, "queue/" ID1 ".json") && spool_count(s) == 2, "is only removed");
	spool_close(s);
}

static void
test_foreign(void)
{
	_cleanup_tmpdir_ struct tmpdir tmp = tmpdir_make();
	struct spool *s = open_spool(&tmp);
	_cleanup_free_ char *data = NULL;
	struct request *queue = NULL;
	size_t n = 0;

	assert(mkdirat(tmp.fd, "reports/lost+found", 0700) == 0);
	assert(mkfifoat(tmp.fd, "reports/" ID1 ".json", 0600) == 0);
	assert(symlinkat("/etc/passwd", tmp.fd, "reports/" ID2 ".json") == 0);
	tmpdir_put(&tmp, "reports/note.json", "{}");
	tmpdir_put(&tmp, "reports/" ID3 ".json", "{}");
	assert(mkdirat(tmp.fd, "incoming/mine", 0700) == 0);
	assert(mkdirat(tmp.fd, "incoming/" ID1, 0700) == 0);
	tmpdir_put(&tmp, "queue/note.txt", "x");
	tmpdir_put(&tmp, "queue/" ID1 ".json", "{\"version\":1}");
	spool_close(s);

	s = open_spool(&tmp);
	ok_int(spool_count(s), 0, "FIFO, link, damaged and foreign sidecars are no reports");
	ok(exists(&tmp, "reports/note.json") && exists(&tmp, "reports/lost+found") &&
		exists(&tmp, "reports/" ID3 ".json"),
	    "and are left alone");
	ok(spool_read_queue(s, &queue, &n) == 0 && n == 0, "a damaged request is none");
	ok(!exists(&tmp, "queue/" ID1 ".json") && exists(&tmp, "tombstones.jsonl"),
	    "it is buried");
	ok(exists(&tmp, "queue/note.txt"), "a foreign file stays");
	assert(mkdirat(tmp.fd, "incoming/" ID2, 0700) == 0);
	spool_clean_incoming(s);
	ok(!exists(&tmp, "incoming/" ID2) && exists(&tmp, "incoming/mine"),
	    "leftovers of captures go, foreign directories stay");
	assert(
	    io_read_file(tmp.fd, "tombstones.jsonl", TOMBSTONES_MAX_BYTES, &data, NULL) == 0);
	ok(strstr(data, ID2) != NULL, "with a tombstone");
	spool_close(s);
	free(queue);
}

static void
count_evicted(const struct report *report, enum vacuum_reason reason, void *userdata)
{
	(void)report;
	if (reason == VACUUM_COUNT)
		(*(unsigned *)userdata)++;
}

static void
test_vacuum(void)
{
	_cleanup_tmpdir_ struct tmpdir tmp = tmpdir_make();
	_cleanup_(spool_closep) struct spool *s = open_spool(&tmp);
	static const char *const ids[] = { ID1, ID2, ID3 };
	struct vacuum_limits limits = {
		.max_reports = 2,
		.max_per_key = 10,
		.max_use_bytes = UINT64_MAX,
		.max_age_usec = USEC_INFINITY,
		.max_manual_reports = 1,
		.manual_use_bytes = UINT64_MAX,
	};
	struct vacuum_incoming none = { 0 };
	unsigned evicted = 0;

	for (size_t i = 0; i < 3; i++) {
		struct request req = request_of(ids[i], "k");

		assert(spool_enqueue(s, &req) == 0);
		finish(&tmp, ids[i], "report.tar.zst", "archive");
		assert(spool_commit(s, &req, 7, NULL, NULL) == 0);
	}
	ok(spool_vacuum(s, &limits, &none, 8, count_evicted, &evicted), "limits hold");
	ok(evicted == 1 && spool_count(s) == 2 && !spool_find(s, ID1), "the oldest went");
	ok(!exists(&tmp, "reports/" ID1 ".tar.zst"), "from the disk too");
}

static void
test_keeping(void)
{
	_cleanup_tmpdir_ struct tmpdir tmp = tmpdir_make();
	_cleanup_(spool_closep) struct spool *s = open_spool(&tmp);
	_cleanup_close_ int reader = -EBADF;
	static const char *const ids[] = { ID1, ID2, ID3 };
	struct vacuum_limits limits = {
		.max_reports = 1,
		.max_per_key = 1,
		.max_use_bytes = UINT64_MAX,
		.max_age_usec = USEC_INFINITY,
		.max_manual_reports = 1,
		.manual_use_bytes = UINT64_MAX,
	};
	struct vacuum_incoming none = { 0 };

	for (size_t i = 0; i < 3; i++) {
		struct request req = request_of(ids[i], "k");

		assert(spool_enqueue(s, &req) == 0);
		finish(&tmp, ids[i], "report.tar.zst", "archive");
		assert(spool_commit(s, &req, 7, NULL, NULL) == 0);
	}
	ok_int(spool_pin(s, ID1, true), 0, "pinned");
	ok_int(spool_pin(s, "20261122T100000Z-0009-99999999", true), -ENOENT, "what is there");
	ok_int(spool_open_archive(s, ID2, &reader), 0, "opened");
	spool_note_fetched(s, ID2, 9);
	ok(!spool_vacuum(s, &limits, &none, 8, NULL, NULL) && spool_count(s) == 3,
	    "what is pinned or read stays");

	spool_close(s);
	s = open_spool(&tmp);
	ok(spool_find(s, ID1)->pinned && spool_find(s, ID2)->fetched_usec == 9,
	    "both are known after a restart");
	reader = close_fd(reader);
	(void)spool_vacuum(s, &limits, &none, 8, NULL, NULL);
	ok(spool_count(s) == 2 && !spool_find(s, ID2), "until the reader closes it");
	assert(spool_pin(s, ID1, false) == 0);
	ok(spool_vacuum(s, &limits, &none, 8, NULL, NULL) && !spool_find(s, ID1),
	    "or it is unpinned");
}

static void
test_tombstones(void)
{
	_cleanup_tmpdir_ struct tmpdir tmp = tmpdir_make();
	_cleanup_(spool_closep) struct spool *s = open_spool(&tmp);
	_cleanup_free_ char *lines = calloc(1, TOMBSTONES_MAX_BYTES + 1);
	struct request req = request_of(ID1, "k");
	struct stat st;

	assert(lines);
	for (size_t i = 0; i < TOMBSTONES_MAX_BYTES; i += 128) {
		memset(lines + i, 'x', 127);
		lines[i + 127] = '\n';
	}
	tmpdir_put(&tmp, "tombstones.jsonl", lines);
	spool_bury(s, &req, "test");
	assert(fstatat(tmp.fd, "tombstones.jsonl", &st, 0) == 0);
	ok(st.st_size > TOMBSTONES_MAX_BYTES / 2 - 1024 &&
		st.st_size < TOMBSTONES_MAX_BYTES / 2 + 1024,
	    "at TOMBSTONES_MAX_BYTES the older half goes");
}

int
main(void)
{
	log_set_sink(LOG_SINK_NONE);
	test_commit();
	test_damaged_captures();
	test_recovery();
	test_foreign();
	test_vacuum();
	test_keeping();
	test_tombstones();
	return tap_done();
}
