/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* state.json: what the daemon must not forget over its own restart. Losing it costs counters,
 * never a report: sequence numbers are also read from the spool, and a damaged file is started
 * anew. */

#include <stddef.h>
#include <stdint.h>

struct confirm;
struct crashloop;
struct limiter;
struct runlog;
struct runtrack_state;

/* Largest state.json that is read: 64 keys, 32 runs, 32 findings, 32 units and their crash
 * loops take half of it. */
#define STATE_MAX_BYTES (256u * 1024u)

struct state {
	uint64_t sequence;	 /* of the last report ID */
	struct limiter *limiter; /* borrowed */
	struct runlog *runlog;	 /* borrowed */
	struct confirm *confirm; /* borrowed */
	struct crashloop *loops; /* borrowed */
	const char *boot_id;	 /* of this boot */
	struct runtrack_state *units;
	size_t n_units;
	size_t max_units; /* room in `units`, for state_load() */
};

/* Durable when it returns. Returns 0 or negative errno. */
int state_save(int state_dir_fd, const struct state *state);

/* Fills what state.json has into *STATE. Returns 0, -ENOENT when there is none, -EBADMSG when
 * it is damaged (what could be read is used), other negative errno. */
int state_load(int state_dir_fd, struct state *state);
