/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The state of the cluster, as the tree that `oc adm inspect` writes: asked of the API in one
 * go, converted as it comes. README.md beside this file says where the tree differs, and why.
 *
 * Without an API there is the skeleton of the tree, the reason, and the logs of containers
 * from /var/log/pods. */

#include <stdbool.h>
#include <stdint.h>

#include "lib/manifest.h"

struct collector_context;
struct fault;

struct kube_inspect_options {
	/* A copy for later (see capture/lastgood.h): no logs, and nothing at all unless the API
	 * says that it is ready and something changed. */
	bool is_copy;
	uint64_t fingerprint; /* of the copy that there is; 0 = none */
};

struct kube_inspect_result {
	bool has_api;	      /* the tree is from an API */
	bool is_unchanged;    /* of a copy: nothing changed, nothing was written */
	uint64_t fingerprint; /* of a copy; see fingerprint.h */
};

/* Returns how it went, for the manifest; *reterr says why it is not OUTCOME_OK. */
enum outcome kube_inspect(struct collector_context *ctx,
    const struct kube_inspect_options *options, struct kube_inspect_result *ret,
    struct fault *reterr);
