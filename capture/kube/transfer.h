/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One request of a client: its curl handle for the attempt that runs, and what came so far. For
 * client.c only, which moves transfers between queue, wire and pause. */

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include <curl/curl.h>

#include "capture/kube/client.h"
#include "capture/kube/kubeconfig.h"

struct event;

/* What all requests of a client share. */
struct transfer_setup {
	char *base; /* "https://name:6443/prefix": the name is the one verified */
	char *host; /* "localhost:6443", for messages */
	char *user_agent;
	struct curl_slist *connect_to; /* "name:6443:localhost:6443"; NULL = as in base */
	char ca_path[32]; /* /proc/self/fd/N of ca_fd; "" = the system's authorities */
	int ca_fd;	  /* memory: CURLOPT_CAINFO_BLOB needs 7.77, RHEL 9 has 7.76 */
	bool is_tls;
	struct kube_blob cert, key, token;
	struct kube_options options; /* with the defaults filled in */
};

/* Returns 0 or negative errno; SETUP is filled and wants transfer_setup_done() either way. */
int transfer_setup_init(struct transfer_setup *setup, const struct kubeconfig *config,
    const struct kube_options *options, struct fault *reterr);
void transfer_setup_done(struct transfer_setup *setup);

struct transfer {
	TAILQ_ENTRY(transfer) entry;
	struct kube_client *client;	    /* borrowed: it frees us */
	const struct transfer_setup *setup; /* borrowed: part of client */
	CURL *easy;			    /* owned; NULL between attempts */
	struct curl_slist *headers;	    /* owned; holds the token */
	struct event *pause;		    /* owned by client.c: the timer of a retry */
	char *url;			    /* owned */
	char *label;			    /* owned; "/api/v1/pods?limit=500", for messages */
	char *accept;			    /* owned */
	struct kube_handlers handlers;
	void *userdata;
	enum kube_lane lane;
	uint64_t max_bytes;
	uint64_t timeout_usec;
	uint64_t start_usec; /* monotonic; 0 = never started */
	unsigned retries, retries_max;
	bool is_broken; /* the last attempt's connection broke: take a new one */

	/* Of the attempt. */
	bool is_started; /* on_start was called */
	bool is_encoded; /* the body is compressed, which was not asked for */
	bool is_over;	 /* a 2xx body was larger than max_bytes */
	int handler_error;
	uint64_t bytes, header_bytes;
	char *error_body; /* owned; of an answer that is no 2xx, cut */
	size_t error_size;
	char content_type[128];
	/* Of the Status in it. */
	char reason[64];
	char message[320];
	char token[4096];
	char error_text[CURL_ERROR_SIZE];
};

TAILQ_HEAD(transfer_list, transfer);

int transfer_new(const struct transfer_setup *setup, const struct kube_request *request,
    const struct kube_handlers *handlers, void *userdata, struct transfer **ret);
void transfer_free(struct transfer *t);

DEFINE_CLEANUP(struct transfer *, transfer_free);

/* Makes the curl handle of the next attempt, whose CURLINFO_PRIVATE is T. */
int transfer_prepare(struct transfer *t);

/* What the attempt that ended with CODE gave. Returns true with the pause before the next
 * attempt when there should be one; else *ret is filled (it points into T). */
bool transfer_conclude(
    struct transfer *t, CURLcode code, uint64_t *ret_pause_usec, struct kube_result *ret);

/* The result of a request that we end ourselves. */
void transfer_cancel(
    struct transfer *t, enum kube_failure failure, const char *why, struct kube_result *ret);
