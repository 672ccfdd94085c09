/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The journal in the report: text as journalctl prints it, in files named as sos names them.
 *
 * A file has a budget. The newest lines are kept, and before them the first errors of the run
 * that matters: in a crash the cause is at the beginning, what it led to at the end. */

#include <stdint.h>

struct collector_context;

/* How much of the journal of a unit is taken. */
struct journal_limits {
	uint64_t unit_bytes; /* of each unit */
	uint64_t boot_bytes; /* of everything, this boot; 0 = not taken */
	uint64_t previous_boot_bytes;
	uint64_t kernel_bytes;
	uint64_t max_entries; /* of each file; 0 = any */
	unsigned max_runs;    /* of the unit, back from the newest; 0 = any */
};

/* Adds the journal of UNIT ("crio" means "crio.service") as
 * sos_commands/PLUGIN/journalctl_--no-pager_--unit_UNIT, unless it is there already. Returns 0;
 * 1 when it was cut; -ENOENT when the machine has no journal; other errors of the journal or as
 * bundle_add(). */
int journal_add_unit(struct collector_context *ctx, const char *plugin, const char *unit);

/* The same with other limits than those of the profile; for tests. */
int journal_add_unit_limited(struct collector_context *ctx, const char *plugin,
    const char *unit, const struct journal_limits *limits);
