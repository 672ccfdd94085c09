#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The last good state against a recorded API: when the copy is made, when not, and what a report
makes of it, also of one that is not as we wrote it."""

import importlib.util
import io
import json
import os
import re
import socket
import subprocess
import sys
import tarfile
import time

TOP = os.environ.get("top_srcdir", ".")
spec = importlib.util.spec_from_file_location(
    "inspect_test", os.path.join(TOP, "tests/integration/test-kube-inspect.py"))
inspect_test = importlib.util.module_from_spec(spec)
spec.loader.exec_module(inspect_test)

COPY = "sos_commands/microshift-last-good"
PODS = "namespaces/openshift-dns/core/pods.yaml"


class Api(inspect_test.Api):
    """Has the metadata of all namespaces too, made of the lists of each. (The body has more than
    was asked for; a server may do that.)"""

    def answer(self, directory, path, headers):
        key = inspect_test.normal(path)
        match = re.fullmatch(r"(/api/v1|/apis/[^/]+/[^/]+)/([^/?]+)", key)
        if match and "PartialObjectMetadataList" in headers.get("Accept", ""):
            lists = [k for k in self.table
                     if re.fullmatch(re.escape(match[1]) + "/namespaces/[^/]+/" + match[2], k)]
            items = []
            for name in lists:
                status, kind, body = super().answer(directory, name, headers)
                items += json.loads(body).get("items") or [] if status == 200 else []
            if lists:
                body = json.dumps({"kind": "List", "apiVersion": "v1", "metadata": {},
                                   "items": items}).encode()
                return 200, "application/json", body
        return super().answer(directory, path, headers)


class World(inspect_test.World):
    def __init__(self, recording):
        super().__init__(recording)
        self.api.stop()
        self.api = Api(os.path.join(recording, "api"))
        # Clients that end a connection are no news.
        self.api.server.handle_error = lambda *arguments: None
        self.state = os.path.join(self.dir, "state")
        os.mkdir(self.state)
        self.archive = os.path.join(self.state, "last-good/cluster.tar.zst")

    def refresh(self, status=0, **more):
        command = self.command(**more)
        options = ["--kubeconfig", command[command.index("--kubeconfig") + 1],
                   "--config", command[command.index("--config") + 1]]
        self.api.asked.clear()
        p = subprocess.run([command[0], "--refresh-last-good", "--state-dir", self.state,
                            "--debug", *options], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=120)
        said = p.stdout.decode()
        assert p.returncode == status, said
        assert not os.path.exists(self.archive + ".part"), said
        return said

    def run(self, **more):
        return super().run("--state-dir", self.state, **more)

    def run_without_api(self, **more):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            return self.run(url="http://127.0.0.1:%d" % s.getsockname()[1], **more)

    def known(self):
        with open(os.path.join(self.state, "last-good/state.json")) as f:
            return json.load(f)

    def replace(self, members):
        """Puts an archive of ours in the place of the copy."""
        os.makedirs(os.path.dirname(self.archive), exist_ok=True)
        with tarfile.open(self.archive, "w:gz") as tar:
            for name, kind, data in members:
                info = tarfile.TarInfo(name)
                info.type = kind
                info.size = len(data) if kind == tarfile.REGTYPE else 0
                info.linkname = data.decode() if kind != tarfile.REGTYPE else ""
                tar.addfile(info, io.BytesIO(data) if kind == tarfile.REGTYPE else None)


def files_of(report):
    top = os.path.join(report.top, COPY)
    found = set()
    for where, _, names in os.walk(top):
        found.update(os.path.relpath(os.path.join(where, n), top) for n in names)
    return found


def read(report, path):
    with open(os.path.join(report.top, COPY, path), encoding="utf-8") as f:
        return f.read()


def notes(report):
    return "\n".join(report.collector().get("notes", []))


def edit(plural, **metadata):
    """Changes the metadata of the first object of a list."""
    def change(body):
        document = json.loads(body)
        assert document["items"], plural
        document["items"][0]["metadata"].update(metadata)
        return 200, json.dumps(document).encode()
    return change


def test_a_copy_is_made_and_has_no_logs(w):
    said = w.refresh()
    assert "is refreshed" in said, said
    assert not any("/log?" in path for path in w.api.asked)
    assert os.stat(os.path.dirname(w.archive)).st_mode & 0o777 == 0o700
    assert sorted(os.listdir(os.path.dirname(w.archive))) == ["cluster.tar.zst", "state.json"]
    state = w.known()
    assert state["archive_bytes"] == os.path.getsize(w.archive)
    assert abs(state["taken_usec"] / 1e6 - time.time()) < 3600
    listing = subprocess.run(["tar", "-tf", w.archive], stdout=subprocess.PIPE, check=True)
    names = listing.stdout.decode()
    assert "last-good/sos_commands/microshift/" + PODS in names
    assert ".log" not in names.replace("inspect_cluster_resources.log", "").replace(
        "inspect_namespaces.log", ""), names


def test_nothing_is_written_while_nothing_changes(w):
    w.refresh()
    before, first = os.stat(w.archive), w.known()
    said = w.refresh()
    after, second = os.stat(w.archive), w.known()
    assert "Nothing changed" in said, said
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert first["taken_usec"] == second["taken_usec"]
    assert first["checked_usec"] < second["checked_usec"]
    # One list for each type is what that costs.
    assert not any("/namespaces/" in path for path in w.api.asked), w.api.asked


def test_what_counts_as_a_change(w):
    w.refresh()
    changes = (("/api/v1/namespaces/openshift-dns/pods", {"resourceVersion": "999999"}),
               ("/api/v1/namespaces/openshift-dns/configmaps", {"uid": "another"}),
               ("/api/v1/nodes", {"name": "another"}))
    for path, metadata in changes:
        before = os.stat(w.archive).st_ino
        w.api.change[path] = edit(path, **metadata)
        said = w.refresh()
        assert "is refreshed" in said and os.stat(w.archive).st_ino != before, (path, said)


def test_what_does_not_count(w):
    w.refresh()
    before = os.stat(w.archive).st_ino
    for path in w.api.table:
        if path.endswith("/events"):
            w.api.change[path] = lambda body: (200, body.replace(b'"resourceVersion": "',
                                                                 b'"resourceVersion": "9'))
    w.api.change["/api/v1/nodes"] = edit("nodes", resourceVersion="999999")
    said = w.refresh()
    assert "Nothing changed" in said and os.stat(w.archive).st_ino == before, said


def test_a_report_without_an_api_has_it(w):
    w.refresh()
    r = w.run_without_api()
    golden = {p for p in w.golden_files() if not p.endswith(".log")}
    assert golden <= files_of(r), golden - files_of(r)
    assert "BEFORE" in read(r, "README") and "taken at 20" in read(r, "README")
    assert "cluster: " in read(r, "notes.txt")
    assert read(r, PODS).startswith("---\napiVersion: v1\n")
    assert inspect_test.PASSWORD not in read(r, "namespaces/openshift-dns/core/configmaps.yaml")
    assert "last good state of the cluster: taken at" in notes(r), notes(r)
    assert "last good state of the cluster: taken at" in r.summary()
    assert COPY + "/README" in r.summary()
    # The tree of now says nothing of then.
    assert not r.has(PODS)
    assert r.collector()["outcome"] == "partial"


def test_a_report_with_an_api_has_it_not(w):
    w.refresh()
    r = w.run()
    assert r.has(PODS) and not files_of(r)
    assert "last good" not in notes(r) + r.summary()


def test_without_its_state_the_file_tells_its_age(w):
    w.refresh()
    os.utime(w.archive, (1700000000, 1700000000))
    with open(os.path.join(w.state, "last-good/state.json"), "w") as f:
        f.write('{"version": 1, "taken_usec": "x"}')
    r = w.run_without_api()
    assert "taken at 2023-11-14T22:13:20" in read(r, "README"), read(r, "README")
    said = w.refresh()
    assert "is refreshed" in said, said


def test_an_api_that_is_not_well_is_not_copied(w):
    w.refresh()
    before = os.stat(w.archive).st_ino
    w.api.change["/api/v1/namespaces/openshift-dns/pods"] = edit("pods", resourceVersion="9")
    w.api.change["/readyz"] = lambda body: (500, b"[-]etcd failed")
    said = w.refresh()
    assert "kept as it is" in said and os.stat(w.archive).st_ino == before, said
    said = w.refresh(url="http://127.0.0.1:1")
    assert "kept as it is" in said and os.stat(w.archive).st_ino == before, said


def test_an_api_that_dies_meanwhile_costs_no_copy(w):
    def die(body):
        w.api.change["/readyz"] = lambda body: (500, b"[-]etcd failed")
        return 500, inspect_test.failure(500, "InternalError", "etcd is gone")

    w.refresh()
    before = os.stat(w.archive).st_ino
    w.api.change["/api/v1/nodes"] = edit("nodes", name="another")
    w.api.change["/api/v1/namespaces/openshift-dns/events"] = die
    said = w.refresh()
    assert "kept as it is" in said and os.stat(w.archive).st_ino == before, said
    # Something that fails while the API is well is a gap.
    del w.api.change["/readyz"]
    w.api.change["/api/v1/namespaces/openshift-dns/events"] = lambda body: (
        500, inspect_test.failure(500, "InternalError", "it is broken"))
    said = w.refresh()
    assert "with gaps: events in openshift-dns" in said, said


def test_a_large_cluster_is_cut_and_says_so(w):
    def many(body):
        document = json.loads(body)
        item = document["items"][0]
        document["items"] = []
        for n in range(2000):
            item["metadata"]["name"] = f"pod-{n}"
            # What does not compress.
            item["metadata"]["annotations"] = {"noise": os.urandom(100).hex()}
            document["items"].append(json.loads(json.dumps(item)))
        return 200, json.dumps(document).encode()

    w.api.change["/api/v1/namespaces/openshift-dns/pods"] = many
    said = w.refresh(config="LastGoodMaxBytes=64K\n")
    assert "with gaps" in said, said
    assert os.path.getsize(w.archive) < 80 * 1024
    r = w.run_without_api()
    assert "there was no room for" in read(r, "notes.txt"), read(r, "notes.txt")


def test_turned_off_nothing_is_asked_and_nothing_kept(w):
    w.refresh()
    r = w.run_without_api(config="LastGood=no\n")
    assert not files_of(r)
    w.refresh(config="LastGood=no\n")
    assert not w.api.asked and os.listdir(w.state) == []
    w.refresh(config="LastGood=no\n")


def test_a_full_disk_is_left_alone(w):
    said = w.refresh(config="[Spool]\nKeepFree=1000000G\n")
    assert "no room" in said and not w.api.asked, said
    assert not os.path.exists(w.archive)


def test_a_damaged_copy_costs_what_is_damaged(w):
    w.refresh()
    with open(w.archive, "rb") as f:
        whole = f.read()
    for name, data in (("cut", whole[:len(whole) // 2]), ("empty", b""), ("noise", os.urandom(4096)),
                       ("torn", whole[:1000] + bytes(1000) + whole[2000:])):
        with open(w.archive, "wb") as f:
            f.write(data)
        r = w.run_without_api()
        if name == "empty":
            # Nothing at all is an archive without members.
            assert not files_of(r)
            continue
        assert "last good state:" in notes(r) and "damaged" in notes(r), (name, notes(r))
        if name == "noise":
            assert not files_of(r)


def test_a_hostile_copy_stays_in_its_directory(w):
    tree, kind = "last-good/sos_commands/microshift/", tarfile
    w.replace([
        (tree + "../../../evil", kind.REGTYPE, b"evil"),
        (tree + "a/../../evil", kind.REGTYPE, b"evil"),
        ("/etc/evil", kind.REGTYPE, b"evil"),
        ("manifest.json", kind.REGTYPE, b"evil"),
        ("last-good/manifest.json", kind.REGTYPE, b"evil"),
        (tree + "link", kind.SYMTYPE, b"/etc/shadow"),
        (tree + "hard", kind.LNKTYPE, b"/etc/shadow"),
        (tree + "fifo", kind.FIFOTYPE, b""),
        (tree + "device", kind.CHRTYPE, b""),
        (tree + "namespaces/good.yaml", kind.REGTYPE, b"good: 1\n"),
        (tree + "namespaces/secret.yaml", kind.REGTYPE, b"password: hunter2hunter2\n")])
    r = w.run_without_api()
    assert files_of(r) == {"namespaces/good.yaml", "namespaces/secret.yaml", "README"}, files_of(r)
    assert "9 members do not belong there" in notes(r), notes(r)
    assert "hunter2" not in read(r, "namespaces/secret.yaml")
    for where, _, names in os.walk(r.top):
        assert "evil" not in names, where


def test_a_copy_that_unpacks_into_too_much_is_cut(w):
    tree = "last-good/sos_commands/microshift/"
    w.replace([(tree + f"namespaces/{n}.yaml", tarfile.REGTYPE, bytes(60 << 20))
               for n in range(4)])
    r = w.run_without_api()
    assert len(files_of(r)) == 3, files_of(r)
    assert "larger than any" in notes(r), notes(r)
    w.replace([(tree + f"namespaces/{n}.yaml", tarfile.REGTYPE, b"") for n in range(20001)])
    r = w.run_without_api()
    assert len(files_of(r)) == 20001 and "larger than any" in notes(r), notes(r)


if __name__ == "__main__":
    sys.exit(inspect_test.main(globals(), World))
