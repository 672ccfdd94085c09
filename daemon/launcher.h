/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Starts captures as units of their own, microshift-support-capture@ID.service, and tells when
 * they ended. */

#include <stddef.h>

#include "lib/cleanup.h"

struct busloop;
struct launcher;

/* Job results of our own, beside systemd's (done, failed, canceled, timeout, dependency, …): */
/* PID 1 refused to start the unit; nothing has run. */
#define LAUNCHER_RESULT_REFUSED "refused"
/* The unit was found not running, and how it ended is not known (bus or daemon restart). Also
 * when the start was lost together with the bus, so perhaps it never ran. */
#define LAUNCHER_RESULT_GONE	"gone"

/* The capture of report ID ended, and nothing of its unit runs any more. JOB_RESULT says what
 * PID 1 made of it; whether there is a report is decided by meta.json alone. */
typedef void (*launcher_end_fn)(const char *id, const char *job_result, void *userdata);

int launcher_new(
    struct busloop *busloop, launcher_end_fn on_end, void *userdata, struct launcher **ret);

/* Captures that run go on. */
void launcher_free(struct launcher *launcher);
DEFINE_CLEANUP(struct launcher *, launcher_free);

/* Starts the capture of report ID (valid, see lib/reportid.h). on_end follows exactly once,
 * from the loop, if this returns 0. Returns -ENOTCONN when the bus is down: try again later;
 * -EALREADY when it is already followed; -EINVAL; -ENOMEM. */
int launcher_start(struct launcher *launcher, const char *id);

/* Follows a capture that an earlier instance of the daemon started; on_end follows as above,
 * soon when it does not run any more. Needs no bus yet. Returns as launcher_start(). */
int launcher_adopt(struct launcher *launcher, const char *id);

/* Stops a capture that is followed; its unit salvages what there is, then on_end follows.
 * Returns 0, -ENOENT when it is not followed, -ENOTCONN. */
int launcher_cancel(struct launcher *launcher, const char *id);

/* How many captures are followed. */
size_t launcher_count(const struct launcher *launcher);
