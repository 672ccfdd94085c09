/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/text.h"
#include "lib/varlink-client.h"
#include "lib/varlink.h"
#include "tests/lib/tmpdir.h"

/* A cap that a test reaches quickly. */
#define SMALL_CAP_BYTES 100u

/* Three messages, the second empty. */
static const char stream[] = "{\"method\":\"a.b.C\"}\0\0{\"more\":true}";

static void
check_slices(size_t step)
{
	struct varlink_decoder d = VARLINK_DECODER_INIT(SMALL_CAP_BYTES);
	char got[3][64] = { "", "", "" };
	const char *message;
	size_t n = 0, size, length;
	bool good = true;
	int r;

	for (size_t at = 0; at < sizeof(stream); at += step) {
		length = sizeof(stream) - at < step ? sizeof(stream) - at : step;
		good = good && varlink_decoder_feed(&d, stream + at, length) == 0;
		while ((r = varlink_decoder_next(&d, &message, &size)) > 0) {
			good = good && n < 3 && strlen(message) == size;
			text_copy(got[n++], sizeof(got[0]), message);
		}
		good = good && r == 0;
	}
	good = good && n == 3 && streq(got[0], "{\"method\":\"a.b.C\"}") && streq(got[1], "") &&
	    streq(got[2], "{\"more\":true}");
	ok(good && varlink_decoder_pending(&d) == 0, "slices of %zu bytes", step);
	varlink_decoder_done(&d);
}

static void
test_decoder_slices(void)
{
	for (size_t step = 1; step <= sizeof(stream); step++)
		check_slices(step);
}

static void
test_decoder_caps(void)
{
	struct varlink_decoder d = VARLINK_DECODER_INIT(SMALL_CAP_BYTES);
	char data[3 * SMALL_CAP_BYTES];
	const char *message;
	size_t size = 0;

	memset(data, 'x', sizeof(data));
	ok_int(varlink_decoder_feed(&d, data, SMALL_CAP_BYTES), 0, "a message at the cap");
	ok_int(varlink_decoder_next(&d, &message, &size), 0, "has no end yet");
	ok_int(varlink_decoder_feed(&d, "", 1), 0, "its end");
	ok(varlink_decoder_has_message(&d), "is seen");
	ok_int(varlink_decoder_next(&d, &message, &size), 1, "is taken");
	ok_int(size, SMALL_CAP_BYTES, "whole");
	ok(!varlink_decoder_has_message(&d), "and is gone");

	ok_int(varlink_decoder_feed(&d, data, SMALL_CAP_BYTES + 1), 0, "one byte more");
	ok_int(varlink_decoder_next(&d, &message, &size), -EMSGSIZE, "is refused unended");
	varlink_decoder_done(&d);

	data[SMALL_CAP_BYTES + 1] = '\0';
	ok_int(varlink_decoder_feed(&d, data, SMALL_CAP_BYTES + 2), 0, "one more and an end");
	ok_int(varlink_decoder_next(&d, &message, &size), -EMSGSIZE, "is refused too");
	varlink_decoder_done(&d);

	ok_int(varlink_decoder_feed(&d, data, 2 * SMALL_CAP_BYTES), 0, "twice the cap waits");
	ok_int(varlink_decoder_feed(&d, data, 1), -EMSGSIZE, "but not a byte more");
	varlink_decoder_done(&d);
	ok_int(varlink_decoder_feed(&d, data, 2 * SMALL_CAP_BYTES + 1), -EMSGSIZE,
	    "nor in one piece");
	varlink_decoder_done(&d);
}

static void
test_decoder_gives_memory_back(void)
{
	struct varlink_decoder d = VARLINK_DECODER_INIT(VARLINK_REQUEST_MAX_BYTES);
	static char data[VARLINK_REQUEST_MAX_BYTES];
	const char *message;
	size_t size;

	memset(data, 'x', sizeof(data) - 1);
	ok_int(varlink_decoder_feed(&d, data, sizeof(data)), 0, "a large message");
	ok_int(varlink_decoder_next(&d, &message, &size), 1, "is taken");
	ok(d.allocated_bytes >= sizeof(data), "from a large buffer");
	ok_int(varlink_decoder_next(&d, &message, &size), 0, "nothing behind it");
	ok_int(d.allocated_bytes, 0, "and the buffer is gone");
	varlink_decoder_done(&d);
}

static int
parse_call(const char *text, struct varlink_call *ret)
{
	struct fault f;

	return varlink_call_parse(text, strlen(text), ret, &f);
}

static void
test_call(void)
{
	static const char *const bad[] = {
		"",
		"[]",
		"1",
		"null",
		"{",
		"{}",
		"{}{}",
		"{\"method\":1}",
		"{\"method\":null}",
		"{\"method\":\"\"}",
		"{\"method\":\"List\"}",
		"{\"method\":\"a.b.list\"}",
		"{\"method\":\"a.b.\"}",
		"{\"method\":\"a.b.C\",\"parameters\":[]}",
		"{\"method\":\"a.b.C\",\"parameters\":\"x\"}",
		"{\"method\":\"a.b.C\",\"more\":1}",
		"{\"method\":\"a.b.C\",\"oneway\":\"true\"}",
		"{\"method\":\"a.b.C\",\"oneway\":true,\"more\":true}",
		"{\"method\":\"a.b.C\",\"upgrade\":true,\"more\":true}",
		"{\"method\":\"a.b.C\",\"parameters\":{\"a\":\"x\\u0000y\"}}",
		"{\"method\":\"a.b.C\",\"parameters\":{\"a\":\"x\\\\\\u0000y\"}}",
		"{\"method\":\"a.b.C\",\"parameters\":{\"a\":\"\xff\"}}",
		"{\"method\":\"a.b.C\",\"parameters\":{\"a\":\"\xc3\"}}",
		"{\"method\":\"a.b.C\",\"parameters\":{\"a\":\"\xed\xa0\x80\"}}",
		"{\"method\":\"a.b.C\",\"parameters\":{\"a\":\"\xf4\x90\x80\x80\"}}",
		"{\"method\":\"a.b.C\",\"parameters\":{\"a\":\"\xc0\xaf\"}}",
		"{\"method\":\"a.b.C\",\"parameters\":{\"a\":\"\xe2\x82",
	};
	char deep[2 * JSON_DEPTH_MAX + 64] = "{\"method\":\"a.b.C\",\"parameters\":";
	struct varlink_call call = { 0 };
	struct fault f;

	ok_int(
	    parse_call("{\"method\":\"a.b.C\",\"parameters\":{\"x\":1},\"more\":true}", &call),
	    0, "a call");
	ok_str(call.method, "a.b.C", "its method");
	ok(call.parameters && call.more && !call.oneway && !call.upgrade, "its members");
	varlink_call_done(&call);
	ok_int(parse_call(" {\"method\":\"a.b.C\",\"parameters\":null,\"other\":7}\n", &call),
	    0, "null parameters, an unknown member, white space");
	ok(!call.parameters && !call.more, "nothing is set");
	varlink_call_done(&call);
	ok_int(parse_call("{\"method\":\"a.b.C\",\"parameters\":"
			  "{\"a\":\"\\\\u0000 \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\"}}",
		   &call),
	    0, "UTF-8 of all lengths, and a backslash that is no escape");
	varlink_call_done(&call);

	for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
		f.text[0] = '\0';
		ok(varlink_call_parse(bad[i], strlen(bad[i]), &call, &f) == -EBADMSG &&
			f.text[0] != '\0' && f.code == -EBADMSG && !call.message,
		    "refused: %zu: %s", i, f.text);
	}

	for (size_t i = 0; i <= JSON_DEPTH_MAX; i++)
		strcat(deep, "[");
	ok_int(parse_call(deep, &call), -EBADMSG, "too deep");
}

static void
test_reply(void)
{
	static const char *const bad[] = {
		"[]",
		"{\"error\":1}",
		"{\"error\":\"x\"}",
		"{\"parameters\":1}",
		"{\"continues\":0}",
		"{\"error\":\"a.b.C\",\"continues\":true}",
	};
	struct varlink_reply reply = { 0 };
	struct fault f;

	ok_int(varlink_reply_parse("{}", 2, &reply, &f), 0, "an empty reply");
	ok(!reply.error && !reply.parameters && !reply.continues, "has nothing");
	varlink_reply_done(&reply);
	for (size_t i = 0; i < ELEMENTSOF(bad); i++)
		ok(varlink_reply_parse(bad[i], strlen(bad[i]), &reply, &f) == -EBADMSG,
		    "refused: %s", bad[i]);
}

static cJSON *
some_parameters(void)
{
	cJSON *o = cJSON_CreateObject();

	assert(o && json_add_text(o, "a", "x\n\x7f") == 0);
	return o;
}

static void
test_build(void)
{
	_cleanup_free_ char *call = NULL;
	_cleanup_free_ char *reply = NULL;
	_cleanup_free_ char *error = NULL;
	size_t size;

	ok_int(varlink_call_build("a.b.C", some_parameters(), VARLINK_MORE, &call, &size), 0,
	    "a call");
	ok_str(call, "{\"method\":\"a.b.C\",\"parameters\":{\"a\":\"x\\n\x7f\"},\"more\":true}",
	    "as text");
	ok_int(size, strlen(call) + 1, "the size counts the NUL");
	ok_int(varlink_reply_build(NULL, VARLINK_CONTINUES, &reply, &size), 0, "a reply");
	ok_str(reply, "{\"parameters\":{},\"continues\":true}", "as text");
	ok_int(varlink_error_build("a.b.E", NULL, &error, &size), 0, "an error");
	ok_str(error, "{\"error\":\"a.b.E\",\"parameters\":{}}", "as text");
}

static void
test_names(void)
{
	static const char *const good_interfaces[] = { "a.b", "io.microshift.Support",
		"org.varlink.service", "com.ex--ample.0a" };
	static const char *const bad_interfaces[] = { "", "a", "a.", ".a", "a..b", "a.-b",
		"a.b-", "1.b", "a.b_c", "a-.b" };
	static const char *const good_fields[] = { "a", "A1", "a_b", "size_bytes" };
	static const char *const bad_fields[] = { "", "1a", "_a", "a_", "a__b", "a-b" };

	for (size_t i = 0; i < ELEMENTSOF(good_interfaces); i++)
		ok(varlink_interface_name_is_valid(good_interfaces[i]), "interface '%s'",
		    good_interfaces[i]);
	for (size_t i = 0; i < ELEMENTSOF(bad_interfaces); i++)
		ok(!varlink_interface_name_is_valid(bad_interfaces[i]), "no interface '%s'",
		    bad_interfaces[i]);
	for (size_t i = 0; i < ELEMENTSOF(good_fields); i++)
		ok(varlink_field_name_is_valid(good_fields[i]), "field '%s'", good_fields[i]);
	for (size_t i = 0; i < ELEMENTSOF(bad_fields); i++)
		ok(!varlink_field_name_is_valid(bad_fields[i]), "no field '%s'", bad_fields[i]);
	ok(varlink_member_name_is_valid("List2") && !varlink_member_name_is_valid("list") &&
		!varlink_member_name_is_valid("") && !varlink_member_name_is_valid("A_b"),
	    "names of methods");
	ok(varlink_qualified_name_is_valid("a.b.C") &&
		!varlink_qualified_name_is_valid("a.C") &&
		!varlink_qualified_name_is_valid("C"),
	    "qualified names");
}

/* The client, against a peer that does exactly what the test says. */

struct peer {
	struct varlink_client *client; /* owned */
	int fd;			       /* owned: the service's end */
};

static struct peer
peer_make(void)
{
	struct peer p = { .fd = -EBADF };
	int fds[2];

	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	p.fd = fds[1];
	assert(varlink_client_new(fds[0], &p.client) == 0);
	return p;
}

static void
peer_done(struct peer *p)
{
	varlink_client_close(p->client);
	p->fd = close_fd(p->fd);
}
#define _cleanup_peer_ _cleanup_(peer_done)

/* SIZE counts what is to be sent of TEXT; a literal's own NUL is the end of the message. */
static void
peer_says(struct peer *p, const char *text, size_t size)
{
	assert(send(p->fd, text, size, MSG_NOSIGNAL) == (ssize_t)size);
}

static void
test_client_call(void)
{
	static const char answer[] = "{\"parameters\":{\"n\":7}}";
	static const char denied[] = "{\"error\":\"org.varlink.service.PermissionDenied\"}";
	static const char busy[] = "{\"error\":\"io.microshift.Support.Busy\",\"parameters\":"
				   "{\"message\":\"two are waiting\",\"retry_usec\":5}}";
	static const char strange[] = "{\"error\":\"com.example.Strange\"}";
	_cleanup_peer_ struct peer p = peer_make();
	_cleanup_json_ cJSON *got = NULL;
	uint64_t n = 0;
	char sent[128] = "";
	struct fault f;

	peer_says(&p, answer, sizeof(answer));
	ok_int(varlink_client_call(p.client, "a.b.C", NULL, USEC_PER_SEC, &got, &f), 0, "call");
	ok(json_get_uint(got, "n", &n) == 1 && n == 7, "the answer");
	ok(read(p.fd, sent, sizeof(sent)) > 0, "what the service got");
	ok_str(sent, "{\"method\":\"a.b.C\",\"parameters\":{}}", "is the call");

	peer_says(&p, denied, sizeof(denied));
	ok_int(varlink_client_call(p.client, "a.b.C", NULL, USEC_PER_SEC, NULL, &f), -EACCES,
	    "PermissionDenied");
	ok_int(varlink_client_last_error(p.client), PROTO_ERROR_PERMISSION_DENIED, "by name");
	ok_str(f.text, "permission denied", "as a sentence");

	peer_says(&p, busy, sizeof(busy));
	ok_int(varlink_client_call(p.client, "a.b.C", NULL, USEC_PER_SEC, NULL, &f), -EBUSY,
	    "Busy");
	ok_str(f.text, "two are waiting", "what the service says");
	ok(json_get_uint(varlink_client_last_error_parameters(p.client), "retry_usec", &n) == 1,
	    "and its parameters");

	peer_says(&p, strange, sizeof(strange));
	ok_int(varlink_client_call(p.client, "a.b.C", NULL, USEC_PER_SEC, NULL, &f), -EIO,
	    "an error that we do not know");
	ok_int(varlink_client_last_error(p.client), PROTO_ERROR_UNKNOWN, "has no number");
	ok_str(f.text, "the service answered com.example.Strange", "but its name");
	ok(!varlink_client_last_error_parameters(p.client), "and no parameters");
}

static void
test_client_more(void)
{
	static const char answers[] =
	    "{\"parameters\":{\"n\":1},\"continues\":true}\0{\"continues\":true}\0{}";
	_cleanup_peer_ struct peer p = peer_make();
	_cleanup_json_ cJSON *got = NULL;
	struct fault f;

	peer_says(&p, answers, sizeof(answers));
	ok_int(varlink_client_send(p.client, "a.b.C", NULL, VARLINK_MORE, USEC_PER_SEC, &f), 0,
	    "send");
	ok_int(varlink_client_receive(p.client, USEC_PER_SEC, &got, &f), 1, "first answer");
	cJSON_Delete(TAKE_PTR(got));
	ok_int(varlink_client_receive(p.client, USEC_PER_SEC, &got, &f), 1, "second answer");
	ok(cJSON_IsObject(got), "without parameters is an empty object");
	ok_int(varlink_client_receive(p.client, USEC_PER_SEC, NULL, &f), 0, "last answer");
	ok_int(varlink_client_receive(p.client, 1000, NULL, &f), -ETIMEDOUT, "nothing more");

	peer_says(&p, answers, sizeof(answers));
	ok_int(varlink_client_call(p.client, "a.b.C", NULL, USEC_PER_SEC, NULL, &f), -EPROTO,
	    "continues without more");
}

static void
test_client_failures(void)
{
	_cleanup_peer_ struct peer garbage = peer_make();
	_cleanup_peer_ struct peer half = peer_make();
	_cleanup_peer_ struct peer gone = peer_make();
	struct fault f;

	peer_says(&garbage, "HTTP/1.1", 9);
	ok_int(varlink_client_call(garbage.client, "a.b.C", NULL, USEC_PER_SEC, NULL, &f),
	    -EPROTO, "not Varlink");
	peer_says(&half, "{\"param", 7);
	ok_int(varlink_client_call(half.client, "a.b.C", NULL, 1000, NULL, &f), -ETIMEDOUT,
	    "half an answer");
	ok_int(varlink_client_last_error(half.client), PROTO_ERROR_NONE, "is no error reply");
	half.fd = close_fd(half.fd);
	ok_int(varlink_client_receive(half.client, 1000, NULL, &f), -ECONNRESET, "then gone");
	gone.fd = close_fd(gone.fd);
	ok_int(varlink_client_call(gone.client, "a.b.C", NULL, USEC_PER_SEC, NULL, &f),
	    -ECONNRESET, "nobody there: %s", f.text);
}

/* A message larger than any socket buffer, so that both ends must take turns. */
static void *
drain_and_answer(void *arg)
{
	static const char answer[] = "{}";
	struct peer *p = arg;
	char buf[65536];
	ssize_t n;

	do {
		n = read(p->fd, buf, sizeof(buf));
	} while (n > 0 && buf[n - 1] != '\0');
	peer_says(p, answer, sizeof(answer));
	return NULL;
}

static void
test_client_large(void)
{
	_cleanup_peer_ struct peer p = peer_make();
	_cleanup_free_ char *text = malloc(1u << 21);
	cJSON *parameters = cJSON_CreateObject();
	pthread_t thread;
	struct fault f;

	assert(text && parameters);
	memset(text, 'x', (1u << 21) - 1);
	text[(1u << 21) - 1] = '\0';
	assert(json_add_text(parameters, "a", text) == 0);
	assert(pthread_create(&thread, NULL, drain_and_answer, &p) == 0);
	ok_int(varlink_client_call(p.client, "a.b.C", parameters, 10 * USEC_PER_SEC, NULL, &f),
	    0, "a call of 2 MiB");
	assert(pthread_join(thread, NULL) == 0);

	parameters = cJSON_CreateObject();
	assert(parameters && json_add_text(parameters, "a", text) == 0);
	ok_int(varlink_client_send(p.client, "a.b.C", parameters, 0, 1000, &f), -ETIMEDOUT,
	    "and one that nobody reads");
}

static void
send_fds(struct peer *p, const char *text, size_t size, const int *fds, size_t n)
{
	union {
		struct cmsghdr align;
		char data[CMSG_SPACE(4 * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (char *)text, .iov_len = size };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(h), fds, n * sizeof(int));
	assert(sendmsg(p->fd, &m, 0) == (ssize_t)size);
}

/* True if nobody has the write end of the pipe any more. */
static bool
pipe_is_closed(int read_fd)
{
	char c;

	return fcntl(read_fd, F_SETFL, O_NONBLOCK) == 0 && read(read_fd, &c, 1) == 0;
}

static void
test_client_fd(void)
{
	static const char answer[] = "{\"parameters\":{\"fd\":0}}";
	_cleanup_peer_ struct peer p = peer_make();
	_cleanup_close_ int got = -EBADF;
	struct fault f;
	int wanted[2], extra[2];
	int both[2];

	assert(pipe2(wanted, O_CLOEXEC) == 0 && pipe2(extra, O_CLOEXEC) == 0);
	both[0] = wanted[1];
	both[1] = extra[1];
	send_fds(&p, answer, sizeof(answer), both, 2);
	(void)close(wanted[1]);
	(void)close(extra[1]);
	ok_int(varlink_client_call_fd(p.client, "a.b.C", NULL, USEC_PER_SEC, NULL, &got, &f), 0,
	    "an answer with a descriptor");
	ok(got >= 0 && (fcntl(got, F_GETFD) & FD_CLOEXEC), "which is close-on-exec");
	ok(pipe_is_closed(extra[0]), "a second one is closed");
	ok(!pipe_is_closed(wanted[0]), "the first one is kept");
	got = close_fd(got);
	ok(pipe_is_closed(wanted[0]), "and is ours");
	(void)close(wanted[0]);

	assert(pipe2(wanted, O_CLOEXEC) == 0);
	send_fds(&p, answer, sizeof(answer), &wanted[1], 1);
	(void)close(wanted[1]);
	ok_int(varlink_client_call(p.client, "a.b.C", NULL, USEC_PER_SEC, NULL, &f), 0,
	    "a descriptor that was not asked for");
	peer_says(&p, answer, sizeof(answer));
	ok_int(varlink_client_call_fd(p.client, "a.b.C", NULL, USEC_PER_SEC, NULL, &got, &f),
	    -EPROTO, "is not taken for the next answer's");
	ok(pipe_is_closed(wanted[0]), "and is closed");
	(void)close(wanted[0]);
	(void)close(extra[0]);
}

static void
test_client_connect(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_(varlink_client_closep) struct varlink_client *c = NULL;
	_cleanup_(varlink_client_closep) struct varlink_client *second = NULL;
	_cleanup_(varlink_client_closep) struct varlink_client *third = NULL;
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char too_long[200];
	struct fault f;
	int r;

	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/s", t.path);
	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	ok_int(
	    varlink_client_connect(sa.sun_path, USEC_PER_SEC, &c, &f), -ENOENT, "%s", f.text);
	assert(bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0);
	ok_int(varlink_client_connect(sa.sun_path, USEC_PER_SEC, &c, &f), -ECONNREFUSED, "%s",
	    f.text);
	ok_int(varlink_client_connect(too_long, USEC_PER_SEC, &c, &f), -ENAMETOOLONG,
	    "a path that is too long");
	assert(listen(fd, 0) == 0);
	ok_int(varlink_client_connect(sa.sun_path, USEC_PER_SEC, &c, &f), 0, "connects");
	/* The backlog of 0 holds one connection; nobody accepts. */
	r = varlink_client_connect(sa.sun_path, 1000, &second, &f);
	if (r == 0)
		r = varlink_client_connect(sa.sun_path, 1000, &third, &f);
	ok_int(r, -ETIMEDOUT, "a service that accepts nobody: %s", f.text);
}

int
main(void)
{
	test_decoder_slices();
	test_decoder_caps();
	test_decoder_gives_memory_back();
	test_call();
	test_reply();
	test_build();
	test_names();
	test_client_call();
	test_client_more();
	test_client_failures();
	test_client_large();
	test_client_fd();
	test_client_connect();
	return tap_done();
}
