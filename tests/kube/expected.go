// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// What the sos plugin asks for of the cluster, and `oc adm inspect` of a namespace besides the category "all"; and
// routes, which oc misses on MicroShift.
const (
	clusterNames = "apiservices certificatesigningrequests clusterrolebindings clusterroles componentstatuses csidrivers " +
		"csinodes customresourcedefinitions flowschemas ingressclasses logicalvolumes mutatingwebhookconfigurations " +
		"nodes persistentvolumes priorityclasses prioritylevelconfigurations rangeallocations runtimeclasses " +
		"securitycontextconstraints storageclasses validatingwebhookconfigurations volumeattachments"
	namespacedNames = "configmaps egressfirewalls egressqoses events endpoints endpointslices networkpolicies " +
		"persistentvolumeclaims poddisruptionbudgets secrets servicemonitors userdefinednetworks " +
		"ingresses.networking.k8s.io routes.route.openshift.io"
)

var apiServices = schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}

// view is what a client of the API sees of what must be in a report.
type view struct {
	lists   map[string][]unstructured.Unstructured // by the path of the list's file
	objects map[string]unstructured.Unstructured   // by the path of the object's own file
}

// expect asks the API with client-go, and lays it out.
func (c *cluster) expect(namespaces ...string) *view {
	v := &view{map[string][]unstructured.Unstructured{}, map[string]unstructured.Unstructured{}}
	cluster, namespaced := c.wanted()
	for gvr, isList := range cluster {
		items := c.list(gvr, "")
		if isList {
			v.lists["cluster-scoped-resources/"+layout(gvr)+".yaml"] = items
			continue
		}
		for _, item := range items {
			v.objects["cluster-scoped-resources/"+layout(gvr)+"/"+item.GetName()+".yaml"] = item
		}
	}
	for _, name := range namespaces {
		top := "namespaces/" + name + "/"
		for gvr := range namespaced {
			v.lists[top+layout(gvr)+".yaml"] = c.list(gvr, name)
		}
		namespace := schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
		v.objects[top+name+".yaml"] = *must(c.dynamic.Resource(namespace).Get(context.Background(), name, metav1.GetOptions{}))
		for _, pod := range v.lists[top+"core/pods.yaml"] {
			v.objects[top+"pods/"+pod.GetName()+"/"+pod.GetName()+".yaml"] = pod
		}
	}
	return v
}

// wanted are the resources of the cluster (true: as a list) and those of namespaces, of what the API serves.
func (c *cluster) wanted() (cluster, namespaced map[schema.GroupVersionResource]bool) {
	cluster, namespaced = map[schema.GroupVersionResource]bool{}, map[schema.GroupVersionResource]bool{}
	// With an API service that is dead there is an error, and all the others.
	served, _ := c.client.Discovery().ServerPreferredResources()
	find := func(name string) {
		plural, group, _ := strings.Cut(name, ".")
		for _, list := range served {
			gv := must(schema.ParseGroupVersion(list.GroupVersion))
			for _, r := range list.APIResources {
				if r.Name != plural || group != "" && group != gv.Group {
					continue
				}
				if r.Namespaced {
					namespaced[gv.WithResource(plural)] = true
				} else {
					cluster[gv.WithResource(plural)] = false
				}
				return
			}
		}
	}
	for _, name := range strings.Fields(clusterNames + " " + namespacedNames) {
		find(name)
	}
	for _, list := range served {
		for _, r := range list.APIResources {
			if !strings.Contains(" "+strings.Join(r.Categories, " ")+" ", " all ") {
				continue
			}
			gvr := must(schema.ParseGroupVersion(list.GroupVersion)).WithResource(r.Name)
			if r.Namespaced {
				namespaced[gvr] = true
			} else {
				cluster[gvr] = true
			}
		}
	}
	return cluster, namespaced
}

func (c *cluster) list(gvr schema.GroupVersionResource, namespace string) []unstructured.Unstructured {
	list, err := c.dynamic.Resource(gvr).Namespace(namespace).List(context.Background(), metav1.ListOptions{})
	if apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
		return nil
	}
	check(err)
	return list.Items
}

// layout is where oc puts a resource, below the cluster or a namespace.
func layout(gvr schema.GroupVersionResource) string {
	if gvr.Group == "" {
		return "core/" + gvr.Resource
	}
	return gvr.Group + "/" + gvr.Resource
}
