/* SPDX-License-Identifier: Apache-2.0 */

/* What is listened to, and why no more:
 *  - PropertiesChanged of the unit's own path. PID 1 sends the Service or Scope part first,
 *    then the Unit part, each with all values: the first is kept, the second decides. A path
 * need not be loaded to be listened to, so a unit that is installed and started later is seen.
 *  - Reloading(false) and a new owner of org.freedesktop.systemd1 (daemon-reexec): what changed
 *    meanwhile was not told, so everything is read again.
 *  - UnitNew of the unit, once after each daemon-reload: until then PID 1 does not tell of the
 *    unit's changes, the message itself has no values, and it may come later than our read.
 *    Never else: to read a unit that is not loaded loads it, which is told with UnitNew, which
 *    with two who read in reaction never ends.
 * Not listened to: JobNew and JobRemoved (the Job property is in the Unit part), UnitRemoved
 * and UnitFilesChanged (files change no run; whatever makes them count is a reload or a start).
 *
 * The unit is not pinned with Ref(): that takes CAP_SYS_ADMIN, and all that is needed of a unit
 * that may vanish is in the signals.
 *
 * While a read is under way signals are dropped: what they say is older than the answer. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-id128.h>

#include "daemon/busloop.h"
#include "daemon/loop.h"
#include "daemon/unitprops.h"
#include "daemon/unitwatch.h"
#include "lib/log.h"
#include "lib/text.h"
#include "lib/unitname.h"

#define LOG_DOMAIN "unitwatch"

#define MANAGER_NAME	   "org.freedesktop.systemd1"
#define MANAGER_PATH	   "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE  "org.freedesktop.systemd1.Manager"
#define UNIT_INTERFACE	   "org.freedesktop.systemd1.Unit"
#define SERVICE_INTERFACE  "org.freedesktop.systemd1.Service"
#define SCOPE_INTERFACE	   "org.freedesktop.systemd1.Scope"
#define ALREADY_SUBSCRIBED "org.freedesktop.systemd1.AlreadySubscribed"

struct watched {
	struct unitwatch *watch; /* borrowed: owns us */
	char *path;		 /* owned */
	struct runtrack rt;
	struct unit_snapshot snapshot; /* as far as it has been told */
	struct loop_timer *settle;     /* owned */
	sd_bus_slot *changed;	       /* owned */
	sd_bus_slot *unit_new;	       /* owned */
	sd_bus_slot *read;	       /* owned */
	bool is_current;	       /* the snapshot is, and signals continue it */
	bool was_read;		       /* at least once */
	bool awaits_unit_new;
};

struct unitwatch {
	struct busloop *busloop; /* borrowed: outlives us */
	struct busloop_listener listener;
	struct unitwatch_handlers handlers;
	void *userdata;	       /* borrowed */
	struct watched *units; /* owned */
	size_t n_units;
	sd_bus_slot *reloading;	  /* owned */
	sd_bus_slot *owner;	  /* owned */
	sd_bus_slot *subscribe;	  /* owned */
	struct loop_timer *retry; /* owned */
	bool is_listening;
	bool is_subscribed;
	bool is_ready;
};

static sd_bus_slot *
drop_slot(sd_bus_slot *slot)
{
	return sd_bus_slot_unref(slot);
}

static void
tell_events(struct watched *u, const struct run_event *events, size_t n)
{
	for (size_t i = 0; i < n; i++)
		u->watch->handlers.on_run_event(&events[i], u->watch->userdata);
}

static void
on_settle(void *userdata)
{
	struct watched *u = userdata;
	struct run_event events[RUNTRACK_EVENTS_MAX];

	tell_events(u, events, runtrack_settle(&u->rt, events));
}

/* The snapshot is complete. */
static void
take_snapshot(struct watched *u)
{
	struct unitwatch *w = u->watch;
	struct run_event events[RUNTRACK_EVENTS_MAX];
	bool is_changed = memcmp(&u->snapshot, &u->rt.last, sizeof(u->snapshot)) != 0;
	size_t n;

	n = runtrack_feed(&u->rt, &u->snapshot, events);
	(void)loop_timer_arm(
	    u->settle, runtrack_is_unsettled(&u->rt) ? RUNTRACK_SETTLE_USEC : UINT64_MAX);
	tell_events(u, events, n);
	if (is_changed && w->handlers.on_state)
		w->handlers.on_state(u->rt.state.unit, &u->snapshot, w->userdata);
}

static void
check_ready(struct unitwatch *w)
{
	if (w->is_ready || !w->is_subscribed)
		return;
	for (size_t i = 0; i < w->n_units; i++)
		if (!w->units[i].was_read)
			return;
	w->is_ready = true;
	w->handlers.on_ready(w->userdata);
}

static void
retry_later(struct unitwatch *w, int error, const char *what)
{
	(void)log_warning_errno(error, "Cannot %s, will retry in %u s: %m", what,
	    (unsigned)(UNITWATCH_RETRY_USEC / UINT64_C(1000000)));
	(void)loop_timer_arm(w->retry, UNITWATCH_RETRY_USEC);
}

static int
on_read(sd_bus_message *m, void *userdata, sd_bus_error *reterr)
{
	struct watched *u = userdata;
	struct unit_snapshot snapshot = { .resync = true };
	int r;

	(void)reterr;
	u->read = drop_slot(u->read);
	r = busloop_reply_errno(m);
	if (r >= 0)
		r = unitprops_read(m, &snapshot);
	if (r >= 0 && snapshot.active_state[0] == '\0')
		r = -EBADMSG;
	if (r < 0) {
		if (busloop_is_connected(u->watch->busloop))
			retry_later(u->watch, r, "read the state of a unit");
		return 0;
	}
	u->snapshot = snapshot;
	u->is_current = true;
	u->was_read = true;
	take_snapshot(u);
	check_ready(u->watch);
	return 0;
}

/* All properties of all interfaces in one answer, so that they belong together. */
static int
send_read(struct watched *u)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	sd_bus *bus = busloop_bus(u->watch->busloop);
	int r;

	if (!bus)
		return -ENOTCONN;
	r = sd_bus_message_new_method_call(
	    bus, &m, MANAGER_NAME, u->path, "org.freedesktop.DBus.Properties", "GetAll");
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "s", "");
	if (r < 0)
		return r;
	return busloop_call(u->watch->busloop, m, on_read, u, &u->read);
}

static void
read_unit(struct watched *u)
{
	int r;

	u->is_current = false;
	u->read = drop_slot(u->read);
	r = send_read(u);
	if (r < 0 && r != -ENOTCONN)
		retry_later(u->watch, r, "ask for the state of a unit");
}

static void
read_all(struct unitwatch *w)
{
	for (size_t i = 0; i < w->n_units; i++)
		read_unit(&w->units[i]);
}

static int
on_subscribed(sd_bus_message *m, void *userdata, sd_bus_error *reterr)
{
	struct unitwatch *w = userdata;
	int r;

	(void)reterr;
	w->subscribe = drop_slot(w->subscribe);
	r = busloop_reply_errno(m);
	if (r < 0 && !sd_bus_message_is_method_error(m, ALREADY_SUBSCRIBED)) {
		if (busloop_is_connected(w->busloop))
			retry_later(w, r, "subscribe to the signals of the service manager");
		return 0;
	}
	w->is_subscribed = true;
	check_ready(w);
	return 0;
}

/* Without any subscriber PID 1 sends no signals at all. */
static void
subscribe(struct unitwatch *w)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	sd_bus *bus = busloop_bus(w->busloop);
	int r;

	if (!bus)
		return;
	w->is_subscribed = false;
	w->subscribe = drop_slot(w->subscribe);
	r = sd_bus_message_new_method_call(
	    bus, &m, MANAGER_NAME, MANAGER_PATH, MANAGER_INTERFACE, "Subscribe");
	if (r >= 0)
		r = busloop_call(w->busloop, m, on_subscribed, w, &w->subscribe);
	if (r < 0 && r != -ENOTCONN)
		retry_later(w, r, "subscribe to the signals of the service manager");
}

static void
on_retry(void *userdata)
{
	struct unitwatch *w = userdata;

	if (!w->is_subscribed)
		subscribe(w);
	for (size_t i = 0; i < w->n_units; i++)
		if (!w->units[i].is_current && !w->units[i].read)
			read_unit(&w->units[i]);
}

static int
on_changed(sd_bus_message *m, void *userdata, sd_bus_error *reterr)
{
	struct watched *u = userdata;
	const char *interface;
	bool is_unit;
	int r;

	(void)reterr;
	if (!u->is_current)
		return 0;
	r = sd_bus_message_read_basic(m, 's', &interface);
	if (r < 0)
		return 0;
	is_unit = streq(interface, UNIT_INTERFACE);
	if (!is_unit && !streq(interface, SERVICE_INTERFACE) &&
	    !streq(interface, SCOPE_INTERFACE))
		return 0;
	r = unitprops_read(m, &u->snapshot);
	if (r < 0) {
		(void)log_debug_errno(
		    r, "Odd signal about '%s', reading it again: %m", u->rt.state.unit);
		read_unit(u);
		return 0;
	}
	u->snapshot.resync = false;
	if (is_unit)
		take_snapshot(u);
	return 0;
}

static int
on_unit_new(sd_bus_message *m, void *userdata, sd_bus_error *reterr)
{
	struct watched *u = userdata;

	(void)m;
	(void)reterr;
	if (!u->awaits_unit_new)
		return 0;
	u->awaits_unit_new = false;
	read_unit(u);
	return 0;
}

static int
on_reloading(sd_bus_message *m, void *userdata, sd_bus_error *reterr)
{
	struct unitwatch *w = userdata;
	int is_begin;

	(void)reterr;
	if (sd_bus_message_read_basic(m, 'b', &is_begin) < 0 || is_begin)
		return 0;
	for (size_t i = 0; i < w->n_units; i++)
		w->units[i].awaits_unit_new = true;
	read_all(w);
	return 0;
}

static int
on_owner_changed(sd_bus_message *m, void *userdata, sd_bus_error *reterr)
{
	struct unitwatch *w = userdata;
	const char *owner;

	(void)reterr;
	if (sd_bus_message_read(m, "sss", NULL, NULL, &owner) < 0 || owner[0] == '\0')
		return 0;
	log_debug("The service manager is back on the bus");
	subscribe(w);
	read_all(w);
	return 0;
}

static int
match_unit(struct watched *u)
{
	_cleanup_free_ char *changed = NULL;
	_cleanup_free_ char *unit_new = NULL;
	int r;

	changed = text_format("type='signal',sender='" MANAGER_NAME "',path='%s',"
			      "interface='org.freedesktop.DBus.Properties',"
			      "member='PropertiesChanged'",
	    u->path);
	unit_new = text_format("type='signal',sender='" MANAGER_NAME "',path='" MANAGER_PATH
			       "',interface='" MANAGER_INTERFACE "',member='UnitNew',arg0='%s'",
	    u->rt.state.unit);
	if (!changed || !unit_new)
		return -ENOMEM;
	r = busloop_match(u->watch->busloop, changed, on_changed, u, &u->changed);
	if (r < 0)
		return r;
	return busloop_match(u->watch->busloop, unit_new, on_unit_new, u, &u->unit_new);
}

static int
match_all(struct unitwatch *w)
{
	int r;

	r = busloop_match(w->busloop,
	    "type='signal',sender='" MANAGER_NAME "',path='" MANAGER_PATH
	    "',interface='" MANAGER_INTERFACE "',member='Reloading'",
	    on_reloading, w, &w->reloading);
	if (r < 0)
		return r;
	r = busloop_match(w->busloop,
	    "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
	    "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" MANAGER_NAME
	    "'",
	    on_owner_changed, w, &w->owner);
	for (size_t i = 0; r >= 0 && i < w->n_units; i++)
		r = match_unit(&w->units[i]);
	return r;
}

static void
drop_slots(struct unitwatch *w)
{
	w->reloading = drop_slot(w->reloading);
	w->owner = drop_slot(w->owner);
	w->subscribe = drop_slot(w->subscribe);
	for (size_t i = 0; i < w->n_units; i++) {
		struct watched *u = &w->units[i];

		u->changed = drop_slot(u->changed);
		u->unit_new = drop_slot(u->unit_new);
		u->read = drop_slot(u->read);
	}
}

/* First the matches, then Subscribe, then the reads: the bus keeps the order, so nothing can
 * happen in between unseen. */
static void
on_connected(void *userdata)
{
	struct unitwatch *w = userdata;
	int r;

	r = match_all(w);
	if (r < 0)
		(void)log_warning_errno(
		    r, "Cannot listen to the service manager, going on without signals: %m");
	subscribe(w);
	read_all(w);
}

static void
on_disconnected(void *userdata)
{
	struct unitwatch *w = userdata;

	drop_slots(w);
	loop_timer_disarm(w->retry);
	w->is_subscribed = false;
	for (size_t i = 0; i < w->n_units; i++)
		w->units[i].is_current = false;
}

/* systemd's rules for unit names; they also make the name safe within a match rule. */
static bool
is_watchable(const char *name)
{
	static const char valid[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789:-_.\\@";
	size_t n = strlen(name);

	return n < UNIT_NAME_BYTES && strspn(name, valid) == n && name[0] != '.' &&
	    unit_name_has_runs(name);
}

static int
init_unit(struct unitwatch *w, struct watched *u, const char *name, const char *boot_id)
{
	int r;

	if (!is_watchable(name))
		return -EINVAL;
	u->watch = w;
	runtrack_init(&u->rt, name, boot_id);
	r = sd_bus_path_encode(UNITPROPS_PATH_PREFIX, name, &u->path);
	if (r < 0)
		return r;
	/* Behind the bus, which may have the answer already. */
	return loop_timer_new(
	    busloop_loop(w->busloop), LOOP_PRIORITY_CLIENT, on_settle, u, &u->settle);
}

static int
init_units(struct unitwatch *w, const char *const *names)
{
	char boot_id[ID128_BYTES] = "";
	sd_id128_t id;
	size_t n = 0;
	int r;

	while (names[n])
		n++;
	w->units = calloc(n > 0 ? n : 1, sizeof(*w->units));
	if (!w->units)
		return -ENOMEM;
	if (sd_id128_get_boot(&id) >= 0)
		(void)sd_id128_to_string(id, boot_id);
	for (size_t i = 0; i < n; i++) {
		w->n_units++;
		r = init_unit(w, &w->units[i], names[i], boot_id);
		if (r < 0)
			return r;
	}
	return 0;
}

int
unitwatch_start(struct busloop *busloop, const char *const *units,
    const struct unitwatch_handlers *handlers, void *userdata, struct unitwatch **ret)
{
	_cleanup_(unitwatch_stopp) struct unitwatch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->busloop = busloop;
	w->handlers = *handlers;
	w->userdata = userdata;
	w->listener = (struct busloop_listener){
		.on_connected = on_connected,
		.on_disconnected = on_disconnected,
		.userdata = w,
	};
	r = init_units(w, units);
	if (r >= 0)
		r = loop_timer_new(
		    busloop_loop(busloop), LOOP_PRIORITY_BUS, on_retry, w, &w->retry);
	if (r < 0)
		return r;
	w->is_listening = true;
	busloop_add_listener(busloop, &w->listener);
	*ret = TAKE_PTR(w);
	return 0;
}

void
unitwatch_stop(struct unitwatch *w)
{
	if (!w)
		return;
	if (w->is_listening)
		busloop_remove_listener(w->busloop, &w->listener);
	drop_slots(w);
	for (size_t i = 0; i < w->n_units; i++) {
		loop_timer_free(w->units[i].settle);
		free(w->units[i].path);
	}
	loop_timer_free(w->retry);
	free(w->units);
	free(w);
}

size_t
unitwatch_export(const struct unitwatch *w, struct runtrack_state *states, size_t max)
{
	for (size_t i = 0; i < w->n_units && i < max; i++)
		states[i] = w->units[i].rt.state;
	return w->n_units;
}

void
unitwatch_import(struct unitwatch *w, const struct runtrack_state *states, size_t n_states)
{
	for (size_t i = 0; i < w->n_units; i++)
		for (size_t k = 0; k < n_states; k++)
			(void)runtrack_import(&w->units[i].rt, &states[k]);
}
