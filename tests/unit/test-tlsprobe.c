/* SPDX-License-Identifier: Apache-2.0 */

/* Each way in which a handshake can go wrong, with a real server in a process of its own. */

#include "tests/lib/tap.h"

#include "capture/certs/certscan.h"
#include "capture/certs/tlsprobe.h"
#include "tests/lib/tlsserver.h"

#define CLIENT	   "/" PKI_CERTS "/etcd-signer/apiserver-etcd-client/client"
/* Long enough that no test gets there unless it is about that. */
#define PATIENCE   (60 * USEC_PER_SEC)
/* What a hung server is waited for. */
#define IMPATIENCE (200 * USEC_PER_MSEC)

static const struct tlsprobe_target usual = {
	.what = "a server",
	.address = "127.0.0.1",
	.server_name = "localhost",
	.ca_path = "/" PKI_CERTS "/" LOCALHOST "/ca.crt",
	.request = "/healthz",
};

/* Tries TARGET against a server of MANNER. */
static struct tlsprobe_result
try_it(
    const struct pki *p, const struct tlsprobe_target *target, enum manner manner, int version)
{
	struct server s = start(p, manner, version, 1);
	bool is_silent = manner == MANNER_HANG || manner == MANNER_DUMB;
	struct tlsprobe_target t = *target;
	struct tlsprobe_result result;

	t.port = s.port;
	tlsprobe_run(
	    p->root->fd, &t, 1, PKI_NOW_USEC, is_silent ? IMPATIENCE : PATIENCE, &result);
	stop(s);
	return result;
}

static bool
has_step(const struct tlsprobe_result *r, const char *text)
{
	for (char *const *s = r->steps; s && *s; s++)
		if (strstr(*s, text))
			return true;
	return false;
}

static void
expect(struct tlsprobe_result r, enum kube_failure failure, const char *word, const char *name)
{
	bool same =
	    ok_str(kube_failure_name(r.failure), kube_failure_name(failure), "%s", name);

	same = ok(!word || strstr(r.fault.text, word), "its sentence") && same;
	if (!same)
		printf("# %s\n", r.fault.text);
	tlsprobe_done(&r);
}

static void
test_good(const struct pki *p, int version, const char *name)
{
	struct tlsprobe_result r = try_it(p, &usual, MANNER_TLS, version);

	if (!ok_str(kube_failure_name(r.failure), "", "a good server"))
		printf("# %s\n", r.fault.text);
	ok_str(r.protocol, name, "protocol");
	ok(r.cipher[0], "cipher");
	ok_str(r.answer, "HTTP/1.0 200 OK", "the answer");
	ok_int(r.n_chain, 2, "the chain is what it presented");
	ok(r.n_chain > 0 && streq(r.chain[0].subject, "CN=localhost") &&
		streq(r.chain[0].names[0], "DNS:localhost"),
	    "its own certificate first");
	ok(!r.client_was_asked, "no certificate was asked for");
	ok(has_step(&r, "client hello") && has_step(&r, "server certificate"), "a transcript");
	tlsprobe_done(&r);
}

static void
test_clients(const struct pki *p, int version)
{
	struct tlsprobe_target with = usual, other = usual;
	struct tlsprobe_result r;

	with.cert_path = CLIENT ".crt";
	with.key_path = CLIENT ".key";
	r = try_it(p, &with, MANNER_MUTUAL, version);
	ok(r.client_was_asked, "a certificate was asked for");
	expect(r, KUBE_FAILURE_NONE, NULL, "and taken");
	r = try_it(p, &usual, MANNER_MUTUAL, version);
	ok(has_step(&r, "received alert"), "the alert is in the transcript");
	expect(r, KUBE_FAILURE_TLS_CLIENT, "without certificate", "a client without one");
	other.cert_path = "/" PKI_CERTS "/aggregator-signer/aggregator-client/client.crt";
	other.key_path = "/" PKI_CERTS "/aggregator-signer/aggregator-client/client.key";
	r = try_it(p, &other, MANNER_MUTUAL, version);
	expect(r, KUBE_FAILURE_TLS_CLIENT, "unknown ca", "a client of another authority");
	other.key_path = with.key_path;
	r = try_it(p, &other, MANNER_TLS, version);
	expect(r, KUBE_FAILURE_LOCAL, "client.crt", "a key that is not the client's");
}

/* The server's certificate is wrong. */
static void
test_wrong(struct pki *p)
{
	struct tlsprobe_target t = usual;
	struct tlsprobe_result r;

	t.server_name = "edge1.example.com";
	r = try_it(p, &t, MANNER_TLS, 0);
	ok(r.n_chain == 2 && r.protocol[0], "the handshake is seen to its end");
	ok_str(r.answer, "", "but nothing is asked");
	expect(r, KUBE_FAILURE_TLS_NAME, "edge1.example.com", "another name");
	t.server_name = "127.0.0.1";
	expect(try_it(p, &t, MANNER_TLS, 0), KUBE_FAILURE_TLS_NAME, "IP address", "an address");
	t = usual;
	t.ca_path = "/" PKI_CERTS "/etcd-signer/ca.crt";
	expect(try_it(p, &t, MANNER_TLS, 0), KUBE_FAILURE_TLS_AUTHORITY, "etcd-signer",
	    "another authority");
	t.ca_path = "/" PKI_CERTS "/gone.crt";
	expect(try_it(p, &t, MANNER_TLS, 0), KUBE_FAILURE_LOCAL, "gone.crt", "no authority");

	pki_make(p, LOCALHOST, SERVING,
	    &(const struct pki_spec){ .cn = "localhost",
		.names = "DNS:localhost",
		.start_s = PKI_NOW_S - 9 * PKI_DAY_S,
		.end_s = PKI_NOW_S - 60 });
	r = try_it(p, &usual, MANNER_TLS, 0);
	ok_int(r.n_chain > 0 ? r.chain[0].not_after_usec : 0, PKI_NOW_USEC - 60 * USEC_PER_SEC,
	    "until when it was valid");
	expect(r, KUBE_FAILURE_TLS_EXPIRED, "expired", "expired");
	pki_make(p, LOCALHOST, SERVING,
	    &(const struct pki_spec){
		.cn = "localhost", .names = "DNS:localhost", .start_s = PKI_NOW_S + 60 });
	expect(try_it(p, &usual, MANNER_TLS, 0), KUBE_FAILURE_TLS_NOT_YET, "not yet valid",
	    "not yet valid");
}

/* There is no TLS server. */
static void
test_none(const struct pki *p)
{
	struct tlsprobe_target t = usual;
	struct tlsprobe_result r;
	struct server s;

	expect(try_it(p, &t, MANNER_PLAIN, 0), KUBE_FAILURE_BAD_ANSWER, "does not speak TLS",
	    "plain HTTP");
	expect(try_it(p, &t, MANNER_HANG_UP, 0), KUBE_FAILURE_RESET, "during the handshake",
	    "it hangs up");
	r = try_it(p, &t, MANNER_HANG, 0);
	ok(has_step(&r, "client hello"), "how far it went");
	expect(r, KUBE_FAILURE_TIMEOUT, "200ms", "it says nothing");
	expect(try_it(p, &t, MANNER_DUMB, 0), KUBE_FAILURE_TIMEOUT, "answer", "no answer");
	s = start(p, MANNER_TLS, 0, 1);
	stop(s);
	t.port = s.port;
	tlsprobe_run(p->root->fd, &t, 1, PKI_NOW_USEC, PATIENCE, &r);
	expect(r, KUBE_FAILURE_REFUSED, "nothing listens", "a closed port");
}

/* One that hangs does not keep the others: it only goes on when they are through. */
static void
test_many(const struct pki *p)
{
	struct server servers[TLSPROBE_TARGETS_MAX];
	struct tlsprobe_target targets[TLSPROBE_TARGETS_MAX];
	struct tlsprobe_result results[TLSPROBE_TARGETS_MAX];
	size_t good = 0;

	assert(pipe(alive) == 0);
	for (size_t i = 0; i < TLSPROBE_TARGETS_MAX; i++) {
		servers[i] = start(p, i == 0 ? MANNER_LAST : MANNER_TLS, 0, 1);
		targets[i] = usual;
		targets[i].port = servers[i].port;
	}
	(void)close(alive[1]);
	tlsprobe_run(
	    p->root->fd, targets, TLSPROBE_TARGETS_MAX, PKI_NOW_USEC, PATIENCE, results);
	ok_int(results[0].failure, KUBE_FAILURE_RESET, "the one that hangs");
	for (size_t i = 0; i < TLSPROBE_TARGETS_MAX; i++) {
		good += results[i].failure == KUBE_FAILURE_NONE;
		tlsprobe_done(&results[i]);
		stop(servers[i]);
	}
	(void)close(alive[0]);
	ok_int(good, TLSPROBE_TARGETS_MAX - 1, "the others");
}

/* A chain that is longer than any. */
static void
test_long_chain(struct pki *p)
{
	_cleanup_free_ char *cert = pki_get(p, SERVING ".crt");
	_cleanup_free_ char *ca = pki_get(p, PKI_CERTS "/" LOCALHOST "/ca.crt");
	_cleanup_free_ char *many =
	    text_format("%s%s%s%s%s%s%s%s%s%s%s", cert, ca, ca, ca, ca, ca, ca, ca, ca, ca, ca);
	struct tlsprobe_result r;

	pki_put(p, SERVING ".crt", many);
	r = try_it(p, &usual, MANNER_TLS, 0);
	ok_int(r.n_chain, TLSPROBE_CHAIN_MAX, "so many certificates are listed");
	expect(r, KUBE_FAILURE_NONE, NULL, "nothing is wrong with that");
	pki_put(p, SERVING ".crt", cert);
}

int
main(void)
{
	_cleanup_tmpdir_ struct tmpdir root = tmpdir_make();
	_cleanup_pki_ struct pki p;

	pki_open(&p, &root);
	test_good(&p, TLS1_2_VERSION, "TLSv1.2");
	test_good(&p, TLS1_3_VERSION, "TLSv1.3");
	test_clients(&p, TLS1_2_VERSION);
	test_clients(&p, TLS1_3_VERSION);
	test_none(&p);
	test_many(&p);
	test_long_chain(&p);
	test_wrong(&p);
	return tap_done();
}
