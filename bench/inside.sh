#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The part of bench/run that needs a real systemd: `tests/system/run exec 252 bench/inside.sh` runs it in the
# container. Prints one JSON object a line, raw measurements; bench/run makes numbers of them.

# shellcheck source=tests/system/lib.sh
. /tests/lib.sh

repetitions=${REPETITIONS:-20}
idle_seconds=${IDLE_SECONDS:-20}
chatter_seconds=4

# Microseconds since 1970, without a fork.
stamp() {
	now_usec=${EPOCHREALTIME/[.,]/}
}

emit() {
	jq -nc --arg kind "$1" "$2 + {kind: \$kind}"
}

reports_are() {
	local sidecars=("$state"/reports/*.json)

	[ -e "${sidecars[0]}" ] && [ ${#sidecars[@]} -ge "$1" ]
}

# reset kills MicroShift; that is no event to measure.
start_anew() {
	systemctl stop $unit
	reset
}

emit_reports() {
	jq -c --arg kind "$1" '. + {kind: $kind}' "$state"/reports/*.json
}

# idle NAME SECONDS: memory of the daemon, and how often and how long it ran while nothing happened.
idle() {
	local pid before after pss private rss cpu

	pid=$(systemctl show -P MainPID $daemon)
	before=$(awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$pid/status")
	cpu=$(cut -d ' ' -f 1 "/proc/$pid/schedstat")
	sleep "$2"
	after=$(awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$pid/status")
	cpu=$(($(cut -d ' ' -f 1 "/proc/$pid/schedstat") - cpu))
	pss=$(awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup")
	rss=$(awk '/^Rss:/ { print $2 }' "/proc/$pid/smaps_rollup")
	private=$(awk '/^Private_/ { n += $2 } END { print n }' "/proc/$pid/smaps_rollup")
	emit idle "{name: \"$1\", seconds: $2, switches: $((after - before)), pss_kib: $pss,
		rss_kib: $rss, private_kib: $private, cpu_nsec: $cpu}"
}

# MicroShift is killed again and again; each time flash, capture and commit are timed.
ends() {
	local pid i watcher

	configure <<<$'[Limits]\nCoolDownSec=0\nMaxPerHour=1000\nBurst=1000\nMaxPerDay=1000\n[Spool]\nMaxReports=1000\nMaxPerKey=1000'
	drop_in $unit <<<$'[Unit]\nStartLimitIntervalSec=0'
	systemctl restart $daemon
	msupportctl watch --json=short >$scratch.events &
	watcher=$!
	start_microshift
	for ((i = 1; i <= repetitions; i++)); do
		sleep 0.3
		pid=$(systemctl show -P MainPID $unit)
		stamp
		kill -KILL "$pid"
		emit kill "{usec: $now_usec}"
		wait_for "report $i" reports_are "$i" || break
		wait_state $unit active
	done
	sleep 0.3
	kill $watcher
	wait $watcher 2>/dev/null
	jq -c '(.parameters? // .) + {kind: "event"}' $scratch.events
	emit_reports end
	idle "after $repetitions reports" 1
}

# What systemd takes for a unit that does nothing: as it is, and in the sandbox of a capture.
units() {
	local template=/usr/lib/systemd/system/microshift-support-capture@.service

	printf '[Service]\nType=oneshot\nExecStart=/bin/true\n' >/run/systemd/system/bench-bare.service
	sed -e 's|^ExecStart=.*|ExecStart=/bin/true|; /^ExecStopPost=/d' $template >/run/systemd/system/bench-sandbox.service
	systemctl daemon-reload
	latency "unit bare" systemctl start bench-bare.service
	latency "unit sandbox" systemctl start bench-sandbox.service
}

# Captures on request, with a journal to read.
profiles() {
	local profile i lines

	start_anew
	start_microshift
	now chatty 5000
	sleep $chatter_seconds
	systemctl restart $unit
	journalctl --sync
	lines=$(journalctl -q --no-pager -o cat | wc -l)
	emit journal "{lines: $lines}"
	for profile in flash crash full; do
		for i in 1 2 3; do
			msupportctl collect --profile $profile >$scratch.out 2>&1 || cat $scratch.out
		done
	done
	emit_reports profile
}

# latency NAME COMMAND...: wall time of a command, again and again.
latency() {
	local name=$1 i start usecs=()

	shift
	"$@" >/dev/null || return 0
	for ((i = 0; i < repetitions; i++)); do
		stamp
		start=$now_usec
		"$@" >/dev/null
		stamp
		usecs+=($((now_usec - start)))
	done
	emit latency "{name: \"$name\", usecs: [$(IFS=,; echo "${usecs[*]}")]}"
}

latencies() {
	start_anew
	latency "true, to compare" /bin/true
	latency "status" msupportctl status --json
	latency "list" msupportctl list --json
}

emit systemd "{version: $(systemd_version)}"
reset
sleep 2
idle recording "$idle_seconds"
configure <<<$'[Recorder]\nEnabled=no'
systemctl restart $daemon
sleep 2
idle fresh "$idle_seconds"
ends
units
profiles
latencies
