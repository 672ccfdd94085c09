/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_DOMAIN "capture"

#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/check/checkmode.h"
#include "capture/modes.h"
#include "capture/options.h"
#include "capture/stop.h"
#include "lib/cleanup.h"
#include "lib/io.h"
#include "lib/log.h"
#include "lib/proto.h"
#include "lib/settings.h"

/* As OOMScoreAdjust= in the unit: rather this process than MicroShift. */
#define OOM_SCORE_ADJ "700"
#define NICE	      10
/* linux/ioprio.h is not in the headers of RHEL 9: class best effort, lowest level. */
#define IOPRIO_LOWEST (2 << 13 | 7)

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
	/* What commands leave behind is ours to end; see cmdrun.h. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
}

int
main(int argc, char *argv[])
{
	_cleanup_(options_done) struct options o = { 0 };
	_cleanup_(settings_freep) struct settings *settings = NULL;
	int r;

	/* libarchive converts names of files; they are UTF-8 whatever the caller's locale is.
	 */
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	r = options_parse(argc, argv, &o);
	if (r <= 0)
		return r == 0 ? PROTO_EXIT_OK : PROTO_EXIT_USAGE;
	if (o.debug)
		log_set_level(LOG_DEBUG);
	r = stop_install();
	if (r < 0)
		(void)log_warning_errno(r, "Cannot catch SIGTERM, ignoring: %m");
	be_modest();
	r = settings_load(o.config, on_config_problem, NULL, &settings);
	if (r < 0) {
		(void)log_error_errno(r, "Cannot read the configuration: %m");
		return PROTO_EXIT_ERROR;
	}
	switch (o.mode) {
	case MODE_OUTPUT:
		return modes_output(&o, settings);
	case MODE_PLAN:
	case MODE_LIST:
	case MODE_CHECK_COLLECTORS:
		return modes_inventory(&o, settings);
	case MODE_CHECK:
		return checkmode_run(&o, settings);
	case MODE_REFRESH:
		return modes_refresh(&o, settings);
	case MODE_UNIT:
	case MODE_SALVAGE:
		break;
	}
	return modes_state(&o, settings);
}
