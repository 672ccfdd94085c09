/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* inspect_cluster_resources.log and inspect_namespaces.log: one line for each request to the
 * API, so that nobody has to guess why something is missing:
 *
 *   GET pods in openshift-dns: ok, 200, 12 ms, 48213 bytes
 *   GET secrets in shop: MISSING http-403, 403, 3 ms, 0 bytes, 1 retry: secrets is forbidden
 */

#include <stdbool.h>
#include <stdint.h>

#include "capture/kube/failure.h"
#include "lib/cleanup.h"

struct bundle;
struct requestlog;

struct requestlog_line {
	const char *what;  /* "pods", "log of pod/container" */
	const char *where; /* the namespace; NULL = of the cluster */
	enum kube_failure failure;
	bool is_normal;	    /* of a failure that means no trouble: not started yet */
	bool is_incomplete; /* a part is in the report */
	int status;
	unsigned retries;
	uint64_t duration_usec;
	uint64_t bytes;
	const char *detail; /* a sentence; may be NULL */
};

/* Starts the log that will be the member PATH of B. Returns 0 or the error of the bundle. */
int requestlog_new(struct bundle *b, const char *path, struct requestlog **ret);

/* Adds a line. What cannot be written is lost; the report is the worse for it, not the run. */
void requestlog_add(struct requestlog *l, const struct requestlog_line *line);
/* Adds a line of text, with the time. */
void requestlog_note(struct requestlog *l, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds the log to the bundle and frees it. Returns as bundle_member_end(). */
int requestlog_end(struct requestlog *l);
void requestlog_free(struct requestlog *l);
DEFINE_CLEANUP(struct requestlog *, requestlog_free);
