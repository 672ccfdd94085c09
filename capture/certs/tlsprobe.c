/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "capture/certs/certfile.h"
#include "capture/certs/certscan.h"
#include "capture/certs/tlsprobe.h"
#include "lib/clock.h"
#include "lib/io.h"
#include "lib/text.h"

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free);
DEFINE_CLEANUP(SSL_CTX *, SSL_CTX_free);

/* For an alert to arrive from this machine; only servers without session tickets take it. */
#define OBJECTION_MSEC 100

enum state {
	STATE_CONNECT,
	STATE_HANDSHAKE,
	STATE_REQUEST,
	STATE_ANSWER,
	STATE_DONE,
};

/* One server while it is tried. */
struct probe {
	const struct tlsprobe_target *target; /* borrowed */
	struct tlsprobe_result *result;	      /* borrowed */
	SSL *ssl;			      /* owned */
	int fd;				      /* owned */
	enum state state;
	uint64_t start_usec;
	short events; /* to wait for */
};

/* Ends the probe with F and, unless it is NONE, a sentence. */
static void finish(struct probe *p, enum kube_failure f, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void
finish(struct probe *p, enum kube_failure f, const char *format, ...)
{
	char text[FAULT_TEXT_MAX_BYTES];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	p->state = STATE_DONE;
	p->result->failure = f;
	p->result->duration_usec = clock_monotonic_usec() - p->start_usec;
	if (f != KUBE_FAILURE_NONE)
		(void)fault_set(&p->result->fault, kube_failure_errno(f), "%s", text);
}

static void
add_step(struct tlsprobe_result *result, const char *a, const char *b)
{
	size_t n = strv_length(result->steps);
	char line[160];

	(void)snprintf(line, sizeof(line), "%s%s", a, b);
	if (n >= TLSPROBE_STEPS_MAX || (n > 0 && streq(result->steps[n - 1], line)))
		return;
	(void)strv_append(&result->steps, line);
}

/* libssl tells what it does; "SSLv3/TLS" is in front of every state, whatever the version. */
static void
on_info(const SSL *ssl, int where, int value)
{
	struct probe *p = SSL_get_app_data(ssl);
	const char *state;

	if (where & SSL_CB_ALERT) {
		add_step(p->result, where & SSL_CB_READ ? "received alert: " : "sent alert: ",
		    SSL_alert_desc_string_long(value));
	} else if (where & SSL_CB_LOOP) {
		state = SSL_state_string_long(ssl);
		add_step(p->result, "",
		    text_has_prefix(state, "SSLv3/TLS ") ? state + strlen("SSLv3/TLS ")
							 : state);
	}
}

/* Called only when the server asks for a certificate. */
static int
on_client_asked(SSL *ssl, void *userdata)
{
	struct probe *p = SSL_get_app_data(ssl);

	(void)userdata;
	p->result->client_was_asked = true;
	return 1;
}

static int
load(int root_fd, const char *path, struct certfile **ret)
{
	_cleanup_free_ char *data = NULL;
	size_t size = 0;
	int r = io_read_file(root_fd, path + 1, CERTSCAN_FILE_MAX_BYTES, &data, &size);

	return r < 0 ? r : certfile_parse(data, size, ret);
}

static int
load_key(int root_fd, const char *path, EVP_PKEY **ret)
{
	char *data = NULL;
	size_t size = 0;
	int r = io_read_file(root_fd, path + 1, CERTSCAN_FILE_MAX_BYTES, &data, &size);

	if (r < 0)
		return r;
	r = certfile_read_key(data, size, ret);
	explicit_bzero(data, size);
	free(data);
	return r;
}

/* Trusts every certificate in PATH, self-signed or not, as Go does. */
static int
trust(SSL_CTX *ctx, int root_fd, const char *path)
{
	_cleanup_(certfile_freep) struct certfile *f = NULL;
	int r = load(root_fd, path, &f);

	return r < 0 ? r : certfile_add_to_store(f, SSL_CTX_get_cert_store(ctx));
}

/* Takes the certificate and the key of the client. */
static int
use_client(SSL_CTX *ctx, int root_fd, const struct tlsprobe_target *t)
{
	_cleanup_(certfile_freep) struct certfile *f = NULL;
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	int r = load(root_fd, t->cert_path, &f);

	if (r == 0)
		r = load_key(root_fd, t->key_path, &key);
	if (r == 0 &&
	    (SSL_CTX_use_certificate(ctx, certfile_first(f)) != 1 ||
		SSL_CTX_use_PrivateKey(ctx, key) != 1))
		r = -EKEYREJECTED;
	ERR_clear_error();
	return r;
}

/* The rules of a client for T. What cannot be read ends the probe. */
static SSL_CTX *
make_context(struct probe *p, int root_fd)
{
	const struct tlsprobe_target *t = p->target;
	_cleanup_(SSL_CTX_freep) SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int r;

	if (!ctx) {
		finish(p, KUBE_FAILURE_LOCAL, "libssl cannot be used");
		return NULL;
	}
	SSL_CTX_set_info_callback(ctx, on_info);
	SSL_CTX_set_cert_cb(ctx, on_client_asked, NULL);
	r = trust(ctx, root_fd, t->ca_path);
	if (r < 0) {
		finish(p, KUBE_FAILURE_LOCAL, "the authority '%s' cannot be used: %s",
		    t->ca_path, strerror(-r));
		return NULL;
	}
	r = t->cert_path ? use_client(ctx, root_fd, t) : 0;
	if (r < 0) {
		finish(p, KUBE_FAILURE_LOCAL, "the client's '%s' cannot be used: %s",
		    t->cert_path, strerror(-r));
		return NULL;
	}
	return TAKE_PTR(ctx);
}

static bool
make_ssl(struct probe *p, int root_fd, uint64_t now_usec)
{
	_cleanup_(SSL_CTX_freep) SSL_CTX *ctx = make_context(p, root_fd);
	const char *name = p->target->server_name;
	X509_VERIFY_PARAM *rules;

	if (!ctx)
		return false;
	p->ssl = SSL_new(ctx);
	if (!p->ssl || SSL_set_fd(p->ssl, p->fd) != 1) {
		finish(p, KUBE_FAILURE_LOCAL, "libssl cannot be used");
		return false;
	}
	SSL_set_app_data(p->ssl, p);
	/* The result is looked at, the handshake goes on. */
	SSL_set_verify(p->ssl, SSL_VERIFY_NONE, NULL);
	rules = SSL_get0_param(p->ssl);
	(void)X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_time(rules, (time_t)(now_usec / USEC_PER_SEC));
	if (X509_VERIFY_PARAM_set1_ip_asc(rules, name) != 1) {
		(void)X509_VERIFY_PARAM_set1_host(rules, name, 0);
		(void)SSL_set_tlsext_host_name(p->ssl, name);
	}
	ERR_clear_error();
	return true;
}

static void
begin(struct probe *p, int root_fd, uint64_t now_usec)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)p->target->port),
	};

	if (inet_pton(AF_INET, p->target->address, &to.sin_addr) == 1)
		p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0)
		finish(p, KUBE_FAILURE_LOCAL, "there is no socket for it");
	else if (connect(p->fd, (const struct sockaddr *)&to, sizeof(to)) == 0 ||
	    errno == EINPROGRESS)
		(void)make_ssl(p, root_fd, now_usec);
	else
		finish(p,
		    errno == ECONNREFUSED ? KUBE_FAILURE_REFUSED : KUBE_FAILURE_UNREACHABLE,
		    "nothing listens there");
	p->events = POLLOUT;
}

/* Copies the chain as presented, the server's own certificate first. */
static void
take_chain(struct probe *p)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(p->ssl);
	struct tlsprobe_result *result = p->result;
	int n = chain ? sk_X509_num(chain) : 0;

	if (n > (int)TLSPROBE_CHAIN_MAX)
		n = (int)TLSPROBE_CHAIN_MAX;
	if (result->chain || n == 0)
		return;
	result->chain = calloc((size_t)n, sizeof(*result->chain));
	for (int i = 0; result->chain && i < n; i++) {
		result->chain[i].number = (unsigned)i + 1;
		result->chain[i].role = i == 0 ? CERTSCAN_SERVING : CERTSCAN_CHAIN;
		result->n_chain++;
		(void)certfile_describe_x509(sk_X509_value(chain, i), &result->chain[i]);
	}
}

static bool
is_no_tls(int reason)
{
	return reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
	    reason == SSL_R_HTTPS_PROXY_REQUEST || reason == SSL_R_PACKET_LENGTH_TOO_LONG ||
	    reason == SSL_R_BAD_RECORD_TYPE;
}

/* In TLS 1.2 some only say "handshake failure" to a client that has no certificate. */
static enum kube_failure
alert_of(const struct probe *p, const char *reason)
{
	enum kube_failure f = kube_failure_of_alert(reason);

	return f == KUBE_FAILURE_TLS_OTHER && p->result->client_was_asked &&
		!p->target->cert_path
	    ? KUBE_FAILURE_TLS_CLIENT
	    : f;
}

/* Ends the probe for what libssl says, which is neither "done" nor "wait". */
static void
finish_for_error(struct probe *p, int ssl_error)
{
	unsigned long error = ERR_peek_error();
	const char *reason = ERR_reason_error_string(error);
	enum kube_failure alert;

	if (ssl_error != SSL_ERROR_SSL || !reason ||
	    ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		finish(p, KUBE_FAILURE_RESET, "it ended the connection during the %s",
		    p->state == STATE_HANDSHAKE ? "handshake" : "request");
	else if ((alert = alert_of(p, reason)) == KUBE_FAILURE_TLS_CLIENT)
		finish(p, alert, "it refuses %s: %s",
		    p->target->cert_path ? "the client's certificate"
					 : "a client without certificate",
		    reason);
	else if (alert != KUBE_FAILURE_NONE)
		finish(p, alert, "it ended the handshake with an alert: %s", reason);
	else if (p->state == STATE_HANDSHAKE && is_no_tls(ERR_GET_REASON(error)))
		finish(p, KUBE_FAILURE_BAD_ANSWER, "it answers, but does not speak TLS");
	else
		finish(p, KUBE_FAILURE_TLS_OTHER, "TLS fails: %s", reason);
	ERR_clear_error();
}

/* N is what a call of libssl returned. True when it is done; otherwise the probe waits, or has
 * ended. */
static bool
is_through(struct probe *p, int n)
{
	int error;

	if (n > 0)
		return true;
	error = SSL_get_error(p->ssl, n);
	if (error == SSL_ERROR_WANT_READ)
		p->events = POLLIN;
	else if (error == SSL_ERROR_WANT_WRITE)
		p->events = POLLOUT;
	else
		finish_for_error(p, error);
	return false;
}

/* A server that refuses the client does so now. Its alert would be lost when a request met a
 * closed connection: the kernel then drops what has arrived. Those that accept it send a
 * session ticket, so this does not take long. */
static void
let_it_object(struct probe *p)
{
	struct pollfd fd = { .fd = p->fd, .events = POLLIN };
	char byte;

	if (poll(&fd, 1, OBJECTION_MSEC) > 0)
		(void)is_through(p, SSL_peek(p->ssl, &byte, sizeof(byte)));
}

static void
begin_request(struct probe *p)
{
	p->state = STATE_REQUEST;
	if (p->result->client_was_asked)
		let_it_object(p);
}

/* The handshake is over: is the server who it has to be? */
static void
on_handshake(struct probe *p)
{
	long verify = SSL_get_verify_result(p->ssl);

	text_copy(p->result->protocol, sizeof(p->result->protocol), SSL_get_version(p->ssl));
	text_copy(p->result->cipher, sizeof(p->result->cipher), SSL_get_cipher_name(p->ssl));
	take_chain(p);
	if (verify != X509_V_OK)
		finish(p, kube_failure_of_verify(verify),
		    "its certificate is refused, for '%s' and by '%s': %s",
		    p->target->server_name, p->target->ca_path,
		    X509_verify_cert_error_string(verify));
	else if (p->target->request)
		begin_request(p);
	else
		finish(p, KUBE_FAILURE_NONE, "%s", "");
}

static void
on_answer(struct probe *p, const char *data, size_t size)
{
	char *to = p->result->answer;

	for (size_t i = 0; i < size && i + 1 < sizeof(p->result->answer); i++) {
		if (data[i] == '\r' || data[i] == '\n')
			break;
		*to++ = data[i] >= ' ' && data[i] <= '~' ? data[i] : '?';
	}
	*to = '\0';
	finish(p, KUBE_FAILURE_NONE, "%s", "");
}

static void
on_connected(struct probe *p)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	if (error == 0)
		p->state = STATE_HANDSHAKE;
	else
		finish(p,
		    error == ECONNREFUSED ? KUBE_FAILURE_REFUSED : KUBE_FAILURE_UNREACHABLE,
		    "%s", error == ECONNREFUSED ? "nothing listens there" : strerror(error));
}

static void
send_request(struct probe *p)
{
	char text[256];
	int n;

	n = snprintf(text, sizeof(text), "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n",
	    p->target->request, p->target->server_name);
	/* A request of one record is written whole or not at all. */
	if (is_through(p, SSL_write(p->ssl, text, n)))
		p->state = STATE_ANSWER;
}

static void
read_answer(struct probe *p)
{
	char text[TLSPROBE_ANSWER_BYTES];
	int n = SSL_read(p->ssl, text, sizeof(text));

	if (is_through(p, n))
		on_answer(p, text, (size_t)n);
}

/* Goes on until the probe has to wait, or is over. */
static void
advance(struct probe *p)
{
	enum state before;

	do {
		before = p->state;
		ERR_clear_error();
		if (p->state == STATE_CONNECT)
			on_connected(p);
		else if (p->state == STATE_HANDSHAKE && is_through(p, SSL_connect(p->ssl)))
			on_handshake(p);
		else if (p->state == STATE_REQUEST)
			send_request(p);
		else if (p->state == STATE_ANSWER)
			read_answer(p);
	} while (p->state != before && p->state != STATE_DONE);
}

/* At once: a server may serve one client after the other. */
static void
hang_up(struct probe *p)
{
	if (p->ssl && SSL_is_init_finished(p->ssl))
		(void)SSL_shutdown(p->ssl);
	SSL_free(p->ssl);
	p->ssl = NULL;
	p->fd = close_fd(p->fd);
	ERR_clear_error();
}

/* Waits once for those that are not done. Returns how many there are. */
static size_t
wait_for_some(struct probe *probes, size_t n, uint64_t deadline_usec)
{
	struct pollfd fds[TLSPROBE_TARGETS_MAX];
	struct probe *waiting[TLSPROBE_TARGETS_MAX];
	uint64_t now = clock_monotonic_usec();
	size_t n_waiting = 0;

	for (size_t i = 0; i < n; i++) {
		if (probes[i].state == STATE_DONE)
			continue;
		fds[n_waiting] =
		    (struct pollfd){ .fd = probes[i].fd, .events = probes[i].events };
		waiting[n_waiting++] = &probes[i];
	}
	if (n_waiting == 0 || now >= deadline_usec)
		return 0;
	if (poll(fds, n_waiting, (int)((deadline_usec - now) / USEC_PER_MSEC) + 1) < 0)
		return errno == EINTR ? n_waiting : 0;
	for (size_t i = 0; i < n_waiting; i++) {
		if (fds[i].revents)
			advance(waiting[i]);
		if (waiting[i]->state == STATE_DONE)
			hang_up(waiting[i]);
	}
	return n_waiting;
}

static void
finish_for_timeout(struct probe *p, uint64_t usec)
{
	static const char *const waits[] = {
		[STATE_CONNECT] = "it does not take the connection",
		[STATE_HANDSHAKE] = "it does not go on with the handshake",
		[STATE_REQUEST] = "the handshake is fine, but it does not take a request",
		[STATE_ANSWER] = "the handshake is fine, but it does not answer a request",
	};
	char span[32];

	finish(p, KUBE_FAILURE_TIMEOUT, "%s within %s", waits[p->state],
	    clock_format_span(usec, span, sizeof(span)));
}

void
tlsprobe_run(int root_fd, const struct tlsprobe_target *targets, size_t n, uint64_t now_usec,
    uint64_t timeout_usec, struct tlsprobe_result *results)
{
	struct probe probes[TLSPROBE_TARGETS_MAX];
	uint64_t start = clock_monotonic_usec(), timeout = timeout_usec ?: TLSPROBE_USEC;
	struct sigaction old;

	assert(n <= TLSPROBE_TARGETS_MAX);
	io_ignore_sigpipe(&old);
	for (size_t i = 0; i < n; i++) {
		results[i] = (struct tlsprobe_result){ 0 };
		probes[i] = (struct probe){
			.target = &targets[i],
			.result = &results[i],
			.fd = -EBADF,
			.start_usec = start,
		};
		begin(&probes[i], root_fd, now_usec);
	}
	while (wait_for_some(probes, n, start + timeout) > 0)
		;
	for (size_t i = 0; i < n; i++) {
		if (probes[i].state != STATE_DONE)
			finish_for_timeout(&probes[i], timeout);
		hang_up(&probes[i]);
	}
	(void)sigaction(SIGPIPE, &old, NULL);
}

void
tlsprobe_done(struct tlsprobe_result *result)
{
	for (size_t i = 0; i < result->n_chain; i++)
		certscan_certificate_done(&result->chain[i]);
	free(result->chain);
	strv_free(result->steps);
	*result = (struct tlsprobe_result){ 0 };
}
