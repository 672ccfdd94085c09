/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/supportd.h"
#include "lib/fault.h"
#include "lib/log.h"
#include "lib/paths.h"
#include "lib/settings.h"

#define LOG_DOMAIN "main"

enum action {
	ACTION_RUN,
	ACTION_CHECK_CONFIG,
	ACTION_DUMP_CONFIG,
};

static struct supportd_options arg_options = {
	.state_dir = STATE_DIR,
	.socket_path = SOCKET_PATH,
};
static enum action arg_action = ACTION_RUN;

static void
help(void)
{
	(void)printf("microshift-supportd [OPTION…]\n\n"
		     "Watches MicroShift and takes a support report when it fails.\n\n"
		     "  -c --config FILE      read this configuration file and no drop-ins\n"
		     "     --state-dir DIR    keep reports in DIR instead of " STATE_DIR "\n"
		     "     --socket PATH      listen on PATH instead of " SOCKET_PATH "\n"
		     "                        (when systemd passes no socket)\n"
		     "     --check-config     check the configuration, and exit\n"
		     "     --dump-config      print the configuration in effect, and exit\n"
		     "  -d --debug            log more\n"
		     "  -h --help             show this help\n"
		     "     --version          show the version\n\n"
		     "See microshift-supportd(8) and supportd.conf(5).\n");
}

enum option_value {
	OPTION_STATE_DIR = 256,
	OPTION_SOCKET,
	OPTION_CHECK_CONFIG,
	OPTION_DUMP_CONFIG,
	OPTION_VERSION,
};

/* Returns 1 to go on, 0 when all is done, -EINVAL. */
static int
parse_options(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "state-dir", required_argument, NULL, OPTION_STATE_DIR },
		{ "socket", required_argument, NULL, OPTION_SOCKET },
		{ "check-config", no_argument, NULL, OPTION_CHECK_CONFIG },
		{ "dump-config", no_argument, NULL, OPTION_DUMP_CONFIG },
		{ "debug", no_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, OPTION_VERSION },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:dh", options, NULL)) >= 0) {
		switch (c) {
		case 'c':
			arg_options.config_file = optarg;
			break;
		case OPTION_STATE_DIR:
			arg_options.state_dir = optarg;
			break;
		case OPTION_SOCKET:
			arg_options.socket_path = optarg;
			break;
		case OPTION_CHECK_CONFIG:
			arg_action = ACTION_CHECK_CONFIG;
			break;
		case OPTION_DUMP_CONFIG:
			arg_action = ACTION_DUMP_CONFIG;
			break;
		case 'd':
			log_set_level(LOG_DEBUG);
			break;
		case 'h':
			help();
			return 0;
		case OPTION_VERSION:
			(void)printf("microshift-supportd %s\n", PACKAGE_VERSION);
			return 0;
		default:
			(void)fprintf(stderr, "Try 'microshift-supportd --help'.\n");
			return -EINVAL;
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr,
		    "'%s' is not an option; try 'microshift-supportd --help'.\n", argv[optind]);
		return -EINVAL;
	}
	return 1;
}

static void
print_problem(const char *file, unsigned line, const char *text, void *userdata)
{
	(void)userdata;
	if (line > 0)
		(void)fprintf(stderr, "%s:%u: %s\n", file, line, text);
	else
		(void)fprintf(stderr, "%s: %s\n", file, text);
}

static int
check_config(void)
{
	_cleanup_(settings_freep) struct settings *settings = NULL;
	int r;

	r = settings_load(arg_options.config_file, print_problem, NULL, &settings);
	if (r < 0) {
		(void)log_error_errno(r, "Cannot read the configuration: %m");
		return EXIT_FAILURE;
	}
	if (arg_action == ACTION_DUMP_CONFIG)
		settings_dump(settings, false, stdout);
	return r > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int
run(void)
{
	_cleanup_(supportd_freep) struct supportd *d = NULL;
	struct fault fault = { 0 };
	int r;

	r = supportd_new(&arg_options, &d, &fault);
	if (r < 0) {
		log_error("Cannot start: %s", fault_text(&fault));
		return EXIT_FAILURE;
	}
	r = supportd_run(d);
	if (r < 0)
		(void)log_error_errno(r, "The event loop failed, ending: %m");
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(int argc, char *argv[])
{
	int r;

	r = parse_options(argc, argv);
	if (r <= 0)
		return r < 0 ? 2 : EXIT_SUCCESS;
	return arg_action == ACTION_RUN ? run() : check_config();
}
