#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole inspection against a recorded API: the tree in the report against the one that
`oc adm inspect` wrote from the same answers, and what becomes of it when answers are missing."""

import html
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import traceback
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOP = os.environ.get("top_srcdir", ".")
BUILD = os.environ.get("top_builddir", ".")
CAPTURE = os.path.join(BUILD, "microshift-support-capture")
RECORDING = os.path.join(TOP, "tests/data/kube/microshift-small.tar.xz")
IGNORED = ("limit", "timeout", "resourceVersion", "tailLines", "fieldSelector", "limitBytes")

# What the golden tree was made of, and is no secret of ours.
PASSWORD = "hunter2"


def normal(path):
    path, _, query = path.partition("?")
    pairs = sorted((k, v) for k, v in urllib.parse.parse_qsl(query) if k not in IGNORED)
    return urllib.parse.unquote(path) + ("?" + urllib.parse.urlencode(pairs) if pairs else "")


class Api:
    """Serves the recording. `change` maps a path to a function that gets the recorded body and
    returns (status, body), or raises Hang."""

    def __init__(self, directory):
        self.table = {}
        self.change = {}
        self.asked = []
        self.over = threading.Event()
        with open(os.path.join(directory, "index.jsonl")) as f:
            for line in f:
                entry = json.loads(line)
                self.table.setdefault(normal(entry["path"]), []).append(entry)
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def log_message(self, *arguments):
                pass

            def do_GET(self):
                api.asked.append(self.path)
                status, kind, body = api.answer(directory, self.path, self.headers)
                if status == 0:
                    api.over.wait(30)
                    return
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]

    def answer(self, directory, path, headers):
        key = normal(path)
        entries = self.table.get(key)
        accept = headers.get("Accept", "")
        if not entries:
            found = 404, "application/json", failure(404, "NotFound", "it is not recorded")
        else:
            entry = next((e for e in entries if "apidiscovery" in e["accept"]
                          and "apidiscovery" in accept), None)
            entry = entry or next((e for e in entries if "apidiscovery" not in e["accept"]),
                                  entries[0])
            with open(os.path.join(directory, "bodies", entry["file"]), "rb") as f:
                found = entry["status"], entry["type"] or "application/json", f.read()
        change = self.change.get(key)
        if change:
            status, body = change(found[2])
            found = status, "application/json" if status != 200 else found[1], body
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(path).query)
        selector = query.get("fieldSelector", [None])[0]
        if selector and found[0] == 200:
            found = found[0], found[1], select(found[2], selector)
        return found

    def stop(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


def failure(code, reason, message):
    return json.dumps({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                       "message": message, "reason": reason, "code": code}).encode()


def select(body, selector):
    """What a field selector of namespaces or names leaves of a list."""
    items = json.loads(body)
    for term in selector.split(","):
        key, unequal, value = re.fullmatch(r"([\w.]+?)(!?)=(.*)", term).groups()
        field = key.split(".")[-1]
        items["items"] = [i for i in items["items"]
                          if (i["metadata"].get(field) != value) == bool(unequal)]
    return json.dumps(items).encode()


class Report:
    def __init__(self, directory, archive):
        with tarfile.open(archive) as tar:
            tar.extractall(directory)
        self.top = os.path.join(directory, next(n for n in os.listdir(directory)
                                                if n.startswith("microshift-support-")
                                                and "tar" not in n))
        self.tree = os.path.join(self.top, "sos_commands/microshift")
        with open(os.path.join(self.top, "manifest.json")) as f:
            self.manifest = json.load(f)

    def read(self, path):
        with open(os.path.join(self.tree, path), encoding="utf-8") as f:
            return f.read()

    def has(self, path):
        return os.path.exists(os.path.join(self.tree, path))

    def files(self):
        found = set()
        for where, _, names in os.walk(self.tree):
            found.update(os.path.relpath(os.path.join(where, n), self.tree) for n in names)
        return found

    def collector(self):
        return self.manifest["components"]["report"]["plugins"]["kube"]

    def error(self):
        return self.collector()["fault"]

    def summary(self):
        with open(os.path.join(self.top, "summary.txt")) as f:
            return f.read()


class World:
    def __init__(self, recording):
        self.dir = tempfile.mkdtemp(prefix="kube-inspect.")
        self.recording = recording
        self.api = Api(os.path.join(recording, "api"))
        self.runs = 0

    def golden(self, path):
        with open(os.path.join(self.recording, "golden", path), encoding="utf-8") as f:
            return f.read()

    def golden_files(self):
        top = os.path.join(self.recording, "golden")
        found = set()
        for where, _, names in os.walk(top):
            found.update(os.path.relpath(os.path.join(where, n), top) for n in names)
        return found

    def command(self, *arguments, url=None, config=""):
        self.runs += 1
        self.out = os.path.join(self.dir, str(self.runs))
        os.mkdir(self.out)
        kubeconfig = os.path.join(self.dir, "kubeconfig")
        with open(kubeconfig, "w") as f:
            json.dump({
                "apiVersion": "v1", "kind": "Config", "current-context": "x",
                "clusters": [{"name": "c", "cluster": {"server": url or self.api.url}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "users": [{"name": "u", "user": {"token": "not-a-real-one"}}]}, f)
        with open(os.path.join(self.dir, "conf"), "w") as f:
            f.write("[Kube]\n" + config)
        return [CAPTURE, "--output", self.out, "--only", "kube", "--compression", "gzip",
                "--kubeconfig", kubeconfig, "--config", os.path.join(self.dir, "conf"),
                *arguments]

    def run(self, *arguments, **more):
        p = subprocess.run(self.command(*arguments, **more), stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, timeout=120)
        assert p.returncode in (0, 6), p.stderr.decode()
        return self.report(p.stdout.decode())

    def report(self, printed):
        return Report(self.out, printed.strip().splitlines()[-1])

    def done(self):
        self.api.stop()
        shutil.rmtree(self.dir)


# --- the same tree ----------------------------------------------------------------------------

# Files that are not those of oc, by name; README.md in capture/kube says why.
OWN = ("inspect_cluster_resources.log", "inspect_namespaces.log")
OTHER_TEXT = ("event-filter.html", "timestamp")


def without_marker(text):
    """oc leaves the document marker out of the first file it writes."""
    return text[4:] if text.startswith("---\n") else text


def is_redacted_only(ours, theirs):
    """The same, but for what is redacted: each line that differs is beside a marker, holds a
    certificate, a password of the recording, or continues a text that was wrapped again."""
    assert PASSWORD not in ours and "s3cr3t" not in ours
    for line in (ours + theirs).splitlines():
        if "BEGIN PRIVATE" in line:
            return False
    return any(w in ours for w in ("REDACTED", "W1JFREFDVEVE", 'last-applied-configuration: ""'))


def check_file(w, report, path):
    ours, theirs = report.read(path), w.golden(path)
    if path.endswith(".log"):
        if PASSWORD in theirs:
            theirs = theirs.replace(PASSWORD, "[REDACTED:password]")
        assert ours == theirs, f"{path}: differs"
        return "same"
    if not path.startswith("aggregated-discovery"):
        assert ours.startswith("---\n"), f"{path}: no document marker"
    if without_marker(ours) == without_marker(theirs):
        return "same"
    if without_marker(ours) == without_marker(theirs).replace("items: null\n", "items: []\n"):
        return "empty"
    if is_redacted_only(ours, theirs):
        return "redacted"
    raise AssertionError(f"{path} differs:\n" + ours[:2000])


def test_golden(w):
    r = w.run()
    ours, theirs = r.files(), w.golden_files()
    # Of containers whose kubelet could not be asked oc keeps empty files of a second try.
    missing = {p for p in theirs - ours if not p.endswith(".insecure.log")}
    assert not missing, sorted(missing)
    for path in {p for p in theirs - ours}:
        assert w.golden(path) == "", f"{path} had text"
    extra = {p for p in ours - theirs if p not in OWN}
    assert all(p.endswith("route.openshift.io/routes.yaml") for p in extra), sorted(extra)
    kinds = {}
    for path in sorted(ours & theirs):
        if path not in OTHER_TEXT:
            kinds.setdefault(check_file(w, r, path), []).append(path)
    assert len(kinds["same"]) > 400, {k: len(v) for k, v in kinds.items()}
    for path in kinds["empty"]:
        assert path.endswith(("core/secrets.yaml", "horizontalpodautoscalers.yaml")), path
    for path in kinds.get("redacted", []):
        assert re.search(r"configmaps|secrets|openshift-lab/|webhookconf|apiservices", path), path
    assert r.collector()["outcome"] == "ok", r.collector()
    assert len(r.read("timestamp").splitlines()) == 2
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", r.read("timestamp"))
    for name in OWN:
        assert "GET " in r.read(name) and "MISSING" not in r.read(name)
    assert "egressqoses is not served here" in r.read("inspect_namespaces.log")
    assert "10 namespaces, 6 pods" in r.summary(), r.summary()


def test_events_page(w):
    page = w.run().read("event-filter.html")
    rows = page.count("<tr><td>")
    assert rows == w.golden("event-filter.html").count("<tr>\n      <td>"), rows
    assert not re.search(r"\b(src|href)=|@import|url\(", page), "needs nothing from the network"


def test_nothing_in_an_event_becomes_html(w):
    def change(body):
        events = json.loads(body)
        for e in events["items"]:
            e["reason"] = "<script>alert(1)</script>"
            e["message"] = "\"><img src=x onerror='alert(2)'>"
            e["involvedObject"]["name"] = "</td><b>"
        return 200, json.dumps(events).encode()
    w.api.change["/api/v1/namespaces/openshift-lab/events"] = change
    page = w.run().read("event-filter.html")
    assert "<script>alert" not in page and "<img" not in page and "</td><b>" not in page
    assert html.escape("<script>alert(1)</script>") in page


# --- what is missing is missing alone ------------------------------------------------------------


def test_a_list_that_fails_costs_itself_only(w):
    whole = w.run().files()
    lost = {
        "/api/v1/namespaces/openshift-dns/pods": (403, "namespaces/openshift-dns/core/pods.yaml"),
        "/api/v1/namespaces/kube-system/secrets": (
            403, "namespaces/kube-system/core/secrets.yaml"),
        "/apis/apps/v1/namespaces/kube-public/daemonsets": (
            404, "namespaces/kube-public/apps/daemonsets.yaml"),
    }
    for path, (status, _) in lost.items():
        w.api.change[path] = lambda body, s=status: (s, failure(s, "X", "not for you"))
    w.api.change["/api/v1/nodes"] = lambda body: (200, body[:len(body) // 2])
    w.api.change["/api/v1/namespaces/kube-public/configmaps"] = lambda body: (200, b"<html>")
    r = w.run()
    gone = whole - r.files()
    expected = {path for _, path in lost.values()}
    expected.add("namespaces/kube-public/core/configmaps.yaml")
    for path in sorted(gone - expected):
        assert path.startswith(("namespaces/openshift-dns/pods/",
                                "cluster-scoped-resources/core/nodes/")), path
    assert expected <= gone, sorted(expected - gone)
    assert not r.files() - whole
    log = r.read("inspect_namespaces.log")
    assert "GET pods in openshift-dns: MISSING http-403" in log and "not for you" in log, log
    assert "GET daemonsets in kube-public: none http-404" in log, "a type that went is no error"
    assert r.collector()["outcome"] == "partial"
    assert any("pods in openshift-dns is missing" in n for n in r.collector()["notes"])
    for path in r.files():
        if path.endswith(".yaml"):
            assert r.read(path).endswith("\n") and len(r.read(path)) > 10, f"{path} is not whole"


def test_an_api_that_is_down(w):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        start = time.monotonic()
        r = w.run(url="http://127.0.0.1:%d" % s.getsockname()[1])
    assert time.monotonic() - start < 10
    assert os.path.isdir(os.path.join(r.tree, "namespaces"))
    assert {"timestamp", "event-filter.html", *OWN} <= r.files()
    assert "refused" in r.read("inspect_cluster_resources.log")
    assert "refused" in r.error(), r.collector()
    assert "refused" in r.summary()


def test_an_api_that_hangs_costs_two_seconds(w):
    w.api.change["/readyz"] = lambda body: (0, b"")
    w.api.change["/version"] = lambda body: (0, b"")
    r = w.run()
    assert os.path.isdir(os.path.join(r.tree, "namespaces"))
    assert "timeout" in r.error(), r.collector()
    seconds = r.collector()["duration_usec"] / 1e6
    assert 1.5 < seconds < 3.5, seconds


def test_an_api_that_does_not_know_us(w):
    for path in ("/readyz", "/version"):
        w.api.change[path] = lambda body: (401, failure(401, "Unauthorized", "Unauthorized"))
    r = w.run()
    assert "http-401" in r.error(), r.collector()


def test_stopped_while_a_list_hangs(w):
    w.api.change["/api/v1/namespaces/kube-public/configmaps"] = lambda body: (0, b"")
    p = subprocess.Popen(w.command(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if any("/routes" in a and "service-ca" in a for a in w.api.asked):
            break
        time.sleep(0.05)
    time.sleep(0.5)
    p.send_signal(signal.SIGTERM)
    out, _ = p.communicate(timeout=30)
    assert p.returncode == 6, p.returncode
    r = w.report(out.decode())
    assert not r.has("namespaces/kube-public/core/configmaps.yaml")
    assert r.has("namespaces/openshift-service-ca/core/pods.yaml")
    assert r.has("timestamp") and r.has("event-filter.html")
    assert "GET configmaps in kube-public: MISSING stopped" in r.read("inspect_namespaces.log")


# --- names ------------------------------------------------------------------------------------


def test_names(w):
    roles = ["system:x y", "../../../../../etc/x", "a/b", "..", "n" * 300, "\u00fcml\u00e4ut"]

    def change(body):
        found = json.loads(body)
        found["items"] = [dict(found["items"][0], metadata={"name": n}) for n in roles]
        return 200, json.dumps(found).encode()
    w.api.change["/apis/rbac.authorization.k8s.io/v1/clusterroles"] = change
    r = w.run()
    where = "cluster-scoped-resources/rbac.authorization.k8s.io/clusterroles/"
    names = sorted(os.listdir(os.path.join(r.tree, where)))
    assert "system:x y.yaml" in names and "\u00fcml\u00e4ut.yaml" in names, names
    assert len(names) == 3, names
    long = next(n for n in names if n.startswith("nnn"))
    assert len(long) < 256
    assert sum("clusterroles is left out" in n for n in r.collector()["notes"]) == 3
    assert long in r.read("inspect_cluster_resources.log"), "where the long name went is said"


# --- which namespaces -------------------------------------------------------------------------


def namespaces(r):
    return {n for n in os.listdir(os.path.join(r.tree, "namespaces"))}


def test_namespaces(w):
    usual = namespaces(w.run())
    assert "default" not in usual and len(usual) == 10, usual
    assert namespaces(w.run(config="Namespaces=openshift-dns\n")) >= {"openshift-dns"}
    only = namespaces(w.run(config="Namespaces=openshift-dns\nFailingPods=no\n"))
    assert only == {"openshift-dns"}, only
    more = w.run("--namespaces", "/^def/", config="Namespaces=kube-public\nFailingPods=no\n")
    assert namespaces(more) == {"default", "kube-public"}
    assert more.has("namespaces/default/default.yaml")
    these = w.run("--namespaces", "default,kube-p*", "--only-namespaces")
    assert namespaces(these) == {"default", "kube-public"}, namespaces(these)


def test_a_namespace_with_a_failing_pod(w):
    r = w.run(config="Namespaces=kube-public\n")
    # Those of the recording wait for images, or are crash looping.
    assert {"openshift-lab", "openshift-dns"} <= namespaces(r), namespaces(r)
    assert "kube-node-lease" not in namespaces(r)
    assert r.read("namespaces/openshift-lab/openshift-lab.yaml").startswith("---\napiVersion: v1")
    assert "namespace openshift-lab is taken for its pod" in r.read("inspect_namespaces.log")


def test_namespaces_of_webhooks_are_not_followed(w):
    def change(body):
        found = json.loads(body)
        found["items"] = [{"metadata": {"name": "hook"}, "webhooks": [
            {"clientConfig": {"service": {"namespace": "default", "name": "x"}}}]}]
        return 200, json.dumps(found).encode()
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    w.api.change[path] = change
    r = w.run(config="FailingPods=no\n")
    assert "default" not in namespaces(r)
    assert any("namespace default" in n and "webhook" in n for n in r.collector()["notes"])


# --- logs -------------------------------------------------------------------------------------

LOG = "namespaces/openshift-lab/pods/chatty-74795c6d56-v2xmk/main/main/logs/"


def test_logs_keep_their_end(w):
    r = w.run(config="MaxLogBytes=16K\n")
    text = r.read(LOG + "current.log")
    golden = w.golden(LOG + "current.log").replace(PASSWORD, "[REDACTED:password]")
    assert text.startswith("[microshift-support: "), text[:100]
    assert golden.endswith(text.split("\n", 1)[1]) and len(text) < 6000, len(text)
    assert any("tailLines=10000" in a for a in w.api.asked)


def test_no_logs(w):
    r = w.run(config="MaxLogBytes=0\n")
    assert not any("/log?" in a for a in w.api.asked), w.api.asked
    assert r.read(LOG + "current.log") == "", "readers see by it that there is a container"
    assert "no logs are taken: MaxLogBytes=0" in r.read("inspect_namespaces.log")
    assert r.collector()["outcome"] == "ok", r.collector()


def test_logs_are_asked_for_where_there_are_some(w):
    w.run()
    asked = [a for a in w.api.asked if "/log?" in a]
    assert not any("openshift-dns" in a for a in asked), "its containers wait"
    assert len(asked) == 8, asked


def test_a_kubelet_that_is_not_trusted(w):
    message = ("Get \"https://node:10250/containerLogs\": tls: failed to verify certificate: "
               "x509: certificate has expired")
    path = "/api/v1/namespaces/openshift-lab/pods/chatty-74795c6d56-v2xmk/log"
    w.api.change[path + "?container=main&timestamps=true"] = \
        lambda body: (500, failure(500, "InternalError", message))
    r = w.run()
    assert r.read(LOG + "current.log") == ""
    golden = w.golden(LOG + "current.log").replace(PASSWORD, "[REDACTED:password]")
    assert r.read(LOG + "current.insecure.log") == golden
    assert "kubelet not verified" in r.read("inspect_namespaces.log")


def main(module, make_world):
    """Runs the tests of MODULE, each in a world of its own."""
    tests = [(n, f) for n, f in module.items() if n.startswith("test_")]
    wanted = sys.argv[1:]
    recording = tempfile.mkdtemp(prefix="kube-recording.")
    failed = count = 0
    try:
        with tarfile.open(RECORDING) as tar:
            tar.extractall(recording)
        inner = os.listdir(recording)
        where = recording if "api" in inner else os.path.join(recording, inner[0])
        for name, function in tests:
            if wanted and name not in wanted:
                continue
            count += 1
            world = make_world(where)
            try:
                function(world)
                print(f"ok {count} - {name}", flush=True)
            except Exception:
                failed += 1
                print(f"not ok {count} - {name}")
                print("# " + traceback.format_exc().replace("\n", "\n# "), flush=True)
            world.done()
    finally:
        shutil.rmtree(recording)
    print(f"1..{count}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main(globals(), World))
