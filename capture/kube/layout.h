/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where an object of the cluster is in the tree, as `oc adm inspect` lays it out: paths
 * relative to the tree's top. Pure functions.
 *
 * Names stand in the path as they are ("system:admin.yaml", "v1..yaml"). A component longer
 * than KUBE_LAYOUT_NAME_MAX is cut, and the end becomes "~" with a hash of the whole, so that
 * two long names stay two files; a suffix (".yaml") is kept. A name that would leave its
 * directory (empty,
 * ".", "..", with "/") or has control characters, which no API server gives out, is refused.
 *
 * All return 0, 1 when a component was cut, -EINVAL for a name that is refused, -ENAMETOOLONG
 * when the whole is longer than KUBE_LAYOUT_PATH_BYTES, -ENOMEM. The caller frees *ret. */

/* As long as the report's archive takes them: room for ".999" is left. */
#define KUBE_LAYOUT_NAME_MAX   251u
#define KUBE_LAYOUT_PATH_BYTES 1024u

enum kube_log {
	KUBE_LOG_CURRENT,
	KUBE_LOG_PREVIOUS,
	KUBE_LOG_CURRENT_INSECURE,
	KUBE_LOG_PREVIOUS_INSECURE,
	_KUBE_LOG_COUNT,
};

/* "namespaces/NS/core/pods.yaml", or with NS NULL "cluster-scoped-resources/core/nodes.yaml".
 * GROUP "" is core. */
int kube_layout_list(const char *ns, const char *group, const char *plural, char **ret);

/* "cluster-scoped-resources/core/nodes/NAME.yaml", "namespaces/NS/GROUP/PLURAL/NAME.yaml" */
int kube_layout_object(
    const char *ns, const char *group, const char *plural, const char *name, char **ret);

/* "namespaces/NS/NS.yaml" */
int kube_layout_namespace(const char *ns, char **ret);

/* "namespaces/NS/pods/POD/POD.yaml" */
int kube_layout_pod(const char *ns, const char *pod, char **ret);

/* "namespaces/NS/pods/POD/C/C/logs/current.log" */
int kube_layout_log(
    const char *ns, const char *pod, const char *container, enum kube_log which, char **ret);

/* "namespaces/NS/pods/POD/C/C/logs/rotated/NAME" */
int kube_layout_rotated_log(
    const char *ns, const char *pod, const char *container, const char *name, char **ret);
