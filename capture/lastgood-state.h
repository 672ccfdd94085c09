/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* state.json beside the copy: what it is a copy of, and since when it has been true. Losing it
 * costs one refresh that was not needed. */

#include <stdint.h>

struct lastgood_state {
	uint64_t taken_usec;	/* realtime */
	uint64_t checked_usec;	/* realtime: unchanged until then */
	uint64_t archive_bytes; /* of the copy this belongs to */
	uint64_t fingerprint;	/* see capture/kube/fingerprint.h */
};

/* Returns 0; -ENOENT; -EBADMSG when it is damaged; other negative errno. *ret is untouched on
 * failure. */
int lastgood_state_load(int dir_fd, struct lastgood_state *ret);

/* Durable when it returns. Returns 0 or negative errno. */
int lastgood_state_save(int dir_fd, const struct lastgood_state *state);
