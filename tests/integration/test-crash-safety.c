/* SPDX-License-Identifier: Apache-2.0 */

/* The life of three reports in a spool, again and again: each time the disk fails, the daemon
 * is killed, or the power goes, one step later than the time before. Whatever the step, the
 * next daemon starts, what was acknowledged is there, and nothing half-written is visible. */

#include "tests/lib/tap.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include "daemon/spool.h"
#include "daemon/tombstone.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/log.h"
#include "lib/text.h"
#include "tests/lib/disk.h"
#include "tests/lib/tmpdir.h"

#define N_REPORTS 3u
#define CONTENT	  "this is the archive"

static const char *const ids[N_REPORTS] = {
	"20261123T142752Z-0001-e585a599",
	"20261123T142753Z-0002-e585a599",
	"20261123T142754Z-0003-e585a599",
};

/* What the daemon was told to have been done; shared with the process that dies. */
struct acknowledged {
	bool queued[N_REPORTS];
	bool committed[N_REPORTS];
	bool pinned;
	bool removing; /* the removal of report 1 has begun */
	bool removed;
	unsigned steps;
};

static struct request
request_of(const char *id)
{
	struct request req = {
		.trigger = TRIGGER_UNIT_FAILED,
		.profile = PROFILE_CRASH,
		.key = "k",
		.created_usec = USEC_PER_SEC,
	};

	text_copy(req.id, sizeof(req.id), id);
	return req;
}

/* As the capture process does: the archive, its name, and meta.json last. */
static int
capture(int state_fd, const char *id)
{
	_cleanup_free_ char *path = text_format("incoming/%s", id);
	_cleanup_free_ char *meta =
	    text_format("{\"version\":1,\"id\":\"%s\",\"status\":\"complete\",\"archive\":"
			"\"report.tar.zst\",\"size_bytes\":%zu,\"sha256\":\"ab\"}",
		id, strlen(CONTENT));
	_cleanup_close_ int fd = -EBADF;
	int r;

	r = io_open_dir(state_fd, path, 0700, &fd);
	if (r >= 0)
		r = io_write_file_atomic(fd, "report.tar.zst", CONTENT, strlen(CONTENT), 0640);
	if (r >= 0)
		r = io_write_file_atomic(fd, "meta.json", meta, strlen(meta), 0640);
	return r;
}

/* One report, as far as the disk lets it come. */
static void
take_report(struct spool *s, unsigned i, struct acknowledged *done)
{
	struct request req = request_of(ids[i]);

	if (spool_enqueue(s, &req) < 0)
		return;
	done->queued[i] = true;
	if (capture(spool_state_fd(s), ids[i]) < 0)
		return;
	done->committed[i] = spool_commit(s, &req, 7, NULL, NULL) >= 0;
}

static void
live(const char *path, struct acknowledged *done)
{
	_cleanup_(spool_closep) struct spool *s = NULL;
	struct fault f = { 0 };

	if (spool_open(path, &s, &f) < 0)
		return;
	take_report(s, 0, done);
	take_report(s, 1, done);
	done->pinned = done->committed[0] && spool_pin(s, ids[0], true) >= 0;
	done->removing = done->committed[1];
	done->removed = done->removing && spool_remove(s, ids[1], "because") >= 0;
	take_report(s, 2, done);
}

/* What the next daemon does with a request that it finds. */
static bool
take_up(struct spool *s, const struct request *req)
{
	if (!spool_find(s, req->id) && !spool_is_finished(s, req->id))
		return capture(spool_state_fd(s), req->id) >= 0 &&
		    spool_commit(s, req, 8, NULL, NULL) >= 0;
	return spool_commit(s, req, 8, NULL, NULL) >= 0;
}

static bool
is_whole(const struct spool *s, const char *id)
{
	char text[64] = "";
	ssize_t n;
	int fd;

	if (!spool_find(s, id) || spool_open_archive(s, id, &fd) < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	return n >= 0 && streq(text, CONTENT);
}

/* Says what is wrong with the spool that is left, or NULL. */
static const char *
inspect(const char *path, const struct acknowledged *done)
{
	_cleanup_(spool_closep) struct spool *s = NULL;
	_cleanup_free_ struct request *queue = NULL;
	struct fault f = { 0 };
	bool queued[N_REPORTS] = { false };
	size_t n = 0;

	if (spool_open(path, &s, &f) < 0)
		return "the next daemon does not start";
	for (size_t i = 0; i < spool_count(s); i++)
		if (!is_whole(s, spool_at(s, i)->id))
			return "a report is visible and not whole";
	if (spool_read_queue(s, &queue, &n) < 0)
		return "the queue cannot be read";
	for (size_t i = 0; i < n; i++)
		for (unsigned k = 0; k < N_REPORTS; k++)
			queued[k] = queued[k] || streq(queue[i].id, ids[k]);
	for (unsigned k = 0; k < N_REPORTS; k++) {
		bool may_be_gone = k == 1 && done->removing;

		if (done->committed[k] && !may_be_gone && !spool_find(s, ids[k]))
			return "a report that was committed is lost";
		if (done->queued[k] && !may_be_gone && !queued[k] && !spool_find(s, ids[k]))
			return "a request that was acknowledged is lost";
	}
	if (done->removed && spool_find(s, ids[1]))
		return "a report that was removed is back";
	if (done->pinned && !spool_find(s, ids[0])->pinned)
		return "a pin is lost";
	for (size_t i = 0; i < n; i++)
		if (!take_up(s, &queue[i]) || !is_whole(s, queue[i].id))
			return "a request cannot be taken up";
	spool_clean_incoming(s);
	return NULL;
}

/* Lives with the fault at that step in a process of its own. Returns what was wrong, or NULL;
 * and how many steps it took. */
static const char *
try(enum disk_fault fault, unsigned at, int error, unsigned *ret_steps)
{
	_cleanup_tmpdir_ struct tmpdir tmp = tmpdir_make();
	_cleanup_free_ char *state = text_format("%s/state", tmp.path);
	_cleanup_free_ char *cut = text_format("%s/cut", tmp.path);
	struct acknowledged *done = mmap(
	    NULL, sizeof(*done), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *wrong;
	int status;
	pid_t pid;

	assert(state && cut && done != MAP_FAILED && mkdir(state, 0750) == 0);
	pid = fork();
	assert(pid >= 0);
	if (pid == 0) {
		disk =
		    (struct disk){ .fault = fault, .at = at, .error = error, .cut_path = cut };
		disk_start(state);
		live(state, done);
		done->steps = disk.steps;
		_exit(0);
	}
	assert(
	    waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	*ret_steps = done->steps;
	wrong = inspect(access(cut, F_OK) == 0 ? cut : state, done);
	assert(munmap(done, sizeof(*done)) == 0);
	return wrong;
}

static void
test_everywhere(const char *name, enum disk_fault fault, int error, unsigned n_steps)
{
	unsigned n_wrong = 0;
	unsigned ignored;

	for (unsigned at = 1; at <= n_steps; at++) {
		const char *wrong = try(fault, at, error, &ignored);

		if (!wrong)
			continue;
		n_wrong++;
		printf("# %s at step %u: %s\n", name, at, wrong);
	}
	ok(n_wrong == 0, "%s at each of %u steps", name, n_steps);
}

int
main(void)
{
	unsigned n_steps = 0;

	log_set_level(LOG_EMERG);
	ok(!try(DISK_GOOD, 0, 0, &n_steps), "nothing fails");
	ok(n_steps > 60, "%u changes of the file system", n_steps);
	test_everywhere("killed", DISK_DIE, 0, n_steps);
	test_everywhere("power cut", DISK_CUT, 0, n_steps);
	test_everywhere("ENOSPC", DISK_FAIL_ONCE, ENOSPC, n_steps);
	test_everywhere("ENOSPC from then on", DISK_FAIL, ENOSPC, n_steps);
	test_everywhere("EIO", DISK_FAIL_ONCE, EIO, n_steps);
	test_everywhere("EIO from then on", DISK_FAIL, EIO, n_steps);
	test_everywhere("EROFS from then on", DISK_FAIL, EROFS, n_steps);
	test_everywhere("EDQUOT from then on", DISK_FAIL, EDQUOT, n_steps);
	return tap_done();
}
