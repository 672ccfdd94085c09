/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A list in pages. The bytes of each page go to the caller, whose parser finds the token of the
 * next page in metadata.continue.
 *
 * 410 Gone (the token is too old: etcd compacted) is handled in this order: with the token the
 * answer offers, which goes on at the same place but at a newer state, so that objects may be
 * missing or twice (`is_inconsistent`); else, once, from the beginning, when on_restart is
 * given. A page that breaks off is not asked for again: the caller has had a part of it. */

#include <stdbool.h>
#include <stdint.h>

#include "capture/kube/client.h"

/* As kubectl does. */
#define KUBE_PAGE_OBJECTS 500u

struct kube_list_request {
	const char *path;      /* of the list; see kube_resource_path() */
	const char *selector;  /* "a=b&…": more of the query, escaped; NULL = none */
	const char *accept;    /* borrowed until the list is over; NULL = application/json */
	unsigned page_objects; /* 0 = KUBE_PAGE_OBJECTS */
	uint64_t page_usec;    /* time of one page; 0 = the client's */
	uint64_t list_usec;    /* time of the whole list; 0 = none */
	uint64_t page_bytes;   /* limit of one page; 0 = KUBE_BODY_MAX_BYTES */
	uint64_t list_bytes;   /* limit of the whole list; 0 = none */
};

struct kube_list_result {
	enum kube_failure failure; /* HTTP_404: the type is not served (any more) */
	int status;
	unsigned pages;	   /* complete ones */
	unsigned requests; /* sent */
	unsigned retries;
	uint64_t bytes;
	uint64_t duration_usec; /* sum of the requests */
	bool is_inconsistent;
	bool is_restarted;
	struct fault fault;
};

struct kube_list_handlers {
	/* A page begins; NUMBER counts from 0. May be NULL. */
	int (*on_page)(unsigned number, void *userdata);
	int (*on_data)(const void *data, size_t size, void *userdata);
	/* A page is complete. *ret_continue gets the token of the next one, which is copied;
	 * NULL or "" = that was the last. Negative ends the list (an answer that is no list:
	 * -EBADMSG gives BAD_ANSWER). */
	int (*on_page_end)(const char **ret_continue, void *userdata);
	/* The list begins anew: forget what came. NULL = it fails with HTTP_410 instead. */
	int (*on_restart)(void *userdata);
	/* Exactly once. What came before a failure is good as far as it goes. */
	void (*on_done)(const struct kube_list_result *result, void *userdata);
};

/* Queues the list; REQUEST is copied. Returns 0 or negative errno. */
int kube_list(struct kube_client *c, const struct kube_list_request *request,
    const struct kube_list_handlers *handlers, void *userdata);
