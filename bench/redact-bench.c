/* SPDX-License-Identifier: Apache-2.0 */

/* Speed of the text filter on one core: `redact-bench [MEGABYTES]`. The text is made here, in
 * the mix of a MicroShift host: klog lines, etcd's JSON, lists of the API, tables, with a
 * secret every now and then. CPU time counts, so a busy machine does not matter much. */

#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/cleanup.h"
#include "lib/redact/redact.h"

#define MEGABYTES_DEFAULT 64ul
/* What a collector hands over at once. */
#define PIECE_BYTES	  65536u
/* The best round counts: the others were disturbed. */
#define ROUNDS		  5u
/* One line in so many has a secret. */
#define SECRET_EVERY	  200u

int main(int argc, char **argv);

static const char *const lines[] = {
	"kubelet I1122 12:54:05.397069     276 reflector.go:507] \"Caches populated\" "
	"type=\"*v1.Secret\" reflector=\"k8s.io/client-go/informers/factory.go:177\"\n",
	"kube-apiserver W1122 12:52:22.909162     140 logging.go:55] [core] [Channel #4 "
	"SubChannel #5] grpc: addrConn.createTransport failed to connect to {Addr: "
	"\"localhost:2379\", ServerName: \"localhost:2379\", }. Err: connection error: desc = "
	"\"transport: authentication handshake failed: context canceled\"\n",
	"{\"level\":\"warn\",\"ts\":\"2026-11-22T12:54:06.254383Z\",\"caller\":\"v3rpc/"
	"interceptor.go:202\",\"msg\":\"request stats\",\"time spent\":\"71.947us\",\"remote\":"
	"\"127.0.0.1:43912\",\"response type\":\"/etcdserverpb.KV/Range\",\"request content\":"
	"\"key:\\\"/kubernetes.io/leases/kube-system/x\\\" limit:1 \"}\n",
	"Nov 22 13:02:44 edge microshift[1234]: kubelet E1122 13:02:44.480017     101 "
	"pod_workers.go:1324] \"Error syncing pod, skipping\" err=\"failed to \\\"StartContainer\\\" "
	"for \\\"router\\\" with CrashLoopBackOff\" pod=\"openshift-ingress/router-default-1\" "
	"podUID=\"1917fc34-bc24-49b2-95b6-19588c92f97b\"\n",
	"{\"metadata\":{\"name\":\"router-default-7d4\",\"namespace\":\"openshift-ingress\",\"uid\":"
	"\"005b8553-0c08-4041-95fd-72fe8ee13431\",\"resourceVersion\":\"424\",\"labels\":{\"app\":"
	"\"router\"}},\"spec\":{\"volumes\":[{\"name\":\"default-certificate\",\"secret\":"
	"{\"secretName\":\"router-certs-default\",\"defaultMode\":420}}],\"imagePullPolicy\":"
	"\"IfNotPresent\",\"tolerations\":[{\"key\":\"node.kubernetes.io/not-ready\"}]}}\n",
	"      terminationMessagePath: /dev/termination-log\n      volumeMounts:\n      - mountPath: "
	"/var/run/secrets/kubernetes.io/serviceaccount\n        name: kube-api-access-x7k2p\n",
	"tcp   LISTEN 0      4096               *:6443             *:*    users:((\"microshift\","
	"pid=1234,fd=12)) ino:23456 sk:1001 cgroup:/system.slice/microshift.service v6only:0\n",
	" cookie=0x7d2e3c1, duration=1234.567s, table=8, n_packets=12, n_bytes=1008, priority=50,"
	"reg14=0x2,metadata=0x3 actions=load:0x1->NXM_NX_REG10[0],resubmit(,9)\n",
	"drwxr-xr-x.  4 root root system_u:object_r:container_var_lib_t:s0   88 Nov 22 12:50 "
	"/var/lib/microshift/resources\n",
	"quay.io/openshift-release-dev/ocp-v4.0-art-dev@sha256:"
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855   1.2GB\n",
};

static const char *const secrets[] = {
	"2026-11-22T13:31:24.373040513Z line 1596 password=hunter2 10.42.0.7\n",
	"{\"name\":\"API_TOKEN\",\"value\":\"0123456789abcdef\"}\n",
	"Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl\n",
	"    client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpNSUlFb3dJQkFBS0NBUUVB\n",
};

static char *
make_text(size_t len)
{
	char *text = malloc(len);
	uint64_t state = 88172645463325252u;

	assert(text);
	for (size_t i = 0; i < len;) {
		const char *line;
		size_t n;

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		line = state % SECRET_EVERY == 0
		    ? secrets[state / SECRET_EVERY % ELEMENTSOF(secrets)]
		    : lines[state % ELEMENTSOF(lines)];
		n = strlen(line);
		if (n > len - i)
			n = len - i;
		memcpy(text + i, line, n);
		i += n;
	}
	return text;
}

static int
on_write(const void *data, size_t len, void *userdata)
{
	(void)data;
	*(size_t *)userdata += len;
	return 0;
}

static double
cpu_seconds(void)
{
	struct timespec t;

	assert(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	size_t len = (argc > 1 ? strtoul(argv[1], NULL, 10) : MEGABYTES_DEFAULT) * 1000000;
	_cleanup_free_ char *text = make_text(len);
	_cleanup_(redact_freep) struct redact *r = NULL;
	double best = 0;
	size_t out = 0;

	assert(redact_new(on_write, &out, &r) == 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		double start = cpu_seconds();
		double speed;

		for (size_t i = 0; i < len; i += PIECE_BYTES)
			assert(redact_write(r, text + i,
				   len - i < PIECE_BYTES ? len - i : PIECE_BYTES) == 0);
		assert(redact_finish(r) == 0);
		speed = (double)len / 1e6 / (cpu_seconds() - start);
		if (speed > best)
			best = speed;
	}
	(void)printf("log text: %.0f MB/s %zu MB with %llu secrets\n", best, len / 1000000,
	    (unsigned long long)(redact_count_all(r) / ROUNDS));
	return 0;
}
