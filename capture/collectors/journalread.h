/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The journal, read as journalctl(1) reads it: the same entries for a unit. */

#include <stddef.h>

typedef struct sd_journal sd_journal;
struct journal_entry;

/* Opens the journal of the machine, or of the one below ROOT. Values are complete up to
 * MAX_VALUE_BYTES. The caller closes it (sd_journal_close()). Returns 0; 1 when there are no
 * files with the machine's ID, so that those of any are read; -ENOENT and other negative errno.
 */
int journalread_open(const char *root, size_t max_value_bytes, sd_journal **ret);

/* Restricts a journal to what belongs to VALUE. Returns 0 or negative errno. */
typedef int (*journalread_match_fn)(sd_journal *j, const char *value);

/* What `journalctl --unit UNIT` shows: its own messages, those of PID 1 and of other daemons
 * about it, its core dumps. */
int journalread_match_unit(sd_journal *j, const char *unit);

/* The run INVOCATION_ID of a unit, with what PID 1 said about it. */
int journalread_match_run(sd_journal *j, const char *invocation_id);

/* A boot, the messages of its kernel, and what journald says when it starts. */
int journalread_match_boot(sd_journal *j, const char *boot_id);
int journalread_match_kernel(sd_journal *j, const char *boot_id);
int journalread_match_start(sd_journal *j, const char *boot_id);

/* Everything; the value counts for nothing. */
int journalread_match_all(sd_journal *j, const char *unused);

/* Reads the current entry of J in one pass over its fields. *ENTRY is all zero at first and can
 * be used again; the caller ends it with journal_entry_done(). Returns 0 or negative errno; the
 * entry may be corrupt, what could be read is there. */
int journalread_load(sd_journal *j, struct journal_entry *entry);
