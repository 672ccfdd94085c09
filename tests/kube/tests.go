// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	serializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/yaml"
)

// Those that match by name, and those with a pod that fails.
var adminNamespaces = []string{"kube-system", "kube-public", "kube-node-lease", "openshift-shop", "openshift-empty",
	"openshift-many", "user-app"}

var allTests = []test{
	{"the files are those of what the API serves, and no others", testFiles},
	{"every list has all objects of the API, as they are", testLists},
	{"every object has a file of its own, as it is", testObjects},
	{"nothing but secrets and certificates is changed", testRedactions},
	{"no planted secret is in the report", testPlanted},
	{"every file is strictly what the types of Kubernetes are", testTypes},
	{"PyYAML reads the same", testPyYAML},
	{"texts that are trouble in YAML", testTexts},
	{"numbers keep their digits", testNumbers},
	{"Secrets keep their certificates, and the lengths of the rest", testSecrets},
	{"names", testNames},
	{"more than one page is one list", testPages},
	{"a list whose pages expire is whole", testExpired},
	{"faults cost their own lists only", testFaults},
	{"a list of 100 MiB", testHugeList},
	{"what a killed capture leaves is whole", testKilled},
	{"discovery is kept as it was", testDiscoveryFiles},
	{"API services that are dead or hang cost nothing but themselves", testDeadServices},
	{"logs of all kinds of containers", testLogs},
	{"a kubelet that is not trusted", testUntrustedKubelet},
	{"a kubelet that hangs costs its own logs only", testHangingKubelet},
	{"events cannot become HTML", testEvents},
	{"namespaces", testNamespaces},
	{"what is denied is missing alone", testDenied},
	{"a client that may do nothing", testNobody},
	{"clients and servers that do not know each other", testStrangers},
	{"the must-gather is as omc takes it", testArchive},
	{"omg reads it", testOmg},
	{"omc reads it", testOmc},
	{"an API that hangs", testStoppedAPI},
	{"an API that is dead", testDeadAPI},
}

// --- the tree -----------------------------------------------------------------------------------

// Files that are no objects of the API.
var notObjects = regexp.MustCompile(`^(timestamp|event-filter\.html|aggregated-discovery-apis?\.yaml|inspect_.*\.log|` +
	`.*/logs/.*\.log)$`)

func objectFiles(r *report) []string {
	var files []string
	for _, path := range r.files() {
		if !notObjects.MatchString(path) {
			files = append(files, path)
		}
	}
	return files
}

func isLongName(path string) bool {
	return strings.HasPrefix(filepath.Base(path), "nnn")
}

func testFiles(w *world) {
	var expected, found []string
	for path := range w.api.lists {
		expected = append(expected, path)
	}
	for path := range w.api.objects {
		if !isLongName(path) {
			expected = append(expected, path)
		}
	}
	for _, path := range objectFiles(w.admin) {
		if !isLongName(path) {
			found = append(found, path)
		}
	}
	require(len(expected) > 300, "only %d files are expected", len(expected))
	requireEmpty(minus(expected, found), "missing")
	requireEmpty(minus(found, expected), "not expected")
}

// differences of a list's items, or of an object.
func (w *world) listDifferences(r *report, path string, items []unstructured.Unstructured) (found []difference) {
	file := r.list(path)
	require(len(file) == len(items), "%s: the API has %d objects, the file %d", path, len(items), len(file))
	for i := range items {
		found = append(found, compare(path+":"+items[i].GetName(), asJSON(items[i].Object), file[i])...)
	}
	return found
}

func (w *world) allDifferences() (lists, objects []difference) {
	for path, items := range w.api.lists {
		lists = append(lists, w.listDifferences(w.admin, path, items)...)
	}
	for path, object := range w.api.objects {
		if !isLongName(path) {
			objects = append(objects, compare(path+":", asJSON(object.Object), w.admin.load(path))...)
		}
	}
	return lists, objects
}

func requireRedacted(found []difference) {
	for _, d := range found {
		require(d.isRedacted(), "%v", d)
	}
}

func testLists(w *world) {
	lists, _ := w.allDifferences()
	requireRedacted(lists)
	for path := range w.api.lists {
		list := w.admin.load(path)
		metadata, _ := list["metadata"].(map[string]any)
		require(metadata["resourceVersion"] != nil, "%s has no resourceVersion", path)
		require(metadata["continue"] == nil && metadata["remainingItemCount"] == nil, "%s is one page of some", path)
	}
}

func testObjects(w *world) {
	_, objects := w.allDifferences()
	requireRedacted(objects)
}

// Each difference, so that nothing else may ever be one.
var redactedPaths = []string{
	`/configmaps.yaml:careless.data.settings.ini`,
	`/configmaps.yaml:extension-apiserver-authentication.data.client-ca-file`,
	`/core/pods.yaml:web-0.spec.containers[0].env[0].value`,
	`/pods/web-0/web-0.yaml:.spec.containers[0].env[0].value`,
	`/secrets.yaml:passwords.data.empty`,
	`/secrets.yaml:passwords.data.password`,
	`/secrets.yaml:passwords.metadata.annotations.kubectl.kubernetes.io/last-applied-configuration`,
	`/secrets.yaml:serving.data.tls.crt`,
	`/secrets.yaml:serving.data.tls.key`,
	`/gauges.yaml:numbers.spec.password`,
	`/routes.yaml:shop.metadata.annotations.kubectl.kubernetes.io/last-applied-configuration`,
	`/routes.yaml:shop.spec.tls.key`,
}

func testRedactions(w *world) {
	lists, objects := w.allDifferences()
	seen := map[string]bool{}
	for _, d := range append(lists, objects...) {
		known := ""
		for _, path := range redactedPaths {
			if strings.HasSuffix(d.path, path) {
				known = path
			}
		}
		require(known != "", "redacted, and should not be: %v", d)
		seen[known] = true
	}
	for _, path := range redactedPaths {
		require(seen[path], "%s is not redacted", path)
	}
}

func testPlanted(w *world) {
	needles := []string{"planted-", "cGxhbnRlZC", "not-a-secret-token", "PRIVATE KEY"}
	check(filepath.WalkDir(w.admin.top, func(path string, entry fs.DirEntry, err error) error {
		check(err)
		if entry.IsDir() {
			return nil
		}
		text := must(os.ReadFile(path))
		for _, needle := range needles {
			require(!bytes.Contains(text, []byte(needle)), "%q is in %s", needle, path)
		}
		return nil
	}))
}

// --- readers ------------------------------------------------------------------------------------

func newDecoder() *serializer.Serializer {
	s := scheme.Scheme
	check(apiextensionsv1.AddToScheme(s))
	check(apiregistrationv1.AddToScheme(s))
	return serializer.NewSerializerWithOptions(serializer.DefaultMetaFactory, s, s, serializer.SerializerOptions{Strict: true})
}

func testTypes(w *world) {
	decoder := newDecoder()
	typed := 0
	for _, path := range objectFiles(w.admin) {
		text := must(yaml.YAMLToJSONStrict([]byte(w.admin.read(path))))
		typed += decodeStrictly(decoder, path, text)
		if _, isList := w.api.lists[path]; !isList {
			continue
		}
		// omc takes the items of a list for objects of their own.
		for i, item := range w.admin.list(path) {
			typed += decodeStrictly(decoder, fmt.Sprintf("%s[%d]", path, i), must(json.Marshal(item)))
		}
	}
	require(typed > 1500, "only %d objects have a type", typed)
}

// decodeStrictly returns how many objects it found a Go type for: none, or one.
func decodeStrictly(decoder *serializer.Serializer, where string, text []byte) int {
	var meta struct{ APIVersion, Kind string }
	check(json.Unmarshal(text, &meta))
	require(meta.APIVersion != "" && meta.Kind != "", "%s has no apiVersion and kind", where)
	_, _, err := decoder.Decode(text, nil, nil)
	if runtime.IsNotRegisteredError(err) {
		group := must(schema.ParseGroupVersion(meta.APIVersion)).Group
		require(!scheme.Scheme.IsGroupRegistered(group), "%s: %v", where, err)
		return 0
	}
	require(err == nil, "%s: %v", where, err)
	return 1
}

func testPyYAML(w *world) {
	var input bytes.Buffer
	files := append(objectFiles(w.admin), "aggregated-discovery-api.yaml", "aggregated-discovery-apis.yaml")
	for _, path := range files {
		fmt.Fprintln(&input, filepath.Join(w.admin.tree, path))
	}
	cmd := exec.Command("python3", w.programs.pyyaml)
	cmd.Stdin = &input
	cmd.Stderr = os.Stdout
	lines := bufio.NewReader(bytes.NewReader(must(cmd.Output())))
	for _, path := range files {
		found := compare(path, w.admin.load(path), decodeNumbers(must(lines.ReadBytes('\n'))))
		require(len(found) == 0, "Go, PyYAML: %v", found)
	}
}

func item(items []any, name string) map[string]any {
	for _, i := range items {
		object := i.(map[string]any)
		if object["metadata"].(map[string]any)["name"] == name {
			return object
		}
	}
	panic(fmt.Errorf("%s is not in the list", name))
}

func testTexts(w *world) {
	data := item(w.admin.list("namespaces/openshift-shop/core/configmaps.yaml"), "texts")["data"].(map[string]any)
	for key, text := range map[string]string{
		"bell": "a\ab\x1b[1mc\x7fd", "controls": "\x01\x02\x08\x0b\x0c\x1f", "nel": "a\u0085b\u2028c\u2029d\u00a0e",
		"wide": "\U0001F600 \uFEFF \uFFFD", "crlf": "a\r\nb\r\n", "ends": "a \nb  \n\n\n", "only-newlines": "\n\n",
		"words": "yes", "merge": "<<", "equals": "=", "octal": "0123", "base60": "12:30:45", "nothing": "",
		"document": "---\na: b\n...\n",
	} {
		require(data[key] == text, "%s: %q is %q", key, text, data[key])
	}
}

func testNumbers(w *world) {
	text := w.admin.read("namespaces/openshift-shop/example.com/gauges.yaml")
	for _, line := range []string{"largest: 9223372036854775807", "smallest: -9223372036854775808",
		"beyond: 9007199254740993", "tenth: 0.1", "tiny: 1.5e-7", "huge: 1.0e+21", "empty: {}", "none: []"} {
		require(strings.Contains(text, "\n    "+line+"\n"), "%q is not in\n%s", line, text)
	}
}

func testSecrets(w *world) {
	items := w.admin.list("namespaces/openshift-shop/core/secrets.yaml")
	data := item(items, "passwords")["data"].(map[string]any)
	// "16 bytes long", "0 bytes long"
	require(data["password"] == "MTYgYnl0ZXMgbG9uZw==" && data["empty"] == "MCBieXRlcyBsb25n", "%v", data)
	serving := item(items, "serving")
	require(serving["type"] == "kubernetes.io/tls", "%v", serving["type"])
}

func testNames(w *world) {
	roles := "cluster-scoped-resources/rbac.authorization.k8s.io/clusterroles/"
	for _, name := range []string{"system:x y", "Ümläut \"quoted\" & <b>", "system:discovery"} {
		require(w.admin.has(roles+name+".yaml"), "%s is missing", name)
	}
	require(w.admin.has("cluster-scoped-resources/apiregistration.k8s.io/apiservices/v1..yaml"), "v1. is missing")
	var long []string
	for _, path := range w.admin.files() {
		if isLongName(path) {
			long = append(long, path)
		}
	}
	require(len(long) == 2, "files of two long names: %q", long)
	for i, path := range long {
		require(len(filepath.Base(path)) <= 255, "%s is too long for a file", path)
		metadata := w.admin.load(path)["metadata"].(map[string]any)
		require(strings.HasPrefix(metadata["name"].(string), longName), "%s has %s", path, metadata["name"])
		require(strings.Contains(w.admin.read("inspect_cluster_resources.log"), filepath.Base(long[i])), "%s is not noted", path)
	}
}

// --- requests -----------------------------------------------------------------------------------

const manyMaps = "namespaces/openshift-many/core/configmaps.yaml"

func testPages(w *world) {
	log := w.admin.read("inspect_namespaces.log")
	line := regexp.MustCompile(`(?m)^.*GET configmaps in openshift-many: .*$`).FindString(log)
	require(line != "", "the list is not in the log")
	require(len(w.admin.list(manyMaps)) == manyObjects, "%s", line)
}

// What the report has when etcd forgets the list while it is read.
func testExpired(w *world) {
	expired := 0
	port := w.cluster.proxy(func(_ http.ResponseWriter, r *http.Request) bool {
		if expired == 0 && strings.HasSuffix(r.URL.Path, "/openshift-many/configmaps") && r.URL.Query().Has("continue") {
			expired++
			w.cluster.touch()
			w.cluster.compact()
		}
		return false
	})
	r := w.capture(w.cluster.proxyKubeconfig(port), "Namespaces=openshift-many\nFailingPods=no\n")
	require(expired == 1, "no second page was asked for")
	names := map[string]bool{}
	for _, i := range r.list(manyMaps) {
		names[i.(map[string]any)["metadata"].(map[string]any)["name"].(string)] = true
	}
	items := len(r.list(manyMaps))
	require(len(names) == manyObjects && items == manyObjects, "%d objects, %d names", items, len(names))
	require(r.collector.Outcome == "ok", "%+v", r.collector)
}

func testDiscoveryFiles(w *world) {
	for _, name := range []string{"api", "apis"} {
		text := must(w.cluster.client.RESTClient().Get().AbsPath("/"+name).
			SetHeader("Accept", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList").DoRaw(context.Background()))
		found := compare(name, decodeNumbers(text), w.admin.load("aggregated-discovery-"+name+".yaml"))
		require(len(found) == 0, "%v", found)
	}
}

func testDeadServices(w *world) {
	log := w.admin.read("inspect_cluster_resources.log")
	for _, gone := range []string{"metrics.k8s.io/v1beta1", "hangs.example.com/v1"} {
		require(strings.Contains(log, "not usable: "+gone), "%s is not noted:\n%s", gone, log)
	}
	// The report is complete but for the kubelet that is not trusted.
	for _, note := range w.admin.collector.Notes {
		require(!strings.Contains(note, "missing") || strings.Contains(note, "untrusted"), "%s", note)
	}
}

// --- logs ---------------------------------------------------------------------------------------

func logText(name string) string {
	text := ""
	for _, line := range logs[name] {
		text += logTime + " " + line + "\n"
	}
	return text
}

func testLogs(w *world) {
	shop := "namespaces/openshift-shop/pods/"
	for path, text := range map[string]string{
		"crashing/main/main/logs/current.log":         strings.Replace(logText("current"), "planted-log", "[REDACTED:password]", 1),
		"crashing/main/main/logs/previous.log":        logText("previous"),
		"crashing/prepare/prepare/logs/current.log":   logText("prepare"),
		"crashing/prepare/prepare/logs/previous.log":  "",
		"crashing/debugger/debugger/logs/current.log": logText("debugger"),
		"web-0/prepare/prepare/logs/current.log":      logText("prepare"),
		"web-0/web/web/logs/current.log":              logText("odd"),
		"web-0/side/side/logs/current.log":            logText("usual"),
		"pending/main/main/logs/current.log":          "",
		"pending/main/main/logs/previous.log":         "",
		"pending/prepare/prepare/logs/current.log":    "",
		"unscheduled/main/main/logs/current.log":      "",
	} {
		require(w.admin.has(shop+path), "%s is missing", path)
		require(w.admin.read(shop+path) == text, "%s: %.300q", path, w.admin.read(shop+path))
	}
	// Directories of a pod are its containers, and nothing else: omg takes them for that.
	for _, entry := range must(os.ReadDir(filepath.Join(w.admin.tree, shop, "crashing"))) {
		require(!entry.IsDir() || strings.Contains("main prepare debugger", entry.Name()), "%s is no container", entry.Name())
	}
}

func testUntrustedKubelet(w *world) {
	logs := "namespaces/openshift-shop/pods/untrusted/main/main/logs/"
	require(w.admin.read(logs+"current.log") == "", "who sent this?")
	require(w.admin.read(logs+"current.insecure.log") == logText("usual"), "%s", w.admin.read(logs+"current.insecure.log"))
	for _, path := range w.admin.files() {
		require(!strings.Contains(path, "insecure") || strings.HasPrefix(path, logs+"current"), "%s should not be", path)
	}
}

func testHangingKubelet(w *world) {
	r := w.capture(w.cluster.path("admin.kubeconfig"), "Namespaces=hanging-logs\nFailingPods=no\n")
	pods := "namespaces/hanging-logs/pods/"
	require(r.read(pods+"silent/main/main/logs/current.log") == "", "the kubelet that hangs has said something")
	require(r.read(pods+"talking/main/main/logs/current.log") == logText("usual"), "the other log is missing")
	require(r.noted("silent/main", "missing"), "%q", r.collector.Notes)
	require(r.collector.Outcome == "partial", "%+v", r.collector)
}

// --- what is in it ------------------------------------------------------------------------------

func testEvents(w *world) {
	page := w.admin.read("event-filter.html")
	foreign := regexp.MustCompile(`<script>alert|<img|<[^>]*\b(src|href)=`).FindString(page)
	require(foreign == "", "%q is in the page", foreign)
	require(strings.Count(page, "<tr><td>") == len(w.api.lists["namespaces/openshift-shop/core/events.yaml"]), "%s", page)
	require(strings.Contains(page, "&lt;script&gt;alert(1)&lt;/script&gt;"), "the reason is not in the page")
	for _, event := range w.admin.list("namespaces/openshift-shop/core/events.yaml") {
		// omg fails without these keys.
		_, ok := event.(map[string]any)["lastTimestamp"]
		require(ok, "lastTimestamp is missing: %v", event)
	}
}

func testNamespaces(w *world) {
	var found []string
	for _, entry := range must(os.ReadDir(filepath.Join(w.admin.tree, "namespaces"))) {
		found = append(found, entry.Name())
	}
	requireEmpty(minus(found, adminNamespaces), "nobody asked for")
	requireEmpty(minus(adminNamespaces, found), "missing")
	require(strings.Contains(w.admin.read("inspect_namespaces.log"), "namespace user-app is taken for its pod broken"), "why?")
	require(w.admin.noted("hook-home", "webhook"), "%q", w.admin.collector.Notes)
	r := w.capture(w.cluster.path("admin.kubeconfig"), "Namespaces=openshift-e*\nAddNamespaces=hook-home\nFailingPods=no\n",
		"--namespaces", "/^user-q/")
	found = nil
	for _, entry := range must(os.ReadDir(filepath.Join(r.tree, "namespaces"))) {
		found = append(found, entry.Name())
	}
	sort.Strings(found)
	require(strings.Join(found, " ") == "hook-home openshift-empty user-quiet", "%q", found)
}

// --- rights -------------------------------------------------------------------------------------

func testDenied(w *world) {
	kubeconfig := w.cluster.path("reader.kubeconfig")
	check(os.WriteFile(kubeconfig, w.cluster.tokenKubeconfig("not-a-secret-token"), 0o600))
	r := w.capture(kubeconfig, "")
	missing := minus(w.admin.files(), r.files())
	for _, path := range missing {
		require(strings.HasSuffix(path, "/core/secrets.yaml") || strings.Contains(path, "/core/nodes/") ||
			strings.HasSuffix(path, ".insecure.log"), "%s is missing", path)
	}
	require(len(missing) == len(adminNamespaces)+5, "%q", missing)
	requireEmpty(minus(r.files(), w.admin.files()), "more than the administrator has")
	require(r.noted("secrets in openshift-shop is missing", "forbidden"), "%q", r.collector.Notes)
	require(r.noted("nodes is missing", "forbidden"), "%q", r.collector.Notes)
	for path, items := range w.api.lists {
		if r.has(path) {
			requireRedacted(w.listDifferences(r, path, items))
		}
	}
	for _, path := range r.files() {
		require(!strings.HasSuffix(path, ".log") || strings.HasPrefix(path, "inspect_") || r.read(path) == "",
			"%s has text that we may not read", path)
	}
}

func testNobody(w *world) {
	kubeconfig := w.cluster.path("nobody.kubeconfig")
	client := w.cluster.ca.issue("nobody")
	check(os.WriteFile(kubeconfig, w.cluster.kubeconfig(w.cluster.apiPort, w.cluster.ca, client), 0o600))
	r := w.capture(kubeconfig, "")
	requireEmpty(objectFiles(r), "nothing may be read")
	require(r.has("namespaces") && r.has("timestamp") && r.has("aggregated-discovery-apis.yaml"), "the frame is missing")
	require(r.collector.Outcome == "partial" && r.noted("namespaces is missing", "forbidden"), "%+v", r.collector)
}

func testStrangers(w *world) {
	c := w.cluster
	expired := c.ca.issueUntil(c.ca.cert.NotBefore, "expired", "system:masters")
	foreign := c.stranger.issue("foreign", "system:masters")
	for name, kubeconfig := range map[string]struct {
		text   []byte
		reason string
	}{
		"an authority we do not know":   {c.kubeconfig(c.apiPort, c.stranger, c.admin), "tls-unknown-authority"},
		"a certificate that is expired": {c.kubeconfig(c.apiPort, c.ca, expired), "http-401"},
		"a certificate of a stranger":   {c.kubeconfig(c.apiPort, c.ca, foreign), "http-401"},
		"a token that is none":          {c.tokenKubeconfig("wrong"), "http-401"},
	} {
		path := c.path("stranger.kubeconfig")
		check(os.WriteFile(path, kubeconfig.text, 0o600))
		r := w.capture(path, "")
		require(strings.Contains(r.collector.Fault, kubeconfig.reason), "%s: %s", name, r.collector.Fault)
		requireEmpty(objectFiles(r), "%s", name)
		require(r.has("namespaces"), "%s: readers need the directory", name)
	}
}
