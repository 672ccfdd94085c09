/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The journal, read as journalctl(1) reads it: the same entries for a unit, the same text. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sd_journal sd_journal;

/* A longer message is cut; the largest that journald takes has 48 MiB. */
#define JOURNAL_MESSAGE_MAX_BYTES (32u * 1024u)

/* A field other than the message. */
#define JOURNAL_FIELD_BYTES 256u

/* A text that grows; `data` is owned. All zero is empty. */
struct journal_text {
	char *data;
	size_t size, capacity;
};

/* Opens the journal of the machine, or of the one below ROOT. The caller closes it
 * (sd_journal_close()). Returns 0, -ENOENT when there is none, other negative errno. */
int journalread_open(const char *root, sd_journal **ret);

/* Restricts J to what `journalctl --unit UNIT` shows: its own messages, those of PID 1 and of
 * other daemons about it, its core dumps. */
int journalread_match_unit(sd_journal *j, const char *unit);

/* Restricts J to the run INVOCATION_ID of a unit, with what PID 1 said about it. */
int journalread_match_run(sd_journal *j, const char *invocation_id);

/* Writes the 32 digits of the invocation that the entry belongs to; "" when it has none. */
void journalread_run(sd_journal *j, char buf[33]);

/* An estimate of the length of the line, cheaper than the line. */
size_t journalread_line_size(sd_journal *j);

/* Whether the entry tells of an error: by its priority, or as klog and others write it.
 * MicroShift's lists of rotation dates, which it writes as errors at every start, are none. */
bool journalread_is_error(sd_journal *j);

/* The fields of one entry that make a line; a field that is missing, too long or not printable
 * is "". */
struct journal_entry {
	char hostname[JOURNAL_FIELD_BYTES];
	char identifier[JOURNAL_FIELD_BYTES];
	char comm[JOURNAL_FIELD_BYTES];
	char pid[JOURNAL_FIELD_BYTES];
	char syslog_pid[JOURNAL_FIELD_BYTES];
	char message_id[JOURNAL_FIELD_BYTES];
	char n_dropped[JOURNAL_FIELD_BYTES];
	char source_realtime[JOURNAL_FIELD_BYTES];
	char source_monotonic[JOURNAL_FIELD_BYTES];
	uint64_t realtime_usec, monotonic_usec; /* when journald got it; 0 unknown */
	struct journal_text message;		/* as it is in the journal, but cut to
						   JOURNAL_MESSAGE_MAX_BYTES */
	bool has_message, is_cut;
};

/* Reads the current entry of J in one pass over its fields. *ENTRY is all zero at first and can
 * be used again; the caller ends it with journal_entry_done(). Returns 0 or negative errno; the
 * entry may be corrupt. */
int journalread_load(sd_journal *j, struct journal_entry *entry);

void journal_entry_done(struct journal_entry *entry);

/* Messages that journald dropped, as this entry tells; 0 for any other. */
uint64_t journalread_dropped(const struct journal_entry *entry);

/* Replaces *TEXT by the entry as `journalctl -o short` prints it, except that unprintable bytes
 * become \xNN instead of "[N blob data]". Returns 0, -ENODATA for an entry without a message
 * (of which journalctl prints nothing either), -ENOMEM. */
int journalread_format(const struct journal_entry *entry, struct journal_text *text);

/* The same for a kernel message as `dmesg` prints it. */
int journalread_format_dmesg(const struct journal_entry *entry, struct journal_text *text);

void journal_text_done(struct journal_text *text);
