// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/template"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

//go:embed fixture.yaml
var fixtureText string

// Names as long as the API server takes them. With ".yaml" they are too long for a file.
var longName = strings.Repeat("n", 299)

// Objects of the namespace that needs more than one page.
const manyObjects = 1203

// The group whose members may read all but Secrets and nodes.
const readersGroup = "readers"

// What the kubelet has of logs: of pods that are named here their own, of all others usual.log.
const kwokLogs = `apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterLogs
metadata: {name: usual}
spec:
  logs: [{logsFile: %[1]s/usual.log}]
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Logs
metadata: {name: crashing, namespace: openshift-shop}
spec:
  logs:
  - {containers: [prepare], logsFile: %[1]s/prepare.log}
  - {containers: [main], logsFile: %[1]s/current.log}
  - {containers: [main.previous], logsFile: %[1]s/previous.log}
  - {containers: [debugger], logsFile: %[1]s/debugger.log}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Logs
metadata: {name: web-0, namespace: openshift-shop}
spec:
  logs:
  - {containers: [prepare], logsFile: %[1]s/prepare.log}
  - {containers: [web], logsFile: %[1]s/odd.log}
  - {containers: [side], logsFile: %[1]s/usual.log}
`

// The logs, without the marks of the container runtime. A line of 100 KiB, bytes that are no UTF-8, and an end
// in the middle of a line are what readers stumble over.
var logs = map[string][]string{
	"usual":    {"started", "ready"},
	"prepare":  {"prepared"},
	"current":  {"once more", "password=planted-log"},
	"previous": {"out of memory"},
	"debugger": {"looking"},
	"odd":      {strings.Repeat("x", 100*1024), "caf\xe9 \xff\xfe", "\x1b[31mred\x1b[0m"},
}

const logTime = "2026-01-02T03:04:05.000000000Z"

func (c *cluster) writeLogs() string {
	for name, lines := range logs {
		var text bytes.Buffer
		for _, line := range lines {
			fmt.Fprintf(&text, "%s stdout F %s\n", logTime, line)
		}
		check(os.WriteFile(c.path(name+".log"), text.Bytes(), 0o600))
	}
	return fmt.Sprintf(kwokLogs, c.dir)
}

// fill makes all objects of the fixture.
func (c *cluster) fill() {
	for _, object := range c.fixture() {
		c.create(object)
	}
	for i := 0; i < manyObjects; i++ {
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("map-%04d", i)},
			Data: map[string]string{"number": fmt.Sprint(i)}}
		must(c.client.CoreV1().ConfigMaps("openshift-many").Create(context.Background(), object, metav1.CreateOptions{}))
	}
}

func (c *cluster) fixture() []*unstructured.Unstructured {
	tls := c.ca.issue("shop")
	var text bytes.Buffer
	check(template.Must(template.New("fixture").Parse(fixtureText)).Execute(&text, map[string]any{
		"Kubelet": c.kubelet, "Hang": c.hang, "Untrusted": c.untrusted, "LongName": longName,
		"TLSCert": encodeFile(tls.cert), "TLSKey": encodeFile(tls.key),
	}))
	var objects []*unstructured.Unstructured
	documents := yaml.NewYAMLReader(bufio.NewReader(&text))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects
		}
		check(err)
		object := &unstructured.Unstructured{}
		if json := must(yaml.ToJSON(document)); !bytes.Equal(json, []byte("null")) {
			check(object.UnmarshalJSON(json))
			objects = append(objects, object)
		}
	}
}

// resource is where objects like this one are, in its namespace.
func (c *cluster) resource(object *unstructured.Unstructured) dynamic.ResourceInterface {
	kind := object.GroupVersionKind()
	var mapping *meta.RESTMapping
	// The type may have been made just now.
	waitFor("the type "+kind.String(), func() bool {
		groups := must(restmapper.GetAPIGroupResources(c.client.Discovery()))
		found, err := restmapper.NewDiscoveryRESTMapper(groups).RESTMapping(kind.GroupKind(), kind.Version)
		mapping = found
		return err == nil
	})
	return c.dynamic.Resource(mapping.Resource).Namespace(object.GetNamespace())
}

func (c *cluster) create(object *unstructured.Unstructured) {
	resource := c.resource(object)
	status, hasStatus := object.Object["status"]
	ephemeral, hasEphemeral, _ := unstructured.NestedSlice(object.Object, "spec", "ephemeralContainers")
	unstructured.RemoveNestedField(object.Object, "spec", "ephemeralContainers")
	var made *unstructured.Unstructured
	waitFor("a place for "+object.GetName(), func() bool {
		found, err := resource.Create(context.Background(), object, metav1.CreateOptions{})
		made = found
		// A type that is new is announced before it is served.
		if apierrors.IsNotFound(err) {
			return false
		}
		check(err)
		return true
	})
	if hasEphemeral {
		check(unstructured.SetNestedSlice(made.Object, ephemeral, "spec", "ephemeralContainers"))
		made = must(resource.Update(context.Background(), made, metav1.UpdateOptions{}, "ephemeralcontainers"))
	}
	if hasStatus {
		made.Object["status"] = status
		must(resource.UpdateStatus(context.Background(), made, metav1.UpdateOptions{}))
	}
}

// settle waits until nothing in the cluster changes any more by itself.
func (c *cluster) settle() {
	waitFor("the pods of kwok to run", func() bool {
		c.requireRunning("kwok")
		pods := must(c.client.CoreV1().Pods("").List(context.Background(), metav1.ListOptions{FieldSelector: "spec.nodeName=edge-1"}))
		for _, pod := range pods.Items {
			if pod.Status.Phase != corev1.PodRunning {
				return false
			}
		}
		return len(pods.Items) > 0
	})
	waitFor("the API services to be judged", func() bool {
		list := must(c.dynamic.Resource(apiServices).List(context.Background(), metav1.ListOptions{}))
		for _, service := range list.Items {
			if conditions, _, _ := unstructured.NestedSlice(service.Object, "status", "conditions"); len(conditions) == 0 {
				return false
			}
		}
		return true
	})
}
