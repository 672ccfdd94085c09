/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/text.h"
#include "lib/varlink-client.h"

/* What one read takes at most. */
#define READ_BYTES    16384u
/* Descriptors in one message; we ask for one, and close what else comes. */
#define FDS_MAX_COUNT 16u

struct varlink_client {
	int fd; /* owned */
	struct varlink_decoder decoder;
	int received_fd; /* owned; with the reply that is being read */
	enum proto_error error;
	cJSON *error_parameters; /* owned */
};

static uint64_t
deadline_after(uint64_t timeout_usec)
{
	uint64_t now = clock_monotonic_usec();

	return timeout_usec > USEC_INFINITY - now ? USEC_INFINITY : now + timeout_usec;
}

/* Waits until FD is ready for EVENTS. Returns 0, -ETIMEDOUT, -EINTR. */
static int
wait_ready(int fd, short events, uint64_t deadline_usec)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	struct timespec ts, *timeout = NULL;
	int n;

	if (deadline_usec != USEC_INFINITY) {
		uint64_t now = clock_monotonic_usec();
		uint64_t left = deadline_usec > now ? deadline_usec - now : 0;

		ts.tv_sec = (time_t)(left / USEC_PER_SEC);
		ts.tv_nsec = (long)(left % USEC_PER_SEC * NSEC_PER_USEC);
		timeout = &ts;
	}
	n = ppoll(&pfd, 1, timeout, NULL);
	if (n < 0)
		return -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

/* A non-blocking connect(2) of a Unix socket never waits: while the backlog is full it says
 * EAGAIN, and there is no event to wait for. SO_SNDTIMEO limits a blocking one. */
static int
connect_socket(int fd, const struct sockaddr_un *sa, socklen_t size, uint64_t timeout_usec)
{
	struct timeval tv = {
		.tv_sec = (time_t)(timeout_usec / USEC_PER_SEC),
		.tv_usec = (suseconds_t)(timeout_usec % USEC_PER_SEC),
	};

	/* Zero would mean no limit. */
	if (timeout_usec == 0)
		tv.tv_usec = 1;
	if (timeout_usec != USEC_INFINITY &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)sa, size) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return 0;
}

int
varlink_client_connect(
    const char *path, uint64_t timeout_usec, struct varlink_client **ret, struct fault *reterr)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -EBADF;
	int r;

	if (strlen(path) >= sizeof(sa.sun_path))
		return fault_set(reterr, -ENAMETOOLONG, "socket path '%s' is too long", path);
	text_copy(sa.sun_path, sizeof(sa.sun_path), path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fault_set(reterr, -errno, "cannot make a socket: %m");
	r = connect_socket(fd, &sa, sizeof(sa), timeout_usec);
	if (r < 0)
		return fault_set(reterr, r, "cannot connect to '%s': %m", path);
	r = varlink_client_new(TAKE_FD(fd), ret);
	if (r < 0)
		return fault_set(reterr, r, "cannot use the connection to '%s': %m", path);
	return 0;
}

int
varlink_client_new(int fd, struct varlink_client **ret)
{
	_cleanup_close_ int owned_fd = fd;
	struct varlink_client *c;
	int flags;

	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	c = malloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	*c = (struct varlink_client){
		.fd = TAKE_FD(owned_fd),
		.decoder = VARLINK_DECODER_INIT(VARLINK_REPLY_MAX_BYTES),
		.received_fd = -EBADF,
		.error = PROTO_ERROR_NONE,
	};
	*ret = c;
	return 0;
}

static void
forget_last_call(struct varlink_client *c)
{
	c->received_fd = close_fd(c->received_fd);
	c->error = PROTO_ERROR_NONE;
	cJSON_Delete(TAKE_PTR(c->error_parameters));
}

void
varlink_client_close(struct varlink_client *c)
{
	if (!c)
		return;
	forget_last_call(c);
	varlink_decoder_done(&c->decoder);
	(void)close_fd(c->fd);
	free(c);
}

int
varlink_client_fd(const struct varlink_client *c)
{
	return c->fd;
}

/* Keeps the first descriptor of MESSAGE, closes all others. */
static void
take_fds(struct varlink_client *c, struct msghdr *message)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(message); h; h = CMSG_NXTHDR(message, h)) {
		size_t n;
		int fd;

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
			if (c->received_fd < 0)
				c->received_fd = fd;
			else
				(void)close_fd(fd);
		}
	}
}

/* One read into the decoder. Returns 0, -EAGAIN, -ECONNRESET at the end of the stream. */
static int
read_some(struct varlink_client *c)
{
	union {
		struct cmsghdr align;
		char data[CMSG_SPACE(FDS_MAX_COUNT * sizeof(int))];
	} control;
	char data[READ_BYTES];
	struct iovec iov = { .iov_base = data, .iov_len = sizeof(data) };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	n = recvmsg(c->fd, &message, MSG_CMSG_CLOEXEC);
	if (n < 0)
		return -errno;
	take_fds(c, &message);
	if (n == 0)
		return -ECONNRESET;
	return varlink_decoder_feed(&c->decoder, data, (size_t)n);
}

/* Waits for a whole message. Returns 0 with *ret_message as varlink_decoder_next(). */
static int
read_message(struct varlink_client *c, uint64_t deadline_usec, const char **ret_message,
    size_t *ret_size)
{
	int r;

	for (;;) {
		r = varlink_decoder_next(&c->decoder, ret_message, ret_size);
		if (r != 0)
			return r < 0 ? r : 0;
		r = wait_ready(c->fd, POLLIN, deadline_usec);
		if (r < 0)
			return r;
		r = read_some(c);
		if (r < 0 && r != -EAGAIN && r != -EINTR)
			return r;
	}
}

static int
write_message(int fd, const char *data, size_t size, uint64_t deadline_usec)
{
	ssize_t n;
	int r;

	while (size > 0) {
		n = send(fd, data, size, MSG_NOSIGNAL);
		if (n >= 0) {
			data += n;
			size -= (size_t)n;
			continue;
		}
		if (errno != EAGAIN)
			return errno == EPIPE ? -ECONNRESET : -errno;
		r = wait_ready(fd, POLLOUT, deadline_usec);
		if (r < 0)
			return r;
	}
	return 0;
}

int
varlink_client_send(struct varlink_client *c, const char *method, cJSON *parameters,
    enum varlink_flags flags, uint64_t timeout_usec, struct fault *reterr)
{
	_cleanup_free_ char *message = NULL;
	size_t size;
	int r;

	forget_last_call(c);
	r = varlink_call_build(method, parameters, flags, &message, &size);
	if (r < 0)
		return fault_set(reterr, r, "cannot make the call: %m");
	r = write_message(c->fd, message, size, deadline_after(timeout_usec));
	if (r < 0)
		return fault_set(reterr, r, "cannot send to the service: %m");
	return 0;
}

/* The sentence for an error reply: what the service said, or what its name means. */
static int
set_error_fault(const struct varlink_client *c, const char *name, struct fault *reterr)
{
	int code = proto_error_to_errno(c->error);
	const char *text = NULL;

	(void)json_get_string(c->error_parameters, "message", &text);
	if (!is_empty(text))
		return fault_set(reterr, code, "%s", text);
	switch (c->error) {
	case PROTO_ERROR_PERMISSION_DENIED:
		return fault_set(reterr, code, "permission denied");
	case PROTO_ERROR_INVALID_PARAMETER:
		(void)json_get_string(c->error_parameters, "parameter", &text);
		return fault_set(reterr, code, "invalid parameter '%s'", text ? text : "?");
	case PROTO_ERROR_METHOD_NOT_FOUND:
	case PROTO_ERROR_METHOD_NOT_IMPLEMENTED:
	case PROTO_ERROR_INTERFACE_NOT_FOUND:
		return fault_set(
		    reterr, code, "the service does not know this call; is it older?");
	default:
		return fault_set(reterr, code, "the service answered %s", name);
	}
}

/* An error reply: keeps it for varlink_client_last_error(). */
static int
take_error(struct varlink_client *c, struct varlink_reply *reply, struct fault *reterr)
{
	c->error = proto_error_from_name(reply->error);
	if (reply->parameters)
		c->error_parameters =
		    cJSON_DetachItemViaPointer(reply->message, reply->parameters);
	return set_error_fault(c, reply->error, reterr);
}

int
varlink_client_receive(struct varlink_client *c, uint64_t timeout_usec, cJSON **ret_parameters,
    struct fault *reterr)
{
	_cleanup_(varlink_reply_done) struct varlink_reply reply = { 0 };
	const char *message;
	size_t size;
	int r;

	r = read_message(c, deadline_after(timeout_usec), &message, &size);
	if (r == -ECONNRESET)
		return fault_set(reterr, r, "the service closed the connection");
	if (r == -ETIMEDOUT)
		return fault_set(reterr, r, "the service did not answer in time");
	if (r == -EMSGSIZE)
		return fault_set(reterr, -EPROTO, "the service's answer is too large");
	if (r < 0)
		return fault_set(reterr, r, "cannot read from the service: %m");
	r = varlink_reply_parse(message, size, &reply, reterr);
	if (r < 0) {
		fault_wrap(reterr, "the service's answer cannot be read");
		return r == -EBADMSG ? -EPROTO : r;
	}
	if (reply.error)
		return take_error(c, &reply, reterr);
	if (!ret_parameters)
		return reply.continues;
	*ret_parameters = reply.parameters
	    ? cJSON_DetachItemViaPointer(reply.message, reply.parameters)
	    : cJSON_CreateObject();
	if (!*ret_parameters)
		return fault_set(reterr, -ENOMEM, "cannot keep the answer: %m");
	return reply.continues;
}

int
varlink_client_call(struct varlink_client *c, const char *method, cJSON *parameters,
    uint64_t timeout_usec, cJSON **ret_parameters, struct fault *reterr)
{
	_cleanup_json_ cJSON *answer = NULL;
	int r;

	r = varlink_client_send(c, method, parameters, 0, timeout_usec, reterr);
	if (r < 0)
		return r;
	r = varlink_client_receive(c, timeout_usec, &answer, reterr);
	if (r < 0)
		return r;
	if (r > 0)
		return fault_set(
		    reterr, -EPROTO, "the service answered more than it was asked for");
	if (ret_parameters)
		*ret_parameters = TAKE_PTR(answer);
	return 0;
}

int
varlink_client_call_fd(struct varlink_client *c, const char *method, cJSON *parameters,
    uint64_t timeout_usec, cJSON **ret_parameters, int *ret_fd, struct fault *reterr)
{
	_cleanup_json_ cJSON *answer = NULL;
	int r;

	r = varlink_client_call(c, method, parameters, timeout_usec, &answer, reterr);
	if (r < 0)
		return r;
	if (c->received_fd < 0)
		return fault_set(
		    reterr, -EPROTO, "the service's answer has no file descriptor");
	*ret_fd = TAKE_FD(c->received_fd);
	if (ret_parameters)
		*ret_parameters = TAKE_PTR(answer);
	return 0;
}

enum proto_error
varlink_client_last_error(const struct varlink_client *c)
{
	return c->error;
}

const cJSON *
varlink_client_last_error_parameters(const struct varlink_client *c)
{
	return c->error_parameters;
}
