/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/collector.h"
#include "capture/kube/client.h"
#include "capture/kube/layout.h"
#include "capture/kube/logshare.h"
#include "capture/kube/logstream.h"
#include "capture/kube/nodelogs.h"
#include "capture/kube/podlogs.h"
#include "capture/kube/podstate.h"
#include "capture/kube/requestlog.h"
#include "capture/kube/run.h"
#include "lib/clock.h"
#include "lib/settings.h"
#include "lib/text.h"

/* Streams that the client is given at a time; see KUBE_PARALLEL_LOGS. */
#define ACTIVE_MAX  10u
/* One stream. A kubelet that hangs costs this, once, beside the others. */
#define STREAM_USEC (15 * USEC_PER_SEC)
/* Of the budget no log gets more than this part, however few logs there are: the archive has
 * other things to hold. */
#define SHARE_PARTS 4u

struct stream {
	struct podlogs *logs; /* borrowed */
	struct stream *next;
	char *namespace;	      /* owned */
	char *pod;		      /* owned */
	char *container;	      /* owned */
	struct bundle_member *member; /* owned */
	uint64_t share;
	uint64_t bytes;
	bool previous;
	bool is_insecure;
};

struct podlogs {
	struct kube_run *run; /* borrowed */
	struct logshare share;
	struct stream *first; /* owned: waiting */
	struct stream *last;
	unsigned n_waiting;
	unsigned n_active;
	bool is_starting;
	bool is_wanted; /* false: there is no budget, no log is asked for */
};

static void
stream_free(struct stream *s)
{
	if (!s)
		return;
	bundle_member_abort(s->member);
	free(s->namespace);
	free(s->pod);
	free(s->container);
	free(s);
}
DEFINE_CLEANUP(struct stream *, stream_free);

int
podlogs_new(struct kube_run *run, struct podlogs **ret)
{
	struct podlogs *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->run = run;
	logshare_init(&p->share, run->ctx->settings->max_log_bytes, 0);
	p->is_wanted = run->ctx->settings->max_log_bytes > 0;
	if (!p->is_wanted)
		requestlog_note(run->namespace_log, "no logs are taken: MaxLogBytes=0");
	*ret = p;
	return 0;
}

void
podlogs_free(struct podlogs *p)
{
	if (!p)
		return;
	while (p->first) {
		struct stream *s = p->first;

		p->first = s->next;
		stream_free(s);
	}
	free(p);
}

unsigned
podlogs_left(const struct podlogs *p)
{
	return p->n_waiting;
}

static void
push(struct podlogs *p, struct stream *s)
{
	if (p->last)
		p->last->next = s;
	else
		p->first = s;
	p->last = s;
	p->n_waiting++;
	logshare_add(&p->share);
}

static struct stream *
pop(struct podlogs *p)
{
	struct stream *s = p->first;

	p->first = s->next;
	if (!p->first)
		p->last = NULL;
	s->next = NULL;
	p->n_waiting--;
	return s;
}

static int
stream_new(struct podlogs *p, const char *namespace, const char *pod, const char *container,
    struct stream **ret)
{
	_cleanup_(stream_freep) struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->logs = p;
	s->namespace = strdup(namespace);
	s->pod = strdup(pod);
	s->container = strdup(container);
	if (!s->namespace || !s->pod || !s->container)
		return -ENOMEM;
	*ret = TAKE_PTR(s);
	return 0;
}

static int
stream_path(const struct stream *s, char **ret)
{
	return kube_layout_log(s->namespace, s->pod, s->container,
	    (s->previous ? KUBE_LOG_PREVIOUS : KUBE_LOG_CURRENT) +
		(s->is_insecure ? KUBE_LOG_CURRENT_INSECURE : 0),
	    ret);
}

/* The file that shows that there is a container, and that it has no such log. */
static int
add_empty(const struct stream *s)
{
	_cleanup_free_ char *path = NULL;
	int r;

	r = stream_path(s, &path);
	if (r < 0 || kube_run_has(s->logs->run, path))
		return r < 0 ? r : 0;
	return kube_run_add(s->logs->run, path, "", 0);
}

int
podlogs_add(struct podlogs *p, const char *namespace, const char *pod,
    const struct podstate_container *container)
{
	for (int previous = 0; previous < 2; previous++) {
		_cleanup_(stream_freep) struct stream *s = NULL;
		int r;

		r = stream_new(p, namespace, pod, container->name, &s);
		if (r < 0)
			return r;
		s->previous = previous;
		if (p->is_wanted &&
		    (previous ? container->has_previous : container->has_started)) {
			push(p, TAKE_PTR(s));
			continue;
		}
		r = add_empty(s);
		/* A name that is none, or no room: the others go on. */
		if (r == -ENOMEM)
			return r;
	}
	return 0;
}

static int
on_start(int status, const char *content_type, void *userdata)
{
	struct stream *s = userdata;
	struct bundle_member_options options = {
		.keep = BUNDLE_KEEP_TAIL,
		.max_bytes = s->share,
	};
	_cleanup_free_ char *path = NULL;
	int r;

	(void)status;
	(void)content_type;
	r = stream_path(s, &path);
	return r < 0 ? r : kube_run_begin(s->logs->run, path, &options, &s->member);
}

static int
on_data(const void *data, size_t size, void *userdata)
{
	struct stream *s = userdata;

	s->bytes += size;
	return bundle_member_write(s->member, data, size);
}

static void
log_line(const struct stream *s, const struct kube_result *result, bool is_normal)
{
	_cleanup_free_ char *what =
	    text_format("%slog%s of %s/%s", s->previous ? "previous " : "",
		s->is_insecure ? " (kubelet not verified)" : "", s->pod, s->container);
	struct requestlog_line line = {
		.what = what ? what : "log",
		.where = s->namespace,
		.failure = result->failure,
		.is_normal = is_normal,
		.is_incomplete = s->bytes > 0,
		.status = result->status,
		.retries = result->retries,
		.duration_usec = result->duration_usec,
		.bytes = s->bytes,
		.detail = result->failure == KUBE_FAILURE_NONE ? NULL
		    : !is_empty(result->message)	       ? result->message
							       : fault_text(&result->fault),
	};

	requestlog_add(s->logs->run->namespace_log, &line);
}

/* True when the API server does not trust the certificate of the kubelet. */
static bool
is_backend_distrust(const struct kube_result *result)
{
	return result->failure == KUBE_FAILURE_HTTP_5XX &&
	    (strstr(result->message, "x509:") || strstr(result->message, "tls:"));
}

/* From the files of this node, if it is the node of the pod. */
static bool
take_from_node(struct stream *s, const struct kube_result *result)
{
	struct kube_run *run = s->logs->run;
	_cleanup_free_ char *path = NULL;
	uint64_t bytes = 0;
	int r;

	if (stream_path(s, &path) < 0 || kube_run_has(run, path))
		return false;
	r = nodelogs_add(
	    run, path, s->namespace, s->pod, s->container, s->previous, s->share, &bytes);
	if (r < 0)
		return false;
	s->bytes = bytes;
	requestlog_note(run->namespace_log,
	    "%slog of %s/%s in %s: ok, from %s of this node instead of the API, %llu bytes",
	    s->previous ? "previous " : "", s->pod, s->container, s->namespace, NODELOGS_DIR,
	    (unsigned long long)bytes);
	kube_run_problem(run, result->fault.code,
	    "the %slog of %s/%s in %s is from %s, as the API did not give it: %s",
	    s->previous ? "previous " : "", s->pod, s->container, s->namespace, NODELOGS_DIR,
	    fault_text(&result->fault));
	return true;
}

/* Asks once more, without the check, for a file of another name. */
static void
ask_insecurely(const struct stream *s)
{
	struct stream *again;

	if (stream_new(s->logs, s->namespace, s->pod, s->container, &again) < 0)
		return;
	again->previous = s->previous;
	again->is_insecure = true;
	push(s->logs, again);
}

static void
on_failure(struct stream *s, const struct kube_result *result)
{
	struct kube_run *run = s->logs->run;

	/* What came is kept. */
	if (s->bytes > 0) {
		kube_run_problem(run, result->fault.code,
		    "the %slog of %s/%s in %s is incomplete: %s",
		    s->previous ? "previous " : "", s->pod, s->container, s->namespace,
		    fault_text(&result->fault));
		return;
	}
	if (!s->is_insecure && is_backend_distrust(result))
		ask_insecurely(s);
	if (s->is_insecure || take_from_node(s, result))
		return;
	(void)add_empty(s);
	kube_run_problem(run, result->fault.code, "the %slog of %s/%s in %s is missing: %s",
	    s->previous ? "previous " : "", s->pod, s->container, s->namespace,
	    fault_text(&result->fault));
}

static void
on_done(const struct kube_result *result, void *userdata)
{
	_cleanup_(stream_freep) struct stream *s = userdata;
	struct podlogs *p = s->logs;
	enum kube_log_state state = kube_log_state(result);

	log_line(s, result, state != KUBE_LOG_OK && state != KUBE_LOG_FAILED);
	if (s->member && (state == KUBE_LOG_OK || s->bytes > 0))
		(void)kube_run_end(p->run, TAKE_PTR(s->member));
	if (state == KUBE_LOG_FAILED)
		on_failure(s, result);
	else if (state != KUBE_LOG_OK)
		(void)add_empty(s);
	logshare_return(&p->share, s->share, s->bytes);
	p->n_active--;
	podlogs_start(p);
}

static int
start(struct stream *s)
{
	static const struct kube_handlers handlers = {
		.on_start = on_start,
		.on_data = on_data,
		.on_done = on_done,
	};
	const struct kube_log_request request = {
		.namespace = s->namespace,
		.pod = s->pod,
		.container = s->container,
		.previous = s->previous,
		.skip_backend_verify = s->is_insecure,
		.tail_lines = s->logs->run->ctx->settings->tail_lines,
		.timeout_usec = STREAM_USEC,
	};
	uint64_t most = s->logs->run->ctx->settings->max_log_bytes / SHARE_PARTS;
	uint64_t share = logshare_take(&s->logs->share);

	s->share = share < most ? share : most;
	logshare_return(&s->logs->share, share, s->share);
	if (s->share == 0)
		return -EDQUOT;
	return kube_get_log(s->logs->run->client, &request, &handlers, s);
}

void
podlogs_start(struct podlogs *p)
{
	/* A stream that cannot be queued ends at once and comes back here. */
	if (p->is_starting)
		return;
	p->is_starting = true;
	while (p->first && p->n_active < ACTIVE_MAX) {
		struct stream *s = pop(p);
		int r;

		p->n_active++;
		r = start(s);
		if (r < 0) {
			struct kube_result result = {
				.failure = KUBE_FAILURE_LOCAL,
				.content_type = "",
				.reason = "",
				.message = "",
				.continue_token = "",
			};

			(void)fault_set(&result.fault, r,
			    r == -EDQUOT ? "the budget of logs is used up" : "cannot ask: %m");
			on_done(&result, s);
		}
	}
	p->is_starting = false;
}
