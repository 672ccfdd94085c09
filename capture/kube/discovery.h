/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which resources the API serves, and under which version: the aggregated documents of /api and
 * /apis (v2, v2beta1) where the server has them, else one request per group and version.
 *
 * The order is the one of the server, core first; it decides which group an unqualified name
 * means. Of each resource there is one entry: in the first version, by the group's preference,
 * that is not stale and has it. A group that is dead or answers nonsense is noted, not fatal.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/kube/client.h"
#include "lib/cleanup.h"

struct fault;

/* The two documents of a cluster with 100 operators have 2 MB. */
#define DISCOVERY_MAX_BYTES	(8u * 1024u * 1024u)
/* A cluster with 100 operators has about 1,500. */
#define DISCOVERY_MAX_RESOURCES 5000u
#define DISCOVERY_MAX_GROUPS	2000u
/* One group that hangs costs this much, once, beside the others. */
#define DISCOVERY_REQUEST_USEC	(5 * UINT64_C(1000000))

#define KUBE_VERB_GET  (1u << 0)
#define KUBE_VERB_LIST (1u << 1)

struct kube_resource {
	char *group; /* "" = core */
	char *version;
	char *plural;
	char *singular; /* "" = not told */
	char *kind;
	char **categories; /* strv: "all" */
	unsigned verbs;	   /* KUBE_VERB_… */
	bool is_namespaced;
};

/* A group version that is not usable. */
struct kube_stale {
	char *group;
	char *version; /* "" = the whole group */
	char *reason;  /* a sentence */
};

struct kube_discovery {
	struct kube_resource *resources; /* [n_resources] */
	size_t n_resources;
	struct kube_stale *stale; /* [n_stale] */
	size_t n_stale;
	bool is_aggregated;
	/* The bodies as they came, when they are of aggregated version v2 (what
	 * aggregated-discovery-*.yaml are made of); else NULL. */
	char *api_body, *apis_body;
	size_t api_size, apis_size;
};

/* Runs C until discovery is done, at most to DEADLINE_USEC (monotonic). Returns 0 when at least
 * the core group could be read, else a negative errno with *ret_failure and *reterr. The caller
 * owns *ret. */
int kube_discover(struct kube_client *c, uint64_t deadline_usec, struct kube_discovery **ret,
    enum kube_failure *ret_failure, struct fault *reterr);

/* Finds NAME: "pods", "deployments.apps", "routes.route.openshift.io" (plural, or singular),
 * as oc does: core first, then groups in order. NULL when it is not served. */
const struct kube_resource *kube_discovery_find(
    const struct kube_discovery *d, const char *name);

/* True if R is in CATEGORY. */
bool kube_resource_in_category(const struct kube_resource *r, const char *category);

/* The URL path of the list of R, in NAMESPACE (NULL = everywhere), or of its object NAME (NULL
 * = the list). The caller frees it; NULL = out of memory. */
char *kube_resource_path(
    const struct kube_resource *r, const char *namespace, const char *name);

int kube_discovery_new(struct kube_discovery **ret);
void kube_discovery_free(struct kube_discovery *d);

DEFINE_CLEANUP(struct kube_discovery *, kube_discovery_free);

/* The parsers, which add to D. Return 0, -EINVAL (with *reterr; D may have got a part),
 * -E2BIG, -ENOMEM. Entries that could not be names are left out and noted as stale. */
int kube_discovery_add_aggregated(
    struct kube_discovery *d, const char *body, size_t size, struct fault *reterr);

/* Notes a group version that is not usable; the same note twice in a row is one, and beyond
 * DISCOVERY_MAX_GROUPS they are dropped. Returns 0 or -ENOMEM. */
int kube_discovery_add_stale(
    struct kube_discovery *d, const char *group, const char *version, const char *reason);

/* Calls FN for each version of each group of an APIGroupList, the preferred one first. */
typedef void (*kube_group_version_fn)(const char *group, const char *version, void *userdata);
int kube_discovery_read_groups(const char *body, size_t size, kube_group_version_fn fn,
    void *userdata, struct fault *reterr);

/* An APIResourceList of GROUP and VERSION. Versions of a group are added in order. */
int kube_discovery_add_resources(struct kube_discovery *d, const char *group,
    const char *version, const char *body, size_t size, struct fault *reterr);
