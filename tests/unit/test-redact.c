/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/redact/own.h"
#include "lib/redact/redact.h"
#include "tests/lib/filtercheck.h"
#include "tests/lib/sink.h"

/* Filters INPUT in pieces of STEP bytes, 0 for all at once. The caller frees the sink. */
static struct sink
filter(const void *input, size_t len, size_t step)
{
	_cleanup_(redact_freep) struct redact *r = NULL;
	const char *p = input;
	struct sink s = { 0 };

	assert(redact_new(sink_write, &s, &r) == 0);
	assert(sink_write("", 0, &s) == 0);
	if (step == 0)
		step = len;
	for (size_t i = 0; i < len; i += step)
		assert(redact_write(r, p + i, len - i < step ? len - i : step) == 0);
	assert(redact_finish(r) == 0);
	return s;
}

struct rewrite {
	const char *input;
	const char *want;
};

/* One row: the result, the result of the result, and the result byte by byte. */
static void
check(const char *input, const char *want)
{
	_cleanup_(sink_done) struct sink once = filter(input, strlen(input), 0);
	_cleanup_(sink_done) struct sink bytes = filter(input, strlen(input), 1);
	_cleanup_(sink_done) struct sink twice = filter(once.data, once.len, 0);

	filter_check(input, want, &once, &bytes, &twice);
}

/* Ordinary text, most of it from journals and answers of a real MicroShift: stays. */
static const char *const keep[] = {
	"",
	"\n",
	"secretName: foo\n",
	"\"token_type\": \"Bearer\"\n",
	"token_type=bearer\n",
	"passwordless login enabled\n",
	"PasswordAuthentication no\n",
	"imagePullSecrets:\n- name: regcred\n",
	"\"imagePullSecrets\":[{\"name\":\"default-dockercfg-x7k2p\"}]",
	"resource=tokenreviews verb=create\n",
	"authentication.k8s.io/v1 tokenreviews true TokenReview\n",
	"Secret \"router-certs-default\" not found\n",
	"secrets \"metrics-tls\" is forbidden: User \"x\" cannot get resource\n",
	"couldn't get secret openshift-ingress/router-certs-default: timed out\n",
	("E1122 13:02:44.480017     101 secret.go:189] Couldn't get secret "
	 "openshift-service-ca/signing-key: failed to sync secret cache: timed out waiting\n"),
	("MountVolume.SetUp failed for volume \"metrics-tls\" : secret \"dns-default-metrics-tls\" "
	 "not found\n"),
	("\"Unable to authenticate the request\" err=\"[invalid bearer token, token lookup "
	 "failed]\"\n"),
	"err=\"invalid token: expired\" pod=\"a/b\"\n",
	"err=\"secret: not found\" secret=\"openshift-ingress/router-certs-default\"\n",
	("I1122 12:54:05.397069     276 tlsconfig.go:181] \"Loaded client CA\" index=3 "
	 "certName=\"client-ca::kube-system::extension-apiserver-authentication\"\n"),
	"\"Caches populated\" type=\"*v1.Secret\" reflector=\"k8s.io/client-go/informers\"\n",
	"\"Monitoring resource count at path\" resource=\"secrets\" path=\"//secrets\"\n",
	"service=\"podresources\" qps=100 burstTokens=10\n",
	("cert = /var/lib/microshift/certs/peer.crt, key = /var/lib/microshift/certs/peer.key, "
	 "client-cert=, client-key=, trusted-ca = /var/lib/microshift/ca.crt\n"),
	"\"initial-cluster-token\":\"etcd-cluster\",\"quota-backend-bytes\":0",
	"\"discovery-token\":\"\",\"discovery-endpoints\":\"\"",
	"request \"key:\\\"/kubernetes.io/secrets/kube-system/x\\\" limit:1\"\n",
	"--tls-private-key-file=/etc/tls/private/tls.key\n",
	"{\"key\":\"node.kubernetes.io/not-ready\",\"operator\":\"Exists\"}",
	("quay.io/openshift/origin@sha256:"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"),
	"docker://quay.io:443/foo/bar@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934c\n",
	"uid: 6ba7b810-9dad-11d1-80b4-00c04fd430c8\n",
	"ca.key: MTY3OSBieXRlcyBsb25n\n",
	"token: NyBieXRlcyBsb25n\npassword: MCBieXRlcyBsb25n\n",
	/* [REDACTED:certificate 1122 bytes], parsed and replaced before it came here. */
	"kind: Secret\ndata:\n  tls.crt: W1JFREFDVEVEOmNlcnRpZmljYXRlIDExMjIgYnl0ZXNdCg==\n",
	"ca.key: {}\n\"f:token\":{},\"f:password\":{\".\":{}}",
	"passwd:     files sss systemd\ngroup:      files sss systemd\n",
	"PWD=/root\nOLDPWD=/srv/app\n",
	"open /run/secrets/token: no such file or directory\n",
	"failed to read /etc/passwd: permission denied\n",
	"/var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-abc (ro)\n",
	"tokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token\n",
	"token: /var/run/secrets/kubernetes.io/serviceaccount/token\n",
	"cookie=0x7d2e3c1, duration=12.3s, table=0, n_packets=0, actions=drop\n",
	"PASS: tests/unit/test-conf 1 - assignment\n",
	"bypass=true compass: north encompass=x\n",
	"password=%s token=%q\n",
	"password: ${DB_PASSWORD}\ntoken: $(cat)\nsecret: {{ .Values.secret }}\n",
	"password: ****\npassword: \"\"\npassword: ''\npassword:\npassword: null\n",
	"password=<redacted> token=<nil>\n",
	"(using password: YES)\n",
	"[\"--password\", \"--other\"]",
	"use --token to join, --password is required? no: --password-file\n",
	"kubeadm join --discovery-token-ca-cert-hash sha256:1234567890abcdef\n",
	"Usage: login <user> <password>\nmore\n",
	"basic authentication is off, bearer authentication is on\n",
	"WWW-Authenticate: Bearer realm=\"https://auth.example.com/token\",service=\"r\"\n",
	"\"continue\":\"eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MTgxMX0\"",
	"eyJ is how it begins, eyJhbGciOi. is not enough\n",
	"awk '{print $1$2}' file; echo $6$ $1$\n",
	"https://user@host/path ssh://git@github.com/x https://host:6443/a@b\n",
	"https://[fd01::1]:6443/api?x=@ http://a.b/c:d@e\n",
	"tls: failed to find any PEM data, no -----BEGIN CERTIFICATE----- line in it\n",
	"expected \"-----BEGIN RSA PRIVATE KEY-----\" here\n",
	"---------------------------------------------------------------------\n",
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n",
	"/sys/devices/pci0000/net/eth0/sys/devices/pci0000/net/eth0/Sys/Devices\n",
	"{\"msg\":\"Enter password:\",\"level\":3}",
	"\"bad token:\" err=\"x\"\n",
	"authorization: denied by RBAC\n",
	"auth: x509\nauth=none\n\"auth\":null,\"auths\": null\n",
	"system:openshift:controller:service-ca not found\n",
	"  type: string\n  secret:\n    secretName: signing-key\n    optional: false\n",
	"serviceAccountToken:\n  expirationSeconds: 3607\n  path: token\n",
	"- secret:\n    defaultMode: 420\n    secretName: x\n",
	"secrets:\n- name: builder-dockercfg-x\ntokens:\n- name: x\n",
	"certificateSecret: router-certs-default\n",
	"unable to create session key: disk quota exceeded\n",
	"LoadCredential=foo:/etc/foo\nKeyringMode=private\n",
	"docker run -u 1000:1000 x; journalctl -u a.service; nc -u host 53; -u a:/b\n",
	"      TOKEN:  <set to the key 'token' in secret 'x'>  Optional: false\n",
	"kind: ConfigMap\ndata:\n  foo: bar\n  Kind: Secret\nkind: SecretStore\ndata:\n  a: b\n",
	"data:\n  foo: bar\nkind: ConfigMap\nmetadata:\n  kind: Secret\n",
	"{\"kind\":\"ConfigMap\",\"data\":{\"foo\":\"bar\"},\"secretName\":\"x\"}\n",
	"{\"apiVersion\":\"v1\",\"data\":{\"foo\":\"YmFy\"},\"kind\":\"ConfigMap\"}\n",
	"{\"kind\":\"Secret\",\"metadata\":{\"name\":\"x\"},\"data\":{}}\n",
	"mysql -p db; mysql.service -p; kubectl-cli -a; sshpass -f file ssh\n",
	"<a accesskey=\"n\" href=\"x\">\n",
	"design=x signature: y SIGTERM=15 signal=9 superuser: x\n",
	"[REDACTED:password] and [REDACTED:certificate 1170 bytes, CN=x]\n",
};

/* Secrets, in the spellings in which they come. */
static const struct rewrite hide[] = {
	/* Kept or hidden, a close call. */
	{ "secret: not found\tx", "secret: [REDACTED:secret]" },
	{ "tests: pass=12 fail=0\n", "tests: pass=[REDACTED:password] fail=0\n" },

	/* Pairs. */
	{ "password=hunter2\n", "password=[REDACTED:password]\n" },
	{ "echo line 7 password=hunter2 10.42.0.7\n",
	    "echo line 7 password=[REDACTED:password] 10.42.0.7\n" },
	{ "passwd: hunter2\n", "passwd: [REDACTED:password]\n" },
	{ "PASSWORD = correct horse battery\n", "PASSWORD = [REDACTED:password]\n" },
	{ "# password = old one  \n", "# password = [REDACTED:password]  \n" },
	{ "export DB_PASSWORD=a\"b c\"d\n", "export DB_PASSWORD=[REDACTED:password]\n" },
	{ "DB_PASSWORD='it'\\''s' x\n", "DB_PASSWORD='[REDACTED:password]' x\n" },
	{ "password: 'it''s' # why\n", "password: '[REDACTED:password]' # why\n" },
	{ "password: two words # note\n", "password: [REDACTED:password] # note\n" },
	{ "{\"password\": \"a\\\"b,c\\\\\", \"user\": \"x\"}",
	    "{\"password\": \"[REDACTED:password]\", \"user\": \"x\"}" },
	{ "{\"password\":12345,\"pwd\":true,\"user\":\"x\"}",
	    "{\"password\":\"[REDACTED:password]\",\"pwd\":true,\"user\":\"x\"}" },
	{ "{\"a\":\"{\\\"password\\\":\\\"x\\\\\\\"y\\\",\\\"b\\\":1}\"}",
	    "{\"a\":\"{\\\"password\\\":\\\"[REDACTED:password]\\\",\\\"b\\\":1}\"}" },
	{ "{\"a\":\"{\\\"password\\\":42,\\\"b\\\":1}\"}",
	    "{\"a\":\"{\\\"password\\\":\\\"[REDACTED:password]\\\",\\\"b\\\":1}\"}" },
	{ "{\"password\":\n  \"x\"\n}", "{\"password\":\n  \"[REDACTED:password]\"\n}" },
	{ "{'password': 'x'}", "{'password': '[REDACTED:password]'}" },
	{ "{\"passwords\":[\"a\", \"b\"],\"c\":1}",
	    "{\"passwords\":[\"[REDACTED:password]\"],\"c\":1}" },
	{ "{password: hunter2, user: x}", "{password: [REDACTED:password], user: x}" },
	{ "User:foo Password:bar IdentityToken:}",
	    "User:foo Password:[REDACTED:password] IdentityToken:}" },
	{ "Password:[104 117 110] User:x\n", "Password:[[REDACTED:password]] User:x\n" },
	{ "?token=abc123&user=x\n", "?token=[REDACTED:token]&user=x\n" },
	{ "GET /cb?x=1&access_token=abc%2F HTTP/1.1\n",
	    "GET /cb?x=1&access_token=[REDACTED:token] HTTP/1.1\n" },
	{ "redirect=%2Fcb%3Ftoken%3Dabc%26x HTTP\n",
	    "redirect=%2Fcb%3Ftoken%3D[REDACTED:token] HTTP\n" },
	{ "Server=db;User Id=sa;Password=p;x;Timeout=3\n",
	    "Server=db;User Id=sa;Password=[REDACTED:password];Timeout=3\n" },
	{ "x api_key=abc access-key: def apiKey=\"ghi\"\n",
	    "x api_key=[REDACTED:key] access-key: [REDACTED:key] apiKey=\"[REDACTED:key]\"\n" },
	{ "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG\n",
	    "AWS_SECRET_ACCESS_KEY=[REDACTED:key]\n" },
	{ "client_secret: abc\nclientSecret: abc\nCLIENT-SECRET=abc\n",
	    "client_secret: [REDACTED:secret]\nclientSecret: [REDACTED:secret]\n"
	    "CLIENT-SECRET=[REDACTED:secret]\n" },
	{ "Secret Access Key: abcDEF\n", "Secret Access Key: [REDACTED:key]\n" },
	{ "x DB_PASSWORD_OLD=a token-secret.value: b db_pass=c MYSQL_ROOT_PASSWORD2=d\n",
	    "x DB_PASSWORD_OLD=[REDACTED:password] token-secret.value: [REDACTED:secret] "
	    "db_pass=[REDACTED:password] MYSQL_ROOT_PASSWORD2=[REDACTED:password]\n" },
	{ "psk=abc\nPrivateKey = aGVsbG8=\nwpa-psk: x\n",
	    "psk=[REDACTED:key]\nPrivateKey = [REDACTED:private-key]\nwpa-psk: "
	    "[REDACTED:key]\n" },
	{ "x --password foo --user bar\n", "x --password [REDACTED:password] --user bar\n" },
	{ "x --token=abc.def -v\n", "x --token=[REDACTED:token] -v\n" },
	{ "[\"--password\",\"foo\",\"-v\"]",
	    "[\"--password\",\"[REDACTED:password]\",\"-v\"]" },
	{ "  - --password\n  - foo\n  - -v\n",
	    "  - --password\n  - [REDACTED:password]\n  - -v\n" },
	{ "<password>x&amp;y</password>", "<password>[REDACTED:password]</password>" },
	{ "<add key=\"Password\" value=\"x\"/>",
	    "<add key=\"Password\" value=\"[REDACTED:password]\"/>" },
	{ "<entry key=\"password\">x</entry>",
	    "<entry key=\"password\">[REDACTED:password]</entry>" },
	{ "IDENTIFIED WITH x PASSWORD 'abc';\n",
	    "IDENTIFIED WITH x PASSWORD '[REDACTED:password]';\n" },
	{ "\"key\":\"DB_PASSWORD\",\"value\":\"x\"",
	    "\"key\":\"DB_PASSWORD\",\"value\":\"[REDACTED:password]\"" },
	{ "{\"name\":\"API_TOKEN\",\"value\":\"x\"}",
	    "{\"name\":\"API_TOKEN\",\"value\":\"[REDACTED:token]\"}" },
	{ "  \"key\": \"DB_PASSWORD\",\n  \"value\": \"s3cr3t-env\"\n",
	    "  \"key\": \"DB_PASSWORD\",\n  \"value\": \"[REDACTED:password]\"\n" },
	{ "- name: DB_PASSWORD\n  value: a b\n- name: X\n  value: c\n",
	    "- name: DB_PASSWORD\n  value: [REDACTED:password]\n- name: X\n  value: c\n" },
	{ "\\\"name\\\":\\\"DB_PASSWORD\\\",\\\"value\\\":\\\"x\\\"}",
	    "\\\"name\\\":\\\"DB_PASSWORD\\\",\\\"value\\\":\\\"[REDACTED:password]\\\"}" },
	{ "\"env\": [\"A=b\", \"DB_PASSWORD=x y, z\", \"C=d\"]",
	    "\"env\": [\"A=b\", \"DB_PASSWORD=[REDACTED:password]\", \"C=d\"]" },
	{ "password: |\n  line one\n\n  line two\nnext: 1\n",
	    "password: |\n  [REDACTED:password]\nnext: 1\n" },
	{ "  - token: >- # why\n      abc\n      def\n    next: 1\n",
	    "  - token: >-\n      [REDACTED:token]\n    next: 1\n" },
	{ "password:\n  hunter2\nnext: 1\n", "password:\n  [REDACTED:password]\nnext: 1\n" },
	{ "passwords:\n- a\n- b\nnext: 1\n", "passwords:\n- [REDACTED:password]\nnext: 1\n" },
	{ "\"c.yaml\":\"user: x\\npassword: a b\\nport: 1\\n\"",
	    "\"c.yaml\":\"user: x\\npassword: [REDACTED:password]\\nport: 1\\n\"" },
	{ "\"c.yaml\":\"password: |\\n  abc\\n  def\\nport: 1\\n\"",
	    "\"c.yaml\":\"password: |\\n  [REDACTED:password]\\nport: 1\\n\"" },
	{ "password=abc\" unbalanced\nnext line \"stays\"\n",
	    "password=[REDACTED:password]\nnext line \"stays\"\n" },
	{ "x password=\"abc unbalanced\nnext line \"stays\"\n",
	    "x password=\"[REDACTED:password]\nnext line \"stays\"\n" },
	{ "users:\n- name: admin\n  user:\n    token: abcdef\n",
	    "users:\n- name: admin\n  user:\n    token: [REDACTED:token]\n" },
	{ "time=1 token: abc123 x\n", "time=1 token: [REDACTED:token] x\n" },

	{ "rootpw hunter2\nbindpw x\nrequirepass y\n",
	    "rootpw [REDACTED:password]\nbindpw [REDACTED:password]\n"
	    "requirepass [REDACTED:password]\n" },
	{ "ldap_default_authtok = x\nkeystorePass=y z\nuserPassword:: eA==\n",
	    "ldap_default_authtok = [REDACTED:password]\nkeystorePass=[REDACTED:password]\n"
	    "userPassword:: [REDACTED:password]\n" },
	{ "key \"k\" { secret \"aGVsbG8=\"; };\n: PSK \"abc\"\n",
	    "key \"k\" { secret \"[REDACTED:secret]\"; };\n: PSK \"[REDACTED:key]\"\n" },
	{ "curl -s -u admin:s3cret https://x --user 'a@b:c d'\n",
	    "curl -s -u admin:[REDACTED:password] https://x --user 'a@b:[REDACTED:password] "
	    "d'\n" },
	{ "GET /b?X-Amz-Credential=A%2Fb&X-Amz-Signature=0f&sig=a%3D&x=1\n",
	    "GET /b?X-Amz-Credential=[REDACTED:secret]&X-Amz-Signature=[REDACTED:key]&sig="
	    "[REDACTED:key]&x=1\n" },

	/* Secrets of Kubernetes in manifests. */
	{ "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\ntype: Opaque\nstringData:\n"
	  "  foo: bar\n  # note\n  multi: |\n    a\n    b\n  \"q\": 'r'\nother: stays\n",
	    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\ntype: Opaque\nstringData:\n"
	    "  foo: [REDACTED:secret]\n  # note\n  multi: |\n    [REDACTED:secret]\n  \"q\": "
	    "'[REDACTED:secret]'\nother: stays\n" },
	{ "kind: Secret\ndata:\n  foo: YmFy\n  n: NyBieXRlcyBsb25n\n---\nkind: ConfigMap\n"
	  "data:\n  foo: YmFy\n",
	    "kind: Secret\ndata:\n  foo: [REDACTED:secret]\n  n: NyBieXRlcyBsb25n\n---\nkind: "
	    "ConfigMap\ndata:\n  foo: YmFy\n" },
	{ "items:\n- data:\n    foo: YmFy\n    ca.crt: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t\n"
	  "  kind: Secret\n- data:\n    foo: YmFy\n  kind: ConfigMap\n",
	    "items:\n- data:\n    foo: [REDACTED:secret]\n    ca.crt: [REDACTED:certificate 36 "
	    "bytes]\n  kind: Secret\n- data:\n    foo: YmFy\n  kind: ConfigMap\n" },
	{ "{\n  \"kind\": \"Secret\",\n  \"data\": {\n    \"foo\": \"YmFy\"\n  },\n  \"x\": "
	  "\"y\"\n}\n",
	    "{\n  \"kind\": \"Secret\",\n  \"data\": {\n    \"foo\": \"[REDACTED:secret]\"\n  "
	    "},\n  \"x\": \"y\"\n}\n" },

	/* The same on one line, as audit logs and answers of the API have it. */
	{ "{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"x\"},\"data\":"
	  "{\"foo\":\"YmFy\",\"b}\":\"\"},\"type\":\"Opaque\"}",
	    "{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"x\"},\"data\":"
	    "\"[REDACTED:secret]\",\"type\":\"Opaque\"}" },
	{ "{\"kind\":\"SecretList\",\"items\":[{\"data\":{\"a\":\"YmFy\"}},{\"data\":{\"b\":\"Yg\"}}]}",
	    "{\"kind\":\"SecretList\",\"items\":[{\"data\":\"[REDACTED:secret]\"},{\"data\":"
	    "\"[REDACTED:secret]\"}]}" },
	{ "{\"apiVersion\":\"v1\",\"data\":{\"foo\":\"YmFy\"},\"immutable\":true,\"kind\":\"Secret\"}",
	    "{\"apiVersion\":\"v1\",\"data\":\"[REDACTED:secret]\",\"immutable\":true,\"kind\":"
	    "\"Secret\"}" },
	{ "{\"a\":\"{\\\"kind\\\":\\\"Secret\\\",\\\"stringData\\\":{\\\"f\\\":\\\"b\\\"}}\"}",
	    "{\"a\":\"{\\\"kind\\\":\\\"Secret\\\",\\\"stringData\\\":\\\"[REDACTED:secret]"
	    "\\\"}\"}" },

	/* Programs. */
	{ "x sshpass -p hunter2 ssh h; mysql -u root -phunter2 db; redis-cli -a 'hun' ping\n",
	    "x sshpass -p [REDACTED:password] ssh h; mysql -u root -p[REDACTED:password] db; "
	    "redis-cli -a '[REDACTED:password]' ping\n" },

	/* HTTP. */
	{ "Authorization: Bearer abc.def\n",
	    "Authorization: Bearer [REDACTED:authorization]\n" },
	{ "> authorization: basic dXNlcjpwYXNz\r\n> Accept: */*\r\n",
	    "> authorization: basic [REDACTED:authorization]\r\n> Accept: */*\r\n" },
	{ "{\"Authorization\":\"Bearer abc def\",\"x\":1}",
	    "{\"Authorization\":\"Bearer [REDACTED:authorization]\",\"x\":1}" },
	{ "{\"Authorization\":[\"Bearer abc\"]}",
	    "{\"Authorization\":[\"Bearer [REDACTED:authorization]\"]}" },
	{ "map[Accept:[x] Authorization:[Bearer abc] Host:[y]]",
	    "map[Accept:[x] Authorization:[Bearer [REDACTED:authorization]] Host:[y]]" },
	{ "Authorization: Digest username=\"m\", realm=\"a, b\", response=\"6629\"\nx\n",
	    "Authorization: Digest [REDACTED:authorization]\nx\n" },
	{ "Authorization: AWS4-HMAC-SHA256 Credential=A/b, SignedHeaders=h, Signature=f\n",
	    "Authorization: AWS4-HMAC-SHA256 [REDACTED:authorization]\n" },
	{ "curl -H 'Authorization: token abc' -v\n",
	    "curl -H 'Authorization: token [REDACTED:authorization]' -v\n" },
	{ "Authorization: rawtoken123\n", "Authorization: [REDACTED:authorization]\n" },
	{ "sent Bearer abcdef0123456789 to x\n",
	    "sent Bearer [REDACTED:authorization] to x\n" },
	{ "sent Basic dXNlcjpwYXNz to x\n", "sent Basic [REDACTED:authorization] to x\n" },
	{ "Cookie: a=b; c=d\nSet-Cookie: s=1; Path=/\n",
	    "Cookie: [REDACTED:cookie]\nSet-Cookie: [REDACTED:cookie]\n" },
	{ "x-api-key: abc\n", "x-api-key: [REDACTED:key]\n" },
	{ "token=Bearer abc def\n", "token=Bearer [REDACTED:token]\n" },

	/* Tokens that show what they are. */
	{ "id eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N x\n",
	    "id [REDACTED:jwt] x\n" },
	{ "\"a\":\"b\\neyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.doz\"",
	    "\"a\":\"b\\n[REDACTED:jwt]\"" },
	{ "t=%20eyJhbGciOiJIUzI1NiJ9.eyJzdWIi\n", "t=%20[REDACTED:jwt]\n" },
	{ "login sha256~0123456789abcdefghij0123456789abcdefghij012 ok\n",
	    "login [REDACTED:token] ok\n" },
	{ "x ghp_0123456789abcdefghij0123 y AKIAIOSFODNN7EXAMPLE z\n",
	    "x [REDACTED:token] y [REDACTED:key] z\n" },
	{ "k MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj2 x\n",
	    "k [REDACTED:private-key] x\n" },
	{ "k MC4CAQAwBQYDK2VwBCIEIOyz0123456789abcdefghijABCDEFGHIJ012345678= x\n",
	    "k [REDACTED:private-key] x\n" },
	{ "root:$6$saltsalt$0123456789abcdefghij./0123456789:19000:0:99999:7:::\n",
	    "root:[REDACTED:password-hash]:19000:0:99999:7:::\n" },
	{ "h $2y$10$abcdefghijklmnopqrstuv0123456789abcdefghijklmnopqrstu x\n",
	    "h [REDACTED:password-hash] x\n" },

	/* URLs. */
	{ "https://user:p%40ss@host:8080/x\n",
	    "https://user:[REDACTED:url-password]@host:8080/x\n" },
	{ "http_proxy=http://u:p@ss@proxy:3128/ x\n",
	    "http_proxy=http://u:[REDACTED:url-password]@proxy:3128/ x\n" },
	{ "mongodb://u:pa/s?s@h1,h2/db\n", "mongodb://u:[REDACTED:url-password]@h1,h2/db\n" },
	{ "\"https:\\/\\/u:p@h\\/x\"", "\"https:\\/\\/u:[REDACTED:url-password]@h\\/x\"" },
	{ "redis://:p@h:6379\n", "redis://:[REDACTED:url-password]@h:6379\n" },
	{ "https://0123456789abcdef0123456789@git.example.com/x\n",
	    "https://[REDACTED:url-password]@git.example.com/x\n" },

	/* Pull secrets. */
	{ "{\"auths\":{\"quay.io\":{\"auth\":\"dXNlcjpwYXNz\",\"email\":\"a@b\"}}}",
	    "{\"auths\":{\"quay.io\":{\"auth\":\"[REDACTED:pull-secret]\",\"email\":\"a@b\"}}}" },
	{ "\"identitytoken\": \"abc\"", "\"identitytoken\": \"[REDACTED:token]\"" },
	{ "pullSecret: '{\"auths\":{\"q\":{\"auth\":\"dXNlcjpwYXNz\"}}}'\n",
	    "pullSecret: '[REDACTED:pull-secret]'\n" },
	{ ".dockerconfigjson: eyJhdXRocyI6eyJxdWF5LmlvIjp7fX19Cg==\n",
	    ".dockerconfigjson: [REDACTED:pull-secret]\n" },
	{ "data: eyJhdXRocyI6eyJxdWF5LmlvIjp7fX19Cg==\n", "data: [REDACTED:pull-secret]\n" },
};

/* Three lines of a key; KEY1 to KEY3 may be nowhere in any output. */
#define KEY1 "MIIEowIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gun"
#define KEY2 "VTLw7onLRnrq0/IzW7yWR7QkrmBL7jTKEn5u+qKhbwKfBstIs+bMY2Zkp18gnTxK"
#define KEY3 "LxoS2tFczGkPLPgiz84="

#define BEGIN(what)    "-----BEGIN " what "-----"
#define END(what)      "-----END " what "-----"
#define BLOCK(what, n) BEGIN(what) n KEY1 n KEY2 n KEY3 n END(what)

static const struct rewrite pem[] = {
	{ BLOCK("RSA PRIVATE KEY", "\n") "\nnext\n", "[REDACTED:private-key]\nnext\n" },
	{ BLOCK("EC PRIVATE KEY", "\n"), "[REDACTED:private-key]" },
	{ BLOCK("PRIVATE KEY", "\r\n"), "[REDACTED:private-key]" },
	{ BLOCK("ENCRYPTED PRIVATE KEY", "\n") "\n", "[REDACTED:private-key]\n" },
	{ BLOCK("OPENSSH PRIVATE KEY", "\n") "\n", "[REDACTED:private-key]\n" },
	{ BLOCK("PGP PRIVATE KEY BLOCK", "\n") "\n", "[REDACTED:private-key]\n" },
	{ "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: \"x\"\n" KEY1 "\n"
	  "---- END SSH2 ENCRYPTED PRIVATE KEY ----\nx\n",
	    "[REDACTED:private-key]\nx\n" },
	{ BEGIN(
	      "RSA PRIVATE KEY") "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123\n\n" KEY1
				 "\n" KEY3 "\n" END("RSA PRIVATE KEY") "\n",
	    "[REDACTED:private-key]\n" },
	{ BLOCK("CERTIFICATE", "\n") "\n" BLOCK("X509 CRL", "\n") "\n",
	    "[REDACTED:certificate 204 bytes]\n[REDACTED:pem 198 bytes]\n" },
	{ BLOCK("CERTIFICATE REQUEST", "\n") " " BLOCK("PUBLIC KEY", "\n") "\n",
	    "[REDACTED:certificate-request 220 bytes] [REDACTED:public-key 202 bytes]\n" },
	/* On one line, in JSON, in JSON within JSON, with blanks for line ends. */
	{ "{\"k\":\"" BLOCK("PRIVATE KEY", "\\n") "\\n\",\"x\":1}",
	    "{\"k\":\"[REDACTED:private-key]\\n\",\"x\":1}" },
	{ "\"{\\\"k\\\":\\\"" BLOCK("PRIVATE KEY", "\\\\n") "\\\\n\\\"}\"",
	    "\"{\\\"k\\\":\\\"[REDACTED:private-key]\\\\n\\\"}\"" },
	{ "key " BLOCK("PRIVATE KEY", " ") " end\n", "key [REDACTED:private-key] end\n" },
	{ "key " BLOCK("PRIVATE KEY", "") " end\n", "key [REDACTED:private-key] end\n" },
	{ "{\"k\":\"LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpNSUlFb3dJQkFB\\nQUJD\\nRA==\\n\"}",
	    "{\"k\":\"[REDACTED:private-key]\\n\"}" },
	/* Cut off by whoever wrote it. */
	{ "{\"k\":\"" BEGIN("PRIVATE KEY") "\\n" KEY1 "\\nVTLw\",\"x\":1}",
	    "{\"k\":\"[REDACTED:private-key]\",\"x\":1}" },
	{ BEGIN("PRIVATE KEY") "\n" KEY1 "\n1\n2\n3\n4\n5\n6\n7\n8\n9\nlater\n",
	    "[REDACTED:private-key]\nlater\n" },
	{ BEGIN("PRIVATE KEY") "\n" KEY1 "\nVTLw7o", "[REDACTED:private-key]" },
	{ "RLxoS2t\n" KEY2 "\n" KEY3 "\n" END("PRIVATE KEY") "\n",
	    "[REDACTED:base64 7 bytes]\n[REDACTED:base64 85 bytes]\n" END("PRIVATE KEY") "\n" },
	{ "x\n  LxoS2tFczGkPLPgiz84=\n  " END("PRIVATE KEY") "\n",
	    "x\n  [REDACTED:base64 20 bytes]\n  " END("PRIVATE KEY") "\n" },
	/* In a journal. */
	{ "Nov 23 host a[1]: " BEGIN(
	      "PRIVATE KEY") "\nNov 23 host a[1]: " KEY1 "\n"
			     "Nov 23 host b[2]: something else\nNov 23 host a[1]: " KEY2 "\n"
			     "Nov 23 host a[1]: " END(
				 "PRIVATE KEY") "\nNov 23 host b[2]: more\n",
	    "Nov 23 host a[1]: [REDACTED:private-key]\nNov 23 host b[2]: more\n" },
	/* In YAML. */
	{ "data:\n  tls.key: |\n    " BLOCK("PRIVATE KEY", "\n    ") "\n  x: 1\n",
	    "data:\n  tls.key: |\n    [REDACTED:private-key]\n  x: 1\n" },
	{ "{\"private_key_id\":\"1f\",\"private_key\":\"" BLOCK("PRIVATE KEY", "\\n") "\\n\"}",
	    "{\"private_key_id\":\"1f\",\"private_key\":\"[REDACTED:private-key]\"}" },
	/* Encoded. */
	{ "client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpNSUlFb3dJQkFB\nx: 1\n",
	    "client-key-data: [REDACTED:private-key]\nx: 1\n" },
	{ "certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUU=\n",
	    "certificate-authority-data: [REDACTED:certificate 44 bytes]\n" },
	{ "a: WlotLS0tLUJFR0lOIFBSSVZBVEUgS0VZLS0tLS0K\n", "a: Wlo[REDACTED:private-key]\n" },
	{ "a: Wi0tLS0tQkVHSU4gUFJJVkFURSBLRVktLS0tLQo=\n", "a: Wi[REDACTED:private-key]\n" },
	{ "tls.key:[45 45 45 45 45 66 69 71 73 78 32 80 82 73 86 65 84 69 32 75 69 89 45 45]}",
	    "tls.key:[[REDACTED:private-key]]}" },
	{ "h 2D2D2D2D2D424547494E2050524956415445204B45592D2D2D2D2D0A x\n",
	    "h [REDACTED:private-key] x\n" },
};

/* Filters INPUT in pieces of random length up to MAX. */
static struct sink
filter_random(const char *input, size_t len, size_t max, uint64_t *state)
{
	_cleanup_(redact_freep) struct redact *r = NULL;
	struct sink s = { 0 };

	assert(redact_new(sink_write, &s, &r) == 0);
	assert(sink_write("", 0, &s) == 0);
	while (len > 0) {
		size_t n = 1 + next_random(state) % max;

		if (n > len)
			n = len;
		assert(redact_write(r, input, n) == 0);
		input += n;
		len -= n;
	}
	assert(redact_finish(r) == 0);
	return s;
}

/* A random row of the three tables. */
static const char *
random_row(uint64_t *state)
{
	size_t i = next_random(state) % (ELEMENTSOF(keep) + ELEMENTSOF(hide) + ELEMENTSOF(pem));

	if (i < ELEMENTSOF(keep))
		return keep[i];
	i -= ELEMENTSOF(keep);
	return i < ELEMENTSOF(hide) ? hide[i].input : pem[i - ELEMENTSOF(hide)].input;
}

/* Rows of all tables in random order, with random bytes between some. */
static struct sink
make_text(uint64_t *state)
{
	struct sink s = { 0 };

	for (size_t i = 0; i < 400; i++) {
		const char *row = random_row(state);

		assert(sink_write(row, strlen(row), &s) == 0);
		for (size_t n = next_random(state) % 8; n > 0; n--)
			assert(sink_write(&(char){ (char)next_random(state) }, 1, &s) == 0);
	}
	return s;
}

static void
test_chunks(void)
{
	uint64_t seed = (uint64_t)time(NULL) << 16 ^ (uint64_t)getpid();
	uint64_t state = seed | 1;

	printf("# seed %" PRIu64 "\n", seed);
	for (size_t i = 0; i < 20; i++) {
		_cleanup_(sink_done) struct sink text = make_text(&state);
		_cleanup_(sink_done) struct sink whole = filter(text.data, text.len, 0);
		_cleanup_(sink_done) struct sink small =
		    filter_random(text.data, text.len, 40, &state);
		_cleanup_(sink_done) struct sink large =
		    filter_random(text.data, text.len, 5000, &state);
		_cleanup_(sink_done) struct sink twice = filter(whole.data, whole.len, 0);

		ok(sink_same(&whole, &small), "small pieces, round %zu", i);
		ok(sink_same(&whole, &large), "large pieces, round %zu", i);
		ok(sink_same(&whole, &twice), "twice, round %zu", i);
	}
}

/* HEAD, then N times FILL, then TAIL; has to become WANT. */
static void
check_long(const char *name, const char *head, const char *fill, size_t n, const char *tail,
    const char *want)
{
	_cleanup_(sink_done) struct sink in = { 0 };
	_cleanup_(sink_done) struct sink whole = { 0 };
	_cleanup_(sink_done) struct sink pieces = { 0 };

	assert(sink_write(head, strlen(head), &in) == 0);
	for (size_t i = 0; i < n; i++)
		assert(sink_write(fill, strlen(fill), &in) == 0);
	assert(sink_write(tail, strlen(tail), &in) == 0);
	whole = filter(in.data, in.len, 0);
	pieces = filter(in.data, in.len, 777);
	ok_str(whole.data, want, "%s", name);
	ok(sink_same(&whole, &pieces), "%s, in pieces", name);
}

/* Every limit is passed by far: what is too long is swallowed, not let through. */
static void
test_long(void)
{
	const size_t many = 4 * REDACT_BUFFER_BYTES;

	check_long("word", "x password=", "a", many, " next\n",
	    "x password=[REDACTED:password] next\n");
	check_long("quoted", "{\"password\":\"", "a\\\"", many, "\",\"x\":1}",
	    "{\"password\":\"[REDACTED:password]\",\"x\":1}");
	check_long("quoted with backslashes", "{\"password\":\"", "\\", many, "\",\"x\":1}",
	    "{\"password\":\"[REDACTED:password]\",\"x\":1}");
	check_long("quoted without end", "a=1 password=\"", "abc ", many, "\nnext\n",
	    "a=1 password=\"[REDACTED:password]\nnext\n");
	check_long("line", "password: ", "abc ", many, "\nnext: 1\n",
	    "password: [REDACTED:password] \nnext: 1\n");
	check_long("block", "password: |\n", "  abc\n\n", many, "next: 1\n",
	    "password: |\n  [REDACTED:password]\n\nnext: 1\n");
	check_long("block of one line", "password: |\n  ", "abc", many, "\nnext: 1\n",
	    "password: |\n  [REDACTED:password]\nnext: 1\n");
	check_long("brackets", "Password:[", "104 ", many, "] next\n",
	    "Password:[[REDACTED:password]] next\n");
	check_long("list", "\"passwords\":[", "\"a\", ", many, "\"b\"], next\n",
	    "\"passwords\":[\"[REDACTED:password]\"], next\n");
	check_long("element", "<password>", "abc", many, "</password>",
	    "<password>[REDACTED:password]</password>");
	check_long("header", "Authorization: Bearer ", "abc1", many, "\nnext\n",
	    "Authorization: Bearer [REDACTED:authorization]\nnext\n");
	check_long("parameters", "Authorization: Digest ", "a=\"b\", ", many, "c=d\nnext\n",
	    "Authorization: Digest [REDACTED:authorization]\nnext\n");
	check_long("jwt", "x eyJhbGciOiJIUzI1NiJ9.eyJ", "abc1", many, ".x next\n",
	    "x [REDACTED:jwt] next\n");
	check_long("pem", BEGIN("PRIVATE KEY") "\n", KEY1 "\n", many / 64,
	    END("PRIVATE KEY") "\nnext\n", "[REDACTED:private-key]\nnext\n");
	check_long("pem on one line", "\"" BEGIN("PRIVATE KEY") "\\n", KEY1 "\\n", many / 64,
	    END("PRIVATE KEY") "\",next\n", "\"[REDACTED:private-key]\",next\n");
	check_long("base64 of pem", "k: LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0t", "QUJD", many,
	    "=\nnext\n", "k: [REDACTED:private-key]\nnext\n");
	check_long("lines of base64", "x y\n", KEY1 "\n", many / 64, "next line\n",
	    "x y\n[REDACTED:base64 266239 bytes]\nnext line\n");
	check_long("url", "http://u:", "a", many, "@host/ next\n",
	    "http://u:[REDACTED:url-password] next\n");
}

/* A name longer than what is looked at: its end counts. */
static void
test_long_name(void)
{
	_cleanup_(sink_done) struct sink in = { 0 };
	_cleanup_(sink_done) struct sink out = { 0 };

	for (size_t i = 0; i < 1000; i++)
		assert(sink_write("abc-", 4, &in) == 0);
	assert(sink_write("password=x", 10, &in) == 0);
	out = filter(in.data, in.len, 0);
	ok(out.len > 4000 && strcmp(out.data + 4000, "password=[REDACTED:password]") == 0,
	    "value behind a long name");
}

/* What was JSON is JSON afterwards. Single strings count, which PEM rows are made of. */
static void
test_json(void)
{
	size_t n = 0;

	for (size_t i = 0; i < ELEMENTSOF(hide) + ELEMENTSOF(pem); i++) {
		const struct rewrite *row =
		    i < ELEMENTSOF(hide) ? &hide[i] : &pem[i - ELEMENTSOF(hide)];
		_cleanup_json_ cJSON *before = NULL;
		_cleanup_json_ cJSON *after = NULL;
		struct fault fault;

		if (json_parse(row->input, strlen(row->input), &before, &fault) < 0)
			continue;
		n++;
		ok(json_parse(row->want, strlen(row->want), &after, &fault) >= 0,
		    "JSON row %zu", i);
	}
	ok(n >= 10, "%zu rows are JSON", n);
}

static void
test_binary(void)
{
	static const char in[] =
	    "A=b\0DB_PASSWORD=x y\0\xff\xfe\0--token\0abc\0\x80pwd=\xc3\x28 z";
	static const char want[] = "A=b\0DB_PASSWORD=[REDACTED:password]\0\xff\xfe\0--token\0"
				   "[REDACTED:token]\0\x80pwd=[REDACTED:password] z";
	_cleanup_(sink_done) struct sink out = filter(in, sizeof(in) - 1, 0);
	_cleanup_(sink_done) struct sink bytes = filter(in, sizeof(in) - 1, 1);

	ok(out.len == sizeof(want) - 1 && memcmp(out.data, want, out.len) == 0,
	    "NUL and bytes that are no UTF-8");
	ok(sink_same(&out, &bytes), "the same byte by byte");
}

static void
check_own(const struct redact_own *own, const char *input, const char *want, size_t step)
{
	_cleanup_(redact_freep) struct redact *r = NULL;
	_cleanup_(sink_done) struct sink s = { 0 };

	assert(redact_new(sink_write, &s, &r) == 0);
	redact_set_own(r, own);
	for (size_t i = 0; i < strlen(input); i += step)
		assert(redact_write(r, input + i,
			   strlen(input) - i < step ? strlen(input) - i : step) == 0);
	assert(redact_finish(r) == 0);
	ok_str(s.data, want, "own rules, in pieces of %zu", step);
}

/* Rules of an administrator. */
static void
test_own(void)
{
	static const char input[] = "site_code: 4711 SiteCode=\"a b\" --site-code x "
				    "bluebird BlueBird xbluebirdx password=y\n";
	static const char want[] =
	    "site_code: [REDACTED:secret] SiteCode=\"[REDACTED:secret]\" "
	    "--site-code [REDACTED:secret] [REDACTED:secret] BlueBird "
	    "x[REDACTED:secret]x password=[REDACTED:password]\n";
	_cleanup_(redact_own_freep) struct redact_own *own = NULL;
	char name[16];
	struct fault f;

	assert(redact_own_new(&own) == 0);
	ok_int(redact_own_add_key(own, "Site-Code", &f), 0, "a key");
	ok_int(redact_own_add_literal(own, "bluebird", &f), 0, "a text");
	ok_int(redact_own_add_key(own, "ab.c", &f), -EINVAL, "a short key");
	ok_int(redact_own_add_key(own, "a b c d e", &f), -EINVAL, "no key");
	ok_int(redact_own_add_literal(own, "abc", &f), -EINVAL, "a short text");
	ok_int(redact_own_add_literal(own, "secret]", &f), -EINVAL, "a part of the marker");
	check_own(own, input, want, sizeof(input));
	check_own(own, input, want, 1);
	check_own(own, want, want, 7);
	for (size_t i = 1; i < OWN_RULES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "text%zu", i);
		assert(redact_own_add_literal(own, name, &f) == 0);
	}
	ok_int(redact_own_add_literal(own, "one more", &f), -ENOSPC, "too many");
}

/* Keys in DER: RSA in PKCS#1 and PKCS#8, EC in SEC 1 and PKCS#8, PKCS#12; a certificate is
 * none. */
static void
test_der(void)
{
	static const struct {
		const char *head;
		size_t len;
		bool is_key;
	} files[] = {
		{ "\x30\x82\x04\xa4\x02\x01\x00\x02\x82\x01\x01\x00", 12, true },
		{ "\x30\x82\x04\xbe\x02\x01\x00\x30\x0d\x06\x09\x2a", 12, true },
		{ "\x30\x77\x02\x01\x01\x04\x20\x11\x12", 9, true },
		{ "\x30\x81\x87\x02\x01\x00\x30\x13\x06", 9, true },
		{ "\x30\x82\x0a\x7f\x02\x01\x03\x30\x82", 9, true },
		{ "\xfe\xed\xfe\xed\x00\x00\x00\x02", 8, true },
		{ "\x30\x82\x03\x5f\x30\x82\x02\x47\xa0\x03", 10, false },
		{ "0\n", 2, false },
	};

	for (size_t i = 0; i < ELEMENTSOF(files); i++) {
		_cleanup_(sink_done) struct sink in = { 0 };
		_cleanup_(sink_done) struct sink out = { 0 };
		_cleanup_(sink_done) struct sink bytes = { 0 };

		assert(sink_write(files[i].head, files[i].len, &in) == 0);
		for (size_t n = 0; n < 100000; n++)
			assert(sink_write("\x81\n\x02y", 4, &in) == 0);
		out = filter(in.data, in.len, 0);
		bytes = filter(in.data, in.len, 1);
		ok(files[i].is_key == (strcmp(out.data, "[REDACTED:private-key]") == 0),
		    "DER file %zu", i);
		ok(sink_same(&out, &bytes), "DER file %zu, byte by byte", i);
	}
}

static int
on_describe(
    enum redact_kind kind, const void *der, size_t len, char *buf, size_t size, void *userdata)
{
	size_t *seen = userdata;

	*seen = len;
	if (kind != REDACT_CERTIFICATE || len == 0 || *(const char *)der != '0')
		return -EINVAL;
	(void)snprintf(buf, size, "CN=\"a]\", until 2027-11-22T10:00:00Z: [x]");
	return 0;
}

static void
check_described(const char *input, const char *want, size_t der_len)
{
	_cleanup_(redact_freep) struct redact *r = NULL;
	_cleanup_(sink_done) struct sink s = { 0 };
	_cleanup_(sink_done) struct sink twice = { 0 };
	size_t seen = 0;

	assert(redact_new(sink_write, &s, &r) == 0);
	assert(redact_set_describe(r, on_describe, &seen) == 0);
	assert(redact_write(r, input, strlen(input)) == 0);
	assert(redact_finish(r) == 0);
	ok_str(s.data, want, "described");
	ok_int(seen, der_len, "length of the DER");
	twice = filter(s.data, s.len, 0);
	ok_str(twice.data, want, "described, twice");
}

static void
test_describe(void)
{
	check_described(BLOCK("CERTIFICATE", "\n") "\n",
	    "[REDACTED:certificate 204 bytes, CN=_a__, until 2027-11-22T10:00:00Z_ _x_]\n",
	    110);
	check_described("\"" BLOCK("CERTIFICATE", "\\n") "\"",
	    "\"[REDACTED:certificate 208 bytes, CN=_a__, until 2027-11-22T10:00:00Z_ _x_]\"",
	    110);
	check_described(
	    "ca: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUUKLS0tLS1FTkQgQ0VSVElGSUNBVE"
	    "UtLS0tLQo=\n",
	    "ca: [REDACTED:certificate 80 bytes, CN=_a__, until 2027-11-22T10:00:00Z_ _x_]\n",
	    3);
	check_described(BLOCK("CERTIFICATE REQUEST", "\n") "\n",
	    "[REDACTED:certificate-request 220 bytes]\n", 110);
	check_described(BLOCK("PRIVATE KEY", "\n") "\n", "[REDACTED:private-key]\n", 0);
}

static void
test_counts(void)
{
	static const char text[] = "password=a\ntoken: b1\npassword=c\n";
	_cleanup_(redact_freep) struct redact *r = NULL;
	_cleanup_(sink_done) struct sink s = { 0 };

	assert(redact_new(sink_write, &s, &r) == 0);
	for (size_t i = 0; i < 2; i++) {
		assert(redact_write(r, text, sizeof(text) - 1) == 0);
		assert(redact_finish(r) == 0);
	}
	ok_int(redact_count(r, REDACT_PASSWORD), 4, "passwords of both texts are counted");
	ok_int(redact_count(r, REDACT_TOKEN), 2, "tokens too");
	ok_int(redact_count(r, REDACT_JWT), 0, "nothing else");
	ok_int(redact_count_all(r), 6, "all kinds");
	for (int kind = 0; kind < _REDACT_KIND_COUNT; kind++)
		ok(redact_kind_to_string((enum redact_kind)kind)[0] != '\0',
		    "kind %d has a name", kind);
}

/* The texts of one filter do not mix: what the first left open ends with it. */
static void
test_texts(void)
{
	_cleanup_(redact_freep) struct redact *r = NULL;
	_cleanup_(sink_done) struct sink s = { 0 };

	assert(redact_new(sink_write, &s, &r) == 0);
	assert(redact_write(r, "x \"password\":\"abc", 17) == 0);
	assert(redact_finish(r) == 0);
	assert(redact_write(r, "def\npass", 8) == 0);
	assert(redact_finish(r) == 0);
	assert(redact_write(r, "word=x\n", 7) == 0);
	assert(redact_finish(r) == 0);
	assert(redact_finish(r) == 0);
	ok_str(s.data, "x \"password\":\"[REDACTED:password]def\npassword=x\n", "three texts");
}

/* A key that is printed line by line, each line a record, with records of others between. */
static void
test_records(void)
{
	static const char *const records[] = {
		"starting, password=x\n",
		BEGIN("PRIVATE KEY") "\n",
		KEY1 "\n",
		"another program says something\n",
		KEY2 "\n",
		"VTLw7o\n",
		END("PRIVATE KEY") "\n",
		"{\"password\":\"open\n",
		"def\n",
		"",
		"tail: " BEGIN("CERTIFICATE") "\n",
		KEY1 "\n" END("CERTIFICATE") " and more\n",
		BEGIN("PRIVATE KEY") "\n",
		"1\n2\n3\n4\n5\n6\n7\n8\n9\n",
		"later\n",
	};
	static const char want[] =
	    "starting, password=[REDACTED:password]\n|[REDACTED:private-key]|||||\n|"
	    "{\"password\":\"[REDACTED:password]\n|def\n||tail: |"
	    "[REDACTED:certificate 118 bytes] and more\n|[REDACTED:private-key]|\n9\n|later\n|";
	_cleanup_(sink_done) struct sink s = { 0 };
	_cleanup_(redact_freep) struct redact *r = NULL;

	assert(redact_new(sink_write, &s, &r) == 0);
	for (size_t i = 0; i < ELEMENTSOF(records); i++) {
		assert(redact_write(r, records[i], strlen(records[i])) == 0);
		assert(redact_finish_record(r) == 0);
		assert(sink_write("|", 1, &s) == 0);
	}
	assert(redact_finish(r) == 0);
	ok_str(s.data, want, "records, each decided at its end");
}

struct failing {
	int calls;
};

static int
on_fail(const void *data, size_t len, void *userdata)
{
	struct failing *f = userdata;

	(void)data;
	(void)len;
	f->calls++;
	return -ENOSPC;
}

static void
test_errors(void)
{
	_cleanup_(redact_freep) struct redact *r = NULL;
	struct failing f = { 0 };
	char text[1000];

	memset(text, '.', sizeof(text));
	assert(redact_new(on_fail, &f, &r) == 0);
	ok_int(redact_write(r, text, sizeof(text)), -ENOSPC, "error of the callback");
	ok_int(redact_write(r, text, sizeof(text)), -ENOSPC, "sticks");
	ok_int(redact_finish(r), -ENOSPC, "until the end of the text");
	ok_int(f.calls, 1, "and the callback was not bothered again");
	ok_int(redact_write(r, text, sizeof(text)), -ENOSPC, "then it is asked again");
	redact_free(NULL);
}

int
main(void)
{
	for (size_t i = 0; i < ELEMENTSOF(keep); i++)
		check(keep[i], keep[i]);
	for (size_t i = 0; i < ELEMENTSOF(hide); i++)
		check(hide[i].input, hide[i].want);
	for (size_t i = 0; i < ELEMENTSOF(pem); i++)
		check(pem[i].input, pem[i].want);
	test_chunks();
	test_long();
	test_long_name();
	test_json();
	test_binary();
	test_own();
	test_der();
	test_describe();
	test_counts();
	test_texts();
	test_records();
	test_errors();
	return tap_done();
}
