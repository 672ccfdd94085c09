/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is asked of the API: of all that discovery lists, what sos asks for of the cluster and
 * what `oc adm inspect` takes of a namespace, and what oc misses on MicroShift. Pure. */

#include <stdbool.h>
#include <stddef.h>

struct kube_discovery;
struct kube_resource;

struct kube_plan_item {
	const struct kube_resource *resource; /* borrowed from the discovery */
	bool is_list_file; /* one file with the list, instead of one for each object */
};

struct kube_plan {
	struct kube_plan_item *cluster; /* owned */
	size_t n_cluster;
	struct kube_plan_item *namespaced; /* owned; pods, when they are served, come first */
	size_t n_namespaced;
	/* owned strv: asked for by name, but not served here; for the logs, no error */
	char **absent_cluster;
	char **absent_namespaced;
};

/* Returns 0 or -ENOMEM. The caller owns *ret (kube_plan_done()), also after an error. */
int kube_plan_make(const struct kube_discovery *d, struct kube_plan *ret);
void kube_plan_done(struct kube_plan *p);
