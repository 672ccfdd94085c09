/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SIGTERM and SIGINT ask the capture to finish early: what is there is closed into a partial
 * report. The one place where the signal is kept, and a descriptor to wait on. */

#include <stdbool.h>
#include <stdint.h>

/* Installs the handlers. Returns 0 or negative errno. */
int stop_install(void);

/* True once a signal asked us to stop. */
bool stop_is_requested(void);

/* Arms SIGALRM: after FIRST_USEC it counts as a request to stop and interrupts what blocks; and
 * SECOND_USEC later it kills the process, which hangs in the kernel then. 0 and 0 disarm it. */
void stop_watch(uint64_t first_usec, uint64_t second_usec);

/* True when it was stop_watch() that asked. */
bool stop_is_late(void);

/* Readable once a signal asked us to stop; -EBADF before stop_install(). Never close it. */
int stop_fd(void);

/* As if the signal had come. For tests. */
void stop_request(void);

/* Gives signals and descriptors back, and forgets the request. For tests. */
void stop_done(void);
