/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <systemd/sd-daemon.h>

#include "daemon/backend.h"
#include "daemon/busloop.h"
#include "daemon/intake.h"
#include "daemon/loop.h"
#include "daemon/notify.h"
#include "daemon/ops.h"
#include "daemon/recorder.h"
#include "daemon/scheduler.h"
#include "daemon/server.h"
#include "daemon/spool.h"
#include "daemon/submit.h"
#include "daemon/supportd.h"
#include "daemon/unitwatch.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/log.h"
#include "lib/msgids.h"
#include "lib/paths.h"
#include "lib/settings.h"
#include "lib/text.h"

#define LOG_DOMAIN	 "supportd"
/* After the units are known: the bus may still tell what the inbox tells too. */
#define INBOX_DELAY_USEC USEC_PER_SEC

struct supportd {
	struct supportd_options options;
	struct settings *settings; /* owned */
	struct loop *loop;	   /* owned, as all below */
	struct spool *spool;
	struct busloop *busloop;
	struct scheduler *scheduler;
	struct intake *intake;
	struct recorder *recorder;
	struct unitwatch *watch;
	struct ops *ops;
	struct server *server;
	struct notify_watchdog *watchdog;
	struct loop_timer *inbox_timer;
	struct backend backend;
	bool is_ready;
};

static void
update_status(struct supportd *d)
{
	char line[256];

	if (d->is_ready)
		notify_status("%s", backend_status_line(&d->backend, line, sizeof(line)));
}

static void
on_problem(const char *file, unsigned line, const char *text, void *userdata)
{
	struct log_field field = { "SUPPORTD_CONFIG", file };

	(void)userdata;
	if (line > 0)
		log_event(MSGID_CONFIG_INVALID, LOG_WARNING, &field, 1, "%s:%u: %s", file, line,
		    text);
	else
		log_event(MSGID_CONFIG_INVALID, LOG_WARNING, &field, 1, "%s: %s", file, text);
}

static void
on_capture(const struct request *req, enum capture_state state, const struct report *report,
    const char *message, void *userdata)
{
	struct supportd *d = userdata;

	if (report) {
		struct log_field fields[] = {
			{ "SUPPORTD_REPORT", req->id },
			{ "SUPPORTD_TRIGGER", trigger_to_string(req->trigger) },
			{ "SUPPORTD_STATUS", report_status_to_string(report->capture.status) },
		};
		char size[16];

		log_event(MSGID_REPORT_READY, LOG_NOTICE, fields, ELEMENTSOF(fields),
		    "Report '%s' is ready (%s, %s)", req->id,
		    report_status_to_string(report->capture.status),
		    text_format_bytes(report->capture.size_bytes, size, sizeof(size)));
	}
	/* While recovering at start there is nobody to tell yet, and limits are kept after it.
	 */
	if (d->ops)
		ops_capture_changed(d->ops, req->id, state, report, message);
	if (!d->intake)
		return;
	if (report)
		submit_vacuum(intake_submit(d->intake));
	update_status(d);
}

static void
on_suppressed(const char *unit, const char *message, void *userdata)
{
	struct supportd *d = userdata;

	ops_suppressed(d->ops, unit, message);
}

static void
on_confirmed(const char *message, void *userdata)
{
	struct supportd *d = userdata;

	ops_confirmed(d->ops, message);
}

static void
on_evicted(const struct report *report, enum vacuum_reason reason, void *userdata)
{
	struct supportd *d = userdata;
	struct log_field field = { "SUPPORTD_REPORT", report->id };
	const char *why = vacuum_reason_to_string(reason);

	log_event(
	    MSGID_EVICTED, LOG_INFO, &field, 1, "Report '%s' is removed: %s", report->id, why);
	if (d->ops)
		ops_report_deleted(d->ops, report->id, why);
}

static void
on_run_event(const struct run_event *event, void *userdata)
{
	struct supportd *d = userdata;

	intake_on_run_event(d->intake, event);
	update_status(d);
}

static void
on_state(const char *unit, const struct unit_snapshot *snapshot, void *userdata)
{
	struct supportd *d = userdata;

	intake_on_state(d->intake, unit, snapshot);
	recorder_on_state(d->recorder, unit, snapshot);
}

static void
on_watch_ready(void *userdata)
{
	struct supportd *d = userdata;

	if (!d->is_ready) {
		d->is_ready = true;
		notify_ready();
		(void)loop_timer_arm(d->inbox_timer, INBOX_DELAY_USEC);
	}
	update_status(d);
	intake_save(d->intake);
}

static void
on_inbox_timer(void *userdata)
{
	struct supportd *d = userdata;

	intake_read_inbox(d->intake);
}

static size_t
export_units(struct runtrack_state *states, size_t max, void *userdata)
{
	struct supportd *d = userdata;

	return d->watch ? unitwatch_export(d->watch, states, max) : 0;
}

static int
start_watch(struct supportd *d, const struct runtrack_state *states, size_t n_states)
{
	static const struct unitwatch_handlers handlers = {
		.on_run_event = on_run_event,
		.on_ready = on_watch_ready,
		.on_state = on_state,
	};
	_cleanup_(strv_freep) char **units = NULL;
	int r;

	r = settings_watched(d->settings, &units);
	if (r >= 0)
		r = unitwatch_start(
		    d->busloop, (const char *const *)units, &handlers, d, &d->watch);
	if (r < 0)
		return r;
	unitwatch_import(d->watch, states, n_states);
	return 0;
}

static bool
same_units(char *const *a, char *const *b)
{
	size_t n = strv_length(a);

	if (n != strv_length(b))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!streq(a[i], b[i]))
			return false;
	return true;
}

/* Watches the units of the new settings; what is known of those that stay is kept. */
static void
restart_watch(struct supportd *d)
{
	struct runtrack_state states[WATCHED_UNITS_MAX];
	size_t n = unitwatch_export(d->watch, states, WATCHED_UNITS_MAX);
	int r;

	unitwatch_stop(TAKE_PTR(d->watch));
	r = start_watch(d, states, n < WATCHED_UNITS_MAX ? n : WATCHED_UNITS_MAX);
	if (r < 0) {
		/* Not watching is what we exist to prevent: the service manager starts us
		 * again. */
		(void)log_error_errno(r, "Cannot watch the new units, ending: %m");
		loop_exit(d->loop, EXIT_FAILURE);
	}
}

static void
configure_recorder(struct supportd *d)
{
	int r;

	r = recorder_configure(d->recorder, d->settings);
	if (r < 0)
		(void)log_warning_errno(r, "Cannot record, reports have no history: %m");
}

static void
apply_settings(struct supportd *d)
{
	configure_recorder(d);
	server_set_limits(d->server, d->settings->max_connections,
	    d->settings->max_connections_per_user, d->settings->idle_timeout_usec);
	d->backend.settings = d->settings;
}

static void
reload(struct supportd *d)
{
	_cleanup_(settings_freep) struct settings *old = NULL;
	struct settings *settings;
	int problems;

	notify_reloading();
	problems = settings_load(d->options.config_file, on_problem, NULL, &settings);
	if (problems != 0) {
		if (problems > 0)
			settings_free(settings);
		log_warning("The new configuration has mistakes, keeping the old one");
	} else {
		bool same = same_units(settings->units, d->settings->units) &&
		    same_units(settings->neighbours, d->settings->neighbours);

		old = d->settings;
		d->settings = settings;
		apply_settings(d);
		intake_configure(d->intake, settings, same);
		if (!same)
			restart_watch(d);
		log_info("Configuration reloaded");
	}
	notify_ready();
	update_status(d);
}

static void
on_signal(int signo, void *userdata)
{
	struct supportd *d = userdata;

	if (signo == SIGHUP) {
		reload(d);
		return;
	}
	log_info("Stopping on SIG%s", sigabbrev_np(signo));
	notify_stopping();
	loop_exit(d->loop, 0);
}

static int
add_signals(struct supportd *d)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	int r;

	for (size_t i = 0; i < ELEMENTSOF(signals); i++) {
		r = loop_add_signal(d->loop, signals[i], on_signal, d);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The socket that systemd passed, or our own when we were started by hand. */
static int
listen_socket(struct supportd *d, struct fault *reterr)
{
	int n = sd_listen_fds(true);
	int r;

	if (n < 0)
		return fault_set(reterr, n, "cannot take the sockets of systemd: %m");
	for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + n; fd++) {
		if (sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) <= 0) {
			log_warning(
			    "Descriptor %d of systemd is no listening stream socket, ignoring",
			    fd);
			(void)close_fd(fd);
			continue;
		}
		return server_listen_fd(d->server, fd);
	}
	r = server_listen_path(d->server, d->options.socket_path);
	if (r < 0)
		return fault_set(
		    reterr, r, "cannot make the socket '%s': %m", d->options.socket_path);
	return 0;
}

static int
start_server(struct supportd *d, struct fault *reterr)
{
	struct server_options options = {
		.group = SUPPORT_GROUP,
		.clients_max = d->settings->max_connections,
		.clients_per_uid_max = d->settings->max_connections_per_user,
		.idle_usec = d->settings->idle_timeout_usec,
	};
	int r;

	r = ops_new(&backend_ops, &d->backend, &d->ops);
	if (r < 0)
		return fault_set(reterr, r, "%m");
	options.methods = ops_methods(&options.n_methods);
	options.userdata = d->ops;
	r = server_new(d->loop, &options, &d->server);
	if (r < 0)
		return fault_set(reterr, r, "cannot make the server: %m");
	return listen_socket(d, reterr);
}

static int
start_intake(struct supportd *d)
{
	static const struct intake_handlers handlers = {
		.on_suppressed = on_suppressed,
		.on_confirmed = on_confirmed,
		.on_evicted = on_evicted,
	};
	int r;

	r = scheduler_new(d->spool, d->busloop, on_capture, d, &d->scheduler);
	if (r < 0)
		return r;
	/* First the queue, then the intake: it remembers the ends that are in the queue. */
	r = scheduler_recover(d->scheduler);
	if (r < 0)
		return r;
	r = intake_new(d->loop, d->spool, d->scheduler, d->settings, &handlers, d, &d->intake);
	if (r >= 0)
		r = submit_spare_machine(intake_submit(d->intake), "/");
	if (r < 0)
		return r;
	intake_set_export(d->intake, export_units, d);
	d->backend = (struct backend){
		.intake = d->intake,
		.scheduler = d->scheduler,
		.spool = d->spool,
		.settings = d->settings,
		.busloop = d->busloop,
		.started_usec = clock_realtime_usec(),
	};
	return 0;
}

static int
start_recorder(struct supportd *d)
{
	int r;

	r = recorder_new(d->loop, "/", spool_state_fd(d->spool), &d->recorder);
	if (r < 0)
		return r;
	configure_recorder(d);
	r = recorder_load(d->recorder);
	if (r < 0)
		(void)log_warning_errno(
		    r, "Cannot read all of the saved history, going on without: %m");
	submit_set_recorder(intake_submit(d->intake), d->recorder);
	return 0;
}

static int
start_loop(struct supportd *d)
{
	int r;

	r = loop_new(&d->loop);
	if (r < 0)
		return r;
	r = add_signals(d);
	if (r < 0)
		return r;
	r = loop_timer_new(d->loop, LOOP_PRIORITY_IDLE, on_inbox_timer, d, &d->inbox_timer);
	if (r < 0)
		return r;
	r = notify_watchdog_start(d->loop, &d->watchdog);
	if (r < 0)
		return r;
	return busloop_new(d->loop, &d->busloop);
}

int
supportd_new(
    const struct supportd_options *options, struct supportd **ret, struct fault *reterr)
{
	_cleanup_(supportd_freep) struct supportd *d = calloc(1, sizeof(*d));
	const struct runtrack_state *states;
	size_t n_states;
	int r;

	if (!d)
		return fault_set(reterr, -ENOMEM, "%m");
	d->options = *options;
	/* Mistakes are logged and the defaults used: a support daemon must start. */
	r = settings_load(options->config_file, on_problem, NULL, &d->settings);
	if (r < 0)
		return fault_set(reterr, r, "cannot read the configuration: %m");
	r = spool_open(options->state_dir, &d->spool, reterr);
	if (r < 0)
		return r;
	r = start_loop(d);
	if (r < 0)
		return fault_set(reterr, r, "cannot make the event loop: %m");
	r = start_intake(d);
	if (r < 0)
		return fault_set(reterr, r, "cannot take up the spool: %m");
	r = start_recorder(d);
	if (r < 0)
		return fault_set(reterr, r, "cannot start the recorder: %m");
	r = start_server(d, reterr);
	if (r < 0)
		return r;
	states = intake_saved_units(d->intake, &n_states);
	r = start_watch(d, states, n_states);
	if (r < 0)
		return fault_set(reterr, r, "cannot watch the units: %m");
	submit_vacuum(intake_submit(d->intake));
	*ret = TAKE_PTR(d);
	return 0;
}

void
supportd_free(struct supportd *d)
{
	if (!d)
		return;
	if (d->watch)
		unitwatch_stop(d->watch);
	if (d->server)
		server_free(d->server);
	if (d->ops)
		ops_free(d->ops);
	if (d->intake)
		intake_free(d->intake);
	if (d->recorder)
		recorder_free(d->recorder);
	if (d->scheduler)
		scheduler_free(d->scheduler);
	if (d->busloop)
		busloop_free(d->busloop);
	if (d->watchdog)
		notify_watchdog_stop(d->watchdog);
	if (d->inbox_timer)
		loop_timer_free(d->inbox_timer);
	if (d->loop)
		loop_free(d->loop);
	spool_close(d->spool);
	settings_free(d->settings);
	free(d);
}

static void
save_history(struct supportd *d)
{
	int r;

	r = recorder_save(d->recorder);
	if (r < 0)
		(void)log_warning_errno(r, "Cannot save the history, ignoring: %m");
}

int
supportd_run(struct supportd *d)
{
	int r;

	r = loop_run(d->loop);
	if (d->watch)
		intake_save(d->intake);
	save_history(d);
	return r;
}
