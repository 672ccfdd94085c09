/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One number for the state of the cluster, to see whether anything changed: of every object
 * that would be collected, its name, uid and resourceVersion. Only metadata is asked for
 * (PartialObjectMetadataList), a list for each type and not one for each namespace. The
 * resourceVersion of a list is of no use here: it is that of the whole store.
 *
 * What changes all the time does not count: events, and the versions of nodes, whose status the
 * kubelet writes every 5 minutes (nodeStatusReportFrequency). Of namespaces that are not
 * collected only pods count, since one that fails brings its namespace in. */

#include <stdint.h>

struct kube_plan;
struct kube_run;

/* Asks RUN->client. A list that cannot be read counts as that, and is no error. Returns 0,
 * -ETIME when the time was over before all had answered, -ENOMEM. */
int fingerprint_take(struct kube_run *run, const struct kube_plan *plan, uint64_t *ret);
