/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <sys/stat.h>

#include "capture/kube/kubeconfig.h"
#include "lib/fault.h"
#include "lib/text.h"
#include "tests/lib/tmpdir.h"

#define CA   "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==" /* -----BEGIN CERTIFICATE----- */
#define CERT CA
#define KEY                                                                                    \
 "LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS0tLS0tCg==" /* -----BEGIN EC PRIVATE KEY-----              \
						 */

#define CONTEXT		"current-context: c\ncontexts:\n- name: c\n  context: {cluster: k, user: u}\n"
#define CLUSTER(fields) "clusters:\n- name: k\n  cluster:\n" fields
#define USER(fields)	"users:\n- name: u\n  user:\n" fields
#define GOOD_CLUSTER                                                                           \
 CLUSTER("    server: https://h:6443\n    certificate-authority-data: " CA "\n")
#define GOOD_USER USER("    client-certificate-data: " CERT "\n    client-key-data: " KEY "\n")

static int
parse(const char *text, struct kubeconfig **ret, struct fault *reterr)
{
	*ret = NULL;
	*reterr = (struct fault){ 0 };
	return kubeconfig_parse("/k/config", text, strlen(text), ret, reterr);
}

static void
test_loopback(void)
{
	_cleanup_(kubeconfig_freep) struct kubeconfig *k = NULL;

	assert(kubeconfig_loopback(10248, &k) == 0);
	ok_str(k->server, "http://127.0.0.1:10248", "a server on this machine");
	ok(streq(k->host, "127.0.0.1") && k->port == 10248 && !k->is_tls && !k->key.data,
	    "asks for no credentials");
}

static void
test_good(void)
{
	_cleanup_(kubeconfig_freep) struct kubeconfig *k = NULL;
	struct fault fault;

	ok_int(parse(CONTEXT GOOD_CLUSTER GOOD_USER, &k, &fault), 0, "data entries");
	ok_str(k->server, "https://h:6443", "server");
	ok_str(k->host, "h", "host");
	ok_int(k->port, 6443, "port");
	ok_str(k->base_path, "", "no path");
	ok(k->is_tls, "TLS");
	ok_str(k->context, "c", "context");
	ok_str(k->ca.data, "-----BEGIN CERTIFICATE-----\n", "authority");
	ok_str(k->key.data, "-----BEGIN EC PRIVATE KEY-----\n", "key");
	ok(!k->tls_server_name && !k->token.data, "nothing else");
}

static void
test_forms(void)
{
	static const struct {
		const char *name, *text, *host, *base, *token, *server_name;
		unsigned port;
	} cases[] = {
		{ "JSON is YAML",
		    "{\"kind\":\"Config\",\"current-context\":\"c\",\"contexts\":[{\"name\":\"c\","
		    "\"context\":{\"cluster\":\"k\",\"user\":\"u\"}}],\"clusters\":[{\"name\":\"k\","
		    "\"cluster\":{\"server\":\"https://[::1]:8443/a/b/\"}}],\"users\":[{\"name\":\"u\","
		    "\"user\":{\"token\":\"abc\"}}]}",
		    "::1", "/a/b", "abc", NULL, 8443 },
		{ "token, default port",
		    CONTEXT CLUSTER("    server: https://host.example\n")
			USER("    token: \" t\\n\"\n"),
		    "host.example", "", "t", NULL, 443 },
		{ "server name",
		    CONTEXT CLUSTER("    server: https://1.2.3.4:6443/\n"
				    "    tls-server-name: api.example\n")
			USER("    token: x.y-z\n"),
		    "1.2.3.4", "", "x.y-z", "api.example", 6443 },
		{ "plain to loopback",
		    CONTEXT CLUSTER("    server: http://127.1.2.3:8080\n")
			USER("    token: t\n"),
		    "127.1.2.3", "", "t", NULL, 8080 },
		{ "verification switched off, off",
		    CONTEXT CLUSTER(
			"    server: https://h\n    insecure-skip-tls-verify: false\n")
			USER("    token: t\n    exec: null\n"),
		    "h", "", "t", NULL, 443 },
		{ "the only context",
		    "contexts:\n- name: c\n  context: {cluster: k, user: u}\n" CLUSTER(
			"    server: https://h\n") USER("    token: t\n"),
		    "h", "", "t", NULL, 443 },
		{ "the context in use, not the first",
		    "current-context: two\ncontexts:\n- name: one\n  context: {cluster: x, user: x}\n"
		    "- name: two\n  context: {cluster: k, user: u, namespace: n}\n"
		    "clusters:\n- name: x\n  cluster: {server: 'https://wrong'}\n"
		    "- name: k\n  cluster: {server: 'https://right'}\n"
		    "users:\n- name: x\n  user: {exec: {command: x}}\n- name: u\n  user: {token: t}\n",
		    "right", "", "t", NULL, 443 },
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_(kubeconfig_freep) struct kubeconfig *k = NULL;
		struct fault fault;

		if (!ok_int(parse(cases[i].text, &k, &fault), 0, "%s", cases[i].name)) {
			(void)printf("# %s\n", fault.text);
			continue;
		}
		ok_str(k->host, cases[i].host, "%s: host", cases[i].name);
		ok_str(k->base_path, cases[i].base, "%s: path", cases[i].name);
		ok_str(k->token.data, cases[i].token, "%s: token", cases[i].name);
		ok_int(k->token.size, strlen(cases[i].token), "%s: its size", cases[i].name);
		ok_str(k->tls_server_name, cases[i].server_name, "%s: name", cases[i].name);
		ok_int(k->port, cases[i].port, "%s: port", cases[i].name);
	}
}

static void
test_bad(void)
{
	static const struct {
		const char *text;
		int code;
		const char *message; /* without the path */
	} cases[] = {
		{ "", -EINVAL, "is no kubeconfig" },
		{ "- a\n", -EINVAL, "is no kubeconfig" },
		{ "a: [", -EINVAL, "line 2: not YAML: did not find expected node content" },
		{ "kind: Pod\n", -EINVAL, "kind: is not Config" },
		{ "kind: Config\n", -EINVAL,
		    "current-context: is missing, and there is not just one context" },
		{ "current-context: c\n", -EINVAL, "contexts: there is no such list" },
		{ "current-context: x\ncontexts: []\n", -EINVAL,
		    "contexts: there is none named 'x'" },
		{ "current-context: [x]\n", -EINVAL, "current-context: a text is expected" },
		{ "current-context: c\ncontexts:\n- name: c\n", -EINVAL,
		    "context 'c', context: is missing or no mapping" },
		{ "current-context: c\ncontexts:\n- name: c\n  context: {user: u}\n", -EINVAL,
		    "context 'c', cluster: is missing" },
		{ CONTEXT "clusters: []\n", -EINVAL, "clusters: there is none named 'k'" },
		{ CONTEXT CLUSTER("    x: y\n"), -EINVAL, "cluster 'k', server: is missing" },
		{ CONTEXT CLUSTER("    server: h:6443\n"), -EINVAL,
		    "cluster 'k', server: is no https:// address" },
		{ CONTEXT CLUSTER("    server: https://u:p@h\n"), -EINVAL,
		    "cluster 'k', server: has no host, or a port that is none" },
		{ CONTEXT CLUSTER("    server: https://h:99999\n"), -EINVAL,
		    "cluster 'k', server: has no host, or a port that is none" },
		{ CONTEXT CLUSTER("    server: https://h?x\n"), -EINVAL,
		    "cluster 'k', server: has a character that it cannot have" },
		{ CONTEXT CLUSTER("    server: http://10.0.0.1\n"), -EOPNOTSUPP,
		    "cluster 'k', server: plain http is only used to this host, since credentials "
		    "are sent" },
		{ CONTEXT CLUSTER("    server: http://127.0.0.1.example\n"), -EOPNOTSUPP,
		    "cluster 'k', server: plain http is only used to this host, since credentials "
		    "are sent" },
		{ CONTEXT CLUSTER(
		      "    server: https://h\n    insecure-skip-tls-verify: true\n"),
		    -EOPNOTSUPP,
		    "cluster 'k', insecure-skip-tls-verify: credentials are not sent to a server "
		    "that is not verified" },
		{ CONTEXT CLUSTER("    server: https://h\n    proxy-url: http://p\n"),
		    -EOPNOTSUPP, "cluster 'k', proxy-url: the API is only asked directly" },
		{ CONTEXT CLUSTER("    server: https://h\n    tls-server-name: a/b\n"), -EINVAL,
		    "cluster 'k', tls-server-name: is no host name" },
		{ CONTEXT CLUSTER(
		      "    server: https://h\n    certificate-authority-data: '%%'\n"),
		    -EINVAL, "cluster 'k', certificate-authority-data: is not base64" },
		{ CONTEXT CLUSTER(
		      "    server: https://h\n    certificate-authority-data: aGFsbG8=\n"),
		    -EINVAL,
		    "cluster 'k', certificate-authority-data: holds no PEM "
		    "'-----BEGIN CERTIFICATE-----'" },
		{ CONTEXT CLUSTER(
		      "    server: https://h\n    certificate-authority: none.pem\n"),
		    -ENOENT,
		    "cluster 'k', certificate-authority: cannot read '/k/none.pem': No such file "
		    "or directory" },
		{ CONTEXT GOOD_CLUSTER, -EINVAL, "users: there is no such list" },
		{ CONTEXT GOOD_CLUSTER USER("    {}\n"), -EINVAL,
		    "user 'u', client-certificate: there is neither certificate nor token to log "
		    "in with" },
		{ CONTEXT GOOD_CLUSTER USER("    client-certificate-data: " CERT "\n"), -EINVAL,
		    "user 'u', client-key: is missing, but there is a certificate" },
		{ CONTEXT GOOD_CLUSTER USER("    client-key-data: " KEY "\n"), -EINVAL,
		    "user 'u', client-certificate: is missing, but there is a key" },
		{ CONTEXT GOOD_CLUSTER USER("    exec: {command: aws}\n"), -EOPNOTSUPP,
		    "user 'u', exec: programs are not run to get credentials" },
		{ CONTEXT GOOD_CLUSTER USER("    auth-provider: {name: gcp}\n"), -EOPNOTSUPP,
		    "user 'u', auth-provider: providers of credentials are not supported" },
		{ CONTEXT GOOD_CLUSTER USER("    username: a\n    password: b\n"), -EOPNOTSUPP,
		    "user 'u', username: the API has no passwords since Kubernetes 1.19" },
		{ CONTEXT GOOD_CLUSTER USER("    as: admin\n    token: t\n"), -EOPNOTSUPP,
		    "user 'u', as: impersonation is not supported" },
		{ CONTEXT GOOD_CLUSTER USER("    token: \"a\\r\\nHost: evil\"\n"), -EINVAL,
		    "user 'u', token: has a character that no token has" },
		{ CONTEXT GOOD_CLUSTER USER("    token: ' '\n"), -EINVAL,
		    "user 'u', token: is empty" },
		{ CONTEXT GOOD_CLUSTER USER("    token: \"a\\0b\"\n"), -EINVAL,
		    "user 'u', token: has a NUL byte" },
		{ CONTEXT GOOD_CLUSTER USER("    tokenFile: /\n"), -EINVAL,
		    "user 'u', tokenFile: cannot read '/': Invalid argument" },
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_(kubeconfig_freep) struct kubeconfig *k = NULL;
		struct fault fault;
		char want[FAULT_TEXT_MAX_BYTES];

		(void)snprintf(want, sizeof(want), "'/k/config': %s", cases[i].message);
		ok_int(parse(cases[i].text, &k, &fault), cases[i].code, "refused: %s",
		    cases[i].message);
		ok_str(fault.text, want, "and it says why");
	}
}

static void
test_files(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_(kubeconfig_freep) struct kubeconfig *k = NULL;
	_cleanup_free_ char *path = text_format("%s/kubeconfig", t.path);
	_cleanup_free_ char *big = NULL;
	struct fault fault = { 0 };

	tmpdir_put(&t, "ca.pem", "text\n-----BEGIN CERTIFICATE-----\n");
	tmpdir_put(&t, "token", "secret\n");
	tmpdir_put(&t, "kubeconfig",
	    CONTEXT CLUSTER("    server: https://h\n    certificate-authority: ca.pem\n")
		USER("    tokenFile: token\n    token: other\n"));
	ok_int(kubeconfig_load(path, &k, &fault), 0, "files beside the kubeconfig");
	ok_str(k->token.data, "secret", "the token's file wins");
	ok(strstr(k->ca.data, "BEGIN"), "authority from its file");
	kubeconfig_free(TAKE_PTR(k));

	tmpdir_put(&t, "token", "");
	ok_int(kubeconfig_load(path, &k, &fault), -EINVAL, "a file that is empty");
	ok(strstr(fault.text, "user 'u', tokenFile: '") && strstr(fault.text, "is empty"),
	    "is named: %s", fault.text);

	big = calloc(1, KUBECONFIG_MAX_BYTES + 2);
	memset(big, '#', KUBECONFIG_MAX_BYTES + 1);
	tmpdir_put(&t, "kubeconfig", big);
	ok_int(kubeconfig_load(path, &k, &fault), -EFBIG, "too large");
	ok_int(kubeconfig_load("/nowhere/k", &k, &fault), -ENOENT, "no file");
	ok_str(fault.text, "Cannot read the kubeconfig '/nowhere/k': No such file or directory",
	    "and it says so");
}

static void
test_candidates(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_(strv_freep) char **found = NULL;
	const char *names[] = { "kubeconfig", "alpha/kubeconfig", "zeta/kubeconfig" };
	char want[128];

	ok_int(kubeconfig_candidates("/nowhere/at/all", &found), 0, "no such directory");
	ok(!found, "gives nothing");
	(void)mkdirat(t.fd, "zeta", 0700);
	(void)mkdirat(t.fd, "alpha", 0700);
	(void)mkdirat(t.fd, "empty", 0700);
	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		tmpdir_put(&t, names[i], "x");
	tmpdir_put(&t, "file", "x");
	ok_int(kubeconfig_candidates(t.path, &found), 0, "a directory with some");
	ok_int(strv_length(found), 3, "finds those that exist");
	for (size_t i = 0; i < ELEMENTSOF(names) && i < strv_length(found); i++) {
		(void)snprintf(want, sizeof(want), "%s/%s", t.path, names[i]);
		ok_str(found[i], want, "in order");
	}
}

static void
test_hostile(void)
{
	_cleanup_(kubeconfig_freep) struct kubeconfig *k = NULL;
	_cleanup_free_ char *deep = calloc(1, 400001);
	struct fault fault;

	memset(deep, '[', 400000);
	ok_int(parse(deep, &k, &fault), -EINVAL, "deep nesting ends");
	for (size_t i = 0; i < 400000; i += 2)
		memcpy(deep + i, "- ", 2);
	ok_int(parse(deep, &k, &fault), -EINVAL, "also in blocks");
	ok_int(parse("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\ncurrent-context: *c\n", &k,
		   &fault),
	    -EINVAL, "aliases are one node");
}

int
main(void)
{
	test_good();
	test_loopback();
	test_forms();
	test_bad();
	test_files();
	test_candidates();
	test_hostile();
	return tap_done();
}
