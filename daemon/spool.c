/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "daemon/spool-private.h"
#include "daemon/spool.h"
#include "daemon/tombstone.h"
#include "lib/failpoint.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/paths.h"
#include "lib/text.h"

#define LOG_DOMAIN "spool"

#define DIR_MODE  0750
#define LOCK_FILE "lock"

/* The capture names its archive report.tar.zst; in reports/ the ID takes the place of "report".
 */
#define ARCHIVE_STEM "report"

static int
take_lock(struct spool *s, struct fault *reterr)
{
	s->lock_fd =
	    openat(s->state_fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock_fd < 0)
		return fault_set(reterr, -errno, "cannot open the lock file: %m");
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return fault_set(reterr, errno == EWOULDBLOCK ? -EBUSY : -errno,
		    "another microshift-supportd uses this state directory");
	return 0;
}

static int
open_directories(struct spool *s, const char *path, struct fault *reterr)
{
	struct {
		const char *name;
		int *fd;
	} below[] = {
		{ QUEUE_DIR, &s->queue_fd },
		{ INCOMING_DIR, &s->incoming_fd },
		{ REPORTS_DIR, &s->reports_fd },
		{ INBOX_DIR, &s->inbox_fd },
	};
	int r;

	r = io_open_dir(AT_FDCWD, path, DIR_MODE, &s->state_fd);
	if (r < 0)
		return fault_set(reterr, r, "cannot open or create '%s': %m", path);
	for (size_t i = 0; i < ELEMENTSOF(below); i++) {
		r = io_open_dir(s->state_fd, below[i].name, DIR_MODE, below[i].fd);
		if (r < 0)
			return fault_set(reterr, r, "cannot open or create '%s/%s': %m", path,
			    below[i].name);
	}
	/* What is written into a new directory is not safer than the directory's own name. */
	r = io_sync_dir(s->state_fd);
	return r < 0 ? fault_set(reterr, r, "cannot sync '%s': %m", path) : 0;
}

/* Where a report with the sequence number SEQUENCE belongs: behind its equals. */
static size_t
find_place(const struct spool *s, uint64_t sequence)
{
	size_t low = 0;
	size_t high = s->n_reports;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (report_id_sequence(s->reports[middle]->id) > sequence)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Takes a copy of REPORT into the list, at its place. */
static int
insert_report(struct spool *s, const struct report *report, const struct report **ret)
{
	struct report **grown;
	struct report *copy;
	size_t i;

	copy = malloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *report;
	grown = reallocarray(s->reports, s->n_reports + 1, sizeof(*grown));
	if (!grown) {
		free(copy);
		return -ENOMEM;
	}
	s->reports = grown;
	i = find_place(s, report_id_sequence(copy->id));
	memmove(grown + i + 1, grown + i, (s->n_reports - i) * sizeof(*grown));
	grown[i] = copy;
	s->n_reports++;
	s->total_bytes += copy->capture.size_bytes;
	spool_note_sequence(s, copy->id);
	if (ret)
		*ret = copy;
	return 0;
}

static int
load_sidecar(struct spool *s, const char *name, const char *id)
{
	_cleanup_free_ char *data = NULL;
	struct report report;
	struct fault fault;
	struct stat st;
	size_t size;
	int r;

	r = io_read_file(s->reports_fd, name, REPORT_MAX_BYTES, &data, &size);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		(void)log_warning_errno(r, "Cannot read sidecar '%s', ignoring it: %m", name);
		return 0;
	}
	r = report_parse(data, size, &report, &fault);
	if (r < 0 || !streq(report.id, id)) {
		log_warning("Sidecar '%s' is damaged (%s), ignoring it", name,
		    r < 0 ? fault_text(&fault) : "another ID inside");
		return r == -ENOMEM ? r : 0;
	}
	if (fstatat(s->reports_fd, report.capture.archive, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode)) {
		log_warning(
		    "Archive '%s' is missing, ignoring its sidecar", report.capture.archive);
		return 0;
	}
	report.capture.size_bytes = (uint64_t)st.st_size;
	return insert_report(s, &report, NULL);
}

static int
load_one(struct spool *s, const char *name, const char *id, void *userdata)
{
	(void)userdata;
	return load_sidecar(s, name, id);
}

int
spool_open(const char *path, struct spool **ret, struct fault *reterr)
{
	_cleanup_(spool_closep) struct spool *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return fault_set(reterr, -ENOMEM, "%m");
	s->state_fd = s->queue_fd = s->incoming_fd = s->reports_fd = s->inbox_fd = -EBADF;
	s->lock_fd = -EBADF;
	r = open_directories(s, path, reterr);
	if (r < 0)
		return r;
	r = take_lock(s, reterr);
	if (r < 0)
		return r;
	tombstone_prepare(s->state_fd);
	r = spool_for_each_record(s, s->reports_fd, load_one, NULL);
	if (r < 0)
		return fault_set(reterr, r, "cannot read '%s/" REPORTS_DIR "': %m", path);
	*ret = TAKE_PTR(s);
	return 0;
}

void
spool_close(struct spool *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_reports; i++)
		free(s->reports[i]);
	free(s->reports);
	(void)close_fd(s->lock_fd);
	(void)close_fd(s->inbox_fd);
	(void)close_fd(s->reports_fd);
	(void)close_fd(s->incoming_fd);
	(void)close_fd(s->queue_fd);
	(void)close_fd(s->state_fd);
	free(s);
}

int
spool_state_fd(const struct spool *s)
{
	return s->state_fd;
}

int
spool_inbox_fd(const struct spool *s)
{
	return s->inbox_fd;
}

void
spool_clean_incoming(struct spool *s)
{
	_cleanup_closedir_ DIR *dir = NULL;

	if (io_opendir(s->incoming_fd, ".", &dir) < 0)
		return;
	for (struct dirent *de = readdir(dir); de; de = readdir(dir)) {
		char name[SPOOL_NAME_BYTES];

		if (!report_id_is_valid(de->d_name))
			continue;
		spool_record_name(de->d_name, name);
		if (faccessat(s->queue_fd, name, F_OK, 0) >= 0)
			continue;
		log_info("Removing what is left of capture '%s'", de->d_name);
		if (!spool_find(s, de->d_name)) {
			struct request req = { .trigger = TRIGGER_REQUEST };

			text_copy(req.id, sizeof(req.id), de->d_name);
			tombstone_add_request(s->state_fd, &req, "its request was lost");
		}
		(void)io_remove_tree(s->incoming_fd, de->d_name);
	}
}

static int
open_incoming(const struct spool *s, const char *id)
{
	int fd = openat(s->incoming_fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

bool
spool_is_finished(const struct spool *s, const char *id)
{
	_cleanup_close_ int fd = open_incoming(s, id);

	return fd >= 0 && faccessat(fd, CAPTURE_META_FILE, F_OK, 0) >= 0;
}

static int
read_meta(int incoming_fd, const char *id, struct capture_meta *ret, struct fault *reterr)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r;

	r = io_read_file(incoming_fd, CAPTURE_META_FILE, REPORT_MAX_BYTES, &data, &size);
	if (r < 0)
		return fault_set(reterr, r, "cannot read " CAPTURE_META_FILE ": %m");
	r = capture_meta_parse(data, size, ret, reterr);
	if (r == -ENOMEM)
		return r;
	if (r < 0 || !streq(ret->id, id)) {
		fault_wrap(reterr, CAPTURE_META_FILE);
		return -EBADMSG;
	}
	if (!text_has_prefix(ret->archive, ARCHIVE_STEM "."))
		return fault_set(reterr, -EBADMSG, "archive has the name '%s'", ret->archive);
	return 0;
}

/* The capture fsynced the archive before it wrote meta.json, so that a size that fits is
 * enough; the digest is for whoever reads the report. */
static int
check_archive(int dir_fd, const char *name, uint64_t size_bytes)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != size_bytes)
		return -EBADMSG;
	return 0;
}

/* Moves the archive, unless an earlier attempt has done so. */
static int
move_archive(const struct spool *s, int incoming_fd, const struct capture_meta *meta,
    const char *name, struct fault *reterr)
{
	int r;

	r = check_archive(incoming_fd, meta->archive, meta->size_bytes);
	if (r == -ENOENT && check_archive(s->reports_fd, name, meta->size_bytes) == 0)
		return 0;
	if (r < 0)
		return fault_set(reterr, -EBADMSG, "archive is missing or has another size");
	/* A file without a sidecar that has this name already is that of an earlier attempt: a
	 * power cut may leave both. */
	if (renameat(incoming_fd, meta->archive, s->reports_fd, name) < 0)
		return fault_set(reterr, -errno, "cannot move the archive: %m");
	return io_sync_dir(s->reports_fd);
}

static int
write_sidecar(const struct spool *s, const struct report *report)
{
	_cleanup_json_ cJSON *object = report_to_json(report);
	_cleanup_free_ char *text = object ? json_print(object, true) : NULL;
	char name[SPOOL_NAME_BYTES];

	if (!text)
		return -ENOMEM;
	spool_record_name(report->id, name);
	return io_write_file_atomic(s->reports_fd, name, text, strlen(text), SPOOL_FILE_MODE);
}

int
spool_commit(struct spool *s, const struct request *req, uint64_t now_usec,
    const struct report **ret_report, struct fault *reterr)
{
	_cleanup_close_ int fd = -EBADF;
	struct capture_meta meta;
	struct report report;
	char name[SPOOL_NAME_BYTES];
	const struct report *known = spool_find(s, req->id);
	int r;

	/* We died between the sidecar and the removal of the request. */
	if (known) {
		spool_dequeue(s, req->id);
		if (ret_report)
			*ret_report = known;
		return 0;
	}
	fd = open_incoming(s, req->id);
	if (fd < 0)
		return fault_set(reterr, fd, "cannot open the capture's directory: %m");
	r = read_meta(fd, req->id, &meta, reterr);
	if (r < 0)
		return r;
	(void)snprintf(
	    name, sizeof(name), "%s%.60s", req->id, meta.archive + strlen(ARCHIVE_STEM));
	r = move_archive(s, fd, &meta, name, reterr);
	if (r >= 0)
		r = failpoint("archive-moved");
	if (r < 0)
		return r;
	report_from_capture(req, &meta, name, now_usec, &report);
	r = write_sidecar(s, &report);
	if (r >= 0)
		r = failpoint("sidecar-written");
	if (r < 0)
		return fault_set(reterr, r, "cannot write the sidecar: %m");
	r = insert_report(s, &report, ret_report);
	if (r < 0)
		return fault_set(reterr, r, "%m");
	spool_dequeue(s, req->id);
	(void)failpoint("request-removed");
	tombstone_prepare(s->state_fd);
	return 0;
}

size_t
spool_count(const struct spool *s)
{
	return s->n_reports;
}

const struct report *
spool_at(const struct spool *s, size_t i)
{
	return s->reports[i];
}

static struct report *
find_report(const struct spool *s, const char *id)
{
	for (size_t i = 0; i < s->n_reports; i++)
		if (streq(s->reports[i]->id, id))
			return s->reports[i];
	return NULL;
}

const struct report *
spool_find(const struct spool *s, const char *id)
{
	return find_report(s, id);
}

uint64_t
spool_total_bytes(const struct spool *s)
{
	return s->total_bytes;
}

uint64_t
spool_max_sequence(const struct spool *s)
{
	return s->max_sequence;
}

int
spool_free_bytes(const struct spool *s, uint64_t *ret_bytes)
{
	struct statvfs vfs;

	if (fstatvfs(s->state_fd, &vfs) < 0)
		return -errno;
	*ret_bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	return 0;
}

static int
open_archive(const struct spool *s, const struct report *report)
{
	int fd =
	    openat(s->reports_fd, report->capture.archive, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

int
spool_open_archive(const struct spool *s, const char *id, int *ret_fd)
{
	const struct report *report = find_report(s, id);
	int fd;

	if (!report)
		return -ENOENT;
	fd = open_archive(s, report);
	if (fd < 0)
		return fd;
	/* It goes to the reader with the file; see is_read(). */
	(void)flock(fd, LOCK_SH | LOCK_NB);
	*ret_fd = fd;
	return 0;
}

void
spool_note_fetched(struct spool *s, const char *id, uint64_t now_usec)
{
	struct report *report = find_report(s, id);
	int r;

	if (report->fetched_usec > 0)
		return;
	report->fetched_usec = now_usec;
	r = write_sidecar(s, report);
	if (r < 0)
		(void)log_warning_errno(
		    r, "Cannot note that '%s' was fetched, ignoring: %m", id);
}

int
spool_pin(struct spool *s, const char *id, bool pinned)
{
	struct report *report = find_report(s, id);
	struct report changed;
	int r;

	if (!report)
		return -ENOENT;
	if (report->pinned == pinned)
		return 0;
	changed = *report;
	changed.pinned = pinned;
	r = write_sidecar(s, &changed);
	if (r >= 0)
		*report = changed;
	return r;
}

int
spool_remove(struct spool *s, const char *id, const char *reason)
{
	char name[SPOOL_NAME_BYTES];
	size_t i;

	for (i = 0; i < s->n_reports; i++)
		if (streq(s->reports[i]->id, id))
			break;
	if (i == s->n_reports)
		return -ENOENT;
	spool_record_name(id, name);
	/* Sidecar first: without it the report does not exist, whatever happens next. */
	if (unlinkat(s->reports_fd, name, 0) < 0 && errno != ENOENT)
		return -errno;
	if (unlinkat(s->reports_fd, s->reports[i]->capture.archive, 0) < 0 && errno != ENOENT)
		(void)log_warning_errno(-errno, "Cannot remove archive '%s', ignoring: %m",
		    s->reports[i]->capture.archive);
	(void)io_sync_dir(s->reports_fd);
	if (reason)
		tombstone_add_report(s->state_fd, s->reports[i], reason);

	s->total_bytes -= s->reports[i]->capture.size_bytes;
	free(s->reports[i]);
	s->n_reports--;
	memmove(&s->reports[i], &s->reports[i + 1], (s->n_reports - i) * sizeof(*s->reports));
	return 0;
}

/* Removes report I, telling FN before. */
static void
evict(struct spool *s, size_t i, enum vacuum_reason reason, spool_evict_fn fn, void *userdata)
{
	char id[REPORT_ID_BYTES];
	int r;

	text_copy(id, sizeof(id), s->reports[i]->id);
	if (fn)
		fn(s->reports[i], reason, userdata);
	r = spool_remove(s, id, vacuum_reason_to_string(reason));
	if (r < 0)
		(void)log_warning_errno(r, "Cannot remove report '%s', ignoring: %m", id);
}

/* A problem at its worst: systemd gave up; then a report that has everything. */
static unsigned
rank(const struct report *report)
{
	return (report->event.is_final ? 2u : 0u) +
	    (report->capture.status == REPORT_COMPLETE ? 1u : 0u);
}

/* A reader has the archive open; see spool_open_archive(). */
static bool
is_read(const struct spool *s, const struct report *report)
{
	_cleanup_close_ int fd = open_archive(s, report);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* Finds out which of those that are to go are read. Only those: asking costs an open(2). */
static bool
mark_read(const struct spool *s, struct vacuum_entry *entries)
{
	bool any = false;

	for (size_t i = 0; i < s->n_reports; i++) {
		if (entries[i].verdict == VACUUM_KEEP || !is_read(s, s->reports[i]))
			continue;
		entries[i].in_use = true;
		any = true;
	}
	return any;
}

bool
spool_vacuum(struct spool *s, const struct vacuum_limits *limits,
    const struct vacuum_incoming *incoming, uint64_t now_usec, spool_evict_fn fn,
    void *userdata)
{
	_cleanup_free_ struct vacuum_entry *entries = NULL;
	/* When the file system cannot be asked, its limit cannot be kept; the others can. */
	uint64_t free_bytes = UINT64_MAX / 2;
	bool within;

	(void)spool_free_bytes(s, &free_bytes);
	entries = calloc(s->n_reports + 1, sizeof(*entries));
	if (!entries)
		return false;
	for (size_t i = 0; i < s->n_reports; i++)
		entries[i] = (struct vacuum_entry){
			.key = s->reports[i]->key,
			.created_usec = s->reports[i]->created_usec,
			.size_bytes = s->reports[i]->capture.size_bytes,
			.rank = rank(s->reports[i]),
			.manual = s->reports[i]->trigger == TRIGGER_REQUEST,
			.pinned = s->reports[i]->pinned,
			.fetched = s->reports[i]->fetched_usec > 0,
		};
	do
		within =
		    vacuum_plan(entries, s->n_reports, limits, incoming, free_bytes, now_usec);
	while (mark_read(s, entries));
	/* From the end, so that the indices before stay right. */
	for (size_t i = s->n_reports; i > 0; i--)
		if (entries[i - 1].verdict != VACUUM_KEEP)
			evict(s, i - 1, entries[i - 1].verdict, fn, userdata);
	return within;
}
