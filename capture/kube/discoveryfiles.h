/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* aggregated-discovery-*.yaml of the tree, and what of the API is not usable, for its log. */

struct kube_discovery;
struct kube_run;

void discoveryfiles_add(struct kube_run *run, const struct kube_discovery *d);
