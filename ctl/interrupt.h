/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Holds the signals that end the program while there is something to clean up first. */

#include <signal.h>
#include <stdbool.h>

struct interrupt {
	sigset_t saved;
};

/* From here on SIGINT, SIGTERM and SIGHUP wait. */
void interrupt_hold(struct interrupt *i);

/* Lets them through again; one that waited takes effect now. */
void interrupt_release(struct interrupt *i);

/* True if one of them waits; whoever does something long asks between two steps. */
bool interrupt_is_pending(void);

#define _cleanup_interrupt_ _cleanup_(interrupt_release)
