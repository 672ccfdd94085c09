#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The part of bench/soak that runs in the container.

# shellcheck source=tests/system/lib.sh
. /tests/lib.sh

minutes=${MINUTES:-10}
lines_per_second=10000

say() {
	printf '%-36s %s\n' "$1" "$2"
}

daemon_pid() {
	systemctl show -P MainPID $daemon
}

pss_kib() {
	awk '/^Pss:/ { print $2 }' "/proc/$(daemon_pid)/smaps_rollup"
}

descriptors() {
	find "/proc/$(daemon_pid)/fd" -type l | wc -l
}

flood() {
	local n=0 step=$((lines_per_second / 10))

	while :; do
		seq -f "E0101 00:00:00.000000 1 flood.go:1] a service that is in a loop says line %.0f" $((n + 1)) $((n + step))
		n=$((n + step))
		sleep 0.1
	done
}

# Each of 200 clients asks, reads the answer, and comes again; those beyond the limits are turned away.
clients='
import json, socket, sys, threading, time

call = json.dumps({"method": "io.microshift.Support.Status"}).encode() + b"\0"
end = time.monotonic() + float(sys.argv[2])
answers = [0, 0]
lock = threading.Lock()

def ask():
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(sys.argv[1])
            s.sendall(call)
            data = b""
            while not data.endswith(b"\0"):
                more = s.recv(65536)
                if not more:
                    return False
                data += more
            return True
    except OSError:
        return False

def client():
    while time.monotonic() < end:
        answered = ask()
        with lock:
            answers[answered] += 1
        time.sleep(1)

threads = [threading.Thread(target=client) for _ in range(200)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(f"{answers[1]} answered, {answers[0]} turned away")
'

microshift_pid() {
	systemctl show -P MainPID $unit
}

is_another_run() {
	[ "$(microshift_pid)" != "$pid" ] && is_state $unit active
}

reset
drop_in $unit <<<$'[Unit]\nStartLimitIntervalSec=0'
start_microshift
await_reports 0
say "memory of the daemon at the start" "$(pss_kib) KiB PSS"
say "descriptors at the start" "$(descriptors)"

systemd-run --quiet --unit=flood.service --setenv=lines_per_second=$lines_per_second bash -c "$(declare -f flood); flood"
python3 -c "$clients" $socket $((minutes * 60)) >$scratch.clients &
clients_pid=$!
(while sleep 1; do systemctl daemon-reload; done) &
reloads_pid=$!

ends=0
end_time=$((SECONDS + minutes * 60))
while [ $SECONDS -lt $end_time ]; do
	pid=$(microshift_pid)
	# Two problems, each with a pause of its own.
	if [ $((ends % 10)) = 9 ]; then now etcd; else kill -KILL "$pid"; fi
	wait_for "the next run" is_another_run || break
	ends=$((ends + 1))
done
wait $clients_pid
kill $reloads_pid
systemctl stop flood.service
wait_for "what is pending" nothing_pending
settle

counted=$(msupportctl keys --json | jq '[.[].count] | add')
say "ends of MicroShift" "$ends in $minutes min"
say "of them not counted by the daemon" $((ends - counted))
msupportctl keys --json | jq -r '.[] | .key + " " + (.count | tostring)' | while read -r key count; do
	say "reports of $key" "$(list_json | jq --arg key "$key" 'map(select(.key == $key)) | length') of $count ends"
done
say "journal lines beside them" "$(journalctl -q -o cat -n 1 -u flood.service --grep "says line" | awk '{ print $NF }')"
say "calls of 200 clients" "$(cat $scratch.clients)"
say "memory of the daemon at the end" "$(pss_kib) KiB PSS"
say "descriptors at the end" "$(descriptors)"
say "restarts of the daemon" "$(systemctl show -P NRestarts $daemon)"
