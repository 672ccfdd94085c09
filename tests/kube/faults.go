// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"syscall"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// proxy stands before the API server and tells SEEN of each request before it passes it on, as the administrator.
// It returns its port.
func (c *cluster) proxy(seen func(path, query string)) int {
	target := must(url.Parse("https://" + address(c.apiPort)))
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: must(rest.TransportFor(c.config)),
		ErrorLog:  log.New(quiet{}, "", 0),
	}
	return serveTLS(c.ca.issue("proxy"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen(r.URL.Path, r.URL.RawQuery)
		proxy.ServeHTTP(w, r)
	}))
}

// touch changes something, so that etcd has a revision that is newer than any list.
func (c *cluster) touch() {
	namespace := must(c.client.CoreV1().Namespaces().Get(context.Background(), "user-quiet", metav1.GetOptions{}))
	namespace.Labels["touched"] = "yes"
	must(c.client.CoreV1().Namespaces().Update(context.Background(), namespace, metav1.UpdateOptions{}))
}

func testStoppedAPI(w *world) {
	w.cluster.signal("apiserver", syscall.SIGSTOP)
	defer w.cluster.signal("apiserver", syscall.SIGCONT)
	r := w.capture(w.cluster.path("admin.kubeconfig"), "")
	require(strings.Contains(r.collector.Fault, "timeout"), "%+v", r.collector)
	require(r.has("namespaces") && r.has("timestamp"), "the frame is missing")
}

func testDeadAPI(w *world) {
	w.cluster.kill("apiserver")
	r := w.capture(w.cluster.path("admin.kubeconfig"), "")
	require(strings.Contains(r.collector.Fault, "refused"), "%+v", r.collector)
	require(r.has("namespaces") && r.has("timestamp"), "the frame is missing")
}
