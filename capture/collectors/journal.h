/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The journal in the report: text as journalctl prints it, in files named as sos names them,
 * and a part of it whole, as journal.export.zst.
 *
 * Each line is in the text once: a unit that has a file of its own has its lines there and
 * nowhere else, kernel messages are in dmesg, and the journal of a boot holds the rest. It
 * begins with lines that say so. journal.export.zst has everything together. What is kept of a
 * part that is too long: see journalscan.h. */

#include <stdint.h>

struct collector_context;

/* How much of the journal is taken. */
struct journal_limits {
	uint64_t unit_bytes; /* of each unit */
	uint64_t boot_bytes; /* of the rest of this boot; 0 = not taken */
	uint64_t previous_boot_bytes;
	uint64_t kernel_bytes;
	uint64_t export_bytes; /* of fields, before compression; 0 = not taken */
	uint64_t window_usec;  /* of boots and export, back from the event; 0 = any */
	uint64_t max_entries;  /* of each file; 0 = any */
	unsigned max_runs;     /* of the unit, back from the newest; 0 = any */
};

/* Adds the journal of UNIT ("crio" means "crio.service") as
 * sos_commands/PLUGIN/journalctl_--no-pager_--unit_UNIT, unless it is in the report already.
 * Returns 0; 1 when it was cut; -ENOENT when the machine has no journal; other errors of the
 * journal or as bundle_add(). */
int journal_add_unit(struct collector_context *ctx, const char *plugin, const char *unit);

/* The same with other limits than those of the profile; for tests. */
int journal_add_unit_limited(struct collector_context *ctx, const char *plugin,
    const char *unit, const struct journal_limits *limits);
