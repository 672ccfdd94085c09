// SPDX-License-Identifier: Apache-2.0

//go:build tools

package main

// For go.mod: bench/kube compares with this program, which is built from here.
import _ "k8s.io/kubernetes/cmd/kubectl"
