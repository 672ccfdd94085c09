/* SPDX-License-Identifier: Apache-2.0 */

/* A capture's unit is Type=oneshot: its start job lasts as long as the capture, and JobRemoved
 * is its end. That is told also to who did not start the job, so a capture that an earlier
 * instance of the daemon started is followed in the same way.
 *
 * Two things need a look at the unit itself: JobRemoved(canceled) (somebody stopped the unit,
 * which now salvages what it has and has a stop job for that) and a bus that was away. The
 * unit is over when it is inactive or failed *and* has no job. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "daemon/busloop.h"
#include "daemon/launcher.h"
#include "daemon/loop.h"
#include "daemon/unitprops.h"
#include "lib/log.h"
#include "lib/reportid.h"
#include "lib/text.h"

#define LOG_DOMAIN "launcher"

#define MANAGER_NAME	  "org.freedesktop.systemd1"
#define MANAGER_PATH	  "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"
#define UNIT_INTERFACE	  "org.freedesktop.systemd1.Unit"

/* A look at a unit that failed is repeated after this. */
#define LAUNCHER_RETRY_USEC UINT64_C(5000000)

struct capture {
	struct launcher *launcher; /* borrowed: owns us */
	TAILQ_ENTRY(capture) link;
	char id[REPORT_ID_BYTES];
	char unit[UNIT_NAME_BYTES];
	char *path;		       /* owned */
	char result[STATE_NAME_BYTES]; /* of the first job that was removed; "" none yet */
	sd_bus_slot *removed;	       /* owned */
	sd_bus_slot *call;	       /* owned: StartUnit or a look; one at a time */
	bool must_look;		       /* whether it runs is not known */
};

struct launcher {
	struct busloop *busloop; /* borrowed: outlives us */
	struct busloop_listener listener;
	struct loop_timer *retry; /* owned */
	launcher_end_fn on_end;
	void *userdata; /* borrowed */
	TAILQ_HEAD(, capture) captures;
};

static void
drop_slots(struct capture *c)
{
	sd_bus_slot_unref(TAKE_PTR(c->removed));
	sd_bus_slot_unref(TAKE_PTR(c->call));
}

static void
capture_free(struct capture *c)
{
	if (!c)
		return;
	drop_slots(c);
	free(c->path);
	free(c);
}
DEFINE_CLEANUP(struct capture *, capture_free);

static void
end_capture(struct capture *c, const char *result)
{
	struct launcher *l = c->launcher;
	char job_result[STATE_NAME_BYTES];
	char id[REPORT_ID_BYTES];

	text_copy(job_result, sizeof(job_result), c->result[0] != '\0' ? c->result : result);
	text_copy(id, sizeof(id), c->id);
	TAILQ_REMOVE(&l->captures, c, link);
	capture_free(c);
	log_debug("Capture of report '%s' ended: %s", id, job_result);
	l->on_end(id, job_result, l->userdata);
}

static void
look_later(struct capture *c)
{
	c->must_look = true;
	(void)loop_timer_arm(c->launcher->retry, LAUNCHER_RETRY_USEC);
}

static int
on_look(sd_bus_message *m, void *userdata, sd_bus_error *reterr)
{
	struct unit_snapshot snapshot = { 0 };
	struct capture *c = userdata;
	int r;

	(void)reterr;
	sd_bus_slot_unref(TAKE_PTR(c->call));
	r = busloop_reply_errno(m);
	if (r >= 0)
		r = unitprops_read(m, &snapshot);
	if (r < 0) {
		if (busloop_is_connected(c->launcher->busloop))
			(void)log_warning_errno(
			    r, "Cannot ask for the state of '%s', will retry: %m", c->unit);
		look_later(c);
		return 0;
	}
	c->must_look = false;
	if (snapshot.job_id != 0)
		return 0; /* JobRemoved follows */
	if (streq(snapshot.active_state, "inactive") || streq(snapshot.active_state, "failed"))
		end_capture(c, LAUNCHER_RESULT_GONE);
	else
		look_later(c);
	return 0;
}

static int
look(struct capture *c)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	sd_bus *bus = busloop_bus(c->launcher->busloop);
	int r;

	c->must_look = true;
	sd_bus_slot_unref(TAKE_PTR(c->call));
	if (!bus)
		return -ENOTCONN;
	r = sd_bus_message_new_method_call(
	    bus, &m, MANAGER_NAME, c->path, "org.freedesktop.DBus.Properties", "GetAll");
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "s", UNIT_INTERFACE);
	if (r < 0)
		return r;
	return busloop_call(c->launcher->busloop, m, on_look, c, &c->call);
}

static void
look_or_retry(struct capture *c)
{
	if (look(c) < 0)
		look_later(c);
}

static int
on_removed(sd_bus_message *m, void *userdata, sd_bus_error *reterr)
{
	struct capture *c = userdata;
	const char *result;
	const char *unit;

	(void)reterr;
	if (sd_bus_message_read(m, "uoss", NULL, NULL, &unit, &result) < 0 ||
	    !streq(unit, c->unit))
		return 0;
	if (c->result[0] == '\0')
		text_copy(c->result, sizeof(c->result), result);
	/* These two are said when the unit has come to rest. */
	if (streq(result, "done") || streq(result, "failed"))
		end_capture(c, result);
	else
		look_or_retry(c);
	return 0;
}

/* Not with arg2=, the unit's name: sd-bus compares no argument behind one that is no string,
 * and the first is a number. So while a capture runs, and only then, each job is told. */
static int
match_removed(struct capture *c)
{
	return busloop_match(c->launcher->busloop,
	    "type='signal',sender='" MANAGER_NAME "',path='" MANAGER_PATH
	    "',interface='" MANAGER_INTERFACE "',member='JobRemoved'",
	    on_removed, c, &c->removed);
}

static int
on_started(sd_bus_message *m, void *userdata, sd_bus_error *reterr)
{
	struct capture *c = userdata;
	int r;

	(void)reterr;
	sd_bus_slot_unref(TAKE_PTR(c->call));
	r = busloop_reply_errno(m);
	if (r >= 0)
		return 0;
	if (!busloop_is_connected(c->launcher->busloop))
		return 0; /* looked at when the bus is back */
	if (r == -ETIMEDOUT) {
		look_or_retry(c);
		return 0;
	}
	(void)log_error_errno(r, "Cannot start '%s', no capture of report '%s': %s", c->unit,
	    c->id, sd_bus_message_get_error(m)->message);
	end_capture(c, LAUNCHER_RESULT_REFUSED);
	return 0;
}

/* The mode is "fail": a capture never pushes another job aside. With "replace" its implicit
 * Conflicts=shutdown.target would try to cancel a shutdown. */
static int
send_start(struct capture *c)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	sd_bus *bus = busloop_bus(c->launcher->busloop);
	int r;

	if (!bus)
		return -ENOTCONN;
	r = match_removed(c);
	if (r < 0)
		return r;
	r = sd_bus_message_new_method_call(
	    bus, &m, MANAGER_NAME, MANAGER_PATH, MANAGER_INTERFACE, "StartUnit");
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "ss", c->unit, "fail");
	if (r < 0)
		return r;
	return busloop_call(c->launcher->busloop, m, on_started, c, &c->call);
}

static struct capture *
find_capture(const struct launcher *l, const char *id)
{
	struct capture *c;

	TAILQ_FOREACH (c, &l->captures, link)
		if (streq(c->id, id))
			return c;
	return NULL;
}

static int
capture_new(struct launcher *l, const char *id, struct capture **ret)
{
	_cleanup_(capture_freep) struct capture *c = NULL;
	int r;

	if (!report_id_is_valid(id))
		return -EINVAL;
	if (find_capture(l, id))
		return -EALREADY;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->launcher = l;
	text_copy(c->id, sizeof(c->id), id);
	(void)snprintf(c->unit, sizeof(c->unit), "microshift-support-capture@%s.service", id);
	r = sd_bus_path_encode(UNITPROPS_PATH_PREFIX, c->unit, &c->path);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(c);
	return 0;
}

int
launcher_start(struct launcher *l, const char *id)
{
	_cleanup_(capture_freep) struct capture *c = NULL;
	int r;

	r = capture_new(l, id, &c);
	if (r < 0)
		return r;
	r = send_start(c);
	if (r < 0)
		return r;
	TAILQ_INSERT_TAIL(&l->captures, c, link);
	(void)TAKE_PTR(c);
	return 0;
}

int
launcher_adopt(struct launcher *l, const char *id)
{
	_cleanup_(capture_freep) struct capture *c = NULL;
	int r;

	r = capture_new(l, id, &c);
	if (r < 0)
		return r;
	c->must_look = true;
	if (busloop_is_connected(l->busloop)) {
		r = match_removed(c);
		if (r < 0)
			return r;
		r = look(c);
		if (r < 0)
			return r;
	}
	TAILQ_INSERT_TAIL(&l->captures, c, link);
	(void)TAKE_PTR(c);
	return 0;
}

static int
on_stopped(sd_bus_message *m, void *userdata, sd_bus_error *reterr)
{
	int r = busloop_reply_errno(m);

	(void)userdata;
	(void)reterr;
	if (r < 0)
		(void)log_warning_errno(r, "Cannot stop a capture, it goes on: %m");
	return 0;
}

int
launcher_cancel(struct launcher *l, const char *id)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	struct capture *c = find_capture(l, id);
	sd_bus *bus = busloop_bus(l->busloop);
	int r;

	if (!c)
		return -ENOENT;
	if (!bus)
		return -ENOTCONN;
	r = sd_bus_message_new_method_call(
	    bus, &m, MANAGER_NAME, MANAGER_PATH, MANAGER_INTERFACE, "StopUnit");
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "ss", c->unit, "replace");
	if (r < 0)
		return r;
	return busloop_call(l->busloop, m, on_stopped, NULL, NULL);
}

size_t
launcher_count(const struct launcher *l)
{
	const struct capture *c;
	size_t n = 0;

	TAILQ_FOREACH (c, &l->captures, link)
		n++;
	return n;
}

static void
on_retry(void *userdata)
{
	struct launcher *l = userdata;
	struct capture *c;

	if (!busloop_is_connected(l->busloop))
		return;
	TAILQ_FOREACH (c, &l->captures, link)
		if (c->must_look && !c->call)
			look_or_retry(c);
}

static void
on_connected(void *userdata)
{
	struct launcher *l = userdata;
	struct capture *c;
	int r;

	TAILQ_FOREACH (c, &l->captures, link) {
		r = match_removed(c);
		if (r < 0)
			(void)log_warning_errno(
			    r, "Cannot listen for the end of '%s': %m", c->unit);
		look_or_retry(c);
	}
}

static void
on_disconnected(void *userdata)
{
	struct launcher *l = userdata;
	struct capture *c;

	TAILQ_FOREACH (c, &l->captures, link) {
		drop_slots(c);
		c->must_look = true;
	}
}

int
launcher_new(
    struct busloop *busloop, launcher_end_fn on_end, void *userdata, struct launcher **ret)
{
	struct launcher *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	TAILQ_INIT(&l->captures);
	l->busloop = busloop;
	l->on_end = on_end;
	l->userdata = userdata;
	l->listener = (struct busloop_listener){
		.on_connected = on_connected,
		.on_disconnected = on_disconnected,
		.userdata = l,
	};
	r = loop_timer_new(busloop_loop(busloop), LOOP_PRIORITY_BUS, on_retry, l, &l->retry);
	if (r < 0) {
		free(l);
		return r;
	}
	busloop_add_listener(busloop, &l->listener);
	*ret = l;
	return 0;
}

void
launcher_free(struct launcher *l)
{
	struct capture *c;

	if (!l)
		return;
	busloop_remove_listener(l->busloop, &l->listener);
	while ((c = TAILQ_FIRST(&l->captures))) {
		TAILQ_REMOVE(&l->captures, c, link);
		capture_free(c);
	}
	loop_timer_free(l->retry);
	free(l);
}
