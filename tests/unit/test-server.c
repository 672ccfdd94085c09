/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "lib/text.h"
#include "lib/varlink.h"
#include "tests/lib/tmpdir.h"
#include "tests/lib/wire.h"

#define NOBODY_UID 65534u
/* A group that every Linux has. */
#define SOME_GROUP "daemon"

#define CALL(method, rest) "{\"method\":\"" PROTO_INTERFACE "." method "\"" rest "}"

/* --- the methods that the tests call -------------------------------------------------- */

struct seen {
	struct server_call *kept[8]; /* open ones */
	unsigned n_kept;
	unsigned n_cancelled;
	unsigned n_counted;
	struct server_call *last_cancelled;
};

static struct seen seen;

static int
handle_echo(struct server_call *call, void *userdata)
{
	assert(userdata == &seen);
	return server_call_reply(
	    call, cJSON_Duplicate(server_call_parameters(call), true), false);
}

static int
handle_count(struct server_call *call, void *userdata)
{
	(void)userdata;
	seen.n_counted++;
	return server_call_reply(call, NULL, false);
}

static void
on_cancel(struct server_call *call, void *userdata)
{
	assert(userdata == &seen);
	seen.n_cancelled++;
	seen.last_cancelled = call;
	for (unsigned i = 0; i < seen.n_kept; i++)
		if (seen.kept[i] == call)
			seen.kept[i] = seen.kept[--seen.n_kept];
}

static int
handle_keep(struct server_call *call, void *userdata)
{
	assert(seen.n_kept < ELEMENTSOF(seen.kept));
	seen.kept[seen.n_kept++] = call;
	server_call_keep(call, on_cancel, userdata);
	return 0;
}

/* A text of `n` bytes. */
static int
handle_text(struct server_call *call, void *userdata)
{
	_cleanup_free_ char *text = NULL;
	cJSON *answer = cJSON_CreateObject();
	uint64_t n;

	(void)userdata;
	assert(answer);
	if (json_get_uint(server_call_parameters(call), "n", &n) <= 0) {
		cJSON_Delete(answer);
		return server_call_invalid_parameter(call, "n");
	}
	text = malloc(n + 1);
	assert(text);
	memset(text, 'x', n);
	text[n] = '\0';
	assert(json_add_text(answer, "text", text) == 0);
	return server_call_reply(call, answer, false);
}

static int
handle_fd(struct server_call *call, void *userdata)
{
	cJSON *answer = cJSON_CreateObject();
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)userdata;
	assert(answer && fd >= 0 && json_add_int(answer, "fd", 0) == 0);
	return server_call_reply_fd(call, answer, fd);
}

static int
handle_fail(struct server_call *call, void *userdata)
{
	(void)call;
	(void)userdata;
	return -ENOENT;
}

static int
handle_forget(struct server_call *call, void *userdata)
{
	(void)call;
	(void)userdata;
	return 0;
}

static int
handle_who(struct server_call *call, void *userdata)
{
	cJSON *answer = cJSON_CreateObject();

	(void)userdata;
	assert(answer);
	assert(json_add_uint(answer, "uid", server_call_peer_uid(call)) == 0);
	assert(json_add_int(answer, "pid", server_call_peer_pid(call)) == 0);
	assert(json_add_int(answer, "access", (int)server_call_peer_access(call)) == 0);
	return server_call_reply(call, answer, false);
}

static const struct server_method methods[] = {
	{ PROTO_INTERFACE ".Echo", ACCESS_MEMBER, false, handle_echo },
	{ PROTO_INTERFACE ".Count", ACCESS_MEMBER, false, handle_count },
	{ PROTO_INTERFACE ".Keep", ACCESS_MEMBER, false, handle_keep },
	{ PROTO_INTERFACE ".Follow", ACCESS_MEMBER, true, handle_keep },
	{ PROTO_INTERFACE ".Text", ACCESS_MEMBER, false, handle_text },
	{ PROTO_INTERFACE ".Fd", ACCESS_MEMBER, false, handle_fd },
	{ PROTO_INTERFACE ".Fail", ACCESS_MEMBER, false, handle_fail },
	{ PROTO_INTERFACE ".Forget", ACCESS_MEMBER, false, handle_forget },
	{ PROTO_INTERFACE ".Who", ACCESS_MEMBER, false, handle_who },
	{ PROTO_INTERFACE ".Root", ACCESS_ROOT, false, handle_count },
};

static struct server_options
some_options(void)
{
	seen = (struct seen){ 0 };
	return (struct server_options){
		.methods = methods,
		.n_methods = ELEMENTSOF(methods),
		.userdata = &seen,
		.group = SOME_GROUP,
	};
}

static struct wire *
make(void)
{
	struct server_options options = some_options();

	return wire_make(&options);
}

static struct wire *
make_idle(uint64_t idle_usec)
{
	struct server_options options = some_options();

	options.idle_usec = idle_usec;
	return wire_make(&options);
}

/* An event to a call that was kept. */
static void
tell(struct server_call *call, size_t size)
{
	_cleanup_free_ char *text = malloc(size + 1);
	cJSON *event = cJSON_CreateObject();

	assert(text && event);
	memset(text, 'e', size);
	text[size] = '\0';
	assert(json_add_text(event, "event", text) == 0);
	(void)server_call_reply(call, event, true);
}

static bool
wait_kept(struct wire *w, unsigned n)
{
	uint64_t deadline = clock_monotonic_usec() + WIRE_PATIENCE_USEC;

	while (seen.n_kept != n && clock_monotonic_usec() < deadline)
		wire_turn(w, 0);
	return seen.n_kept == n;
}

/* --- calls and answers ----------------------------------------------------------------- */

static void
check_answer(struct wire *w, int fd, const char *call, const char *want)
{
	_cleanup_free_ char *got = NULL;

	assert(wire_say(w, fd, call));
	got = wire_hear(w, fd);
	ok_str(got, want, "%s", call);
}

static void
test_answers(void)
{
	_cleanup_wire_ struct wire *w = make();
	_cleanup_close_ int fd = wire_connect(w);

	check_answer(w, fd, CALL("Echo", ",\"parameters\":{\"a\":[1,\"\xc3\xa4\"]}"),
	    "{\"parameters\":{\"a\":[1,\"\xc3\xa4\"]}}");
	check_answer(w, fd, CALL("Echo", ""), "{\"parameters\":{}}");
	check_answer(w, fd, CALL("Echo", ",\"more\":true"), "{\"parameters\":{}}");
	check_answer(w, fd, CALL("Text", ""),
	    "{\"error\":\"org.varlink.service.InvalidParameter\","
	    "\"parameters\":{\"parameter\":\"n\"}}");
	check_answer(w, fd, CALL("Nothing", ""),
	    "{\"error\":\"org.varlink.service.MethodNotFound\","
	    "\"parameters\":{\"method\":\"io.microshift.Support.Nothing\"}}");
	check_answer(w, fd, "{\"method\":\"com.example.Thing\"}",
	    "{\"error\":\"org.varlink.service.InterfaceNotFound\","
	    "\"parameters\":{\"interface\":\"com.example\"}}");
	check_answer(w, fd, "{\"method\":\"org.varlink.service.Nothing\"}",
	    "{\"error\":\"org.varlink.service.MethodNotFound\","
	    "\"parameters\":{\"method\":\"org.varlink.service.Nothing\"}}");
	check_answer(w, fd, CALL("Echo", ",\"upgrade\":true"),
	    "{\"error\":\"org.varlink.service.MethodNotImplemented\","
	    "\"parameters\":{\"method\":\"io.microshift.Support.Echo\"}}");
	check_answer(w, fd, CALL("Follow", ""),
	    "{\"error\":\"org.varlink.service.ExpectedMore\",\"parameters\":{}}");
	check_answer(w, fd, CALL("Fail", ""),
	    "{\"error\":\"io.microshift.Support.NotFound\",\"parameters\":{}}");
	check_answer(w, fd, CALL("Forget", ""),
	    "{\"error\":\"io.microshift.Support.Internal\",\"parameters\":{}}");
	check_answer(w, fd, CALL("Text", ",\"parameters\":{\"n\":2097152}"),
	    "{\"error\":\"io.microshift.Support.TooLarge\","
	    "\"parameters\":{\"message\":\"the answer is too large\"}}");
	check_answer(w, fd, CALL("Echo", ""), "{\"parameters\":{}}");
}

static void
test_service(void)
{
	static const char *const members[] = { "vendor", "product", "version", "url" };
	_cleanup_wire_ struct wire *w = make();
	_cleanup_close_ int fd = wire_connect(w);
	_cleanup_json_ cJSON *info = NULL, *description = NULL;
	const cJSON *parameters;
	const char *text = NULL;

	assert(wire_say(w, fd, "{\"method\":\"org.varlink.service.GetInfo\"}"));
	info = wire_hear_json(w, fd);
	parameters = cJSON_GetObjectItem(info, "parameters");
	for (size_t i = 0; i < ELEMENTSOF(members); i++)
		ok(json_get_string(parameters, members[i], &text) == 1 && text[0] != '\0',
		    "GetInfo has %s", members[i]);
	ok_int(cJSON_GetArraySize(cJSON_GetObjectItem(parameters, "interfaces")), 2,
	    "GetInfo names two interfaces");

	assert(wire_say(w, fd,
	    "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
	    "\"parameters\":{\"interface\":\"io.microshift.Support\"}}"));
	description = wire_hear_json(w, fd);
	parameters = cJSON_GetObjectItem(description, "parameters");
	ok(json_get_string(parameters, "description", &text) == 1 &&
		strstr(text, "\ninterface io.microshift.Support\n") != NULL,
	    "the description is the interface's");
	check_answer(w, fd,
	    "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
	    "\"parameters\":{\"interface\":\"com.example\"}}",
	    "{\"error\":\"org.varlink.service.InterfaceNotFound\","
	    "\"parameters\":{\"interface\":\"com.example\"}}");
	check_answer(w, fd, "{\"method\":\"org.varlink.service.GetInterfaceDescription\"}",
	    "{\"error\":\"org.varlink.service.InvalidParameter\","
	    "\"parameters\":{\"parameter\":\"interface\"}}");
}

static void
test_slices(void)
{
	static const char text[] = CALL("Echo", ",\"parameters\":{\"a\":1}");
	_cleanup_wire_ struct wire *w = make();
	_cleanup_close_ int fd = wire_connect(w);
	bool good = true;

	for (size_t step = 1; step < sizeof(text); step++) {
		_cleanup_free_ char *got = NULL;

		for (size_t at = 0; at < sizeof(text); at += step) {
			assert(wire_send(w, fd, text + at,
			    sizeof(text) - at < step ? sizeof(text) - at : step));
			wire_turn(w, 0);
		}
		got = wire_hear(w, fd);
		good = good && got && streq(got, "{\"parameters\":{\"a\":1}}");
	}
	ok(good, "a call in slices of every size");
}

static void
test_broken(void)
{
	static const char *const broken[] = { "", "x", "[]", "{}", "{\"method\":1}",
		"{\"method\":\"Echo\"}", CALL("Echo", ",\"parameters\":1"),
		CALL("Echo", ",\"parameters\":{\"a\":\"\\u0000\"}"),
		CALL("Count", ",\"oneway\":true,\"more\":true") };
	_cleanup_wire_ struct wire *w = make();

	for (size_t i = 0; i < ELEMENTSOF(broken); i++) {
		_cleanup_close_ int fd = wire_connect(w);

		assert(wire_say(w, fd, broken[i]));
		ok(wire_is_dropped(w, fd), "dropped for '%s'", broken[i]);
	}
	ok_int(seen.n_counted, 0, "none of them was run");
	ok(wire_has_clients(w, 0), "nobody is left");
}

static void
test_oneway(void)
{
	_cleanup_wire_ struct wire *w = make();
	_cleanup_close_ int fd = wire_connect(w);
	_cleanup_close_ int leaver = wire_connect(w);

	assert(wire_say(w, fd, CALL("Count", ",\"oneway\":true")));
	assert(wire_say(w, fd, CALL("Fail", ",\"oneway\":true")));
	assert(wire_say(w, fd, CALL("Nothing", ",\"oneway\":true")));
	assert(wire_say(w, fd, CALL("Fd", ",\"oneway\":true")));
	check_answer(w, fd, CALL("Echo", ""), "{\"parameters\":{}}");
	ok_int(seen.n_counted, 1, "a oneway call was run, and nothing was answered");

	for (int i = 0; i < 100; i++)
		assert(wire_say(w, leaver, CALL("Count", ",\"oneway\":true")));
	leaver = close_fd(leaver);
	ok(wire_has_clients(w, 1), "a client that only tells something has gone");
	ok_int(seen.n_counted, 101, "but all that it told was heard");
}

static void
test_pipelining(void)
{
	_cleanup_wire_ struct wire *w = make();
	_cleanup_close_ int fd = wire_connect(w);
	bool good = true;

	for (int i = 0; i < 100; i++) {
		char text[128];

		(void)snprintf(
		    text, sizeof(text), CALL("Echo", ",\"parameters\":{\"i\":%d}"), i);
		assert(wire_say(w, fd, text));
	}
	for (int i = 0; i < 100; i++) {
		_cleanup_free_ char *got = wire_hear(w, fd);
		char want[64];

		(void)snprintf(want, sizeof(want), "{\"parameters\":{\"i\":%d}}", i);
		good = good && got && streq(got, want);
	}
	ok(good, "a hundred calls at once are answered in their order");
}

/* A client that sends and sends but does not read: it is not served further, so that its socket
 * fills; nothing is lost when it reads at last. */
static void
test_pipelining_without_reading(void)
{
	static const char text[] = CALL("Text", ",\"parameters\":{\"n\":100000}");
	_cleanup_wire_ struct wire *w = make();
	_cleanup_close_ int fd = wire_connect(w);
	unsigned sent = 0, received = 0;
	int misses = 0;

	while (misses < 20 && sent < 100000) {
		/* Whole messages only: the buffer takes all of it or nothing. */
		ssize_t n = send(fd, text, sizeof(text), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0) {
			assert(errno == EAGAIN);
			misses++;
			wire_turn(w, 0);
			continue;
		}
		assert(n == sizeof(text));
		misses = 0;
		sent++;
	}
	ok(sent < 100000, "after %u calls the socket is full", sent);
	ok_int(server_client_count(w->server), 1, "and the client is still there");
	while (received < sent) {
		_cleanup_free_ char *got = wire_hear(w, fd);

		if (!got || strlen(got) < 100000)
			break;
		received++;
	}
	ok_int(received, sent, "all of them are answered when it reads");
}

/* --- descriptors ----------------------------------------------------------------------- */

static int
receive_fd(int fd, char *data, size_t size)
{
	union {
		struct cmsghdr align;
		char data[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = data, .iov_len = size };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *h;
	int got = -EBADF;

	if (recvmsg(fd, &m, MSG_CMSG_CLOEXEC) <= 0)
		return -EBADF;
	h = CMSG_FIRSTHDR(&m);
	if (h && h->cmsg_type == SCM_RIGHTS && h->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&got, CMSG_DATA(h), sizeof(int));
	return got;
}

static void
test_fd_out(void)
{
	_cleanup_wire_ struct wire *w = make();
	_cleanup_close_ int fd = wire_connect(w);
	_cleanup_close_ int got = -EBADF;
	struct stat st;
	char c = 0;

	assert(wire_say(w, fd, CALL("Fd", "")));
	wire_turn(w, WIRE_SILENCE_USEC);
	got = receive_fd(fd, &c, 1);
	ok(got >= 0 && c == '{', "a descriptor comes with the first byte of the answer");
	ok(fstat(got, &st) == 0 && S_ISCHR(st.st_mode), "it is the one that was sent");
}

static void
test_fd_in(void)
{
	static const char text[] = CALL("Echo", "");
	_cleanup_wire_ struct wire *w = make();
	_cleanup_close_ int fd = wire_connect(w);
	_cleanup_free_ char *got = NULL;
	union {
		struct cmsghdr align;
		char data[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (char *)text, .iov_len = sizeof(text) };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	int ends[2];
	char c;

	assert(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &ends[1], sizeof(int));
	assert(sendmsg(fd, &m, 0) == sizeof(text));
	(void)close(ends[1]);
	got = wire_hear(w, fd);
	ok_str(got, "{\"parameters\":{}}", "a call with a descriptor is answered");
	ok_int(read(ends[0], &c, 1), 0, "and the descriptor is closed");
	(void)close(ends[0]);
}

/* --- calls that are answered later ----------------------------------------------------- */

static void
test_kept(void)
{
	_cleanup_wire_ struct wire *w = make();
	_cleanup_close_ int fd = wire_connect(w);
	_cleanup_free_ char *first = NULL, *second = NULL, *third = NULL;

	assert(wire_say(w, fd, CALL("Follow", ",\"more\":true")));
	assert(wire_say(w, fd, CALL("Echo", "")));
	assert(wait_kept(w, 1));
	ok(wire_is_silent(w, fd), "a call is open, the next one waits");
	tell(seen.kept[0], 1);
	first = wire_hear(w, fd);
	ok_str(first, "{\"parameters\":{\"event\":\"e\"},\"continues\":true}", "an event");
	(void)server_call_reply(seen.kept[0], NULL, false);
	second = wire_hear(w, fd);
	ok_str(second, "{\"parameters\":{}}", "the last answer");
	third = wire_hear(w, fd);
	ok_str(third, "{\"parameters\":{}}", "the next call is taken up");
	ok_int(seen.n_cancelled, 0, "nothing was cancelled");
}

static void
test_kept_and_left(void)
{
	_cleanup_wire_ struct wire *w = make();
	_cleanup_close_ int fd = wire_connect(w);
	_cleanup_close_ int half = wire_connect(w);
	_cleanup_close_ int half_plain = wire_connect(w);
	_cleanup_free_ char *got = NULL;

	assert(wire_say(w, fd, CALL("Keep", "")));
	assert(wait_kept(w, 1));
	fd = close_fd(fd);
	ok(wire_has_clients(w, 2) && seen.n_cancelled == 1, "a client left: cancelled once");

	assert(wire_say(w, half, CALL("Follow", ",\"more\":true")));
	assert(wait_kept(w, 1));
	assert(shutdown(half, SHUT_WR) == 0);
	ok(wire_is_dropped(w, half) && seen.n_cancelled == 2,
	    "who ends its side does not follow a stream");

	assert(wire_say(w, half_plain, CALL("Keep", "")));
	assert(shutdown(half_plain, SHUT_WR) == 0);
	assert(wait_kept(w, 1));
	ok(wire_is_silent(w, half_plain), "but may wait for an answer");
	(void)server_call_reply(seen.kept[0], NULL, false);
	got = wire_hear(w, half_plain);
	ok_str(got, "{\"parameters\":{}}", "and gets it");
	ok(wire_is_dropped(w, half_plain) && seen.n_cancelled == 2, "that was all");
}

static void
test_kept_at_the_end(void)
{
	struct wire *w = make();
	_cleanup_close_ int fd = wire_connect(w);

	assert(wire_say(w, fd, CALL("Keep", "")));
	assert(wait_kept(w, 1));
	wire_free(w);
	ok_int(seen.n_cancelled, 1, "the end of the server cancels what is open");
}

static void
test_sent_too_much_ahead(void)
{
	static char text[VARLINK_REQUEST_MAX_BYTES];
	_cleanup_wire_ struct wire *w = make();
	_cleanup_close_ int fd = wire_connect(w);

	memset(text, ' ', sizeof(text));
	assert(wire_say(w, fd, CALL("Follow", ",\"more\":true")));
	assert(wait_kept(w, 1));
	(void)wire_send(w, fd, text, sizeof(text));
	ok(wire_is_silent(w, fd), "a client may send one large message ahead");
	(void)wire_send(w, fd, text, sizeof(text));
	ok(wire_is_dropped(w, fd) && seen.n_cancelled == 1, "but not two");
}

/* --- limits ---------------------------------------------------------------------------- */

static void
test_message_size(void)
{
	static char text[VARLINK_REQUEST_MAX_BYTES + 2];
	static const char call[] = CALL("Echo", "");
	_cleanup_wire_ struct wire *w = make();
	_cleanup_close_ int fits = wire_connect(w);
	_cleanup_close_ int ended = wire_connect(w);
	_cleanup_close_ int unended = wire_connect(w);
	_cleanup_free_ char *got = NULL;

	memset(text, ' ', sizeof(text));
	memcpy(text, call, sizeof(call) - 1);
	text[VARLINK_REQUEST_MAX_BYTES] = '\0';
	assert(wire_send(w, fits, text, VARLINK_REQUEST_MAX_BYTES + 1));
	got = wire_hear(w, fits);
	ok_str(got, "{\"parameters\":{}}", "a message at the limit");
	text[VARLINK_REQUEST_MAX_BYTES] = ' ';
	text[VARLINK_REQUEST_MAX_BYTES + 1] = '\0';
	(void)wire_send(w, ended, text, sizeof(text));
	ok(wire_is_dropped(w, ended), "a message beyond it");
	(void)wire_send(w, unended, text, VARLINK_REQUEST_MAX_BYTES + 1);
	ok(wire_is_dropped(w, unended), "the beginning of one");
}

static void
test_half_message(void)
{
	_cleanup_wire_ struct wire *w = make();
	_cleanup_close_ int fd = wire_connect(w);
	_cleanup_close_ int half = wire_connect(w);

	assert(wire_send(w, fd, "{\"method", 8));
	wire_turn(w, 0);
	fd = close_fd(fd);
	assert(wire_send(w, half, "{\"method", 8));
	assert(shutdown(half, SHUT_WR) == 0);
	ok(wire_has_clients(w, 0), "half a message and gone");
}

static void
test_death_in_the_middle_of_an_answer(void)
{
	_cleanup_wire_ struct wire *w = make();
	_cleanup_close_ int fd = wire_connect(w);
	char some[100];

	assert(wire_say(w, fd, CALL("Text", ",\"parameters\":{\"n\":2000000}")));
	while (recv(fd, some, sizeof(some), MSG_DONTWAIT) < 0)
		wire_turn(w, 0);
	fd = close_fd(fd);
	ok(wire_has_clients(w, 0), "a client dies in the middle of a large answer");
}

static void
test_idle(void)
{
	_cleanup_wire_ struct wire *w = make_idle(300 * USEC_PER_MSEC);
	_cleanup_close_ int silent = wire_connect(w);
	_cleanup_close_ int trickling = wire_connect(w);
	_cleanup_close_ int following = wire_connect(w);
	_cleanup_close_ int busy = wire_connect(w);
	bool good = true;

	assert(wire_say(w, following, CALL("Follow", ",\"more\":true")));
	for (int i = 0; i < 20; i++) {
		_cleanup_free_ char *got = NULL;

		(void)wire_send(w, trickling, "{", 1);
		good = good && wire_say(w, busy, CALL("Echo", ""));
		got = wire_hear(w, busy);
		good = good && got;
		wire_turn(w, 20 * USEC_PER_MSEC);
	}
	ok(good, "a client that calls again and again stays");
	ok(wire_is_dropped(w, silent), "a silent one does not");
	ok(wire_is_dropped(w, trickling), "nor one that never ends its message");
	ok(wire_is_dropped(w, busy), "nor the first one when it stops");
	ok(wire_is_silent(w, following) && seen.n_cancelled == 0,
	    "but one that follows a stream stays");
}

static void
test_stalled_reader(void)
{
	_cleanup_wire_ struct wire *w = make_idle(150 * USEC_PER_MSEC);
	_cleanup_close_ int fd = wire_connect(w);
	_cleanup_close_ int following = -EBADF;

	assert(wire_say(w, fd, CALL("Text", ",\"parameters\":{\"n\":2000000}")));
	ok(wire_has_clients(w, 0), "an answer that nobody reads");

	following = wire_connect(w);
	assert(wire_say(w, following, CALL("Follow", ",\"more\":true")));
	assert(wait_kept(w, 1));
	tell(seen.kept[0], 1000000);
	ok(wire_has_clients(w, 0) && seen.n_cancelled == 1, "an event that nobody reads");
}

static void
test_slow_reader(void)
{
	_cleanup_wire_ struct wire *w = make();
	_cleanup_close_ int fd = wire_connect(w);
	unsigned n = 0;

	assert(wire_say(w, fd, CALL("Follow", ",\"more\":true")));
	assert(wait_kept(w, 1));
	while (seen.n_cancelled == 0 && n < 1000) {
		tell(seen.kept[0], 10000);
		n++;
		wire_turn(w, 0);
	}
	ok(seen.n_cancelled == 1 && n > SERVER_OUTPUT_MAX_BYTES / 10100,
	    "dropped after %u events that it did not read", n);
	ok(wire_is_dropped(w, fd), "what it reads now ends");
}

static void
test_slowest_reader_pays(void)
{
	struct server_options options = some_options();
	_cleanup_wire_ struct wire *w = NULL;
	_cleanup_close_ int slow = -EBADF, quick = -EBADF;
	struct server_call *slow_call;

	options.output_max_bytes = 4000000;
	options.output_total_bytes = 1500000;
	w = wire_make(&options);
	slow = wire_connect(w);
	quick = wire_connect(w);
	assert(wire_say(w, slow, CALL("Follow", ",\"more\":true")));
	assert(wait_kept(w, 1));
	slow_call = seen.kept[0];
	assert(wire_say(w, quick, CALL("Follow", ",\"more\":true")));
	assert(wait_kept(w, 2));
	tell(slow_call, 1000000);
	tell(seen.kept[1], 600000);
	wire_turn(w, 0);
	ok(seen.n_cancelled == 1 && seen.last_cancelled == slow_call,
	    "too much for all: the one with most of it is dropped");
	ok_int(server_client_count(w->server), 1, "the other one stays");
	tell(seen.kept[0], 1600000);
	wire_turn(w, 0);
	ok_int(seen.n_cancelled, 2, "too much for all from one alone");
}

/* --- connections ----------------------------------------------------------------------- */

static struct sockaddr_un
listen_in(struct wire *w, const struct tmpdir *t)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/socket", t->path);
	assert(server_listen_path(w->server, sa.sun_path) == 0);
	/* For the test's own other users; the product has 0660. */
	assert(chmod(sa.sun_path, 0666) == 0 && chmod(t->path, 0755) == 0);
	return sa;
}

static int
connect_to(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert(fd >= 0 && connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0);
	return fd;
}

/* A connection that another user made; needs root. */
static int
connect_as(const struct sockaddr_un *sa, uid_t uid, gid_t gid, const gid_t *groups, size_t n)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int status;
	pid_t pid;

	assert(fd >= 0);
	pid = fork();
	assert(pid >= 0);
	if (pid == 0) {
		if (setgroups(n, groups) < 0 || setresgid(gid, gid, gid) < 0 ||
		    setresuid(uid, uid, uid) < 0 ||
		    connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0)
			_exit(1);
		_exit(0);
	}
	assert(
	    waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return fd;
}

static void
test_connections(void)
{
	struct server_options options = some_options();
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_wire_ struct wire *w = NULL;
	struct sockaddr_un sa;
	int fds[5];

	options.clients_max = 4;
	options.clients_per_uid_max = 100;
	if (geteuid() != 0) {
		tap_skip("not root: the reserve of root cannot be reached");
		return;
	}
	w = wire_make(&options);
	sa = listen_in(w, &t);
	for (size_t i = 0; i < 5; i++)
		fds[i] = connect_to(&sa);
	ok(wire_has_clients(w, 4), "four connections are accepted");
	assert(wire_say(w, fds[4], CALL("Echo", "")));
	ok(wire_is_silent(w, fds[4]), "the fifth one waits");
	fds[0] = close_fd(fds[0]);
	free(wire_hear(w, fds[4]));
	ok_int(server_client_count(w->server), 4, "and is served when another one ends");
	for (size_t i = 0; i < 5; i++)
		(void)close_fd(fds[i]);
	ok(wire_has_clients(w, 0), "all have gone");
}

static void
test_connections_of_users(void)
{
	struct server_options options = some_options();
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_wire_ struct wire *w = NULL;
	_cleanup_close_ int first = -EBADF, second = -EBADF, third = -EBADF, other = -EBADF,
			    another = -EBADF, root = -EBADF;
	struct sockaddr_un sa;

	if (geteuid() != 0) {
		tap_skip("not root: cannot connect as other users");
		return;
	}
	options.clients_max = 4;
	options.clients_per_uid_max = 2;
	w = wire_make(&options);
	sa = listen_in(w, &t);
	first = connect_as(&sa, NOBODY_UID, NOBODY_UID, NULL, 0);
	second = connect_as(&sa, NOBODY_UID, NOBODY_UID, NULL, 0);
	third = connect_as(&sa, NOBODY_UID, NOBODY_UID, NULL, 0);
	ok(wire_is_dropped(w, third) && wire_has_clients(w, 2),
	    "one user has two connections, not three");
	other = connect_as(&sa, NOBODY_UID - 1, NOBODY_UID, NULL, 0);
	ok(wire_has_clients(w, 3), "another user has one");
	another = connect_as(&sa, NOBODY_UID - 2, NOBODY_UID, NULL, 0);
	ok(wire_is_dropped(w, another), "the last one is not for users");
	root = connect_to(&sa);
	ok(wire_has_clients(w, 4), "but for root");
}

static void
check_who(struct wire *w, int fd, enum access want, const char *what)
{
	_cleanup_json_ cJSON *info = NULL, *who = NULL, *root = NULL;
	const char *error = NULL;
	int access = -1;

	assert(wire_say(w, fd, "{\"method\":\"org.varlink.service.GetInfo\"}"));
	info = wire_hear_json(w, fd);
	(void)json_get_string(info, "error", &error);
	ok_str(error, want == ACCESS_NONE ? "org.varlink.service.PermissionDenied" : NULL,
	    "%s: GetInfo", what);
	error = NULL;
	assert(wire_say(w, fd, CALL("Who", "")));
	who = wire_hear_json(w, fd);
	if (want == ACCESS_NONE)
		ok(json_get_string(who, "error", &error) == 1, "%s: may not call", what);
	else
		ok(json_get_int(cJSON_GetObjectItem(who, "parameters"), "access", &access) ==
			    1 &&
			access == (int)want,
		    "%s: is known", what);
	error = NULL;
	assert(wire_say(w, fd, CALL("Root", "")));
	root = wire_hear_json(w, fd);
	(void)json_get_string(root, "error", &error);
	ok_str(error, want == ACCESS_ROOT ? NULL : "org.varlink.service.PermissionDenied",
	    "%s: what only root may", what);
}

static void
test_access(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_wire_ struct wire *w = make();
	struct sockaddr_un sa = listen_in(w, &t);
	const struct group *g = getgrnam(SOME_GROUP);
	gid_t many[200];
	gid_t gid;
	int fd;

	fd = connect_to(&sa);
	check_who(w, fd, ACCESS_ROOT, "our own user");
	fd = close_fd(fd);
	if (geteuid() != 0 || !g) {
		tap_skip("not root, or no group '" SOME_GROUP "': cannot be other users");
		return;
	}
	gid = g->gr_gid;
	fd = connect_as(&sa, NOBODY_UID, NOBODY_UID, NULL, 0);
	check_who(w, fd, ACCESS_NONE, "another user");
	fd = close_fd(fd);
	fd = connect_as(&sa, NOBODY_UID, gid, NULL, 0);
	check_who(w, fd, ACCESS_MEMBER, "a user with the group as its first");
	fd = close_fd(fd);
	fd = connect_as(&sa, NOBODY_UID, NOBODY_UID, &gid, 1);
	check_who(w, fd, ACCESS_MEMBER, "a user with the group among others");
	fd = close_fd(fd);
	for (size_t i = 0; i < ELEMENTSOF(many); i++)
		many[i] = (gid_t)(100000 + i);
	fd = connect_as(&sa, NOBODY_UID, NOBODY_UID, many, ELEMENTSOF(many));
	check_who(w, fd, ACCESS_NONE, "a user of many groups");
	fd = close_fd(fd);
	many[150] = gid;
	fd = connect_as(&sa, NOBODY_UID, NOBODY_UID, many, ELEMENTSOF(many));
	check_who(w, fd, ACCESS_MEMBER, "a user of many groups and ours");
	fd = close_fd(fd);
}

static void
test_listen_path(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	struct server_options options = some_options();
	struct wire *w = wire_make(&options);
	char path[128], file[128];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/socket", t.path);
	(void)snprintf(file, sizeof(file), "%s/file", t.path);
	tmpdir_put(&t, "file", "x");
	ok_int(server_listen_path(w->server, file), -EEXIST, "a file is not replaced");
	ok_int(server_listen_path(w->server, path), 0, "a socket is made");
	ok(stat(path, &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_mode & 07777) == 0660,
	    "for root and the group");
	ok_int(server_listen_path(w->server, path), -EBUSY, "one is enough");
	wire_free(w);
	ok(stat(path, &st) < 0 && errno == ENOENT, "it goes with the server");
	ok(stat(file, &st) == 0, "the file does not");
}

static void
test_out_of_descriptors(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_wire_ struct wire *w = make();
	struct sockaddr_un sa = listen_in(w, &t);
	_cleanup_close_ int fd = connect_to(&sa);
	_cleanup_close_ int second = -EBADF;
	struct rlimit old, none;
	uint64_t start;
	unsigned turns = 0;

	assert(fd >= 0 && getrlimit(RLIMIT_NOFILE, &old) == 0);
	none = (struct rlimit){ .rlim_cur = 1, .rlim_max = old.rlim_max };
	assert(setrlimit(RLIMIT_NOFILE, &none) == 0);
	start = clock_monotonic_usec();
	wire_turn(w, 10 * USEC_PER_MSEC);
	assert(setrlimit(RLIMIT_NOFILE, &old) == 0);
	ok_int(server_client_count(w->server), 0, "no descriptor: nobody is accepted");
	/* valgrind keeps the limit by closing what was accepted beyond it: the first one may be
	 * lost. */
	second = connect_to(&sa);
	assert(second >= 0);
	while (server_client_count(w->server) == 0 && turns++ < 100)
		wire_turn(w, 100 * USEC_PER_MSEC);
	ok(server_client_count(w->server) > 0, "a moment later it goes on");
	ok(clock_monotonic_usec() - start >= 900 * USEC_PER_MSEC, "after a pause");
}

static int
count_fds(void)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert(dir);
	while (readdir(dir))
		n++;
	return n;
}

int
main(void)
{
	int n_fds = count_fds();

	test_answers();
	test_service();
	test_slices();
	test_broken();
	test_oneway();
	test_pipelining();
	test_pipelining_without_reading();
	test_fd_out();
	test_fd_in();
	test_kept();
	test_kept_and_left();
	test_kept_at_the_end();
	test_sent_too_much_ahead();
	test_message_size();
	test_half_message();
	test_death_in_the_middle_of_an_answer();
	test_idle();
	test_stalled_reader();
	test_slow_reader();
	test_slowest_reader_pays();
	test_connections();
	test_connections_of_users();
	test_access();
	test_listen_path();
	test_out_of_descriptors();
	ok_int(count_fds(), n_fds, "no descriptor is left open");
	return tap_done();
}
