/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A real server on a real loop in the test process, and clients that send and receive exactly
 * the bytes that the test says. The loop turns while a client waits. */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/loop.h"
#include "daemon/server.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/log.h"

/* What is expected happens within this, also under valgrind on a busy machine. */
#define WIRE_PATIENCE_USEC (10 * USEC_PER_SEC)
/* Long enough that what must not happen would have happened. */
#define WIRE_SILENCE_USEC  (30 * USEC_PER_MSEC)

struct wire {
	struct loop *loop;	  /* owned */
	struct loop_timer *pause; /* owned */
	struct server *server;	  /* owned */
};

static inline void
wire_on_pause(void *userdata)
{
	struct wire *w = userdata;

	loop_exit(w->loop, 0);
}

static inline struct wire *
wire_make(const struct server_options *options)
{
	struct wire *w = calloc(1, sizeof(*w));

	assert(w);
	log_set_sink(LOG_SINK_NONE);
	assert(loop_new(&w->loop) == 0);
	assert(loop_timer_new(w->loop, LOOP_PRIORITY_IDLE, wire_on_pause, w, &w->pause) == 0);
	assert(server_new(w->loop, options, &w->server) == 0);
	return w;
}

static inline void
wire_free(struct wire *w)
{
	server_free(w->server);
	loop_timer_free(w->pause);
	loop_free(w->loop);
	free(w);
}
DEFINE_CLEANUP(struct wire *, wire_free);
#define _cleanup_wire_ _cleanup_(wire_freep)

/* Lets the loop do what it has to do, for USEC at least. */
static inline void
wire_turn(struct wire *w, uint64_t usec)
{
	assert(loop_timer_arm(w->pause, usec) == 0);
	assert(loop_run(w->loop) == 0);
}

/* A new connection; the client's end. */
static inline int
wire_connect(struct wire *w)
{
	int fds[2];

	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	assert(server_add_client(w->server, fds[1]) == 0);
	return fds[0];
}

/* Sends all of DATA while the loop turns. Returns false when the server has left. */
static inline bool
wire_send(struct wire *w, int fd, const char *data, size_t size)
{
	uint64_t deadline = clock_monotonic_usec() + WIRE_PATIENCE_USEC;

	while (size > 0) {
		ssize_t n = send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EPIPE)
			return false;
		if (n < 0) {
			assert(errno == EAGAIN && clock_monotonic_usec() < deadline);
			wire_turn(w, 0);
			continue;
		}
		data += n;
		size -= (size_t)n;
	}
	return true;
}

/* Sends TEXT and the NUL behind it. */
static inline bool
wire_say(struct wire *w, int fd, const char *text)
{
	return wire_send(w, fd, text, strlen(text) + 1);
}

/* Receives one message and leaves the next one in the socket. NULL when the server left. The
 * caller frees it. */
static inline char *
wire_hear(struct wire *w, int fd)
{
	uint64_t deadline = clock_monotonic_usec() + WIRE_PATIENCE_USEC;
	size_t used = 0, allocated = 65536;
	char *text = malloc(allocated);

	assert(text);
	for (;;) {
		ssize_t n = recv(fd, text + used, allocated - used, MSG_DONTWAIT | MSG_PEEK);
		const char *end;

		if (n == 0 || (n < 0 && errno == ECONNRESET)) {
			free(text);
			return NULL;
		}
		if (n < 0) {
			assert(errno == EAGAIN && clock_monotonic_usec() < deadline);
			wire_turn(w, 0);
			continue;
		}
		end = memchr(text + used, '\0', (size_t)n);
		if (end)
			n = end + 1 - (text + used);
		assert(recv(fd, text + used, (size_t)n, MSG_DONTWAIT) == n);
		used += (size_t)n;
		if (end)
			return text;
		if (used == allocated) {
			allocated *= 2;
			text = realloc(text, allocated);
			assert(text);
		}
	}
}

/* The same as JSON. */
static inline cJSON *
wire_hear_json(struct wire *w, int fd)
{
	_cleanup_free_ char *text = wire_hear(w, fd);
	cJSON *json = NULL;

	if (text)
		assert(json_parse(text, strlen(text), &json, NULL) == 0);
	return json;
}

/* True if nothing comes for a while, neither data nor the end. */
static inline bool
wire_is_silent(struct wire *w, int fd)
{
	char c;

	wire_turn(w, WIRE_SILENCE_USEC);
	return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* True if the server drops the client, after whatever it still says. */
static inline bool
wire_is_dropped(struct wire *w, int fd)
{
	uint64_t deadline = clock_monotonic_usec() + WIRE_PATIENCE_USEC;
	char data[65536];

	while (clock_monotonic_usec() < deadline) {
		ssize_t n = recv(fd, data, sizeof(data), MSG_DONTWAIT);

		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return true;
		if (n < 0)
			wire_turn(w, 0);
	}
	return false;
}

/* Turns until the server has N clients. */
static inline bool
wire_has_clients(struct wire *w, size_t n)
{
	uint64_t deadline = clock_monotonic_usec() + WIRE_PATIENCE_USEC;

	while (server_client_count(w->server) != n && clock_monotonic_usec() < deadline)
		wire_turn(w, 0);
	return server_client_count(w->server) == n;
}
