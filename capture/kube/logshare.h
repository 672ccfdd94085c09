/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Fair shares of one budget for logs whose sizes nobody knows beforehand. Pure.
 *
 * Who starts gets an equal part of what is left for those who have not; who ends gives back
 * what it did not need. So no log gets less than budget / number of logs, and what short ones
 * leave goes to those that come later. */

#include <stdint.h>

struct logshare {
	uint64_t left_bytes;
	uint64_t waiting; /* logs that have not started */
};

/* For N logs that together may have BUDGET_BYTES. */
void logshare_init(struct logshare *s, uint64_t budget_bytes, uint64_t n);

/* One more log has turned up. */
void logshare_add(struct logshare *s);

/* One log starts: takes and returns its share; 0 when there is nothing left. */
uint64_t logshare_take(struct logshare *s);

/* It ended: of SHARE it needed USED. */
void logshare_return(struct logshare *s, uint64_t share, uint64_t used);
