/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the spool share; nothing else includes this.
 *
 *   spool-queue.c    requests, and the names of records
 *   spool.c          captures that finished, reports
 */

#include <stddef.h>
#include <stdint.h>

#include "daemon/spool.h"
#include "lib/report.h"

#define SPOOL_FILE_MODE 0640

/* "ID.json", or the ID and what follows the stem in struct capture_meta's archive. */
#define SPOOL_NAME_BYTES (REPORT_ID_BYTES + 64u)

struct spool {
	int state_fd;
	int queue_fd;
	int incoming_fd;
	int reports_fd;
	int inbox_fd;
	int lock_fd;
	struct report **reports; /* owned, in order of their sequence numbers */
	size_t n_reports;
	uint64_t total_bytes;
	uint64_t max_sequence;
};

/* Sequence numbers of new IDs begin above that of ID. */
void spool_note_sequence(struct spool *s, const char *id);

/* Writes "ID.json" to NAME. */
void spool_record_name(const char *id, char name[SPOOL_NAME_BYTES]);

/* Calls FN for each "ID.json" in the directory, until it returns a negative errno, which is
 * returned; removes what a crash of ours left half-written. */
int spool_for_each_record(struct spool *s, int dir_fd,
    int (*fn)(struct spool *s, const char *name, const char *id, void *userdata),
    void *userdata);
