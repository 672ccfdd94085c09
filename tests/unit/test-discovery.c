/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>

#include "capture/kube/discovery.h"
#include "lib/fault.h"
#include "lib/text.h"

#define AGGREGATED(items) "{\"kind\":\"APIGroupDiscoveryList\",\"items\":[" items "]}"
#define GROUP(name, versions)                                                                  \
 "{\"metadata\":{\"name\":\"" name "\"},\"versions\":[" versions "]}"
#define CORE(versions)	 "{\"metadata\":{},\"versions\":[" versions "]}"
#define AT(v, resources) "{\"version\":\"" v "\",\"resources\":[" resources "]}"
#define STALE(v)	 "{\"version\":\"" v "\",\"freshness\":\"Stale\",\"resources\":[]}"
#define RESOURCE(name, singular, kind, scope)                                                  \
 "{\"resource\":\"" name "\",\"singularResource\":\"" singular                                 \
 "\",\"responseKind\":{\"kind\":\"" kind "\"},\"scope\":\"" scope                              \
 "\",\"verbs\":[\"get\",\"list\",\"watch\"],\"categories\":[\"all\"]}"

static int
add(struct kube_discovery *d, const char *body, struct fault *reterr)
{
	return kube_discovery_add_aggregated(d, body, strlen(body), reterr);
}

static void
ok_path(const struct kube_discovery *d, const char *name, const char *want)
{
	const struct kube_resource *r = kube_discovery_find(d, name);
	_cleanup_free_ char *path = r ? kube_resource_path(r, NULL, NULL) : NULL;

	ok_str(path, want, "'%s'", name);
}

static void
test_find(void)
{
	_cleanup_(kube_discovery_freep) struct kube_discovery *d = NULL;
	const struct kube_resource *r;
	struct fault fault;
	char *path;

	ok_int(kube_discovery_new(&d), 0, "empty");
	ok(!kube_discovery_find(d, "pods"), "serves nothing");
	ok_int(add(d,
		   AGGREGATED(CORE(AT("v1",
		       RESOURCE("pods", "pod", "Pod", "Namespaced") "," RESOURCE("events",
			   "event", "Event",
			   "Namespaced") "," RESOURCE("nodes", "node", "Node", "Cluster")))),
		   &fault),
	    0, "core");
	ok_int(add(d,
		   AGGREGATED(GROUP("events.k8s.io",
		       AT("v1",
			   RESOURCE("events", "event", "Event",
			       "Namespaced"))) "," GROUP("autoscaling",
		       AT("v2",
			   RESOURCE("horizontalpodautoscalers", "", "HorizontalPodAutoscaler",
			       "Namespaced")) "," AT("v1",
			   RESOURCE("horizontalpodautoscalers", "", "H",
			       "Namespaced") "," RESOURCE("olds", "old", "Old",
			       "Cluster"))) "," GROUP("metrics.k8s.io",
		       STALE("v1beta1")) "," GROUP("route.openshift.io",
		       STALE("v2") "," AT(
			   "v1", RESOURCE("routes", "route", "Route", "Namespaced")))),
		   &fault),
	    0, "groups");
	ok_path(d, "pods", "/api/v1/pods");
	ok_path(d, "pod", "/api/v1/pods");
	ok_path(d, "events", "/api/v1/events");
	ok_path(d, "events.events.k8s.io", "/apis/events.k8s.io/v1/events");
	ok_path(d, "horizontalpodautoscalers", "/apis/autoscaling/v2/horizontalpodautoscalers");
	ok_path(d, "olds", "/apis/autoscaling/v1/olds");
	ok_path(d, "routes.route.openshift.io", "/apis/route.openshift.io/v1/routes");
	ok_path(d, "routes", "/apis/route.openshift.io/v1/routes");
	ok_path(d, "routes.apps", NULL);
	ok_path(d, "", NULL);
	ok_path(d, ".", NULL);
	ok_int(d->n_stale, 2, "stale versions are noted");
	ok_str(d->stale[0].group, "metrics.k8s.io", "the first");
	ok_str(d->stale[1].version, "v2", "the second");

	r = kube_discovery_find(d, "pods");
	ok(r && r->is_namespaced && r->verbs == (KUBE_VERB_GET | KUBE_VERB_LIST), "pods");
	ok(kube_resource_in_category(r, "all") && !kube_resource_in_category(r, "al"),
	    "category");
	path = kube_resource_path(r, "kube-system", NULL);
	ok_str(path, "/api/v1/namespaces/kube-system/pods", "in a namespace");
	free(path);
	path = kube_resource_path(r, "n", "a/../b c");
	ok_str(path, "/api/v1/namespaces/n/pods/a%2F..%2Fb%20c", "names are escaped");
	free(path);
	ok(!kube_discovery_find(d, "nodes")->is_namespaced, "nodes are not in namespaces");
}

static void
test_hostile(void)
{
	static const char *const names[] = { "../../etc/x", "a/b", "", ".", "..", "a..b", "A",
		"-a", "a b", "a%2f", "pod_s" };
	_cleanup_free_ char *deep = calloc(1, 200001);
	struct fault fault;
	char body[1024];

	for (size_t i = 0; i < ELEMENTSOF(names); i++) {
		_cleanup_(kube_discovery_freep) struct kube_discovery *d = NULL;

		(void)kube_discovery_new(&d);
		(void)snprintf(body, sizeof(body),
		    AGGREGATED(GROUP("g", AT("v1", RESOURCE("%s", "s", "K", "Cluster")))),
		    names[i]);
		ok_int(add(d, body, &fault), 0, "plural '%s'", names[i]);
		(void)snprintf(body, sizeof(body),
		    AGGREGATED(GROUP("g", AT("%s", RESOURCE("x", "s", "K", "Cluster")))),
		    names[i]);
		ok_int(add(d, body, &fault), 0, "version '%s'", names[i]);
		ok_int(d->n_resources, 0, "are left out");
		ok_int(d->n_stale, 2, "and noted");
		if (names[i][0] == '\0')
			continue;
		(void)snprintf(body, sizeof(body),
		    AGGREGATED(GROUP("%s", AT("v1", RESOURCE("x", "s", "K", "Cluster")))),
		    names[i]);
		ok_int(add(d, body, &fault), 0, "group '%s'", names[i]);
		ok_int(d->n_resources, 0, "is left out");
	}
	{
		_cleanup_(kube_discovery_freep) struct kube_discovery *d = NULL;

		(void)kube_discovery_new(&d);
		memset(deep, '[', 200000);
		ok_int(add(d, deep, &fault), -EINVAL, "deep nesting");
		ok_int(
		    add(d, "{\"kind\":\"PodList\",\"items\":[]}", &fault), -EINVAL, "not it");
		ok_str(fault.text, "the answer is no APIGroupDiscoveryList", "and it says so");
		ok_int(add(d, AGGREGATED("7,null,{},{\"versions\":[1,{}]}"), &fault), 0,
		    "odd entries");
		ok_int(d->n_resources, 0, "give nothing");
	}
}

static void
test_too_many(void)
{
	_cleanup_(kube_discovery_freep) struct kube_discovery *d = NULL;
	_cleanup_free_ char *body = NULL;
	struct fault fault;
	size_t size = 0;
	FILE *f = open_memstream(&body, &size);

	(void)fprintf(f, "{\"kind\":\"APIResourceList\",\"resources\":[");
	for (size_t i = 0; i <= DISCOVERY_MAX_RESOURCES; i++)
		(void)fprintf(f, "%s{\"name\":\"r%zu\"}", i ? "," : "", i);
	(void)fprintf(f, "]}");
	(void)fclose(f);
	(void)kube_discovery_new(&d);
	ok_int(kube_discovery_add_resources(d, "g", "v1", body, size, &fault), -E2BIG,
	    "there is a limit");
	ok_int(d->n_resources, DISCOVERY_MAX_RESOURCES, "up to which all are kept");
}

int
main(void)
{
	test_find();
	test_hostile();
	test_too_many();
	return tap_done();
}
