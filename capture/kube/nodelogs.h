/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Container logs from /var/log/pods of this node, for when the API or the kubelet does not
 * answer: the same text, in the same places of the tree.
 *
 * A container has there NAMESPACE_POD_UID/CONTAINER/N.log, where N is the number of its
 * restarts, and rotated files N.log.TIME, also with .gz, that go to logs/rotated/. */

#include <stdbool.h>
#include <stdint.h>

#define NODELOGS_DIR "/var/log/pods"

struct collector_context;
struct kube_run;

/* True when there is such a directory. */
bool nodelogs_exist(const struct collector_context *ctx);

/* The log of one container as the file PATH of the tree, its newest MAX_BYTES; with PREVIOUS
 * that of the run before. Returns 0, -ENOENT when there is none, or the error of the bundle;
 * *ret_bytes is what was read. */
int nodelogs_add(struct kube_run *run, const char *path, const char *namespace, const char *pod,
    const char *container, bool previous, uint64_t max_bytes, uint64_t *ret_bytes);

/* All logs of the namespaces that the settings and the request name, together at most MAX_BYTES
 * and what the settings allow. Returns the number of containers, or a negative errno when the
 * directory cannot be read. */
int nodelogs_add_all(struct kube_run *run, uint64_t max_bytes);
