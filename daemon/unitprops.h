/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Properties of a unit as they come over D-Bus. */

#include "daemon/busloop.h"
#include "daemon/runtrack.h"

#define UNITPROPS_PATH_PREFIX "/org/freedesktop/systemd1/unit"

/* Reads a dictionary of properties (a{sv}) from M at its current position into SNAPSHOT;
 * members that are not in M stay as they are, properties that are not known or of another type
 * are skipped. Returns 0 or negative errno; SNAPSHOT may then be half-updated. */
int unitprops_read(sd_bus_message *m, struct unit_snapshot *snapshot);
