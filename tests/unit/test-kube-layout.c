/* SPDX-License-Identifier: Apache-2.0 */

/* Paths of the tree, and names that try to leave it. */

#include "tests/lib/tap.h"

#include <errno.h>

#include "capture/kube/layout.h"
#include "capture/sink/layout.h"
#include "lib/cleanup.h"
#include "lib/text.h"

static void
ok_path(int r, char *path, const char *want)
{
	ok_int(r, 0, "%s", want);
	ok_str(path, want, "the path");
	ok(path && layout_path_is_valid(path), "the report takes it");
	free(path);
}

static void
test_names(void)
{
	char *p;
	int r;

	r = kube_layout_list("kube-system", "", "pods", &p);
	ok_path(r, p, "namespaces/kube-system/core/pods.yaml");
	r = kube_layout_list("kube-system", "networking.k8s.io", "ingresses", &p);
	ok_path(r, p, "namespaces/kube-system/networking.k8s.io/ingresses.yaml");
	r = kube_layout_list(NULL, "topolvm.io", "logicalvolumes", &p);
	ok_path(r, p, "cluster-scoped-resources/topolvm.io/logicalvolumes.yaml");
	r = kube_layout_object(NULL, NULL, "nodes", "vm", &p);
	ok_path(r, p, "cluster-scoped-resources/core/nodes/vm.yaml");
	r = kube_layout_object(
	    NULL, "rbac.authorization.k8s.io", "clusterroles", "system:admin", &p);
	ok_path(r, p,
	    "cluster-scoped-resources/rbac.authorization.k8s.io/clusterroles/system:admin.yaml");
	r = kube_layout_object(NULL, "apiregistration.k8s.io", "apiservices", "v1.", &p);
	ok_path(r, p, "cluster-scoped-resources/apiregistration.k8s.io/apiservices/v1..yaml");
	r = kube_layout_object("ns", "apps", "deployments", "x y\xc3\xa9", &p);
	ok_path(r, p, "namespaces/ns/apps/deployments/x y\xc3\xa9.yaml");
	r = kube_layout_namespace("openshift-dns", &p);
	ok_path(r, p, "namespaces/openshift-dns/openshift-dns.yaml");
	r = kube_layout_pod("ns", "pod", &p);
	ok_path(r, p, "namespaces/ns/pods/pod/pod.yaml");
	r = kube_layout_log("ns", "pod", "c", KUBE_LOG_CURRENT, &p);
	ok_path(r, p, "namespaces/ns/pods/pod/c/c/logs/current.log");
	r = kube_layout_log("ns", "pod", "c", KUBE_LOG_PREVIOUS_INSECURE, &p);
	ok_path(r, p, "namespaces/ns/pods/pod/c/c/logs/previous.insecure.log");
	r = kube_layout_rotated_log("ns", "pod", "c", "0.log.20261122-130000.gz", &p);
	ok_path(r, p, "namespaces/ns/pods/pod/c/c/logs/rotated/0.log.20261122-130000.gz");
}

static void
test_refused(void)
{
	static const char *const bad[] = { "", ".", "..", "../../etc/x", "/etc/x", "a/b",
		"a\nb", "\x7f", "a\tb" };
	char *p = NULL;

	for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
		ok_int(kube_layout_list(bad[i], "", "pods", &p), -EINVAL, "namespace");
		ok_int(kube_layout_list(NULL, "", bad[i], &p), -EINVAL, "resource");
		ok_int(kube_layout_object(NULL, "", "nodes", bad[i], &p), -EINVAL, "name");
		ok_int(kube_layout_namespace(bad[i], &p), -EINVAL, "namespace object");
		ok_int(kube_layout_pod("ns", bad[i], &p), -EINVAL, "pod");
		ok_int(kube_layout_log("ns", "p", bad[i], KUBE_LOG_CURRENT, &p), -EINVAL,
		    "container");
		ok_int(kube_layout_rotated_log("ns", "p", "c", bad[i], &p), -EINVAL, "log");
		if (!is_empty(bad[i]))
			ok_int(kube_layout_list(NULL, bad[i], "x", &p), -EINVAL, "group");
	}
	ok(!p, "no path came out");
}

static void
test_long(void)
{
	_cleanup_free_ char *a = NULL;
	_cleanup_free_ char *b = NULL;
	_cleanup_free_ char *fits = NULL;
	char name[400];

	memset(name, 'x', 300);
	name[300] = '\0';
	ok_int(kube_layout_object(NULL, "g", "r", name, &a), 1, "a long name is cut");
	ok_int(strlen(strrchr(a, '/') + 1), KUBE_LAYOUT_NAME_MAX, "to what fits");
	ok(text_has_suffix(a, ".yaml") && strchr(a, '~'), "the suffix stays");
	name[299] = 'y';
	ok_int(kube_layout_object(NULL, "g", "r", name, &b), 1, "another long name");
	ok(!streq(a, b), "has another path");
	ok(layout_path_is_valid(a), "the report takes it");
	name[KUBE_LAYOUT_NAME_MAX - 5] = '\0';
	ok_int(kube_layout_object(NULL, "g", "r", name, &fits), 0, "what fits is not cut");

	for (size_t i = 0; i < 200; i++)
		memcpy(name + 2 * i, "\xc3\xa9", 2);
	name[399] = '\0';
	name[398] = '\0';
	free(TAKE_PTR(b));
	ok_int(kube_layout_object(NULL, "g", "r", name, &b), 1, "not inside of a character");
	ok((unsigned char)strchr(b, '~')[-1] == 0xa9, "but between two");
}

int
main(void)
{
	_Static_assert(KUBE_LAYOUT_NAME_MAX <= LAYOUT_NAME_MAX, "the report takes names");
	_Static_assert(KUBE_LAYOUT_PATH_BYTES <= LAYOUT_PATH_BYTES, "the report takes paths");
	test_names();
	test_refused();
	test_long();
	return tap_done();
}
