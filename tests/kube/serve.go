// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Where the pods of bench/kube are.
const loadNamespace = "openshift-load"

// Objects that are made at a time.
const loadParallel = 16

// serveCluster is for bench/kube. It prints where the API is as a line of JSON; then, for each number on standard
// input, it makes so many pods and prints "ready" when all of them run. It ends with its input.
func serveCluster(kwok string) {
	dir := must(os.MkdirTemp("", "kubetest."))
	defer os.RemoveAll(dir)
	c := newCluster(dir, kwok)
	defer c.stop()
	c.startAPI()
	c.startKwok(c.writeLogs())
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "edge", Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"}}}
	must(c.client.CoreV1().Nodes().Create(context.Background(), node, metav1.CreateOptions{}))
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: loadNamespace}}
	must(c.client.CoreV1().Namespaces().Create(context.Background(), namespace, metav1.CreateOptions{}))
	fmt.Println(string(must(json.Marshal(map[string]string{"kubeconfig": c.path("admin.kubeconfig"),
		"url": "https://" + address(c.apiPort), "ca": c.ca.file(), "cert": c.admin.cert, "key": c.admin.key,
		"namespace": loadNamespace}))))
	made := 0
	for input := bufio.NewScanner(os.Stdin); input.Scan(); fmt.Println("ready") {
		wanted := must(strconv.Atoi(strings.TrimSpace(input.Text())))
		c.load(made, wanted)
		made = wanted
	}
}

// load makes the pods with the numbers from FIRST to END-1, and for every fourth a ConfigMap and an event.
func (c *cluster) load(first, end int) {
	numbers := make(chan int)
	var workers sync.WaitGroup
	for range loadParallel {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for i := range numbers {
				c.loadOne(i)
			}
		}()
	}
	for i := first; i < end; i++ {
		numbers <- i
	}
	close(numbers)
	workers.Wait()
	waitFor("the pods to run", func() bool {
		c.requireRunning("kwok")
		pods := must(c.client.CoreV1().Pods(loadNamespace).List(context.Background(), metav1.ListOptions{ResourceVersion: "0"}))
		for i := range pods.Items {
			if pods.Items[i].Status.Phase != corev1.PodRunning {
				return false
			}
		}
		return len(pods.Items) == end
	})
}

func (c *cluster) loadOne(i int) {
	pod := loadPod(fmt.Sprintf("shop-%05d", i))
	must(c.client.CoreV1().Pods(loadNamespace).Create(context.Background(), pod, metav1.CreateOptions{}))
	if i%4 != 0 {
		return
	}
	data := map[string]string{"settings.yaml": strings.Repeat("interval: 30s\nverbose: false\n", 20)}
	configMap := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: pod.Name}, Data: data}
	must(c.client.CoreV1().ConfigMaps(loadNamespace).Create(context.Background(), configMap, metav1.CreateOptions{}))
	event := &corev1.Event{ObjectMeta: metav1.ObjectMeta{Name: pod.Name + ".1"}, Reason: "Pulled", Type: "Normal",
		Message:        "Container image \"registry.example.com/shop/web:1.4.2\" already present on machine",
		InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: loadNamespace, Name: pod.Name},
		FirstTimestamp: metav1.Now(), LastTimestamp: metav1.Now(), Count: 1}
	must(c.client.CoreV1().Events(loadNamespace).Create(context.Background(), event, metav1.CreateOptions{}))
}

// loadPod is as large as pods usually are: 5 KiB of JSON when it runs.
func loadPod(name string) *corev1.Pod {
	container := func(name string) corev1.Container {
		probe := &corev1.Probe{PeriodSeconds: 10, ProbeHandler: corev1.ProbeHandler{
			HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromInt32(8080)}}}
		return corev1.Container{Name: name, Image: "registry.example.com/shop/" + name + ":1.4.2",
			Command:       []string{"/usr/bin/" + name, "--config", "/etc/" + name + "/settings.yaml"},
			Env:           []corev1.EnvVar{{Name: "POD_NAME", Value: name}, {Name: "LANG", Value: "C.UTF-8"}},
			LivenessProbe: probe, ReadinessProbe: probe,
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
				corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("32Mi")}},
			VolumeMounts: []corev1.VolumeMount{{Name: "settings", MountPath: "/etc/" + name, ReadOnly: true}},
		}
	}
	volume := corev1.Volume{Name: "settings", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}}}}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": "shop", "pod-template-hash": "74795c6d56"}},
		Spec: corev1.PodSpec{NodeName: "edge", Volumes: []corev1.Volume{volume},
			Containers: []corev1.Container{container("web"), container("side")}},
	}
}
