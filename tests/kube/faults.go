// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// proxy stands before the API server, to which it passes requests on as the administrator. HANDLE may answer
// instead: it returns whether it did. Its port is returned.
func (c *cluster) proxy(handle func(w http.ResponseWriter, r *http.Request) bool) int {
	target := must(url.Parse("https://" + address(c.apiPort)))
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: must(rest.TransportFor(c.config)),
		ErrorLog:  log.New(quiet{}, "", 0),
	}
	return serveTLS(c.ca.issue("proxy"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if !handle(w, r) {
			w.Header().Del("Content-Type")
			proxy.ServeHTTP(w, r)
		}
	}))
}

// proxyKubeconfig is the path of one for what listens at PORT.
func (c *cluster) proxyKubeconfig(port int) string {
	path := c.path("proxy.kubeconfig")
	check(os.WriteFile(path, c.kubeconfig(port, c.ca, c.admin), 0o600))
	return path
}

// touch changes something, so that etcd has a revision that is newer than any list.
func (c *cluster) touch() {
	namespace := must(c.client.CoreV1().Namespaces().Get(context.Background(), "user-quiet", metav1.GetOptions{}))
	namespace.Labels["touched"] = "yes"
	must(c.client.CoreV1().Namespaces().Update(context.Background(), namespace, metav1.UpdateOptions{}))
}

// fault is an answer that is none.
type fault struct {
	list   string // the last part of its path, in openshift-shop
	reason string // what the log of the inspection says of it
	answer http.HandlerFunc
}

func status(code int, reason string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"code":%d}`, reason, code)
	}
}

func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, body) }
}

// hang never answers.
func hang(w http.ResponseWriter, r *http.Request) {
	<-r.Context().Done()
}

// drip answers with a byte each second.
func drip(w http.ResponseWriter, r *http.Request) {
	for _, b := range []byte(strings.Repeat(" ", 600)) {
		if _, err := w.Write([]byte{b}); err != nil || r.Context().Err() != nil {
			return
		}
		w.(http.Flusher).Flush()
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
		}
	}
}

// tear ends in the middle.
func tear(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, `{"kind":"ServiceList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"na`)
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// lie says that there is more than comes.
func lie(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "100000")
	_, _ = io.WriteString(w, `{"kind":"EndpointsList","apiVersion":"v1","metadata":{},"items":[`)
}

var faults = []fault{
	{"secrets", "timeout", hang},
	{"configmaps", "timeout", drip},
	{"services", "truncated", tear},
	{"endpoints", "reset", lie},
	{"deployments", "http-429", status(429, "TooManyRequests")},
	{"daemonsets", "http-5xx", status(500, "InternalError")},
	{"statefulsets", "http-410", status(410, "Expired")},
	{"networkpolicies", "bad-answer", text("<html>no</html>")},
	{"poddisruptionbudgets", "bad-answer", text(strings.Repeat("[", 1000000))},
}

// Everything at once; each costs its own list and nothing else, and all of it ends in time.
func testFaults(w *world) {
	port := w.cluster.proxy(func(writer http.ResponseWriter, r *http.Request) bool {
		for _, f := range faults {
			if strings.HasSuffix(r.URL.Path, "/namespaces/openshift-shop/"+f.list) {
				f.answer(writer, r)
				return true
			}
		}
		return false
	})
	r := w.capture(w.cluster.proxyKubeconfig(port), "")
	missing := minus(w.admin.files(), r.files())
	requireEmpty(minus(r.files(), w.admin.files()), "what is this?")
	log := r.read("inspect_namespaces.log")
	for _, f := range faults {
		line := "GET " + f.list + " in openshift-shop: MISSING " + f.reason
		require(strings.Contains(log, line), "%q is not in\n%s", line, log)
		require(r.noted(f.list+" in openshift-shop is missing"), "%s is not noted", f.list)
	}
	require(len(missing) == len(faults), "missing: %q", missing)
	// Other lists came over the same connection.
	require(r.noted("secrets in openshift-shop is missing", "no answer from"), "%q", r.collector.Notes)
	for path, items := range w.api.lists {
		if r.has(path) {
			requireRedacted(w.listDifferences(r, path, items))
		}
	}
	require(r.collector.Outcome == "partial", "%+v", r.collector)
	require(r.collector.Duration < 60e6, "it took %d us", r.collector.Duration)
}

// hugeObjects are 100 MiB of JSON.
const hugeObjects = 100 * 1024

// A list of 100 MiB that comes as one page, though less was asked for.
func testHugeList(w *world) {
	padding := strings.Repeat("word ", 195)
	port := w.cluster.proxy(func(writer http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/namespaces/openshift-empty/configmaps") {
			return false
		}
		out := bufio.NewWriter(writer)
		fmt.Fprint(out, `{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[`)
		for i := range hugeObjects {
			if i > 0 {
				fmt.Fprint(out, ",")
			}
			fmt.Fprintf(out, `{"metadata":{"name":"m%d"},"data":{"text":"%s"}}`, i, padding)
		}
		fmt.Fprint(out, "]}")
		_ = out.Flush()
		return true
	})
	r := w.capture(w.cluster.proxyKubeconfig(port), "Namespaces=openshift-empty\nFailingPods=no\n")
	path := "namespaces/openshift-empty/core/configmaps.yaml"
	require(len(r.list(path)) == hugeObjects && r.collector.Outcome == "ok", "%+v", r.collector)
	require(r.memory < 48<<20, "it took %d bytes of memory", r.memory)
}

// A capture for the daemon is killed when it comes to the logs, and what it left is made a report.
func testKilled(w *world) {
	const id = "20261123T142752Z-0007-e585a599"
	state := must(os.MkdirTemp(w.cluster.dir, "state."))
	check(os.MkdirAll(filepath.Join(state, "queue"), 0o700))
	request := fmt.Sprintf(`{"version":1,"id":%q,"created_usec":1,"profile":"full","trigger":"request",
		"source":"client","only":["kube"]}`, id)
	check(os.WriteFile(filepath.Join(state, "queue", id+".json"), []byte(request), 0o600))
	conf := filepath.Join(state, "supportd.conf")
	check(os.WriteFile(conf, []byte("[Capture]\nCompression=gzip\n"), 0o600))
	var cmd *exec.Cmd
	port := w.cluster.proxy(func(writer http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/openshift-many/pods") {
			// Longer than what is written may be without being on the disk.
			time.Sleep(1100 * time.Millisecond)
		}
		// Asked for when all pods are known.
		if strings.HasSuffix(r.URL.Path, "/log") {
			_ = cmd.Process.Kill()
		}
		return false
	})
	arguments := []string{"--id", id, "--state-dir", state, "--config", conf, "--kubeconfig", w.cluster.proxyKubeconfig(port)}
	cmd = exec.Command(w.programs.capture, arguments...)
	require(cmd.Run() != nil && !cmd.ProcessState.Exited(), "it was not killed: %v", cmd.ProcessState)
	out, err := exec.Command(w.programs.capture, append(arguments, "--salvage")...).CombinedOutput()
	require(err == nil, "the salvage failed: %v: %s", err, out)
	archives := must(filepath.Glob(filepath.Join(state, "incoming", id, "*.tar.gz")))
	require(len(archives) == 1, "%q", archives)
	r := openReport(archives[0], state)
	requireEmpty(minus(r.files(), w.admin.files()), "what is this?")
	require(r.has("namespaces") && len(objectFiles(r)) > 100, "only %d files", len(objectFiles(r)))
	for path, items := range w.api.lists {
		if r.has(path) {
			requireRedacted(w.listDifferences(r, path, items))
		}
	}
	for _, path := range objectFiles(r) {
		require(len(r.load(path)) > 2, "%s is not whole", path)
	}
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
