/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The way of a request: on disk, its capture started as a unit, its end, the commit. One
 * capture runs at a time; the others wait in order.
 *
 * A capture that ends without a result is tried once more and then given up with a tombstone,
 * so that one that takes the machine down cannot do so for ever. */

#include <stdbool.h>
#include <stddef.h>

#include "lib/cleanup.h"
#include "lib/proto.h"
#include "lib/report.h"

struct busloop;
struct scheduler;
struct spool;

/* Captures started for one request. */
#define SCHEDULER_ATTEMPTS_MAX 2u
/* Between attempts, and before what met a full disk is repeated. */
#define SCHEDULER_RETRY_USEC   UINT64_C(10000000)
/* Requests that could not be put on disk and are kept in memory until they can: a disk that is
 * full or read-only is one of the problems that people want a report of. */
#define SCHEDULER_UNSAVED_MAX  8u

/* REQ has a new state. REPORT (borrowed, NULL when there is none) comes with the final states
 * that have one; MESSAGE (may be NULL) says why it failed. */
typedef void (*scheduler_fn)(const struct request *req, enum capture_state state,
    const struct report *report, const char *message, void *userdata);

/* SPOOL and BUSLOOP are borrowed. */
int scheduler_new(struct spool *spool, struct busloop *busloop, scheduler_fn fn, void *userdata,
    struct scheduler **ret);

/* Captures that run go on, and are found again by scheduler_recover(). */
void scheduler_free(struct scheduler *s);
DEFINE_CLEANUP(struct scheduler *, scheduler_free);

/* Takes up what an earlier instance left in the queue: commits what has finished, follows what
 * may still run, starts the rest. */
int scheduler_recover(struct scheduler *s);

/* Puts REQ on disk and starts it when its turn comes. With KEEP, one that the disk does not
 * take is kept in memory and put there later; that is no failure then. Consumes REQ, also on
 * failure. */
int scheduler_add(struct scheduler *s, struct request *req, bool keep);

/* How many are kept in memory because the disk does not take them. */
size_t scheduler_count_unsaved(const struct scheduler *s);

/* Ends the request ID: one that waits is given up, one that runs is stopped, and what it has
 * until then becomes a partial report. REASON is for the tombstone. Returns 0, -ENOENT, or
 * -ENOTCONN when a running one cannot be stopped because the bus is away. */
int scheduler_cancel(struct scheduler *s, const char *id, const char *reason);

/* Requests that are not finished, in the order in which they will be; borrowed. */
size_t scheduler_count(const struct scheduler *s);
const struct request *scheduler_at(const struct scheduler *s, size_t i);
bool scheduler_is_running(const struct scheduler *s, const char *id);
const struct request *scheduler_find(const struct scheduler *s, const char *id);
