/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How a request to the API ended, exactly enough that a person knows what to repair. The names
 * are written to the manifest and to the findings; they do not change. */

#include <stdbool.h>

enum kube_failure {
	KUBE_FAILURE_NONE,	    /* 2xx, and the whole body */
	KUBE_FAILURE_REFUSED,	    /* nothing listens there */
	KUBE_FAILURE_UNREACHABLE,   /* no route, no such host */
	KUBE_FAILURE_TIMEOUT,	    /* no connection or no answer in its time, or too slow */
	KUBE_FAILURE_RESET,	    /* the connection ended before an answer */
	KUBE_FAILURE_TLS_EXPIRED,   /* the server's certificate has expired */
	KUBE_FAILURE_TLS_NOT_YET,   /* … is not valid yet: a clock is wrong */
	KUBE_FAILURE_TLS_AUTHORITY, /* … is not from the authority of the kubeconfig */
	KUBE_FAILURE_TLS_NAME,	    /* … is for another name */
	KUBE_FAILURE_TLS_CLIENT,    /* the server does not take our certificate */
	KUBE_FAILURE_TLS_OTHER,
	KUBE_FAILURE_HTTP_400,
	KUBE_FAILURE_HTTP_401,
	KUBE_FAILURE_HTTP_403,
	KUBE_FAILURE_HTTP_404,
	KUBE_FAILURE_HTTP_406,
	KUBE_FAILURE_HTTP_410,
	KUBE_FAILURE_HTTP_429,
	KUBE_FAILURE_HTTP_4XX, /* any other */
	KUBE_FAILURE_HTTP_5XX,
	KUBE_FAILURE_REDIRECT,	 /* 3xx: redirects are never followed */
	KUBE_FAILURE_BAD_ANSWER, /* not HTTP, not what was asked for, not JSON */
	KUBE_FAILURE_TRUNCATED,	 /* the body ended early */
	KUBE_FAILURE_TOO_LARGE,	 /* more than the limit of the request */
	KUBE_FAILURE_STOPPED,	 /* a handler ended it, or the capture is asked to stop */
	KUBE_FAILURE_LOCAL,	 /* out of memory, key that does not load, … */
	_KUBE_FAILURE_COUNT,
};

/* "refused", "tls-unknown-authority", "http-403"; "" for NONE. */
const char *kube_failure_name(enum kube_failure f);

/* The failure for an HTTP status; NONE for 2xx. */
enum kube_failure kube_failure_of_status(int status);

/* The negative errno that goes with F in a fault; 0 for NONE. */
int kube_failure_errno(enum kube_failure f);

/* The failure for what OpenSSL says of the server's certificate (X509_V_…) once it was refused.
 */
enum kube_failure kube_failure_of_verify(long verify_result);

/* The failure for OpenSSL's error text when the server ended the handshake with an alert; NONE
 * when there is none in it. */
enum kube_failure kube_failure_of_alert(const char *text);

/* True when the API cannot be used at all: no request would end better. */
bool kube_failure_is_fatal(enum kube_failure f);
