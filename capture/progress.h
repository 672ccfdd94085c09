/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How far the capture is: on standard error for a person, and to the daemon over its socket.
 * Nothing here can fail a capture: a daemon that does not answer is left alone. */

#include <stdbool.h>
#include <stdint.h>

#include "lib/cleanup.h"

struct progress;

struct progress_options {
	const char *id;
	const char *socket_path; /* NULL: no daemon */
	bool to_stderr;		 /* a line that is rewritten on a terminal, else lines */
};

/* The caller owns *ret (progress_close()). Returns 0 or -ENOMEM. */
int progress_open(const struct progress_options *options, struct progress **ret);

/* COLLECTOR begins (NULL: the end); DONE of TOTAL have ended, BYTES were taken so far. P may be
 * NULL. */
void progress_step(
    struct progress *p, const char *collector, uint64_t done, uint64_t total, uint64_t bytes);

void progress_close(struct progress *p);
DEFINE_CLEANUP(struct progress *, progress_close);
#define _cleanup_progress_ _cleanup_(progress_closep)
