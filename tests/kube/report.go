// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"

	"sigs.k8s.io/yaml"
)

// The collector's part of manifest.json.
type collector struct {
	Outcome  string   `json:"outcome"`
	Fault    string   `json:"fault"`
	Notes    []string `json:"notes"`
	Duration uint64   `json:"duration_usec"`
}

// report is what one capture wrote, unpacked.
type report struct {
	archive   string
	top       string // directory
	tree      string // directory: where oc's tree is
	collector collector
	memory    uint64 // the most that the program had, in bytes
}

// capture runs the program for the cluster alone. CONFIG are lines of the section [Kube].
func (w *world) capture(kubeconfig, config string, arguments ...string) *report {
	out := must(os.MkdirTemp(w.cluster.dir, "report."))
	conf := filepath.Join(out, "supportd.conf")
	check(os.WriteFile(conf, []byte("[Kube]\n"+config), 0o600))
	cmd := exec.Command(w.programs.capture, append([]string{"--output", out, "--only", "kube", "--compression", "gzip",
		"--kubeconfig", kubeconfig, "--config", conf}, arguments...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	// 6 is a report that is not complete.
	var exit *exec.ExitError
	require(err == nil || errors.As(err, &exit) && exit.ExitCode() == 6, "the capture failed: %v\n%s", err, stderr.String())
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	return openReport(lines[len(lines)-1], out)
}

func openReport(archive, dir string) *report {
	r := &report{archive: archive, top: filepath.Join(dir, unpack(archive, dir))}
	r.tree = filepath.Join(r.top, "sos_commands/microshift")
	var manifest struct {
		Components struct {
			Report struct {
				Plugins map[string]collector `json:"plugins"`
			} `json:"report"`
		} `json:"components"`
		Own struct {
			Memory uint64 `json:"peak_memory_bytes"`
		} `json:"microshift_support"`
	}
	check(json.Unmarshal(must(os.ReadFile(filepath.Join(r.top, "manifest.json"))), &manifest))
	r.collector = manifest.Components.Report.Plugins["kube"]
	r.memory = manifest.Own.Memory
	return r
}

// unpack unpacks a .tar.gz below DIR, and returns the name of its top directory.
func unpack(archive, dir string) string {
	file := must(os.Open(archive))
	defer file.Close()
	reader := tar.NewReader(must(gzip.NewReader(file)))
	top := ""
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return top
		}
		check(err)
		require(filepath.IsLocal(header.Name), "%q leaves the directory", header.Name)
		if top == "" {
			top, _, _ = strings.Cut(header.Name, "/")
		}
		path := filepath.Join(dir, header.Name)
		switch header.Typeflag {
		case tar.TypeDir:
			check(os.MkdirAll(path, 0o700))
		case tar.TypeReg:
			check(os.MkdirAll(filepath.Dir(path), 0o700))
			check(os.WriteFile(path, must(io.ReadAll(reader)), 0o600))
			check(os.Chtimes(path, header.ModTime, header.ModTime))
		}
	}
}

// files are the paths of all files of the tree, sorted.
func (r *report) files() []string {
	var files []string
	check(filepath.WalkDir(r.tree, func(path string, entry fs.DirEntry, err error) error {
		check(err)
		if !entry.IsDir() {
			files = append(files, must(filepath.Rel(r.tree, path)))
		}
		return nil
	}))
	sort.Strings(files)
	return files
}

func (r *report) has(path string) bool {
	_, err := os.Stat(filepath.Join(r.tree, path))
	return err == nil
}

func (r *report) read(path string) string {
	return string(must(os.ReadFile(filepath.Join(r.tree, path))))
}

// load is a file's document, as sigs.k8s.io/yaml reads it, which is what omc reads with.
func (r *report) load(path string) map[string]any {
	return decodeNumbers(must(yaml.YAMLToJSONStrict([]byte(r.read(path)))))
}

// list are the objects of a file with a list.
func (r *report) list(path string) []any {
	items, ok := r.load(path)["items"].([]any)
	require(ok, "%s has no items", path)
	return items
}

// noted tells whether a note of the manifest has all of PARTS in it.
func (r *report) noted(parts ...string) bool {
	for _, note := range r.collector.Notes {
		n := 0
		for _, part := range parts {
			if strings.Contains(note, part) {
				n++
			}
		}
		if n == len(parts) {
			return true
		}
	}
	return false
}

// decodeNumbers decodes an object; numbers keep their digits.
func decodeNumbers(text []byte) map[string]any {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var object map[string]any
	check(decoder.Decode(&object))
	return object
}

// asJSON is OBJECT as the API server sent it, for messages and comparisons.
func asJSON(object any) map[string]any {
	return decodeNumbers(must(json.Marshal(object)))
}

// minus are the elements of A that are not in B.
func minus(a, b []string) []string {
	known := map[string]bool{}
	for _, s := range b {
		known[s] = true
	}
	var rest []string
	for _, s := range a {
		if !known[s] {
			rest = append(rest, s)
		}
	}
	return rest
}

func requireEmpty(list []string, format string, arguments ...any) {
	require(len(list) == 0, "%s: %q", fmt.Sprintf(format, arguments...), list)
}
