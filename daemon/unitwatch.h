/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Watches units over D-Bus and tells about their runs; see runtrack.h for what a run is.
 *
 * Holds over daemon-reload, daemon-reexec, a dbus restart, and units that are installed or
 * removed while we watch. */

#include <stddef.h>

#include "daemon/runtrack.h"
#include "lib/cleanup.h"

struct busloop;
struct unitwatch;

/* A read that failed is repeated after this. */
#define UNITWATCH_RETRY_USEC UINT64_C(5000000)

struct unitwatch_handlers {
	/* A run started, became ready, ended, or the unit failed for good. */
	void (*on_run_event)(const struct run_event *event, void *userdata);
	/* All units were read for the first time: from now on nothing is missed. */
	void (*on_ready)(void *userdata);
	/* The state of UNIT as of now, whenever something in it changed. May be NULL. */
	void (*on_state)(
	    const char *unit, const struct unit_snapshot *snapshot, void *userdata);
};

/* Watches the NULL-terminated list UNITS (names of services and scopes). HANDLERS is copied.
 * The first handler is called from the loop, never from here. Returns 0, -EINVAL for a bad unit
 * name, -ENOMEM. */
int unitwatch_start(struct busloop *busloop, const char *const *units,
    const struct unitwatch_handlers *handlers, void *userdata, struct unitwatch **ret);
void unitwatch_stop(struct unitwatch *watch);
DEFINE_CLEANUP(struct unitwatch *, unitwatch_stop);

/* What is known of each unit, to be saved: writes up to MAX states, returns how many units
 * there are. */
size_t unitwatch_export(
    const struct unitwatch *watch, struct runtrack_state *states, size_t max);

/* Goes on from what an earlier instance saved; an end that was missed in between is then told.
 * Call right after unitwatch_start(). States of other units or another boot are left out. */
void unitwatch_import(
    struct unitwatch *watch, const struct runtrack_state *states, size_t n_states);
