/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The control socket: a Varlink server on the loop. It knows nothing of reports; the methods
 * are a table that ops.c gives it. It answers org.varlink.service itself.
 *
 * A call belongs to the server. A handler gets it borrowed and either answers it before it
 * returns, or keeps the pointer to answer later. Then it must set a cancel function: a kept
 * call ends exactly once, by its last answer or by that function, and the pointer is dead after
 * it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/cleanup.h"
#include "lib/proto.h"

struct loop;
struct server;
struct server_call;
typedef struct cJSON cJSON;

/* Clients in total. Each costs a descriptor and, at its worst, SERVER_OUTPUT_MAX_BYTES. */
#define SERVER_CLIENTS_MAX_COUNT     32u
/* Of them for root alone: the hook and the capture always get through. */
#define SERVER_CLIENTS_RESERVE_COUNT 8u
/* Clients of one user other than root: some terminals and a watcher. */
#define SERVER_CLIENTS_PER_UID_COUNT 8u
/* A client that neither waits for an answer nor completes a message or reads its answers for so
 * long is dropped. Long enough for a person between two calls of a script. */
#define SERVER_IDLE_USEC	     (60 * UINT64_C(1000000))
/* Answers that wait for a slow reader: the largest reply, and events meanwhile. */
#define SERVER_OUTPUT_MAX_BYTES	     (2u * 1024u * 1024u + 256u * 1024u)
/* The same for all clients together; the unit's MemoryHigh= is 32 MiB. */
#define SERVER_OUTPUT_TOTAL_BYTES    (8u * 1024u * 1024u)

typedef void (*server_cancel_fn)(struct server_call *call, void *userdata);

struct server_method {
	const char *name; /* "io.microshift.Support.Collect" */
	enum access access;
	bool needs_more; /* without `more` the answer is ExpectedMore */
	/* Returns 0, or negative errno, which is logged, and answered by name unless the
	 * handler answered already; it must not have kept the call then. */
	int (*handle)(struct server_call *call, void *userdata);
};

/* 0 and NULL stand for the default. */
struct server_options {
	const struct server_method *methods; /* borrowed: a constant table */
	size_t n_methods;
	void *userdata;	   /* of the handlers */
	const char *group; /* members get ACCESS_MEMBER; NULL: only root has access */
	size_t clients_max;
	size_t clients_per_uid_max;
	uint64_t idle_usec;
	size_t output_max_bytes;
	size_t output_total_bytes;
};

int server_new(struct loop *loop, const struct server_options *options, struct server **ret);

/* Cancels the calls that are kept, closes everything. Not from within a handler. */
void server_free(struct server *s);
DEFINE_CLEANUP(struct server *, server_free);

/* Accepts from FD, a listening Unix stream socket. Consumes FD, also on failure. */
int server_listen_fd(struct server *s, int fd);

/* Makes the socket PATH itself (mode 0660, the group of the options; its directory must exist),
 * for running without the socket unit; an old socket there is replaced, server_free() removes
 * it. */
int server_listen_path(struct server *s, const char *path);

/* Serves FD, a connected socket. Consumes FD, also on failure. Returns 0; -EBUSY when a limit
 * of connections is reached. */
int server_add_client(struct server *s, int fd);

/* New limits (a reload); those who are connected stay. */
void server_set_limits(
    struct server *s, size_t clients_max, size_t clients_per_uid_max, uint64_t idle_usec);

size_t server_client_count(const struct server *s);

/* What a handler asks. Parameters are always an object; it is alive as long as the call. */
const cJSON *server_call_parameters(const struct server_call *call);
uid_t server_call_peer_uid(const struct server_call *call);
pid_t server_call_peer_pid(const struct server_call *call);
enum access server_call_peer_access(const struct server_call *call);
bool server_call_wants_more(const struct server_call *call);

/* Keeps the call beyond the handler: FN is called when the client leaves, or the server ends,
 * before the last answer. It must not answer. */
void server_call_keep(struct server_call *call, server_cancel_fn fn, void *userdata);

/* Answers. All consume PARAMETERS (NULL: none). With CONTINUES the call stays open (only if the
 * client wanted more), otherwise it is over. They queue and never write, so no client is freed
 * while they run. Return 0, also when the client is about to be dropped; -EMSGSIZE or -ENOMEM
 * when the answer cannot be made: the client got TooLarge instead, or is dropped soon, which
 * cancels a call that was to continue. */
int server_call_reply(struct server_call *call, cJSON *parameters, bool continues);

/* The same with a file descriptor, which travels with the first byte of the reply. Consumes FD,
 * also on failure. */
int server_call_reply_fd(struct server_call *call, cJSON *parameters, int fd);

int server_call_error(struct server_call *call, enum proto_error error, cJSON *parameters);

/* The error with {"message": …} (may be NULL). */
int server_call_fail(struct server_call *call, enum proto_error error, const char *message);

/* org.varlink.service.InvalidParameter. */
int server_call_invalid_parameter(struct server_call *call, const char *name);
