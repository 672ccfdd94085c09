/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A bounded part of the journal: the newest entries that fit, and before them how it began and
 * its first errors. In a crash the cause is at the beginning, what it led to at the end.
 *
 * The journal is gone through twice: back from its end to where the limits are met, then from
 * there on. Memory stays flat however long it is, and what cannot be read is left out and said.
 */

#include <stdbool.h>
#include <stdint.h>

#include "capture/collectors/journalentry.h"
#include "capture/collectors/journalread.h"

struct collector_context;

/* Why a part does not begin with the oldest entry there is. */
enum journal_gap {
	GAP_NONE,
	GAP_RUNS,   /* older runs than wanted */
	GAP_WINDOW, /* older than wanted */
	GAP_BUDGET, /* of this part */
	GAP_ROOM,   /* the report has no room */
	GAP_DAMAGE, /* the journal cannot be read further */
	GAP_TIME,
};

struct journal_scan {
	/* Set by the caller; borrowed. */
	struct collector_context *ctx;
	size_t max_value_bytes;			/* see journalread_open() */
	struct journal_selection all;		/* what is wanted */
	struct journal_selection beginnings[2]; /* whose first lines and errors are kept: the
						   first one that begins before the gap; without
						   a value it is none; cut_run can be one */
	const char *const *not_units;		/* strv: entries of these are elsewhere */
	const char *not_kernel_of;		/* boot ID: and those of its kernel */
	uint64_t max_bytes;			/* of lines, or of fields */
	bool count_fields;			/* max_bytes is of fields */
	bool is_short_of_room;			/* max_bytes is what the report has left */
	uint64_t max_entries;			/* 0 = any */
	unsigned max_runs;			/* back from the newest; 0 = any */
	uint64_t keep_since_usec; /* realtime: max_runs does not count from here on */
	uint64_t since_usec;	  /* realtime; 0 = any */

	/* Found by journalscan_measure(). */
	uint64_t n_entries; /* that are kept, without the beginnings */
	enum journal_gap gap;
	char cut_run[33]; /* invocation that the gap goes through; "" = none */

	/* Counted on the way. */
	uint64_t n_unreadable; /* entries written that are corrupt */
	uint64_t n_dropped;    /* messages that journald dropped */
	bool is_damaged;       /* a file could not be read to its end, or is gone */

	/* Private. */
	sd_journal *j;	       /* owned */
	unsigned n_open_files; /* of the journal, in this process */
	uint64_t n_looked;     /* entries since it was opened */
	struct journal_selection now;
	struct journal_entry entry;
	bool is_unreadable;  /* all of it */
	uint64_t bytes_left; /* of max_bytes */
	bool by_hand;	     /* without libsystemd's matches */
	struct {
		char *cursor; /* owned */
		char boot_id[33];
		uint64_t monotonic_usec, realtime_usec;
	} first;	  /* entry that is kept */
	uint64_t n_older; /* than the first one */
	bool is_more;	  /* n_older is only what was counted */
};

/* Where the part goes. ENTRY gets each entry, oldest first, with J standing at it; NOTE a line
 * without its newline about what is left out, at its place. Both return 0 or negative errno,
 * which ends it. */
struct journal_output {
	int (*entry)(sd_journal *j, const struct journal_entry *entry, void *userdata);
	int (*note)(const char *line, void *userdata);
	void *userdata;
};

/* Finds out how far back the limits allow to go. Returns 0 or negative errno. */
int journalscan_measure(struct journal_scan *s);

/* Writes what was found. Returns as journalscan_measure(), and errors of the output. When the
 * time is over before the end, `gap` is GAP_TIME. */
int journalscan_write(struct journal_scan *s, const struct journal_output *out);

void journalscan_done(struct journal_scan *s);
