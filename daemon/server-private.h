/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the server share; nothing else includes this.
 *
 *   server.c         accepts connections, keeps the limits of their number
 *   server-client.c  one connection: reads, sends, idle time, its end
 *   server-call.c    one call: who may, which handler, its answers
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/outbox.h"
#include "daemon/peer.h"
#include "daemon/server.h"
#include "lib/varlink.h"

struct loop_io;
struct loop_timer;

struct server_client {
	TAILQ_ENTRY(server_client) entry;
	struct server *server; /* borrowed: owns us */
	struct peer peer;
	int fd;			       /* owned */
	struct loop_io *io;	       /* owned */
	struct loop_timer *turn_timer; /* owned; brings the client to server_client_settle() */
	struct loop_timer *idle_timer; /* owned */
	struct varlink_decoder decoder;
	struct outbox outbox;
	struct server_call *call; /* owned; the one that is open */
	bool progressed;	  /* a reason to start the idle time again */
	bool ended;		  /* it will send nothing more */
	bool doomed;
};

struct server_call {
	struct server_client *client; /* borrowed: owns us */
	struct varlink_call message;  /* owned */
	cJSON *empty;		      /* owned: parameters of a call that has none */
	server_cancel_fn on_cancel;   /* set when the handler kept the call */
	void *cancel_userdata;
	bool is_in_handler;
	bool is_answered;
};

struct server {
	struct loop *loop; /* borrowed: outlives us */
	struct server_options options;
	gid_t group;
	int listen_fd;			 /* owned */
	struct loop_io *listen_io;	 /* owned */
	struct loop_timer *accept_timer; /* owned; ends the pause after EMFILE */
	char *listen_path;		 /* owned; to be removed */
	bool accept_paused;
	bool accept_fails; /* and that was logged */
	uint64_t limit_logged_usec;
	TAILQ_HEAD(, server_client) clients;
	size_t n_clients;
};

/* server.c */
void server_client_removed(struct server *s, struct server_client *c);
void server_log_limit(struct server *s, const char *what);

/* server-client.c */

/* Serves FD. Consumes FD, also on failure. */
int server_client_new(
    struct server *s, int fd, const struct peer *peer, struct server_client **ret);
void server_client_free(struct server_client *c);

/* Ends the client soon, but not now. REASON is for the debug log. */
void server_client_doom(struct server_client *c, const char *reason);

/* Sends a message when the client takes it, or dooms a client for which it is too much.
 * Consumes DATA and FD. Returns 0, also for a client that is doomed; -ENOMEM. */
int server_client_queue(struct server_client *c, char *data, size_t size, int fd);

/* server-call.c */

/* Takes up the call in MESSAGE: when this returns it was answered, or is c->call and open. */
void server_call_run(struct server_client *c, const char *message, size_t size);

/* The client leaves while the call (may be NULL) is open. */
void server_call_cancel(struct server_call *call);
