/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Requests to one kube-apiserver: many at once over few connections, each with its own limits.
 *
 * kube_get() queues; kube_client_run() works until nothing is queued or running, calling the
 * handlers from inside. A handler may queue more. Everything happens in the calling thread.
 *
 * Back-pressure: while on_data runs nothing else is read, so a slow writer slows the server
 * down; memory does not grow with the size of an answer.
 *
 * Retried, with pauses and within the request's time: 429 and 5xx that name a Retry-After, 429,
 * 502, 503 and 504 without one, connections that end before the first byte of an answer.
 * Nothing is retried once on_start was called. Redirects are never followed; proxies, netrc
 * and environment are ignored. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/kube/failure.h"
#include "lib/cleanup.h"
#include "lib/fault.h"

struct kube_client;
struct kubeconfig;

/* What a client uses where the options say 0. */
#define KUBE_CONNECT_USEC    (3 * UINT64_C(1000000))
#define KUBE_REQUEST_USEC    (30 * UINT64_C(1000000))
/* Slower than this for so long is as good as dead; a big list may need seconds to begin. */
#define KUBE_LOW_SPEED_BYTES 1024u
#define KUBE_LOW_SPEED_USEC  (15 * UINT64_C(1000000))
/* A page of 500 objects has 4 MB, an object is 1.5 MB at most in etcd. */
#define KUBE_BODY_MAX_BYTES  (256u * 1024u * 1024u)
/* Enough to hide latency, too few to hurt a small node that is in trouble already. */
#define KUBE_PARALLEL_API    6u
#define KUBE_PARALLEL_LOGS   8u
#define KUBE_RETRIES_MAX     3u
/* The whole of the probe. */
#define KUBE_PROBE_USEC	     (2 * UINT64_C(1000000))
/* What is kept of the body of an answer that is an error. */
#define KUBE_ERROR_MAX_BYTES 16384u

/* Streams of logs wait for kubelets; they must not hold up the lists. Each lane has its own
 * number of requests at a time. */
enum kube_lane {
	KUBE_LANE_API,
	KUBE_LANE_LOGS,
	_KUBE_LANE_COUNT,
};

/* 0 anywhere = the default above. */
struct kube_options {
	uint64_t connect_usec;
	uint64_t request_usec; /* of a request that names none */
	uint64_t low_speed_usec;
	unsigned parallel[_KUBE_LANE_COUNT];
	unsigned retries;	/* at most; UINT_MAX = none */
	bool http1;		/* do not offer HTTP/2 */
	const int *stop_fd;	/* borrowed; readable: everything ends with STOPPED */
	const char *user_agent; /* NULL = microshift-support/VERSION */
};

struct kube_request {
	const char *path;      /* "/api/v1/pods", escaped (kube_escape()) */
	const char *query;     /* "limit=500", escaped, or NULL */
	const char *accept;    /* NULL = application/json */
	uint64_t timeout_usec; /* from its start to its end, with retries; 0 = the client's */
	uint64_t max_bytes;    /* of the body; 0 = KUBE_BODY_MAX_BYTES */
	enum kube_lane lane;
	bool no_retry;
};

/* How a request ended. Valid during on_done only. */
struct kube_result {
	enum kube_failure failure;
	int status;		  /* HTTP, of the last attempt; 0 = none arrived */
	int http_version;	  /* 1 or 2; 0 = none */
	unsigned retries;	  /* attempts after the first */
	uint64_t duration_usec;	  /* from its start (not from when it was queued) to its end */
	uint64_t bytes;		  /* of the body, given to on_data */
	const char *content_type; /* "" = none */
	/* Of a Kubernetes Status that came instead of an answer; "" = none. */
	const char *reason;	    /* "Forbidden", "Expired" */
	const char *message;	    /* the sentence */
	const char *continue_token; /* of a 410: goes on with an inconsistent list */
	/* When failure is not NONE: "GET '/api/v1/nodes': 403 Forbidden: nodes is …". */
	struct fault fault;
};

/* All may be NULL except on_done. */
struct kube_handlers {
	/* A 2xx answer begins. */
	int (*on_start)(int status, const char *content_type, void *userdata);
	/* A part of the body of a 2xx answer. Negative from here or on_start ends the request
	 * with KUBE_FAILURE_STOPPED and that code in the fault. */
	int (*on_data)(const void *data, size_t size, void *userdata);
	/* The request is over; called exactly once for every kube_get() that returned 0. */
	void (*on_done)(const struct kube_result *result, void *userdata);
};

/* CONFIG and OPTIONS (which may be NULL) are only read here, except stop_fd. Nothing is sent,
 * and the key is not tried: one that does not load is KUBE_FAILURE_LOCAL of each request.
 * Returns 0 or negative errno. The caller owns *ret. */
int kube_client_new(const struct kubeconfig *config, const struct kube_options *options,
    struct kube_client **ret, struct fault *reterr);

/* Queues GET of REQUEST, which is copied. Returns 0; -EINVAL for a path that is none;
 * -ECANCELED once kube_client_run() is being cut short; -ENOMEM. */
int kube_get(struct kube_client *c, const struct kube_request *request,
    const struct kube_handlers *handlers, void *userdata);

/* Works until all requests are over. At DEADLINE_USEC (monotonic, USEC_INFINITY = none) what is
 * left ends with TIMEOUT, when asked to stop with STOPPED. Returns 0; 1 when it was cut short;
 * negative errno when the loop itself fails (then all requests ended with LOCAL). */
int kube_client_run(struct kube_client *c, uint64_t deadline_usec);

/* What the client did so far. */
struct kube_metrics {
	uint64_t requests; /* ended */
	uint64_t failed;
	uint64_t retries;
	uint64_t bytes; /* of bodies */
	uint64_t connections;
};
const struct kube_metrics *kube_client_metrics(const struct kube_client *c);

/* Requests that are queued or running end with STOPPED. */
void kube_client_free(struct kube_client *c);

DEFINE_CLEANUP(struct kube_client *, kube_client_free);

/* Escapes S for a path segment or a query value. The caller frees it; NULL = out of memory. */
char *kube_escape(const char *s);

/* Is there an API that answers us? Asks /readyz, then /version, within TIMEOUT_USEC (0 =
 * KUBE_PROBE_USEC) in all, without retries. An API that says that it is not ready is usable;
 * one that does not know us is not. */
struct kube_probe {
	bool is_usable;
	bool is_ready;		   /* /readyz said ok */
	enum kube_failure failure; /* the first thing that was wrong */
	int status;		   /* HTTP, of the request that failed */
	uint64_t duration_usec;
	char version[64]; /* gitVersion; "" = unknown */
	struct fault fault;
};
void kube_probe(struct kube_client *c, uint64_t timeout_usec, struct kube_probe *ret);

/* The same with PATH alone, of any server that answers "I am well" with 200. */
void kube_ping(
    struct kube_client *c, const char *path, uint64_t timeout_usec, struct kube_probe *ret);
