/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "daemon/loop.h"
#include "daemon/server-private.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/varlink.h"

#define LOG_DOMAIN "server"

/* One client may not keep the loop from the others: what it gets per wake-up. */
#define READ_BYTES_PER_WAKEUP 16384u
#define SEND_BYTES_PER_WAKEUP (256u * 1024u)
#define CALLS_PER_WAKEUP      16u
/* What waits in our decoder of messages that were sent ahead. While a call is open we must go
 * on reading, because the end of the stream is how we learn that the client left. */
#define SENT_AHEAD_MAX_BYTES  VARLINK_REQUEST_MAX_BYTES

void
server_client_doom(struct server_client *c, const char *reason)
{
	if (c->doomed)
		return;
	log_debug("Dropping client (uid %u, pid %d): %s", (unsigned)c->peer.uid,
	    (int)c->peer.pid, reason);
	c->doomed = true;
	outbox_done(&c->outbox);
	(void)loop_timer_arm(c->turn_timer, 0);
}

static struct server_client *
slowest_client(struct server *s, size_t *ret_total_bytes)
{
	struct server_client *c, *slowest = NULL;

	*ret_total_bytes = 0;
	TAILQ_FOREACH (c, &s->clients, entry) {
		*ret_total_bytes += c->outbox.bytes;
		if (!slowest || c->outbox.bytes > slowest->outbox.bytes)
			slowest = c;
	}
	return slowest;
}

/* Makes room for SIZE more bytes to C within the caps. False when C itself was doomed for it.
 */
static bool
server_client_reserve_output(struct server_client *c, size_t size)
{
	struct server *s = c->server;
	struct server_client *slowest;
	size_t total;

	if (c->outbox.bytes > 0 && c->outbox.bytes + size > s->options.output_max_bytes) {
		server_client_doom(c, "reads its answers too slowly");
		server_log_limit(s, "a client reads its answers too slowly and was dropped");
		return false;
	}
	for (;;) {
		slowest = slowest_client(s, &total);
		if (total == 0 || total + size <= s->options.output_total_bytes)
			return true;
		server_client_doom(
		    slowest, "too many answers wait to be read, most of them its own");
		server_log_limit(
		    s, "too many answers wait to be read; dropped the slowest client");
		if (slowest == c)
			return false;
	}
}

int
server_client_queue(struct server_client *c, char *data, size_t size, int fd)
{
	int r;

	if (c->doomed || !server_client_reserve_output(c, size)) {
		(void)close_fd(fd);
		free(data);
		return 0;
	}
	/* The time to read it begins. */
	c->progressed = c->progressed || c->outbox.bytes == 0;
	r = outbox_add(&c->outbox, data, size, fd);
	if (r < 0) {
		server_client_doom(c, "out of memory");
		return r;
	}
	(void)loop_timer_arm(c->turn_timer, 0);
	return 0;
}

/* True if the next message may be taken up; see the head of server.c. */
static bool
server_client_is_free(const struct server_client *c)
{
	return !c->doomed && !c->call && c->outbox.bytes == 0;
}

static void
server_client_process(struct server_client *c)
{
	const char *message;
	size_t size;
	int r;

	for (unsigned n = 0; n < CALLS_PER_WAKEUP && server_client_is_free(c); n++) {
		r = varlink_decoder_next(&c->decoder, &message, &size);
		if (r < 0)
			server_client_doom(c, "sent a message that is too large");
		if (r <= 0)
			return;
		c->progressed = true;
		server_call_run(c, message, size);
	}
}

void
server_client_free(struct server_client *c)
{
	if (!c)
		return;
	server_call_cancel(TAKE_PTR(c->call));
	outbox_done(&c->outbox);
	varlink_decoder_done(&c->decoder);
	loop_timer_free(c->idle_timer);
	loop_timer_free(c->turn_timer);
	loop_io_free(c->io); /* before its fd is closed */
	(void)close_fd(c->fd);
	free(c);
}

static void
server_client_remove(struct server_client *c)
{
	struct server *s = c->server;

	server_client_removed(s, c);
	server_client_free(c);
}

/* Nothing will come of this client any more: it ended its side, and all was answered. */
static bool
server_client_is_over(struct server_client *c)
{
	if (c->doomed)
		return true;
	if (!c->ended || c->outbox.bytes > 0)
		return false;
	/* Who ends its side may wait for one answer, but not follow a stream: nothing tells us
	 * when it leaves. */
	if (c->call)
		return c->call->message.more;
	return !varlink_decoder_has_message(&c->decoder);
}

/* Sets what the client waits for. The last thing that every callback does: frees the client
 * when it is over. */
static void
server_client_settle(struct server_client *c)
{
	bool has_turn = server_client_is_free(c) && varlink_decoder_has_message(&c->decoder);
	unsigned events = 0;

	if (server_client_is_over(c)) {
		server_client_remove(c);
		return;
	}
	if (!c->ended && !has_turn &&
	    (c->call || varlink_decoder_pending(&c->decoder) <= SENT_AHEAD_MAX_BYTES))
		events |= LOOP_READ;
	if (c->outbox.bytes > 0)
		events |= LOOP_WRITE;
	(void)loop_io_set_events(c->io, events);
	if (has_turn)
		(void)loop_timer_arm(c->turn_timer, 0);
	if (c->call && c->outbox.bytes == 0)
		loop_timer_disarm(c->idle_timer);
	else if (c->progressed)
		(void)loop_timer_arm(c->idle_timer, c->server->options.idle_usec);
	c->progressed = false;
}

/* True if the peer has closed its socket, not only ended its sending side. */
static bool
has_hung_up(int fd)
{
	struct pollfd pfd = { .fd = fd };

	return poll(&pfd, 1, 0) > 0 && (pfd.revents & (POLLHUP | POLLERR));
}

static void
server_client_read(struct server_client *c)
{
	char data[READ_BYTES_PER_WAKEUP];
	ssize_t n;

	n = recv(c->fd, data, sizeof(data), MSG_DONTWAIT);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			server_client_doom(c, "cannot be read");
		return;
	}
	if (n == 0) {
		c->ended = true;
		if (has_hung_up(c->fd))
			server_client_doom(c, "left");
		return;
	}
	if (varlink_decoder_feed(&c->decoder, data, (size_t)n) < 0)
		server_client_doom(c, "sent too much");
	else if (c->call && varlink_decoder_pending(&c->decoder) > SENT_AHEAD_MAX_BYTES)
		server_client_doom(c, "sent too much ahead");
}

static void
on_client_io(int fd, unsigned events, void *userdata)
{
	struct server_client *c = userdata;
	size_t before = c->outbox.bytes;

	if (events & LOOP_WRITE) {
		if (outbox_send(&c->outbox, fd, SEND_BYTES_PER_WAKEUP) < 0)
			server_client_doom(c, "left without reading its answer");
		c->progressed = c->progressed || c->outbox.bytes < before;
	}
	if (events & LOOP_READ && !c->doomed)
		server_client_read(c);
	server_client_process(c);
	server_client_settle(c);
}

static void
on_client_turn(void *userdata)
{
	struct server_client *c = userdata;

	server_client_process(c);
	server_client_settle(c);
}

static void
on_client_idle(void *userdata)
{
	struct server_client *c = userdata;

	server_client_doom(c, "idle for too long");
	server_client_settle(c);
}

static int
server_client_start(struct server_client *c, struct loop *loop)
{
	int r;

	r = loop_timer_new(loop, LOOP_PRIORITY_CLIENT, on_client_turn, c, &c->turn_timer);
	if (r < 0)
		return r;
	r = loop_timer_new(loop, LOOP_PRIORITY_CLIENT, on_client_idle, c, &c->idle_timer);
	if (r < 0)
		return r;
	r = loop_timer_arm(c->idle_timer, c->server->options.idle_usec);
	if (r < 0)
		return r;
	return loop_io_new(
	    loop, LOOP_PRIORITY_CLIENT, c->fd, LOOP_READ, on_client_io, c, &c->io);
}

int
server_client_new(struct server *s, int fd, const struct peer *peer, struct server_client **ret)
{
	struct server_client *c = malloc(sizeof(*c));
	int r;

	if (!c) {
		(void)close_fd(fd);
		return -ENOMEM;
	}
	*c = (struct server_client){
		.server = s,
		.peer = *peer,
		.fd = fd,
		.decoder = VARLINK_DECODER_INIT(VARLINK_REQUEST_MAX_BYTES),
	};
	outbox_init(&c->outbox);
	r = server_client_start(c, s->loop);
	if (r < 0) {
		server_client_free(c);
		return r;
	}
	*ret = c;
	return 0;
}
