/* SPDX-License-Identifier: Apache-2.0 */

/* Asking for the documents of discovery. /api and /apis are asked for in all forms at once, the
 * server takes the best it has; for the oldest form there is one more request for each group
 * and version, all beside each other. */

#include <errno.h>
#include <string.h>

#include "capture/kube/client.h"
#include "capture/kube/discovery.h"
#include "lib/clock.h"
#include "lib/text.h"

#define ACCEPT_V2 "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
#define ACCEPT_V2BETA1                                                                         \
 "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
#define ACCEPT_ALL ACCEPT_V2 "," ACCEPT_V2BETA1 ",application/json"

/* One document that is asked for. */
struct document {
	char *group, *version; /* owned; NULL for /api and /apis */
	char *body;	       /* owned */
	size_t size, room;
	bool is_v2, is_v2beta1;
	enum kube_failure failure;
	struct fault fault;
};

struct documents {
	struct document *items; /* [n]; moves only before the requests */
	size_t n;
	int error;
};

static void
documents_done(struct documents *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->items[i].group);
		free(l->items[i].version);
		free(l->items[i].body);
	}
	free(l->items);
}

/* True if TYPE has the parameter PARAMETER ("v=v2"), whatever the spaces. */
static bool
has_parameter(const char *type, const char *parameter)
{
	size_t length = strlen(parameter);
	const char *p = type;

	while ((p = strchr(p, ';'))) {
		p++;
		p += strspn(p, " ");
		if (strncmp(p, parameter, length) == 0 && strchr("; ,", p[length]))
			return true;
	}
	return false;
}

static int
on_start(int status, const char *type, void *userdata)
{
	struct document *d = userdata;

	(void)status;
	if (strncmp(type, "application/json", strlen("application/json")) != 0)
		return -EBADMSG;
	if (has_parameter(type, "g=apidiscovery.k8s.io")) {
		d->is_v2 = has_parameter(type, "v=v2");
		d->is_v2beta1 = has_parameter(type, "v=v2beta1");
	}
	return 0;
}

static int
on_data(const void *data, size_t size, void *userdata)
{
	struct document *d = userdata;
	size_t room = d->room ?: 16384;
	char *grown;

	while (room < d->size + size + 1)
		room *= 2;
	if (room != d->room) {
		grown = realloc(d->body, room);
		if (!grown)
			return -ENOMEM;
		d->body = grown;
		d->room = room;
	}
	memcpy(d->body + d->size, data, size);
	d->size += size;
	d->body[d->size] = '\0';
	return 0;
}

static void
on_done(const struct kube_result *result, void *userdata)
{
	struct document *d = userdata;

	d->failure = result->failure;
	d->fault = result->fault;
	if (d->failure == KUBE_FAILURE_STOPPED && result->fault.code == -EBADMSG) {
		d->failure = KUBE_FAILURE_BAD_ANSWER;
		(void)fault_set(
		    &d->fault, -EBADMSG, "the answer is '%s', not JSON", result->content_type);
	}
}

static void
ask(struct kube_client *c, const char *path, const char *accept, struct document *d)
{
	static const struct kube_handlers handlers = {
		.on_start = on_start,
		.on_data = on_data,
		.on_done = on_done,
	};
	struct kube_request request = {
		.path = path,
		.accept = accept,
		.timeout_usec = DISCOVERY_REQUEST_USEC,
		.max_bytes = DISCOVERY_MAX_BYTES,
	};
	int r;

	r = kube_get(c, &request, &handlers, d);
	if (r < 0) {
		d->failure = KUBE_FAILURE_LOCAL;
		(void)fault_set(&d->fault, r, "GET '%s': %m", path);
	}
}

static void
on_group_version(const char *group, const char *version, void *userdata)
{
	struct documents *l = userdata;
	struct document *grown, *d;

	if (l->error < 0 || l->n >= DISCOVERY_MAX_GROUPS)
		return;
	grown = reallocarray(l->items, l->n + 1, sizeof(*grown));
	if (!grown) {
		l->error = -ENOMEM;
		return;
	}
	l->items = grown;
	d = &l->items[l->n++];
	*d = (struct document){ .group = strdup(group), .version = strdup(version) };
	if (!d->group || !d->version)
		l->error = -ENOMEM;
}

/* Asks for each group and version of L and adds what comes to D, in the order of L. */
static int
ask_versions(struct kube_client *c, uint64_t deadline_usec, struct documents *l,
    struct kube_discovery *d, struct fault *reterr)
{
	struct document *doc;
	struct fault fault;
	char *path;
	int r;

	for (size_t i = 0; i < l->n; i++) {
		doc = &l->items[i];
		path = text_format(
		    "%s%s/%s", doc->group[0] ? "/apis/" : "/api", doc->group, doc->version);
		if (!path)
			return fault_set(reterr, -ENOMEM, "out of memory");
		ask(c, path, NULL, doc);
		free(path);
	}
	(void)kube_client_run(c, deadline_usec);
	for (size_t i = 0; i < l->n; i++) {
		doc = &l->items[i];
		fault = doc->fault;
		r = 0;
		if (doc->failure == KUBE_FAILURE_NONE)
			r = kube_discovery_add_resources(
			    d, doc->group, doc->version, doc->body ?: "", doc->size, &fault);
		if (r == -ENOMEM)
			return fault_set(reterr, r, "out of memory");
		if (doc->failure != KUBE_FAILURE_NONE || r < 0)
			r = kube_discovery_add_stale(
			    d, doc->group, doc->version, fault_text(&fault));
		if (r < 0)
			return fault_set(reterr, r, "Cannot keep the groups of the API: %m");
	}
	return 0;
}

/* The oldest form: /api says versions, /apis groups with versions. */
static int
discover_legacy(struct kube_client *c, uint64_t deadline_usec, const struct document *apis,
    struct kube_discovery *d, struct fault *reterr)
{
	_cleanup_(documents_done) struct documents l = { 0 };
	struct fault fault = apis->fault;
	int r = apis->failure == KUBE_FAILURE_NONE ? 0 : -EREMOTEIO;

	/* The core group has had one version for ten years. */
	on_group_version("", "v1", &l);
	if (r == 0)
		r = kube_discovery_read_groups(
		    apis->body ?: "", apis->size, on_group_version, &l, &fault);
	if (r < 0)
		r = kube_discovery_add_stale(d, "*", "", fault_text(&fault));
	if (r < 0 || l.error < 0)
		return fault_set(reterr, -ENOMEM, "out of memory");
	return ask_versions(c, deadline_usec, &l, d, reterr);
}

static void
keep_body(struct document *doc, char **ret_body, size_t *ret_size)
{
	if (!doc->is_v2 || doc->failure != KUBE_FAILURE_NONE || !doc->body)
		return;
	*ret_size = doc->size;
	*ret_body = TAKE_PTR(doc->body);
}

static int
discover_aggregated(
    struct document *api, struct document *apis, struct kube_discovery *d, struct fault *reterr)
{
	struct fault fault = apis->fault;
	int r;

	d->is_aggregated = true;
	r = kube_discovery_add_aggregated(d, api->body ?: "", api->size, reterr);
	if (r < 0)
		return r;
	r = apis->failure == KUBE_FAILURE_NONE
	    ? kube_discovery_add_aggregated(d, apis->body ?: "", apis->size, &fault)
	    : -EREMOTEIO;
	/* Core alone is worth a lot. */
	if (r < 0 && r != -ENOMEM)
		r = kube_discovery_add_stale(d, "*", "", fault_text(&fault));
	if (r < 0)
		return fault_set(reterr, r, "Cannot keep the groups of the API: %m");
	keep_body(api, &d->api_body, &d->api_size);
	keep_body(apis, &d->apis_body, &d->apis_size);
	return 0;
}

static bool
is_aggregated(const struct document *d)
{
	return d->failure == KUBE_FAILURE_NONE && (d->is_v2 || d->is_v2beta1);
}

int
kube_discover(struct kube_client *c, uint64_t deadline_usec, struct kube_discovery **ret,
    enum kube_failure *ret_failure, struct fault *reterr)
{
	_cleanup_(kube_discovery_freep) struct kube_discovery *d = NULL;
	_cleanup_(documents_done) struct documents roots = {
		.items = calloc(2, sizeof(struct document)),
		.n = 2,
	};
	struct document *api = roots.items, *apis = api + 1;
	int r;

	*ret_failure = KUBE_FAILURE_LOCAL;
	if (!roots.items || kube_discovery_new(&d) < 0) {
		roots.n = roots.items ? 2 : 0;
		return fault_set(reterr, -ENOMEM, "Cannot discover resources: out of memory");
	}
	ask(c, "/api", ACCEPT_ALL, api);
	ask(c, "/apis", ACCEPT_ALL, apis);
	(void)kube_client_run(c, deadline_usec);
	/* A server that does not know this form at all may know the oldest. */
	if (api->failure != KUBE_FAILURE_NONE && api->failure != KUBE_FAILURE_HTTP_404 &&
	    api->failure != KUBE_FAILURE_HTTP_406) {
		*ret_failure = api->failure;
		return fault_set(reterr, api->fault.code, "%s", api->fault.text);
	}
	r = is_aggregated(api) && (is_aggregated(apis) || apis->failure != KUBE_FAILURE_NONE)
	    ? discover_aggregated(api, apis, d, reterr)
	    : discover_legacy(c, deadline_usec, apis, d, reterr);
	if (r < 0)
		return r;
	if (!kube_discovery_find(d, "pods")) {
		*ret_failure = KUBE_FAILURE_BAD_ANSWER;
		return fault_set(reterr, -EBADMSG, "the API serves no pods: %s",
		    d->n_stale > 0 ? d->stale[0].reason : "discovery is empty");
	}
	*ret_failure = KUBE_FAILURE_NONE;
	*ret = TAKE_PTR(d);
	return 0;
}
