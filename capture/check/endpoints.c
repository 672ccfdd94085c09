/* SPDX-License-Identifier: Apache-2.0 */

/* Do the API and the kubelet answer? A server that cannot be trusted, or does not know us, is a
 * matter of certificates; one that does not answer well is not alive. */

#include <string.h>

#include "capture/check/check.h"
#include "capture/kube/client.h"
#include "capture/kube/kubeconfig.h"
#include "lib/cleanup.h"
#include "lib/fault.h"
#include "lib/settings.h"
#include "lib/text.h"

static enum trigger
trigger_of(enum kube_failure failure)
{
	switch (failure) {
	case KUBE_FAILURE_TLS_EXPIRED:
	case KUBE_FAILURE_TLS_NOT_YET:
	case KUBE_FAILURE_TLS_AUTHORITY:
	case KUBE_FAILURE_TLS_NAME:
	case KUBE_FAILURE_TLS_CLIENT:
	case KUBE_FAILURE_TLS_OTHER:
	case KUBE_FAILURE_HTTP_401:
	case KUBE_FAILURE_HTTP_403:
		return TRIGGER_CERTIFICATE;
	default:
		return TRIGGER_LIVENESS;
	}
}

/* Asks PATH of the server in CONFIG, which is NAME for people. */
static void
ask(struct check *c, const struct kubeconfig *config, const char *path, const char *name)
{
	/* One request: the negotiation of HTTP/2 would be more work than it saves. */
	static const struct kube_options options = { .http1 = true };
	_cleanup_(kube_client_freep) struct kube_client *client = NULL;
	struct kube_probe probe;
	struct finding f = { 0 };
	struct fault fault = { 0 };

	if (kube_client_new(config, &options, &client, &fault) < 0) {
		check_note(c, "%s: %s", name, fault_text(&fault));
		return;
	}
	kube_ping(client, path, KUBE_PROBE_USEC, &probe);
	if (probe.is_ready)
		return;
	if (probe.failure == KUBE_FAILURE_LOCAL) {
		check_note(c, "%s: %s", name, fault_text(&probe.fault));
		return;
	}
	f.trigger = trigger_of(probe.failure);
	(void)snprintf(f.subject, sizeof(f.subject), "%s%s", config->server, path);
	text_copy(f.problem, sizeof(f.problem), kube_failure_name(probe.failure));
	check_add(c, &f, "%s: %s", name, fault_text(&probe.fault));
}

/* The kubeconfig that people use; NULL when MicroShift has never made one. */
static char *
find_config(const struct check_options *o)
{
	_cleanup_(strv_freep) char **paths = NULL;
	_cleanup_free_ char *dir = NULL;

	if (o->kubeconfig)
		return strdup(o->kubeconfig);
	dir = text_format("%s%s", o->root, KUBECONFIG_DIR);
	if (!dir || kubeconfig_candidates(dir, &paths) < 0 || !paths)
		return NULL;
	return strdup(paths[0]);
}

void
check_endpoints(const struct check_options *o, struct check *c)
{
	_cleanup_(kubeconfig_freep) struct kubeconfig *api = NULL;
	_cleanup_(kubeconfig_freep) struct kubeconfig *kubelet = NULL;
	_cleanup_free_ char *path = find_config(o);
	struct fault fault = { 0 };

	if (!path) {
		check_note(
		    c, "API and kubelet: there is no kubeconfig, MicroShift has not run");
		return;
	}
	if (kubeconfig_load(path, &api, &fault) < 0)
		check_note(c, "API: %s", fault_text(&fault));
	else
		ask(c, api, "/readyz", "API");
	if (o->settings->kubelet_port > 0 &&
	    kubeconfig_loopback((unsigned)o->settings->kubelet_port, &kubelet) >= 0)
		ask(c, kubelet, "/healthz", "kubelet");
}
