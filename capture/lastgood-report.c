/* SPDX-License-Identifier: Apache-2.0 */

/* The copy as it goes into a report. It is our own, but a disk may have damaged it, and what is
 * unpacked by root had better be looked at: names are checked by the bundle, links and devices
 * are left out, size and number are bounded. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/collector.h"
#include "capture/kube/run.h"
#include "capture/lastgood-state.h"
#include "capture/lastgood.h"
#include "capture/notes.h"
#include "capture/sink/bundle.h"
#include "capture/sink/untar.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/paths.h"
#include "lib/text.h"

#define READ_STEP_BYTES (64u * 1024u)
#define TREE_IN_COPY	LAST_GOOD_DIR "/" KUBE_TREE
#define NOTES_IN_COPY	LAST_GOOD_DIR "/" LAST_GOOD_NOTES

struct taker {
	struct collector_context *ctx; /* borrowed */
	int dir_fd;		       /* owned */
	struct untar *untar;	       /* owned */
	char *buf;		       /* owned: [READ_STEP_BYTES] */
	char age[128];		       /* for people */
	uint64_t bytes;
	unsigned n_files;
	unsigned n_refused;
};

static void
taker_done(struct taker *t)
{
	untar_free(t->untar);
	free(t->buf);
	t->dir_fd = close_fd(t->dir_fd);
}

static int
open_dir(const struct collector_context *ctx)
{
	_cleanup_free_ char *path = NULL;
	int fd;

	if (!ctx->settings->last_good || !ctx->state_dir)
		return -ENOENT;
	path = text_format("%s/" LAST_GOOD_DIR, ctx->state_dir);
	fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW) : -1;
	return fd < 0 ? -errno : fd;
}

bool
lastgood_exists(const struct collector_context *ctx)
{
	_cleanup_close_ int dir_fd = open_dir(ctx);

	return dir_fd >= 0 && faccessat(dir_fd, LAST_GOOD_ARCHIVE, F_OK, 0) >= 0;
}

/* "taken at … (2h ago), unchanged until …". Without state.json the file itself tells. */
static void
describe_age(struct taker *t)
{
	struct lastgood_state state = { 0 };
	uint64_t now = clock_realtime_usec();
	char taken[CLOCK_TEXT_BYTES];
	char checked[CLOCK_TEXT_BYTES];
	char span[32] = "in the future";
	struct stat st;

	if (fstatat(t->dir_fd, LAST_GOOD_ARCHIVE, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (lastgood_state_load(t->dir_fd, &state) < 0 ||
	    state.archive_bytes != (uint64_t)st.st_size) {
		state.taken_usec = (uint64_t)st.st_mtim.tv_sec * USEC_PER_SEC;
		state.checked_usec = state.taken_usec;
	}
	if (now >= state.taken_usec)
		(void)clock_format_span(now - state.taken_usec, span, sizeof(span));
	(void)snprintf(t->age, sizeof(t->age), "taken at %s (%s ago), unchanged until %s",
	    clock_format_utc(state.taken_usec, taken), span,
	    clock_format_utc(state.checked_usec, checked));
}

static int
add_readme(struct taker *t)
{
	_cleanup_free_ char *text = text_format(
	    "The state of the cluster as it was BEFORE, not when this report was taken: then\n"
	    "its API did not answer.\n"
	    "\n"
	    "This copy was %s.\n"
	    "Logs of containers are not in it. See notes.txt for gaps.\n",
	    t->age);

	return text
	    ? bundle_add(t->ctx->bundle, LASTGOOD_TREE "README", text, strlen(text), NULL)
	    : -ENOMEM;
}

/* The place of a member in the report; NULL for what does not belong there. The caller frees
 * it. */
static char *
place(const char *path)
{
	if (streq(path, NOTES_IN_COPY))
		return strdup(LASTGOOD_TREE LAST_GOOD_NOTES);
	if (!text_has_prefix(path, TREE_IN_COPY) || path[strlen(TREE_IN_COPY)] == '\0')
		return NULL;
	return text_format(LASTGOOD_TREE "%s", path + strlen(TREE_IN_COPY));
}

/* Returns 0; -EBADMSG where the copy breaks off, then nothing is stored of the member. */
static int
copy_data(struct taker *t, struct bundle_member *m)
{
	for (;;) {
		ssize_t n = untar_read(t->untar, t->buf, READ_STEP_BYTES);
		int r;

		if (n <= 0)
			return (int)n;
		t->bytes += (uint64_t)n;
		if (t->bytes > LASTGOOD_RAW_MAX_BYTES)
			return -EFBIG;
		r = bundle_member_write(m, t->buf, (size_t)n);
		if (r < 0)
			return r;
	}
}

static int
add_file(struct taker *t, const struct untar_entry *entry)
{
	struct bundle_member_options options = { .mtime_usec = entry->mtime_usec };
	_cleanup_(bundle_member_abortp) struct bundle_member *m = NULL;
	_cleanup_free_ char *path = place(entry->path);
	int r;

	if (!path || entry->type != UNTAR_FILE) {
		t->n_refused++;
		return 0;
	}
	if (t->n_files == LASTGOOD_FILES_MAX)
		return -EFBIG;
	r = bundle_member_begin(t->ctx->bundle, path, &options, &m);
	if (r == -EINVAL) {
		t->n_refused++;
		return 0;
	}
	if (r >= 0)
		r = copy_data(t, m);
	if (r >= 0)
		r = bundle_member_end(TAKE_PTR(m));
	if (r >= 0 && t->n_files++ == 0)
		r = add_readme(t);
	return r < 0 ? r : 0;
}

static int
add_files(struct taker *t)
{
	struct untar_entry entry;
	int r;

	while ((r = untar_next(t->untar, &entry)) > 0) {
		if (collector_must_stop(t->ctx))
			return -ETIME;
		/* Directories come by themselves. */
		if (entry.type == UNTAR_DIRECTORY)
			continue;
		r = add_file(t, &entry);
		if (r < 0)
			return r;
	}
	return r;
}

static const char *
explain(int error)
{
	switch (error) {
	case -EBADMSG:
		return "it is damaged";
	case -EFBIG:
		return "it is larger than any that is made";
	case -EDQUOT:
		return "the report has no more room";
	default:
		return strerror(-error);
	}
}

static void
note_result(struct taker *t, int error)
{
	if (t->n_files > 0)
		(void)notes_add(t->ctx,
		    "last good state of the cluster: %s, %u files in " LASTGOOD_TREE, t->age,
		    t->n_files);
	if (t->n_refused > 0)
		(void)notes_add(t->ctx,
		    "last good state: %u members do not belong there and are left out",
		    t->n_refused);
	if (error < 0)
		(void)notes_add(t->ctx, "last good state: %s not taken: %s",
		    t->n_files > 0 ? "the rest is" : "it is", explain(error));
}

int
lastgood_add(struct collector_context *ctx)
{
	_cleanup_(taker_done) struct taker t = { .ctx = ctx, .dir_fd = open_dir(ctx) };
	int r;

	if (t.dir_fd < 0)
		return 0;
	t.buf = malloc(READ_STEP_BYTES);
	if (!t.buf)
		return -ENOMEM;
	r = untar_open(t.dir_fd, LAST_GOOD_ARCHIVE, &t.untar);
	if (r == -ENOENT)
		return 0;
	describe_age(&t);
	if (r >= 0)
		r = add_files(&t);
	note_result(&t, r);
	/* What is wrong with the copy is no failure of the report. */
	return r < 0 && r != -EBADMSG && r != -EFBIG && t.n_files == 0 ? r : (int)t.n_files;
}
