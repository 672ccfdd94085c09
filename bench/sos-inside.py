#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The part of bench/run that compares with sos, under a real systemd: `tests/system/run exec 252
bench/sos-inside.py` runs it in the container. Prints one JSON object, or says why there is none.

Both are asked for the same: sos gets the plugins whose names our collectors have, with its
defaults; we take profile full, which has more (the cluster, all of MicroShift)."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

CAPTURE = "/usr/bin/microshift-support-capture"
UNIT = "microshift.service"
STANDIN = "/run/standin"
REPETITIONS = 3
# What our collectors that are not declared take, in sos's words.
PLUGINS = {"journal": ["logs"], "host": ["process", "networking", "filesys", "memory", "kernel"], "units": ["systemd"]}


def chatter():
    """A journal to read: some 20,000 lines of MicroShift, over two runs."""
    os.makedirs(STANDIN, exist_ok=True)
    subprocess.run(["systemctl", "start", UNIT], check=True)
    with open(os.path.join(STANDIN, "now"), "w", encoding="ascii") as file:
        file.write("chatty 5000\n")
    subprocess.run(["systemctl", "kill", "--kill-whom=main", "--signal=USR1", UNIT], check=True)
    time.sleep(4)
    subprocess.run(["systemctl", "restart", UNIT], check=True)
    subprocess.run(["journalctl", "--sync"], check=True)
    out = subprocess.run(["journalctl", "-q", "--no-pager", "-o", "cat"], stdout=subprocess.PIPE, check=True)
    return out.stdout.count(b"\n")


def shared_plugins():
    plan = json.loads(subprocess.run([CAPTURE, "--dry-run", "--profile", "full", "--json"],
                                     stdout=subprocess.PIPE, check=True).stdout)
    listing = subprocess.run(["sos", "report", "--batch", "--list-plugins"], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, check=True).stdout.decode()
    known = set(re.findall(r"^ ([a-z0-9_]+) ", listing, re.M))
    ours = set()
    for c in plan["collectors"]:
        if c["applies"]:
            ours.update(PLUGINS.get(c["name"], [c["name"], c.get("plugin", c["name"])]))
    return sorted(ours & known)


def measure(command, directory, suffix):
    """Runs COMMAND, which writes an archive into DIRECTORY."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    archives = [n for n in os.listdir(directory) if n.endswith(suffix)]
    if not archives:
        raise RuntimeError(f"'{command[0]}' ended with {process.returncode} and wrote no archive")
    archive = os.path.join(directory, archives[0])
    return {"wall_msec": wall * 1000, "cpu_msec": (usage.ru_utime + usage.ru_stime) * 1000,
            "peak_kib": usage.ru_maxrss, "archive_bytes": os.path.getsize(archive), "archive": archive}


def unpack(archive, directory):
    """Regular files by their path in the report."""
    os.makedirs(directory)
    subprocess.run(["tar", "-xf", archive, "-C", directory, "--strip-components=1"], check=True,
                   stderr=subprocess.DEVNULL)
    found = {}
    for top, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(top, name)
            if os.path.isfile(path) and not os.path.islink(path):
                found[os.path.relpath(path, directory)] = os.path.getsize(path)
    return found


def pack(directory, paths, compressor):
    """Bytes of an archive of these files alone."""
    tar = subprocess.Popen(["tar", "-c", "-C", directory, "--null", "-T", "-"], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE)
    squeezed = subprocess.Popen(compressor, stdin=tar.stdout, stdout=subprocess.PIPE)
    tar.stdout.close()
    tar.stdin.write(b"\0".join(os.fsencode(p) for p in paths))
    tar.stdin.close()
    size = len(squeezed.stdout.read())
    if tar.wait() != 0 or squeezed.wait() != 0:
        raise RuntimeError("cannot pack the files again")
    return size


def main():
    if not shutil.which("sos"):
        print("SKIP sos is not installed (package sosreport or sos)")
        return
    lines = chatter()
    plugins = shared_plugins()
    runs = {"sos": [], "full": [], "crash": []}
    with tempfile.TemporaryDirectory(dir="/var/tmp") as work:
        for i in range(REPETITIONS):
            for name, rows in runs.items():
                directory = os.path.join(work, f"{name}{i}")
                os.mkdir(directory)
                if name == "sos":
                    command = ["sos", "report", "--batch", "--quiet", "--tmp-dir", directory,
                               "--only-plugins", ",".join(plugins)]
                    rows.append(measure(command, directory, ".tar.xz"))
                else:
                    command = [CAPTURE, "--output", directory, "--profile", name]
                    rows.append(measure(command, directory, ".tar.zst"))
        theirs = unpack(runs["sos"][-1]["archive"], os.path.join(work, "theirs"))
        ours = unpack(runs["full"][-1]["archive"], os.path.join(work, "ours"))
        both = sorted(set(theirs) & set(ours))
        packed = {"sos": pack(os.path.join(work, "theirs"), both, ["xz", "-6", "-c"]),
                  "ours": pack(os.path.join(work, "ours"), both, ["zstd", "-3", "-q", "-c"])}
    json.dump({"kind": "sos", "plugins": plugins, "lines": lines, "runs": runs,
               "files": {"sos": len(theirs), "ours": len(ours), "both": len(both)},
               "raw": {"sos": sum(theirs.values()), "ours": sum(ours.values()),
                       "both_sos": sum(theirs[p] for p in both), "both_ours": sum(ours[p] for p in both)},
               "packed": packed}, sys.stdout)
    print()


main()
