/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A real PKI, laid out as MicroShift lays out its own (pkg/cmd/init.go), made by libcrypto:
 * every signer, certificate, bundle and kubeconfig. Keys are P-256, which are made in no time;
 * MicroShift has RSA 2048. Tests then break one thing of it. */

#include <assert.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/io.h"
#include "lib/text.h"
#include "tests/lib/tmpdir.h"

#define PKI_NODE_NAME "edge1.example.com"
#define PKI_NODE_IP   "192.0.2.10"
#define PKI_CERTS     "var/lib/microshift/certs"
#define PKI_RESOURCES "var/lib/microshift/resources"
#define PKI_CAS_MAX   16u
/* The moment of the tests: 2027-03-01. */
#define PKI_NOW_USEC  (UINT64_C(1803859200) * USEC_PER_SEC)
#define PKI_NOW_S     ((time_t)(PKI_NOW_USEC / USEC_PER_SEC))
#define PKI_DAY_S     ((time_t)86400)

struct pki_ca {
	char dir[64]; /* below PKI_CERTS */
	X509 *cert;
	EVP_PKEY *key;
};

struct pki {
	struct tmpdir *root; /* borrowed */
	struct pki_ca cas[PKI_CAS_MAX];
	size_t n_cas;
	long serial;
	time_t now_s; /* when everything is good */
};

/* What a certificate says; zero = the usual. */
struct pki_spec {
	const char *cn;
	const char *o;
	const char *names; /* as in openssl.cnf: "DNS:localhost,IP:127.0.0.1"; NULL = none */
	time_t start_s;	   /* 0 = yesterday */
	time_t end_s;	   /* 0 = in a year; for a CA, in ten */
	bool is_ca;
};

static inline EVP_PKEY *
pki_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	assert(key);
	return key;
}

static inline void
pki_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert(e && X509_add_ext(x, e, -1) == 1);
	X509_EXTENSION_free(e);
}

/* CA NULL = self-signed. The caller owns what is returned. */
static inline X509 *
pki_sign(struct pki *p, const struct pki_spec *spec, EVP_PKEY *key, const struct pki_ca *ca)
{
	X509 *x = X509_new(), *issuer = ca ? ca->cert : x;
	X509_NAME *name = X509_NAME_new();
	time_t life = spec->is_ca ? 3650 * PKI_DAY_S : 365 * PKI_DAY_S;

	assert(x && name && X509_set_version(x, X509_VERSION_3) == 1);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++p->serial);
	if (spec->o)
		X509_NAME_add_entry_by_txt(
		    name, "O", MBSTRING_UTF8, (const unsigned char *)spec->o, -1, -1, 0);
	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_UTF8, (const unsigned char *)spec->cn, -1, -1, 0);
	X509_set_subject_name(x, name);
	X509_set_issuer_name(x, ca ? X509_get_subject_name(ca->cert) : name);
	X509_NAME_free(name);
	ASN1_TIME_set(X509_getm_notBefore(x), spec->start_s ?: p->now_s - PKI_DAY_S);
	ASN1_TIME_set(X509_getm_notAfter(x), spec->end_s ?: p->now_s + life);
	X509_set_pubkey(x, key);
	pki_extension(x, issuer, NID_basic_constraints,
	    spec->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	pki_extension(x, issuer, NID_subject_key_identifier, "hash");
	pki_extension(x, issuer, NID_authority_key_identifier, "keyid");
	if (spec->names)
		pki_extension(x, issuer, NID_subject_alt_name, spec->names);
	assert(X509_sign(x, ca ? ca->key : key, EVP_sha256()) > 0);
	return x;
}

/* PEM of up to two certificates; the caller frees it. */
static inline char *
pki_pem(X509 *x, X509 *behind)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *text;
	long n;

	assert(bio && PEM_write_bio_X509(bio, x) == 1);
	assert(!behind || PEM_write_bio_X509(bio, behind) == 1);
	n = BIO_get_mem_data(bio, &data);
	text = strndup(data, (size_t)n);
	assert(text);
	BIO_free(bio);
	return text;
}

static inline char *
pki_key_pem(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *text;
	long n;

	assert(bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
	n = BIO_get_mem_data(bio, &data);
	text = strndup(data, (size_t)n);
	assert(text);
	BIO_free(bio);
	return text;
}

/* Writes TEXT to PATH below the root, with its directories. */
static inline void
pki_put(const struct pki *p, const char *path, const char *text)
{
	_cleanup_free_ char *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;

	assert(slash);
	*slash = '\0';
	assert(io_mkdir_p(p->root->fd, dir, 0755) == 0);
	tmpdir_put(p->root, path, text);
}

static inline const struct pki_ca *
pki_ca(const struct pki *p, const char *dir)
{
	for (size_t i = 0; i < p->n_cas; i++)
		if (streq(p->cas[i].dir, dir))
			return &p->cas[i];
	return NULL;
}

/* Makes the signer DIR (again), under UP (NULL = itself), and writes its files. */
static inline const struct pki_ca *
pki_make_ca(struct pki *p, const char *dir, const struct pki_spec *spec, const char *up)
{
	const struct pki_ca *parent = up ? pki_ca(p, up) : NULL;
	struct pki_ca *ca = (struct pki_ca *)pki_ca(p, dir);
	_cleanup_free_ char *cert = NULL, *chain = NULL, *key = NULL;
	char path[256];

	if (!ca) {
		assert(p->n_cas < PKI_CAS_MAX);
		ca = &p->cas[p->n_cas++];
		text_copy(ca->dir, sizeof(ca->dir), dir);
	}
	X509_free(ca->cert);
	EVP_PKEY_free(ca->key);
	ca->key = pki_key();
	ca->cert = pki_sign(p, spec, ca->key, parent);
	cert = pki_pem(ca->cert, NULL);
	key = pki_key_pem(ca->key);
	(void)snprintf(path, sizeof(path), PKI_CERTS "/%s/ca.crt", dir);
	pki_put(p, path, cert);
	(void)snprintf(path, sizeof(path), PKI_CERTS "/%s/ca.key", dir);
	pki_put(p, path, key);
	(void)snprintf(path, sizeof(path), PKI_CERTS "/%s/serial.txt", dir);
	pki_put(p, path, "01\n");
	if (parent) {
		chain = pki_pem(ca->cert, parent->cert);
		(void)snprintf(path, sizeof(path), PKI_CERTS "/%s/ca-bundle.crt", dir);
		pki_put(p, path, chain);
	}
	return ca;
}

/* Makes a certificate of the signer SIGNER and writes PATH.crt and PATH.key below the root. */
static inline void
pki_make(struct pki *p, const char *signer, const char *path, const struct pki_spec *spec)
{
	const struct pki_ca *ca = signer ? pki_ca(p, signer) : NULL;
	EVP_PKEY *key = pki_key();
	X509 *x = pki_sign(p, spec, key, ca);
	/* As library-go: what serves sends its chain, what is a client does not. */
	_cleanup_free_ char *cert = pki_pem(x, ca && spec->names ? ca->cert : NULL);
	_cleanup_free_ char *key_pem = pki_key_pem(key);
	_cleanup_free_ char *cert_path = text_format("%s.crt", path);
	_cleanup_free_ char *key_path = text_format("%s.key", path);

	pki_put(p, cert_path, cert);
	pki_put(p, key_path, key_pem);
	X509_free(x);
	EVP_PKEY_free(key);
}

/* The text of the file PATH below the root; the caller frees it. */
static inline char *
pki_get(const struct pki *p, const char *path)
{
	char *text = NULL;

	assert(io_read_file(p->root->fd, path, 1u << 20, &text, NULL) == 0);
	return text;
}

static inline char *
pki_base64(const char *text)
{
	size_t n = strlen(text);
	char *coded = calloc(1, n * 4 / 3 + 8);

	assert(coded &&
	    EVP_EncodeBlock((unsigned char *)coded, (const unsigned char *)text, (int)n) > 0);
	return coded;
}

/* Writes the kubeconfig NAME: the files CLIENT.crt and .key, and the signer CA, embedded. */
static inline void
pki_make_kubeconfig(struct pki *p, const char *name, const char *client, const char *ca)
{
	char *paths[3] = { text_format(PKI_CERTS "/%s.crt", client),
		text_format(PKI_CERTS "/%s.key", client),
		text_format(PKI_CERTS "/%s/ca.crt", ca) };
	_cleanup_free_ char *path = text_format(PKI_RESOURCES "/%s/kubeconfig", name);
	_cleanup_free_ char *text = NULL;
	char *coded[3];

	for (size_t i = 0; i < 3; i++) {
		char *pem = pki_get(p, paths[i]);

		coded[i] = pki_base64(pem);
		free(pem);
		free(paths[i]);
	}
	text = text_format(
	    "apiVersion: v1\nkind: Config\ncurrent-context: microshift\n"
	    "clusters:\n- name: microshift\n  cluster:\n    server: https://localhost:6443\n"
	    "    certificate-authority-data: %s\n"
	    "contexts:\n- name: microshift\n  context: {cluster: microshift, user: user}\n"
	    "users:\n- name: user\n  user:\n    client-certificate-data: %s\n"
	    "    client-key-data: %s\n",
	    coded[2], coded[0], coded[1]);
	for (size_t i = 0; i < 3; i++)
		free(coded[i]);
	pki_put(p, path, text);
}

/* Writes the bundle NAME with the signers DIRS, NULL-terminated. */
static inline void
pki_make_bundle(struct pki *p, const char *name, const char *const *dirs)
{
	_cleanup_free_ char *path = text_format(PKI_CERTS "/ca-bundle/%s.crt", name);
	char *text = strdup("");

	for (; *dirs; dirs++) {
		_cleanup_free_ char *ca_path = text_format(PKI_CERTS "/%s/ca.crt", *dirs);
		_cleanup_free_ char *ca = pki_get(p, ca_path);
		_cleanup_free_ char *old = text;

		text = text_format("%s%s", old, ca);
	}
	pki_put(p, path, text);
	free(text);
}

static inline void
pki_make_bundles(struct pki *p)
{
	static const char *const clients[] = { "kube-control-plane-signer",
		"kube-apiserver-to-kubelet-client-signer", "admin-kubeconfig-signer",
		"kubelet-csr-signer-signer", "kubelet-csr-signer-signer/csr-signer", NULL };
	static const char *const tokens[] = { "kube-apiserver-localhost-signer",
		"kube-apiserver-service-network-signer", NULL };

	pki_make_bundle(p, "client-ca", clients);
	pki_make_bundle(p, "kubelet-ca", clients);
	pki_make_bundle(p, "service-account-token-ca", tokens);
}

static inline void
pki_make_kubeconfigs(struct pki *p)
{
	static const struct {
		const char *name, *client, *ca;
	} list[] = {
		{ "kubeadmin", "admin-kubeconfig-signer/admin-kubeconfig-client/client",
		    "kube-apiserver-localhost-signer" },
		{ "kubeadmin/" PKI_NODE_NAME,
		    "admin-kubeconfig-signer/admin-kubeconfig-client/client",
		    "kube-apiserver-external-signer" },
		{ "kube-controller-manager",
		    "kube-control-plane-signer/kube-controller-manager/client",
		    "kube-apiserver-localhost-signer" },
		{ "kube-scheduler", "kube-control-plane-signer/kube-scheduler/client",
		    "kube-apiserver-localhost-signer" },
		{ "kubelet", "kubelet-csr-signer-signer/csr-signer/kubelet-client/client",
		    "kube-apiserver-localhost-signer" },
		{ "cluster-policy-controller",
		    "kube-control-plane-signer/cluster-policy-controller/client",
		    "kube-apiserver-localhost-signer" },
		{ "route-controller-manager",
		    "kube-control-plane-signer/route-controller-manager/client",
		    "kube-apiserver-localhost-signer" },
	};

	for (size_t i = 0; i < ELEMENTSOF(list); i++)
		pki_make_kubeconfig(p, list[i].name, list[i].client, list[i].ca);
}

/* Everything, all of it good at NOW_S. */
static inline void
pki_open_at(struct pki *p, struct tmpdir *root, time_t now_s)
{
	static const struct {
		const char *dir, *cn, *up;
		time_t days;
	} cas[] = {
		{ "kube-control-plane-signer", "kube-control-plane-signer", NULL, 365 },
		{ "kube-apiserver-to-kubelet-client-signer", "kube-apiserver-to-kubelet-signer",
		    NULL, 365 },
		{ "admin-kubeconfig-signer", "admin-kubeconfig-signer", NULL, 3650 },
		{ "kubelet-csr-signer-signer", "kubelet-signer", NULL, 365 },
		{ "kubelet-csr-signer-signer/csr-signer", "kube-csr-signer",
		    "kubelet-csr-signer-signer", 365 },
		{ "aggregator-signer", "aggregator-signer", NULL, 365 },
		{ "service-ca", "service-ca", NULL, 3650 },
		{ "ingress-ca", "ingress-ca", NULL, 3650 },
		{ "kube-apiserver-external-signer", "kube-apiserver-external-signer", NULL,
		    3650 },
		{ "kube-apiserver-localhost-signer", "kube-apiserver-localhost-signer", NULL,
		    3650 },
		{ "kube-apiserver-service-network-signer",
		    "kube-apiserver-service-network-signer", NULL, 3650 },
		{ "etcd-signer", "etcd-signer", NULL, 3650 },
	};
	static const struct {
		const char *ca, *leaf, *cn, *o, *names;
		time_t days;
	} leaves[] = {
		{ "kube-control-plane-signer", "kube-controller-manager/client",
		    "system:kube-controller-manager", NULL, NULL, 365 },
		{ "kube-control-plane-signer", "kube-scheduler/client", "system:kube-scheduler",
		    NULL, NULL, 365 },
		{ "kube-control-plane-signer", "cluster-policy-controller/client",
		    "system:kube-controller-manager", NULL, NULL, 365 },
		{ "kube-control-plane-signer", "route-controller-manager/client",
		    "system:serviceaccount:openshift-route-controller-manager:"
		    "route-controller-manager-sa",
		    "system:serviceaccounts", NULL, 365 },
		{ "kube-apiserver-to-kubelet-client-signer",
		    "kube-apiserver-to-kubelet-client/client", "system:kube-apiserver",
		    "kube-master", NULL, 365 },
		{ "admin-kubeconfig-signer", "admin-kubeconfig-client/client", "system:admin",
		    "system:masters", NULL, 3650 },
		{ "kubelet-csr-signer-signer/csr-signer", "kubelet-client/client",
		    "system:node:" PKI_NODE_NAME, "system:nodes", NULL, 365 },
		{ "kubelet-csr-signer-signer/csr-signer", "kubelet-server/server",
		    PKI_NODE_NAME, NULL, "DNS:" PKI_NODE_NAME ",IP:" PKI_NODE_IP, 365 },
		{ "aggregator-signer", "aggregator-client/client",
		    "system:openshift-aggregator", NULL, NULL, 365 },
		{ "service-ca", "route-controller-manager-serving/server",
		    "route-controller-manager.openshift-route-controller-manager.svc", NULL,
		    "DNS:route-controller-manager.openshift-route-controller-manager.svc",
		    365 },
		{ "ingress-ca", "router-default-serving/server", "*.apps.example.com", NULL,
		    "DNS:*.apps.example.com", 365 },
		{ "kube-apiserver-external-signer", "kube-external-serving/server", PKI_NODE_IP,
		    NULL, "DNS:" PKI_NODE_NAME ",DNS:api.example.com,IP:" PKI_NODE_IP, 365 },
		{ "kube-apiserver-localhost-signer", "kube-apiserver-localhost-serving/server",
		    "localhost", NULL, "DNS:localhost", 365 },
		{ "kube-apiserver-service-network-signer",
		    "kube-apiserver-service-network-serving/server", "10.43.0.1", NULL,
		    "DNS:kubernetes,DNS:kubernetes.default.svc,IP:10.43.0.1", 365 },
		{ "etcd-signer", "apiserver-etcd-client/client", "etcd", "etcd", NULL, 3650 },
		{ "etcd-signer", "etcd-peer/peer", "system:etcd-peer:etcd-client",
		    "system:etcd-peers", "DNS:localhost,DNS:" PKI_NODE_NAME, 3650 },
		{ "etcd-signer", "etcd-serving/peer", "system:etcd-server:etcd-client",
		    "system:etcd-servers", "DNS:localhost,DNS:" PKI_NODE_NAME, 3650 },
	};

	*p = (struct pki){ .root = root, .now_s = now_s };
	for (size_t i = 0; i < ELEMENTSOF(cas); i++)
		(void)pki_make_ca(p, cas[i].dir,
		    &(const struct pki_spec){ .cn = cas[i].cn,
			.is_ca = true,
			.end_s = now_s + cas[i].days * PKI_DAY_S },
		    cas[i].up);
	for (size_t i = 0; i < ELEMENTSOF(leaves); i++) {
		_cleanup_free_ char *path =
		    text_format(PKI_CERTS "/%s/%s", leaves[i].ca, leaves[i].leaf);

		pki_make(p, leaves[i].ca, path,
		    &(const struct pki_spec){ .cn = leaves[i].cn,
			.o = leaves[i].o,
			.names = leaves[i].names,
			.end_s = now_s + leaves[i].days * PKI_DAY_S });
	}
	pki_make_bundles(p);
	pki_make_kubeconfigs(p);
	pki_put(p, "var/lib/microshift/.nodename", PKI_NODE_NAME);
}

static inline void
pki_open(struct pki *p, struct tmpdir *root)
{
	pki_open_at(p, root, PKI_NOW_S);
}

static inline void
pki_done(struct pki *p)
{
	for (size_t i = 0; i < p->n_cas; i++) {
		X509_free(p->cas[i].cert);
		EVP_PKEY_free(p->cas[i].key);
	}
}

#define _cleanup_pki_ _cleanup_(pki_done)
