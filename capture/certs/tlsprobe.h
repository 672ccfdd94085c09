/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a TLS client sees of a server on this machine: the handshake, the certificates that are
 * presented, whether they are right, and whether the server takes the client's.
 *
 * The handshake goes on when the server's certificate is wrong, so that the rest is seen too; a
 * request is only sent when it is right. It is needed: in TLS 1.3 a server refuses a client's
 * certificate after the client has ended its handshake, so only an answer shows that it does
 * not. */

#include <stddef.h>
#include <stdint.h>

#include "capture/kube/failure.h"
#include "lib/fault.h"

struct certscan_certificate;

/* For all servers together: they are on this machine, and a report has a few seconds. */
#define TLSPROBE_USEC	      (UINT64_C(1000000))
#define TLSPROBE_TARGETS_MAX  16u
/* Lines of a transcript; a handshake has about 15 steps. */
#define TLSPROBE_STEPS_MAX    40u
/* Certificates of the presented chain; real ones have up to 3. */
#define TLSPROBE_CHAIN_MAX    10u
/* "HTTP/1.0 401 Unauthorized". */
#define TLSPROBE_ANSWER_BYTES 80u

/* All borrowed; paths as seen from the root. */
struct tlsprobe_target {
	const char *what;    /* for people: "the API, for clients on this machine" */
	const char *address; /* "127.0.0.1" */
	unsigned port;
	const char *server_name; /* asked for (SNI), and what the certificate has to be for */
	const char *ca_path;	 /* who has to have signed it */
	const char *cert_path;	 /* the client's, NULL = none; its key is KEY_PATH */
	const char *key_path;
	const char *request; /* path of a GET; NULL = none is sent */
};

struct tlsprobe_result {
	enum kube_failure failure;
	struct fault fault; /* one sentence, unless failure is NONE */
	char protocol[16];  /* "TLSv1.3"; "" = the handshake did not get that far */
	char cipher[64];
	char **steps;			    /* owned strv: the transcript; NULL = none */
	struct certscan_certificate *chain; /* owned, [n_chain]: as presented */
	size_t n_chain;
	bool client_was_asked;		    /* the server wants a certificate of the client */
	char answer[TLSPROBE_ANSWER_BYTES]; /* first line; "" = none */
	uint64_t duration_usec;
};

/* Tries all TARGETS at once, TIMEOUT_USEC (0 = TLSPROBE_USEC) at most, and fills RESULTS
 * (tlsprobe_done() each). NOW_USEC is the time that certificates have to be valid at. ROOT_FD
 * is where paths begin. A server that is not there is a result like any other. */
void tlsprobe_run(int root_fd, const struct tlsprobe_target *targets, size_t n,
    uint64_t now_usec, uint64_t timeout_usec, struct tlsprobe_result *results);

void tlsprobe_done(struct tlsprobe_result *result);
