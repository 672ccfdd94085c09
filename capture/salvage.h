/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Closes what a killed capture left behind into a readable partial report.
 *
 * Run by ExecStopPost=, so after every capture; nothing is done when it finished. The archive
 * is written part by part (see sink/tarball.h), so all whole parts can be read: they are copied
 * into a new archive, through the filter once more, with a manifest that says what happened.
 * When nothing can be read, the request and its flash make a minimal report. */

#include "lib/report.h"
#include "lib/settings.h"

struct clean_rules;
struct fault;
struct redact_own;

struct salvage_options {
	int dir_fd;	  /* where the capture wrote */
	const char *stem; /* name of its archive without the compression: "report.tar" */
	const struct request *request;
	const char *reason; /* why the capture did not finish */
	const char *cmdline;
	const struct clean_rules *clean; /* as in capture.h */
	const struct redact_own *own;	 /* as there */
};

/* Makes STEM.zst (.xz, .gz) of what there is and fills *ret; meta.json is the caller's. Returns
 * 0 or negative errno. */
int salvage_run(
    const struct salvage_options *options, struct capture_meta *ret, struct fault *reterr);

/* Why the capture ended, from what systemd tells ExecStopPost= in $SERVICE_RESULT and
 * $EXIT_STATUS (each may be NULL). Returns BUF. */
const char *salvage_reason(
    const char *service_result, const char *exit_status, char *buf, size_t size);
