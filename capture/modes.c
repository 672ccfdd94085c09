/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_DOMAIN "capture"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/capture.h"
#include "capture/cleaning.h"
#include "capture/collector.h"
#include "capture/inventory.h"
#include "capture/lastgood.h"
#include "capture/modes.h"
#include "capture/options.h"
#include "capture/progress.h"
#include "capture/registry.h"
#include "capture/salvage.h"
#include "capture/stop.h"
#include "lib/clean/clean.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/failpoint.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/paths.h"
#include "lib/proto.h"
#include "lib/redact/own.h"
#include "lib/settings.h"
#include "lib/text.h"

/* Name of the archive in incoming/ID/, without the compression. */
#define UNIT_STEM     "report.tar"
/* A capture whose time is over closes its archive. When that takes longer than this share of
 * the profile's time, and closing the largest one takes seconds, this process hangs in the
 * kernel (a dead disk or network file system): then SIGALRM ends it, and what is written is
 * salvaged. */
#define HANG_SHARE    2u
#define HANG_MIN_USEC (5 * USEC_PER_SEC)

static const char *
state_dir(const struct options *o)
{
	return o->state_dir ? o->state_dir : STATE_DIR;
}

/* The collectors that the request asks for. A name that does not exist is an error by hand. The
 * daemon knows no collectors and nobody waits here for an error: what there is makes a partial
 * report, and MISSING (FAULT_TEXT_MAX_BYTES) is what it says. */
static int
load_collectors(const struct options *o, const struct request *request,
    struct collector_list *ret, char *missing, struct fault *reterr)
{
	const char *const installed[] = {
		CONF_DIR_VENDOR "/collect.d",
		CONF_DIR_ADMIN "/collect.d",
		CONF_DIR_RUN "/collect.d",
		NULL,
	};
	const char *const given[] = { o->collect_dir, NULL };
	struct registry_options options = {
		.dirs = (char *const *)(o->collect_dir ? given : installed),
		.profile = request->profile,
		.only = request->only,
		.all = !o->only && (o->mode == MODE_LIST || o->mode == MODE_CHECK_COLLECTORS),
	};
	int r;

	r = registry_load(&options, ret, reterr);
	if (r == -ENOENT && o->mode == MODE_UNIT) {
		log_warning("%s, going on without it", reterr->text);
		text_copy(missing, FAULT_TEXT_MAX_BYTES, reterr->text);
		return 0;
	}
	return r;
}

/* One report to be taken or saved. */
struct job {
	const struct options *options;	 /* borrowed */
	const struct settings *settings; /* borrowed */
	const struct request *request;	 /* borrowed */
	struct clean_rules *clean;	 /* owned; NULL = names and addresses stay */
	struct redact_own *own;		 /* owned; NULL = no rules of redact.d */
};

static void
job_done(struct job *j)
{
	clean_rules_free(j->clean);
	redact_own_free(j->own);
}

static void
on_rule_problem(const char *file, unsigned line, const char *text, void *userdata)
{
	(void)userdata;
	log_warning("%s:%u: %s, ignoring", file, line, text);
}

/* Makes the rules of the filters. Who may not read the daemon's directory, where the map is,
 * gets aliases of its own. */
static int
prepare_filters(struct job *j, struct fault *reterr)
{
	_cleanup_close_ int state_fd = -EBADF;
	int r;

	r = redact_own_load(on_rule_problem, NULL, &j->own);
	if (r < 0)
		return fault_set(reterr, r, "Cannot read redact.d: %m");
	if (!j->request->clean && !j->settings->clean)
		return 0;
	state_fd = open(state_dir(j->options), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return cleaning_prepare(state_fd, "", j->settings, &j->clean, reterr);
}

static int
run_capture(const struct job *j, struct capture_options *options, struct capture_meta *ret,
    struct fault *reterr)
{
	const struct options *o = j->options;
	const struct request *request = j->request;
	struct progress_options progress_options = {
		.id = request->id,
		.socket_path = o->mode == MODE_UNIT ? SOCKET_PATH : NULL,
		.to_stderr = o->mode == MODE_OUTPUT,
	};
	_cleanup_(collector_list_done) struct collector_list collectors = { 0 };
	_cleanup_progress_ struct progress *progress = NULL;
	uint64_t wall = profile_limits(request->profile)->wall_usec;
	char missing[FAULT_TEXT_MAX_BYTES] = "";
	int r;

	r = load_collectors(o, request, &collectors, missing, reterr);
	if (r < 0)
		return r;
	r = progress_open(&progress_options, &progress);
	if (r < 0)
		return fault_set(reterr, r, "Cannot start: %m");
	options->request = request;
	options->settings = j->settings;
	options->clean = j->clean;
	options->own = j->own;
	options->collectors = &collectors;
	options->missing = missing;
	options->progress = progress;
	options->cmdline = o->cmdline;
	options->root = "";
	options->kubeconfig = o->kubeconfig;
	options->state_dir = state_dir(o);
	stop_watch(wall, wall / HANG_SHARE > HANG_MIN_USEC ? wall / HANG_SHARE : HANG_MIN_USEC);
	r = capture_run(options, ret, reterr);
	stop_watch(0, 0);
	return r;
}

/* Saves what was written before the capture failed. */
static int
salvage(const struct job *j, int dir_fd, const char *stem, const char *reason,
    struct capture_meta *ret, struct fault *reterr)
{
	struct salvage_options options = {
		.dir_fd = dir_fd,
		.stem = stem,
		.request = j->request,
		.reason = reason,
		.cmdline = j->options->cmdline,
		.clean = j->clean,
		.own = j->own,
	};

	return salvage_run(&options, ret, reterr);
}

static int
make_manual_request(
    const struct options *o, const struct settings *settings, struct request *ret)
{
	*ret = (struct request){
		.created_usec = clock_realtime_usec(),
		.profile = settings->default_profile,
		.trigger = TRIGGER_REQUEST,
		.source = SOURCE_MANUAL,
		.occurrences = 1,
		.uid = (uint32_t)getuid(),
		.only_namespaces = o->only_namespaces,
		.clean = o->clean,
	};

	if (o->profile && profile_from_string(o->profile, &ret->profile) < 0)
		return options_error("there is no profile '%s'", o->profile);
	report_id_make(ret->id, ret->created_usec, 0, NULL);
	text_copy(ret->reason, sizeof(ret->reason), o->reason);
	if (strv_copy(o->only, &ret->only) < 0)
		return -ENOMEM;
	return strv_copy(o->namespaces, &ret->namespaces);
}

/* ARCHIVE.sha256 beside the archive, as sha256sum(1) writes and checks it. */
static int
write_digest(int dir_fd, const struct capture_meta *meta)
{
	_cleanup_free_ char *name = text_format("%s.sha256", meta->archive);
	_cleanup_free_ char *text = text_format("%s  %s\n", meta->sha256, meta->archive);

	if (!name || !text)
		return -ENOMEM;
	return io_write_file_atomic(dir_fd, name, text, strlen(text), 0640);
}

/* Takes the report, or as much of it as can be had. */
static int
capture_to_output(
    const struct job *j, int dir_fd, struct capture_meta *ret, struct fault *reterr)
{
	struct capture_options options = { .dir_fd = dir_fd,
		.compression = j->settings->compression };
	char topdir[REPORT_ID_BYTES + 32];
	char archive[128];
	char stem[96];
	int r;

	(void)snprintf(stem, sizeof(stem), "%s.tar",
	    report_id_topdir(j->request->id, topdir, sizeof(topdir)));
	(void)snprintf(
	    archive, sizeof(archive), "%s.%s", stem, compression_suffix(options.compression));
	options.archive = archive;
	r = run_capture(j, &options, ret, reterr);
	if (r >= 0 || r == -ENOENT)
		return r;
	log_warning("%s, keeping what was written until then", reterr->text);
	r = salvage(j, dir_fd, stem, reterr->text, ret, reterr);
	if (r < 0) {
		char part[160];

		/* Nothing of use is in it. */
		(void)unlinkat(dir_fd, capture_part_name(archive, part, sizeof(part)), 0);
	}
	return r;
}

int
modes_output(const struct options *o, struct settings *settings)
{
	_cleanup_(request_done) struct request request = { 0 };
	_cleanup_(job_done) struct job job = {
		.options = o,
		.settings = settings,
		.request = &request,
	};
	struct capture_meta meta;
	_cleanup_close_ int dir_fd = -EBADF;
	struct fault fault = { 0 };
	int r;

	if (o->compression &&
	    compression_from_string(o->compression, &settings->compression) < 0) {
		(void)options_error("there is no compression '%s'", o->compression);
		return PROTO_EXIT_USAGE;
	}
	if (make_manual_request(o, settings, &request) < 0)
		return PROTO_EXIT_USAGE;
	r = io_open_dir(AT_FDCWD, o->output, 0700, &dir_fd);
	if (r < 0) {
		(void)log_error_errno(r, "Cannot open '%s': %m", o->output);
		return PROTO_EXIT_ERROR;
	}
	r = prepare_filters(&job, &fault);
	if (r >= 0)
		r = capture_to_output(&job, dir_fd, &meta, &fault);
	if (r < 0) {
		log_error("No report: %s", fault_text(&fault));
		return r == -ENOENT && o->only ? PROTO_EXIT_USAGE : PROTO_EXIT_ERROR;
	}
	r = write_digest(dir_fd, &meta);
	if (r < 0)
		(void)log_warning_errno(r, "Cannot write the checksum, ignoring: %m");
	(void)printf("%s/%s\n", o->output, meta.archive);
	return meta.status == REPORT_PARTIAL ? PROTO_EXIT_PARTIAL : PROTO_EXIT_OK;
}

/* The mistakes, one line each, as compilers write them. */
static int
print_problems(const struct collector_list *list)
{
	for (size_t i = 0; i < list->n_problems; i++) {
		_cleanup_free_ char *text = collector_problem_format(&list->problems[i]);

		(void)puts(text ? text : "out of memory");
	}
	return list->n_problems > 0 ? PROTO_EXIT_ERROR : PROTO_EXIT_OK;
}

static int
print_inventory(const struct options *o, const struct inventory_options *options)
{
	_cleanup_json_ cJSON *inventory = inventory_to_json(options);
	_cleanup_free_ char *text =
	    inventory ? json_print(inventory, o->json == OPTIONS_JSON_PRETTY) : NULL;

	if (!text) {
		(void)log_error_errno(-ENOMEM, "Cannot list the collectors: %m");
		return PROTO_EXIT_ERROR;
	}
	if (o->json != OPTIONS_JSON_NONE)
		(void)puts(text);
	else if (options->is_plan)
		inventory_print_plan(inventory, stdout);
	else
		inventory_print_list(inventory, stdout);
	return PROTO_EXIT_OK;
}

int
modes_inventory(const struct options *o, const struct settings *settings)
{
	_cleanup_(request_done) struct request request = { 0 };
	_cleanup_(collector_list_done) struct collector_list collectors = { 0 };
	struct inventory_options options = {
		.collectors = &collectors,
		.request = &request,
		.settings = settings,
		.root = "",
		.kubeconfig = o->kubeconfig,
		.is_plan = o->mode == MODE_PLAN,
	};
	struct fault fault = { 0 };
	int r;

	if (make_manual_request(o, settings, &request) < 0)
		return PROTO_EXIT_USAGE;
	/* Mistakes are part of what is printed. */
	if (!o->debug)
		log_set_level(LOG_ERR);
	r = load_collectors(o, &request, &collectors, NULL, &fault);
	if (r < 0) {
		log_error("%s", fault_text(&fault));
		return r == -ENOENT ? PROTO_EXIT_USAGE : PROTO_EXIT_ERROR;
	}
	r = o->mode == MODE_CHECK_COLLECTORS ? print_problems(&collectors)
					     : print_inventory(o, &options);
	if (fflush(stdout) == 0)
		return r;
	(void)log_error_errno(-errno, "Cannot write: %m");
	return PROTO_EXIT_ERROR;
}

/* Reads queue/ID.json. */
static int
read_request(const struct options *o, int state_fd, struct request *ret, struct fault *reterr)
{
	_cleanup_free_ char *path = text_format(QUEUE_DIR "/%s.json", o->id);
	_cleanup_free_ char *data = NULL;
	size_t size = 0;
	int r;

	r = path ? io_read_file(state_fd, path, REQUEST_MAX_BYTES, &data, &size) : -ENOMEM;
	if (r < 0)
		return fault_set(reterr, r, "Cannot read the request '%s': %m", o->id);
	r = request_parse(data, size, ret, reterr);
	if (r < 0)
		return r;
	if (!streq(ret->id, o->id))
		return fault_set(
		    reterr, -EINVAL, "The request is of '%s', not of '%s'", ret->id, o->id);
	return 0;
}

/* A request for a salvage whose own is gone or damaged: what is in the archive still counts. */
static void
make_unknown_request(const struct options *o, struct request *ret)
{
	*ret = (struct request){
		.created_usec = clock_realtime_usec(),
		.profile = PROFILE_FULL,
		.trigger = TRIGGER_REQUEST,
		.source = SOURCE_MANUAL,
		/* Nobody knows whether it was asked for. */
		.clean = true,
	};
	text_copy(ret->id, sizeof(ret->id), o->id);
}

static int
open_incoming(const struct options *o, int state_fd, bool create, int *ret_fd)
{
	_cleanup_free_ char *path = text_format(INCOMING_DIR "/%s", o->id);
	int fd;

	if (!path)
		return -ENOMEM;
	if (create)
		return io_open_dir(state_fd, path, 0750, ret_fd);
	fd = openat(state_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static bool
is_finished(int dir_fd)
{
	return faccessat(dir_fd, CAPTURE_META_FILE, F_OK, 0) >= 0;
}

/* An earlier attempt left its archive here. */
static bool
has_remains(int dir_fd)
{
	for (int c = 0; c < _COMPRESSION_COUNT; c++) {
		char archive[64];
		char part[80];

		(void)snprintf(archive, sizeof(archive), UNIT_STEM ".%s",
		    compression_suffix((enum compression)c));
		if (faccessat(dir_fd, archive, F_OK, 0) >= 0 ||
		    faccessat(
			dir_fd, capture_part_name(archive, part, sizeof(part)), F_OK, 0) >= 0)
			return true;
	}
	return false;
}

static int
run_unit(const struct options *o, const struct settings *settings, int state_fd,
    struct fault *reterr)
{
	_cleanup_(request_done) struct request request = { 0 };
	_cleanup_(job_done) struct job job = {
		.options = o,
		.settings = settings,
		.request = &request,
	};
	struct capture_options options = { .compression = settings->compression };
	_cleanup_close_ int dir_fd = -EBADF;
	struct capture_meta meta;
	char archive[64];
	int r;

	r = read_request(o, state_fd, &request, reterr);
	if (r < 0)
		return r;
	r = open_incoming(o, state_fd, true, &dir_fd);
	if (r < 0)
		return fault_set(
		    reterr, r, "Cannot open '" INCOMING_DIR "/%s': %m", request.id);
	if (is_finished(dir_fd))
		return 0;
	r = failpoint("request-read");
	if (r < 0)
		return fault_set(reterr, r, "Cannot start: %m");
	r = prepare_filters(&job, reterr);
	if (r < 0)
		return r;
	if (has_remains(dir_fd)) {
		/* What it has is nearer to the event than anything taken now, and whatever
		 * killed it may do so again. */
		r = salvage(&job, dir_fd, UNIT_STEM,
		    "an earlier attempt of the capture ended before it had finished", &meta,
		    reterr);
	} else {
		(void)snprintf(archive, sizeof(archive), UNIT_STEM ".%s",
		    compression_suffix(options.compression));
		options.dir_fd = dir_fd;
		options.archive = archive;
		r = run_capture(&job, &options, &meta, reterr);
	}
	return r < 0 ? r : capture_write_meta(dir_fd, &meta, reterr);
}

static int
run_salvage(const struct options *o, const struct settings *settings, int state_fd,
    struct fault *reterr)
{
	_cleanup_(request_done) struct request request = { 0 };
	_cleanup_(job_done) struct job job = {
		.options = o,
		.settings = settings,
		.request = &request,
	};
	_cleanup_close_ int dir_fd = -EBADF;
	struct capture_meta meta;
	struct fault fault;
	char reason[128];
	bool has_request;
	int r;

	has_request = read_request(o, state_fd, &request, &fault) >= 0;
	r = open_incoming(o, state_fd, has_request, &dir_fd);
	if (r == -ENOENT || (r >= 0 && is_finished(dir_fd)))
		return 0;
	if (r < 0)
		return fault_set(reterr, r, "Cannot open '" INCOMING_DIR "/%s': %m", o->id);
	if (!has_request) {
		if (!has_remains(dir_fd))
			return 0;
		log_warning("%s, going on without it", fault_text(&fault));
		make_unknown_request(o, &request);
	}
	r = prepare_filters(&job, reterr);
	if (r < 0)
		return r;
	(void)salvage_reason(
	    getenv("SERVICE_RESULT"), getenv("EXIT_STATUS"), reason, sizeof(reason));
	r = salvage(&job, dir_fd, UNIT_STEM, reason, &meta, reterr);
	if (r < 0)
		return r;
	r = capture_write_meta(dir_fd, &meta, reterr);
	if (r >= 0)
		log_notice("Report %s is partial: %s", o->id, reason);
	return r;
}

int
modes_state(const struct options *o, const struct settings *settings)
{
	const char *path = state_dir(o);
	_cleanup_close_ int state_fd = -EBADF;
	struct fault fault = { 0 };
	int r;

	state_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state_fd < 0) {
		(void)log_error_errno(-errno, "Cannot open '%s': %m", path);
		return PROTO_EXIT_ERROR;
	}
	r = o->mode == MODE_SALVAGE ? run_salvage(o, settings, state_fd, &fault)
				    : run_unit(o, settings, state_fd, &fault);
	if (r >= 0)
		return PROTO_EXIT_OK;
	log_error("%s", fault_text(&fault));
	return PROTO_EXIT_ERROR;
}

int
modes_refresh(const struct options *o, const struct settings *settings)
{
	struct lastgood_options options = {
		.state_dir = state_dir(o),
		.root = "",
		.kubeconfig = o->kubeconfig,
		.settings = settings,
	};

	return lastgood_refresh(&options) < 0 ? PROTO_EXIT_ERROR : PROTO_EXIT_OK;
}
