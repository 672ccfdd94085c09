/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_DOMAIN "capture"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/capture.h"
#include "capture/collector.h"
#include "capture/progress.h"
#include "capture/registry.h"
#include "capture/salvage.h"
#include "capture/stop.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/log.h"
#include "lib/paths.h"
#include "lib/proto.h"
#include "lib/reportid.h"
#include "lib/settings.h"
#include "lib/text.h"

/* Name of the archive in incoming/ID/, without the compression. */
#define UNIT_STEM     "report.tar"
/* Added to the time of the profile, after which this process may be hanging in the kernel (a
 * dead network file system): then SIGALRM ends it, and what is written is salvaged. Closing the
 * largest archive takes a few seconds. */
#define HANG_SEC      60u
/* As OOMScoreAdjust= in the unit: rather this process than MicroShift. */
#define OOM_SCORE_ADJ "700"
#define NICE	      10
/* linux/ioprio.h is not in the headers of RHEL 9: class best effort, lowest level. */
#define IOPRIO_LOWEST (2 << 13 | 7)

enum mode {
	MODE_NONE,
	MODE_UNIT,    /* --id */
	MODE_SALVAGE, /* --id --salvage */
	MODE_OUTPUT,  /* --output */
};

struct arguments {
	enum mode mode;
	bool salvage;
	const char *id;
	const char *state_dir;
	const char *output;
	const char *config;
	const char *reason;
	const char *collect_dir;
	const char *profile;
	const char *compression;
	char **only;   /* owned */
	char *cmdline; /* owned */
};

static void
arguments_done(struct arguments *a)
{
	strv_free(a->only);
	free(a->cmdline);
}

static void
print_help(FILE *f)
{
	(void)fputs(
	    "Usage: microshift-support-capture --output DIR [OPTION...]\n"
	    "       microshift-support-capture --id ID [--salvage] [OPTION...]\n"
	    "\n"
	    "Takes one support report of this machine.\n"
	    "\n"
	    "By hand, without the daemon; the path of the report is the last line of output:\n"
	    "  -o, --output DIR         write the report into DIR\n"
	    "  -p, --profile PROFILE    flash, crash, startup, cert, pressure, final or full\n"
	    "      --only NAME[,NAME]   run these collectors only\n"
	    "  -r, --reason TEXT        why, for the person who will read the report\n"
	    "      --compression TYPE   zstd, xz or gzip\n"
	    "\n"
	    "For a request of the daemon, in its own unit:\n"
	    "      --id ID              take the report that queue/ID.json asks for\n"
	    "      --salvage            close what a killed capture of ID left behind\n"
	    "      --state-dir DIR      the daemon's directory [" STATE_DIR "]\n"
	    "\n"
	    "      --config FILE        read this instead of supportd.conf and its drop-ins\n"
	    "      --collect-dir DIR    read collectors from here instead of collect.d\n"
	    "      --debug              say more on standard error\n"
	    "  -h, --help               show this text\n"
	    "      --version            show the version\n"
	    "\n"
	    "Exit status: 0 complete, 6 partial (with --output), 1 no report, 2 usage.\n",
	    f);
}

static int
usage_error(const char *format, const char *argument)
{
	(void)fputs("microshift-support-capture: ", stderr);
	(void)fprintf(stderr, format, argument);
	(void)fputs("\nTry 'microshift-support-capture --help'.\n", stderr);
	return -EINVAL;
}

static char *
join_arguments(int argc, char *argv[])
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	for (int i = 0; i < argc; i++)
		(void)fprintf(f, "%s%s", i > 0 ? " " : "", argv[i]);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

/* Checks what belongs together. Returns 0, or -EINVAL after it said what is wrong. */
static int
check_arguments(struct arguments *a)
{
	if (a->id && a->output)
		return usage_error("--id and --output exclude each other%s", "");
	if (a->salvage && !a->id)
		return usage_error("--salvage needs --id%s", "");
	if (!a->id && !a->output)
		return usage_error("what to do? Give --output DIR (or --id ID)%s", "");
	if (a->id && (a->profile || a->only || a->reason || a->compression))
		return usage_error("with --id these come from the request and supportd.conf: "
				   "--profile, --only, --reason, --compression%s",
		    "");
	if (a->output && a->state_dir)
		return usage_error("--state-dir is for --id%s", "");
	if (a->id && !report_id_is_valid(a->id))
		return usage_error("'%s' is not the ID of a report", a->id);
	if (a->reason && strlen(a->reason) >= REASON_BYTES)
		return usage_error("--reason is too long, 255 bytes are possible%s", "");
	a->mode = a->output ? MODE_OUTPUT : a->salvage ? MODE_SALVAGE : MODE_UNIT;
	return 0;
}

/* Returns 1 to go on, 0 when everything is done (--help), -EINVAL for a mistake. */
static int
parse_arguments(int argc, char *argv[], struct arguments *a)
{
	enum {
		OPTION_ID = 256,
		OPTION_SALVAGE,
		OPTION_STATE_DIR,
		OPTION_ONLY,
		OPTION_COMPRESSION,
		OPTION_CONFIG,
		OPTION_COLLECT_DIR,
		OPTION_DEBUG,
		OPTION_VERSION,
	};
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "profile", required_argument, NULL, 'p' },
		{ "only", required_argument, NULL, OPTION_ONLY },
		{ "reason", required_argument, NULL, 'r' },
		{ "compression", required_argument, NULL, OPTION_COMPRESSION },
		{ "id", required_argument, NULL, OPTION_ID },
		{ "salvage", no_argument, NULL, OPTION_SALVAGE },
		{ "state-dir", required_argument, NULL, OPTION_STATE_DIR },
		{ "config", required_argument, NULL, OPTION_CONFIG },
		{ "collect-dir", required_argument, NULL, OPTION_COLLECT_DIR },
		{ "debug", no_argument, NULL, OPTION_DEBUG },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, OPTION_VERSION },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "o:p:r:h", options, NULL)) != -1) {
		switch (c) {
		case 'o':
			a->output = optarg;
			break;
		case 'p':
			a->profile = optarg;
			break;
		case 'r':
			a->reason = optarg;
			break;
		case OPTION_ID:
			a->id = optarg;
			break;
		case OPTION_SALVAGE:
			a->salvage = true;
			break;
		case OPTION_STATE_DIR:
			a->state_dir = optarg;
			break;
		case OPTION_ONLY:
			strv_free(a->only);
			a->only = NULL;
			if (strv_split(optarg, ", ", &a->only) < 0)
				return -ENOMEM;
			if (strv_length(a->only) == 0)
				return usage_error(
				    "--only needs the name of a collector%s", "");
			break;
		case OPTION_COMPRESSION:
			a->compression = optarg;
			break;
		case OPTION_CONFIG:
			a->config = optarg;
			break;
		case OPTION_COLLECT_DIR:
			a->collect_dir = optarg;
			break;
		case OPTION_DEBUG:
			log_set_level(LOG_DEBUG);
			break;
		case 'h':
			print_help(stdout);
			return 0;
		case OPTION_VERSION:
			(void)puts("microshift-support-capture " PACKAGE_VERSION);
			return 0;
		default:
			/* getopt_long() has said what is wrong. */
			(void)fputs("Try 'microshift-support-capture --help'.\n", stderr);
			return -EINVAL;
		}
	}
	if (optind < argc)
		return usage_error("unexpected argument '%s'", argv[optind]);
	a->cmdline = join_arguments(argc, argv);
	return check_arguments(a) < 0 ? -EINVAL : 1;
}

static void
on_config_problem(const char *file, unsigned line, const char *text, void *userdata)
{
	(void)userdata;
	log_warning("%s:%u: %s, ignoring", file, line, text);
}

/* This process is the least important one on the machine. */
static void
be_modest(void)
{
	static const struct rlimit none = { 0, 0 };
	_cleanup_close_ int fd = -EBADF;

	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)io_write_all(fd, OOM_SCORE_ADJ, strlen(OOM_SCORE_ADJ));
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	(void)syscall(SYS_ioprio_set, 1, 0, IOPRIO_LOWEST);
	/* A core would hold what was not redacted yet. */
	(void)setrlimit(RLIMIT_CORE, &none);
}

/* The collectors that the request asks for. A name that does not exist is an error by hand; the
 * daemon has checked it, and a report without it is better than none. */
static int
load_collectors(const struct arguments *a, const struct request *request,
    struct collector_list *ret, struct fault *reterr)
{
	const char *const installed[] = {
		CONF_DIR_VENDOR "/collect.d",
		CONF_DIR_ADMIN "/collect.d",
		CONF_DIR_RUN "/collect.d",
		NULL,
	};
	const char *const given[] = { a->collect_dir, NULL };
	struct registry_options options = {
		.dirs = (char *const *)(a->collect_dir ? given : installed),
		.profile = request->profile,
		.only = request->only,
	};
	int r;

	r = registry_load(&options, ret, reterr);
	if (r == -ENOENT && a->mode == MODE_UNIT) {
		log_warning("%s, going on without it", reterr->text);
		return 0;
	}
	return r;
}

static int
run_capture(const struct arguments *a, const struct settings *settings,
    const struct request *request, struct capture_options *options, struct capture_meta *ret,
    struct fault *reterr)
{
	struct progress_options progress_options = {
		.id = request->id,
		.socket_path = a->mode == MODE_UNIT ? SOCKET_PATH : NULL,
		.to_stderr = a->mode == MODE_OUTPUT,
	};
	_cleanup_(collector_list_done) struct collector_list collectors = { 0 };
	_cleanup_progress_ struct progress *progress = NULL;
	int r;

	r = load_collectors(a, request, &collectors, reterr);
	if (r < 0)
		return r;
	r = progress_open(&progress_options, &progress);
	if (r < 0)
		return fault_set(reterr, r, "Cannot start: %m");
	options->request = request;
	options->settings = settings;
	options->collectors = &collectors;
	options->progress = progress;
	options->cmdline = a->cmdline;
	options->root = "";
	(void)alarm(
	    (unsigned)(profile_limits(request->profile)->wall_usec / USEC_PER_SEC) + HANG_SEC);
	r = capture_run(options, ret, reterr);
	(void)alarm(0);
	return r;
}

/* Saves what was written before the capture failed. */
static int
salvage(const struct arguments *a, const struct request *request, int dir_fd, const char *stem,
    const char *reason, struct capture_meta *ret, struct fault *reterr)
{
	struct salvage_options options = {
		.dir_fd = dir_fd,
		.stem = stem,
		.request = request,
		.reason = reason,
		.cmdline = a->cmdline,
	};

	return salvage_run(&options, ret, reterr);
}

static int
make_manual_request(
    const struct arguments *a, const struct settings *settings, struct request *ret)
{
	*ret = (struct request){
		.created_usec = clock_realtime_usec(),
		.profile = settings->default_profile,
		.trigger = TRIGGER_REQUEST,
		.source = SOURCE_MANUAL,
		.occurrences = 1,
		.uid = (uint32_t)getuid(),
	};

	if (a->profile && profile_from_string(a->profile, &ret->profile) < 0)
		return usage_error("there is no profile '%s'", a->profile);
	report_id_make(ret->id, ret->created_usec, 0, NULL);
	text_copy(ret->reason, sizeof(ret->reason), a->reason);
	for (size_t i = 0; i < strv_length(a->only); i++)
		if (strv_append(&ret->only, a->only[i]) < 0)
			return -ENOMEM;
	return 0;
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
capture_to_output(const struct arguments *a, const struct settings *settings,
    const struct request *request, int dir_fd, struct capture_meta *ret, struct fault *reterr)
{
	struct capture_options options = { .dir_fd = dir_fd,
		.compression = settings->compression };
	char topdir[REPORT_ID_BYTES + 32];
	char archive[128];
	char stem[96];
	int r;

	(void)snprintf(stem, sizeof(stem), "%s.tar",
	    report_id_topdir(request->id, topdir, sizeof(topdir)));
	(void)snprintf(
	    archive, sizeof(archive), "%s.%s", stem, compression_suffix(options.compression));
	options.archive = archive;
	r = run_capture(a, settings, request, &options, ret, reterr);
	if (r >= 0 || r == -ENOENT)
		return r;
	log_warning("%s, keeping what was written until then", reterr->text);
	r = salvage(a, request, dir_fd, stem, reterr->text, ret, reterr);
	if (r < 0) {
		char part[160];

		/* Nothing of use is in it. */
		(void)unlinkat(dir_fd, capture_part_name(archive, part, sizeof(part)), 0);
	}
	return r;
}

static int
run_output(const struct arguments *a, struct settings *settings)
{
	_cleanup_(request_done) struct request request = { 0 };
	struct capture_meta meta;
	_cleanup_close_ int dir_fd = -EBADF;
	struct fault fault = { 0 };
	int r;

	if (a->compression &&
	    compression_from_string(a->compression, &settings->compression) < 0) {
		(void)usage_error("there is no compression '%s'", a->compression);
		return PROTO_EXIT_USAGE;
	}
	if (make_manual_request(a, settings, &request) < 0)
		return PROTO_EXIT_USAGE;
	r = io_open_dir(AT_FDCWD, a->output, 0700, &dir_fd);
	if (r < 0) {
		(void)log_error_errno(r, "Cannot open '%s': %m", a->output);
		return PROTO_EXIT_ERROR;
	}
	r = capture_to_output(a, settings, &request, dir_fd, &meta, &fault);
	if (r < 0) {
		log_error("No report: %s", fault_text(&fault));
		return r == -ENOENT && a->only ? PROTO_EXIT_USAGE : PROTO_EXIT_ERROR;
	}
	r = write_digest(dir_fd, &meta);
	if (r < 0)
		(void)log_warning_errno(r, "Cannot write the checksum, ignoring: %m");
	(void)printf("%s/%s\n", a->output, meta.archive);
	return meta.status == REPORT_PARTIAL ? PROTO_EXIT_PARTIAL : PROTO_EXIT_OK;
}

/* Reads queue/ID.json. */
static int
read_request(const struct arguments *a, int state_fd, struct request *ret, struct fault *reterr)
{
	_cleanup_free_ char *path = text_format(QUEUE_DIR "/%s.json", a->id);
	_cleanup_free_ char *data = NULL;
	size_t size = 0;
	int r;

	r = path ? io_read_file(state_fd, path, REQUEST_MAX_BYTES, &data, &size) : -ENOMEM;
	if (r < 0)
		return fault_set(reterr, r, "Cannot read the request '%s': %m", a->id);
	r = request_parse(data, size, ret, reterr);
	if (r < 0)
		return r;
	if (!streq(ret->id, a->id))
		return fault_set(
		    reterr, -EINVAL, "The request is of '%s', not of '%s'", ret->id, a->id);
	return 0;
}

/* A request for a salvage whose own is gone or damaged: what is in the archive still counts. */
static void
make_unknown_request(const struct arguments *a, struct request *ret)
{
	*ret = (struct request){
		.created_usec = clock_realtime_usec(),
		.profile = PROFILE_FULL,
		.trigger = TRIGGER_REQUEST,
		.source = SOURCE_MANUAL,
	};
	text_copy(ret->id, sizeof(ret->id), a->id);
}

static int
open_incoming(const struct arguments *a, int state_fd, bool create, int *ret_fd)
{
	_cleanup_free_ char *path = text_format(INCOMING_DIR "/%s", a->id);
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
run_unit(const struct arguments *a, const struct settings *settings, int state_fd,
    struct fault *reterr)
{
	_cleanup_(request_done) struct request request = { 0 };
	struct capture_options options = { .compression = settings->compression };
	_cleanup_close_ int dir_fd = -EBADF;
	struct capture_meta meta;
	char archive[64];
	int r;

	r = read_request(a, state_fd, &request, reterr);
	if (r < 0)
		return r;
	r = open_incoming(a, state_fd, true, &dir_fd);
	if (r < 0)
		return fault_set(
		    reterr, r, "Cannot open '" INCOMING_DIR "/%s': %m", request.id);
	if (is_finished(dir_fd))
		return 0;
	if (has_remains(dir_fd)) {
		/* What it has is nearer to the event than anything taken now, and whatever
		 * killed it may do so again. */
		r = salvage(a, &request, dir_fd, UNIT_STEM,
		    "an earlier attempt of the capture ended before it had finished", &meta,
		    reterr);
	} else {
		(void)snprintf(archive, sizeof(archive), UNIT_STEM ".%s",
		    compression_suffix(options.compression));
		options.dir_fd = dir_fd;
		options.archive = archive;
		r = run_capture(a, settings, &request, &options, &meta, reterr);
	}
	return r < 0 ? r : capture_write_meta(dir_fd, &meta, reterr);
}

static int
run_salvage(const struct arguments *a, int state_fd, struct fault *reterr)
{
	_cleanup_(request_done) struct request request = { 0 };
	_cleanup_close_ int dir_fd = -EBADF;
	struct capture_meta meta;
	struct fault fault;
	char reason[128];
	bool has_request;
	int r;

	has_request = read_request(a, state_fd, &request, &fault) >= 0;
	r = open_incoming(a, state_fd, has_request, &dir_fd);
	if (r == -ENOENT || (r >= 0 && is_finished(dir_fd)))
		return 0;
	if (r < 0)
		return fault_set(reterr, r, "Cannot open '" INCOMING_DIR "/%s': %m", a->id);
	if (!has_request) {
		if (!has_remains(dir_fd))
			return 0;
		log_warning("%s, going on without it", fault_text(&fault));
		make_unknown_request(a, &request);
	}
	(void)salvage_reason(
	    getenv("SERVICE_RESULT"), getenv("EXIT_STATUS"), reason, sizeof(reason));
	r = salvage(a, &request, dir_fd, UNIT_STEM, reason, &meta, reterr);
	if (r < 0)
		return r;
	r = capture_write_meta(dir_fd, &meta, reterr);
	if (r >= 0)
		log_notice("Report %s is partial: %s", a->id, reason);
	return r;
}

static int
run_with_state(const struct arguments *a, const struct settings *settings)
{
	const char *path = a->state_dir ? a->state_dir : STATE_DIR;
	_cleanup_close_ int state_fd = -EBADF;
	struct fault fault = { 0 };
	int r;

	state_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state_fd < 0) {
		(void)log_error_errno(-errno, "Cannot open '%s': %m", path);
		return PROTO_EXIT_ERROR;
	}
	r = a->mode == MODE_SALVAGE ? run_salvage(a, state_fd, &fault)
				    : run_unit(a, settings, state_fd, &fault);
	if (r >= 0)
		return PROTO_EXIT_OK;
	log_error("%s", fault_text(&fault));
	return PROTO_EXIT_ERROR;
}

int
main(int argc, char *argv[])
{
	_cleanup_(arguments_done) struct arguments a = { 0 };
	_cleanup_(settings_freep) struct settings *settings = NULL;
	int r;

	/* libarchive converts names of files; they are UTF-8 whatever the caller's locale is.
	 */
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	r = parse_arguments(argc, argv, &a);
	if (r <= 0)
		return r == 0 ? PROTO_EXIT_OK : PROTO_EXIT_USAGE;
	r = stop_install();
	if (r < 0)
		(void)log_warning_errno(r, "Cannot catch SIGTERM, ignoring: %m");
	be_modest();
	r = settings_load(a.config, on_config_problem, NULL, &settings);
	if (r < 0) {
		(void)log_error_errno(r, "Cannot read the configuration: %m");
		return PROTO_EXIT_ERROR;
	}
	return a.mode == MODE_OUTPUT ? run_output(&a, settings) : run_with_state(&a, settings);
}
