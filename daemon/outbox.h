/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Messages that wait until a peer reads them, some with a file descriptor. */

#include <stddef.h>
#include <sys/queue.h>

struct outbox_message;

/* Embedded: outbox_init() first. */
struct outbox {
	STAILQ_HEAD(, outbox_message) messages;
	size_t bytes; /* not yet sent */
};

void outbox_init(struct outbox *box);

/* Frees what was not sent. */
void outbox_done(struct outbox *box);

/* Appends a message. Consumes DATA (malloc()ed) and FD (-EBADF: none), also on failure. Returns
 * 0 or -ENOMEM. */
int outbox_add(struct outbox *box, char *data, size_t size, int fd);

/* Sends what the socket FD takes without waiting, at most MAX_BYTES or one call of sendmsg(2)
 * more. Returns 0, also when nothing could be sent; -ECONNRESET when nobody will read it; other
 * negative errno. */
int outbox_send(struct outbox *box, int fd, size_t max_bytes);
