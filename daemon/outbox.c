/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/outbox.h"
#include "lib/cleanup.h"

struct outbox_message {
	STAILQ_ENTRY(outbox_message) entry;
	char *data; /* owned */
	size_t size;
	size_t sent;
	int fd; /* owned; goes with the first byte */
};

static void
outbox_message_free(struct outbox_message *m)
{
	(void)close_fd(m->fd);
	free(m->data);
	free(m);
}

void
outbox_init(struct outbox *box)
{
	STAILQ_INIT(&box->messages);
	box->bytes = 0;
}

void
outbox_done(struct outbox *box)
{
	struct outbox_message *m;

	while ((m = STAILQ_FIRST(&box->messages))) {
		STAILQ_REMOVE_HEAD(&box->messages, entry);
		outbox_message_free(m);
	}
	box->bytes = 0;
}

int
outbox_add(struct outbox *box, char *data, size_t size, int fd)
{
	struct outbox_message *m = malloc(sizeof(*m));

	if (!m) {
		(void)close_fd(fd);
		free(data);
		return -ENOMEM;
	}
	*m = (struct outbox_message){ .data = data, .size = size, .fd = fd };
	STAILQ_INSERT_TAIL(&box->messages, m, entry);
	box->bytes += size;
	return 0;
}

static ssize_t
send_message(int socket_fd, const struct outbox_message *m)
{
	union {
		struct cmsghdr align;
		char data[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = m->data + m->sent, .iov_len = m->size - m->sent };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *h;
	ssize_t n;

	if (m->fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		h = CMSG_FIRSTHDR(&message);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &m->fd, sizeof(int));
	}
	n = sendmsg(socket_fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	return n < 0 ? -errno : n;
}

int
outbox_send(struct outbox *box, int fd, size_t max_bytes)
{
	struct outbox_message *m;
	size_t sent = 0;
	ssize_t n;

	while (sent < max_bytes && (m = STAILQ_FIRST(&box->messages))) {
		n = send_message(fd, m);
		if (n == -EAGAIN)
			return 0;
		if (n == -EINTR)
			continue;
		if (n < 0)
			return n == -EPIPE ? -ECONNRESET : (int)n;
		m->fd = close_fd(m->fd);
		m->sent += (size_t)n;
		box->bytes -= (size_t)n;
		sent += (size_t)n;
		if (m->sent < m->size)
			continue;
		STAILQ_REMOVE_HEAD(&box->messages, entry);
		outbox_message_free(m);
	}
	return 0;
}
