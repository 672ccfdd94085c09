/* SPDX-License-Identifier: Apache-2.0 */

/* notify-failure: the ExecStart= of the OnFailure= unit.
 *
 * PID 1 runs it in the middle of a failure, perhaps during boot, shutdown or a full disk, so it
 * has one rule: tell the daemon, or leave a file for it, within three seconds, and never be a
 * failure itself. Telling twice is fine: the daemon knows the run by its invocation ID. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/options.h"
#include "ctl/verb.h"
#include "lib/clock.h"
#include "lib/failure.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/paths.h"
#include "lib/text.h"

#define LOG_DOMAIN	   "hook"
/* For the daemon: connect and answer. It answers once the event is on disk. */
#define CALL_TIMEOUT_USEC  (2 * USEC_PER_SEC)
/* For everything; a disk that hangs must not hold a job of PID 1. */
#define TOTAL_TIMEOUT_SEC  3u
#define BOOT_ID_FILE	   "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_FILE_BYTES 64u
#define STATE_DIR_MODE	   0750
#define INBOX_MODE	   0700
#define NOTICE_MODE	   0600

static int
set_state_dir(struct options *o, const char *value, struct fault *reterr)
{
	(void)reterr;
	o->state_dir = value;
	return 0;
}

const struct option_def hook_options[] = {
	{ 0, "state-dir", "DIR", false, "where the inbox is", set_state_dir },
	{ 0 },
};

/* Takes an environment variable if it fits and OBJECT stays valid with it; a strange value is
 * not worth losing the rest for. */
static void
take_variable(struct failure_notice *n, const char *name, char *field, size_t size)
{
	_cleanup_json_ cJSON *json = NULL;
	struct failure_notice checked;
	const char *value = getenv(name);

	if (is_empty(value))
		return;
	if (strlen(value) < size) {
		text_copy(field, size, value);
		json = failure_notice_to_json(n);
		if (json && failure_notice_from_json(json, &checked, NULL) >= 0)
			return;
	}
	field[0] = '\0';
	log_warning("$%s is not what systemd would set, ignoring it", name);
}

/* The kernel writes it with dashes. */
static void
take_boot_id(struct failure_notice *n)
{
	_cleanup_free_ char *text = NULL;
	size_t used = 0;

	if (io_read_file(AT_FDCWD, BOOT_ID_FILE, BOOT_ID_FILE_BYTES, &text, NULL) < 0)
		return;
	for (const char *p = text; *p && used < sizeof(n->boot_id) - 1; p++)
		if (*p != '-' && *p != '\n')
			n->boot_id[used++] = *p;
}

static void
take_environment(struct failure_notice *n)
{
	n->boottime_usec = clock_boottime_usec();
	n->realtime_usec = clock_realtime_usec();
	take_boot_id(n);
	take_variable(n, "MONITOR_INVOCATION_ID", n->invocation_id, sizeof(n->invocation_id));
	take_variable(n, "MONITOR_SERVICE_RESULT", n->result, sizeof(n->result));
	take_variable(n, "MONITOR_EXIT_CODE", n->exit_code, sizeof(n->exit_code));
	take_variable(n, "MONITOR_EXIT_STATUS", n->exit_status, sizeof(n->exit_status));
}

static int
tell_daemon(const struct options *o, const struct failure_notice *n, struct fault *reterr)
{
	_cleanup_(varlink_client_closep) struct varlink_client *c = NULL;
	uint64_t start_usec = clock_monotonic_usec();
	uint64_t passed_usec;
	cJSON *parameters;
	int r;

	r = varlink_client_connect(o->socket_path, CALL_TIMEOUT_USEC, &c, reterr);
	if (r < 0)
		return r;
	parameters = failure_notice_to_json(n);
	if (!parameters)
		return fault_set(reterr, -ENOMEM, "out of memory");
	passed_usec = clock_monotonic_usec() - start_usec;
	return varlink_client_call(c, proto_method_name(PROTO_FAILED), parameters,
	    passed_usec < CALL_TIMEOUT_USEC ? CALL_TIMEOUT_USEC - passed_usec : 0, NULL,
	    reterr);
}

static int
leave_note(const struct options *o, const struct failure_notice *n)
{
	_cleanup_free_ char *text = failure_notice_print(n);
	_cleanup_close_ int state_fd = -EBADF;
	_cleanup_close_ int inbox_fd = -EBADF;
	char name[FAILURE_NAME_BYTES];
	int r;

	if (!text)
		return -ENOMEM;
	r = io_open_dir(AT_FDCWD, o->state_dir, STATE_DIR_MODE, &state_fd);
	if (r < 0)
		return r;
	r = io_open_dir(state_fd, INBOX_DIR, INBOX_MODE, &inbox_fd);
	if (r < 0)
		return r;
	failure_notice_name(n, name);
	return io_write_file_atomic(inbox_fd, name, text, strlen(text), NOTICE_MODE);
}

static void
on_alarm(int sig)
{
	(void)sig;
	_exit(PROTO_EXIT_OK);
}

int
verb_notify_failure(const struct options *o, char **arguments, int n_arguments)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct failure_notice n = { 0 };
	struct fault fault = { 0 };
	int r;

	(void)n_arguments;
	if (!unit_name_is_valid(arguments[0])) {
		log_error("'%s' is no unit name, telling nobody", arguments[0]);
		return PROTO_EXIT_OK;
	}
	(void)sigaction(SIGALRM, &sa, NULL);
	(void)alarm(TOTAL_TIMEOUT_SEC);
	text_copy(n.unit, sizeof(n.unit), arguments[0]);
	take_environment(&n);

	r = tell_daemon(o, &n, &fault);
	if (r >= 0) {
		log_info("Told the daemon that %s failed", n.unit);
		return PROTO_EXIT_OK;
	}
	log_warning("Cannot tell the daemon that %s failed, leaving a note in the inbox: %s",
	    n.unit, fault_text(&fault));
	r = leave_note(o, &n);
	if (r < 0)
		(void)log_error_errno(r,
		    "Cannot leave a note that %s failed in '%s/" INBOX_DIR
		    "', nobody will know: %m",
		    n.unit, o->state_dir);
	return PROTO_EXIT_OK;
}
