/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The state of the cluster, as the tree that `oc adm inspect` writes: asked of the API in one
 * go, converted as it comes. README.md beside this file says where the tree differs, and why.
 *
 * Without an API there is the skeleton of the tree, the reason, and the logs of containers
 * from /var/log/pods. */

#include "lib/manifest.h"

struct collector_context;
struct fault;

/* Returns how it went, for the manifest; *reterr says why it is not OUTCOME_OK. */
enum outcome kube_inspect(struct collector_context *ctx, struct fault *reterr);
