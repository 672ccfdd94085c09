/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Names of systemd units, from foreign hands: a configuration, a command line, a peer. */

#include <stdbool.h>

/* systemd's UNIT_NAME_MAX is 255 characters and a NUL; a NUL more does no harm. */
#define UNIT_NAME_BYTES 257u

/* True if S can be the name of a unit (systemd.unit(5)): its characters, a prefix and a type.
 */
bool unit_name_is_valid(const char *s);

/* True if a unit of that name runs and ends, with a Result: a service or a scope. */
bool unit_name_has_runs(const char *s);
