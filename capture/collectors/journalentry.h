/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One entry of the journal: what of it decides where it goes, and the line that journalctl(1)
 * prints. Pure functions; fields come from anybody who may write to the journal. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A longer message is cut in the text; the largest that journald takes has 48 MiB. */
#define JOURNAL_MESSAGE_MAX_BYTES (32u * 1024u)

/* A field other than the message. */
#define JOURNAL_FIELD_BYTES 256u

/* A text that grows; `data` is owned. All zero is empty. */
struct journal_text {
	char *data;
	size_t size, capacity;
};

void journal_text_done(struct journal_text *text);

/* A field that is missing, too long or not printable is "". */
struct journal_entry {
	char hostname[JOURNAL_FIELD_BYTES];
	char identifier[JOURNAL_FIELD_BYTES];
	char comm[JOURNAL_FIELD_BYTES];
	char pid[JOURNAL_FIELD_BYTES];
	char syslog_pid[JOURNAL_FIELD_BYTES];
	char uid[JOURNAL_FIELD_BYTES];
	char priority[JOURNAL_FIELD_BYTES];
	char transport[JOURNAL_FIELD_BYTES];
	char message_id[JOURNAL_FIELD_BYTES];
	char n_dropped[JOURNAL_FIELD_BYTES];
	char source_realtime[JOURNAL_FIELD_BYTES];
	char source_monotonic[JOURNAL_FIELD_BYTES];
	char unit[JOURNAL_FIELD_BYTES]; /* that wrote it */
	char slice[JOURNAL_FIELD_BYTES];
	char run[JOURNAL_FIELD_BYTES];		 /* invocation of that unit */
	char about_unit[JOURNAL_FIELD_BYTES];	 /* PID 1 tells of it */
	char about_run[JOURNAL_FIELD_BYTES];	 /* PID 1 tells of it */
	char object_unit[JOURNAL_FIELD_BYTES];	 /* another daemon tells of it */
	char coredump_unit[JOURNAL_FIELD_BYTES]; /* that died */
	char boot_id[33];
	uint64_t realtime_usec, monotonic_usec; /* when journald got it; 0 unknown */
	struct journal_text message;		/* as it is in the journal, but cut to
						   JOURNAL_MESSAGE_MAX_BYTES */
	uint64_t bytes;				/* of all fields */
	bool has_message, is_cut;
};

/* Makes ENTRY, all zero or used before, an empty one. */
void journal_entry_reset(struct journal_entry *entry);

/* Takes "NAME=value", any bytes. Returns 0 or -ENOMEM. */
int journal_entry_add(struct journal_entry *entry, const void *field, size_t size);

void journal_entry_done(struct journal_entry *entry);

/* The invocation that the entry belongs to; "" when it has none. */
const char *journal_entry_run(const struct journal_entry *entry);

/* Some of the entries. */
enum journal_what {
	JOURNAL_ALL,
	JOURNAL_UNIT, /* VALUE as `journalctl --unit` shows it: its own messages, those of PID 1
			 and of other daemons about it, its core dumps */
	JOURNAL_RUN,  /* invocation VALUE of a unit, with what PID 1 said about it */
	JOURNAL_BOOT, /* boot VALUE */
	JOURNAL_KERNEL, /* messages of the kernel in boot VALUE */
	JOURNAL_START,	/* what journald says when it starts in boot VALUE */
};

struct journal_selection {
	enum journal_what what;
	const char *value;
};

/* Whether it is one of SELECTION. */
bool journal_entry_is_of(
    const struct journal_entry *entry, const struct journal_selection *selection);

/* Whether it tells of an error: by its priority, or as klog and others write it. MicroShift's
 * lists of rotation dates, which it writes as errors at every start, are none. */
bool journal_entry_is_error(const struct journal_entry *entry);

/* Messages that journald dropped, as this entry tells; 0 for any other. */
uint64_t journal_entry_dropped(const struct journal_entry *entry);

/* An estimate of the length of its line, cheaper than the line. */
size_t journal_entry_line_size(const struct journal_entry *entry);

/* Replaces *TEXT by the entry as `journalctl -o short` prints it, except that unprintable bytes
 * become \xNN instead of "[N blob data]". Returns 0, -ENODATA for an entry without a message
 * (of which journalctl prints nothing either), -ENOMEM. */
int journal_entry_format(const struct journal_entry *entry, struct journal_text *text);

/* The same for a kernel message as `dmesg` prints it. */
int journal_entry_format_dmesg(const struct journal_entry *entry, struct journal_text *text);
