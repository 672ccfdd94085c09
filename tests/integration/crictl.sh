#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Prints where crictl is: the machine's own, or one that is built once from its Go module and kept. Exits with 77 and
# says why when there is none.

set -euo pipefail

# The last one whose sources build with Go 1.24; speaks CRI v1, as containerd 1.6 and CRI-O 1.25 do.
version=v1.34.0
cache=${CACHE_DIR:-/var/cache/microshift-support-tests}/crictl-$version

if command -v crictl; then
	exit
fi
if [ ! -x "$cache/crictl" ]; then
	command -v go >/dev/null || { echo "there is neither crictl nor go to build it" >&2; exit 77; }
	mkdir -p "$cache"
	log=$(GOBIN=$cache GOTOOLCHAIN=local go install "sigs.k8s.io/cri-tools/cmd/crictl@$version" 2>&1) || {
		echo "crictl does not build: $(tail -n 1 <<<"$log")" >&2
		exit 77
	}
fi
echo "$cache/crictl"
