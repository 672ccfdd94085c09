/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The answers of io.microshift.Support as JSON. All return a new object that the caller owns,
 * or NULL when out of memory. */

#include <stdint.h>

#include "daemon/ops.h"
#include "lib/proto.h"

typedef struct cJSON cJSON;

/* What Collect answers. REPORT, PROGRESS and MESSAGE may be NULL. */
cJSON *ops_json_collect(const char *id, enum capture_state state, const struct report *report,
    const struct capture_progress *progress, const char *message);

/* One event of Watch; everything but EVENT may be NULL. */
struct ops_event {
	const char *event;
	const char *id;
	const char *unit;
	const char *message;
	const struct report *report;
	const struct capture_progress *progress;
};

cJSON *ops_json_event(const struct ops_event *event);

cJSON *ops_json_key(const struct key_status *key);

/* What Status answers. LATEST (may be NULL) is the newest report. */
cJSON *ops_json_status(const struct status_info *status, const struct report *latest);

/* The parameters of an error; ID and MESSAGE may be NULL, RETRY_USEC 0. */
cJSON *ops_json_error(const char *id, const char *message, uint64_t retry_usec);
