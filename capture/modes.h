/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the program does: by hand, in its unit, after its unit. All are loud and return what the
 * process exits with (enum proto_exit). */

struct options;
struct settings;

/* --output: a report in a directory of the caller's. Takes the compression of the command line
 * into SETTINGS. */
int modes_output(const struct options *o, struct settings *settings);

/* --dry-run, --list-collectors and --check-collectors: only looks. */
int modes_inventory(const struct options *o, const struct settings *settings);

/* --id, with or without --salvage: a report in incoming/ID/ of the state directory. */
int modes_state(const struct options *o, const struct settings *settings);

/* --refresh-last-good: the copy of the cluster's state in the state directory. */
int modes_refresh(const struct options *o, const struct settings *settings);
