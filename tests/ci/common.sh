# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# For ./dev and the jobs in tests/ci: how the tree is configured and built.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
jobs=${JOBS:-$(nproc)}
# Where the jobs build; apart from build/, which is the person's.
# shellcheck disable=SC2034  # used by the jobs
ci=$top/build-ci
# As a package would be built, so that `make install` is right for the machine.
configure_flags=(--prefix=/usr --sysconfdir=/etc --localstatedir=/var)

# The generated build files are shared by all build directories.
bootstrap() {
	local log=$top/build-autoreconf.log

	if [ -e "$top/Makefile.in" ] && [ "$top/configure" -nt "$top/configure.ac" ] &&
		[ "$top/Makefile.in" -nt "$top/Makefile.am" ]; then
		return
	fi
	(cd "$top" && autoreconf -fi) >"$log" 2>&1 || {
		cat "$log"
		return 1
	}
	rm -f "$log"
}

# build_in DIR [CONFIGURE-ARGUMENT...]: configure when needed, and make.
build_in() {
	local dir=$1

	shift
	bootstrap || return
	mkdir -p "$dir"
	if [ ! -e "$dir/Makefile" ] || [ "$top/configure" -nt "$dir/config.status" ]; then
		(cd "$dir" && "$top/configure" -q "${configure_flags[@]}" "$@") || return
	fi
	make -s -j"$jobs" -C "$dir"
}

# run_check DIR [MAKE-VARIABLE...]: `make check`, its results as TAP, the log of what failed.
run_check() {
	local dir=$1 rc=0

	shift
	# Results of an earlier run must not be taken for this one's.
	find "$dir" -name '*.trs' -delete
	make -s -j"$jobs" -C "$dir" check "$@" >"$dir/check.log" 2>&1 || rc=$?
	"$top/tests/ci/trs-to-tap" "$dir" >"$dir/check.tap" || true
	cat "$dir/check.tap"
	if [ $rc != 0 ] && ! grep -q '^not ok' "$dir/check.tap"; then
		tail -n 50 "$dir/check.log" | sed 's/^/# /'
		echo "not ok - make check"
	fi
	return $rc
}

# For tests/kube. The modules there ask for no newer one, as Debian 12 has none.
go_least=1.23

# The path of a Go that is new enough, also where packages put it that leave PATH alone.
find_go() {
	local go version

	for go in "$(command -v go)" /usr/local/go/bin/go /usr/lib/go-*/bin/go; do
		[ -x "$go" ] || continue
		version=$(GOTOOLCHAIN=local "$go" env GOVERSION)
		if printf '%s\n' "$go_least" "${version#go}" | sort -VC; then
			echo "$go"
			return
		fi
	done
	return 1
}

# step NAME COMMAND...: one TAP line; the output only when it fails. 77 is skipped, the last line says why.
step() {
	local name=$1 out rc=0

	shift
	out=$("$@" 2>&1) || rc=$?
	case $rc in
	0) echo "ok - $name" ;;
	77)
		echo "ok - $name # SKIP $(tail -n 1 <<<"$out")"
		rc=0
		;;
	*)
		tail -n 100 <<<"$out" | sed 's/^/# /'
		echo "not ok - $name"
		;;
	esac
	return $rc
}
