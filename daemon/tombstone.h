/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* tombstones.jsonl: one line for each report that was lost or removed, and why. People ask for
 * the one report that is not there any more; this is the answer. */

struct report;
struct request;

/* When there is no room for a line, it is put into the reserve (daemon/reserve.h), and moved
 * when there is. */

/* A file beyond this loses its older half: some 1000 lines stay. */
#define TOMBSTONES_MAX_BYTES (256u * 1024u)

/* Adds a line for a report, or for a request that never became one. Failing to is logged only.
 */
void tombstone_add_report(int state_dir_fd, const struct report *report, const char *reason);
void tombstone_add_request(int state_dir_fd, const struct request *req, const char *reason);

/* Allocates the reserve, unless it is there, and moves the lines that are in it. Call at start,
 * and when there was room for a report. */
void tombstone_prepare(int state_dir_fd);
