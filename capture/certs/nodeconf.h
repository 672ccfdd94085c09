/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the configuration of MicroShift, kubelet and CRI-O says of names and certificates. */

#include <stdbool.h>
#include <stddef.h>

#include "lib/cleanup.h"

struct fault;

/* A real config.yaml has 2 KB, crio.conf 20 KB of comments. */
#define NODECONF_MAX_BYTES	  (256u * 1024u)
/* MicroShift's documentation has three; each costs a key to read. */
#define NODECONF_CERTIFICATES_MAX 64u

/* An entry of apiServer.namedCertificates. */
struct nodeconf_certificate {
	char *cert_path; /* owned */
	char *key_path;	 /* owned; "" = not given */
	char **names; /* owned strv: the server names it is used for; NULL = all of its own */
};

struct nodeconf {
	char *node_name;      /* owned: node.hostnameOverride; NULL = not given */
	char *node_ip;	      /* owned: node.nodeIP */
	char *advertise_ip;   /* owned: apiServer.advertiseAddress */
	char *api_port;	      /* owned: apiServer.port */
	char *ingress_secret; /* owned: ingress.certificateSecret */
	struct nodeconf_certificate *certificates; /* owned, [n_certificates] */
	size_t n_certificates;
};

/* Takes over what one file of MicroShift's configuration sets, config.yaml or one of config.d
 * in their order: later ones replace what earlier ones set, lists as a whole. PATH is for
 * messages. Returns 0; -EINVAL when it is no YAML; -E2BIG; -ENOMEM. */
int nodeconf_merge(struct nodeconf *conf, const char *path, const char *data, size_t size,
    struct fault *reterr);

/* Files that a configuration names; NULL = not given. */
struct nodeconf_tls {
	char *cert_path, *key_path, *ca_path; /* owned */
	bool is_enabled;
};

/* kubelet's configuration: tlsCertFile, tlsPrivateKeyFile, authentication.x509.clientCAFile.
 * Returns as nodeconf_merge(). */
int nodeconf_kubelet(const char *path, const char *data, size_t size, struct nodeconf_tls *ret,
    struct fault *reterr);

/* The streaming server of CRI-O, crio.conf(5): stream_tls_cert, …_key, …_ca, and whether
 * stream_enable_tls is set. Only lines `key = value` are looked at; called for each file in
 * order, later ones win. Returns 0 or -ENOMEM. */
int nodeconf_crio(struct nodeconf_tls *tls, const char *data);

void nodeconf_done(struct nodeconf *conf);
void nodeconf_tls_done(struct nodeconf_tls *tls);
