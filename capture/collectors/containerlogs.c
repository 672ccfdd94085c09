/* SPDX-License-Identifier: Apache-2.0 */

/* Container logs from the files of this node alone, for when there is no time to ask an API:
 * just before a shutdown or a rollback, or when somebody names this collector.
 *
 * Logs have one place in a report, that of the cluster's tree, however they were had. Where the
 * collector "kube" is in the profile, it takes them, from these files too when no API answers;
 * so this one is in none of its profiles, and nothing is stored twice. */

#include <errno.h>

#include "capture/collector.h"
#include "capture/collectors/builtin.h"
#include "capture/kube/nodelogs.h"
#include "capture/kube/requestlog.h"
#include "capture/kube/run.h"
#include "lib/clock.h"
#include "lib/fault.h"

/* Of all logs together, before compression: a shutdown does not wait long. */
#define MAX_BYTES (32u * 1024u * 1024u)

static bool
applies(const struct collector *c, const struct collector_context *ctx, struct fault *reterr)
{
	(void)c;
	if (nodelogs_exist(ctx))
		return true;
	fault_set(reterr, -ENOENT, "there is no " NODELOGS_DIR);
	return false;
}

static enum outcome
add_logs(struct kube_run *run, struct fault *reterr)
{
	int n;

	requestlog_note(run->namespace_log, "the API was not asked: container-logs");
	n = nodelogs_add_all(run, MAX_BYTES);
	if (n < 0) {
		fault_set(reterr, n, NODELOGS_DIR ": %m");
		return OUTCOME_FAILED;
	}
	if (run->n_problems == 0)
		return OUTCOME_OK;
	*reterr = run->problem;
	return collector_must_stop(run->ctx) ? OUTCOME_TIMED_OUT : OUTCOME_PARTIAL;
}

static enum outcome
run(const struct collector *c, struct collector_context *ctx, struct fault *reterr)
{
	_cleanup_(kube_run_done) struct kube_run run;
	enum outcome outcome;
	int r;

	(void)c;
	r = kube_run_init(&run, ctx);
	/* Readers take the tree for one by this directory. */
	if (r >= 0)
		r = bundle_add_directory(ctx->bundle, KUBE_TREE "namespaces");
	if (r < 0) {
		fault_set(reterr, r, "the tree cannot be begun: %m");
		return OUTCOME_FAILED;
	}
	outcome = add_logs(&run, reterr);
	(void)requestlog_end(TAKE_PTR(run.namespace_log));
	return outcome;
}

const struct collector containerlogs_collector = {
	.name = "container-logs",
	.description = "Logs of containers, from the files of this node alone",
	.profiles = PROFILE_BIT(PROFILE_FINAL),
	.priority = PRIORITY_LATE,
	.wall_usec = 30 * USEC_PER_SEC,
	/* With room for what tells of the logs. */
	.max_bytes = MAX_BYTES + 1024 * 1024,
	.applies = applies,
	.run = run,
};
