// SPDX-License-Identifier: Apache-2.0

// The tests against a real kube-apiserver; see README.md.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

// Children end with the thread that started them, so they are all started by this one.
func init() {
	runtime.LockOSThread()
}

// programs are the paths of what is run beside this.
type programs struct {
	capture, ctl, daemon string // of the product
	kwok                 string
	omg, omc             string // readers of must-gathers; empty when they cannot be had
	pyyaml               string // the script that loads files with PyYAML
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "apiserver" {
		command := app.NewAPIServerCommand()
		command.SetArgs(os.Args[2:])
		os.Exit(cli.Run(command))
	}
	var p programs
	flag.StringVar(&p.capture, "capture", "", "microshift-support-capture")
	flag.StringVar(&p.ctl, "ctl", "", "msupportctl")
	flag.StringVar(&p.daemon, "daemon", "", "microshift-supportd")
	flag.StringVar(&p.kwok, "kwok", "", "kwok")
	flag.StringVar(&p.omg, "omg", "", "omg, or empty")
	flag.StringVar(&p.omc, "omc", "", "omc, or empty")
	flag.StringVar(&p.pyyaml, "pyyaml", "", "load-yaml.py")
	serve := flag.Bool("serve", false, "only start a cluster, say where, and follow orders on standard input")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: kubetest [OPTION...] [TEST...]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if *serve {
		serveCluster(p.kwok)
		return
	}
	os.Exit(runChecks(p, flag.Args()))
}
