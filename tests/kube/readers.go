// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
)

func (r *report) id() string {
	return strings.TrimPrefix(filepath.Base(r.top), "microshift-support-")
}

// fetch runs msupportctl fetch --must-gather, with ARGUMENTS, against a daemon that has the report in its spool.
func (w *world) fetch(arguments ...string) {
	id := w.admin.id()
	state := must(os.MkdirTemp(w.cluster.dir, "spool."))
	reports := filepath.Join(state, "reports")
	check(os.Mkdir(reports, 0o750))
	text := must(os.ReadFile(w.admin.archive))
	check(os.WriteFile(filepath.Join(reports, id+".tar.gz"), text, 0o640))
	capture := map[string]any{"version": 1, "id": id, "status": "complete", "archive": id + ".tar.gz",
		"size_bytes": len(text), "raw_bytes": 1, "sha256": fmt.Sprintf("%x", sha256.Sum256(text)),
		"started_usec": 1, "finished_usec": 1}
	report := map[string]any{"version": 1, "id": id, "created_usec": 1, "committed_usec": 1, "profile": "full",
		"trigger": "request", "source": "client", "occurrences": 1, "uid": 0, "capture": capture}
	check(os.WriteFile(filepath.Join(reports, id+".json"), must(json.Marshal(report)), 0o640))
	conf, socket := filepath.Join(state, "supportd.conf"), filepath.Join(state, "socket")
	check(os.WriteFile(conf, []byte("[Spool]\nMaxAge=infinity\nKeepFree=0\n"), 0o600))
	w.cluster.start("daemon", w.programs.daemon, "--config", conf, "--state-dir", state, "--socket", socket)
	defer w.cluster.kill("daemon")
	waitFor("the daemon to listen", func() bool {
		w.cluster.requireRunning("daemon")
		_, err := os.Stat(socket)
		return err == nil
	})
	cmd := exec.Command(w.programs.ctl, append([]string{"fetch", "--socket", socket, "--must-gather", id}, arguments...)...)
	out, err := cmd.CombinedOutput()
	require(err == nil, "msupportctl: %v: %s", err, out)
}

func requireRoot() {
	if os.Geteuid() != 0 {
		panic(skip("only root may run the daemon"))
	}
}

// What omc needs of an archive: it makes directories one by one, as they come, knows files and directories only, and
// takes the first entry for the root.
func testArchive(w *world) {
	requireRoot()
	archive := w.cluster.path("must-gather.tar.gz")
	w.fetch("-o", archive)
	reader := tar.NewReader(must(gzip.NewReader(must(os.Open(archive)))))
	directories := map[string]bool{".": true}
	var root string
	files := map[string]string{}
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		check(err)
		name := path.Clean(header.Name)
		require(filepath.IsLocal(name) && name != ".", "%q is no place for an entry", header.Name)
		require(directories[path.Dir(name)], "%s comes before its directory", name)
		age := time.Since(header.ModTime)
		require(age > -time.Minute && age < time.Hour, "%s is of %v", name, header.ModTime)
		switch header.Typeflag {
		case tar.TypeDir:
			if root == "" {
				root = name
			}
			directories[name] = true
		case tar.TypeReg:
			files[strings.TrimPrefix(name, root+"/")] = string(must(io.ReadAll(reader)))
		default:
			require(false, "%s is of type %c", name, header.Typeflag)
		}
		require(name == root || strings.HasPrefix(name, root+"/"), "%s is beside %s", name, root)
	}
	require(strings.Contains(root, w.admin.id()), "%s is not unique", root)
	require(directories[root+"/namespaces"] && directories[root+"/cluster-scoped-resources"], "omc does not know it")
	w.requireSame(files)
}

// requireSame compares what was fetched with the tree in the report. The logs of the host are not in it.
func (w *world) requireSame(files map[string]string) {
	for _, name := range w.admin.files() {
		text, ok := files[name]
		require(ok, "%s is missing", name)
		require(text == w.admin.read(name), "%s differs", name)
	}
	require(len(files) == len(w.admin.files()), "%d files, the report has %d", len(files), len(w.admin.files()))
}

// reader runs a reader of must-gathers.
type reader struct {
	program string
	home    string
}

func (w *world) newReader(program, name string) *reader {
	if program == "" {
		panic(skip(name + " cannot be had here"))
	}
	return &reader{program, must(os.MkdirTemp(w.cluster.dir, name+"."))}
}

func (r *reader) run(arguments ...string) string {
	cmd := exec.Command(r.program, arguments...)
	cmd.Env = append(os.Environ(), "HOME="+r.home, "LC_ALL=C.UTF-8")
	cmd.Dir = r.home
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	command := filepath.Base(r.program) + " " + strings.Join(arguments, " ")
	require(err == nil, "%s: %v: %s%s", command, err, out.String(), stderr.String())
	for _, sign := range []string{"panic:", "Traceback", "[ERROR]", "error:"} {
		require(!strings.Contains(out.String()+stderr.String(), sign), "%s: %s%s", command, out.String(), stderr.String())
	}
	return out.String()
}

// rows are the lines of a table below its head, as words.
func rows(table string) (rows [][]string) {
	for i, line := range strings.Split(strings.TrimSpace(table), "\n") {
		if i > 0 {
			rows = append(rows, strings.Fields(line))
		}
	}
	return rows
}

// requireNames compares one column of a table with the names that the API has.
func requireNames(command, table string, column int, names []string) {
	var found []string
	for _, row := range rows(table) {
		require(len(row) > column, "%s: %q", command, row)
		found = append(found, path.Base(row[column]))
	}
	requireEmpty(minus(names, found), "%s does not show", command)
	requireEmpty(minus(found, names), "%s shows too much", command)
	require(len(found) == len(names), "%s: %d rows, the API has %d", command, len(found), len(names))
}

// listed are the names in the lists of all namespaces, objects those of the cluster.
func (v *view) listed(resource string) (names []string) {
	for file, items := range v.lists {
		if strings.HasPrefix(file, "namespaces/") && strings.HasSuffix(file, "/"+resource+".yaml") {
			for _, item := range items {
				names = append(names, item.GetName())
			}
		}
	}
	return names
}

func (v *view) inCluster(resource string) (names []string) {
	for file, object := range v.objects {
		if path.Dir(file) == "cluster-scoped-resources/"+resource {
			names = append(names, object.GetName())
		}
	}
	return names
}

func testOmg(w *world) {
	omg := w.newReader(w.programs.omg, "omg")
	requireContains := func(text string, arguments ...string) {
		out := omg.run(arguments...)
		require(strings.Contains(out, text), "omg %v: %q is not in %s", arguments, text, out)
	}
	requireContains(w.admin.tree, "use", w.admin.tree)
	omg.run("use")
	requireContains("openshift-shop", "projects")
	requireContains("openshift-shop", "project", "openshift-shop")
	requireContains("openshift-shop", "project")
	for _, kind := range [][2]string{{"pods", "core/pods"}, {"svc", "core/services"}, {"cm", "core/configmaps"},
		{"secret", "core/secrets"}, {"deployment", "apps/deployments"}, {"ds", "apps/daemonsets"},
		{"statefulset", "apps/statefulsets"}, {"pvc", "core/persistentvolumeclaims"}, {"ep", "core/endpoints"},
		{"endpointslices", "discovery.k8s.io/endpointslices"}, {"job", "batch/jobs"}, {"cronjob", "batch/cronjobs"},
		{"route", "route.openshift.io/routes"}} {
		requireNames("omg get "+kind[0]+" -A", omg.run("get", kind[0], "-A"), 1, w.api.listed(kind[1]))
	}
	for _, kind := range [][2]string{{"nodes", "core/nodes"}, {"pv", "core/persistentvolumes"},
		{"sc", "storage.k8s.io/storageclasses"}, {"crd", "apiextensions.k8s.io/customresourcedefinitions"}} {
		requireNames("omg get "+kind[0], omg.run("get", kind[0]), 0, w.api.inCluster(kind[1]))
	}
	requireContains("web-0", "get", "ev", "-A")
	requireContains("kubernetes.io/hostname=edge-1", "get", "node", "--show-labels")
	requireContains("edge-1", "get", "node", "-o", "wide")
	requireContains("system:x y", "get", "clusterroles", "-o", "yaml")
	var list struct {
		Items []struct {
			Spec struct{ Containers []struct{ Name string } }
		}
	}
	check(json.Unmarshal([]byte(omg.run("get", "pods", "-A", "-o", "json")), &list))
	require(len(list.Items) == len(w.api.listed("core/pods")), "omg get pods -A -o json: %d", len(list.Items))
	requireContains("once more", "logs", "crashing", "-c", "main", "-n", "openshift-shop")
	requireContains("out of memory", "logs", "crashing", "-c", "main", "-n", "openshift-shop", "-p")
	requireContains("prepared", "logs", "crashing", "-c", "prepare", "-n", "openshift-shop")
	requireRoot()
	w.fetch("--extract=" + omg.home)
	requireContains("must-gather-"+w.admin.id(), "use", filepath.Join(omg.home, "must-gather-"+w.admin.id()))
	requireNames("omg get pods -A", omg.run("get", "pods", "-A"), 1, w.api.listed("core/pods"))
}

func testOmc(w *world) {
	omc := w.newReader(w.programs.omc, "omc")
	omc.run("use", w.admin.tree)
	for _, kind := range [][2]string{{"pods", "core/pods"}, {"svc", "core/services"}, {"cm", "core/configmaps"},
		{"secret", "core/secrets"}, {"deploy", "apps/deployments"}, {"netpol", "networking.k8s.io/networkpolicies"},
		{"ing", "networking.k8s.io/ingresses"}, {"pdb", "policy/poddisruptionbudgets"}, {"gauges", "example.com/gauges"},
		{"route", "route.openshift.io/routes"}, {"events", "core/events"}} {
		out := omc.run("get", kind[0], "-A", "-o", "name")
		requireNames("omc get "+kind[0]+" -A", "\n"+out, 0, w.api.listed(kind[1]))
	}
	for _, kind := range [][2]string{{"nodes", "core/nodes"}, {"crd", "apiextensions.k8s.io/customresourcedefinitions"},
		{"logicalvolumes", "topolvm.io/logicalvolumes"}, {"clusterrole", "rbac.authorization.k8s.io/clusterroles"}} {
		var names []string
		for _, name := range w.api.inCluster(kind[1]) {
			// It hides objects whose names are no host names.
			if len(validation.IsDNS1123Subdomain(name)) == 0 {
				names = append(names, name)
			}
		}
		requireNames("omc get "+kind[0], "\n"+omc.run("get", kind[0], "-o", "name"), 0, names)
	}
	logs := omc.run("logs", "crashing", "-c", "main", "-n", "openshift-shop", "-p")
	require(strings.Contains(logs, "out of memory"), "%s", logs)
	omc.run("describe", "pod", "crashing", "-n", "openshift-shop")
	omc.run("describe", "node", "edge-1")
	requireRoot()
	archive := filepath.Join(omc.home, "must-gather.tar.gz")
	w.fetch("-o", archive)
	omc.run("use", archive)
	require(strings.Contains(omc.run("get", "pods", "-A"), "crashing"), "the archive is not read")
}
