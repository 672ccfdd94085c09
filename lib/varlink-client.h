/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A synchronous Varlink client for programs that do one thing and wait for it: msupportctl, the
 * OnFailure= hook, and the progress of a capture. One call at a time; every wait has a limit.
 */

#include <stddef.h>
#include <stdint.h>

#include "lib/cleanup.h"
#include "lib/proto.h"
#include "lib/varlink.h"

struct fault;
typedef struct cJSON cJSON;

/* Time for a plain call; the service answers within milliseconds unless its disk hangs. */
#define VARLINK_CALL_TIMEOUT_USEC (30 * UINT64_C(1000000))

struct varlink_client;

/* Connects to the socket PATH. Returns 0; -ENOENT, -ECONNREFUSED when nobody listens, -EACCES,
 * -ETIMEDOUT, other negative errno. */
int varlink_client_connect(
    const char *path, uint64_t timeout_usec, struct varlink_client **ret, struct fault *reterr);

/* Uses the connected stream socket FD. Consumes FD, also on failure. */
int varlink_client_new(int fd, struct varlink_client **ret);

void varlink_client_close(struct varlink_client *c);
DEFINE_CLEANUP(struct varlink_client *, varlink_client_close);

/* For poll(2), between varlink_client_send() and varlink_client_receive(). */
int varlink_client_fd(const struct varlink_client *c);

/* Calls METHOD ("io.microshift.Support.List") and waits for its one reply. PARAMETERS (may be
 * NULL) is consumed, also on failure. *ret_parameters (may be NULL) is always an object and the
 * caller's.
 *
 * Returns 0; proto_error_to_errno() of the error that the service answered with, and
 * varlink_client_last_error() tells which; -ETIMEDOUT; -ECONNRESET when the service went away;
 * -EPROTO when it does not speak Varlink; -EINTR when a signal came. After one of these four
 * the answer may still be under way: close the client, do not call again. */
int varlink_client_call(struct varlink_client *c, const char *method, cJSON *parameters,
    uint64_t timeout_usec, cJSON **ret_parameters, struct fault *reterr);

/* The same for a reply that carries one file descriptor, which the caller then owns. -EPROTO
 * when it has none. */
int varlink_client_call_fd(struct varlink_client *c, const char *method, cJSON *parameters,
    uint64_t timeout_usec, cJSON **ret_parameters, int *ret_fd, struct fault *reterr);

/* Sends a call: with VARLINK_MORE its replies are read by varlink_client_receive(), with
 * VARLINK_ONEWAY there are none. Returns when the last byte was given to the kernel. */
int varlink_client_send(struct varlink_client *c, const char *method, cJSON *parameters,
    enum varlink_flags flags, uint64_t timeout_usec, struct fault *reterr);

/* Waits for the next reply (USEC_INFINITY: as long as it takes). Returns 1 when more replies
 * follow this one, 0 when it was the last; errors as varlink_client_call(). After -ETIMEDOUT
 * and -EINTR it may be called again. */
int varlink_client_receive(struct varlink_client *c, uint64_t timeout_usec,
    cJSON **ret_parameters, struct fault *reterr);

/* What the last call was answered with: PROTO_ERROR_NONE when it was no error, or when the call
 * failed on our side. */
enum proto_error varlink_client_last_error(const struct varlink_client *c);

/* The parameters of that error; NULL when there are none. Valid until the next call. */
const cJSON *varlink_client_last_error_parameters(const struct varlink_client *c);
