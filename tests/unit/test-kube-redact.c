/* SPDX-License-Identifier: Apache-2.0 */

/* Secrets out of objects by their structure. */

#include "tests/lib/tap.h"

#include "capture/kube/json.h"
#include "capture/kube/redact.h"
#include "capture/kube/yaml.h"
#include "lib/redact/redact.h"
#include "lib/text.h"

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

static struct kube_redactions counts;

static int
append(const void *data, size_t len, void *userdata)
{
	char **text = userdata;
	size_t before = *text ? strlen(*text) : 0;

	*text = realloc(*text, before + len + 1);
	assert(*text);
	memcpy(*text + before, data, len);
	(*text)[before + len] = '\0';
	return 0;
}

static struct kube_value *
redacted(const char *group, const char *resource, const char *json)
{
	_cleanup_(kube_json_freep) struct kube_json *p = NULL;
	struct kube_value *v;

	counts = (struct kube_redactions){ 0 };
	assert(kube_json_new(KUBE_JSON_DOCUMENT, NULL, &p) == 0);
	assert(kube_json_feed(p, json, strlen(json), NULL) == 0);
	assert(kube_json_finish(p, NULL) == 0);
	v = kube_json_take_head(p);
	ok_int(kube_redact_object(v, group, resource, &counts), 0, "redact %s", resource);
	return v;
}

/* The object as YAML, behind the filter over the whole report, which must change nothing. */
static char *
text_of(const struct kube_value *v)
{
	_cleanup_(kube_yaml_freep) struct kube_yaml *y = NULL;
	_cleanup_(redact_freep) struct redact *filter = NULL;
	_cleanup_free_ char *filtered = NULL;
	char *text = NULL;

	assert(kube_yaml_new(append, &text, &y) == 0);
	assert(kube_yaml_document(y, v) == 0);
	assert(redact_new(append, &filtered, &filter) == 0);
	assert(redact_write(filter, text, strlen(text)) == 0);
	assert(redact_finish(filter) == 0);
	ok_str(filtered, text, "the filter of the report finds nothing more");
	return text;
}

static uint64_t
count_all(void)
{
	uint64_t n = 0;

	for (int i = 0; i < _KUBE_REDACT_KIND_COUNT; i++)
		n += counts.counts[i];
	return n;
}

static void
test_secret(void)
{
	_cleanup_(kube_value_freep) struct kube_value *v = redacted("", "secrets",
	    "{\"metadata\":{\"name\":\"s\",\"annotations\":{\"openshift.io/token-secret.value\":\"abc\","
	    "\"" LAST_APPLIED "\":\"{}\",\"other\":\"stays\"}},\"type\":\"Opaque\",\"data\":{"
	    "\"password\":\"aHVudGVyMg==\",\"empty\":\"\",\"null\":null,\"token\":\"YWJj\","
	    "\"tls.crt\":\"bm90IGEga2V5\",\"ca.crt\":\"LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1JSUUK"
	    "LS0tLS1FTkQgUFJJVkFURSBLRVktLS0tLQo=\"}}");
	_cleanup_free_ char *text = text_of(v);

	ok_str(text,
	    "---\ndata:\n"
	    "  ca.crt: NTkgYnl0ZXMgbG9uZw==\n" /* 59 bytes long: it is a private key */
	    "  empty: MCBieXRlcyBsb25n\n"
	    "  \"null\": MCBieXRlcyBsb25n\n"
	    "  password: NyBieXRlcyBsb25n\n"
	    "  tls.crt: bm90IGEga2V5\n"
	    "  token: MyBieXRlcyBsb25n\n"
	    "metadata:\n  annotations:\n"
	    "    " LAST_APPLIED ": \"\"\n"
	    "    openshift.io/token-secret.value: \"\"\n"
	    "    other: stays\n  name: s\ntype: Opaque\n",
	    "a Secret");
	ok_int(counts.counts[KUBE_REDACT_SECRET_DATA], 5, "values counted");
	ok_int(counts.counts[KUBE_REDACT_ANNOTATION], 2, "annotations counted");
}

static void
test_route(void)
{
	_cleanup_(kube_value_freep) struct kube_value *v = redacted("route.openshift.io",
	    "routes",
	    "{\"metadata\":{\"annotations\":{\"" LAST_APPLIED
	    "\":\"{\\\"apiVersion\\\":\\\"route.openshift.io/v1\\\",\\\"kind\\\":\\\"Route\\\",\\\"spec\\\":"
	    "{\\\"tls\\\":{\\\"key\\\":\\\"planted\\\"}}}\\n\"}},"
	    "\"spec\":{\"tls\":{\"termination\":\"edge\",\"key\":\"planted\",\"certificate\":\"c\"}}}");
	_cleanup_free_ char *text = text_of(v);

	ok(!strstr(text, "planted"), "the key is gone, everywhere");
	ok(strstr(text, "certificate: c\n    termination: edge\n") != NULL, "the rest stays");
	ok_int(counts.counts[KUBE_REDACT_ROUTE_KEY], 1, "key counted");
	ok_int(counts.counts[KUBE_REDACT_LAST_APPLIED], 1, "copy counted");
}

static void
test_proxy(void)
{
	_cleanup_(kube_value_freep) struct kube_value *v = redacted("config.openshift.io",
	    "proxies",
	    "{\"spec\":{\"httpProxy\":\"http://user:pa@ss@proxy:3128\",\"noProxy\":\"a,b\"},"
	    "\"status\":{\"httpsProxy\":\"https://proxy:3128\"}}");

	ok_str(kube_value_string(kube_value_find(v, "spec", "httpProxy", NULL)),
	    "http://user:****@proxy:3128", "the password");
	ok_str(kube_value_string(kube_value_find(v, "status", "httpsProxy", NULL)),
	    "https://proxy:3128", "no password");
	ok_int(count_all(), 1, "counted");
	free(text_of(v));
}

static void
test_configmap(void)
{
	_cleanup_(kube_value_freep) struct kube_value *v = redacted("", "configmaps",
	    "{\"data\":{\"app.conf\":\"user = x\\npassword = hunter2\\nport = 1\\n\","
	    "\"db-password\":\"hunter2\",\"password\":\"\","
	    "\".dockerconfigjson\":\"{\\\"auths\\\":{\\\"q.io\\\":{\\\"auth\\\":\\\"dXNlcjpodW50ZXIy\\\"}}}\","
	    "\"key.pem\":\"-----BEGIN PRIVATE KEY-----\\nMIIEhunter2\\n-----END PRIVATE KEY-----\\n\","
	    "\"plain\":\"just text\"},"
	    "\"binaryData\":{\"k\":\"LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1JSUUK"
	    "LS0tLS1FTkQgUFJJVkFURSBLRVktLS0tLQo=\",\"z\":\"AAEC\"}}");
	_cleanup_free_ char *text = text_of(v);

	ok(!strstr(text, "hunter2") && !strstr(text, "dXNlcjpodW50ZXIy"), "nothing is left");
	ok_str(kube_value_string(kube_value_find(v, "data", "app.conf", NULL)),
	    "user = x\npassword = [REDACTED:password]\nport = 1\n", "only the password");
	ok_str(kube_value_string(kube_value_find(v, "data", "plain", NULL)), "just text",
	    "the rest stays");
	ok_str(kube_value_string(kube_value_find(v, "binaryData", "z", NULL)), "AAEC",
	    "also in base64");
	ok_str(kube_value_string(kube_value_find(v, "binaryData", "k", NULL)),
	    "NTkgYnl0ZXMgbG9uZw==", "a key in base64");
	ok_int(counts.counts[KUBE_REDACT_CONFIGMAP], 5, "counted");
}

static void
test_pod(void)
{
	_cleanup_(kube_value_freep) struct kube_value *v = redacted("apps", "deployments",
	    "{\"metadata\":{\"annotations\":{\"" LAST_APPLIED
	    "\":\"{\\\"spec\\\":{\\\"env\\\":[{\\\"name\\\":\\\"DB_PASSWORD\\\",\\\"value\\\":\\\"hunter2\\\"}]}}\"}},"
	    "\"spec\":{\"template\":{\"spec\":{\"serviceAccountToken\":{\"path\":\"token\"},"
	    "\"imagePullSecrets\":[{\"name\":\"pull\"}],\"containers\":[{\"name\":\"c\","
	    "\"env\":[{\"name\":\"DB_PASSWORD\",\"value\":\"hunter2\"},{\"name\":\"MODE\",\"value\":\"fast\"},"
	    "{\"name\":\"TOKEN_FILE\",\"value\":\"/run/token\"},"
	    "{\"name\":\"API_TOKEN\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"s\",\"key\":\"token\"}}}],"
	    "\"args\":[\"--password=hunter2\",\"--token\",\"hunter2hunter2hunter2\",\"--v=2\"]}]}}}}");
	_cleanup_free_ char *text = text_of(v);

	ok(!strstr(text, "hunter2"), "no password is left");
	ok(strstr(text, "value: fast\n") && strstr(text, "value: /run/token\n") &&
		strstr(text, "- --v=2\n") && strstr(text, "path: token\n") &&
		strstr(text, "key: token\n") && strstr(text, "name: pull\n"),
	    "what is none stays");
	ok_int(counts.counts[KUBE_REDACT_ENV], 1, "env counted");
	ok_int(counts.counts[KUBE_REDACT_FIELD], 2, "arguments counted");
	ok_int(counts.counts[KUBE_REDACT_LAST_APPLIED], 1, "copy counted");
}

static void
test_custom(void)
{
	_cleanup_(kube_value_freep) struct kube_value *v = redacted("example.com", "things",
	    "{\"spec\":{\"adminPassword\":\"hunter2\",\"secretName\":\"my-secret\",\"apiKeys\":[\"hunter2x\"],"
	    "\"url\":\"https://u:hunter2@host/\",\"jwt\":\"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.c2lnbmF0dXJl\","
	    "\"env\":[\"PASSWORD=hunter2\",{\"deep\":{\"password\":\"hunter2\"}}],"
	    "\"args\":[{\"password\":\"hunter2\"}],\"annotations\":{\"x\":{\"password\":\"hunter2\"}},"
	    "\"text\":\"see -----BEGIN RSA PRIVATE KEY-----\\nMIIhunter2\\n-----END RSA PRIVATE KEY-----\\n \","
	    "\"objects\":[{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"stringData\":{\"x\":\"hunter2\"},"
	    "\"data\":{\"x\":\"aHVudGVyMg==\"}}]}}");
	_cleanup_free_ char *text = text_of(v);

	ok(!strstr(text, "hunter2") && !strstr(text, "aHVudGVyMg"), "nothing is left");
	ok(strstr(text, "adminPassword: '[REDACTED:password]'\n") != NULL, "a marker is text");
	ok(strstr(text, "x: NyBieXRlcyBsb25n\n") != NULL, "an embedded Secret");
	ok(strstr(text, "secretName: my-secret\n") != NULL, "the name of a Secret is none");
	ok(counts.counts[KUBE_REDACT_FIELD] >= 3, "fields counted");
}

static void
test_ordinary(void)
{
	_cleanup_(kube_value_freep) struct kube_value *v = redacted("", "events",
	    "{\"message\":\"Error: secret \\\"x\\\" not found\",\"reason\":\"FailedMount\","
	    "\"metadata\":{\"managedFields\":[{\"fieldsV1\":{\"f:password\":{}}}],"
	    "\"uid\":\"0123\",\"annotations\":{\"" LAST_APPLIED "\":\"{\\\"a\\\":1}\\n\"}}}");

	ok_int(count_all(), 0, "an ordinary object stays as it is");
	ok_str(kube_value_string(
		   kube_value_find(v, "metadata", "annotations", LAST_APPLIED, NULL)),
	    "{\"a\":1}\n", "also its last applied configuration");
}

int
main(void)
{
	test_secret();
	test_route();
	test_proxy();
	test_configmap();
	test_pod();
	test_custom();
	test_ordinary();
	ok_str(kube_redact_kind_to_string(KUBE_REDACT_CERTIFICATE), "certificate", "names");
	return tap_done();
}
