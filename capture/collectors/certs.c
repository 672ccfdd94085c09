/* SPDX-License-Identifier: Apache-2.0 */

/* The certificates of MicroShift: what there is, what is wrong, and what a client sees of the
 * servers that use them. Metadata only; see capture/certs/certscan.h. */

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/utsname.h>

#include "capture/certs/certscan.h"
#include "capture/certs/certtext.h"
#include "capture/certs/tlsprobe.h"
#include "capture/certs/tree.h"
#include "capture/collector.h"
#include "capture/collectors/builtin.h"
#include "capture/notes.h"
#include "capture/rootdir.h"
#include "capture/sink/bundle.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/text.h"

#define DIR_IN_REPORT "sos_commands/certs/"
#define LOOPBACK      "127.0.0.1"
#define ETCD_PORT     2379u
#define KUBELET_PORT  10250u
#define ETCD_CLIENT   TREE_CERTS_DIR "/etcd-signer/apiserver-etcd-client/client"
#define KUBELET_CLIENT                                                                         \
 TREE_CERTS_DIR                                                                                \
 "/kube-apiserver-to-kubelet-client-signer/kube-apiserver-to-kubelet-client/client"
#define N_SERVERS 5u

/* As the clients of each server are configured. */
static const struct tlsprobe_target servers[N_SERVERS] = {
	{ .what = "the API, for MicroShift itself",
	    .server_name = "localhost",
	    .ca_path = TREE_CERTS_DIR "/kube-apiserver-localhost-signer/ca.crt",
	    .request = "/readyz" },
	{ .what = "the API, for pods",
	    .server_name = "kubernetes.default.svc",
	    .ca_path = TREE_CERTS_DIR "/kube-apiserver-service-network-signer/ca.crt",
	    .request = "/readyz" },
	{ .what = "the API, for others",
	    .ca_path = TREE_CERTS_DIR "/kube-apiserver-external-signer/ca.crt",
	    .request = "/readyz" },
	{ .what = "etcd",
	    .port = ETCD_PORT,
	    .server_name = "localhost",
	    .ca_path = TREE_CERTS_DIR "/etcd-signer/ca.crt",
	    .cert_path = ETCD_CLIENT ".crt",
	    .key_path = ETCD_CLIENT ".key",
	    .request = "/health" },
	{ .what = "kubelet",
	    .port = KUBELET_PORT,
	    .ca_path = TREE_KUBELET_CA,
	    .cert_path = KUBELET_CLIENT ".crt",
	    .key_path = KUBELET_CLIENT ".key",
	    .request = "/healthz" },
};

static bool
applies(const struct collector *c, const struct collector_context *ctx, struct fault *reterr)
{
	_cleanup_close_ int root_fd = rootdir_open(ctx->root);

	(void)c;
	if (root_fd >= 0 &&
	    (rootdir_exists(root_fd, "/var/lib/microshift") ||
		rootdir_exists(root_fd, "/etc/microshift")))
		return true;
	fault_set(reterr, -ENOENT,
	    "there is no MicroShift: neither /var/lib/microshift nor "
	    "/etc/microshift exists");
	return false;
}

/* Adds TEXT, which is consumed, as NAME. Returns as bundle_add(), or -ENOMEM. */
static int
add_text(struct collector_context *ctx, const char *name, char *text)
{
	_cleanup_free_ char *owned = text;
	_cleanup_free_ char *path = text_format(DIR_IN_REPORT "%s", name);

	if (!owned || !path)
		return -ENOMEM;
	return bundle_add(ctx->bundle, path, owned, strlen(owned), NULL);
}

/* The same for JSON. */
static int
add_json(struct collector_context *ctx, const char *name, cJSON *json)
{
	_cleanup_json_ cJSON *owned = json;

	return add_text(ctx, name, owned ? json_print(owned, true) : NULL);
}

/* Findings go to the summary too, by way of the manifest. */
static int
note_scan(struct collector_context *ctx, const struct certscan *s)
{
	char renew[CLOCK_TEXT_BYTES];
	bool renews = s->renew_usec > 0;
	int r;

	r = notes_add(ctx, "certificates: %zu, %zu findings%s%s", s->n_certificates,
	    s->n_findings, renews ? "; MicroShift restarts itself to renew some at " : "",
	    renews ? clock_format_utc(s->renew_usec, renew) : "");
	for (size_t i = 0; i < s->n_findings && r == 0; i++)
		r = notes_add(ctx, "%s: %s: '%s': %s",
		    certscan_severity_name(s->findings[i].severity),
		    certscan_class_name(s->findings[i].class), s->findings[i].path,
		    s->findings[i].text);
	return r;
}

static int
add_scan(struct collector_context *ctx, const struct certscan *s)
{
	int r;

	r = add_text(ctx, "findings.txt", certtext_findings(s));
	if (r >= 0)
		r = add_json(ctx, "findings.json", certscan_findings_to_json(s));
	if (r >= 0)
		r = add_text(ctx, "inventory.txt", certtext_inventory(s));
	if (r >= 0)
		r = add_json(ctx, "inventory.json", certscan_to_json(s));
	return r < 0 ? r : note_scan(ctx, s);
}

static int
scan(const struct collector_context *ctx, struct certscan **ret, struct fault *reterr)
{
	_cleanup_(strv_freep) char **addresses = NULL;
	struct certscan_options options = {
		.root = ctx->root,
		.now_usec = clock_realtime_usec(),
	};
	struct utsname u;

	/* In a tree that only stands for a machine they are not the ones of this one. */
	if (is_empty(ctx->root)) {
		(void)certscan_host_addresses(&addresses);
		options.addresses = addresses;
		options.hostname = uname(&u) == 0 ? u.nodename : NULL;
	}
	return certscan_run(&options, NULL, ret, reterr);
}

static cJSON *
server_to_json(const struct tlsprobe_target *t, const struct tlsprobe_result *r)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || json_add_text(object, "what", t->what) < 0 ||
	    json_add_text(object, "address", t->address) < 0 ||
	    json_add_uint(object, "port", t->port) < 0 ||
	    json_add_text(object, "server_name", t->server_name) < 0 ||
	    json_add_text(object, "ca_path", t->ca_path) < 0 ||
	    json_add_text(object, "cert_path", t->cert_path) < 0 ||
	    json_add_bool(object, "good", r->failure == KUBE_FAILURE_NONE) < 0 ||
	    json_add_text(object, "failure", kube_failure_name(r->failure)) < 0 ||
	    json_add_text(object, "text", r->failure ? fault_text(&r->fault) : "") < 0 ||
	    json_add_text(object, "protocol", r->protocol) < 0 ||
	    json_add_text(object, "cipher", r->cipher) < 0 ||
	    json_add_bool(object, "client_was_asked", r->client_was_asked) < 0 ||
	    json_add_text(object, "answer", r->answer) < 0 ||
	    json_add_uint(object, "duration_usec", r->duration_usec) < 0 ||
	    json_add_strv(object, "steps", r->steps) < 0 ||
	    json_add_item(
		object, "chain", certscan_certificates_to_json(r->chain, r->n_chain)) < 0)
		return NULL;
	return TAKE_PTR(object);
}

static cJSON *
servers_to_json(const struct tlsprobe_target *targets, const struct tlsprobe_result *results)
{
	_cleanup_json_ cJSON *array = cJSON_CreateArray();

	for (size_t i = 0; array && i < N_SERVERS; i++) {
		cJSON *item = server_to_json(&targets[i], &results[i]);

		if (!item || !cJSON_AddItemToArray(array, item))
			return NULL;
	}
	return TAKE_PTR(array);
}

static int
note_server(struct collector_context *ctx, const struct tlsprobe_target *t,
    const struct tlsprobe_result *r)
{
	if (r->failure != KUBE_FAILURE_NONE)
		return notes_add(ctx, "TLS: %s (port %u, '%s'): %s: %s", t->what, t->port,
		    t->server_name, kube_failure_name(r->failure), fault_text(&r->fault));
	return notes_add(ctx, "TLS: %s (port %u, '%s'): good, %s, answers '%s'", t->what,
	    t->port, t->server_name, r->protocol, r->answer);
}

static int
add_servers(struct collector_context *ctx, const struct certscan *s)
{
	_cleanup_close_ int root_fd = rootdir_open(ctx->root);
	struct tlsprobe_target targets[N_SERVERS];
	struct tlsprobe_result results[N_SERVERS];
	int r = 0;

	for (size_t i = 0; i < N_SERVERS; i++) {
		targets[i] = servers[i];
		targets[i].address = LOOPBACK;
		if (targets[i].port == 0)
			targets[i].port = (unsigned)s->api_port;
		if (!targets[i].server_name)
			targets[i].server_name = s->node_name[0] ? s->node_name : "localhost";
	}
	tlsprobe_run(root_fd, targets, N_SERVERS, s->now_usec, 0, results);
	for (size_t i = 0; i < N_SERVERS && r == 0; i++)
		r = note_server(ctx, &targets[i], &results[i]);
	if (r >= 0)
		r = add_text(ctx, "tls.txt", certtext_tls(targets, results, N_SERVERS));
	if (r >= 0)
		r = add_json(ctx, "tls.json", servers_to_json(targets, results));
	for (size_t i = 0; i < N_SERVERS; i++)
		tlsprobe_done(&results[i]);
	return r;
}

static enum outcome
run(const struct collector *c, struct collector_context *ctx, struct fault *reterr)
{
	_cleanup_(certscan_freep) struct certscan *s = NULL;
	int r;

	(void)c;
	r = scan(ctx, &s, reterr);
	if (r < 0)
		return OUTCOME_FAILED;
	r = add_scan(ctx, s);
	if (r >= 0 && s->n_certificates > 0 && !collector_must_stop(ctx))
		r = add_servers(ctx, s);
	if (r == 0)
		return OUTCOME_OK;
	fault_set(reterr, r < 0 ? r : -EFBIG, "not everything could be stored: %m");
	return OUTCOME_PARTIAL;
}

const struct collector certs_collector = {
	.name = "certs",
	.description = "Certificates: what there is, what is wrong, what TLS clients see",
	.profiles = PROFILE_BIT(PROFILE_CRASH) | PROFILE_BIT(PROFILE_STARTUP) |
	    PROFILE_BIT(PROFILE_CERT) | PROFILE_BIT(PROFILE_FULL),
	.priority = PRIORITY_FIRST,
	.wall_usec = 10 * USEC_PER_SEC,
	.applies = applies,
	.run = run,
};
