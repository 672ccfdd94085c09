/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What systemd knows about units, asked over D-Bus: every property with its exact value. The
 * text that people read is `systemctl status`, which is a declared command. */

struct collector_context;
struct fault;

/* Adds sos_commands/systemd/unit_properties_UNIT.json for each of UNITS (strv; ".service" is
 * added to names without suffix) that is not there already. Returns 0; 1 when some could not be
 * stored; -ENOTCONN when neither the bus nor systemd itself can be reached. */
int units_add(struct collector_context *ctx, char *const *units, struct fault *reterr);
