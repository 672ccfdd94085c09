/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include "capture/kube/discovery.h"
#include "capture/kube/plan.h"
#include "lib/fault.h"
#include "lib/text.h"

#define LIST_VERBS "\"verbs\":[\"get\",\"list\"]"
#define RESOURCE(plural, kind, namespaced, more)                                               \
 "{\"name\":\"" plural "\",\"singularName\":\"\",\"namespaced\":" namespaced                   \
 ",\"kind\":\"" kind "\"," more "}"

/* A little API: what of it is asked for, and where that goes, is checked below. */
static struct kube_discovery *
make_discovery(void)
{
	static const struct {
		const char *group;
		const char *version;
		const char *resources;
	} lists[] = {
		{ "", "v1",
		    RESOURCE("configmaps", "ConfigMap", "true", LIST_VERBS) "," RESOURCE(
			"events", "Event", "true", LIST_VERBS) "," RESOURCE("nodes", "Node",
			"false", LIST_VERBS) "," RESOURCE("namespaces", "Namespace", "false",
			LIST_VERBS) "," RESOURCE("services", "Service", "true",
			LIST_VERBS ",\"categories\":[\"all\"]") "," RESOURCE("pods", "Pod",
			"true", LIST_VERBS ",\"categories\":[\"all\"]") "," RESOURCE("bindings",
			"Binding", "true", "\"verbs\":[\"create\"]") },
		{ "events.k8s.io", "v1", RESOURCE("events", "Event", "true", LIST_VERBS) },
		{ "authentication.k8s.io", "v1",
		    RESOURCE(
			"tokenreviews", "TokenReview", "false", "\"verbs\":[\"create\"]") },
		{ "networking.k8s.io", "v1",
		    RESOURCE("ingresses", "Ingress", "true", LIST_VERBS) },
		{ "route.openshift.io", "v1", RESOURCE("routes", "Route", "true", LIST_VERBS) },
		{ "example.com", "v1",
		    RESOURCE("widgets", "Widget", "true",
			LIST_VERBS ",\"categories\":[\"all\"]") "," RESOURCE("planets",
			"Planet", "false",
			LIST_VERBS ",\"categories\":[\"all\"]") "," RESOURCE("stones", "Stone",
			"true", LIST_VERBS) },
	};
	struct kube_discovery *d = NULL;

	assert(kube_discovery_new(&d) == 0);
	for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
		_cleanup_free_ char *body = text_format("{\"kind\":\"APIResourceList\","
							"\"groupVersion\":\"%s%s%s\","
							"\"resources\":[%s]}",
		    lists[i].group, *lists[i].group ? "/" : "", lists[i].version,
		    lists[i].resources);
		struct fault f = { 0 };

		assert(body);
		if (kube_discovery_add_resources(
			d, lists[i].group, lists[i].version, body, strlen(body), &f) < 0) {
			printf("Bail out! %s\n", f.text);
			abort();
		}
	}
	return d;
}

/* "plural.group" of all items, with "*" for a list file. The caller frees it. */
static char *
print(const struct kube_plan_item *items, size_t n)
{
	char *text = strdup("");

	for (size_t i = 0; i < n; i++) {
		char *more = text_format("%s%s%s%s%s%s", text, i > 0 ? " " : "",
		    items[i].resource->plural, *items[i].resource->group ? "." : "",
		    items[i].resource->group, items[i].is_list_file ? "*" : "");

		free(text);
		text = more;
		assert(text);
	}
	return text;
}

int
main(void)
{
	_cleanup_(kube_discovery_freep) struct kube_discovery *d = make_discovery();
	_cleanup_(kube_plan_done) struct kube_plan p = { 0 };
	_cleanup_free_ char *cluster = NULL;
	_cleanup_free_ char *namespaced = NULL;

	ok_int(kube_plan_make(d, &p), 0, "makes a plan");
	cluster = print(p.cluster, p.n_cluster);
	namespaced = print(p.namespaced, p.n_namespaced);
	ok_str(cluster, "nodes planets.example.com*",
	    "a file for each node, a list of what has the category all");
	ok_str(namespaced,
	    "pods* services* widgets.example.com* configmaps* events* "
	    "ingresses.networking.k8s.io* routes.route.openshift.io*",
	    "pods first; core events; routes without a category; no stones");
	ok(strv_contains(p.absent_cluster, "runtimeclasses") &&
		!strv_contains(p.absent_cluster, "nodes"),
	    "what is not served is told");
	ok(strv_contains(p.absent_namespaced, "egressqoses") &&
		!strv_contains(p.absent_namespaced, "events"),
	    "of namespaces, too");
	return tap_done();
}
