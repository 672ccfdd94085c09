/* SPDX-License-Identifier: Apache-2.0 */

/* The loop of requests: curl's multi interface on an event base of its own.
 *
 * A transfer is in one of three places: in the queue of its lane, on the wire (curl has it), or
 * waiting for its next attempt. curl tells by callbacks which sockets and which timer it wants
 * watched, and is called back with what happened. Handlers run inside curl, so what they queue
 * is only started by the `pump` event. */

#include <sys/queue.h>

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include <curl/curl.h>
#include <event2/event.h>

#include "capture/kube/client.h"
#include "capture/kube/transfer.h"
#include "lib/clock.h"
#include "lib/io.h"
#include "lib/json.h"
#include "lib/text.h"

struct kube_client {
	struct transfer_setup setup;
	struct event_base *base; /* owned */
	struct event *timer;	 /* owned; curl's */
	struct event *pump;	 /* owned; starts what is queued */
	CURLM *multi;		 /* owned */
	struct transfer_list queued[_KUBE_LANE_COUNT];
	struct transfer_list running;
	struct transfer_list paused;
	unsigned n_running[_KUBE_LANE_COUNT]; /* pauses count: they have their turn */
	size_t n_transfers;		      /* everywhere */
	struct kube_metrics metrics;
	bool is_running; /* inside kube_client_run() */
	bool is_ending;	 /* nothing new is taken */
	bool is_stopped; /* by the descriptor */
	bool is_late;	 /* the deadline has passed */
};

static struct timeval
to_timeval(uint64_t usec)
{
	return (struct timeval){
		.tv_sec = (time_t)(usec / USEC_PER_SEC),
		.tv_usec = (suseconds_t)(usec % USEC_PER_SEC),
	};
}

/* Takes T, which is in LIST, out of it and of the world, and tells its handler. */
static void
finish(struct kube_client *c, struct transfer_list *list, struct transfer *t,
    const struct kube_result *result)
{
	_cleanup_(transfer_freep) struct transfer *owned = t;
	long connections = 0;

	TAILQ_REMOVE(list, t, entry);
	c->n_transfers--;
	c->metrics.requests++;
	c->metrics.failed += result->failure != KUBE_FAILURE_NONE;
	c->metrics.bytes += result->bytes;
	if (t->easy &&
	    curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connections) == CURLE_OK)
		c->metrics.connections += (uint64_t)connections;
	if (t->pause)
		event_free(t->pause);
	t->handlers.on_done(result, t->userdata);
	if (c->is_running)
		event_active(c->pump, 0, 0);
}

static void
cancel_list(struct kube_client *c, struct transfer_list *list, enum kube_failure failure,
    const char *why)
{
	struct kube_result result;
	struct transfer *t;

	while ((t = TAILQ_FIRST(list))) {
		if (list == &c->running)
			(void)curl_multi_remove_handle(c->multi, t->easy);
		if (list == &c->running || list == &c->paused)
			c->n_running[t->lane]--;
		transfer_cancel(t, failure, why, &result);
		finish(c, list, t, &result);
	}
}

/* Ends everything. Handlers cannot queue more. */
static void
cancel_all(struct kube_client *c, enum kube_failure failure, const char *why)
{
	c->is_ending = true;
	cancel_list(c, &c->running, failure, why);
	cancel_list(c, &c->paused, failure, why);
	for (size_t i = 0; i < _KUBE_LANE_COUNT; i++)
		cancel_list(c, &c->queued[i], failure, why);
	c->is_ending = false;
}

/* Puts T, which is in no list, on the wire. */
static void
start(struct kube_client *c, struct transfer *t)
{
	struct kube_result result;
	int r;

	r = transfer_prepare(t);
	if (r >= 0 && curl_multi_add_handle(c->multi, t->easy) != CURLM_OK)
		r = -ENOMEM;
	TAILQ_INSERT_TAIL(&c->running, t, entry);
	if (r >= 0)
		return;
	c->n_running[t->lane]--;
	transfer_cancel(t, KUBE_FAILURE_LOCAL, "out of memory", &result);
	finish(c, &c->running, t, &result);
}

static void
on_pump(evutil_socket_t fd, short what, void *userdata)
{
	struct kube_client *c = userdata;
	struct transfer *t;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < _KUBE_LANE_COUNT; i++) {
		while (c->n_running[i] < c->setup.options.parallel[i] &&
		    (t = TAILQ_FIRST(&c->queued[i]))) {
			TAILQ_REMOVE(&c->queued[i], t, entry);
			c->n_running[i]++;
			start(c, t);
		}
	}
}

static void
on_pause_over(evutil_socket_t fd, short what, void *userdata)
{
	struct transfer *t = userdata;
	struct kube_client *c = t->client;

	(void)fd;
	(void)what;
	TAILQ_REMOVE(&c->paused, t, entry);
	start(c, t);
}

/* Keeps T's place while it waits for its next attempt. */
static void
pause_transfer(struct kube_client *c, struct transfer *t, uint64_t usec)
{
	struct timeval tv = to_timeval(usec);
	struct kube_result result;

	c->metrics.retries++;
	TAILQ_REMOVE(&c->running, t, entry);
	TAILQ_INSERT_TAIL(&c->paused, t, entry);
	if (!t->pause)
		t->pause = evtimer_new(c->base, on_pause_over, t);
	if (t->pause && evtimer_add(t->pause, &tv) == 0)
		return;
	c->n_running[t->lane]--;
	transfer_cancel(t, KUBE_FAILURE_LOCAL, "out of memory", &result);
	finish(c, &c->paused, t, &result);
}

/* Takes what curl has finished. */
static void
reap(struct kube_client *c)
{
	struct kube_result result;
	struct transfer *t;
	CURLMsg *message;
	uint64_t pause;
	CURLcode code;
	int left;

	while ((message = curl_multi_info_read(c->multi, &left))) {
		if (message->msg != CURLMSG_DONE ||
		    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t) != CURLE_OK)
			continue;
		/* The message is gone with the handle. */
		code = message->data.result;
		(void)curl_multi_remove_handle(c->multi, t->easy);
		if (transfer_conclude(t, code, &pause, &result)) {
			pause_transfer(c, t, pause);
			continue;
		}
		c->n_running[t->lane]--;
		finish(c, &c->running, t, &result);
	}
}

static void
on_socket_ready(evutil_socket_t fd, short what, void *userdata)
{
	struct kube_client *c = userdata;
	int running, mask = 0;

	if (what & EV_READ)
		mask |= CURL_CSELECT_IN;
	if (what & EV_WRITE)
		mask |= CURL_CSELECT_OUT;
	(void)curl_multi_socket_action(c->multi, fd, mask, &running);
	reap(c);
}

static void
on_timer(evutil_socket_t fd, short what, void *userdata)
{
	struct kube_client *c = userdata;
	int running;

	(void)fd;
	(void)what;
	(void)curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	reap(c);
}

/* curl wants SOCKET watched, otherwise than so far, or no longer. */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket_data)
{
	struct kube_client *c = userdata;
	struct event *e = socket_data;
	short events = EV_PERSIST;

	(void)easy;
	if (e)
		event_free(e);
	if (what == CURL_POLL_REMOVE) {
		(void)curl_multi_assign(c->multi, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		events |= EV_READ;
	if (what & CURL_POLL_OUT)
		events |= EV_WRITE;
	e = event_new(c->base, fd, events, on_socket_ready, c);
	if (!e || event_add(e, NULL) < 0) {
		if (e)
			event_free(e);
		(void)curl_multi_assign(c->multi, fd, NULL);
		return -1;
	}
	(void)curl_multi_assign(c->multi, fd, e);
	return 0;
}

static int
on_timer_wanted(CURLM *multi, long timeout_msec, void *userdata)
{
	struct kube_client *c = userdata;
	struct timeval tv;

	(void)multi;
	if (timeout_msec < 0)
		return evtimer_del(c->timer);
	/* Also 0 goes through the loop: curl must not be called from here. */
	tv = to_timeval((uint64_t)timeout_msec * USEC_PER_MSEC);
	return evtimer_add(c->timer, &tv);
}

static void
on_late(evutil_socket_t fd, short what, void *userdata)
{
	struct kube_client *c = userdata;

	(void)fd;
	(void)what;
	c->is_late = true;
}

static void
on_stop(evutil_socket_t fd, short what, void *userdata)
{
	struct kube_client *c = userdata;

	(void)fd;
	(void)what;
	c->is_stopped = true;
}

static int
client_init(struct kube_client *c)
{
	const unsigned *parallel = c->setup.options.parallel;
	CURLMcode bad = CURLM_OK;

	c->base = event_base_new();
	if (!c->base)
		return -ENOMEM;
	c->timer = evtimer_new(c->base, on_timer, c);
	c->pump = event_new(c->base, -1, 0, on_pump, c);
	c->multi = curl_multi_init();
	if (!c->timer || !c->pump || !c->multi)
		return -ENOMEM;
	bad |= curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	bad |= curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	bad |= curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
	bad |= curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	bad |= curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
	    (long)(parallel[KUBE_LANE_API] + parallel[KUBE_LANE_LOGS]));
	return bad == CURLM_OK ? 0 : -EINVAL;
}

int
kube_client_new(const struct kubeconfig *config, const struct kube_options *options,
    struct kube_client **ret, struct fault *reterr)
{
	_cleanup_(kube_client_freep) struct kube_client *c = NULL;
	int r;

	/* Counted: kube_client_free() gives it back. */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return fault_set(reterr, -EIO, "Cannot initialise libcurl");
	c = calloc(1, sizeof(*c));
	if (!c) {
		curl_global_cleanup();
		return fault_set(reterr, -ENOMEM, "Cannot prepare requests: out of memory");
	}
	for (size_t i = 0; i < _KUBE_LANE_COUNT; i++)
		TAILQ_INIT(&c->queued[i]);
	TAILQ_INIT(&c->running);
	TAILQ_INIT(&c->paused);
	r = transfer_setup_init(&c->setup, config, options, reterr);
	if (r < 0)
		return r;
	r = client_init(c);
	if (r < 0)
		return fault_set(reterr, r, "Cannot prepare requests: %m");
	*ret = TAKE_PTR(c);
	return 0;
}

void
kube_client_free(struct kube_client *c)
{
	struct sigaction old;

	if (!c)
		return;
	assert(!c->is_running);
	/* TLS can cause it, it is not curl's to handle. */
	io_ignore_sigpipe(&old);
	cancel_all(c, KUBE_FAILURE_STOPPED, "not wanted any more");
	/* Closes the connections, which tells on_socket(). */
	if (c->multi)
		(void)curl_multi_cleanup(c->multi);
	(void)sigaction(SIGPIPE, &old, NULL);
	if (c->pump)
		event_free(c->pump);
	if (c->timer)
		event_free(c->timer);
	if (c->base)
		event_base_free(c->base);
	transfer_setup_done(&c->setup);
	free(c);
	curl_global_cleanup();
}

int
kube_get(struct kube_client *c, const struct kube_request *request,
    const struct kube_handlers *handlers, void *userdata)
{
	struct transfer *t;
	int r;

	assert(handlers->on_done);
	if (c->is_ending)
		return -ECANCELED;
	r = transfer_new(&c->setup, request, handlers, userdata, &t);
	if (r < 0)
		return r;
	t->client = c;
	TAILQ_INSERT_TAIL(&c->queued[t->lane], t, entry);
	c->n_transfers++;
	if (c->is_running)
		event_active(c->pump, 0, 0);
	return 0;
}

/* Runs the loop until all is done or something ends it. Returns 0 or negative errno. */
static int
run_loop(struct kube_client *c)
{
	event_active(c->pump, 0, 0);
	while (c->n_transfers > 0 && !c->is_late && !c->is_stopped)
		if (event_base_loop(c->base, EVLOOP_ONCE) != 0)
			return -EIO;
	return 0;
}

int
kube_client_run(struct kube_client *c, uint64_t deadline_usec)
{
	const int *stop_fd = c->setup.options.stop_fd;
	uint64_t now = clock_monotonic_usec();
	struct event *late = NULL, *stop = NULL;
	struct sigaction old;
	struct timeval tv;
	int r = 0;

	assert(!c->is_running);
	c->is_late = deadline_usec <= now;
	c->is_stopped = false;
	if (deadline_usec != USEC_INFINITY && !c->is_late) {
		tv = to_timeval(deadline_usec - now);
		late = evtimer_new(c->base, on_late, c);
		if (!late || evtimer_add(late, &tv) < 0)
			r = -ENOMEM;
	}
	if (stop_fd && *stop_fd >= 0) {
		stop = event_new(c->base, *stop_fd, EV_READ, on_stop, c);
		if (!stop || event_add(stop, NULL) < 0)
			r = -ENOMEM;
	}
	io_ignore_sigpipe(&old);
	c->is_running = true;
	if (r >= 0)
		r = run_loop(c);
	c->is_running = false;
	if (r >= 0 && c->n_transfers > 0)
		r = 1;
	if (c->is_stopped)
		cancel_all(c, KUBE_FAILURE_STOPPED, "the capture is asked to stop");
	else if (c->is_late)
		cancel_all(c, KUBE_FAILURE_TIMEOUT, "the time for all requests is over");
	else
		cancel_all(c, KUBE_FAILURE_LOCAL, "the event loop failed");
	(void)sigaction(SIGPIPE, &old, NULL);
	if (stop)
		event_free(stop);
	if (late)
		event_free(late);
	return r;
}

const struct kube_metrics *
kube_client_metrics(const struct kube_client *c)
{
	return &c->metrics;
}

char *
kube_escape(const char *s)
{
	static const char hex[] = "0123456789ABCDEF";
	char *escaped, *p;

	escaped = malloc(strlen(s) * 3 + 1);
	if (!escaped)
		return NULL;
	for (p = escaped; *s; s++) {
		unsigned char ch = (unsigned char)*s;

		if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
		    (ch >= '0' && ch <= '9') || strchr("-._~", ch)) {
			*p++ = (char)ch;
			continue;
		}
		*p++ = '%';
		*p++ = hex[ch >> 4];
		*p++ = hex[ch & 0xf];
	}
	*p = '\0';
	return escaped;
}
