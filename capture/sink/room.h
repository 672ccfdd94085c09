/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How much still fits into an archive whose budget is in compressed bytes, while what is to be
 * added is not compressed yet: estimated from what was written, and for large members from
 * samples of themselves. MAX_BYTES is the archive's budget, UINT64_MAX for none. */

#include <stdbool.h>
#include <stdint.h>

struct spill;
struct tarball;

/* Kept below the budget for what comes last: summary, manifest, end of file. */
#define ROOM_RESERVE_BYTES (128u * 1024u)
/* Nothing that is collected packs better for long; a run of zeros must not promise more. */
#define ROOM_RATIO_MAX	   16u

/* Raw bytes that fit when RATIO of them make one compressed byte. */
uint64_t room_raw(const struct tarball *t, uint64_t max_bytes, uint64_t ratio);

/* How well the archive compressed so far. */
uint64_t room_observed_ratio(const struct tarball *t);

/* How well the content of S would compress, on the careful side. */
int room_sample_ratio(const struct tarball *t, struct spill *s, uint64_t *ret_ratio);

/* True when nothing but the reserve is left. */
bool room_is_used_up(const struct tarball *t, uint64_t max_bytes);
