/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>

#include "capture/collector.h"
#include "capture/kube/client.h"
#include "capture/kube/connect.h"
#include "capture/kube/kubeconfig.h"
#include "capture/kube/requestlog.h"
#include "capture/kube/run.h"
#include "capture/notes.h"
#include "lib/clock.h"
#include "lib/text.h"

static int
list_configs(const struct collector_context *ctx, char ***ret)
{
	_cleanup_free_ char *dir = NULL;

	if (ctx->kubeconfig)
		return strv_append(ret, ctx->kubeconfig);
	dir = text_format("%s%s", ctx->root, KUBECONFIG_DIR);
	return dir ? kubeconfig_candidates(dir, ret) : -ENOMEM;
}

bool
kube_connect_has_config(const struct collector_context *ctx)
{
	_cleanup_(strv_freep) char **paths = NULL;

	return list_configs(ctx, &paths) >= 0 && strv_length(paths) > 0;
}

/* Makes a client from PATH and looks whether the API answers it, within TIMEOUT_USEC. */
static int
try_config(struct kube_run *run, const char *path, uint64_t timeout_usec, struct fault *reterr)
{
	struct kube_options options = { .stop_fd = run->stop_fd >= 0 ? &run->stop_fd : NULL };
	_cleanup_(kubeconfig_freep) struct kubeconfig *config = NULL;
	_cleanup_(kube_client_freep) struct kube_client *client = NULL;
	struct kube_probe probe;
	int r;

	r = kubeconfig_load(path, &config, reterr);
	if (r >= 0)
		r = kube_client_new(config, &options, &client, reterr);
	if (r < 0) {
		requestlog_note(
		    run->cluster_log, "%s cannot be used: %s", path, fault_text(reterr));
		return r;
	}
	kube_probe(client, timeout_usec, &probe);
	requestlog_note(run->cluster_log, "API at %s (%s): %s%s%s, %" PRIu64 " ms",
	    config->server, path,
	    probe.is_ready	  ? "ready"
		: probe.is_usable ? "not ready"
				  : kube_failure_name(probe.failure),
	    *probe.version ? ", version " : "", probe.version,
	    probe.duration_usec / USEC_PER_MSEC);
	if (!probe.is_usable) {
		*reterr = probe.fault;
		fault_wrap(reterr, "%s (%s)", config->server, kube_failure_name(probe.failure));
		return reterr->code < 0 ? reterr->code : -EIO;
	}
	if (probe.is_ready)
		(void)notes_add(
		    run->ctx, "API at %s: ready, version %s", config->server, probe.version);
	else
		kube_run_problem(run, probe.fault.code, "API at %s: not ready: %s",
		    config->server, fault_text(&probe.fault));
	run->is_ready = probe.is_ready;
	run->client = TAKE_PTR(client);
	return 0;
}

/* The first kubeconfig with which the API answers, all tries together within the time of one
 * probe. The reason of the first one is told: it is the one that people use. */
int
kube_connect(struct kube_run *run, struct fault *reterr)
{
	uint64_t end = clock_monotonic_usec() + KUBE_PROBE_USEC;
	_cleanup_(strv_freep) char **paths = NULL;
	int r;

	r = list_configs(run->ctx, &paths);
	if (r < 0)
		return fault_set(reterr, r, "no kubeconfig can be found: %m");
	if (!paths)
		return fault_set(reterr, -ENOENT, "there is no kubeconfig");
	for (char **path = paths; *path; path++) {
		uint64_t now = clock_monotonic_usec();
		struct fault fault = { 0 };

		if (now >= end)
			break;
		r = try_config(run, *path, end - now, &fault);
		if (r >= 0)
			return 0;
		if (path == paths)
			*reterr = fault;
	}
	return reterr->code < 0 ? reterr->code : -EIO;
}
