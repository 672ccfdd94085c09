/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "capture/kube/discovery.h"
#include "capture/kube/plan.h"
#include "lib/cleanup.h"
#include "lib/text.h"

/* As the sos plugin has them. Its reviews (tokenreviews and the like) can only be created. */
static const char *const cluster_names[] = {
	"apiservices",
	"certificatesigningrequests",
	"clusterrolebindings",
	"clusterroles",
	"componentstatuses",
	"csidrivers",
	"csinodes",
	"customresourcedefinitions",
	"flowschemas",
	"ingressclasses",
	"logicalvolumes",
	"mutatingwebhookconfigurations",
	"nodes",
	"persistentvolumes",
	"priorityclasses",
	"prioritylevelconfigurations",
	"rangeallocations",
	"runtimeclasses",
	"securitycontextconstraints",
	"storageclasses",
	"validatingwebhookconfigurations",
	"volumeattachments",
	NULL,
};

/* As oc has them besides the category `all`. Routes are in that category on OpenShift; on
 * MicroShift they are of a CRD without categories, and oc does not take them. */
static const char *const namespaced_names[] = {
	"configmaps",
	"egressfirewalls",
	"egressqoses",
	"events",
	"endpoints",
	"endpointslices",
	"networkpolicies",
	"persistentvolumeclaims",
	"poddisruptionbudgets",
	"secrets",
	"servicemonitors",
	"userdefinednetworks",
	"ingresses.networking.k8s.io",
	"routes.route.openshift.io",
	NULL,
};

/* Items under construction. */
struct group {
	struct kube_plan_item *items;
	size_t n_items;
};

static bool
has(const struct group *g, const struct kube_resource *r)
{
	for (size_t i = 0; i < g->n_items; i++)
		if (g->items[i].resource == r)
			return true;
	return false;
}

static int
group_new(const struct kube_discovery *d, struct group *ret)
{
	/* Nothing is in it twice, so it cannot have more than there is. */
	ret->items = calloc(d->n_resources + 1, sizeof(*ret->items));
	return ret->items ? 0 : -ENOMEM;
}

static void
add(struct group *g, const struct kube_resource *r, bool is_list_file)
{
	if (!(r->verbs & KUBE_VERB_LIST) || has(g, r))
		return;
	g->items[g->n_items++] =
	    (struct kube_plan_item){ .resource = r, .is_list_file = is_list_file };
}

/* Adds what is served of NAMES, and the rest to *ABSENT. */
static int
add_names(struct group *g, const struct kube_discovery *d, const char *const *names,
    bool is_namespaced, char ***absent)
{
	for (; *names; names++) {
		const struct kube_resource *r = kube_discovery_find(d, *names);
		int error;

		if (r && r->is_namespaced == is_namespaced && (r->verbs & KUBE_VERB_LIST)) {
			add(g, r, is_namespaced);
			continue;
		}
		error = strv_append(absent, *names);
		if (error < 0)
			return error;
	}
	return 0;
}

static void
add_category(struct group *g, const struct kube_discovery *d, bool is_namespaced)
{
	for (size_t i = 0; i < d->n_resources; i++)
		if (d->resources[i].is_namespaced == is_namespaced &&
		    kube_resource_in_category(&d->resources[i], "all"))
			add(g, &d->resources[i], true);
}

int
kube_plan_make(const struct kube_discovery *d, struct kube_plan *ret)
{
	const struct kube_resource *pods = kube_discovery_find(d, "pods");
	struct group cluster = { 0 };
	struct group namespaced = { 0 };
	int r;

	*ret = (struct kube_plan){ 0 };
	r = group_new(d, &cluster);
	if (r >= 0)
		r = group_new(d, &namespaced);
	if (r >= 0)
		r = add_names(&cluster, d, cluster_names, false, &ret->absent_cluster);
	if (r >= 0) {
		add_category(&cluster, d, false);
		/* First, since the logs come from them. */
		if (pods && pods->is_namespaced)
			add(&namespaced, pods, true);
		add_category(&namespaced, d, true);
		r = add_names(&namespaced, d, namespaced_names, true, &ret->absent_namespaced);
	}
	ret->cluster = cluster.items;
	ret->n_cluster = cluster.n_items;
	ret->namespaced = namespaced.items;
	ret->n_namespaced = namespaced.n_items;
	return r;
}

void
kube_plan_done(struct kube_plan *p)
{
	free(p->cluster);
	free(p->namespaced);
	strv_free(p->absent_cluster);
	strv_free(p->absent_namespaced);
	*p = (struct kube_plan){ 0 };
}
