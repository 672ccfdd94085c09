/* SPDX-License-Identifier: Apache-2.0 */

/* The collector: what reaches the report, and what must not. */

#include "tests/lib/tap.h"

#include "capture/collectors/builtin.h"
#include "capture/summary.h"
#include "lib/json.h"
#include "tests/lib/lab.h"
#include "tests/lib/tlsserver.h"

static const char *const members[] = { "findings.txt", "findings.json", "inventory.txt",
	"inventory.json", "tls.txt", "tls.json" };

static const char *
text_of(const struct lab *lab, const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "sos_commands/certs/%s", name);
	return lab_text(lab, path) ?: "";
}

/* Every file is there, JSON is JSON, and nothing of a key or certificate in any. */
static void
check_members(const struct lab *lab, const struct pki *p)
{
	_cleanup_free_ char *cert =
	    pki_get(p, PKI_CERTS "/kube-control-plane-signer/kube-scheduler/client.crt");
	char body[33] = "";

	/* Some of its base64, behind the first line. */
	text_copy(body, sizeof(body), cert + 128);
	for (size_t i = 0; i < ELEMENTSOF(members); i++) {
		const char *text = text_of(lab, members[i]);
		_cleanup_json_ cJSON *json = NULL;

		ok(text[0], "%s is there", members[i]);
		if (!ok(!strstr(text, "BEGIN") && !strstr(text, "[REDACTED") &&
			    !strstr(text, body),
			"with nothing that had to be removed"))
			printf("# %s\n", strstr(text, "[REDACTED") ?: "");
		if (text_has_suffix(members[i], ".json"))
			ok(json_parse(text, strlen(text), &json, NULL) == 0, "it is JSON");
	}
}

static void
put_port(struct lab *lab, unsigned port)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "apiServer: {port: %u}\n", port);
	lab_put(lab, "etc/microshift/config.yaml", text);
}

static void
test_good(void)
{
	_cleanup_lab_ struct lab lab;
	_cleanup_pki_ struct pki p;
	struct server s;

	lab_open(&lab);
	pki_open_at(&p, &lab.root, time(NULL));
	s = start(&p, MANNER_TLS, 0, 3);
	put_port(&lab, s.port);
	ok(certs_collector.applies(&certs_collector, &lab.ctx, NULL), "it applies");
	ok_int(certs_collector.run(&certs_collector, &lab.ctx, &lab.ctx.record->fault),
	    OUTCOME_OK, "it runs");
	stop(s);
	lab_close(&lab);
	check_members(&lab, &p);
	ok(strstr(text_of(&lab, "findings.txt"), "Nothing is wrong with "), "nothing is wrong");
	ok(strstr(text_of(&lab, "inventory.txt"), "CN=system:kube-scheduler"), "who is who");
	ok(strstr(text_of(&lab, "inventory.json"), "\"key_matches\":\t\"yes\""),
	    "for machines");
	ok(lab_has_note(&lab, " 0 findings"), "a note");
	if (!ok(lab_has_note(&lab, "TLS: the API, for MicroShift itself"), "the API") ||
	    !ok(lab_has_note(&lab, "good, TLSv1.3, answers 'HTTP/1.0 200 OK'"), "is good"))
		lab_print(&lab);
	ok(lab_has_note(&lab, "'kubernetes.default.svc'): tls-unknown-authority"),
	    "the same server is not good for pods");
	ok(strstr(text_of(&lab, "tls.txt"), "read server certificate"), "a transcript");
}

static void
test_broken(void)
{
	_cleanup_lab_ struct lab lab;
	_cleanup_pki_ struct pki p;
	_cleanup_free_ char *summary = NULL;
	struct server s;

	lab_open(&lab);
	pki_open_at(&p, &lab.root, time(NULL));
	s = start(&p, MANNER_TLS, 0, 1);
	stop(s);
	put_port(&lab, s.port);
	lab_put(&lab, PKI_CERTS "/ca-bundle/client-ca.crt", "");
	ok_int(certs_collector.run(&certs_collector, &lab.ctx, &lab.ctx.record->fault),
	    OUTCOME_OK, "what is broken is found, the collector is fine");
	lab_close(&lab);
	check_members(&lab, &p);
	ok(strstr(text_of(&lab, "findings.txt"),
	       "error: empty-bundle: /var/lib/microshift/certs/ca-bundle/client-ca.crt\n"),
	    "a finding for people");
	ok(strstr(text_of(&lab, "findings.json"), "\"class\":\t\"empty-bundle\""),
	    "and for programs");
	free(lab.ctx.record->name);
	lab.ctx.record->name = strdup("certs");
	summary = summary_format(&lab.manifest, NULL);
	ok(summary && strstr(summary, "\nCertificates\n  certificates: ") &&
		strstr(summary, "\n  error: empty-bundle: '/var/lib/microshift/") &&
		strstr(summary, "'localhost'): refused: nothing listens there\n"),
	    "and in the summary");
}

static void
test_nothing(void)
{
	_cleanup_lab_ struct lab lab;
	struct fault f;

	lab_open(&lab);
	ok(!certs_collector.applies(&certs_collector, &lab.ctx, &f), "no MicroShift");
	ok(strstr(f.text, "/var/lib/microshift"), "the reason");
	lab_put(&lab, "etc/microshift/ovn.yaml", "");
	ok(certs_collector.applies(&certs_collector, &lab.ctx, &f), "not started yet");
	ok_int(certs_collector.run(&certs_collector, &lab.ctx, &f), OUTCOME_OK, "is fine");
	lab_close(&lab);
	ok(!lab_find(&lab, "sos_commands/certs/tls.txt"), "then no server is tried");
}

int
main(void)
{
	test_good();
	test_broken();
	test_nothing();
	return tap_done();
}
