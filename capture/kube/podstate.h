/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a Pod object says about the state of the pod. Pure. */

#include <stdbool.h>
#include <stdint.h>

struct kube_value;

struct podstate {
	bool is_ready;	 /* serves, or has done its work */
	bool is_failing; /* something is wrong that does not go away by itself */
	char reason[64]; /* of is_failing: "CrashLoopBackOff"; else "" */
};

void podstate_read(const struct kube_value *pod, struct podstate *ret);

/* One container of a pod. */
struct podstate_container {
	const char *name;  /* borrowed from the pod */
	bool has_started;  /* there is, or was, a current log */
	bool has_previous; /* it was restarted */
};

/* Calls FN for each container: those of spec.containers, spec.initContainers, and
 * spec.ephemeralContainers. Stops at the first negative return, and returns it. */
typedef int (*podstate_container_fn)(const struct podstate_container *c, void *userdata);
int podstate_containers(const struct kube_value *pod, podstate_container_fn fn, void *userdata);
