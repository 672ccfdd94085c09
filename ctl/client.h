/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Talking to the daemon, for the verbs. Everything here is loud: what goes wrong is said on
 * stderr, with what to do about it, and becomes an exit status. */

#include <stdbool.h>
#include <stddef.h>

#include "lib/proto.h"
#include "lib/varlink-client.h"

struct fault;
struct options;
typedef struct cJSON cJSON;

/* Connects. Returns an enum proto_exit; *ret is set when it is PROTO_EXIT_OK. */
int client_connect(const struct options *o, struct varlink_client **ret);

/* Calls METHOD with PARAMETERS (consumed, may be NULL). Returns an enum proto_exit; the caller
 * owns *ret (may be NULL) when it is PROTO_EXIT_OK. */
int client_call(
    struct varlink_client *c, enum proto_method method, cJSON *parameters, cJSON **ret);

/* The same for Open: the caller owns *ret_fd as well. */
int client_open_report(struct varlink_client *c, const char *id, cJSON **ret, int *ret_fd);

/* Says what went wrong with a call of METHOD that returned R (< 0) with FAULT, and returns the
 * exit status. */
int client_explain(
    const struct varlink_client *c, enum proto_method method, int r, const struct fault *fault);

/* True if S can be the ID of a report, or the start of one, or 'latest'. */
bool client_is_id(const char *s);

/* What is done with one report; returns an enum proto_exit. IS_FIRST: none before it in this
 * run. */
typedef int (*client_report_fn)(
    const struct options *o, struct varlink_client *c, const char *id, bool is_first);

/* Checks that all of IDS can be IDs, or starts of them, connects, and calls FN for each.
 * Returns the first exit status that is not PROTO_EXIT_OK; the others are still tried. */
int client_for_each_id(
    const struct options *o, char *const *ids, int n_ids, client_report_fn fn);

/* { "id": ID } for methods that take one; NULL when out of memory. */
cJSON *client_id_parameters(const char *id);

/* The exit status for R of the client library and the error E of the service. */
enum proto_exit client_exit_status(int r, enum proto_error e);

/* Says "msupportctl: …" on stderr. Returns STATUS. `%m` is not understood. */
int complain(enum proto_exit status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
