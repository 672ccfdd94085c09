/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From the decision to capture to a request on disk: it gets its ID and the facts of the
 * moment, the spool gets room, the machine is spared when it is in trouble, the scheduler gets
 * the rest.
 *
 *   decided ─► ID ─► flash ─► vacuum ─► guard ─► scheduler */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/spool.h"
#include "lib/cleanup.h"
#include "lib/report.h"

struct recorder;
struct scheduler;
struct settings;
struct submit;

/* Space that is made before a capture whose size nobody knows yet. Archives of a small device
 * are mostly below it, and after the commit the limits are kept exactly. */
#define SUBMIT_RESERVE_BYTES (UINT64_C(4) << 20)

/* SPOOL, SCHEDULER and SETTINGS are borrowed. ON_EVICTED (may be NULL) is told of reports that
 * go to make room. */
int submit_new(struct spool *spool, struct scheduler *scheduler,
    const struct settings *settings, spool_evict_fn on_evicted, void *userdata,
    struct submit **ret);
void submit_free(struct submit *s);
DEFINE_CLEANUP(struct submit *, submit_free);

/* Other settings, borrowed as before. */
void submit_configure(struct submit *s, const struct settings *settings);

/* Writes what the recorder has into each flash from now on. REC is borrowed. */
void submit_set_recorder(struct submit *s, struct recorder *rec);

/* Takes less than is wanted when the machine cannot bear it, from now on; see guard.h. ROOT is
 * "/", or in tests a directory that stands for it. Call once. Returns 0 or negative errno. */
int submit_spare_machine(struct submit *s, const char *root);

/* The sequence number of the last ID, which goes into state.json; and that of an earlier
 * instance. A lower one than that in use is ignored. */
uint64_t submit_sequence(const struct submit *s);
void submit_set_sequence(struct submit *s, uint64_t sequence);

/* Submits REQ, which has everything but what is done here. Consumes it; the ID is copied.
 * Returns 0; -ENOSPC when there is room for no more than a line in tombstones.jsonl; or why it
 * could not be put on disk. */
int submit_request(struct submit *s, struct request *req, char id[REPORT_ID_BYTES]);

/* Keeps the limits of the spool; call at start and after each commit. */
void submit_vacuum(struct submit *s);
