/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The authorities of MicroShift that live for ten years, from check to check. When they change
 * all at once (a clock that was in 1970, a wiped directory) every kubeconfig that was handed
 * out is void, and nothing else tells so. */

#include <stdint.h>

struct certscan;
typedef struct cJSON cJSON;

/* Compares the authorities in SCAN with those in STATE, which an earlier call made (NULL: there
 * was none). *ret_state is what the next call wants, the caller's. *ret_replaced is how many of
 * those that are in both were made anew; it is told by CHECKS calls in a row, so that it can be
 * confirmed. Returns 0 or -ENOMEM. */
int signers_update(const cJSON *state, const struct certscan *scan, uint64_t checks,
    cJSON **ret_state, uint64_t *ret_replaced);
