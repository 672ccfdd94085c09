/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The logs of containers: current and previous, streamed beside each other, each with a fair
 * share of the budget and a time of its own.
 *
 * Only containers that have started are asked for; the others get the empty files that oc
 * makes, which readers need to see that there is a container. A log that the kubelet does not
 * give is taken from /var/log/pods, where it is on this node. */

#include "lib/cleanup.h"

struct kube_run;
struct podlogs;
struct podstate_container;

int podlogs_new(struct kube_run *run, struct podlogs **ret);
void podlogs_free(struct podlogs *p);
DEFINE_CLEANUP(struct podlogs *, podlogs_free);

/* Remembers the logs of CONTAINER, or makes its empty files; those only when the budget of
 * logs is 0, then no log is asked for. Returns 0, or the error of the
 * bundle or -ENOMEM. */
int podlogs_add(struct podlogs *p, const char *namespace, const char *pod,
    const struct podstate_container *container);

/* Starts streaming, within kube_client_run(), once all pods are known. */
void podlogs_start(struct podlogs *p);

/* Streams that were never started, because the time was over. */
unsigned podlogs_left(const struct podlogs *p);
