/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The parameters of the methods: read, checked and put into C. All return the name of the first
 * parameter that is missing, unknown, of the wrong type or not acceptable; NULL when all are
 * well. null is the same as missing. What they return is alive as long as PARAMETERS. */

#include "daemon/ops.h"
#include "lib/failure.h"

typedef struct cJSON cJSON;

/* ARGS->only and ->namespaces become the caller's (strv_free()), also when something is wrong.
 */
const char *ops_read_collect(const cJSON *parameters, struct collect_args *args);

const char *ops_read_list(const cJSON *parameters, struct list_args *ret);
const char *ops_read_failed(const cJSON *parameters, struct failure_notice *ret);

/* RET has room for FINDINGS_MAX. */
const char *ops_read_checked(
    const cJSON *parameters, struct finding *ret, size_t *ret_n_findings);
const char *ops_read_progress(
    const cJSON *parameters, char id[REPORT_ID_BYTES], struct capture_progress *progress);

/* The one parameter `id`: ID_LATEST, or the start of a report ID. */
const char *ops_read_id(const cJSON *parameters, const char **ret_id);
const char *ops_read_open(const cJSON *parameters, const char **ret_id, bool *ret_fetch);

/* For methods that take nothing. */
const char *ops_read_nothing(const cJSON *parameters);
