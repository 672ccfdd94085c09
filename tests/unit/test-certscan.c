/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include "capture/certs/certfile.h"
#include "capture/certs/certscan.h"
#include "capture/certs/nodeconf.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "tests/lib/pki.h"

#define CERTS	  "/" PKI_CERTS
#define RESOURCES "/" PKI_RESOURCES
#define SCHEDULER "kube-control-plane-signer/kube-scheduler/client"

static char *const addresses[] = { "198.51.100.7", PKI_NODE_IP, NULL };

static struct certscan *
scan_at(const struct pki *p, uint64_t now_usec, struct certscan *previous)
{
	struct certscan_options options = {
		.root = p->root->path,
		.now_usec = now_usec,
		.addresses = addresses,
	};
	struct certscan *s = NULL;
	struct fault f;

	assert(certscan_run(&options, previous, &s, &f) == 0);
	return s;
}

static void
print(const struct certscan *s)
{
	for (size_t i = 0; i < s->n_findings; i++)
		printf("# %s %s: %s\n", certscan_class_name(s->findings[i].class),
		    s->findings[i].path, s->findings[i].text);
}

static const struct certscan_finding *
find(const struct certscan *s, enum certscan_class class, const char *path)
{
	for (size_t i = 0; i < s->n_findings; i++)
		if (s->findings[i].class == class && streq(s->findings[i].path, path))
			return &s->findings[i];
	return NULL;
}

static const struct certscan_certificate *
certificate(const struct certscan *s, const char *path)
{
	for (size_t i = 0; i < s->n_certificates; i++)
		if (streq(s->certificates[i].path, path))
			return &s->certificates[i];
	return NULL;
}

static void
test_good(void)
{
	_cleanup_tmpdir_ struct tmpdir root = tmpdir_make();
	_cleanup_pki_ struct pki p;
	_cleanup_(certscan_freep) struct certscan *s = NULL;
	const struct certscan_certificate *c;

	pki_open(&p, &root);
	s = scan_at(&p, PKI_NOW_USEC, NULL);
	print(s);
	ok_int(s->n_findings, 0, "a good tree gives no finding");
	ok_str(s->node_name, PKI_NODE_NAME, "MicroShift's own note of the node's name");
	ok(s->was_read, "it was read");
	ok_int(strlen(s->signers_sha256), 64, "the ten-year signers have a digest");

	c = certificate(s, CERTS "/" SCHEDULER ".crt");
	ok(c != NULL, "a leaf is listed");
	ok_str(c->subject, "CN=system:kube-scheduler", "subject");
	ok_str(c->issuer, "CN=kube-control-plane-signer", "issuer");
	ok_str(c->key_type, "EC 256", "key type");
	ok_int(strlen(c->sha256), 64, "fingerprint");
	ok_int(c->key_matches, CERTSCAN_YES, "its key");
	ok_int(c->is_trusted, CERTSCAN_YES, "trust");
	ok_str(c->trusted_by, CERTS "/ca-bundle/client-ca.crt", "by the bundle of clients");
	ok(c->is_short_lived && c->is_managed && !c->is_ca, "its kind");
	ok_int(c->not_before_usec, PKI_NOW_USEC - USEC_PER_DAY, "start");
	ok_int(c->not_after_usec, PKI_NOW_USEC + 365 * USEC_PER_DAY, "end");
	ok_int(c->start_renew_usec, c->not_after_usec - 210 * USEC_PER_DAY,
	    "a start renews it in its last seven months");
	ok_int(c->run_renew_usec, c->not_after_usec - 120 * USEC_PER_DAY,
	    "a restart in its last four");
	ok_int(s->renew_usec, c->run_renew_usec, "which is the first restart of all");

	c = certificate(s, CERTS "/etcd-signer/ca.crt");
	ok(c->is_ca && !c->is_short_lived && c->role == CERTSCAN_CA, "a ten-year signer");
	ok_int(c->start_renew_usec, c->not_after_usec - 540 * USEC_PER_DAY, "eighteen months");
	ok_int(c->run_renew_usec, c->not_after_usec - 360 * USEC_PER_DAY, "twelve");

	c = certificate(
	    s, CERTS "/kube-apiserver-external-signer/kube-external-serving/server.crt");
	ok_int(strv_length(c->names), 3, "names");
	ok_str(c->names[0], "DNS:" PKI_NODE_NAME, "a name");
	ok_str(c->names[2], "IP:" PKI_NODE_IP, "an address");
	ok_str(c->trusted_by, CERTS "/kube-apiserver-external-signer/ca.crt",
	    "trusted by its signer alone");
	c = certificate(
	    s, CERTS "/kubelet-csr-signer-signer/csr-signer/kubelet-server/server.crt");
	ok_int(c->is_trusted, CERTSCAN_YES, "trust over the signer between");
	c = certificate(s, RESOURCES "/kubeadmin/kubeconfig");
	ok(c && c->role == CERTSCAN_KUBECONFIG && c->key_matches == CERTSCAN_YES &&
		c->is_trusted == CERTSCAN_YES,
	    "a kubeconfig's client");
}

/* A machine without MicroShift, or before its first start. */
static void
test_nothing(void)
{
	_cleanup_tmpdir_ struct tmpdir root = tmpdir_make();
	struct pki p = { .root = &root };
	_cleanup_(certscan_freep) struct certscan *s = scan_at(&p, PKI_NOW_USEC, NULL);

	ok_int(s->n_findings + s->n_certificates, 0, "nothing");
	assert(io_mkdir_p(root.fd, PKI_CERTS, 0755) == 0);
	s = scan_at(&p, PKI_NOW_USEC, s);
	ok(s->was_read, "a directory that appears is noticed");
	ok_int(s->n_findings + s->n_certificates, 0, "an empty one is fine");
}

/* One thing that is broken, and what has to be found; nothing else may be. */
struct defect {
	const char *name;
	void (*make)(struct pki *p); /* NULL = `put` */
	enum certscan_class class;
	const char *path;
	const char *word; /* of the sentence */
	size_t n_others;  /* findings that follow from it */
	const char *put;  /* a file that is written, with `text` */
	const char *text;
};

static void
make_expired(struct pki *p)
{
	pki_make(p, "kube-control-plane-signer", PKI_CERTS "/" SCHEDULER,
	    &(const struct pki_spec){ .cn = "system:kube-scheduler",
		.start_s = PKI_NOW_S - 400 * PKI_DAY_S,
		.end_s = PKI_NOW_S - 35 * PKI_DAY_S });
	pki_make_kubeconfigs(p);
}

static void
make_expired_ca(struct pki *p)
{
	(void)pki_make_ca(p, "aggregator-signer",
	    &(const struct pki_spec){ .cn = "aggregator-signer",
		.is_ca = true,
		.start_s = PKI_NOW_S - 400 * PKI_DAY_S,
		.end_s = PKI_NOW_S - 1 },
	    NULL);
	pki_make(p, "aggregator-signer",
	    PKI_CERTS "/aggregator-signer/aggregator-client/client",
	    &(const struct pki_spec){ .cn = "system:openshift-aggregator" });
}

static void
make_not_yet_valid(struct pki *p)
{
	pki_make(p, "kube-control-plane-signer", PKI_CERTS "/" SCHEDULER,
	    &(const struct pki_spec){
		.cn = "system:kube-scheduler", .start_s = PKI_NOW_S + 60 });
	pki_make_kubeconfigs(p);
}

static void
make_overdue(struct pki *p)
{
	pki_make(p, "etcd-signer", PKI_CERTS "/etcd-signer/etcd-peer/peer",
	    &(const struct pki_spec){ .cn = "system:etcd-peer:etcd-client",
		.names = "DNS:localhost",
		.end_s = PKI_NOW_S + 119 * PKI_DAY_S });
}

static void
make_other_key(struct pki *p)
{
	_cleanup_free_ char *key = pki_get(p, PKI_CERTS "/etcd-signer/etcd-serving/peer.key");

	pki_put(p, PKI_CERTS "/ingress-ca/router-default-serving/server.key", key);
}

static void
make_other_kubeconfig_key(struct pki *p)
{
	_cleanup_free_ char *cert = pki_get(p, PKI_CERTS "/" SCHEDULER ".crt");
	_cleanup_free_ char *key = pki_get(p, PKI_CERTS "/etcd-signer/ca.key");

	pki_put(p, PKI_CERTS "/../x.crt", cert);
	pki_put(p, PKI_CERTS "/../x.key", key);
	pki_make_kubeconfig(p, "kube-scheduler", "../x", "kube-apiserver-localhost-signer");
}

static void
make_foreign(struct pki *p)
{
	pki_make(p, "service-ca", PKI_CERTS "/etcd-signer/etcd-serving/peer",
	    &(const struct pki_spec){
		.cn = "system:etcd-server:etcd-client", .names = "DNS:localhost" });
}

static void
make_bundle_without(struct pki *p)
{
	static const char *const dirs[] = { "kube-control-plane-signer",
		"kube-apiserver-to-kubelet-client-signer", "kubelet-csr-signer-signer",
		"kubelet-csr-signer-signer/csr-signer", NULL };

	pki_make_bundle(p, "kubelet-ca", dirs);
}

/* The authority alone; what it had signed stays. */
static void
make_new_ca(struct pki *p)
{
	(void)pki_make_ca(p, "ingress-ca",
	    &(const struct pki_spec){ .cn = "ingress-ca", .is_ca = true }, NULL);
}

/* All of what MicroShift makes anew, but not what was copied before. */
static void
make_old_kubeconfig(struct pki *p)
{
	(void)pki_make_ca(p, "kube-apiserver-localhost-signer",
	    &(const struct pki_spec){ .cn = "kube-apiserver-localhost-signer", .is_ca = true },
	    NULL);
	pki_make(p, "kube-apiserver-localhost-signer",
	    PKI_CERTS
	    "/kube-apiserver-localhost-signer/kube-apiserver-localhost-serving/server",
	    &(const struct pki_spec){ .cn = "localhost", .names = "DNS:localhost" });
	pki_make_bundles(p);
	pki_make_kubeconfig(p, "kube-controller-manager",
	    "kube-control-plane-signer/kube-controller-manager/client",
	    "kube-apiserver-localhost-signer");
}

static void
make_other_address(struct pki *p)
{
	pki_make(p, "kube-apiserver-external-signer",
	    PKI_CERTS "/kube-apiserver-external-signer/kube-external-serving/server",
	    &(const struct pki_spec){
		.cn = "x", .names = "DNS:" PKI_NODE_NAME ",IP:192.0.2.99" });
}

static void
make_cut(struct pki *p)
{
	_cleanup_free_ char *text = pki_get(p, PKI_CERTS "/" SCHEDULER ".crt");

	/* In the middle of its base64, as a disk that was full leaves it. */
	text[strlen(text) / 2] = '\0';
	pki_put(p, PKI_CERTS "/" SCHEDULER ".crt", text);
}

static void
make_unreadable(struct pki *p)
{
	assert(unlinkat(p->root->fd, PKI_CERTS "/" SCHEDULER ".crt", 0) == 0);
	assert(mkdirat(p->root->fd, PKI_CERTS "/" SCHEDULER ".crt", 0700) == 0);
}

static void
make_fifo(struct pki *p)
{
	assert(unlinkat(p->root->fd, PKI_CERTS "/" SCHEDULER ".key", 0) == 0);
	assert(mkfifoat(p->root->fd, PKI_CERTS "/" SCHEDULER ".key", 0600) == 0);
}

static void
make_missing(struct pki *p)
{
	assert(io_remove_tree(
		   p->root->fd, PKI_CERTS "/kube-control-plane-signer/kube-scheduler") == 0);
}

static void
make_missing_key(struct pki *p)
{
	assert(unlinkat(p->root->fd, PKI_CERTS "/etcd-signer/ca.key", 0) == 0);
}

static void
make_missing_kubeconfig(struct pki *p)
{
	assert(unlinkat(p->root->fd, PKI_RESOURCES "/kubeadmin/kubeconfig", 0) == 0);
}

static void
put_user(struct pki *p, time_t end_s, const char *names)
{
	pki_make(p, NULL, "etc/pki/edge",
	    &(const struct pki_spec){ .cn = "edge", .names = names, .end_s = end_s });
	pki_put(p, "etc/microshift/config.yaml",
	    "apiServer:\n  namedCertificates:\n  - certPath: /etc/pki/edge.crt\n"
	    "    keyPath: /etc/pki/edge.key\n    names: [ edge.example.org ]\n");
}

static void
make_user_expiring(struct pki *p)
{
	put_user(p, PKI_NOW_S + 13 * PKI_DAY_S, "DNS:*.example.org");
}

static void
make_user_expired(struct pki *p)
{
	pki_make(p, NULL, "etc/pki/edge",
	    &(const struct pki_spec){ .cn = "edge",
		.names = "DNS:edge.example.org",
		.start_s = PKI_NOW_S - 9 * PKI_DAY_S,
		.end_s = PKI_NOW_S - PKI_DAY_S });
	pki_put(p, "etc/microshift/config.yaml",
	    "apiServer: {namedCertificates: [{certPath: /etc/pki/edge.crt, "
	    "keyPath: /etc/pki/edge.key}]}\n");
}

static void
make_user_name(struct pki *p)
{
	put_user(p, 0, "DNS:other.example.org");
}

static void
make_crio(struct pki *p)
{
	pki_put(p, "etc/crio/crio.conf",
	    "[crio.api]\n# stream_tls_cert = \"/nowhere\"\nstream_enable_tls = true\n");
	pki_put(p, "etc/crio/crio.conf.d/20-tls.conf",
	    "stream_tls_cert = \"/etc/crio/tls.crt\" # ours\n");
}

static const struct defect defects[] = {
	{ "expired", make_expired, CERTSCAN_EXPIRED, CERTS "/" SCHEDULER ".crt", "2027-01-25",
	    0, NULL, NULL },
	{ "an expired authority", make_expired_ca, CERTSCAN_EXPIRED,
	    CERTS "/aggregator-signer/ca.crt", "restart microshift.service", 0, NULL, NULL },
	{ "not yet valid", make_not_yet_valid, CERTSCAN_NOT_YET_VALID,
	    CERTS "/" SCHEDULER ".crt", "clock", 0, NULL, NULL },
	{ "not renewed in time", make_overdue, CERTSCAN_ROTATION_OVERDUE,
	    CERTS "/etcd-signer/etcd-peer/peer.crt", "hangs", 0, NULL, NULL },
	{ "another key", make_other_key, CERTSCAN_KEY_MISMATCH,
	    CERTS "/ingress-ca/router-default-serving/server.crt", "server.key", 0, NULL,
	    NULL },
	{ "another key in a kubeconfig", make_other_kubeconfig_key, CERTSCAN_KEY_MISMATCH,
	    RESOURCES "/kube-scheduler/kubeconfig", "kubeconfig", 0, NULL, NULL },
	{ "signed by another authority", make_foreign, CERTSCAN_UNTRUSTED,
	    CERTS "/etcd-signer/etcd-serving/peer.crt", "CN=service-ca", 0, NULL, NULL },
	{ "an authority that its bundle lacks", make_bundle_without, CERTSCAN_UNTRUSTED,
	    CERTS "/ca-bundle/kubelet-ca.crt", "admin-kubeconfig-signer", 0, NULL, NULL },
	{ "an authority made anew", make_new_ca, CERTSCAN_CA_REPLACED,
	    CERTS "/ingress-ca/router-default-serving/server.crt", "made anew", 0, NULL, NULL },
	{ "kubeconfigs of before", make_old_kubeconfig, CERTSCAN_CA_REPLACED,
	    RESOURCES "/kubeadmin/kubeconfig", "copied again", 4, NULL, NULL },
	{ "another address", make_other_address, CERTSCAN_WRONG_NAME,
	    CERTS "/kube-apiserver-external-signer/kube-external-serving/server.crt",
	    "198.51.100.7", 0, NULL, NULL },
	{ "another name", NULL, CERTSCAN_WRONG_NAME,
	    CERTS "/kube-apiserver-external-signer/kube-external-serving/server.crt",
	    "edge2.example.com", 1, "etc/microshift/config.d/10-node.yaml",
	    "node:\n  hostnameOverride: edge2.example.com\n  nodeIP: " PKI_NODE_IP "\n" },
	{ "an empty file", NULL, CERTSCAN_EMPTY, CERTS "/" SCHEDULER ".crt", "power cut", 0,
	    PKI_CERTS "/" SCHEDULER ".crt", "" },
	{ "an empty key", NULL, CERTSCAN_EMPTY, CERTS "/" SCHEDULER ".key", "power cut", 0,
	    PKI_CERTS "/" SCHEDULER ".key", "" },
	{ "an empty bundle", NULL, CERTSCAN_EMPTY_BUNDLE, CERTS "/ca-bundle/client-ca.crt",
	    "nobody is trusted", 0, PKI_CERTS "/ca-bundle/client-ca.crt", "" },
	{ "an empty kubeconfig", NULL, CERTSCAN_EMPTY, RESOURCES "/kubelet/kubeconfig",
	    "power cut", 0, PKI_RESOURCES "/kubelet/kubeconfig", "" },
	{ "no PEM", NULL, CERTSCAN_UNPARSABLE, CERTS "/service-ca/ca.crt", "no certificate", 0,
	    PKI_CERTS "/service-ca/ca.crt", "no certificate\n" },
	{ "a cut file", make_cut, CERTSCAN_UNPARSABLE, CERTS "/" SCHEDULER ".crt",
	    "cannot be read", 0, NULL, NULL },
	{ "no key", NULL, CERTSCAN_UNPARSABLE, CERTS "/" SCHEDULER ".key", "no private key", 0,
	    PKI_CERTS "/" SCHEDULER ".key",
	    "-----BEGIN PRIVATE KEY-----\nAAAA\n"
	    "-----END PRIVATE KEY-----\n" },
	{ "a directory in its place", make_unreadable, CERTSCAN_UNREADABLE,
	    CERTS "/" SCHEDULER ".crt", "no regular file", 0, NULL, NULL },
	{ "a FIFO in its place", make_fifo, CERTSCAN_UNREADABLE, CERTS "/" SCHEDULER ".key",
	    "no regular file", 0, NULL, NULL },
	{ "missing", make_missing, CERTSCAN_MISSING, CERTS "/" SCHEDULER ".crt", "missing", 0,
	    NULL, NULL },
	{ "a missing key", make_missing_key, CERTSCAN_MISSING, CERTS "/etcd-signer/ca.key",
	    "missing", 0, NULL, NULL },
	{ "a missing kubeconfig", make_missing_kubeconfig, CERTSCAN_MISSING,
	    RESOURCES "/kubeadmin/kubeconfig", "writes it anew", 0, NULL, NULL },
	{ "a user's own that expires", make_user_expiring, CERTSCAN_EXPIRING,
	    "/etc/pki/edge.crt", "does not renew", 0, NULL, NULL },
	{ "a user's own that has expired", make_user_expired, CERTSCAN_EXPIRED,
	    "/etc/pki/edge.crt", "replace it", 0, NULL, NULL },
	{ "a user's own for another name", make_user_name, CERTSCAN_WRONG_NAME,
	    "/etc/pki/edge.crt", "edge.example.org", 0, NULL, NULL },
	{ "a user's own that is missing", NULL, CERTSCAN_MISSING, "/etc/pki/gone.crt",
	    "missing", 0, "etc/microshift/config.yaml",
	    "apiServer: {namedCertificates: [{certPath: /etc/pki/gone.crt}]}\n" },
	{ "a configuration that is no YAML", NULL, CERTSCAN_UNPARSABLE,
	    "/etc/microshift/config.yaml", "line 2", 0, "etc/microshift/config.yaml",
	    "apiServer: [\n" },
	{ "CRI-O's own that is missing", make_crio, CERTSCAN_MISSING, "/etc/crio/tls.crt",
	    "crio.service", 0, NULL, NULL },
	{ "kubelet's bundle that is missing", NULL, CERTSCAN_MISSING, "/etc/kubelet-ca.crt",
	    "missing", 0, PKI_RESOURCES "/kubelet/config/config.yaml",
	    "authentication: {x509: {clientCAFile: /etc/kubelet-ca.crt}}\n" },
};

static void
test_defects(void)
{
	for (size_t i = 0; i < ELEMENTSOF(defects); i++) {
		const struct defect *d = &defects[i];
		_cleanup_tmpdir_ struct tmpdir root = tmpdir_make();
		_cleanup_pki_ struct pki p;
		_cleanup_(certscan_freep) struct certscan *s = NULL;
		const struct certscan_finding *f;
		bool found;

		pki_open(&p, &root);
		if (d->make)
			d->make(&p);
		else
			pki_put(&p, d->put, d->text);
		s = scan_at(&p, PKI_NOW_USEC, NULL);
		f = find(s, d->class, d->path);
		found = ok(f && strstr(f->text, d->word), "%s", d->name);
		if (!ok_int(s->n_findings, 1 + d->n_others, "nothing else") || !found)
			print(s);
	}
}

/* A clock in 1970, and one that is a little slow. */
static void
test_clock(void)
{
	_cleanup_tmpdir_ struct tmpdir root = tmpdir_make();
	_cleanup_pki_ struct pki p;
	_cleanup_(certscan_freep) struct certscan *s = NULL;

	pki_open(&p, &root);
	s = scan_at(&p, 86400 * USEC_PER_SEC, NULL);
	ok_int(s->n_findings, 1, "one finding for a clock of 1970");
	ok_int(s->findings[0].class, CERTSCAN_CLOCK, "of the clock");
	ok(strstr(s->findings[0].text, "1970-01-02"), "it says what the clock says");
	s = scan_at(&p, CERTSCAN_CLOCK_MIN_USEC - 1, s);
	ok_int(s->n_findings, 1, "the last moment that cannot be");
	s = scan_at(&p, PKI_NOW_USEC - 2 * USEC_PER_DAY, s);
	ok_int(s->n_findings, 1, "one finding when everything is from the future");
	ok(s->findings[0].class == CERTSCAN_CLOCK && strstr(s->findings[0].text, "2027-02-28"),
	    "of the clock, with the first moment that is valid");
	s = scan_at(&p, PKI_NOW_USEC, s);
	ok_int(s->n_findings, 0, "none once the clock is right");
	ok(!s->was_read, "nothing of that was read again");
	s = scan_at(&p, PKI_NOW_USEC + 366 * USEC_PER_DAY, s);
	ok_int(s->n_findings, 18, "a year later each short-lived one has expired, once");
	ok(find(s, CERTSCAN_EXPIRED, CERTS "/kubelet-csr-signer-signer/csr-signer/ca.crt"),
	    "also the signer between");
	ok(!find(s, CERTSCAN_EXPIRED, RESOURCES "/kube-scheduler/kubeconfig"),
	    "copies are not said again");
}

static void
test_cache(void)
{
	_cleanup_tmpdir_ struct tmpdir root = tmpdir_make();
	_cleanup_pki_ struct pki p;
	_cleanup_(certscan_freep) struct certscan *s = NULL;
	char signers[SHA256_BYTES];

	pki_open(&p, &root);
	s = scan_at(&p, PKI_NOW_USEC, NULL);
	text_copy(signers, sizeof(signers), s->signers_sha256);
	s = scan_at(&p, PKI_NOW_USEC + USEC_PER_MINUTE, s);
	ok(!s->was_read, "nothing has changed, nothing is read");
	ok_int(s->now_usec, PKI_NOW_USEC + USEC_PER_MINUTE, "it is judged again");
	make_other_key(&p);
	s = scan_at(&p, PKI_NOW_USEC, s);
	ok(s->was_read && s->n_findings == 1, "a key that was replaced is seen");
	ok_str(s->signers_sha256, signers, "the ten-year signers are the same");
	pki_put(&p, PKI_RESOURCES "/extra/kubeconfig", "");
	s = scan_at(&p, PKI_NOW_USEC, s);
	ok(s->was_read && s->n_findings == 2, "a new directory is seen");
	s = scan_at(&p, PKI_NOW_USEC, s);
	ok(!s->was_read && s->n_findings == 2, "what was found before is still there");
	make_new_ca(&p);
	s = scan_at(&p, PKI_NOW_USEC, s);
	ok(s->was_read && !streq(s->signers_sha256, signers), "a new ten-year signer is seen");
}

/* The next process takes over what this one knows. */
static void
test_json(void)
{
	_cleanup_tmpdir_ struct tmpdir root = tmpdir_make();
	_cleanup_pki_ struct pki p;
	_cleanup_(certscan_freep) struct certscan *s = NULL;
	_cleanup_(certscan_freep) struct certscan *read = NULL;
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_json_ cJSON *again = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *same = NULL;
	struct fault f;

	pki_open(&p, &root);
	make_user_expiring(&p);
	pki_put(&p, PKI_CERTS "/" SCHEDULER ".crt", "");
	s = scan_at(&p, PKI_NOW_USEC, NULL);
	json = certscan_to_json(s);
	text = json_print(json, false);
	ok(text && !strstr(text, "BEGIN") && !strstr(text, "PRIVATE"), "no PEM in it");
	ok_int(certscan_parse(text, strlen(text), &read, &f), 0, "it is read back");
	again = certscan_to_json(read);
	same = json_print(again, false);
	ok_str(same, text, "and is the same");
	read = scan_at(&p, PKI_NOW_USEC, TAKE_PTR(read));
	ok(!read->was_read, "with it nothing is read");
	ok_int(read->n_findings, s->n_findings, "the findings are the same");
	ok(find(read, CERTSCAN_EXPIRING, "/etc/pki/edge.crt")->severity == CERTSCAN_WARNING &&
		find(read, CERTSCAN_EMPTY, CERTS "/" SCHEDULER ".crt")->severity ==
		    CERTSCAN_ERROR,
	    "with their severities");
	ok_int(certscan_parse("{\"version\":2}", 13, &read, &f), -EINVAL, "another version");
	ok_int(certscan_parse(text, strlen(text) - 1, &read, &f), -EINVAL, "a cut one");
	ok_int(certscan_parse("{}", 2, &read, &f), -EINVAL, "an empty one");
}

/* What a configuration says of the node itself. */
static void
test_node(void)
{
	_cleanup_tmpdir_ struct tmpdir root = tmpdir_make();
	_cleanup_pki_ struct pki p;
	_cleanup_(certscan_freep) struct certscan *s = NULL;
	struct certscan_options options = { .root = root.path, .now_usec = PKI_NOW_USEC };
	struct fault f;

	pki_open(&p, &root);
	assert(certscan_run(&options, NULL, &s, &f) == 0);
	ok_int(s->n_findings, 0, "without addresses nothing is compared");
	pki_put(&p, "etc/microshift/config.yaml",
	    "node: {nodeIP: 192.0.2.77}\ningress: {certificateSecret: router-certs}\n");
	s = scan_at(&p, PKI_NOW_USEC, s);
	ok_int(s->n_findings, 2, "a configured address counts, not those of the machine");
	ok(strstr(s->findings[0].text, "192.0.2.77"), "it is named");
	ok_str(s->ingress_secret, "router-certs", "the router's own is noted");
	pki_put(&p, "etc/microshift/config.d/90.yaml",
	    "apiServer: {advertiseAddress: 192.0.2.77}\n");
	s = scan_at(&p, PKI_NOW_USEC, s);
	ok_int(s->n_findings, 1, "MicroShift leaves it out of the API's on purpose");
	ok(find(s, CERTSCAN_WRONG_NAME,
	       CERTS "/kubelet-csr-signer-signer/csr-signer/kubelet-server/server.crt"),
	    "but not of kubelet's");
	pki_put(&p, "etc/microshift/config.yaml", "node: {nodeIP: " PKI_NODE_IP "}\n");
	pki_make(&p, "kube-apiserver-external-signer",
	    PKI_CERTS "/kube-apiserver-external-signer/kube-external-serving/server",
	    &(const struct pki_spec){
		.cn = "x", .names = "DNS:" PKI_NODE_NAME ",IP:2001:db8::1" });
	pki_put(&p, "etc/microshift/config.yaml", "node: {nodeIP: '2001:DB8:0::0001'}\n");
	s = scan_at(&p, PKI_NOW_USEC, s);
	ok_int(s->n_findings, 1, "an address may be written in more than one way");
	ok_int(s->api_port, CERTSCAN_API_PORT, "the usual port");
	pki_put(&p, "etc/microshift/config.yaml",
	    "node: {nodeIP: '2001:db8::1'}\napiServer: {port: 7443}\n");
	s = scan_at(&p, PKI_NOW_USEC, s);
	ok_int(s->api_port, 7443, "another one");
	pki_done(&p);
	pki_open(&p, &root);
	pki_put(&p, "etc/microshift/config.yaml", "");
	assert(unlinkat(root.fd, "var/lib/microshift/.nodename", 0) == 0);
	options.hostname = "other";
	assert(certscan_run(&options, TAKE_PTR(s), &s, &f) == 0);
	ok_int(s->n_findings, 2, "the host's name, when nothing else names the node");
}

/* One certificate with everything at its limit. */
static void
test_long_names(void)
{
	_cleanup_tmpdir_ struct tmpdir root = tmpdir_make();
	_cleanup_pki_ struct pki p;
	_cleanup_(certscan_freep) struct certscan *s = NULL;
	_cleanup_free_ char *names = NULL;
	const struct certscan_certificate *c;
	size_t size = 0;
	FILE *f = open_memstream(&names, &size);

	for (size_t i = 0; i <= CERTFILE_NAMES_MAX; i++)
		fprintf(f, "%sDNS:n%zu.example", i > 0 ? "," : "", i);
	assert(fclose(f) == 0);
	pki_open(&p, &root);
	pki_make(&p, "ingress-ca", PKI_CERTS "/ingress-ca/router-default-serving/server",
	    &(const struct pki_spec){ .cn = "na\xc3\xafve \x1b[31m", .names = names });
	s = scan_at(&p, PKI_NOW_USEC, NULL);
	c = certificate(s, CERTS "/ingress-ca/router-default-serving/server.crt");
	ok_int(strv_length(c->names), CERTFILE_NAMES_MAX, "so many names are listed");
	ok_str(c->subject, "CN=na\\C3\\AFve \\1B[31m", "what is not printable is escaped");
	ok_int(s->n_findings, 0, "nothing is wrong with that");
}

static void
test_limits(void)
{
	_cleanup_tmpdir_ struct tmpdir root = tmpdir_make();
	_cleanup_pki_ struct pki p;
	_cleanup_(certscan_freep) struct certscan *s = NULL;
	_cleanup_free_ char *ca = NULL;
	_cleanup_free_ char *large = NULL;
	const char *path = PKI_CERTS "/ca-bundle/client-ca.crt";
	const struct certscan_finding *f;
	size_t n;

	pki_open(&p, &root);
	ca = pki_get(&p, PKI_CERTS "/etcd-signer/ca.crt");
	n = strlen(ca);
	large = calloc(CERTSCAN_CHAIN_MAX + 2, n);
	for (size_t i = 0; i <= CERTSCAN_CHAIN_MAX; i++)
		memcpy(large + i * n, ca, n);
	pki_put(&p, path, large);
	s = scan_at(&p, PKI_NOW_USEC, NULL);
	f = find(s, CERTSCAN_UNPARSABLE, CERTS "/ca-bundle/client-ca.crt");
	ok(f && strstr(f->text, "more certificates"), "one certificate too many in a file");

	large[CERTSCAN_CHAIN_MAX * n] = '\0';
	for (size_t i = 0; i * CERTSCAN_CHAIN_MAX <= CERTSCAN_CERTIFICATES_MAX; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), PKI_CERTS "/ca-bundle/z%zu.crt", i);
		pki_put(&p, name, large);
	}
	s = scan_at(&p, PKI_NOW_USEC, s);
	ok_int(s->n_certificates, CERTSCAN_CERTIFICATES_MAX, "too many in all files");
	ok(find(s, CERTSCAN_UNREADABLE, CERTS), "is said");
	assert(io_remove_tree(root.fd, PKI_CERTS "/ca-bundle") == 0);

	free(large);
	large = calloc(1, CERTSCAN_FILE_MAX_BYTES + 2);
	memset(large, '#', CERTSCAN_FILE_MAX_BYTES + 1);
	pki_put(&p, path, large);
	large[NODECONF_MAX_BYTES + 1] = '\0';
	pki_put(&p, "etc/microshift/config.yaml", large);
	s = scan_at(&p, PKI_NOW_USEC, s);
	f = find(s, CERTSCAN_UNREADABLE, CERTS "/ca-bundle/client-ca.crt");
	ok(f && strstr(f->text, "larger"), "one byte too many");
	ok(find(s, CERTSCAN_UNREADABLE, "/etc/microshift/config.yaml"),
	    "also in a configuration");
	ok_int(certscan_parse(large, CERTSCAN_JSON_MAX_BYTES + 1, &s, NULL), -EINVAL,
	    "and in a scan of before");

	pki_make_bundles(&p);
	for (size_t i = 0; i < CERTSCAN_FILES_MAX; i++) {
		char name[128];

		(void)snprintf(name, sizeof(name), PKI_CERTS "/x/%zu", i);
		assert(io_mkdir_p(root.fd, name, 0755) == 0);
	}
	s = scan_at(&p, PKI_NOW_USEC, s);
	f = find(s, CERTSCAN_UNREADABLE, CERTS);
	ok(f && strstr(f->text, "more files"), "too many directories");
	ok(certificate(s, CERTS "/" SCHEDULER ".crt") != NULL, "what came before is listed");
}

int
main(void)
{
	test_good();
	test_nothing();
	test_defects();
	test_clock();
	test_cache();
	test_json();
	test_node();
	test_long_names();
	test_limits();
	return tap_done();
}
