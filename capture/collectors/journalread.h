/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The journal, read as journalctl(1) reads it: the same entries for a unit. */

#include <stddef.h>

typedef struct sd_journal sd_journal;
struct journal_entry;
struct journal_selection;

/* Opens the journal of the machine, or of the one below ROOT. Values are complete up to
 * MAX_VALUE_BYTES. The caller closes it (sd_journal_close()). Returns 0; 1 when no
 * persistent file has the machine's ID, so that those of any are read; -ENOENT and other
 * negative errno.
 */
int journalread_open(const char *root, size_t max_value_bytes, sd_journal **ret);

/* Restricts J to SELECTION, as journal_entry_is_of() does. Returns 0 or negative errno. */
int journalread_match(sd_journal *j, const struct journal_selection *selection);

/* Reads the current entry of J in one pass over its fields. *ENTRY is all zero at first and can
 * be used again; the caller ends it with journal_entry_done(). Returns 0 or negative errno; the
 * entry may be corrupt, what could be read is there. */
int journalread_load(sd_journal *j, struct journal_entry *entry);
