/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Runs one command: no shell, no terminal, a session of its own, and an end that is certain.
 *
 * Standard input is /dev/null, LC_ALL is C.UTF-8, PATH is fixed. At the deadline, or when the
 * output is longer than allowed, or when the capture is asked to stop, the whole process group
 * gets SIGTERM and after CMDRUN_GRACE_USEC SIGKILL. A grandchild that keeps the pipe open does
 * not hold us: reading ends shortly after the command did. A process that not even SIGKILL
 * ends (state D) is abandoned, and the result says so.
 *
 * What left the process group, as daemons do, becomes our child when its parent is gone, if we
 * are a subreaper (PR_SET_CHILD_SUBREAPER): all children are killed then when the command has
 * ended, so a subreaper that calls this must have no others. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/clock.h"

struct fault;

/* From SIGTERM to SIGKILL: enough for a tool to write its last line, short against any budget.
 */
#define CMDRUN_GRACE_USEC   (2 * USEC_PER_SEC)
/* The same when the capture is asked to stop: who asks, a shutdown, waits for it. */
#define CMDRUN_STOP_USEC    (500 * USEC_PER_MSEC)
/* From SIGKILL until the process is given up as unkillable. */
#define CMDRUN_ABANDON_USEC (1 * USEC_PER_SEC)
/* From the end of the command until its pipe is closed on left-over grandchildren. */
#define CMDRUN_LINGER_USEC  (500 * USEC_PER_MSEC)

/* Takes output as it comes; a negative return ends the command (its output is cut there). */
typedef int (*cmdrun_output_fn)(const void *data, size_t size, void *userdata);

struct cmdrun_spec {
	char *const *argv;	 /* argv[0] with a slash, or searched in the fixed PATH */
	uint64_t deadline_usec;	 /* monotonic: SIGTERM is sent */
	uint64_t end_usec;	 /* monotonic: it is over, come what may; the spans above shrink
				    to fit. 0 = no such limit */
	uint64_t max_read_bytes; /* the command is ended beyond this; 0 = no limit */
	bool drop_stderr;	 /* to /dev/null instead of merged: for output that is parsed */
	cmdrun_output_fn output; /* may be NULL: output is thrown away */
	void *userdata;
};

struct cmdrun_result {
	int exit_status;     /* -1 unless it exited by itself */
	int signal;	     /* that ended it, or 0 */
	bool timed_out;	     /* ended by us at the deadline */
	bool stopped;	     /* ended by us because the capture is to stop */
	bool too_long;	     /* ended by us because of max_read_bytes or the output function */
	bool abandoned;	     /* could not be killed */
	uint64_t bytes;	     /* read from it */
	uint64_t start_usec; /* realtime */
	uint64_t duration_usec;
};

/* Returns 0 when the command was started, however it ended; -ENOENT when there is no such
 * program; other negative errno when it could not be started, or of the output function. *ret
 * is filled in any case. */
int cmdrun(const struct cmdrun_spec *spec, struct cmdrun_result *ret, struct fault *reterr);
