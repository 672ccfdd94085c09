/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The inbox: notices that the OnFailure= hook left when the daemon could not be reached. Read
 * once, at start. */

struct failure_notice;

typedef void (*inbox_fn)(const struct failure_notice *notice, void *userdata);

/* Most notices that are read; a hook leaves one for each run, and after the start limit there
 * are no more. The rest waits for the next start. */
#define INBOX_MAX 64u

/* Calls FN for each notice and then removes it; damaged ones are removed with a warning, names
 * that are not the hook's are left alone. Returns 0 or negative errno. */
int inbox_drain(int inbox_fd, inbox_fn fn, void *userdata);
