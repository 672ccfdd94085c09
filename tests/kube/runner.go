// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
)

// A test panics when it fails, see must() and require(). One that panics with a skip is skipped.
type test struct {
	name string
	run  func(w *world)
}

type skip string

// world is what the tests share.
type world struct {
	programs programs
	cluster  *cluster
	api      *view   // what the administrator sees
	admin    *report // what was captured with the rights of the administrator
}

// runChecks runs all tests, or those whose names contain one of WANTED, and prints TAP. Returns the exit status.
func runChecks(p programs, wanted []string) (status int) {
	dir := must(os.MkdirTemp("", "kubetest."))
	defer os.RemoveAll(dir)
	w := &world{programs: p, cluster: newCluster(dir, p.kwok)}
	defer w.cluster.stop()
	if !runTest(1, test{"the cluster is up", (*world).start}, w) {
		return 1
	}
	count := 1
	for _, t := range allTests {
		if !isWanted(t.name, wanted) {
			continue
		}
		count++
		if !runTest(count, t, w) {
			status = 1
		}
	}
	fmt.Printf("1..%d\n", count)
	return status
}

func isWanted(name string, wanted []string) bool {
	for _, part := range wanted {
		if strings.Contains(name, part) {
			return true
		}
	}
	return len(wanted) == 0
}

func runTest(number int, t test, w *world) (passed bool) {
	defer func() {
		switch reason := recover().(type) {
		case nil:
			fmt.Printf("ok %d - %s\n", number, t.name)
			passed = true
		case skip:
			fmt.Printf("ok %d - %s # SKIP %s\n", number, t.name, string(reason))
			passed = true
		default:
			comment(fmt.Sprintf("%v\n%s", reason, debug.Stack()))
			fmt.Printf("not ok %d - %s\n", number, t.name)
		}
	}()
	t.run(w)
	return
}

func comment(text string) {
	fmt.Println("# " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n# "))
}

func (w *world) start() {
	w.cluster.startAPI()
	w.cluster.startKwok(w.cluster.writeLogs())
	w.cluster.fill()
	w.cluster.settle()
	w.admin = w.capture(w.cluster.path("admin.kubeconfig"), "")
	w.api = w.cluster.expect(adminNamespaces...)
}
