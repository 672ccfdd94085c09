/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Data whose length is not known yet: in memory while it is small, then in an unlinked file.
 *
 * Bounded: what is longer than the limit loses its end (KEEP_HEAD) or its beginning
 * (KEEP_TAIL; the store is then a ring). The file never has a name, so that a killed process
 * leaves nothing behind, and lies beside the archive, never in a shared /tmp. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cleanup.h"

/* Kept in memory; most members are smaller than this. */
#define SPILL_MEMORY_BYTES (256u * 1024u)

struct spill;

/* Returns 0, or negative errno of SPILL_READ's own. */
typedef int (*spill_read_fn)(const void *data, size_t size, void *userdata);

/* DIR_FD (borrowed) is where a file is made when it is needed. MAX_BYTES > 0. */
int spill_new(int dir_fd, uint64_t max_bytes, bool keep_tail, struct spill **ret);

/* Takes DATA. Returns 0; 1 when the end was dropped because the limit is reached (not with
 * KEEP_TAIL); negative errno. */
int spill_write(struct spill *s, const void *data, size_t size);

/* What it holds, and what was dropped of what was written. */
uint64_t spill_size(const struct spill *s);
uint64_t spill_dropped(const struct spill *s);

/* Passes SIZE bytes from OFFSET on (both within spill_size()) to FN, in order, in pieces.
 * Stops at the first negative return of FN and returns that. */
int spill_read(
    struct spill *s, uint64_t offset, uint64_t size, spill_read_fn fn, void *userdata);

void spill_free(struct spill *s);
DEFINE_CLEANUP(struct spill *, spill_free);
#define _cleanup_spill_ _cleanup_(spill_freep)
