/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Points between system calls at which a test makes a program die or fail, like fail(9) of
 * FreeBSD. Only a build with ./configure --enable-fault-injection has them: there the
 * environment names one point and what happens at it,
 *
 *   SUPPORTD_FAILPOINT=NAME=ACTION[@N]
 *
 * ACTION is `die`, as by kill -9, or an error as errno(3) names it, such as ENOSPC. It happens
 * when the program comes there for the Nth time, the first by default, and then no more.
 * Anything else in the variable ends the program with SIGABRT. The points, in their order:
 *
 *   microshift-supportd
 *     run-ended         an end was told that nobody asked for; nothing is on disk
 *     flash-taken       its volatile values are in memory
 *     request-written   the request is on disk
 *     capture-started   systemd was asked to start the capture
 *     state-saved       state.json knows of the end
 *     capture-ended     the unit of the capture has ended
 *     archive-moved     the archive is in reports/, without its sidecar
 *     sidecar-written   the report is visible, its request still there
 *     request-removed   and now gone
 *
 *   microshift-support-capture
 *     request-read      it knows what to take, and has written nothing
 *     archive-begun     the archive has its first member
 *     collector-done    after each collector
 *     archive-closed    the archive is whole, under its temporary name
 *     archive-named     and under its own name
 *     meta-written      and finished; only the exit is left
 *
 * An error is returned where the step before the point would have returned it; at run-ended,
 * flash-taken, capture-started, capture-ended and request-removed there is nobody to take one.
 */

#ifdef FAULT_INJECTION
/* Returns 0, or the negative errno that the environment asks for at NAME. */
int failpoint(const char *name);
#else
static inline int
failpoint(const char *name)
{
	(void)name;
	return 0;
}
#endif
