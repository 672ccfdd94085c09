/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "capture/kube/pages.h"
#include "lib/clock.h"
#include "lib/text.h"

/* A server that never ends: at 500 a page this is more than etcd can hold. */
#define PAGES_MAX	100000u
/* Tokens of 410 answers in a row that bring no page are a loop. */
#define REPAIRS_MAX	3u
/* etcd's tokens have some 200 bytes. */
#define TOKEN_MAX_BYTES 4096u

struct list {
	struct kube_client *client;	  /* borrowed: it calls us, so it is there */
	struct kube_list_request request; /* path and selector owned */
	struct kube_list_handlers handlers;
	void *userdata;
	char *token; /* owned; NULL = the first page */
	struct kube_list_result result;
	uint64_t start_usec; /* monotonic, of the first page; 0 = not yet */
	uint64_t page_bytes; /* of the page that runs */
	unsigned repairs;    /* since the last complete page */
	int handler_error;
};

static void
list_free(struct list *l)
{
	if (!l)
		return;
	free(l->token);
	free((char *)l->request.selector);
	free((char *)l->request.path);
	free(l);
}

DEFINE_CLEANUP(struct list *, list_free);

static int ask_page(struct list *l);

static int
on_start(int status, const char *content_type, void *userdata)
{
	struct list *l = userdata;

	(void)status;
	l->page_bytes = 0;
	if (strncasecmp(content_type, "application/json", strlen("application/json")) != 0)
		return l->handler_error = -EBADMSG;
	if (l->handlers.on_page)
		l->handler_error = l->handlers.on_page(l->result.pages, l->userdata);
	return l->handler_error;
}

static int
on_data(const void *data, size_t size, void *userdata)
{
	struct list *l = userdata;

	l->page_bytes += size;
	if (l->request.list_bytes > 0 &&
	    l->result.bytes + l->page_bytes > l->request.list_bytes)
		return l->handler_error = -EFBIG;
	l->handler_error = l->handlers.on_data(data, size, l->userdata);
	return l->handler_error;
}

/* Tells the caller that the list is over, and frees it. */
static void
finish(struct list *l)
{
	_cleanup_(list_freep) struct list *owned = l;

	l->handlers.on_done(&l->result, l->userdata);
}

static void
fail(struct list *l, enum kube_failure failure, int code, const char *what)
{
	l->result.failure = failure;
	(void)fault_set(&l->result.fault, code, "GET '%s': %s", l->request.path, what);
}

static int
set_token(struct list *l, const char *token)
{
	char *copy = NULL;

	if (token) {
		if (strlen(token) > TOKEN_MAX_BYTES)
			return -E2BIG;
		copy = strdup(token);
		if (!copy)
			return -ENOMEM;
	}
	free(l->token);
	l->token = copy;
	return 0;
}

/* A page is complete. Returns true when the next one is on its way. */
static bool
page_done(struct list *l)
{
	const char *token = NULL;
	int r;

	l->result.pages++;
	l->repairs = 0;
	r = l->handlers.on_page_end(&token, l->userdata);
	if (r < 0) {
		l->handler_error = r;
		return false;
	}
	if (is_empty(token))
		return false;
	/* The same token again would go on for ever. */
	if (l->result.pages >= PAGES_MAX || (l->token && streq(l->token, token))) {
		l->handler_error = -EBADMSG;
		return false;
	}
	l->handler_error = set_token(l, token);
	if (l->handler_error >= 0)
		l->handler_error = ask_page(l);
	return l->handler_error >= 0;
}

/* The token is too old. Returns true when there is a way on, and it is taken. */
static bool
repair(struct list *l, const struct kube_result *result)
{
	int r;

	if (!l->token || ++l->repairs > REPAIRS_MAX)
		return false;
	if (result->continue_token[0]) {
		if (set_token(l, result->continue_token) < 0 || ask_page(l) < 0)
			return false;
		l->result.is_inconsistent = true;
		return true;
	}
	if (!l->handlers.on_restart || l->result.is_restarted)
		return false;
	l->result.is_restarted = true;
	l->result.pages = 0;
	l->result.bytes = 0;
	r = l->handlers.on_restart(l->userdata);
	if (r >= 0)
		r = set_token(l, NULL);
	if (r >= 0)
		r = ask_page(l);
	return r >= 0;
}

/* Names a failure that a handler of the caller, or one of ours, made. */
static void
handler_failed(struct list *l)
{
	switch (l->handler_error) {
	case -EBADMSG:
		fail(l, KUBE_FAILURE_BAD_ANSWER, -EBADMSG, "the answer is no list");
		break;
	case -EFBIG:
		fail(l, KUBE_FAILURE_TOO_LARGE, -EFBIG, "the list is larger than its limit");
		break;
	case -ETIME:
		fail(l, KUBE_FAILURE_TIMEOUT, -ETIMEDOUT, "the time for the list is over");
		break;
	default:
		l->result.failure = KUBE_FAILURE_STOPPED;
		(void)fault_set(
		    &l->result.fault, l->handler_error, "GET '%s': %m", l->request.path);
		break;
	}
}

static void
on_done(const struct kube_result *result, void *userdata)
{
	struct list *l = userdata;

	l->result.status = result->status;
	l->result.retries += result->retries;
	l->result.duration_usec += result->duration_usec;
	if (result->failure == KUBE_FAILURE_NONE) {
		l->result.bytes += l->page_bytes;
		if (page_done(l))
			return;
	} else if (result->failure == KUBE_FAILURE_HTTP_410 && repair(l, result)) {
		return;
	} else {
		l->result.bytes += result->bytes;
		l->result.failure = result->failure;
		l->result.fault = result->fault;
	}
	if (l->handler_error < 0)
		handler_failed(l);
	finish(l);
}

/* Queues the next page. Returns 0 or negative errno; -ETIME when the list's time is over. */
static int
ask_page(struct list *l)
{
	static const struct kube_handlers handlers = {
		.on_start = on_start,
		.on_data = on_data,
		.on_done = on_done,
	};
	const struct kube_list_request *q = &l->request;
	_cleanup_free_ char *query = NULL, *token = NULL;
	struct kube_request request = {
		.path = q->path,
		.accept = q->accept,
		.timeout_usec = q->page_usec,
		.max_bytes = q->page_bytes,
	};
	uint64_t now = clock_monotonic_usec(), spent;
	int r;

	if (l->start_usec == 0)
		l->start_usec = now;
	if (q->list_usec > 0) {
		spent = now - l->start_usec;
		if (spent >= q->list_usec)
			return -ETIME;
		if (request.timeout_usec == 0 || request.timeout_usec > q->list_usec - spent)
			request.timeout_usec = q->list_usec - spent;
	}
	if (l->token && !(token = kube_escape(l->token)))
		return -ENOMEM;
	query = text_format("%s%slimit=%u%s%s", q->selector ?: "", q->selector ? "&" : "",
	    q->page_objects ?: KUBE_PAGE_OBJECTS, token ? "&continue=" : "", token ?: "");
	if (!query)
		return -ENOMEM;
	request.query = query;
	r = kube_get(l->client, &request, &handlers, l);
	if (r >= 0)
		l->result.requests++;
	return r;
}

int
kube_list(struct kube_client *c, const struct kube_list_request *request,
    const struct kube_list_handlers *handlers, void *userdata)
{
	_cleanup_(list_freep) struct list *l = calloc(1, sizeof(*l));
	int r;

	assert(handlers->on_data && handlers->on_page_end && handlers->on_done);
	if (!l)
		return -ENOMEM;
	l->client = c;
	l->request = *request;
	l->request.path = strdup(request->path);
	l->request.selector = request->selector ? strdup(request->selector) : NULL;
	l->handlers = *handlers;
	l->userdata = userdata;
	if (!l->request.path || (request->selector && !l->request.selector))
		return -ENOMEM;
	r = ask_page(l);
	if (r < 0)
		return r;
	/* From here on_done() frees it. */
	(void)TAKE_PTR(l);
	return 0;
}
