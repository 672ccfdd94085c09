/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Finds an API that answers: with the kubeconfig that was given, or those of MicroShift. */

#include <stdbool.h>

struct collector_context;
struct fault;
struct kube_run;

/* True when there is a kubeconfig that could be used. */
bool kube_connect_has_config(const struct collector_context *ctx);

/* Sets RUN->client to the first that the API answers, all tries together within the time of one
 * probe, and RUN->is_ready. Returns 0, or why there is none. */
int kube_connect(struct kube_run *run, struct fault *reterr);
