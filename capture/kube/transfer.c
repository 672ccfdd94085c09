/* SPDX-License-Identifier: Apache-2.0 */

/* What curl is told about a request, what it says when the request is over, and how that reads
 * for people. curl's codes and OpenSSL's are translated here and go no further. */

#include <sys/mman.h>
#include <sys/socket.h>

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "capture/kube/transfer.h"
#include "lib/clock.h"
#include "lib/io.h"
#include "lib/json.h"
#include "lib/text.h"

/* Headers of an answer; a server that sends more is none. */
#define HEADERS_MAX_BYTES 65536u
/* A Retry-After of more than this is not waited for. */
#define RETRY_AFTER_MAX_S 10
/* Pause before the first attempt again; doubled each time. */
#define RETRY_PAUSE_USEC  (200 * USEC_PER_MSEC)
/* Of an error body that is no Status, in a message. */
#define ERROR_LINE_BYTES  200

static int
copy_blob(const struct kube_blob *from, struct kube_blob *to)
{
	if (!from->data)
		return 0;
	to->data = malloc(from->size + 1);
	if (!to->data)
		return -ENOMEM;
	memcpy(to->data, from->data, from->size);
	to->data[from->size] = '\0';
	to->size = from->size;
	return 0;
}

static void
clear_blob(struct kube_blob *b)
{
	if (b->data)
		explicit_bzero(b->data, b->size);
	free(b->data);
	*b = (struct kube_blob){ 0 };
}

static int
setup_ca(struct transfer_setup *s, const struct kube_blob *ca)
{
	if (!ca->data)
		return 0;
	s->ca_fd = memfd_create("kubeconfig-ca", MFD_CLOEXEC);
	if (s->ca_fd < 0)
		return -errno;
	(void)snprintf(s->ca_path, sizeof(s->ca_path), "/proc/self/fd/%d", s->ca_fd);
	return io_write_all(s->ca_fd, ca->data, ca->size);
}

static void
setup_options(struct transfer_setup *s, const struct kube_options *options)
{
	struct kube_options *o = &s->options;

	if (options)
		*o = *options;
	o->connect_usec = o->connect_usec ?: KUBE_CONNECT_USEC;
	o->request_usec = o->request_usec ?: KUBE_REQUEST_USEC;
	o->low_speed_usec = o->low_speed_usec ?: KUBE_LOW_SPEED_USEC;
	o->parallel[KUBE_LANE_API] = o->parallel[KUBE_LANE_API] ?: KUBE_PARALLEL_API;
	o->parallel[KUBE_LANE_LOGS] = o->parallel[KUBE_LANE_LOGS] ?: KUBE_PARALLEL_LOGS;
	if (o->retries == UINT_MAX)
		o->retries = 0;
	else if (o->retries == 0)
		o->retries = KUBE_RETRIES_MAX;
}

static int
setup_names(struct transfer_setup *s, const struct kubeconfig *config)
{
	const char *open = strchr(config->host, ':') ? "[" : "", *close = *open ? "]" : "";
	const char *name = config->tls_server_name;
	_cleanup_free_ char *connect_to = NULL;

	s->host = text_format("%s%s%s:%u", open, config->host, close, config->port);
	if (!s->host)
		return -ENOMEM;
	if (!name || !config->is_tls) {
		s->base = text_format(
		    "%s://%s%s", config->is_tls ? "https" : "http", s->host, config->base_path);
		return s->base ? 0 : -ENOMEM;
	}
	s->base = text_format("https://%s:%u%s", name, config->port, config->base_path);
	connect_to = text_format("%s:%u:%s", name, config->port, s->host);
	if (!s->base || !connect_to)
		return -ENOMEM;
	s->connect_to = curl_slist_append(NULL, connect_to);
	return s->connect_to ? 0 : -ENOMEM;
}

int
transfer_setup_init(struct transfer_setup *s, const struct kubeconfig *config,
    const struct kube_options *options, struct fault *reterr)
{
	int r;

	*s = (struct transfer_setup){ .ca_fd = -EBADF, .is_tls = config->is_tls };
	setup_options(s, options);
	s->user_agent = strdup(s->options.user_agent ?: "microshift-support/" PACKAGE_VERSION);
	if (!s->user_agent || copy_blob(&config->cert, &s->cert) < 0 ||
	    copy_blob(&config->key, &s->key) < 0 || copy_blob(&config->token, &s->token) < 0 ||
	    setup_names(s, config) < 0)
		return fault_set(reterr, -ENOMEM, "Cannot prepare requests: out of memory");
	r = setup_ca(s, &config->ca);
	if (r < 0)
		return fault_set(reterr, r, "Cannot keep the authorities in memory: %m");
	return 0;
}

void
transfer_setup_done(struct transfer_setup *s)
{
	s->ca_fd = close_fd(s->ca_fd);
	curl_slist_free_all(s->connect_to);
	clear_blob(&s->token);
	clear_blob(&s->key);
	clear_blob(&s->cert);
	free(s->user_agent);
	free(s->host);
	free(s->base);
}

/* PATH and QUERY for messages: the token of a page is long and says nothing. */
static char *
make_label(const char *path, const char *query)
{
	size_t length = query ? strcspn(query, "") : 0;
	const char *token;

	if (length == 0)
		return strdup(path);
	token = strstr(query, "continue=");
	if (token && (token == query || token[-1] == '&'))
		length = (size_t)(token - query) + strlen("continue");
	return text_format("%s?%.*s", path, (int)length, query);
}

int
transfer_new(const struct transfer_setup *setup, const struct kube_request *request,
    const struct kube_handlers *handlers, void *userdata, struct transfer **ret)
{
	_cleanup_(transfer_freep) struct transfer *t = NULL;

	if (request->path[0] != '/' || request->lane >= _KUBE_LANE_COUNT)
		return -EINVAL;
	for (const char *p = request->path; *p; p++)
		if (!isascii((unsigned char)*p) || !isgraph((unsigned char)*p))
			return -EINVAL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->setup = setup;
	t->handlers = *handlers;
	t->userdata = userdata;
	t->lane = request->lane;
	t->max_bytes = request->max_bytes ?: KUBE_BODY_MAX_BYTES;
	t->timeout_usec = request->timeout_usec ?: setup->options.request_usec;
	t->retries_max = request->no_retry ? 0 : setup->options.retries;
	t->url = text_format("%s%s%s%s", setup->base, request->path,
	    is_empty(request->query) ? "" : "?", request->query ?: "");
	t->label = make_label(request->path, request->query);
	t->accept = strdup(request->accept ?: "application/json");
	if (!t->url || !t->label || !t->accept)
		return -ENOMEM;
	*ret = TAKE_PTR(t);
	return 0;
}

static void
drop_headers(struct transfer *t)
{
	for (struct curl_slist *h = t->headers; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(t->headers);
	t->headers = NULL;
}

void
transfer_free(struct transfer *t)
{
	if (!t)
		return;
	curl_easy_cleanup(t->easy);
	drop_headers(t);
	free(t->error_body);
	free(t->accept);
	free(t->label);
	free(t->url);
	free(t);
}

static int
add_header(struct transfer *t, const char *name, const char *value)
{
	char *line = text_format("%s: %s", name, value);
	struct curl_slist *longer;

	if (!line)
		return -ENOMEM;
	longer = curl_slist_append(t->headers, line);
	explicit_bzero(line, strlen(line));
	free(line);
	if (!longer)
		return -ENOMEM;
	t->headers = longer;
	return 0;
}

static int
get_status(const struct transfer *t)
{
	long status = 0;

	(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

/* Tells the handler, once, that a good answer begins. Returns 0 or negative errno. */
static int
start_body(struct transfer *t)
{
	const char *type = NULL;
	int r = 0;

	if (t->is_started)
		return 0;
	t->is_started = true;
	(void)curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
	text_copy(t->content_type, sizeof(t->content_type), type);
	if (!t->is_encoded && t->handlers.on_start)
		r = t->handlers.on_start(get_status(t), t->content_type, t->userdata);
	return t->is_encoded ? -EBADMSG : r;
}

static size_t
on_body(char *data, size_t size, size_t n, void *userdata)
{
	struct transfer *t = userdata;
	size_t length = size * n, room;
	int status = get_status(t);

	if (status < 200 || status > 299) {
		room = KUBE_ERROR_MAX_BYTES - t->error_size;
		room = length < room ? length : room;
		if (!t->error_body)
			t->error_body = calloc(1, KUBE_ERROR_MAX_BYTES + 1);
		if (!t->error_body)
			return 0;
		memcpy(t->error_body + t->error_size, data, room);
		t->error_size += room;
		/* The rest of an endless error is of no use. */
		return room;
	}
	t->handler_error = start_body(t);
	if (t->handler_error < 0)
		return 0;
	room = t->max_bytes - t->bytes;
	t->is_over = length > room;
	room = t->is_over ? room : length;
	if (room > 0 && t->handlers.on_data)
		t->handler_error = t->handlers.on_data(data, room, t->userdata);
	if (t->handler_error < 0)
		return 0;
	t->bytes += room;
	return room;
}

static size_t
on_header(char *data, size_t size, size_t n, void *userdata)
{
	static const char encoding[] = "content-encoding:";
	struct transfer *t = userdata;
	size_t length = size * n, skip = strlen(encoding);

	t->header_bytes += length;
	if (t->header_bytes > HEADERS_MAX_BYTES)
		return 0;
	if (length > skip && strncasecmp(data, encoding, skip) == 0) {
		while (skip < length && data[skip] == ' ')
			skip++;
		t->is_encoded = length - skip < strlen("identity") ||
		    strncasecmp(data + skip, "identity", strlen("identity")) != 0;
	}
	return length;
}

static curl_socket_t
on_open_socket(void *userdata, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)userdata;
	(void)purpose;
	/* Before 8.x curl's sockets are inherited by the commands that a capture runs. */
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool
set_tls(struct transfer *t, CURL *easy)
{
	const struct transfer_setup *s = t->setup;
	struct curl_blob cert = { .data = s->cert.data, .len = s->cert.size };
	struct curl_blob key = { .data = s->key.data, .len = s->key.size };
	CURLcode bad = CURLE_OK;

	bad |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	bad |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
	    s->options.http1 ? (long)CURL_HTTP_VERSION_1_1 : (long)CURL_HTTP_VERSION_2TLS);
	bad |= curl_easy_setopt(easy, CURLOPT_PIPEWAIT, s->options.http1 ? 0L : 1L);
	if (s->ca_path[0]) {
		/* Both: the built-in directory would be trusted too. */
		bad |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
		bad |= curl_easy_setopt(easy, CURLOPT_CAINFO, s->ca_path);
	}
	if (s->connect_to)
		bad |= curl_easy_setopt(easy, CURLOPT_CONNECT_TO, s->connect_to);
	if (s->cert.data) {
		bad |= curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM");
		bad |= curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &cert);
		bad |= curl_easy_setopt(easy, CURLOPT_SSLKEYTYPE, "PEM");
		bad |= curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &key);
	}
	return bad == CURLE_OK;
}

/* What curl takes: at least 1, since 0 means for ever, and not more than it can add up. */
static long
to_msec(uint64_t usec)
{
	uint64_t msec = usec / USEC_PER_MSEC;

	return msec == 0 ? 1 : msec > INT32_MAX / 2 ? INT32_MAX / 2 : (long)msec;
}

static bool
set_limits(struct transfer *t, CURL *easy)
{
	const struct kube_options *o = &t->setup->options;
	uint64_t spent = clock_monotonic_usec() - t->start_usec, left;
	CURLcode bad = CURLE_OK;

	left = spent < t->timeout_usec ? t->timeout_usec - spent : 0;
	bad |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, to_msec(left));
	bad |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, to_msec(o->connect_usec));
	bad |= curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)KUBE_LOW_SPEED_BYTES);
	bad |= curl_easy_setopt(
	    easy, CURLOPT_LOW_SPEED_TIME, (to_msec(o->low_speed_usec) + 999) / 1000);
	bad |= curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	return bad == CURLE_OK;
}

static bool
set_request(struct transfer *t, CURL *easy)
{
	CURLcode bad = CURLE_OK;

	bad |= curl_easy_setopt(easy, CURLOPT_URL, t->url);
	bad |= curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
	bad |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	bad |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
	/* Do not wait for a resolver's thread that hangs; older ones do. */
	bad |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	bad |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
	bad |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	bad |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers);
	bad |= curl_easy_setopt(easy, CURLOPT_USERAGENT, t->setup->user_agent);
	bad |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->error_text);
	bad |= curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
	bad |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	bad |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
	bad |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	bad |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
	bad |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	/* After a connection that broke, not another one of its kind. */
	bad |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, t->is_broken ? 1L : 0L);
	return bad == CURLE_OK;
}

int
transfer_prepare(struct transfer *t)
{
	_cleanup_free_ char *bearer = NULL;
	int r;

	if (t->start_usec == 0)
		t->start_usec = clock_monotonic_usec();
	free(t->error_body);
	t->error_body = NULL;
	t->error_size = 0;
	t->header_bytes = 0;
	t->reason[0] = t->message[0] = t->token[0] = '\0';
	t->is_encoded = false;
	t->error_text[0] = '\0';
	drop_headers(t);
	curl_easy_cleanup(t->easy);
	t->easy = curl_easy_init();
	if (!t->easy)
		return -ENOMEM;
	r = add_header(t, "Accept", t->accept);
	if (r < 0)
		return r;
	if (t->setup->token.data) {
		bearer = text_format("Bearer %s", t->setup->token.data);
		r = bearer ? add_header(t, "Authorization", bearer) : -ENOMEM;
		if (bearer)
			explicit_bzero(bearer, strlen(bearer));
		if (r < 0)
			return r;
	}
	if (!set_request(t, t->easy) || !set_limits(t, t->easy) ||
	    (t->setup->is_tls && !set_tls(t, t->easy)))
		return -ENOMEM;
	return 0;
}

/* Copies TEXT for a message: one line, no control characters. */
static void
copy_line(char *dst, size_t size, const char *text)
{
	text_copy(dst, size, text);
	for (char *p = dst; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
}

/* An error that is no Status, such as that of /readyz: the line of the check that failed, or
 * the first one. */
static void
read_error_text(struct transfer *t)
{
	char *line = strstr(t->error_body, "[-]") ?: t->error_body;
	char text[ERROR_LINE_BYTES];

	line[strcspn(line, "\r\n")] = '\0';
	/* A page for browsers says nothing that the number does not. */
	if (line[0] == '<')
		return;
	text_copy(text, sizeof(text), line);
	copy_line(t->message, sizeof(t->message), text);
}

/* Picks what we use of the Kubernetes Status that came instead of an answer. */
static void
read_error(struct transfer *t)
{
	_cleanup_json_ cJSON *status = NULL;
	const char *message = NULL;

	if (!t->error_body)
		return;
	if (json_parse(t->error_body, t->error_size, &status, NULL) < 0 ||
	    !cJSON_IsObject(status)) {
		read_error_text(t);
		return;
	}
	if (json_get_text(status, "reason", t->reason, sizeof(t->reason)) < 0)
		t->reason[0] = '\0';
	if (json_get_string(status, "message", &message) > 0)
		copy_line(t->message, sizeof(t->message), message);
	if (json_get_text(cJSON_GetObjectItemCaseSensitive(status, "metadata"), "continue",
		t->token, sizeof(t->token)) < 0)
		t->token[0] = '\0';
}

static enum kube_failure
connect_failure(const struct transfer *t)
{
	long code = 0;

	(void)curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &code);
	if (code == ECONNREFUSED)
		return KUBE_FAILURE_REFUSED;
	return code == ETIMEDOUT ? KUBE_FAILURE_TIMEOUT : KUBE_FAILURE_UNREACHABLE;
}

static enum kube_failure
tls_failure(const struct transfer *t)
{
	enum kube_failure f = kube_failure_of_alert(t->error_text);

	if (f != KUBE_FAILURE_NONE)
		return f;
	if (strstr(t->error_text, "reset by peer") ||
	    strstr(t->error_text, "SSL_ERROR_SYSCALL"))
		return KUBE_FAILURE_RESET;
	return KUBE_FAILURE_TLS_OTHER;
}

/* The failure for what curl says of an attempt without a complete answer. */
static enum kube_failure
curl_failure(const struct transfer *t, CURLcode code)
{
	enum kube_failure f;
	long verify = 0;

	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return KUBE_FAILURE_UNREACHABLE;
	case CURLE_COULDNT_CONNECT:
		return connect_failure(t);
	case CURLE_OPERATION_TIMEDOUT:
		return KUBE_FAILURE_TIMEOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
		/* curl compares the names itself, and has no code for it. */
		if (strstr(t->error_text, "subject name"))
			return KUBE_FAILURE_TLS_NAME;
		(void)curl_easy_getinfo(t->easy, CURLINFO_SSL_VERIFYRESULT, &verify);
		return kube_failure_of_verify(verify);
	case CURLE_SSL_CONNECT_ERROR:
		return tls_failure(t);
	case CURLE_PARTIAL_FILE:
		return KUBE_FAILURE_TRUNCATED;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		/* With TLS 1.3 the client has finished before the server looks at its
		 * certificate, so the alert comes while reading. */
		f = kube_failure_of_alert(t->error_text);
		if (f != KUBE_FAILURE_NONE)
			return f;
		return t->is_started ? KUBE_FAILURE_TRUNCATED : KUBE_FAILURE_RESET;
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9: not HTTP at all */
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_WRITE_ERROR: /* of ours, which are looked at before: too many headers */
		return KUBE_FAILURE_BAD_ANSWER;
	default: /* the certificate or key of the kubeconfig, memory */
		return KUBE_FAILURE_LOCAL;
	}
}

static enum kube_failure
attempt_failure(const struct transfer *t, CURLcode code)
{
	int status = get_status(t);

	/* However the body of an error ended. */
	if (status >= 300)
		return kube_failure_of_status(status);
	if (code == CURLE_OK)
		return kube_failure_of_status(status);
	if (t->is_over)
		return KUBE_FAILURE_TOO_LARGE;
	if (t->is_encoded)
		return KUBE_FAILURE_BAD_ANSWER;
	if (t->handler_error < 0)
		return KUBE_FAILURE_STOPPED;
	return curl_failure(t, code);
}

/* How long to wait before the request is tried again; 0 = it is not. */
static uint64_t
retry_pause(const struct transfer *t, enum kube_failure failure)
{
	uint64_t pause = RETRY_PAUSE_USEC << t->retries, spent;
	curl_off_t after = 0;
	int status = get_status(t);

	if (t->retries >= t->retries_max || t->is_started)
		return 0;
	if (failure == KUBE_FAILURE_HTTP_429 || failure == KUBE_FAILURE_HTTP_5XX) {
		(void)curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &after);
		if (after > RETRY_AFTER_MAX_S)
			return 0;
		if (after > 0)
			pause = (uint64_t)after * USEC_PER_SEC;
		else if (status != 429 && (status < 502 || status > 504))
			return 0;
	} else if (failure != KUBE_FAILURE_RESET) {
		return 0;
	}
	spent = clock_monotonic_usec() - t->start_usec;
	return spent + pause < t->timeout_usec ? pause : 0;
}

static void
describe_timeout(const struct transfer *t, struct fault *f)
{
	curl_off_t sent = 0, total = 0;
	const char *host = t->setup->host;
	char span[32], size[32];

	/* The times of connecting are 0, too, when the connection was there already. */
	(void)curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &sent);
	(void)curl_easy_getinfo(t->easy, CURLINFO_TOTAL_TIME_T, &total);
	(void)clock_format_span((uint64_t)total, span, sizeof(span));
	if (t->is_started)
		(void)fault_set(f, -ETIMEDOUT, "the answer is too slow: %s in %s",
		    text_format_bytes(t->bytes, size, sizeof(size)), span);
	else if (sent == 0)
		/* curl does not tell which part of it took so long. */
		(void)fault_set(f, -ETIMEDOUT, "no %sconnection to %s in %s",
		    t->setup->is_tls ? "TLS " : "", host, span);
	else
		(void)fault_set(f, -ETIMEDOUT, "no answer from %s in %s", host, span);
}

static void
describe_status(const struct transfer *t, enum kube_failure failure, struct fault *f)
{
	int code = kube_failure_errno(failure), status = get_status(t);

	if (failure == KUBE_FAILURE_REDIRECT)
		(void)fault_set(f, code, "%d: redirects are not followed", status);
	else
		(void)fault_set(f, code, "%d%s%s%s%s", status, t->reason[0] ? " " : "",
		    t->reason, t->message[0] ? ": " : "", t->message);
}

/* The sentence for a failure, as someone who has to repair it needs it. */
static void
describe(const struct transfer *t, enum kube_failure failure, CURLcode curl, struct fault *f)
{
	const char *host = t->setup->host, *said = t->error_text;
	int code = kube_failure_errno(failure);
	char size[32];

	if (said[0] == '\0')
		said = curl_easy_strerror(curl);
	switch (failure) {
	case KUBE_FAILURE_REFUSED:
		(void)fault_set(f, code, "nothing listens at %s", host);
		break;
	case KUBE_FAILURE_UNREACHABLE:
		(void)fault_set(f, code, "%s cannot be reached: %s", host, said);
		break;
	case KUBE_FAILURE_TIMEOUT:
		describe_timeout(t, f);
		break;
	case KUBE_FAILURE_TLS_EXPIRED:
		(void)fault_set(f, code, "the certificate of %s has expired", host);
		break;
	case KUBE_FAILURE_TLS_NOT_YET:
		(void)fault_set(f, code,
		    "the certificate of %s is not valid yet; is the clock right?", host);
		break;
	case KUBE_FAILURE_TLS_AUTHORITY:
		(void)fault_set(f, code,
		    "the certificate of %s is not from an authority that the kubeconfig names",
		    host);
		break;
	case KUBE_FAILURE_TLS_NAME:
		(void)fault_set(
		    f, code, "the certificate of %s is for another name: %s", host, said);
		break;
	case KUBE_FAILURE_TLS_CLIENT:
		(void)fault_set(
		    f, code, "%s does not take the kubeconfig's certificate: %s", host, said);
		break;
	case KUBE_FAILURE_TRUNCATED:
		(void)fault_set(f, code, "the answer ended early, after %s: %s",
		    text_format_bytes(t->bytes, size, sizeof(size)), said);
		break;
	case KUBE_FAILURE_TOO_LARGE:
		(void)fault_set(f, code, "the answer is larger than %s",
		    text_format_bytes(t->max_bytes, size, sizeof(size)));
		break;
	case KUBE_FAILURE_STOPPED:
		(void)fault_set(f, t->handler_error, "%m");
		break;
	case KUBE_FAILURE_BAD_ANSWER:
		(void)fault_set(f, code, "%s does not answer as an API does: %s", host,
		    t->is_encoded ? "the answer is compressed" : said);
		break;
	case KUBE_FAILURE_RESET:
	case KUBE_FAILURE_TLS_OTHER:
	case KUBE_FAILURE_LOCAL:
		(void)fault_set(f, code, "%s", said);
		break;
	default:
		describe_status(t, failure, f);
		break;
	}
	fault_wrap(f, "GET '%s'", t->label);
}

static void
fill_result(const struct transfer *t, struct kube_result *ret)
{
	long version = 0;

	*ret = (struct kube_result){
		.retries = t->retries,
		.bytes = t->bytes,
		.content_type = t->content_type,
		.reason = t->reason,
		.message = t->message,
		.continue_token = t->token,
	};
	if (t->start_usec > 0)
		ret->duration_usec = clock_monotonic_usec() - t->start_usec;
	if (!t->easy)
		return;
	ret->status = get_status(t);
	(void)curl_easy_getinfo(t->easy, CURLINFO_HTTP_VERSION, &version);
	if (ret->status > 0)
		ret->http_version = version >= CURL_HTTP_VERSION_2_0 ? 2 : 1;
}

bool
transfer_conclude(
    struct transfer *t, CURLcode code, uint64_t *ret_pause_usec, struct kube_result *ret)
{
	enum kube_failure failure;
	int status = get_status(t);
	uint64_t pause;

	/* An answer without a body begins here. */
	if (code == CURLE_OK && status >= 200 && status <= 299) {
		t->handler_error = start_body(t);
		if (t->handler_error < 0)
			code = CURLE_WRITE_ERROR;
	}
	failure = attempt_failure(t, code);
	pause = retry_pause(t, failure);
	if (pause > 0) {
		t->is_broken = failure == KUBE_FAILURE_RESET;
		t->retries++;
		*ret_pause_usec = pause;
		return true;
	}
	if (status >= 300)
		read_error(t);
	fill_result(t, ret);
	ret->failure = failure;
	if (failure != KUBE_FAILURE_NONE)
		describe(t, failure, code, &ret->fault);
	return false;
}

void
transfer_cancel(
    struct transfer *t, enum kube_failure failure, const char *why, struct kube_result *ret)
{
	fill_result(t, ret);
	ret->failure = failure;
	(void)fault_set(
	    &ret->fault, kube_failure_errno(failure), "GET '%s': %s", t->label, why);
}
