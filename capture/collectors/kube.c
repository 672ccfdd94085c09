/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "capture/collector.h"
#include "capture/collectors/builtin.h"
#include "capture/kube/connect.h"
#include "capture/kube/inspect.h"
#include "capture/kube/nodelogs.h"
#include "capture/lastgood.h"
#include "lib/clock.h"
#include "lib/fault.h"

/* Logs have a limit of their own (MaxLogBytes=); 5,000 pods are 100 MB of YAML. */
#define MAX_BYTES (512u * 1024u * 1024u)

static bool
applies(const struct collector *c, const struct collector_context *ctx, struct fault *reterr)
{
	(void)c;
	if (kube_connect_has_config(ctx) || nodelogs_exist(ctx) || lastgood_exists(ctx))
		return true;
	fault_set(
	    reterr, -ENOENT, "there is neither a kubeconfig of MicroShift nor " NODELOGS_DIR);
	return false;
}

/* Whatever systemd says of the unit: what answers is asked. */
static enum outcome
run(const struct collector *c, struct collector_context *ctx, struct fault *reterr)
{
	static const struct kube_inspect_options options = { 0 };
	struct kube_inspect_result result;
	enum outcome outcome;

	(void)c;
	outcome = kube_inspect(ctx, &options, &result, reterr);
	if (result.has_api)
		return outcome;
	return lastgood_add(ctx) > 0 && outcome == OUTCOME_FAILED ? OUTCOME_PARTIAL : outcome;
}

const struct collector kube_collector = {
	.name = "kube",
	.description = "State of the cluster, as oc adm inspect writes it, and container logs",
	.profiles = PROFILE_BIT(PROFILE_CRASH) | PROFILE_BIT(PROFILE_STARTUP) |
	    PROFILE_BIT(PROFILE_CERT) | PROFILE_BIT(PROFILE_FULL),
	.priority = PRIORITY_LATE,
	.wall_usec = 90 * USEC_PER_SEC,
	.max_bytes = MAX_BYTES,
	.applies = applies,
	.run = run,
};
