/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* As much of org.freedesktop.systemd1 as the daemon uses, on the bus that
 * DBUS_SYSTEM_BUS_ADDRESS names. It does what it is told, also what no real one does. */

#include <stdbool.h>

#include "lib/cleanup.h"

struct loop;
struct fake;
typedef struct cJSON cJSON;

/* What was asked of it. */
struct fake_calls {
	unsigned subscribe;
	unsigned read;
	unsigned start;
	unsigned stop;
	char unit[300]; /* of the last StartUnit or StopUnit */
	char mode[32];
};

/* It must not be used from within a callback of itself, and the bus must be there. */
struct fake *fake_new(struct loop *loop);
void fake_free(struct fake *fake);
DEFINE_CLEANUP(struct fake *, fake_free);

const struct fake_calls *fake_calls(const struct fake *fake);

/* Does not answer any more; or does again. */
void fake_set_mute(struct fake *fake, bool is_mute);

/* Answers StartUnit and reads with this error; NULL: does not. */
void fake_set_error(struct fake *fake, const char *name);

/* Sends a recorded signal (tests/data/signals); its properties are the unit's from then on. */
void fake_send(struct fake *fake, const char *unit, const cJSON *signal);

/* Only takes its properties over. */
void fake_learn(struct fake *fake, const char *unit, const cJSON *signal);

/* The same with JSON text of properties, silently or as signals of both interfaces:
 * {"ActiveState":["s","active"],…} */
void fake_set(struct fake *fake, const char *unit, const char *properties);
void fake_change(struct fake *fake, const char *unit, const char *properties);

void fake_send_job_removed(
    struct fake *fake, unsigned id, const char *unit, const char *result);
void fake_send_reloading(struct fake *fake, bool is_begin);
void fake_send_unit_new(struct fake *fake, const char *unit);
