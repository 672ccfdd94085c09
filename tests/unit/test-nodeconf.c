/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>

#include "capture/certs/nodeconf.h"
#include "lib/fault.h"
#include "lib/text.h"

static int
merge(struct nodeconf *conf, const char *text, struct fault *reterr)
{
	return nodeconf_merge(conf, "/etc/c.yaml", text, strlen(text), reterr);
}

static void
test_microshift(void)
{
	struct nodeconf conf = { 0 };
	struct fault f;

	ok_int(merge(&conf,
		   "node:\n  hostnameOverride: edge1\n  nodeIP: 192.0.2.1\n"
		   "apiServer:\n  port: 7443\n  advertiseAddress: 10.44.0.0\n"
		   "  namedCertificates:\n  - certPath: /a.crt\n    keyPath: /a.key\n"
		   "    names: [one, two]\n  - certPath: /b.crt\n"
		   "ingress:\n  certificateSecret: router\n",
		   &f),
	    0, "a configuration");
	ok_str(conf.node_name, "edge1", "name");
	ok_str(conf.node_ip, "192.0.2.1", "address");
	ok_str(conf.api_port, "7443", "port");
	ok_str(conf.advertise_ip, "10.44.0.0", "advertised address");
	ok_str(conf.ingress_secret, "router", "the router's Secret");
	ok_int(conf.n_certificates, 2, "two certificates");
	ok_str(conf.certificates[0].key_path, "/a.key", "a key");
	ok(strv_length(conf.certificates[0].names) == 2 &&
		streq(conf.certificates[0].names[1], "two"),
	    "names");
	ok_str(conf.certificates[1].key_path, "", "no key");

	ok_int(merge(&conf, "node: {nodeIP: 192.0.2.2}\n", &f), 0, "a later file");
	ok_str(conf.node_ip, "192.0.2.2", "replaces");
	ok(streq(conf.node_name, "edge1") && conf.n_certificates == 2, "what it names");
	ok_int(merge(&conf, "apiServer: {namedCertificates: [{certPath: /c.crt}]}\n", &f), 0,
	    "a list");
	ok(conf.n_certificates == 1 && streq(conf.certificates[0].cert_path, "/c.crt"),
	    "replaces the whole list");
	ok_int(merge(&conf, "apiServer: {namedCertificates: []}\n", &f), 0, "an empty list");
	ok_int(conf.n_certificates, 0, "too");
	ok_int(merge(&conf, "", &f), 0, "an empty file");
	ok_int(
	    merge(&conf, "node: [1]\napiServer: {namedCertificates: {a: b}, port: [1]}\n", &f),
	    0, "other types");
	ok_str(conf.node_ip, "192.0.2.2", "say nothing");
	ok_int(merge(&conf, "node:\n\tx: 1\n", &f), -EINVAL, "no YAML");
	ok(strstr(f.text, "'/etc/c.yaml': line 2"), "file and line");
	nodeconf_done(&conf);
}

static void
test_limit(void)
{
	_cleanup_free_ char *text = NULL;
	struct nodeconf conf = { 0 };
	struct fault f;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert(out);
	fprintf(out, "apiServer:\n  namedCertificates:\n");
	for (size_t i = 0; i < NODECONF_CERTIFICATES_MAX; i++)
		fprintf(out, "  - certPath: /c%zu\n", i);
	fflush(out);
	ok_int(merge(&conf, text, &f), 0, "as many certificates as there may be");
	fprintf(out, "  - certPath: /one-more\n");
	assert(fclose(out) == 0);
	ok_int(merge(&conf, text, &f), -E2BIG, "one more");
	ok_int(conf.n_certificates, NODECONF_CERTIFICATES_MAX, "the others stay");
	nodeconf_done(&conf);
}

static void
test_crio(void)
{
	struct nodeconf_tls tls = { 0 };

	ok_int(
	    nodeconf_crio(&tls,
		"[crio.api]\n# stream_tls_key = \"/no\"\nstream_tls_cert = \"/a b.crt\" # x\n"
		"  stream_enable_tls = true# yes\nstream_tls_ca='/ca'\nstream_tls_key\n"),
	    0, "a file");
	ok_str(tls.cert_path, "/a b.crt", "double quotes, a comment behind");
	ok_str(tls.ca_path, "/ca", "single quotes");
	ok(tls.is_enabled && !tls.key_path, "the rest");
	ok_int(nodeconf_crio(&tls, "stream_enable_tls = false\nstream_tls_cert = \"/b"), 0,
	    "a later one");
	ok(!tls.is_enabled && streq(tls.cert_path, "/b"), "replaces");
	nodeconf_tls_done(&tls);
}

static void
test_kubelet(void)
{
	static const char text[] = "tlsCertFile: /s.crt\ntlsPrivateKeyFile: /s.key\n"
				   "authentication: {x509: {clientCAFile: /ca.crt}}\n";
	struct nodeconf_tls tls = { 0 };
	struct fault f;

	ok_int(nodeconf_kubelet("/k", text, strlen(text), &tls, &f), 0, "kubelet's");
	ok_str(tls.cert_path, "/s.crt", "certificate");
	ok_str(tls.key_path, "/s.key", "key");
	ok_str(tls.ca_path, "/ca.crt", "bundle");
	nodeconf_tls_done(&tls);
	ok_int(nodeconf_kubelet("/k", "{", 1, &tls, &f), -EINVAL, "no YAML");
	nodeconf_tls_done(&tls);
}

int
main(void)
{
	test_microshift();
	test_limit();
	test_crio();
	test_kubelet();
	return tap_done();
}
