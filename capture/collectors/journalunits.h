/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whose lines of the journal have a file of their own, and where: the unit that failed, the
 * watched ones, and those that collectors name. A unit has one file, whoever wants it, so that
 * each line is in the report once. */

#include <stddef.h>

struct collector_context;

struct journal_unit {
	char *unit; /* owned; with its type */
	char *path; /* owned; of the member */
};

struct journal_units {
	struct journal_unit *items; /* owned, [n_items] */
	size_t n_items;
};

/* Lists them, the most important first; the first *RET_WATCHED are not named by collectors
 * only. Returns 0 or negative errno; *RET has to be ended by journalunits_done() in any case.
 */
int journalunits_list(
    const struct collector_context *ctx, struct journal_units *ret, size_t *ret_watched);

/* Adds UNIT ("crio" means "crio.service") with its file in sos_commands/PLUGIN/, unless
 * somebody has it already. *RET_INDEX says where it is. Returns 0 or negative errno. */
int journalunits_add(
    struct journal_units *units, const char *plugin, const char *unit, size_t *ret_index);

/* Names of those whose files are stored by now, as a strv that the caller owns; the names are
 * borrowed. Returns 0 or -ENOMEM. */
int journalunits_stored(
    const struct collector_context *ctx, const struct journal_units *units, const char ***ret);

void journalunits_done(struct journal_units *units);
