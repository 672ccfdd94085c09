/* SPDX-License-Identifier: Apache-2.0 */

/* The model. A client has at most one call open; what it sends meanwhile waits, first in our
 * decoder, then in its socket. A call is taken up only when the answers to the ones before were
 * sent, so a client that does not read stops being served before it costs memory. Only streams
 * (Watch, Collect with `more`) can pile up answers; for them there are caps.
 *
 * Answering only queues. Everything that can end a client runs from the loop, in one of four
 * callbacks that do nothing after server_client_settle(), the only place that frees one. A
 * client that must go for another reason is `doomed`, and its turn timer brings it there.
 *
 * Descriptors that a client passes to us never arrive: we read without room for control data,
 * and the kernel then closes them. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "daemon/loop.h"
#include "daemon/server-private.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/text.h"

#define LOG_DOMAIN "server"

/* Connections taken per wake-up; the rest waits in the backlog. */
#define ACCEPTS_PER_WAKEUP   8u
/* Pause when the process or the system is out of descriptors or memory: accept(2) would fail
 * again at once. */
#define ACCEPT_PAUSE_USEC    USEC_PER_SEC
/* The limits are reported this often at most: a client can reach them at will. */
#define LIMIT_LOG_PAUSE_USEC USEC_PER_MINUTE
/* Connections that wait to be accepted. */
#define LISTEN_BACKLOG	     32

void
server_log_limit(struct server *s, const char *what)
{
	uint64_t now = clock_monotonic_usec();

	if (s->limit_logged_usec != 0 && now - s->limit_logged_usec < LIMIT_LOG_PAUSE_USEC)
		return;
	s->limit_logged_usec = now;
	log_notice("Control socket: %s; not mentioning it again for a minute", what);
}

static void
server_update_listening(struct server *s)
{
	bool full = s->n_clients >= s->options.clients_max;

	if (full)
		server_log_limit(s, "the limit of connections is reached, others wait");
	if (s->listen_io)
		(void)loop_io_set_events(
		    s->listen_io, full || s->accept_paused ? 0 : LOOP_READ);
}

void
server_client_removed(struct server *s, struct server_client *c)
{
	TAILQ_REMOVE(&s->clients, c, entry);
	s->n_clients--;
	server_update_listening(s);
}

/* Returns 0, or -EBUSY when PEER would be one too many. */
static int
check_limits(struct server *s, const struct peer *peer)
{
	size_t reserve =
	    s->options.clients_max * SERVER_CLIENTS_RESERVE_COUNT / SERVER_CLIENTS_MAX_COUNT;
	size_t others = 0, same = 0;
	struct server_client *c;

	if (s->n_clients >= s->options.clients_max)
		return -EBUSY;
	if (peer->uid == 0)
		return 0;
	TAILQ_FOREACH (c, &s->clients, entry) {
		others += c->peer.uid != 0;
		same += c->peer.uid == peer->uid;
	}
	if (same >= s->options.clients_per_uid_max)
		return -EBUSY;
	return others >= s->options.clients_max - reserve ? -EBUSY : 0;
}

int
server_add_client(struct server *s, int fd)
{
	_cleanup_close_ int owned_fd = fd;
	struct server_client *c;
	struct peer peer;
	int r;

	r = peer_identify(fd, s->group, &peer);
	if (r < 0)
		return r;
	r = check_limits(s, &peer);
	if (r < 0)
		return r;
	r = server_client_new(s, TAKE_FD(owned_fd), &peer, &c);
	if (r < 0)
		return r;
	TAILQ_INSERT_TAIL(&s->clients, c, entry);
	s->n_clients++;
	server_update_listening(s);
	return 0;
}

static void
server_pause_accepting(struct server *s, int r)
{
	if (!s->accept_fails)
		(void)log_warning_errno(r, "Cannot accept connections, will go on trying: %m");
	s->accept_fails = true;
	s->accept_paused = true;
	(void)loop_timer_arm(s->accept_timer, ACCEPT_PAUSE_USEC);
	server_update_listening(s);
}

static void
on_accept_timer(void *userdata)
{
	struct server *s = userdata;

	s->accept_paused = false;
	server_update_listening(s);
}

static void
on_listen(int fd, unsigned events, void *userdata)
{
	struct server *s = userdata;
	int client_fd, r;

	(void)events;
	for (unsigned n = 0; n < ACCEPTS_PER_WAKEUP && s->n_clients < s->options.clients_max;
	     n++) {
		client_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (client_fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (client_fd < 0 && errno == EAGAIN)
			return;
		if (client_fd < 0) {
			server_pause_accepting(s, -errno);
			return;
		}
		s->accept_fails = false;
		r = server_add_client(s, client_fd);
		if (r == -EBUSY)
			server_log_limit(s, "a user has too many connections, refusing more");
		else if (r < 0)
			(void)log_warning_errno(r, "Cannot serve a connection, closing it: %m");
	}
}

int
server_listen_fd(struct server *s, int fd)
{
	_cleanup_close_ int owned_fd = fd;
	int flags, r;

	if (s->listen_io)
		return -EBUSY;
	/* systemd passes sockets in blocking mode unless it is told otherwise. */
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	r = loop_io_new(
	    s->loop, LOOP_PRIORITY_CLIENT, fd, LOOP_READ, on_listen, s, &s->listen_io);
	if (r < 0)
		return r;
	s->listen_fd = TAKE_FD(owned_fd);
	server_update_listening(s);
	return 0;
}

/* Removes an old socket at PATH, nothing else. */
static int
remove_socket(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

int
server_listen_path(struct server *s, const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -EBADF;
	int r;

	if (s->listen_io)
		return -EBUSY;
	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	text_copy(sa.sun_path, sizeof(sa.sun_path), path);
	r = remove_socket(path);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	/* Nobody can connect before listen(2), so there is no moment with other rights. */
	s->listen_path = strdup(path);
	if (!s->listen_path)
		return -ENOMEM;
	if (s->group != (gid_t)-1 && chown(path, (uid_t)-1, s->group) < 0)
		(void)log_warning_errno(-errno,
		    "Cannot give socket '%s' to its group, only root can use it: %m", path);
	if (chmod(path, 0660) < 0 || listen(fd, LISTEN_BACKLOG) < 0)
		return -errno;
	return server_listen_fd(s, TAKE_FD(fd));
}

void
server_set_limits(
    struct server *s, size_t clients_max, size_t clients_per_uid_max, uint64_t idle_usec)
{
	struct server_options *o = &s->options;

	o->clients_max = clients_max ? clients_max : SERVER_CLIENTS_MAX_COUNT;
	o->clients_per_uid_max =
	    clients_per_uid_max ? clients_per_uid_max : SERVER_CLIENTS_PER_UID_COUNT;
	o->idle_usec = idle_usec ? idle_usec : SERVER_IDLE_USEC;
	s->group = peer_group(o->group);
	server_update_listening(s);
}

int
server_new(struct loop *loop, const struct server_options *options, struct server **ret)
{
	_cleanup_(server_freep) struct server *s = malloc(sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	*s = (struct server){ .loop = loop, .options = *options, .listen_fd = -EBADF };
	TAILQ_INIT(&s->clients);
	if (s->options.output_max_bytes == 0)
		s->options.output_max_bytes = SERVER_OUTPUT_MAX_BYTES;
	if (s->options.output_total_bytes == 0)
		s->options.output_total_bytes = SERVER_OUTPUT_TOTAL_BYTES;
	server_set_limits(
	    s, options->clients_max, options->clients_per_uid_max, options->idle_usec);
	if (options->group && s->group == (gid_t)-1)
		log_warning("There is no group '%s', only root can use the control socket",
		    options->group);
	r = loop_timer_new(loop, LOOP_PRIORITY_CLIENT, on_accept_timer, s, &s->accept_timer);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

void
server_free(struct server *s)
{
	struct server_client *c;

	if (!s)
		return;
	loop_io_free(s->listen_io);
	s->listen_io = NULL;
	loop_timer_free(s->accept_timer);
	while ((c = TAILQ_FIRST(&s->clients))) {
		server_client_removed(s, c);
		server_client_free(c);
	}
	(void)close_fd(s->listen_fd);
	if (s->listen_path)
		(void)unlink(s->listen_path);
	free(s->listen_path);
	free(s);
}

size_t
server_client_count(const struct server *s)
{
	return s->n_clients;
}
