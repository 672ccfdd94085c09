/* SPDX-License-Identifier: Apache-2.0 */

/* Names from the API become URL paths and file names, so only what Kubernetes itself would take
 * as a name gets in. Depth is no danger: lib/json refuses more than 32 levels, these documents
 * have 10. */

#include <errno.h>
#include <string.h>

#include "capture/kube/discovery.h"
#include "lib/json.h"
#include "lib/text.h"

/* A DNS subdomain, as groups and plurals are. */
#define NAME_MAX_BYTES 253u

int
kube_discovery_new(struct kube_discovery **ret)
{
	struct kube_discovery *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	*ret = d;
	return 0;
}

static void
resource_done(struct kube_resource *r)
{
	strv_free(r->categories);
	free(r->kind);
	free(r->singular);
	free(r->plural);
	free(r->version);
	free(r->group);
}

void
kube_discovery_free(struct kube_discovery *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n_resources; i++)
		resource_done(&d->resources[i]);
	free(d->resources);
	for (size_t i = 0; i < d->n_stale; i++) {
		free(d->stale[i].group);
		free(d->stale[i].version);
		free(d->stale[i].reason);
	}
	free(d->stale);
	free(d->api_body);
	free(d->apis_body);
	free(d);
}

/* A DNS subdomain: it cannot leave a path. The core group is "". */
static bool
is_name(const char *s)
{
	size_t length = strlen(s);

	return length > 0 && length <= NAME_MAX_BYTES &&
	    s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-.")] == '\0' && s[0] != '.' &&
	    s[0] != '-' && !strstr(s, "..");
}

/* A DNS label: the dot separates it from its group. */
static bool
is_label(const char *s)
{
	return is_name(s) && !strchr(s, '.');
}

int
kube_discovery_add_stale(
    struct kube_discovery *d, const char *group, const char *version, const char *reason)
{
	struct kube_stale *grown, *s = d->n_stale > 0 ? &d->stale[d->n_stale - 1] : NULL;

	/* Servers of metrics have thousands of names that are none, in one group. */
	if (d->n_stale >= DISCOVERY_MAX_GROUPS ||
	    (s && streq(s->group, group) && streq(s->version, version) &&
		streq(s->reason, reason)))
		return 0;
	grown = reallocarray(d->stale, d->n_stale + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	d->stale = grown;
	s = &d->stale[d->n_stale];
	*s = (struct kube_stale){
		.group = strdup(group),
		.version = strdup(version),
		.reason = strdup(reason),
	};
	d->n_stale++;
	return s->group && s->version && s->reason ? 0 : -ENOMEM;
}

static struct kube_resource *
find_plural(const struct kube_discovery *d, const char *group, const char *plural)
{
	/* The newest are of the same group: look there first. */
	for (size_t i = d->n_resources; i > 0; i--)
		if (streq(d->resources[i - 1].group, group) &&
		    streq(d->resources[i - 1].plural, plural))
			return &d->resources[i - 1];
	return NULL;
}

static unsigned
read_verbs(const cJSON *resource)
{
	const cJSON *verb;
	unsigned verbs = 0;

	cJSON_ArrayForEach (verb, cJSON_GetObjectItemCaseSensitive(resource, "verbs")) {
		if (!cJSON_IsString(verb))
			continue;
		if (streq(verb->valuestring, "get"))
			verbs |= KUBE_VERB_GET;
		else if (streq(verb->valuestring, "list"))
			verbs |= KUBE_VERB_LIST;
	}
	return verbs;
}

/* The members that both kinds of document have, under their names. */
struct entry {
	const char *plural, *singular, *kind;
	bool is_namespaced;
};

static int
add_resource(struct kube_discovery *d, const char *group, const char *version,
    const struct entry *e, const cJSON *json)
{
	struct kube_resource *grown, *r;

	if (find_plural(d, group, e->plural))
		return 0;
	if (d->n_resources >= DISCOVERY_MAX_RESOURCES)
		return -E2BIG;
	if (d->n_resources % 64 == 0) {
		grown = reallocarray(d->resources, d->n_resources + 64, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		d->resources = grown;
	}
	r = &d->resources[d->n_resources++];
	*r = (struct kube_resource){
		.group = strdup(group),
		.version = strdup(version),
		.plural = strdup(e->plural),
		.singular = strdup(e->singular),
		.kind = strdup(e->kind),
		.verbs = read_verbs(json),
		.is_namespaced = e->is_namespaced,
	};
	if (!r->group || !r->version || !r->plural || !r->singular || !r->kind)
		return -ENOMEM;
	/* Wrong types count as none. */
	return json_get_strv(json, "categories", &r->categories) == -ENOMEM ? -ENOMEM : 0;
}

/* Reads one resource of a v2 document; what has no usable name is left out. */
static int
add_aggregated_resource(
    struct kube_discovery *d, const char *group, const char *version, const cJSON *json)
{
	struct entry e = { .singular = "", .kind = "" };
	const char *scope = "";

	if (json_get_string(json, "resource", &e.plural) <= 0 || !is_label(e.plural))
		return kube_discovery_add_stale(
		    d, group, version, "a resource has a name that cannot be one");
	(void)json_get_string(json, "singularResource", &e.singular);
	(void)json_get_string(json, "scope", &scope);
	(void)json_get_string(
	    cJSON_GetObjectItemCaseSensitive(json, "responseKind"), "kind", &e.kind);
	e.is_namespaced = streq(scope, "Namespaced");
	return add_resource(d, group, version, &e, json);
}

static int
add_aggregated_version(struct kube_discovery *d, const char *group, const cJSON *json)
{
	const char *version = NULL, *freshness = "";
	const cJSON *resource;
	int r;

	if (json_get_string(json, "version", &version) <= 0 || !is_label(version))
		return kube_discovery_add_stale(
		    d, group, "", "a version has a name that cannot be one");
	(void)json_get_string(json, "freshness", &freshness);
	if (streq(freshness, "Stale"))
		return kube_discovery_add_stale(
		    d, group, version, "stale: what serves it does not answer");
	cJSON_ArrayForEach (resource, cJSON_GetObjectItemCaseSensitive(json, "resources")) {
		r = add_aggregated_resource(d, group, version, resource);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
add_aggregated_group(struct kube_discovery *d, const cJSON *json)
{
	const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(json, "metadata"), *version;
	const char *group = "";
	int r;

	/* The core group has no name. */
	r = metadata ? json_get_string(metadata, "name", &group) : 0;
	if (r < 0 || (group[0] && !is_name(group)))
		return kube_discovery_add_stale(
		    d, "", "", "a group has a name that cannot be one");
	cJSON_ArrayForEach (version, cJSON_GetObjectItemCaseSensitive(json, "versions")) {
		r = add_aggregated_version(d, group, version);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Parses BODY and checks its kind. */
static int
parse_kind(const char *body, size_t size, const char *kind, cJSON **ret, struct fault *reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const char *found = "";
	int r;

	if (size > DISCOVERY_MAX_BYTES)
		return fault_set(reterr, -E2BIG, "the document is too large");
	r = json_parse(body, size, &json, reterr);
	if (r < 0)
		return r;
	if (json_get_string(json, "kind", &found) <= 0 || !streq(found, kind))
		return fault_set(reterr, -EINVAL, "the answer is no %s", kind);
	*ret = TAKE_PTR(json);
	return 0;
}

int
kube_discovery_add_aggregated(
    struct kube_discovery *d, const char *body, size_t size, struct fault *reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const cJSON *group;
	size_t n = 0;
	int r;

	r = parse_kind(body, size, "APIGroupDiscoveryList", &json, reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach (group, cJSON_GetObjectItemCaseSensitive(json, "items")) {
		r = ++n > DISCOVERY_MAX_GROUPS ? -E2BIG : add_aggregated_group(d, group);
		if (r < 0)
			return fault_set(reterr, r, "Cannot keep the groups of the API: %m");
	}
	return 0;
}

int
kube_discovery_add_resources(struct kube_discovery *d, const char *group, const char *version,
    const char *body, size_t size, struct fault *reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const cJSON *resource;
	struct entry e;
	int r = 0;

	r = parse_kind(body, size, "APIResourceList", &json, reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach (resource, cJSON_GetObjectItemCaseSensitive(json, "resources")) {
		e = (struct entry){ .singular = "", .kind = "" };
		if (json_get_string(resource, "name", &e.plural) <= 0)
			e.plural = "";
		/* "pods/log": a subresource. */
		if (strchr(e.plural, '/') && !strstr(e.plural, ".."))
			continue;
		(void)json_get_string(resource, "singularName", &e.singular);
		(void)json_get_string(resource, "kind", &e.kind);
		(void)json_get_bool(resource, "namespaced", &e.is_namespaced);
		r = is_label(e.plural) ? add_resource(d, group, version, &e, resource)
				       : kube_discovery_add_stale(d, group, version,
					     "a resource has a name that cannot be one");
		if (r < 0)
			return fault_set(reterr, r, "Cannot keep the resources of the API: %m");
	}
	return 0;
}

int
kube_discovery_read_groups(const char *body, size_t size, kube_group_version_fn fn,
    void *userdata, struct fault *reterr)
{
	const cJSON *group, *version, *preferred;
	_cleanup_json_ cJSON *json = NULL;
	const char *name, *first, *v;
	size_t n = 0;
	int r;

	r = parse_kind(body, size, "APIGroupList", &json, reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach (group, cJSON_GetObjectItemCaseSensitive(json, "groups")) {
		if (++n > DISCOVERY_MAX_GROUPS)
			return fault_set(reterr, -E2BIG, "the API has too many groups");
		if (json_get_string(group, "name", &name) <= 0 || !is_name(name))
			continue;
		first = "";
		preferred = cJSON_GetObjectItemCaseSensitive(group, "preferredVersion");
		if (json_get_string(preferred, "version", &first) > 0 && is_label(first))
			fn(name, first, userdata);
		cJSON_ArrayForEach (
		    version, cJSON_GetObjectItemCaseSensitive(group, "versions")) {
			if (json_get_string(version, "version", &v) > 0 && is_label(v) &&
			    !streq(v, first))
				fn(name, v, userdata);
		}
	}
	return 0;
}

const struct kube_resource *
kube_discovery_find(const struct kube_discovery *d, const char *name)
{
	const char *dot = strchr(name, '.'), *group = dot ? dot + 1 : NULL;
	size_t length = dot ? (size_t)(dot - name) : strlen(name);
	const struct kube_resource *r;

	for (size_t i = 0; i < d->n_resources; i++) {
		r = &d->resources[i];
		if (group && !streq(r->group, group))
			continue;
		if ((strlen(r->plural) == length && memcmp(r->plural, name, length) == 0) ||
		    (length > 0 && strlen(r->singular) == length &&
			memcmp(r->singular, name, length) == 0))
			return r;
	}
	return NULL;
}

bool
kube_resource_in_category(const struct kube_resource *r, const char *category)
{
	return strv_contains(r->categories, category);
}

char *
kube_resource_path(const struct kube_resource *r, const char *namespace, const char *name)
{
	_cleanup_free_ char *ns = kube_escape(namespace ?: ""),
			    *object = kube_escape(name ?: "");

	if (!ns || !object)
		return NULL;
	return text_format("%s%s/%s%s%s/%s%s%s", r->group[0] ? "/apis/" : "/api", r->group,
	    r->version, namespace ? "/namespaces/" : "", ns, r->plural, name ? "/" : "",
	    object);
}
