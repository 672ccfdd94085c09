/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "capture/collector.h"
#include "capture/kube/client.h"
#include "capture/kube/discovery.h"
#include "capture/kube/fingerprint.h"
#include "capture/kube/listjob.h"
#include "capture/kube/namespaces.h"
#include "capture/kube/plan.h"
#include "capture/kube/run.h"
#include "capture/kube/value.h"
#include "lib/text.h"

/* Servers that cannot leave the rest out send whole objects, which serve as well. */
#define ACCEPT                                                                                 \
 "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME  UINT64_C(0x100000001b3)

struct fingerprint {
	struct kube_run *run; /* borrowed */
	uint64_t sum;
};

/* The objects of one type. */
struct list {
	struct fingerprint *fingerprint; /* borrowed */
	const struct kube_resource *resource;
};

/* With its NUL, so that the ends of texts count. */
static uint64_t
hash_text(uint64_t hash, const char *s)
{
	do
		hash = (hash ^ (unsigned char)*s) * FNV_PRIME;
	while (*s++ != '\0');
	return hash;
}

/* Adds an object, or what came instead. A sum, since lists come in any order; mixed before, as
 * MurmurHash3 does, so that similar hashes do not cancel out. */
static void
add(struct list *list, const char *const *texts)
{
	uint64_t hash = FNV_OFFSET;

	hash = hash_text(hash, list->resource->group);
	hash = hash_text(hash, list->resource->plural);
	for (; *texts; texts++)
		hash = hash_text(hash, *texts);
	hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
	hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	list->fingerprint->sum += hash ^ hash >> 33;
}

static const char *
metadata_text(const struct kube_value *object, const char *name)
{
	const char *s = kube_value_string(kube_value_find(object, "metadata", name, NULL));

	return s ? s : "";
}

static bool
is_core(const struct kube_resource *r, const char *plural)
{
	return *r->group == '\0' && streq(r->plural, plural);
}

static bool
is_counted(const struct list *list, const char *namespace)
{
	const struct collector_context *ctx = list->fingerprint->run->ctx;

	return !list->resource->is_namespaced || namespaces_wanted(ctx, namespace) ||
	    (namespaces_want_failing(ctx) && is_core(list->resource, "pods"));
}

static int
look(struct kube_value *object, void *userdata)
{
	struct list *list = userdata;
	bool is_node = is_core(list->resource, "nodes");
	const char *texts[] = {
		metadata_text(object, "namespace"),
		metadata_text(object, "name"),
		metadata_text(object, "uid"),
		is_node ? "" : metadata_text(object, "resourceVersion"),
		NULL,
	};

	if (is_counted(list, texts[0]))
		add(list, texts);
	return 0;
}

static void
done(bool is_complete, void *userdata)
{
	static const char *const texts[] = { "incomplete", NULL };

	if (!is_complete)
		add(userdata, texts);
}

static int
add_list(struct list *list, struct listjobs *jobs, const struct kube_plan_item *item)
{
	struct listjob job = {
		.resource = item->resource,
		.accept = ACCEPT,
		.output = LISTJOB_NOTHING,
		.is_quiet = true,
		.look = look,
		.done = done,
		.userdata = list,
	};

	if (streq(item->resource->plural, "events"))
		return 0;
	list->resource = item->resource;
	return listjobs_add(jobs, &job);
}

int
fingerprint_take(struct kube_run *run, const struct kube_plan *plan, uint64_t *ret)
{
	struct fingerprint fingerprint = { .run = run };
	size_t n = plan->n_cluster + plan->n_namespaced;
	_cleanup_free_ struct list *lists = calloc(n + 1, sizeof(*lists));
	_cleanup_(listjobs_freep) struct listjobs *jobs = NULL;
	int r;

	r = lists ? listjobs_new(run, &jobs) : -ENOMEM;
	for (size_t i = 0; i < n && r >= 0; i++) {
		lists[i].fingerprint = &fingerprint;
		r = add_list(&lists[i], jobs,
		    i < plan->n_cluster ? &plan->cluster[i]
					: &plan->namespaced[i - plan->n_cluster]);
	}
	if (r < 0)
		return r;
	listjobs_start(jobs);
	r = kube_client_run(run->client, run->deadline_usec);
	if (r != 0)
		return r < 0 ? r : -ETIME;
	*ret = fingerprint.sum;
	return 0;
}
