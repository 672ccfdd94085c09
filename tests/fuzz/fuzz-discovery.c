/* SPDX-License-Identifier: Apache-2.0 */

/* Discovery documents of every form: never crash; what is taken can be a path and a file name.
 */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "capture/kube/discovery.h"
#include "lib/fault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_name(const char *s)
{
	assert(s[0] && strlen(s) < 254 && s[0] != '.' && !strpbrk(s, "/%\\ \n") &&
	    !strstr(s, ".."));
}

static void
on_group_version(const char *group, const char *version, void *userdata)
{
	(void)userdata;
	check_name(group);
	check_name(version);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(kube_discovery_freep) struct kube_discovery *d = NULL;
	const char *body = (const char *)data;
	struct fault fault;
	char *path;

	if (kube_discovery_new(&d) < 0)
		return 0;
	(void)kube_discovery_add_aggregated(d, body, size, &fault);
	(void)kube_discovery_add_resources(d, "group.example", "v1", body, size, &fault);
	(void)kube_discovery_read_groups(body, size, on_group_version, NULL, &fault);
	for (size_t i = 0; i < d->n_resources; i++) {
		const struct kube_resource *r = &d->resources[i];

		if (r->group[0])
			check_name(r->group);
		check_name(r->version);
		check_name(r->plural);
		path = kube_resource_path(r, "n", NULL);
		assert(path && path[0] == '/' && kube_discovery_find(d, r->plural));
		free(path);
	}
	return 0;
}
