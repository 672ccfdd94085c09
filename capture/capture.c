/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_DOMAIN "capture"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "capture/capture.h"
#include "capture/cmdrun.h"
#include "capture/collector.h"
#include "capture/digest.h"
#include "capture/progress.h"
#include "capture/sink/bundle.h"
#include "capture/stop.h"
#include "capture/summary.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/failpoint.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/paths.h"
#include "lib/text.h"

/* The last tenth of a profile's time is for closing the archive, the tenth before it for ending
 * what still runs: so the profile's time holds, also when everything hangs. Neither needs more
 * than END_MAX_USEC: to end a command takes CMDRUN_GRACE_USEC and CMDRUN_ABANDON_USEC. */
#define END_SHARE    10u
#define END_MAX_USEC (CMDRUN_GRACE_USEC + CMDRUN_ABANDON_USEC)

/* Added to a profile's memory: the compressor (17 MiB for xz), the filter, a thread's stack,
 * and what the allocator reserves and does not use. Beyond that an allocation fails, which
 * costs the collector that wanted it. */
#define MEMORY_BASE_BYTES (32u * 1024u * 1024u)

/* /proc/self/status has 1.5 KiB. */
#define STATUS_MAX_BYTES (64u * 1024u)

/* Given back when the disk is full, so that the archive can be closed: summary, manifest, end,
 * and meta.json. */
#define RESERVE_BYTES (64u * 1024u)

/* A place in the archive to which everything is flushed. */
struct mark {
	struct bundle_mark bundle;
	size_t n_collectors; /* recorded by then */
	size_t n_own_files;
};

struct capture {
	const struct capture_options *options; /* borrowed */
	struct bundle *bundle;		       /* owned */
	struct manifest manifest;	       /* owned content */
	uint64_t deadline_usec;		       /* monotonic: of the collectors */
	uint64_t end_usec;		       /* monotonic: of what they run */
	bool time_is_over;
	bool rpm_hangs;
	int reserve_fd;	    /* owned; holds RESERVE_BYTES of the disk */
	struct mark *marks; /* owned, [n_marks] */
	size_t n_marks;
};

static void
capture_done(struct capture *c)
{
	bundle_free(c->bundle);
	manifest_done(&c->manifest);
	(void)close_fd(c->reserve_fd);
	free(c->marks);
}

const char *
capture_part_name(const char *archive, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s.part", archive);
	return buf;
}

int
capture_init_manifest(const struct request *request, enum compression compression,
    const char *cmdline, struct manifest *ret)
{
	*ret = (struct manifest){
		.program_version = PACKAGE_VERSION,
		.profile = request->profile,
		.trigger = request->trigger,
		.source = request->source,
		.event = request->event,
		.start_usec = clock_realtime_usec(),
	};
	text_copy(ret->id, sizeof(ret->id), request->id);
	text_copy(ret->reason, sizeof(ret->reason), request->reason);
	text_copy(
	    ret->compression, sizeof(ret->compression), compression_to_string(compression));
	if (gethostname(ret->hostname, sizeof(ret->hostname) - 1) < 0)
		ret->hostname[0] = '\0';
	if (cmdline) {
		ret->cmdline = strdup(cmdline);
		if (!ret->cmdline)
			return -ENOMEM;
	}
	return 0;
}

/* A size of this process, such as "VmHWM:", from proc(5); 0 when the kernel does not say. */
static uint64_t
own_memory_bytes(const char *name)
{
	_cleanup_free_ char *status = NULL;
	const char *line;
	uint64_t kib = 0;

	if (io_read_file(AT_FDCWD, "/proc/self/status", STATUS_MAX_BYTES, &status, NULL) < 0)
		return 0;
	line = strstr(status, name);
	if (!line || sscanf(line + strlen(name), "%" SCNu64 " kB", &kib) != 1)
		return 0;
	return kib * 1024;
}

/* Lets no allocation go beyond the profile's memory. *OLD is what was in force. */
static void
limit_memory(enum profile profile, struct rlimit *old)
{
	uint64_t bytes = profile_limits(profile)->memory_bytes + MEMORY_BASE_BYTES;
	struct rlimit limit;

	if (getrlimit(RLIMIT_DATA, old) < 0) {
		*old = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
		return;
	}
	limit = *old;
	/* More than that already: a sanitizer, which has terabytes, and would only die. */
	if (own_memory_bytes("\nVmData:") >= bytes || limit.rlim_cur <= bytes)
		return;
	limit.rlim_cur = bytes;
	(void)setrlimit(RLIMIT_DATA, &limit);
}

int
capture_add_version(struct bundle *b)
{
	static const char text[] = PACKAGE_NAME ": " PACKAGE_VERSION "\n";

	return bundle_add(b, "version.txt", text, strlen(text), NULL);
}

/* Holds a piece of the disk as long as it goes well. Without it a full disk may cost more. */
static void
reserve(struct capture *c)
{
	c->reserve_fd = openat(c->options->dir_fd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (c->reserve_fd >= 0)
		(void)posix_fallocate(c->reserve_fd, 0, RESERVE_BYTES);
}

/* Flushes, and remembers the place. Also tells whether the archive can still be written. */
static int
set_mark(struct capture *c)
{
	struct mark *mark = &c->marks[c->n_marks];
	int r = bundle_flush(c->bundle, &mark->bundle);

	if (r < 0)
		return r;
	mark->n_collectors = c->manifest.n_collectors;
	mark->n_own_files = c->manifest.collectors[0]->n_files;
	c->n_marks++;
	return 0;
}

/* What is wrong with the declarations is in the report that may lack something for it. */
static int
note_problems(struct manifest_collector *own, const struct collector_list *list)
{
	for (size_t i = 0; i < list->n_problems; i++) {
		_cleanup_free_ char *text = collector_problem_format(&list->problems[i]);
		int r = text ? manifest_add_note(own, text) : -ENOMEM;

		if (r < 0)
			return r;
	}
	return 0;
}

/* First of all, and readable from then on whatever happens later. */
static int
add_begin(struct capture *c)
{
	struct manifest_collector *own;
	int r;

	r = manifest_add_collector(
	    &c->manifest, CAPTURE_OWN_COLLECTOR, "Files about this report itself", &own);
	if (r < 0)
		return r;
	own->start_usec = c->manifest.start_usec;
	r = note_problems(own, c->options->collectors);
	if (r < 0)
		return r;
	bundle_set_scope(c->bundle, own, 0, USEC_INFINITY);
	r = capture_add_version(c->bundle);
	if (r >= 0)
		r = set_mark(c);
	return r < 0 ? r : failpoint("archive-begun");
}

static int
on_manifest(const void *data, size_t size, void *userdata)
{
	return bundle_member_write(userdata, data, size);
}

static int
add_manifest(struct bundle *b, const struct manifest *m)
{
	struct bundle_member_options options = { .is_final = true };
	_cleanup_(bundle_member_abortp) struct bundle_member *member = NULL;
	int r;

	/* For readers that look where sos has it. */
	r = bundle_add_symlink(b, "sos_reports/manifest.json", "../manifest.json");
	if (r < 0)
		return r;
	r = bundle_member_begin(b, "manifest.json", &options, &member);
	if (r < 0)
		return r;
	r = manifest_write(m, on_manifest, member);
	return r < 0 ? r : bundle_member_end(TAKE_PTR(member));
}

int
capture_add_end(struct bundle *b, struct manifest *m, const struct request *request)
{
	struct bundle_member_options options = { .is_final = true };
	_cleanup_free_ char *summary = NULL;
	int r;

	m->end_usec = clock_realtime_usec();
	m->raw_bytes = bundle_raw_bytes(b);
	m->redactions = bundle_redactions(b);
	/* Not getrusage(): ru_maxrss begins with that of the process we were forked from. */
	m->peak_memory_bytes = own_memory_bytes("\nVmHWM:");
	summary = summary_format(m, request);
	if (!summary)
		return -ENOMEM;
	r = bundle_add(b, "summary.txt", summary, strlen(summary), &options);
	return r < 0 ? r : add_manifest(b, m);
}

/* Why no further collector is started; NULL when there is no reason. */
static const char *
reason_to_end(struct capture *c)
{
	if (stop_is_late() || clock_monotonic_usec() >= c->deadline_usec) {
		c->time_is_over = true;
		return "the time of the capture was over";
	}
	if (stop_is_requested())
		return "the capture was asked to stop";
	if (bundle_room(c->bundle) == 0)
		return "the archive had reached its size limit";
	return NULL;
}

static void
run_collector(
    struct capture *c, const struct collector *collector, struct manifest_collector *record)
{
	uint64_t wall =
	    collector->wall_usec > 0 ? collector->wall_usec : COLLECTOR_DEFAULT_WALL_USEC;
	uint64_t max_bytes =
	    collector->max_bytes > 0 ? collector->max_bytes : COLLECTOR_DEFAULT_MAX_BYTES;
	uint64_t begin = clock_monotonic_usec();
	struct collector_context ctx = {
		.request = c->options->request,
		.settings = c->options->settings,
		.bundle = c->bundle,
		.record = record,
		.collectors = c->options->collectors,
		.deadline_usec = begin + wall,
		.end_usec = c->end_usec,
		.rpm_hangs = &c->rpm_hangs,
		.root = c->options->root,
		.kubeconfig = c->options->kubeconfig,
		.state_dir = c->options->state_dir,
	};
	char span[32];

	if (ctx.deadline_usec > c->deadline_usec)
		ctx.deadline_usec = c->deadline_usec;
	record->start_usec = clock_realtime_usec();
	record->limit_usec = ctx.deadline_usec - begin;
	bundle_set_scope(c->bundle, record, max_bytes, ctx.deadline_usec);
	if (collector->applies && !collector->applies(collector, &ctx, &record->fault))
		record->outcome = OUTCOME_SKIPPED;
	else
		record->outcome = collector->run(collector, &ctx, &record->fault);
	record->duration_usec = clock_monotonic_usec() - begin;
	bundle_set_scope(c->bundle, c->manifest.collectors[0], 0, USEC_INFINITY);
	if (record->outcome == OUTCOME_OK)
		record->fault = (struct fault){ 0 };
	else if (record->fault.code == 0)
		(void)fault_set(&record->fault, -EIO, "no reason was given");
	log_debug("Collector '%s': %s after %s%s%s", collector->name,
	    outcome_to_string(record->outcome),
	    clock_format_span(record->duration_usec, span, sizeof(span)),
	    record->outcome == OUTCOME_OK ? "" : ", ",
	    record->outcome == OUTCOME_OK ? "" : record->fault.text);
}

/* Runs one collector, or says why it did not run. Returns an error only when the archive cannot
 * be written. */
static int
run_next(struct capture *c, size_t i, const char *reason)
{
	const struct collector_list *list = c->options->collectors;
	struct manifest_collector *record;
	int r;

	r = manifest_add_collector(
	    &c->manifest, list->items[i]->name, list->items[i]->description, &record);
	if (r < 0)
		return r;
	if (!reason)
		reason = reason_to_end(c);
	if (reason) {
		record->outcome = OUTCOME_TIMED_OUT;
		(void)fault_set(&record->fault, -ETIME, "not started: %s", reason);
		return 0;
	}
	progress_step(c->options->progress, list->items[i]->name, i, list->n_items,
	    bundle_raw_bytes(c->bundle));
	run_collector(c, list->items[i], record);
	r = set_mark(c);
	return r < 0 ? r : failpoint("collector-done");
}

static int
run_collectors(struct capture *c)
{
	const struct collector_list *list = c->options->collectors;
	const char *reason = NULL;
	int error = 0;
	int r;

	for (size_t i = 0; i < list->n_items; i++) {
		r = run_next(c, i, reason);
		if (r < 0 && error == 0) {
			error = r;
			reason = "the archive could not be written any further";
		}
	}
	/* It may have come to an end within the last one. */
	(void)reason_to_end(c);
	progress_step(c->options->progress, NULL, list->n_items, list->n_items,
	    bundle_raw_bytes(c->bundle));
	return error;
}

static void
set_status(struct capture *c)
{
	struct manifest *m = &c->manifest;
	char span[32];

	m->status = REPORT_PARTIAL;
	if (stop_is_requested() && !stop_is_late())
		text_copy(m->end_reason, sizeof(m->end_reason),
		    "the capture was asked to stop before it was through (SIGTERM)");
	else if (c->time_is_over)
		(void)snprintf(m->end_reason, sizeof(m->end_reason),
		    "the time of profile '%s' (%s) was over", profile_to_string(m->profile),
		    clock_format_span(
			profile_limits(m->profile)->wall_usec, span, sizeof(span)));
	else if (bundle_was_cut(c->bundle))
		(void)snprintf(m->end_reason, sizeof(m->end_reason),
		    "the archive reached the size limit of profile '%s' (%s)",
		    profile_to_string(m->profile),
		    text_format_bytes(
			profile_limits(m->profile)->archive_bytes, span, sizeof(span)));
	else if (!is_empty(c->options->missing))
		text_copy(m->end_reason, sizeof(m->end_reason), c->options->missing);
	else
		m->status = REPORT_COMPLETE;
}

int
capture_commit(int dir_fd, const char *part, const char *archive, const struct manifest *m,
    struct capture_meta *ret, struct fault *reterr)
{
	_cleanup_close_ int fd = -EBADF;
	struct capture_meta meta = {
		.status = m->status,
		.raw_bytes = m->raw_bytes,
		.started_usec = m->start_usec,
		.finished_usec = m->end_usec,
		.peak_memory_bytes = m->peak_memory_bytes,
		.redactions = m->redactions,
	};
	int r;

	if (strlen(archive) >= sizeof(meta.archive))
		return fault_set(reterr, -ENAMETOOLONG, "'%s' is too long a name", archive);
	text_copy(meta.id, sizeof(meta.id), m->id);
	text_copy(meta.archive, sizeof(meta.archive), archive);
	manifest_count(m, &meta.outcomes);
	r = failpoint("archive-closed");
	if (r < 0)
		return fault_set(reterr, r, "Cannot close '%s': %m", part);
	if (renameat(dir_fd, part, dir_fd, archive) < 0)
		return fault_set(reterr, -errno, "Cannot rename '%s': %m", part);
	r = io_sync_dir(dir_fd);
	if (r >= 0)
		r = failpoint("archive-named");
	if (r < 0)
		return fault_set(reterr, r, "Cannot sync the directory: %m");
	fd = openat(dir_fd, archive, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return fault_set(reterr, -errno, "Cannot open '%s': %m", archive);
	r = digest_file(fd, meta.sha256, &meta.size_bytes);
	if (r < 0)
		return fault_set(reterr, r, "Cannot read '%s': %m", archive);
	*ret = meta;
	return 0;
}

int
capture_write_meta(int dir_fd, const struct capture_meta *meta, struct fault *reterr)
{
	_cleanup_json_ cJSON *json = capture_meta_to_json(meta);
	_cleanup_free_ char *text = json ? json_print(json, true) : NULL;
	int r;

	r = text ? io_write_file_atomic(dir_fd, CAPTURE_META_FILE, text, strlen(text), 0640)
		 : -ENOMEM;
	if (r >= 0)
		r = failpoint("meta-written");
	return r < 0 ? fault_set(reterr, r, "Cannot write '" CAPTURE_META_FILE "': %m") : 0;
}

static int
open_bundle(struct capture *c, const char *part, struct fault *reterr)
{
	const struct capture_options *o = c->options;
	char topdir[REPORT_ID_BYTES + 32];
	struct bundle_options options = {
		.topdir = report_id_topdir(o->request->id, topdir, sizeof(topdir)),
		.compression = o->compression,
		.max_archive_bytes = profile_limits(o->request->profile)->archive_bytes,
		.mtime_usec = c->manifest.start_usec,
		.spill_dir_fd = o->dir_fd,
		.clean = o->clean,
		.own = o->own,
	};

	return bundle_open(o->dir_fd, part, &options, &c->bundle, reterr);
}

static int
finish(struct capture *c, struct fault *reterr)
{
	int r = capture_add_end(c->bundle, &c->manifest, c->options->request);

	if (r < 0)
		return fault_set(reterr, r, "Cannot write the archive: %m");
	return bundle_close(c->bundle, reterr);
}

/* What was taken since MARK is given up. */
static void
lose(struct capture *c, const struct mark *mark, const struct fault *fault)
{
	struct manifest *m = &c->manifest;

	manifest_drop_files(m->collectors[0], mark->n_own_files);
	for (size_t i = mark->n_collectors; i < m->n_collectors; i++) {
		struct manifest_collector *lost = m->collectors[i];

		manifest_lose_files(lost, 0);
		/* Skipped, or not even started. */
		if (lost->outcome == OUTCOME_SKIPPED || lost->start_usec == 0)
			continue;
		lost->outcome = OUTCOME_FAILED;
		(void)fault_set(&lost->fault, fault->code, "lost: %s", fault->text);
	}
	m->status = REPORT_PARTIAL;
	text_copy(m->end_reason, sizeof(m->end_reason), fault->text);
}

/* The archive could not be written any further, for REASON: goes back, collector by collector,
 * until its end has room. Partial beats nothing. */
static int
finish_shortened(struct capture *c, const struct fault *reason, struct fault *reterr)
{
	int r = reason->code;

	c->reserve_fd = close_fd(c->reserve_fd);
	for (size_t i = c->n_marks; i-- > 0;) {
		r = bundle_rewind(c->bundle, &c->marks[i].bundle);
		if (r < 0)
			return fault_set(reterr, r, "Cannot shorten the archive: %m");
		lose(c, &c->marks[i], reason);
		r = finish(c, reterr);
		if (r >= 0)
			break;
	}
	return r;
}

static int
write_report(struct capture *c, struct fault *reterr)
{
	struct fault fault = { 0 };
	int r;

	reserve(c);
	r = add_begin(c);
	if (r >= 0)
		r = run_collectors(c);
	if (r < 0) {
		(void)fault_set(&fault, r, "Cannot write the archive any further: %m");
	} else {
		set_status(c);
		r = finish(c, &fault);
	}
	if (r >= 0)
		return 0;
	log_warning("%s, shortening it", fault.text);
	*reterr = fault;
	return finish_shortened(c, &fault, reterr);
}

/* For closing the archive, and the same for ending what runs. */
static uint64_t
end_share_usec(enum profile profile)
{
	uint64_t share = profile_limits(profile)->wall_usec / END_SHARE;

	return share < END_MAX_USEC ? share : END_MAX_USEC;
}

uint64_t
capture_collecting_usec(enum profile profile)
{
	return profile_limits(profile)->wall_usec - 2 * end_share_usec(profile);
}

static int
take(struct capture *c, struct capture_meta *ret, struct fault *reterr)
{
	const struct capture_options *o = c->options;
	char part[128];
	int r;

	/* One for version.txt, one for each collector. */
	c->marks = calloc(o->collectors->n_items + 1, sizeof(*c->marks));
	r = c->marks
	    ? capture_init_manifest(o->request, o->compression, o->cmdline, &c->manifest)
	    : -ENOMEM;
	if (r < 0)
		return fault_set(reterr, r, "Cannot start the capture: %m");
	r = open_bundle(c, capture_part_name(o->archive, part, sizeof(part)), reterr);
	if (r >= 0)
		r = write_report(c, reterr);
	if (r >= 0)
		r = capture_commit(o->dir_fd, part, o->archive, &c->manifest, ret, reterr);
	return r;
}

int
capture_run(
    const struct capture_options *options, struct capture_meta *ret, struct fault *reterr)
{
	_cleanup_(capture_done) struct capture c = {
		.options = options,
		.reserve_fd = -EBADF,
	};
	enum profile profile = options->request->profile;
	struct rlimit old_limit;
	char span[32];
	char size[32];
	int r;

	c.deadline_usec = clock_monotonic_usec() + capture_collecting_usec(profile);
	c.end_usec = c.deadline_usec + end_share_usec(profile);
	limit_memory(profile, &old_limit);
	r = take(&c, ret, reterr);
	(void)setrlimit(RLIMIT_DATA, &old_limit);
	if (r < 0)
		return r;
	log_info("Report %s is %s: %s within %s%s%s", ret->id,
	    report_status_to_string(ret->status),
	    text_format_bytes(ret->size_bytes, size, sizeof(size)),
	    clock_format_span(ret->finished_usec - ret->started_usec, span, sizeof(span)),
	    ret->status == REPORT_PARTIAL ? ", " : "",
	    ret->status == REPORT_PARTIAL ? c.manifest.end_reason : "");
	return 0;
}
