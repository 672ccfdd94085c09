# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
#
# For the scripts in tests/system, which source this file inside the container. A script defines functions
# test_<what>, in the order in which they are to run, and ends with `run_tests`. Each is one TAP line; it fails
# at the first command that fails. Between tests the machine is put back: MicroShift stopped, spool empty.

set -uo pipefail

state=/var/lib/microshift-support
unit=microshift.service
daemon=microshift-supportd.service
socket=/run/microshift-support/io.microshift.Support
standin=/run/standin
scratch=/tmp/scratch
# Longest that anything on an idle machine may take; CI machines are slow and busy.
patience=${PATIENCE:-30}
test_start=$(date +%s)
# How long "and nothing more" is watched: longer than a restart (100 ms) and a debounce (300 ms) together; and than
# the daemon waits for the watcher to tell what a hook told (1.5 s), when there was a hook.
settle_time=0.6
settle_time_hook=1.8

fail() {
	echo "# failed: $*"
	return 1
}

skip() {
	echo "$*" >"$scratch.skip"
	exit 77
}

systemd_version() {
	systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p'
}

# wait_for WHAT COMMAND...: until the command succeeds; a deadline, not a sleep.
wait_for() {
	local what=$1 deadline=$((SECONDS + patience))

	shift
	until "$@"; do
		[ $SECONDS -lt $deadline ] || { fail "waited $patience s for: $what"; return 1; }
		sleep 0.05
	done
}

# must_fail STATUS COMMAND...: the command has to end with exactly this exit status.
must_fail() {
	local want=$1 got=0

	shift
	"$@" >"$scratch.out" 2>&1 || got=$?
	[ "$got" = "$want" ] || { cat "$scratch.out"; fail "'$*' ended with $got, not $want"; }
}

has() {
	grep -qF -- "$2" <<<"$1" || fail "'$2' is not in: $1"
}

has_not() {
	! grep -qF -- "$2" <<<"$1" || fail "'$2' is in: $1"
}

equals() {
	[ "$1" = "$2" ] || fail "'$1' is not '$2'"
}

# --- the stand-in -------------------------------------------------------------------------------------------

at_start() {
	mkdir -p $standin
	echo "$*" >$standin/start
}

at_every_start() {
	mkdir -p $standin
	echo "$*" >$standin/always
}

# Tells the running MicroShift what to do; it has read it on return.
now() {
	mkdir -p $standin
	echo "$*" >$standin/now
	systemctl kill --kill-whom=main --signal=USR1 $unit
	wait_for "MicroShift to hear '$1'" eval "[ ! -e $standin/now ]"
}

start_microshift() {
	systemctl start $unit
	invocation=$(systemctl show -P InvocationID $unit)
}

is_state() {
	[ "$(systemctl show -P ActiveState "$1")" = "$2" ]
}

wait_state() {
	wait_for "$1 to be $2" is_state "$1" "$2"
}

# A drop-in for one test; undone by the reset.
drop_in() {
	mkdir -p "/run/systemd/system/$1.d"
	cat >"/run/systemd/system/$1.d/90-test.conf"
	systemctl daemon-reload
}

# A service NAME with COMMAND and more lines of its [Service], for one test; undone by the reset.
make_service() {
	local name=$1 command=$2

	shift 2
	printf '%s\n' '[Unit]' "Description=Stand-in for $name" >"/run/systemd/system/$name"
	printf '%s\n' '[Service]' "ExecStart=$command" "$@" | drop_in "$name"
}

forget_test_units() {
	local file name

	for file in /run/systemd/system/*.d/90-test.conf; do
		name=$(basename "${file%.d/90-test.conf}")
		rm -f "$file"
		if [ -e "/run/systemd/system/$name" ]; then
			systemctl stop "$name"
			rm -f "/run/systemd/system/$name"
		fi
	done
	systemctl daemon-reload
}

configure() {
	mkdir -p /run/microshift-support/supportd.conf.d
	cat >/run/microshift-support/supportd.conf.d/90-test.conf
}

# --- reports ------------------------------------------------------------------------------------------------

list_json() {
	msupportctl list --json | jq -c '.reports? // .'
}

count_reports() {
	list_json | jq length
}

# Reports on disk: what counts when the daemon is down.
count_on_disk() {
	find $state/reports -maxdepth 1 -name '*.json' | wc -l
}

nothing_pending() {
	[ -z "$(ls -A $state/queue 2>/dev/null)" ] && [ -z "$(ls -A $state/incoming 2>/dev/null)" ] &&
		[ -z "$(ls -A $state/inbox 2>/dev/null)" ]
}

has_reports() {
	[ "$(count_reports 2>/dev/null)" = "$1" ] && nothing_pending
}

settle() {
	journalctl --sync
	if [ -n "$(journalctl -q -o cat --since "@$test_start" UNIT="microshift-support-onfailure@$unit.service")" ]; then
		sleep $settle_time_hook
	else
		sleep $settle_time
	fi
}

# await_reports N: there are N, and everything is committed.
await_reports() {
	wait_for "$1 report(s)" has_reports "$1" || { list_json; ls -lR $state; return 1; }
}

# expect_reports N: exactly N, everything committed, and none more after that.
expect_reports() {
	await_reports "$1"
	settle
	has_reports "$1" || { list_json; fail "there are $(count_reports) reports after a while, not $1"; }
}

# report FIELD [ID]: a field of a report, the latest by default.
report() {
	msupportctl show --json "${2:-latest}" | jq -r "(.report? // .) | .$1"
}

# Unpacks a report and leaves its path in $tree.
unpack() {
	rm -rf $scratch.tree
	mkdir $scratch.tree
	msupportctl fetch "${1:-latest}" --extract -o $scratch.tree >/dev/null
	tree=$(echo $scratch.tree/microshift-support-*)
	[ -d "$tree" ] || { ls -l $scratch.tree; fail "the report does not unpack into one directory"; }
}

collect() {
	msupportctl collect --profile flash "$@" >/dev/null
}

# --- running ------------------------------------------------------------------------------------------------

daemon_up() {
	is_state $daemon active && msupportctl status >/dev/null 2>&1
}

reset() {
	rm -rf ${standin:?}/*
	# The daemon first, and its socket: it would see the end of MicroShift, and hooks would start it again.
	systemctl stop microshift-supportd.socket $daemon 2>/dev/null
	systemctl kill --signal=KILL $unit 2>/dev/null
	systemctl stop $unit 2>/dev/null
	systemctl stop 'microshift-support-*@*.service' 2>/dev/null
	if [ -n "$(ls -d /run/systemd/system/*.d/90-test.conf 2>/dev/null)" ]; then
		forget_test_units
	fi
	systemctl reset-failed 2>/dev/null
	rm -rf "${state:?}"/* /run/microshift-support/*.d ${scratch:?}* /etc/microshift-support
	systemctl start microshift-supportd.socket $daemon
	wait_for "the daemon" daemon_up
}

explain() {
	echo "# --- journal of this test"
	journalctl -q --no-pager -o short-precise --since "@$1" -u $unit -u $daemon \
		-u 'microshift-support-*' 2>&1 | tail -n "${JOURNAL_LINES:-60}" | sed 's/^/# /'
	echo "# --- state"
	systemctl list-units --all --no-pager --no-legend 'microshift*' | sed 's/^/# /'
	find $state -mindepth 1 | sort | sed 's/^/# /'
}

run_tests() {
	local name names what rc bad=0

	mapfile -t names < <(sed -n 's/^\(test_[a-z0-9_]*\)().*/\1/p' "$0")
	for name in "${names[@]}"; do
		[ -z "${ONLY:-}" ] || [[ $name == *"$ONLY"* ]] || continue
		what=${name#test_}
		what=${what//_/ }
		if ! reset >"/tmp/reset.out" 2>&1; then
			sed 's/^/# /' /tmp/reset.out
			explain "$(date -d '1 minute ago' +%s)"
			echo "not ok - $what (the machine could not be put back)"
			bad=1
			continue
		fi
		test_start=$(date +%s.%6N)
		# Not in a condition, where errexit would mean nothing.
		(
			set -eE
			trap 'echo "# $0:$LINENO: $BASH_COMMAND"' ERR
			$name
		) >/tmp/test.out 2>&1 </dev/null
		rc=$?
		journalctl --sync
		[ -z "${VERBOSE:-}" ] || sed 's/^/# /' /tmp/test.out
		case $rc in
		0) echo "ok - $what" ;;
		77) echo "ok - $what # SKIP $(cat $scratch.skip)" ;;
		*)
			sed 's/^\(# \)\?/# /' /tmp/test.out | tail -n 60
			explain "$test_start"
			echo "not ok - $what"
			bad=1
			;;
		esac
	done
	exit $bad
}
