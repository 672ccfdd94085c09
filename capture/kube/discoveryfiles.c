/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/kube/discoveryfiles.h"
#include "capture/kube/discovery.h"
#include "capture/kube/json.h"
#include "capture/kube/requestlog.h"
#include "capture/kube/run.h"
#include "capture/kube/yaml.h"

/* One body of aggregated discovery as YAML, as oc keeps it. */
static void
add_file(struct kube_run *run, const char *path, const char *body, size_t size)
{
	_cleanup_(kube_json_freep) struct kube_json *json = NULL;
	struct bundle_member_options options = { .is_whole = true };
	int r;

	if (!body)
		return;
	r = kube_json_new(KUBE_JSON_DOCUMENT, NULL, &json);
	if (r >= 0)
		r = kube_json_feed(json, body, size, NULL);
	if (r >= 0)
		r = kube_json_finish(json, NULL);
	if (r >= 0)
		r = kube_run_begin(run, path, &options, &run->document);
	if (r < 0)
		return;
	r = kube_yaml_document_bare(run->yaml, kube_json_head(json));
	if (r < 0)
		bundle_member_abort(TAKE_PTR(run->document));
	else
		(void)kube_run_end(run, TAKE_PTR(run->document));
}

void
discoveryfiles_add(struct kube_run *run, const struct kube_discovery *d)
{
	add_file(run, "aggregated-discovery-api.yaml", d->api_body, d->api_size);
	add_file(run, "aggregated-discovery-apis.yaml", d->apis_body, d->apis_size);
	for (size_t n = 0; n < d->n_stale; n++)
		requestlog_note(run->cluster_log, "not usable: %s%s%s: %s", d->stale[n].group,
		    *d->stale[n].version ? "/" : "", d->stale[n].version, d->stale[n].reason);
}
