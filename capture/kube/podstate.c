/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "capture/kube/podstate.h"
#include "capture/kube/value.h"
#include "lib/cleanup.h"
#include "lib/text.h"

/* The lists of container statuses, and those of containers, in the same order. */
static const char *const status_lists[] = {
	"containerStatuses",
	"initContainerStatuses",
	"ephemeralContainerStatuses",
};
static const char *const container_lists[] = {
	"containers",
	"initContainers",
	"ephemeralContainers",
};

/* Reasons to wait that are part of every start. */
static bool
is_ordinary_wait(const char *reason)
{
	return is_empty(reason) || streq(reason, "ContainerCreating") ||
	    streq(reason, "PodInitializing");
}

static bool
is_true(const struct kube_value *v)
{
	return v && v->type == KUBE_TRUE;
}

static const struct kube_value *
find_named(const struct kube_value *list, const char *key, const char *name)
{
	const struct kube_value *item;

	KUBE_VALUE_FOREACH (item, list) {
		const char *text = kube_value_get_string(item, key);

		if (text && streq(text, name))
			return item;
	}
	return NULL;
}

/* Why a container does not come up; NULL when it does. */
static const char *
find_trouble(const struct kube_value *status)
{
	for (size_t i = 0; i < ELEMENTSOF(status_lists); i++) {
		const struct kube_value *c;

		KUBE_VALUE_FOREACH (c, kube_value_get(status, status_lists[i])) {
			const struct kube_value *wait =
			    kube_value_find(c, "state", "waiting", NULL);
			const char *reason = kube_value_get_string(wait, "reason");

			if (!is_ordinary_wait(reason))
				return reason;
		}
	}
	return NULL;
}

void
podstate_read(const struct kube_value *pod, struct podstate *ret)
{
	const struct kube_value *status = kube_value_get(pod, "status");
	const struct kube_value *conditions = kube_value_get(status, "conditions");
	const struct kube_value *ready = find_named(conditions, "type", "Ready");
	const struct kube_value *scheduled = find_named(conditions, "type", "PodScheduled");
	const char *phase = kube_value_get_string(status, "phase");
	const char *ready_status = kube_value_get_string(ready, "status");
	const char *scheduled_status = kube_value_get_string(scheduled, "status");
	const char *reason = NULL;

	*ret = (struct podstate){ 0 };
	if (!phase)
		phase = "";
	if (streq(phase, "Succeeded")) {
		ret->is_ready = true;
		return;
	}
	ret->is_ready = ready_status && streq(ready_status, "True");
	if (streq(phase, "Failed")) {
		reason = kube_value_get_string(status, "reason");
		reason = reason ? reason : "Failed";
	} else if (find_trouble(status))
		reason = find_trouble(status);
	else if (scheduled_status && streq(scheduled_status, "False"))
		reason = kube_value_get_string(scheduled, "reason");
	else if (streq(phase, "Unknown"))
		reason = "Unknown";
	else if (streq(phase, "Running") && !ret->is_ready &&
	    !kube_value_find(pod, "metadata", "deletionTimestamp", NULL))
		reason = "NotReady";
	ret->is_failing = reason != NULL;
	text_copy(ret->reason, sizeof(ret->reason), reason);
}

/* Without a status the kubelet has not seen the container yet. */
static void
read_container(const struct kube_value *status, struct podstate_container *c)
{
	const struct kube_value *running = kube_value_find(status, "state", "running", NULL);
	const struct kube_value *ended = kube_value_find(status, "state", "terminated", NULL);
	const struct kube_value *last =
	    kube_value_find(status, "lastState", "terminated", NULL);
	int64_t restarts = 0;

	if (!status) {
		c->has_started = c->has_previous = false;
		return;
	}
	if (kube_value_int(kube_value_get(status, "restartCount"), &restarts) < 0)
		restarts = 0;
	c->has_previous = restarts > 0 || last;
	c->has_started =
	    running || ended || c->has_previous || is_true(kube_value_get(status, "started"));
}

int
podstate_containers(const struct kube_value *pod, podstate_container_fn fn, void *userdata)
{
	const struct kube_value *spec = kube_value_get(pod, "spec");
	const struct kube_value *status = kube_value_get(pod, "status");

	for (size_t i = 0; i < ELEMENTSOF(container_lists); i++) {
		const struct kube_value *statuses = kube_value_get(status, status_lists[i]);
		const struct kube_value *item;

		KUBE_VALUE_FOREACH (item, kube_value_get(spec, container_lists[i])) {
			struct podstate_container c = { .name = kube_value_get_string(
							    item, "name") };
			int r;

			if (is_empty(c.name))
				continue;
			read_container(find_named(statuses, "name", c.name), &c);
			r = fn(&c, userdata);
			if (r < 0)
				return r;
		}
	}
	return 0;
}
