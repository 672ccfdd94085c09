/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_DOMAIN "salvage"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/capture.h"
#include "capture/salvage.h"
#include "capture/sink/bundle.h"
#include "capture/sink/untar.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/manifest.h"
#include "lib/text.h"

#define READ_STEP_BYTES (64u * 1024u)
/* What is being made; a left-over of an earlier attempt is removed. */
#define WORK_NAME	"salvage.part"
#define MANIFEST_NAME	"manifest.json"
#define VERSION_NAME	"version.txt"
/* Where the collector `flash` puts the request, so the first thing that is looked for. */
#define FLASH_PATH	"sos_commands/microshift-support/flash.json"

struct salvage {
	const struct salvage_options *options; /* borrowed */
	char topdir[REPORT_ID_BYTES + 32];     /* with a slash at its end */
	char source[128];  /* what the capture left; "" when there is nothing */
	char archive[128]; /* what it becomes */
	enum compression compression;
	struct manifest manifest; /* owned content */
	struct bundle *bundle;	  /* owned; NULL when SOURCE needs no work */
	bool has_flash;
	bool has_version;
};

static void
salvage_done(struct salvage *s)
{
	bundle_free(s->bundle);
	manifest_done(&s->manifest);
}

const char *
salvage_reason(const char *service_result, const char *exit_status, char *buf, size_t size)
{
	const char *status = is_empty(exit_status) ? "unknown" : exit_status;

	if (is_empty(service_result) || streq(service_result, "success"))
		text_copy(buf, size, "the capture ended before it had finished");
	else if (streq(service_result, "timeout"))
		text_copy(
		    buf, size, "the capture took longer than its unit allows, and was ended");
	else if (streq(service_result, "oom-kill"))
		text_copy(buf, size, "the capture was killed because memory ran out");
	else if (streq(service_result, "signal") || streq(service_result, "core-dump"))
		(void)snprintf(buf, size, "the capture was killed by signal %s", status);
	else if (streq(service_result, "exit-code"))
		(void)snprintf(buf, size, "the capture failed with exit status %s", status);
	else
		(void)snprintf(buf, size, "the capture ended with result '%s'", service_result);
	return buf;
}

/* Finds what the capture left, whatever the compression, and whether it was renamed already. */
static void
find_source(struct salvage *s)
{
	const struct salvage_options *o = s->options;

	for (int c = 0; c < _COMPRESSION_COUNT; c++) {
		s->compression = (enum compression)c;
		(void)snprintf(s->archive, sizeof(s->archive), "%s.%s", o->stem,
		    compression_suffix(s->compression));
		(void)capture_part_name(s->archive, s->source, sizeof(s->source));
		if (faccessat(o->dir_fd, s->source, R_OK, 0) >= 0)
			return;
		text_copy(s->source, sizeof(s->source), s->archive);
		if (faccessat(o->dir_fd, s->source, R_OK, 0) >= 0)
			return;
	}
	s->compression = COMPRESSION_ZSTD;
	(void)snprintf(s->archive, sizeof(s->archive), "%s.%s", o->stem,
	    compression_suffix(s->compression));
	s->source[0] = '\0';
}

/* The path below the top directory; NULL for what does not belong there. */
static const char *
member_path(const struct salvage *s, const struct untar_entry *entry)
{
	if (!text_has_prefix(entry->path, s->topdir))
		return NULL;
	return entry->path + strlen(s->topdir);
}

/* Reads the manifest at the current entry. */
static int
read_manifest(struct untar *u, const struct untar_entry *entry, struct manifest *ret)
{
	_cleanup_free_ char *data = NULL;
	size_t size = (size_t)entry->size_bytes;

	if (entry->size_bytes == 0 || entry->size_bytes > MANIFEST_MAX_BYTES)
		return -EFBIG;
	data = malloc(size);
	if (!data)
		return -ENOMEM;
	if (untar_read(u, data, size) != (ssize_t)size)
		return -EBADMSG;
	return manifest_parse(data, size, ret, NULL);
}

/* True when the source is a whole archive that ends with its manifest, which is then filled in:
 * the capture was killed in its very last steps. */
static bool
is_complete(struct salvage *s)
{
	_cleanup_(manifest_done) struct manifest m = { 0 };
	_cleanup_(untar_freep) struct untar *u = NULL;
	struct untar_entry entry;
	bool found = false;
	int r;

	if (untar_open(s->options->dir_fd, s->source, &u) < 0)
		return false;
	while ((r = untar_next(u, &entry)) > 0) {
		const char *path = member_path(s, &entry);

		if (path && streq(path, MANIFEST_NAME) && !found)
			found = read_manifest(u, &entry, &m) >= 0;
	}
	if (r < 0 || !found || !streq(m.id, s->options->request->id))
		return false;
	manifest_done(&s->manifest);
	s->manifest = m;
	m = (struct manifest){ 0 };
	return true;
}

/* Copies the data of a file. Returns 0 at its end, 1 when it breaks off. */
static int
copy_data(struct untar *u, struct bundle_member *m, char *buf)
{
	static const char note[] =
	    "\n[microshift-support: the capture was ended here, the rest is lost]\n";

	for (;;) {
		ssize_t n = untar_read(u, buf, READ_STEP_BYTES);
		int r;

		if (n == 0)
			return 0;
		if (n < 0) {
			r = bundle_member_write(m, note, strlen(note));
			return r < 0 && r != -EFBIG ? r : 1;
		}
		r = bundle_member_write(m, buf, (size_t)n);
		if (r < 0 && r != -EFBIG)
			return r;
	}
}

/* Copies one file. Returns as copy_data(). */
static int
copy_file(struct salvage *s, struct untar *u, const struct untar_entry *entry, char *buf)
{
	struct bundle_member_options options = { .mtime_usec = entry->mtime_usec };
	struct bundle_member *m;
	int broken;
	int r;

	r = bundle_member_begin(s->bundle, member_path(s, entry), &options, &m);
	if (r < 0)
		return r == -EINVAL ? 0 : r;
	broken = copy_data(u, m, buf);
	if (broken < 0) {
		bundle_member_abort(m);
		return broken;
	}
	r = bundle_member_end(m);
	return r < 0 ? r : broken;
}

/* Copies one member if it is wanted. Returns as copy_data(). */
static int
copy_member(struct salvage *s, struct untar *u, const struct untar_entry *entry, char *buf)
{
	const char *path = member_path(s, entry);
	int r;

	/* Directories come by themselves, the last three are made anew. */
	if (!path || entry->type == UNTAR_DIRECTORY || streq(path, MANIFEST_NAME) ||
	    streq(path, "summary.txt") || streq(path, "sos_reports/manifest.json"))
		return 0;
	s->has_flash = s->has_flash || streq(path, FLASH_PATH);
	if (streq(path, VERSION_NAME)) {
		s->has_version = true;
		/* The first member, so of the time when the capture began. */
		if (entry->mtime_usec > 0)
			s->manifest.start_usec = entry->mtime_usec;
	}
	if (entry->type == UNTAR_FILE)
		return copy_file(s, u, entry, buf);
	if (entry->type != UNTAR_SYMLINK)
		return 0;
	r = bundle_add_symlink(s->bundle, path, entry->link_target);
	return r == -EINVAL ? 0 : r;
}

/* Copies all that can be read. Returns an error only when it cannot be written. */
static int
copy_members(struct salvage *s)
{
	_cleanup_(untar_freep) struct untar *u = NULL;
	_cleanup_free_ char *buf = malloc(READ_STEP_BYTES);
	struct untar_entry entry;
	int r;

	if (!buf)
		return -ENOMEM;
	r = s->source[0] ? untar_open(s->options->dir_fd, s->source, &u) : -ENOENT;
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	while (untar_next(u, &entry) > 0) {
		r = copy_member(s, u, &entry, buf);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	return 0;
}

static int
add_request(struct salvage *s)
{
	_cleanup_json_ cJSON *json = request_to_json(s->options->request);
	_cleanup_free_ char *text = json ? json_print(json, true) : NULL;
	int r;

	if (!text)
		return -ENOMEM;
	r = bundle_add(s->bundle, FLASH_PATH, text, strlen(text), NULL);
	return r < 0 ? r : 0;
}

static int
open_bundle(struct salvage *s, struct fault *reterr)
{
	const struct salvage_options *o = s->options;
	char topdir[REPORT_ID_BYTES + 32];
	struct bundle_options options = {
		.topdir = report_id_topdir(o->request->id, topdir, sizeof(topdir)),
		.compression = s->compression,
		/* It was within its budget before. */
		.max_archive_bytes = UINT64_MAX,
		.mtime_usec = s->manifest.start_usec,
		.spill_dir_fd = o->dir_fd,
		.clean = o->clean,
		.own = o->own,
	};

	if (unlinkat(o->dir_fd, WORK_NAME, 0) < 0 && errno != ENOENT)
		return fault_set(reterr, -errno, "Cannot remove '" WORK_NAME "': %m");
	return bundle_open(o->dir_fd, WORK_NAME, &options, &s->bundle, reterr);
}

/* Writes the new archive. With WITH_MEMBERS false only the request and its flash. */
static int
rewrite(struct salvage *s, bool with_members, struct fault *reterr)
{
	struct manifest *m = &s->manifest;
	struct manifest_collector *record;
	int r;

	r = open_bundle(s, reterr);
	if (r < 0)
		return r;
	r = manifest_add_collector(
	    m, "salvage", "What could be read of a capture that was ended", &record);
	if (r >= 0) {
		record->outcome = OUTCOME_PARTIAL;
		record->start_usec = m->start_usec;
		(void)fault_set(&record->fault, -EINTR, "%s", m->end_reason);
		bundle_set_scope(s->bundle, record, 0, USEC_INFINITY);
	}
	if (r >= 0 && with_members)
		r = copy_members(s);
	if (r >= 0 && !s->has_flash)
		r = add_request(s);
	if (r >= 0 && !s->has_version)
		r = capture_add_version(s->bundle);
	if (r >= 0)
		r = capture_add_end(s->bundle, m, s->options->request);
	if (r < 0)
		return fault_set(reterr, r, "Cannot write the archive: %m");
	return bundle_close(s->bundle, reterr);
}

static int
start_manifest(struct salvage *s)
{
	const struct salvage_options *o = s->options;
	int r;

	manifest_done(&s->manifest);
	r = capture_init_manifest(o->request, s->compression, o->cmdline, &s->manifest);
	if (r < 0)
		return r;
	s->manifest.status = REPORT_PARTIAL;
	text_copy(s->manifest.end_reason, sizeof(s->manifest.end_reason), o->reason);
	return 0;
}

static int
make_partial(struct salvage *s, struct fault *reterr)
{
	int r;

	for (int attempt = 0;; attempt++) {
		r = start_manifest(s);
		if (r < 0)
			return fault_set(reterr, r, "Cannot salvage: %m");
		r = rewrite(s, attempt == 0, reterr);
		/* A full disk may still have room for the request and its flash. */
		if (r >= 0 || attempt > 0)
			return r;
		log_warning("%s, keeping the request only", reterr->text);
		bundle_free(s->bundle);
		s->bundle = NULL;
		s->has_flash = false;
		s->has_version = false;
	}
}

int
salvage_run(
    const struct salvage_options *options, struct capture_meta *ret, struct fault *reterr)
{
	_cleanup_(salvage_done) struct salvage s = { .options = options };
	char name[REPORT_ID_BYTES + 32];
	struct fault fault;
	int r;

	(void)snprintf(s.topdir, sizeof(s.topdir), "%s/",
	    report_id_topdir(options->request->id, name, sizeof(name)));
	find_source(&s);
	if (s.source[0] && is_complete(&s))
		return capture_commit(
		    options->dir_fd, s.source, s.archive, &s.manifest, ret, reterr);
	r = make_partial(&s, &fault);
	if (r >= 0)
		r = capture_commit(
		    options->dir_fd, WORK_NAME, s.archive, &s.manifest, ret, &fault);
	if (r < 0) {
		(void)unlinkat(options->dir_fd, WORK_NAME, 0);
		return fault_set(reterr, r, "%s", fault.text);
	}
	if (s.source[0] && !streq(s.source, s.archive) &&
	    unlinkat(options->dir_fd, s.source, 0) < 0)
		log_warning_errno(-errno, "Cannot remove '%s', ignoring: %m", s.source);
	return 0;
}
