/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_DOMAIN "last-good"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "capture/collector.h"
#include "capture/kube/inspect.h"
#include "capture/lastgood-state.h"
#include "capture/lastgood.h"
#include "capture/sink/bundle.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/log.h"
#include "lib/paths.h"
#include "lib/report.h"
#include "lib/text.h"

#define DIR_MODE  0700
#define PART_NAME LAST_GOOD_ARCHIVE ".part"

struct refresh {
	const struct lastgood_options *options; /* borrowed */
	int dir_fd;				/* owned */
	struct bundle *bundle;			/* owned */
	struct manifest manifest;		/* owned content; for the notes */
	struct manifest_collector *record;	/* in the manifest */
	struct request request;
	struct lastgood_state state;
};

static void
refresh_done(struct refresh *f)
{
	bundle_free(f->bundle);
	manifest_done(&f->manifest);
	if (f->dir_fd >= 0)
		(void)unlinkat(f->dir_fd, PART_NAME, 0);
	f->dir_fd = close_fd(f->dir_fd);
}

/* What the copy may take on top of what must stay free. */
static bool
has_room(const struct refresh *f)
{
	const struct settings *s = f->options->settings;
	struct statvfs vfs;
	uint64_t available;

	if (fstatvfs(f->dir_fd, &vfs) < 0)
		return true;
	available = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	return available >= s->last_good_max_bytes &&
	    available - s->last_good_max_bytes >= s->keep_free_bytes;
}

static int
open_part(struct refresh *f, struct fault *reterr)
{
	struct bundle_options options = {
		.topdir = LAST_GOOD_DIR,
		.compression = COMPRESSION_ZSTD,
		.max_archive_bytes = f->options->settings->last_good_max_bytes,
		.mtime_usec = f->request.created_usec,
		.spill_dir_fd = f->dir_fd,
	};
	int r;

	/* Of a refresh that was killed. */
	if (unlinkat(f->dir_fd, PART_NAME, 0) < 0 && errno != ENOENT)
		return fault_set(reterr, -errno, "cannot remove '" PART_NAME "': %m");
	r = manifest_add_collector(&f->manifest, LAST_GOOD_DIR, NULL, &f->record);
	if (r < 0)
		return fault_set(reterr, r, "%m");
	return bundle_open(f->dir_fd, PART_NAME, &options, &f->bundle, reterr);
}

/* What is to be known of the copy: how large the cluster is, what had no room, what failed. */
static int
add_notes(struct refresh *f)
{
	struct bundle_member_options options = { .is_final = true };
	_cleanup_(bundle_member_abortp) struct bundle_member *m = NULL;
	int r;

	r = bundle_member_begin(f->bundle, LAST_GOOD_NOTES, &options, &m);
	for (char **note = f->record->notes; note && *note && r >= 0; note++) {
		r = bundle_member_write(m, *note, strlen(*note));
		if (r >= 0)
			r = bundle_member_write(m, "\n", 1);
	}
	return r < 0 ? r : bundle_member_end(TAKE_PTR(m));
}

/* Ends the copy and puts it in the place of the last one. */
static int
commit(struct refresh *f, struct fault *reterr)
{
	struct stat st;
	int r;

	bundle_set_scope(f->bundle, NULL, 0, USEC_INFINITY);
	r = add_notes(f);
	if (r < 0)
		return fault_set(reterr, r, "cannot write the copy: %m");
	r = bundle_close(f->bundle, reterr);
	if (r < 0)
		return r;
	if (fstatat(f->dir_fd, PART_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    renameat(f->dir_fd, PART_NAME, f->dir_fd, LAST_GOOD_ARCHIVE) < 0)
		return fault_set(reterr, -errno, "cannot rename the copy: %m");
	f->state.archive_bytes = (uint64_t)st.st_size;
	f->state.taken_usec = f->request.created_usec;
	return io_sync_dir(f->dir_fd);
}

/* The fingerprint of the copy that there is; 0 when there is none, or it is another one than
 * state.json tells of. */
static uint64_t
known_fingerprint(struct refresh *f)
{
	struct stat st;

	if (lastgood_state_load(f->dir_fd, &f->state) < 0 ||
	    fstatat(f->dir_fd, LAST_GOOD_ARCHIVE, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (uint64_t)st.st_size != f->state.archive_bytes)
		return 0;
	return f->state.fingerprint;
}

static void
log_refreshed(const struct refresh *f, enum outcome outcome, const struct fault *fault)
{
	char size[16];

	log_info("The last good state of the cluster is refreshed: %s%s%s",
	    text_format_bytes(f->state.archive_bytes, size, sizeof(size)),
	    outcome == OUTCOME_OK ? "" : ", with gaps: ",
	    outcome == OUTCOME_OK ? "" : fault_text(fault));
}

/* Asks the API, and keeps what it says. */
static int
refresh(struct refresh *f, struct fault *reterr)
{
	struct collector_context ctx = {
		.request = &f->request,
		.settings = f->options->settings,
		.deadline_usec = clock_monotonic_usec() + LASTGOOD_WALL_USEC,
		.root = f->options->root,
		.kubeconfig = f->options->kubeconfig,
	};
	struct kube_inspect_options options = { .is_copy = true };
	struct kube_inspect_result result;
	struct fault fault = { 0 };
	enum outcome outcome;
	int r;

	r = open_part(f, reterr);
	if (r < 0)
		return r;
	ctx.bundle = f->bundle;
	ctx.record = f->record;
	bundle_set_scope(f->bundle, f->record, LASTGOOD_RAW_MAX_BYTES, ctx.deadline_usec);
	options.fingerprint = known_fingerprint(f);
	outcome = kube_inspect(&ctx, &options, &result, &fault);
	if (!result.has_api || outcome == OUTCOME_TIMED_OUT) {
		log_info("The last good state is kept as it is: %s", fault_text(&fault));
		return 0;
	}
	f->state.checked_usec = clock_realtime_usec();
	if (result.is_unchanged) {
		log_debug("Nothing changed since the last good state was taken");
	} else {
		r = commit(f, reterr);
		if (r < 0)
			return r;
		f->state.fingerprint = result.fingerprint;
		log_refreshed(f, outcome, &fault);
	}
	r = lastgood_state_save(f->dir_fd, &f->state);
	return r < 0 ? fault_set(reterr, r, "cannot write '" STATE_FILE "': %m") : 0;
}

static int
open_dir(const char *state_dir, struct fault *reterr, int *ret_fd)
{
	_cleanup_free_ char *path = text_format("%s/" LAST_GOOD_DIR, state_dir);
	int r;

	r = path ? io_open_dir(AT_FDCWD, path, DIR_MODE, ret_fd) : -ENOMEM;
	return r < 0 ? fault_set(reterr, r, "cannot open '%s/" LAST_GOOD_DIR "': %m", state_dir)
		     : 0;
}

/* What is not wanted is not kept either. */
static int
remove_copy(const char *state_dir)
{
	_cleanup_free_ char *path = text_format("%s/" LAST_GOOD_DIR, state_dir);
	int r;

	r = path ? io_remove_tree(AT_FDCWD, path) : -ENOMEM;
	if (r < 0)
		return log_error_errno(r, "Cannot remove the last good state: %m");
	log_info("The last good state is turned off ([Kube] LastGood=no)");
	return 0;
}

int
lastgood_refresh(const struct lastgood_options *options)
{
	_cleanup_(refresh_done) struct refresh f = {
		.options = options,
		.dir_fd = -EBADF,
		.request.created_usec = clock_realtime_usec(),
	};
	struct fault fault = { 0 };
	int r;

	if (!options->settings->last_good)
		return remove_copy(options->state_dir);
	r = open_dir(options->state_dir, &fault, &f.dir_fd);
	if (r >= 0 && !has_room(&f)) {
		log_info("The last good state is kept as it is: the disk has no room for "
			 "another ([Spool] KeepFree=)");
		return 0;
	}
	if (r >= 0)
		r = refresh(&f, &fault);
	if (r < 0)
		log_error("The last good state is kept as it is: %s", fault_text(&fault));
	return r;
}
