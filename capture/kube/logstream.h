/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The log of one container, as the API gets it from the kubelet. */

#include <stdbool.h>
#include <stdint.h>

#include "capture/kube/client.h"

struct kube_log_request {
	const char *namespace;
	const char *pod;
	const char *container;
	bool previous;		  /* of the run before */
	bool skip_backend_verify; /* insecureSkipTLSVerifyBackend: a named fallback only */
	uint64_t tail_lines;	  /* 0 = all */
	uint64_t limit_bytes;	  /* asked of the kubelet, and held by us; 0 = none */
	uint64_t since_seconds;	  /* 0 = all */
	uint64_t timeout_usec;	  /* 0 = the client's */
};

/* Queues it in KUBE_LANE_LOGS; lines have timestamps. Returns as kube_get(). */
int kube_get_log(struct kube_client *c, const struct kube_log_request *request,
    const struct kube_handlers *handlers, void *userdata);

/* What an answer that is no log means. */
enum kube_log_state {
	KUBE_LOG_OK,	      /* a log came */
	KUBE_LOG_NO_PREVIOUS, /* the container never restarted: normal */
	KUBE_LOG_WAITING,     /* it has not started: a note */
	KUBE_LOG_GONE,	      /* the pod is gone: a note */
	KUBE_LOG_FAILED,      /* everything else */
};
enum kube_log_state kube_log_state(const struct kube_result *result);
