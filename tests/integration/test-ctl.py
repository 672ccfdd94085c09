#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""msupportctl against a scripted service: every verb, every exit status, and a service that is
slow, wrong, or dies in the middle of an answer."""

import fcntl
import hashlib
import io
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import tarfile
import tempfile
import termios
import threading
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fakedaemon import CLOSE, FD, Error, FakeDaemon, Raw  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.environ.get("top_srcdir", os.path.dirname(os.path.dirname(HERE)))
BUILD = os.path.abspath(os.environ.get("top_builddir", "."))
CTL = os.path.join(BUILD, "msupportctl")

ID = "20261123T142752Z-0007-e585a599"
ID2 = "20261123T152752Z-0008-a1b2c3d4"
NOW = int(time.time() * 1e6)
HOUR = 3600 * 10**6


def report(report_id=ID, **changes):
    r = {
        "id": report_id,
        "created_usec": NOW - 2 * HOUR,
        "committed_usec": NOW - 2 * HOUR + 2300000,
        "profile": "crash",
        "trigger": "unit-failed",
        "source": "watcher",
        "reason": "microshift.service failed",
        "key": "00112233445566aa",
        "occurrences": 3,
        "unit": "microshift.service",
        "invocation_id": "e585a59934ff4fa295c4aec47053fd1b",
        "result": "exit-code",
        "exit_code": "exited",
        "exit_status": 255,
        "status": "complete",
        "archive": report_id + ".tar.zst",
        "size_bytes": 1234567,
        "sha256": "ab" * 32,
        "collectors_ok": 12,
        "collectors_partial": 0,
        "collectors_skipped": 2,
        "collectors_failed": 1,
        "collectors_timed_out": 0,
        "redactions": 34,
    }
    r.update(changes)
    return r


def archive(entries, top="microshift-support-" + ID):
    """A .tar.xz with (name, content or TarInfo) below TOP."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:xz", format=tarfile.PAX_FORMAT) as tar:
        for name, content in entries:
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
                continue
            info = tarfile.TarInfo(f"{top}/{name}")
            info.size = len(content)
            info.mode = 0o6777
            info.mtime = 1700000000
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f"exit {self.code}\nstdout: {self.out}\nstderr: {self.err}"


class World:
    """A temporary directory, the service in it, and msupportctl."""

    def __init__(self, directory):
        self.dir = directory
        self.socket = os.path.join(directory, "socket")
        with open(os.path.join(TOP, "lib/io.microshift.Support.varlink")) as f:
            self.daemon = FakeDaemon(self.socket, f.read())

    def command(self, *args):
        return [CTL, *args, "--socket", self.socket]

    def run(self, *args, env=None, text=True, timeout=60):
        full = dict(os.environ, TZ="UTC", LC_ALL="C", **(env or {}))
        p = subprocess.run(
            self.command(*args), cwd=self.dir, env=full, timeout=timeout,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if text:
            return Result(p.returncode, p.stdout.decode(), p.stderr.decode())
        return Result(p.returncode, p.stdout, p.stderr.decode())

    def run_on_terminal(self, *args, columns=200, env=None):
        """Everything it prints to a terminal, and its exit status."""
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.pop("NO_COLOR", None)
            os.environ.update({"TZ": "UTC", "TERM": "xterm", **(env or {})})
            os.chdir(self.dir)
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            os.execv(CTL, self.command(*args))
        out = b""
        while True:
            try:
                data = os.read(fd, 65536)
            except OSError:
                break
            if not data:
                break
            out += data
        os.close(fd)
        return Result(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), out.decode(), "")

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def put(self, name, data):
        with open(self.path(name), "wb") as f:
            f.write(data)
        return self.path(name)

    def serve_archive(self, data, report_id=ID, **changes):
        """Show and Open for an archive of these bytes."""
        path = self.put("spool-" + report_id, data)
        shown = report(
            report_id, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest(),
            archive=report_id + ".tar.xz", **changes)

        def open_it(call):
            fd = os.open(path, os.O_RDONLY)
            return FD([fd], fd=0, id=report_id, name=report_id + ".tar.xz",
                      size_bytes=len(data))

        details = {"version": 1, "capture": {"raw_bytes": 9876543}}
        self.daemon.on(
            Show=lambda call: {"report": shown, "details": details}, Open=open_it)
        return shown


def is_in(text, *wanted):
    for w in wanted:
        assert w in text, f"{w!r} is not in:\n{text}"


def expect(result, code):
    assert result.code == code, f"wanted exit {code}: {result}"
    # A sanitizer that speaks up.
    assert "Sanitizer" not in result.err and "runtime error" not in result.err, result.err
    return result


# --- list -------------------------------------------------------------------------------------


def test_list_is_the_default_verb(w):
    w.daemon.on(List={"reports": [report(), report(ID2, unit="crio.service")], "total": 2})
    r = expect(w.run(), 0)
    lines = r.out.splitlines()
    assert lines[0].split() == [
        "ID", "TIME", "TRIGGER", "UNIT", "RESULT", "STATUS", "SIZE", "AGE", "KEY",
        "COUNT"], lines
    assert lines[1].split()[0] == ID and lines[2].split()[0] == ID2, "in the service's order"
    is_in(lines[1], "microshift.service", "exit-code", "complete", "1.2M", "2h", "3")
    assert expect(w.run("list"), 0).out == r.out
    assert r.err == ""


def test_list_sends_its_filters(w):
    w.daemon.on(List={"reports": [], "total": 0})
    expect(w.run("list", "--unit", "a.service", "--trigger=unit-exited", "--key", "ff",
                 "-S", "2026-11-23 14:00", "--until=@1795444072", "-n", "7"), 0)
    assert w.daemon.calls[0].parameters == {
        "unit": "a.service", "trigger": "unit-exited", "key": "ff",
        "since_usec": 1795442400000000, "until_usec": 1795444072000000, "limit": 7}
    expect(w.run("list", "-1"), 0)
    assert w.daemon.calls[1].parameters == {"limit": 1}


def test_list_goes_page_by_page(w):
    total = 2500

    def page(call):
        offset = call.parameters.get("offset", 0)
        n = min(call.parameters["limit"], total - offset)
        assert call.parameters["limit"] <= 1000
        ids = range(total - offset, total - offset - n, -1)
        return {"reports": [report(f"20261123T142752Z-{i:04}-e585a599") for i in ids],
                "total": total}

    w.daemon.on(List=page)
    ids = [r["id"] for r in json.loads(expect(w.run("list", "--json=short"), 0).out)]
    assert len(ids) == total and ids == sorted(ids, reverse=True)
    back = [r["id"] for r in json.loads(expect(w.run("list", "-r", "--json"), 0).out)]
    assert back == sorted(ids)
    r = expect(w.run("list", "-rn", "1200", "--no-legend"), 0)
    assert [line.split()[0] for line in r.out.splitlines()] == sorted(ids)[-1200:]
    r = expect(w.run("list", "-n5"), 0)
    assert len(r.out.splitlines()) == 6
    is_in(r.err, "5 of 2500 reports")


def test_list_of_nothing(w):
    w.daemon.on(List={"reports": [], "total": 0})
    r = expect(w.run("list"), 0)
    assert r.out == "" and "No reports." in r.err
    assert expect(w.run("list", "--json"), 0).out == "[]\n"
    assert expect(w.run("list", "--no-legend"), 0).err == ""


def test_json_modes(w):
    w.daemon.on(List={"reports": [report()], "total": 1})
    for mode in ("--json", "--json=short", "--json=pretty"):
        out = expect(w.run("list", mode), 0).out
        assert json.loads(out) == [report()]
        assert (len(out.splitlines()) == 1) == (mode != "--json=pretty"), out
    assert expect(w.run("list", "--json=off"), 0).out.startswith("ID ")
    expect(w.run("list", "--json=xml"), 2)


def test_a_report_of_another_version_is_shown_as_far_as_it_goes(w):
    w.daemon.on(List={"reports": [{"id": ID, "size_bytes": "large", "later": {}}], "total": 1})
    is_in(expect(w.run("list"), 0).out, ID)


def test_colours_only_on_a_terminal(w):
    w.daemon.on(List={"reports": [report(status="partial")], "total": 1})
    assert "\033" not in w.run("list").out
    is_in(w.run_on_terminal("list").out, "\033[31mexit-code\033[0m", "\033[33mpartial\033[0m")
    assert "\033" not in w.run_on_terminal("list", env={"NO_COLOR": "1"}).out
    assert "\033" not in w.run_on_terminal("list", env={"TERM": "dumb"}).out


def test_columns_give_way_on_a_narrow_terminal(w):
    w.daemon.on(List={"reports": [report()], "total": 1})
    wide = w.run_on_terminal("list", "--no-pager", columns=200).out
    is_in(wide, "TIME", "TRIGGER", "COUNT")
    narrow = w.run_on_terminal("list", columns=80).out
    assert "TIME" not in narrow and "TRIGGER" not in narrow, narrow
    is_in(narrow, ID, "microshift.service", "exit-code", "complete")
    for line in narrow.replace("\r", "").splitlines():
        assert len(re.sub(r"\033\[\d*m", "", line)) <= 80, line


def test_control_characters_do_not_reach_the_terminal(w):
    evil = "\033]0;owned\007\u009b2J\u202e\u00e4"
    w.daemon.on(
        List={"reports": [report(unit=evil)], "total": 1},
        Show={"report": report(reason=evil, id=evil), "details": {}},
        Status={"message": evil, "version": evil, "units": [{"unit": evil}]},
        Collect=Error("Internal", message=evil))
    for verb in (["list"], ["show", "latest"], ["status"], ["collect"]):
        r = w.run(*verb)
        for c in "\033\007\u009b\u202e":
            assert c not in r.out + r.err, (verb, r)
        is_in(r.out + r.err, "\u00e4")
    assert "\u009b" not in w.run_on_terminal("list", "--json").out
    assert json.loads(w.run("list", "--json").out)[0]["unit"] == evil


# --- show, delete, status, watch --------------------------------------------------------------


def test_show(w):
    w.serve_archive(archive([("manifest.json", b"{}")]))
    out = expect(w.run("show", "latest"), 0).out
    assert w.daemon.calls[0].parameters == {"id": "latest"}
    is_in(out, ID, "microshift.service ended: exit-code (exited, status 255)",
          "microshift.service failed", "2h ago", "ready 2.3s later", "unit-failed", "watcher",
          "00112233445566aa, seen 3 times", "12 ok, 1 failed, 2 skipped", "9.4M unpacked",
          "34 secrets removed", "msupportctl fetch " + ID)


def test_show_tells_what_the_manifest_says(w):
    manifest = subprocess.run(
        [os.path.join(BUILD, "tests/integration/make-manifest")], stdout=subprocess.PIPE,
        check=True).stdout
    w.serve_archive(archive([("a", b"1"), ("manifest.json", manifest)]), status="partial")
    out = expect(w.run("show", ID), 0).out
    is_in(out, "partial: the capture was killed", "failed kube: connection refused",
          "timed out lvm", "1 command timed out, 1 file cut at the limit")
    assert "skipped host" not in out
    shown = json.loads(expect(w.run("show", ID, "--json"), 0).out)
    assert shown["report"]["id"] == ID and shown["details"]["capture"]["raw_bytes"] == 9876543
    assert shown["manifest"] == json.loads(manifest)


def test_show_without_an_archive(w):
    w.daemon.on(Show={"report": report(), "details": {}}, Open=Error("Internal"))
    r = expect(w.run("show", ID), 0)
    is_in(r.out, ID)
    assert r.err == ""
    w.serve_archive(b"this is not an archive")
    is_in(expect(w.run("show", ID), 0).out, ID)


def test_show_several(w):
    def show(call):
        if call.parameters["id"] == "2099":
            return Error("NotFound", id="2099")
        return {"report": report(call.parameters["id"]), "details": {}}

    w.daemon.on(Show=show)
    r = expect(w.run("show", ID, "2099", ID2), 7)
    is_in(r.out, ID, ID2)
    is_in(r.err, "there is no report '2099'")
    assert "\n\n" + ID2 in r.out


def test_delete(w):
    w.daemon.on(Delete=lambda call: {"id": ID})
    assert expect(w.run("delete", "2026"), 0).out == f"Deleted {ID}.\n"
    assert json.loads(expect(w.run("delete", "2026", "--json"), 0).out) == {"id": ID}
    w.daemon.on(Delete=Error("org.varlink.service.PermissionDenied"))
    is_in(expect(w.run("delete", ID), 4).err, "only root")


def test_cancel(w):
    w.daemon.on(Cancel=lambda call: {"id": ID})
    assert expect(w.run("cancel", "2026"), 0).out == f"Cancelled {ID}.\n"
    w.daemon.on(Cancel=Error("Denied", message="only root may"))
    is_in(expect(w.run("cancel", ID), 4).err, "only root may")


KEYS = {"keys": [
    {"key": "99065b49d127b838", "count": 12, "first_usec": NOW - 3 * HOUR, "last_usec": NOW - HOUR,
     "reason": "microshift.service exited with status 1", "last_report": ID,
     "last_report_usec": NOW - 2 * HOUR, "pause_end_usec": NOW + 5 * HOUR + HOUR // 2},
    {"key": "1111111111111111", "count": 1, "first_usec": NOW - HOUR, "last_usec": NOW - HOUR}]}


def test_keys(w):
    w.daemon.on(Keys=KEYS)
    out = expect(w.run("keys"), 0).out.splitlines()
    assert out[0].split() == ["KEY", "COUNT", "FIRST", "LAST", "PAUSE", "LAST-REPORT", "REASON"]
    assert out[1].split()[:6] == ["99065b49d127b838", "12", "3h", "1h", "5h", ID], out[1]
    assert out[1].endswith("exited with status 1") and out[2].split()[:2] == ["1" * 16, "1"]
    assert json.loads(expect(w.run("keys", "--json"), 0).out) == KEYS["keys"]
    w.daemon.on(Keys={"keys": []})
    r = expect(w.run("keys"), 0)
    assert r.out == "" and "No problem was seen" in r.err
    assert json.loads(expect(w.run("keys", "--json"), 0).out) == []


def test_pin(w):
    w.daemon.on(Pin=lambda call: {"id": ID}, Unpin=lambda call: {"id": ID},
                List={"reports": [report(pinned=True)], "total": 1})
    assert expect(w.run("pin", "2026"), 0).out == f"Pinned {ID}.\n"
    assert expect(w.run("unpin", "2026"), 0).out == f"Unpinned {ID}.\n"
    is_in(expect(w.run("list"), 0).out, "complete, pinned")


STATUS = {
    "version": "0.1.0", "started_usec": NOW - 3 * HOUR, "message": "watching",
    "units": [{"unit": "microshift.service", "active_state": "active", "sub_state": "running",
               "since_usec": NOW - HOUR}],
    "captures": [
        {"id": ID2, "state": "running", "profile": "full", "trigger": "request",
         "created_usec": NOW,
         "progress": {"collector": "journal", "done": 3, "total": 12, "bytes": 1000}}],
    "reports": 7, "reports_max": 40, "reports_bytes": 43 << 20, "reports_bytes_max": 256 << 20,
    "free_bytes": 12 << 30, "keep_free_bytes": 512 << 20, "latest": report(), "suppressed": 14,
    "check": {"time_usec": NOW - 2 * HOUR, "problems": [
        {"finding": {"trigger": "liveness", "subject": "https://localhost:6443/readyz", "problem": "refused",
                     "message": "API: nothing listens"}, "since_usec": NOW - 3 * HOUR, "confirmed": False},
        {"finding": {"trigger": "pressure", "subject": "/var", "problem": "full", "message": "/var has 1M left"},
         "since_usec": NOW - HOUR, "confirmed": True}]}}


def test_status(w):
    w.daemon.on(Status=STATUS)
    out = expect(w.run("status"), 0).out
    is_in(out, "microshift-supportd 0.1.0, up 3h", "watching",
          "microshift.service active (running) for 1h", "7 of 40 reports, 43.0M of 256.0M",
          "12.0G free", ID2 + " running", "3 of 12 done, now journal", "running, request: ", ID,
          "14 repeated events", "Checked: 2h ago: something is wrong",
          "API: nothing listens (for 3h, not confirmed yet)", "/var has 1M left (for 1h)")
    assert json.loads(expect(w.run("status", "--json"), 0).out) == STATUS
    w.daemon.on(Status=dict(STATUS, check={"time_usec": NOW - 2 * HOUR, "problems": []}))
    is_in(expect(w.run("status"), 0).out, "Checked: 2h ago: all is well")
    w.daemon.on(Status=dict(STATUS, free_bytes=1))
    is_in(expect(w.run("status"), 0).out, "too little")


EVENTS = [
    {"event": "watching", "time_usec": NOW},
    {"event": "queued", "time_usec": NOW, "id": ID, "unit": "microshift.service"},
    {"event": "progress", "time_usec": NOW, "id": ID,
     "progress": {"collector": "journal", "done": 1, "total": 2, "bytes": 0}},
    {"event": "complete", "time_usec": NOW, "id": ID, "report": report()},
]


def test_watch(w):
    w.daemon.on(Watch=lambda call: iter([*EVENTS, CLOSE]))
    r = expect(w.run("watch"), 3)
    lines = r.out.splitlines()
    assert len(lines) == 4 and "watching" in lines[0], lines
    is_in(lines[1], "queued", ID, "microshift.service")
    is_in(lines[2], "1/2 journal")
    is_in(lines[3], "complete", "microshift.service ended: exit-code")
    is_in(r.err, "went away")
    assert w.daemon.calls[0].more
    out = w.run("watch", "--json").out
    assert [json.loads(line) for line in out.splitlines()] == EVENTS


def test_watch_prints_each_event_at_once(w):
    gate = threading.Event()

    def events(call):
        yield EVENTS[0]
        yield EVENTS[1]
        gate.wait(10)
        yield EVENTS[3]

    w.daemon.on(Watch=events)
    p = subprocess.Popen(w.command("watch"), stdout=subprocess.PIPE)
    is_in(p.stdout.readline().decode(), "watching")
    # The reader leaves: so does the writer, at the next event.
    p.stdout.close()
    gate.set()
    assert p.wait(10) in (1, -signal.SIGPIPE), p.returncode


# --- collect ----------------------------------------------------------------------------------


def progress(done, collector):
    return {"id": ID, "state": "running", "progress": {
        "collector": collector, "done": done, "total": 3, "bytes": 100000 * done}}


def steps(final):
    return lambda call: iter([
        {"id": ID, "state": "queued"}, progress(0, "journal"), progress(1, "units"), final])


DONE = {"id": ID, "state": "complete", "report": report()}


def test_collect(w):
    w.daemon.on(Collect=steps(DONE))
    r = expect(w.run("collect", "-p", "crash", "--reason", "a reason", "--only", "a,b"), 0)
    assert r.out == ID + "\n", "stdout is for programs"
    is_in(r.err, "queued", "0/3 journal", "1/3 units", "complete in", "12 ok, 1 failed")
    call = w.daemon.calls[0]
    assert call.more and call.parameters == {
        "profile": "crash", "reason": "a reason", "only": ["a", "b"]}
    r = expect(w.run("collect", "--json"), 0)
    assert json.loads(r.out) == DONE and r.err == ""
    expect(w.run("collect", "--clean"), 0)
    assert w.daemon.calls[-1].parameters == {"clean": True}
    expect(w.run("collect", "--namespaces", "shop-*,/^lab-[0-9]+$/", "--only-namespaces"), 0)
    assert w.daemon.calls[-1].parameters == {
        "namespaces": ["shop-*", "/^lab-[0-9]+$/"], "only_namespaces": True}
    is_in(expect(w.run("collect", "--namespaces", "/(/"), 2).err, "no regular expression")
    is_in(expect(w.run("collect", "--namespaces", ","), 2).err, "needs names")
    is_in(expect(w.run("collect", "--only-namespaces"), 2).err, "goes with --namespaces")


def test_collect_partial_and_failed(w):
    partial = report(status="partial")
    w.daemon.on(Collect=steps({"id": ID, "state": "partial", "report": partial}))
    assert expect(w.run("collect"), 6).out == ID + "\n"
    w.daemon.on(Collect=steps({"id": ID, "state": "failed", "message": "no space"}))
    r = expect(w.run("collect"), 1)
    is_in(r.err, "no report came of " + ID, "no space")
    assert r.out == ""


def test_collect_no_wait(w):
    w.daemon.on(Collect={"id": ID, "state": "queued"})
    r = expect(w.run("collect", "--no-wait"), 0)
    assert r.out == ID + "\n" and r.err == ""
    assert not w.daemon.calls[0].more


def slow(call):
    yield {"id": ID, "state": "queued"}
    yield progress(1, "journal")
    time.sleep(8)
    yield DONE


def test_collect_timeout(w):
    w.daemon.on(Collect=slow)
    start = time.monotonic()
    r = expect(w.run("collect", "--timeout", "1s"), 1)
    assert time.monotonic() - start < 6
    is_in(r.err, "is not ready yet", "goes on")


def test_collect_interrupted(w):
    w.daemon.on(Collect=slow)
    p = subprocess.Popen(w.command("collect"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    line = p.stderr.readline()
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=10)
    assert p.returncode == 130, p.returncode
    is_in((line + err).decode(), ID + " goes on;")


def test_collect_when_the_service_dies(w):
    w.daemon.on(Collect=lambda call: iter([
        {"id": ID, "state": "queued"}, progress(1, "journal"), CLOSE]))
    r = expect(w.run("collect"), 3)
    is_in(r.err, "went away", ID + " goes on")


def test_collect_on_a_terminal(w):
    def steps_with_a_pause(call):
        yield {"id": ID, "state": "queued"}
        yield progress(1, "journal")
        yield progress(2, "units")
        time.sleep(1.3)
        yield DONE

    w.daemon.on(Collect=steps_with_a_pause)
    r = w.run_on_terminal("collect")
    assert r.code == 0
    is_in(r.out, "\r\033[K", "1/3 journal", "  0:01", "complete", "msupportctl fetch -x " + ID)
    # What remains on the screen: two lines.
    screen = [line.split("\r\033[K")[-1] for line in r.out.replace("\r\n", "\n").split("\n")]
    screen.remove("")
    assert len(screen) == 2, screen


def test_collect_direct(w):
    # The program that is built here, in place of the installed one, is not there.
    r = w.run("collect", "--direct", "--no-wait")
    expect(r, 2)
    expect(w.run("collect", "-o", "x"), 2)


def test_without_the_daemon(w):
    """What the capture program does is tested with the installed one; here, what is refused."""
    is_in(expect(w.run("collect", "--dry-run", "--direct"), 2).err, "do not go with --dry-run")
    expect(w.run("collect", "--dry-run", "--no-wait"), 2)
    is_in(expect(w.run("collectors", "--check", "host"), 2).err, "takes no name")
    expect(w.run("collectors", "--check", "--json"), 2)
    expect(w.run("collectors", "a", "b"), 2)


# --- fetch ------------------------------------------------------------------------------------

NAME = f"microshift-support-{ID}.tar.xz"
TREE = f"microshift-support-{ID}"


def leftovers(w):
    return [n for n in os.listdir(w.dir) if n.startswith(".#")]


def test_fetch(w):
    data = archive([("manifest.json", b"{}"), ("noise", os.urandom(300000))])
    w.serve_archive(data)
    assert expect(w.run("fetch", "latest"), 0).out == NAME + "\n"
    with open(w.path(NAME), "rb") as f:
        assert f.read() == data
    assert os.stat(w.path(NAME)).st_mode & 0o777 == 0o600
    is_in(expect(w.run("fetch", ID), 1).err, "exists already", "--force")
    expect(w.run("fetch", ID, "--force"), 0)
    os.mkdir(w.path("dir"))
    for where, path in (("dir", "dir/" + NAME), ("dir/x.tar.xz", "dir/x.tar.xz"),
                        ("plain", "plain"), (w.path("abs"), w.path("abs"))):
        assert expect(w.run("fetch", ID, "-o", where), 0).out == path + "\n"
        with open(w.path(path), "rb") as f:
            assert f.read() == data
    expect(w.run("fetch", ID, "-o", "missing/x"), 1)
    expect(w.run("fetch", ID, "-o", "missing/"), 1)
    r = expect(w.run("fetch", ID, "-o", "json", "--json"), 0)
    assert json.loads(r.out) == {
        "id": ID, "path": "json", "size_bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest()}
    assert w.run("fetch", ID, "-o", "-", text=False).out == data
    assert leftovers(w) == []


def test_fetch_refuses_a_terminal(w):
    w.serve_archive(archive([("manifest.json", b"{}")]))
    r = w.run_on_terminal("fetch", ID, "-o", "-")
    assert r.code == 2
    is_in(r.out, "terminal")


def test_fetch_of_damaged_archives(w):
    data = archive([("manifest.json", b"{}")])
    shown = w.serve_archive(data)
    w.put("spool-" + ID, data[:-1] + b"x")
    r = expect(w.run("fetch", ID), 1)
    is_in(r.err, "is damaged", shown["sha256"])
    assert not os.path.exists(w.path(NAME)), "nothing under the name"
    r = w.run("fetch", ID, "-o", "-", text=False)
    assert r.code == 1 and r.out == b""
    w.put("spool-" + ID, data + b"more")
    is_in(expect(w.run("fetch", ID), 1).err, "and should have")
    assert leftovers(w) == []


def test_fetch_to_a_full_disk(w):
    if not os.path.exists("/dev/full"):
        return
    w.serve_archive(archive([("manifest.json", b"{}")]))
    with open("/dev/full", "wb") as full:
        p = subprocess.run(w.command("fetch", ID, "-o", "-"), stdout=full, stderr=subprocess.PIPE)
    assert p.returncode == 1 and b"cannot write" in p.stderr


def test_fetch_with_strange_answers(w):
    data = archive([("manifest.json", b"{}")])
    w.serve_archive(data)
    show = w.daemon.handlers["Show"]
    path = w.path("spool-" + ID)

    def opened(name=ID + ".tar.xz", **changes):
        def answer(call):
            parameters = dict(fd=0, id=ID, name=name, size_bytes=len(data))
            return FD([os.open(path, os.O_RDONLY)], **dict(parameters, **changes))
        return answer

    for name in ("../../etc/cron.d/x", "", ".bashrc", "a/b"):
        w.daemon.on(Show=show, Open=opened(name))
        expect(w.run("fetch", ID), 1)
    w.daemon.on(Show=show, Open=lambda call: {"fd": 0, "id": ID, "name": "x", "size_bytes": 1})
    expect(w.run("fetch", ID), 1)
    w.daemon.on(Show=show, Open=lambda call: FD(
        [os.open("/dev/zero", os.O_RDONLY)], fd=0, id=ID, name="x", size_bytes=0))
    is_in(expect(w.run("fetch", ID), 1).err, "no file")
    w.daemon.on(Show={"report": {"id": "../../x"}, "details": {}}, Open=opened())
    expect(w.run("fetch", ID), 1)
    assert leftovers(w) == [] and not os.path.exists(w.path("x"))


def test_extract(w):
    link = tarfile.TarInfo(f"{TREE}/etc/link")
    link.type, link.linkname = tarfile.SYMTYPE, "../sos_commands/a"
    w.serve_archive(archive([
        ("manifest.json", b"{}"), ("sos_commands/a", b"A"), ("etc/link", link),
        ("sos_commands/\u00fcml\u00e4ut", b"B")]))
    assert expect(w.run("fetch", "latest", "--extract"), 0).out == TREE + "\n"
    with open(w.path(TREE, "etc/link")) as f:
        assert f.read() == "A"
    st = os.stat(w.path(TREE, "sos_commands/a"))
    assert st.st_mode & 0o7777 == 0o600 and int(st.st_mtime) == 1700000000
    assert os.stat(w.path(TREE)).st_mode & 0o7777 == 0o700
    assert os.path.exists(w.path(TREE, "sos_commands/\u00fcml\u00e4ut")), "in the C locale too"
    is_in(expect(w.run("fetch", ID, "-x"), 1).err, "exists already")
    os.mkdir(w.path("there"))
    for args in (["--extract=there"], ["-x", "-o", "there"]):
        assert expect(w.run("fetch", ID, *args), 0).out == f"there/{TREE}\n"
        subprocess.run(["rm", "-r", w.path("there", TREE)], check=True)
    expect(w.run("fetch", ID, "-x", "-o", "-"), 2)
    expect(w.run("fetch", ID, "-x", "-o", "made/for/it"), 0)
    assert os.path.isdir(w.path("made/for/it")), "the directory is made"
    assert leftovers(w) == []


def test_extract_of_a_damaged_archive_keeps_what_can_be_read(w):
    data = archive([("first", b"1" * 100000), ("second", os.urandom(500000))])
    w.serve_archive(data[:len(data) // 2])
    r = expect(w.run("fetch", ID, "-x"), 1)
    is_in(r.err, "to its end")
    assert os.path.getsize(w.path(TREE, "first")) == 100000
    w.serve_archive(b"garbage")
    os.rename(w.path(TREE), w.path("kept"))
    expect(w.run("fetch", ID, "-x"), 1)
    assert not os.path.exists(w.path(TREE)) and leftovers(w) == []


GATHER = f"must-gather-{ID}"


def cluster_report():
    """A report with a tree, outputs of commands beside it, and things that readers refuse."""
    link = tarfile.TarInfo(f"{TREE}/sos_commands/microshift/namespaces/link")
    link.type, link.linkname = tarfile.SYMTYPE, "a"
    tree = "sos_commands/microshift/"
    return archive([
        ("manifest.json", b"{}"),
        (tree + "journalctl_--no-pager", b"journal"),
        (tree + "namespaces/a/a.yaml", b"kind: Namespace"),
        (tree + "namespaces/a/core/pods.yaml", b"items: []"),
        (tree + "namespaces/a/pods/p/c/c/logs/current.log", os.urandom(300000)),
        (tree + "cluster-scoped-resources/rbac.authorization.k8s.io/clusterroles/"
         "system:x y.yaml", b"kind: ClusterRole"),
        (tree + "cluster-scoped-resources/core/" + "n" * 180 + "/\u00fc.yaml", b"kind: X"),
        (tree + "timestamp", b"now"), (tree + "event-filter.html", b"<html>"),
        (tree + "namespaces-not/x", b"x"), ("namespaces/elsewhere", b"x"), ("link", link)])


def check_gather_archive(path):
    """The shape that omc takes; returns the names of the files."""
    files, directories = [], set()
    with tarfile.open(path) as tar:
        for info in tar:
            assert info.isdir() or info.isreg(), info
            assert info.name == GATHER or info.name.startswith(GATHER + "/"), info
            assert info.mtime == 1700000000 or info.mtime == 0, info
            parent = os.path.dirname(info.name)
            assert parent == "" or parent in directories, f"{info.name}: no entry for {parent}"
            assert info.name not in directories and info.name not in files, info
            if info.isdir():
                directories.add(info.name)
            else:
                files.append(info.name[len(GATHER) + 1:])
        assert not tar.pax_headers, "no global header"
    assert GATHER + "/namespaces" in directories
    return files


def test_must_gather(w):
    w.serve_archive(cluster_report())
    assert expect(w.run("fetch", ID, "--must-gather"), 0).out == GATHER + ".tar.gz\n"
    files = check_gather_archive(w.path(GATHER + ".tar.gz"))
    assert sorted(files) == sorted([
        "namespaces/a/a.yaml", "namespaces/a/core/pods.yaml",
        "namespaces/a/pods/p/c/c/logs/current.log",
        "cluster-scoped-resources/rbac.authorization.k8s.io/clusterroles/system:x y.yaml",
        "cluster-scoped-resources/core/" + "n" * 180 + "/\u00fc.yaml",
        "timestamp", "event-filter.html"]), files
    with open(w.path(GATHER + ".tar.gz"), "rb") as f:
        assert f.read(2) == b"\x1f\x8b"
    is_in(expect(w.run("fetch", ID, "--must-gather"), 1).err, "exists already")
    r = expect(w.run("fetch", ID, "--must-gather", "-o", "x.tar.xz", "--json"), 0)
    with open(w.path("x.tar.xz"), "rb") as f:
        data = f.read()
    assert data[:6] == b"\xfd7zXZ\x00" and check_gather_archive(w.path("x.tar.xz")) == files
    assert json.loads(r.out) == {"id": ID, "path": "x.tar.xz", "size_bytes": len(data),
                                 "sha256": hashlib.sha256(data).hexdigest()}
    data = w.run("fetch", ID, "--must-gather", "-o", "-", text=False).out
    w.put("stdout.tar.gz", data)
    assert check_gather_archive(w.path("stdout.tar.gz")) == files
    for name in ("x.tar.zst", "x.tar", "x.zip"):
        is_in(expect(w.run("fetch", ID, "--must-gather", "-o", name), 2).err, ".tar.gz")
    assert leftovers(w) == []


def test_must_gather_unpacked(w):
    w.serve_archive(cluster_report())
    assert expect(w.run("fetch", ID, "--must-gather", "-x"), 0).out == GATHER + "\n"
    assert sorted(os.listdir(w.path(GATHER))) == [
        "cluster-scoped-resources", "event-filter.html", "namespaces", "timestamp"]
    assert os.listdir(w.path(GATHER, "namespaces")) == ["a"], "no link"


def test_must_gather_of_a_report_without_one(w):
    w.serve_archive(archive([("manifest.json", b"{}"), ("namespaces/x", b"")]))
    is_in(expect(w.run("fetch", ID, "--must-gather"), 7).err, "no state of the cluster")
    expect(w.run("fetch", ID, "--must-gather", "-x"), 7)
    data = cluster_report()
    w.serve_archive(data[:len(data) // 2])
    is_in(expect(w.run("fetch", ID, "--must-gather"), 1).err, "damaged")
    assert leftovers(w) == [] and not os.path.exists(w.path(GATHER + ".tar.gz"))


def test_must_gather_of_the_last_good_state(w):
    tree, copy = "sos_commands/microshift/", "sos_commands/microshift-last-good/"
    w.serve_archive(archive([
        ("manifest.json", b"{}"), (tree + "timestamp", b"now"), (copy + "timestamp", b"then"),
        (copy + "README", b"before"), (copy + "namespaces/a/core/pods.yaml", b"items: []")]))
    name = GATHER.replace("must-gather-", "must-gather-last-good-")
    r = expect(w.run("fetch", ID, "--must-gather", "--last-good"), 0)
    assert r.out == name + ".tar.gz\n" and r.err == "", r
    with tarfile.open(w.path(name + ".tar.gz")) as tar:
        assert sorted(i.name for i in tar if i.isreg()) == [
            f"{name}/README", f"{name}/namespaces/a/core/pods.yaml", f"{name}/timestamp"]
        assert tar.extractfile(name + "/timestamp").read() == b"then"
    assert expect(w.run("fetch", ID, "--last-good", "-x"), 0).out == name + "\n"
    assert sorted(os.listdir(w.path(name))) == ["README", "namespaces", "timestamp"]
    # The other tree is what is asked for by default, and then there is a hint.
    is_in(expect(w.run("fetch", ID, "--must-gather"), 0).err, "--last-good")
    with tarfile.open(w.path(GATHER + ".tar.gz")) as tar:
        assert tar.extractfile(GATHER + "/timestamp").read() == b"now"
    w.serve_archive(cluster_report())
    is_in(expect(w.run("fetch", ID, "--last-good", "-o", "y.tar.gz"), 7).err, "no last good")
    is_in(expect(w.run("fetch", ID, "--last-good", "-x", "-o", "y"), 7).err, "no last good")


# --- what goes wrong --------------------------------------------------------------------------


def test_nobody_listens(w):
    for verb in (["list"], ["status"], ["show", ID], ["fetch", ID], ["delete", ID], ["watch"], ["keys"],
                 ["collect"], ["collect", "--no-wait"]):
        p = subprocess.run([CTL, *verb, "--socket", w.path("nothing")], stderr=subprocess.PIPE,
                           stdout=subprocess.PIPE)
        assert p.returncode == 3, (verb, p)
        is_in(p.stderr.decode(), "does not listen", "collect --direct",
              "systemctl status microshift-supportd.socket")
    os.close(os.open(w.path("file"), os.O_CREAT))
    p = subprocess.run([CTL, "--socket", w.path("file")], stderr=subprocess.PIPE)
    assert p.returncode == 3, p
    p = subprocess.run([CTL, "--socket", "x" * 200], stderr=subprocess.PIPE)
    assert p.returncode == 1, p


def test_the_socket_is_not_for_us(w):
    if os.geteuid() != 0:
        return
    os.chmod(w.dir, 0o755)
    os.chmod(w.socket, 0o600)
    p = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", CTL, "list",
         "--socket", w.socket], stderr=subprocess.PIPE,
        env={"ASAN_OPTIONS": "detect_leaks=0", "PATH": os.environ["PATH"]})
    if b"failed to execute" in p.stderr:
        return
    assert p.returncode == 4, p
    is_in(p.stderr.decode(), "usermod -aG microshift-support")


ERRORS = [
    (Error("NotFound", id="2026"), 7, "there is no report '2026'"),
    (Error("NotFound", id="latest"), 7, "no reports yet"),
    (Error("NotFound"), 7, "no such report"),
    (Error("Busy", message="too much to do", retry_usec=90 * 10**6), 5, "in 1min 30s"),
    (Error("Busy"), 5, "try again later"),
    (Error("RateLimited", retry_usec=10**6), 5, "in 1.0s"),
    (Error("Denied", message="not now"), 4, "not now"),
    (Error("org.varlink.service.PermissionDenied"), 4, "usermod -aG microshift-support"),
    (Error("Internal", message="disk full"), 1, "disk full"),
    (Error("Internal"), 1, "journalctl -u microshift-supportd"),
    (Error("org.varlink.service.MethodNotFound", method="X"), 1, "older version"),
    (Error("org.varlink.service.InvalidParameter", parameter="id"), 2, "'id'"),
    (Error("org.example.Other"), 1, "org.example.Other"),
    (Raw(b"no JSON\0"), 1, "cannot be read"),
    (Raw(b"{\"parameters\": []}\0"), 1, "cannot be read"),
    (Raw(b"\0"), 1, "cannot be read"),
    (CLOSE, 3, "went away"),
]


def test_errors_and_their_exit_status(w):
    for answer, code, text in ERRORS:
        w.daemon.on(Show=answer, Status=answer)
        is_in(expect(w.run("show", "2026"), code).err, text)
        expect(w.run("status"), code)
    w.daemon.on(Show=Error("Ambiguous", id="2026"))
    r = w.run("show", "2026")
    is_in(r.err, "more than one report ID begins with '2026'")
    assert r.code != 0


def test_what_cannot_be_an_id_is_refused_before_anybody_is_asked(w):
    for verb in ("show", "fetch", "delete", "pin", "unpin", "cancel"):
        for bad in ("foo", "../x", "2026/", ""):
            is_in(expect(w.run(verb, ID, bad), 2).err, "is no report ID")


def test_dying_in_the_middle_of_an_answer(w):
    def die(call):
        call.connection.sendall(b'{"parameters": {"reports": [{"id"')
        return CLOSE

    w.daemon.on(List=die)
    is_in(expect(w.run("list"), 3).err, "went away")


def test_usage(w):
    for args, text in (
            (["lsit"], "did you mean 'list'"), (["--sicne=1"], "did you mean '--since'"),
            (["collect", "--profile", "crahs"], "did you mean 'crash'"),
            (["xyzzy"], "no verb 'xyzzy'"),
            (["list", "-n", "0"], "number"), (["list", "-n", "x"], "number"),
            (["list", "-q"], "'-q'"), (["list", "--since", "whenever"], "no time"),
            (["list", "--trigger", "x"], "neighbour-failed, crash-loop"), (["list", "a"], "no arguments"),
            (["show"], "needs ID"), (["notify-failure", "a.service", "b"], "one UNIT"),
            (["list", "--no-legend=1"], "takes no value"), (["show", "-n", "1", ID], "'-n'"),
            (["collect", "--timeout", "soon"], "time span"),
            (["collect", "--reason", "two\nlines"], "one line"),
            (["collect", "--reason", "x" * 300], "255 bytes")):
        is_in(expect(w.run(*args), 2).err, text, "--help'")
    for args in (["collect", "--profile"], ["list", "-n"]):
        p = subprocess.run([CTL, *args], stderr=subprocess.PIPE)
        assert p.returncode == 2 and b"needs a value" in p.stderr, p
    is_in(expect(w.run("--version"), 0).out, "msupportctl ")


def test_output_that_cannot_be_written(w):
    if not os.path.exists("/dev/full"):
        return
    w.daemon.on(List={"reports": [report()], "total": 1})
    with open("/dev/full", "wb") as full:
        p = subprocess.run(w.command("list"), stdout=full, stderr=subprocess.PIPE)
    assert p.returncode == 1 and b"cannot write" in p.stderr, p


# --- the hook ---------------------------------------------------------------------------------

MONITOR = {
    "MONITOR_SERVICE_RESULT": "exit-code", "MONITOR_EXIT_CODE": "exited",
    "MONITOR_EXIT_STATUS": "255", "MONITOR_UNIT": "microshift.service",
    "MONITOR_INVOCATION_ID": "e585a59934ff4fa295c4aec47053fd1b"}


def inbox(w):
    try:
        return sorted(os.listdir(w.path("state/inbox")))
    except FileNotFoundError:
        return []


def test_hook_tells_the_daemon(w):
    w.daemon.on(Failed={})
    expect(w.run("notify-failure", "microshift.service", "--state-dir", w.path("state"),
                 env=MONITOR), 0)
    p = w.daemon.calls[0].parameters
    assert (p["unit"], p["result"], p["exit_code"], p["exit_status"], p["invocation_id"]) == (
        "microshift.service", "exit-code", "exited", "255", MONITOR["MONITOR_INVOCATION_ID"])
    assert abs(p["realtime_usec"] / 1e6 - time.time()) < 60 and p["boottime_usec"] > 0
    with open("/proc/sys/kernel/random/boot_id") as f:
        assert p["boot_id"] == f.read().strip().replace("-", "")
    assert inbox(w) == []


def test_hook_leaves_a_note(w):
    def hang(call):
        time.sleep(5)
        return {}

    state = w.path("state")
    name = MONITOR["MONITOR_INVOCATION_ID"] + ".json"
    for handler in (Error("Internal"), CLOSE, Raw(b"x\0"), hang):
        w.daemon.on(Failed=handler)
        start = time.monotonic()
        expect(w.run("notify-failure", "microshift.service", "--state-dir", state,
                     env=MONITOR), 0)
        assert time.monotonic() - start < 3.5
        assert inbox(w) == [name], inbox(w)
        with open(w.path("state/inbox", name)) as f:
            note = json.load(f)
        assert note["version"] == 1 and note["unit"] == "microshift.service"
        assert note["exit_status"] == "255"
        os.unlink(w.path("state/inbox", name))
    w.daemon.close()
    expect(w.run("notify-failure", "a.service", "--state-dir", state), 0)
    expect(w.run("notify-failure", "a.service", "--state-dir", state), 0)
    assert len(inbox(w)) == 2, "without an invocation ID each note has its own name"
    assert os.stat(w.path("state/inbox")).st_mode & 0o777 == 0o700


def test_hook_never_fails(w):
    w.daemon.close()
    expect(w.run("notify-failure", "a.service", "--state-dir", "/proc/nowhere"), 0)
    expect(w.run("notify-failure", "not a unit", "--state-dir", w.path("state")), 0)
    r = expect(w.run("notify-failure", "a.service", "--state-dir", w.path("state"), env={
        "MONITOR_INVOCATION_ID": "../../../x", "MONITOR_EXIT_STATUS": "\033[2J",
        "MONITOR_SERVICE_RESULT": "x" * 1000, "MONITOR_EXIT_CODE": "killed"}), 0)
    assert len(inbox(w)) == 1
    with open(w.path("state/inbox", inbox(w)[0])) as f:
        note = json.load(f)
    assert note["exit_code"] == "killed" and "result" not in note, note
    is_in(r.err, "$MONITOR_INVOCATION_ID", "ignoring")


# --- help, manual page, completion ------------------------------------------------------------


def options_in_help(w, *verb):
    return set(re.findall(r"^  (?:-\w, |-\w|    )?.*?--([a-z-]+)", w.run(*verb, "--help").out,
                          re.M))


VERBS = ["list", "collect", "show", "fetch", "clean", "verify", "delete", "pin", "unpin", "cancel", "keys",
         "collectors", "status", "watch", "notify-failure"]


def test_help_manual_and_completion_agree(w):
    with open(os.path.join(TOP, "man/msupportctl.1.in")) as f:
        page = f.read()
    with open(os.path.join(TOP, "ctl/completion/msupportctl.bash")) as f:
        completion = f.read()
    overview = expect(w.run("--help"), 0).out
    for verb in VERBS:
        options = options_in_help(w, verb)
        assert {"json", "help", "socket"} <= options, options
        for option in options:
            assert re.search(rf"Fl \S*-{option}\b", page), f"man page: --{option}"
            if verb != "notify-failure":
                assert "--" + option in completion, f"completion: --{option}"
        assert f"\n.It Cm {verb}" in page, f"man page: {verb}"
        assert f"  {verb}" in overview, verb
    for option in set(re.findall(r"Fl -([a-z-]+)", page)):
        assert any(option in options_in_help(w, v) for v in VERBS), f"only in the page: {option}"


def complete(w, *words):
    script = f"""
        source {TOP}/ctl/completion/msupportctl.bash
        msupportctl() {{ {CTL} "$@" --socket {w.socket}; }}
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _msupportctl
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    p = subprocess.run(["bash", "-c", script, "bash", "msupportctl", *words],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert p.stderr == b"", p.stderr.decode()
    return p.stdout.decode().split()


def test_completion(w):
    w.daemon.on(List={"reports": [report(), report(ID2)], "total": 2})
    assert complete(w, "") == VERBS[:-1]
    assert complete(w, "co") == ["collect", "collectors"]
    assert complete(w, "show", "2026") == [ID, ID2]
    assert complete(w, "fetch", "--ex") == ["--extract"]
    assert complete(w, "collect", "--profile", "c") == ["crash", "cert"]
    assert complete(w, "list", "--trigger", "unit-e") == ["unit-exited"]
    assert complete(w, "status", "--json=", "sh") == []
    assert "latest" in complete(w, "show", "l")


def main():
    tests = [(n, f) for n, f in globals().items() if n.startswith("test_")]
    wanted = sys.argv[1:]
    failed = 0
    count = 0
    for name, function in tests:
        if wanted and name not in wanted:
            continue
        count += 1
        with tempfile.TemporaryDirectory(prefix="microshift-support-test.", dir="/var/tmp") as d:
            world = World(d)
            try:
                function(world)
                assert not world.daemon.mistakes, world.daemon.mistakes
                print(f"ok {count} - {name}", flush=True)
            except Exception:
                failed += 1
                print(f"not ok {count} - {name}")
                for line in traceback.format_exc().splitlines():
                    print(f"# {line}")
                sys.stdout.flush()
    print(f"1..{count}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
