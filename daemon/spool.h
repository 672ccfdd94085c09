/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The state directory: requests, captures on their way, reports, tombstones.
 *
 *   queue/ID.json        from the decision to capture until the commit
 *   incoming/ID/         belongs to the capture process; meta.json in it means that it finished
 *   reports/ID.tar.zst   exists as a report when its sidecar, reports/ID.json, does
 *   inbox/               notices of the OnFailure= hook from when we were away
 *   tombstones.jsonl     one line for each report that was lost or removed, and why
 *   reserve.jsonl        room for such lines when there is none
 *
 * A report becomes visible by one rename, of the sidecar, after everything else is durable.
 * Names that are not ours (lost+found, a note of the administrator) are left alone. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/vacuum.h"
#include "lib/cleanup.h"
#include "lib/report.h"

struct fault;
struct spool;

/* Opens the state directory PATH, creates what is missing, takes its lock and reads the
 * sidecars. Returns 0; -EBUSY when another daemon has the lock; other negative errno. */
int spool_open(const char *path, struct spool **ret, struct fault *reterr);
void spool_close(struct spool *s);
DEFINE_CLEANUP(struct spool *, spool_close);

/* Directories, borrowed. */
int spool_state_fd(const struct spool *s);
int spool_inbox_fd(const struct spool *s);

/* Requests. spool_enqueue() is durable when it returns; also used to update one. */
int spool_enqueue(struct spool *s, const struct request *req);
void spool_dequeue(struct spool *s, const char *id);

/* Reads all requests, oldest first. Damaged ones are buried and removed. The caller owns *ret:
 * an array of *ret_n, each with request_done(). */
int spool_read_queue(struct spool *s, struct request **ret, size_t *ret_n);

/* Removes directories of incoming/ that belong to no request in the queue: their report was
 * committed, or never can be. */
void spool_clean_incoming(struct spool *s);

/* True when the capture of ID has finished and waits for its commit. */
bool spool_is_finished(const struct spool *s, const char *id);

/* Makes the finished capture of REQ a report, and removes the request. May be repeated after a
 * crash at any point. *ret_report (may be NULL) is borrowed until the report is removed.
 * Returns 0; -ENOENT when the capture did not finish; -EBADMSG when what it left is damaged. */
int spool_commit(struct spool *s, const struct request *req, uint64_t now_usec,
    const struct report **ret_report, struct fault *reterr);

/* Gives REQ up: leaves a tombstone with REASON, removes the request and what was captured. */
void spool_bury(struct spool *s, const struct request *req, const char *reason);

/* Reports, oldest first; borrowed until one is removed. */
size_t spool_count(const struct spool *s);
const struct report *spool_at(const struct spool *s, size_t i);
const struct report *spool_find(const struct spool *s, const char *id);
uint64_t spool_total_bytes(const struct spool *s);

/* The highest sequence number in use, of reports and requests; 0 for none. */
uint64_t spool_max_sequence(const struct spool *s);

/* Free space of the file system, for us (not counting what is reserved for root). */
int spool_free_bytes(const struct spool *s, uint64_t *ret_bytes);

/* Opens the archive read-only. While *ret_fd or a copy of it is open, the report is not removed
 * to keep the limits: the file has a shared flock(2). The caller owns *ret_fd. Returns 0 or
 * -ENOENT …. */
int spool_open_archive(const struct spool *s, const char *id, int *ret_fd);

/* A client takes the archive of the report ID, which exists. That it cannot be written down is
 * logged only. */
void spool_note_fetched(struct spool *s, const char *id, uint64_t now_usec);

/* Keeps a report whatever the limits are, or no longer. Durable when it returns. */
int spool_pin(struct spool *s, const char *id, bool pinned);

/* Removes a report, pinned or not, sidecar first; with REASON (may be NULL) a tombstone is
 * left. */
int spool_remove(struct spool *s, const char *id, const char *reason);

/* Called before a report is removed to keep the limits. */
typedef void (*spool_evict_fn)(
    const struct report *report, enum vacuum_reason reason, void *userdata);

/* Keeps the limits. Returns true when they hold, with INCOMING; see vacuum.h. */
bool spool_vacuum(struct spool *s, const struct vacuum_limits *limits,
    const struct vacuum_incoming *incoming, uint64_t now_usec, spool_evict_fn fn,
    void *userdata);
