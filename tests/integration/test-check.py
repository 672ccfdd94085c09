#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""microshift-support-capture --check against real servers, good and bad: each gets its finding, and a good
machine none."""

import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import faultapi as f  # noqa: E402
from faultapi import answer  # noqa: E402

BUILD = os.path.abspath(os.environ.get("top_builddir", "."))
PROGRAM = os.path.join(BUILD, "microshift-support-capture")
# Each server gets 2 s; the rest is the machine's.
PATIENCE = 30
WELL, USAGE, FOUND = 0, 2, 8
READY = answer(200, b"ok", kind="text/plain")


class World:
    def __init__(self, pki, directory):
        self.pki, self.dir = pki, directory
        self.servers = []

    def serve(self, table, cert="server", **kwargs):
        context = f.tls(self.pki, cert, "ca") if cert else None
        api = f.FaultApi(table, context, **kwargs)
        self.servers.append(api)
        return api

    def free_port(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            return s.getsockname()[1]

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="ascii") as out:
            out.write(text)
        return path

    def kubeconfig(self, port, client="client"):
        return self.write("kubeconfig", json.dumps({
            "kind": "Config", "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
            "clusters": [{"name": "k", "cluster": {
                "server": f"https://localhost:{port}", "certificate-authority": self.pki.path("ca.crt")}}],
            "users": [{"name": "u", "user": {"client-certificate": self.pki.path(client + ".crt"),
                                             "client-key": self.pki.path(client + ".key")}}]}))

    def run(self, *args, settings="MinFree=0\nMaxMemoryPressure=100\n", port=None, kubelet=0, client="client"):
        """The exit status, and the text."""
        config = self.write("conf", f"[Check]\nKubeletPort={kubelet}\n{settings}")
        command = [PROGRAM, "--check", "--config", config, "--state-dir", self.dir, *args]
        if port:
            command += ["--kubeconfig", self.kubeconfig(port, client)]
        # The environment must not matter.
        env = dict(os.environ, https_proxy="http://127.0.0.1:1", http_proxy="http://127.0.0.1:1")
        p = subprocess.run(command, env=env, timeout=PATIENCE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           check=False)
        return p.returncode, p.stdout.decode(), p.stderr.decode()

    def check(self, **kwargs):
        """What is not of this machine's own certificates."""
        code, out, err = self.run("--json", **kwargs)
        assert code in (WELL, FOUND), (code, out, err)
        o = json.loads(out)
        assert (code == FOUND) == bool(o["findings"]), (code, o)
        return o

    def the_finding(self, **kwargs):
        o = self.check(**kwargs)
        assert len(o["findings"]) == 1, o
        return o["findings"][0]

    def stop(self):
        for api in self.servers:
            api.stop()


def test_good(w):
    api = w.serve({"/readyz": READY})
    kubelet = w.serve({"/healthz": READY}, cert=None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    o = w.check(port=api.port, kubelet=kubelet.port)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"# CPU of one check: {used * 1000:.1f} ms")
    assert not o["findings"] and not o["left_out"], o
    assert api.requests == ["/readyz"] and kubelet.requests == ["/healthz"], (api.requests, kubelet.requests)
    code, out, _ = w.run(port=api.port, kubelet=kubelet.port)
    assert code == WELL and out == "Nothing is wrong\n", (code, out)


def test_refused(w):
    port = w.free_port()
    found = w.the_finding(port=port)
    assert found["trigger"] == "liveness" and found["problem"] == "refused", found
    assert found["subject"] == f"https://localhost:{port}/readyz", found
    assert "nothing listens" in found["message"], found
    code, out, _ = w.run(port=port)
    assert code == FOUND and out.startswith("liveness: API: "), (code, out)


def test_kubelet(w):
    api = w.serve({"/readyz": READY})
    port = w.free_port()
    found = w.the_finding(port=api.port, kubelet=port)
    assert found["trigger"] == "liveness" and found["subject"] == f"http://127.0.0.1:{port}/healthz", found
    sick = w.serve({"/healthz": answer(500, b"unhealthy")}, cert=None)
    assert w.the_finding(port=api.port, kubelet=sick.port)["problem"] == "http-5xx"


def test_hanging(w):
    for api in (w.serve({}, greet=lambda a, c: a.stopping.wait(60)), w.serve({"/readyz": f.hang})):
        found = w.the_finding(port=api.port)
        assert found["trigger"] == "liveness" and found["problem"] == "timeout", found


def test_not_ready(w):
    api = w.serve({"/readyz": answer(500, b"[-]etcd failed: reason withheld\n[+]ping ok\n")})
    found = w.the_finding(port=api.port)
    assert found["trigger"] == "liveness" and found["problem"] == "http-5xx", found
    assert "\n" not in found["message"], found


def test_certificates_of_the_server(w):
    for cert, problem in (("expired", "tls-expired"), ("not-yet", "tls-not-yet-valid"),
                          ("stranger", "tls-unknown-authority"), ("named", "tls-name")):
        api = w.serve({"/readyz": READY}, cert=cert)
        found = w.the_finding(port=api.port)
        assert found["trigger"] == "certificate" and found["problem"] == problem, found


def test_certificate_of_the_client(w):
    api = w.serve({"/readyz": READY})
    found = w.the_finding(port=api.port, client="bad-client")
    assert found["trigger"] == "certificate" and found["problem"].startswith("tls-"), found
    for code in (401, 403):
        api = w.serve({"/readyz": answer(code)})
        found = w.the_finding(port=api.port)
        assert found["trigger"] == "certificate" and found["problem"] == f"http-{code}", found


def test_disk(w):
    api = w.serve({"/readyz": READY})
    o = w.check(port=api.port, settings="MinFree=1024T\nMaxMemoryPressure=100\n")
    assert o["findings"], o
    for found in o["findings"]:
        assert found["trigger"] == "pressure" and found["problem"] == "full", found
        assert "MinFree=" in found["message"], found


def test_bad_kubeconfig(w):
    w.write("broken", "clusters: [")
    code, out, _ = w.run("--kubeconfig", os.path.join(w.dir, "broken"))
    assert code == WELL and "not checked: API: " in out, (code, out)
    code, out, _ = w.run("--kubeconfig", os.path.join(w.dir, "none"))
    assert code == WELL and "not checked: API: " in out, (code, out)


def test_by_hand_nothing_is_changed(w):
    api = w.serve({"/readyz": READY})
    before = sorted(os.listdir(w.dir))
    w.check(port=api.port)
    assert sorted(set(os.listdir(w.dir)) - {"conf", "kubeconfig"}) == \
        sorted(set(before) - {"conf", "kubeconfig"}), os.listdir(w.dir)


def test_usage(w):
    code, _, err = w.run("--profile", "full")
    assert code == USAGE and "--output" in err, (code, err)


def main():
    if not shutil.which("openssl"):
        print("1..0 # SKIP openssl is not installed")
        return 0
    if os.path.exists("/var/lib/microshift"):
        print("1..0 # SKIP this machine has a MicroShift, whose certificates would be found")
        return 0
    tests = [(n, t) for n, t in sorted(globals().items()) if n.startswith("test_")]
    bad = 0
    with tempfile.TemporaryDirectory() as pki_dir:
        pki = f.Pki(pki_dir)
        print(f"1..{len(tests)}")
        for number, (name, test) in enumerate(tests, 1):
            with tempfile.TemporaryDirectory() as directory:
                w = World(pki, directory)
                try:
                    test(w)
                    print(f"ok {number} - {name[5:].replace('_', ' ')}", flush=True)
                except Exception:  # pylint: disable=broad-except
                    bad = 1
                    for line in traceback.format_exc().splitlines():
                        print(f"# {line}")
                    print(f"not ok {number} - {name[5:].replace('_', ' ')}", flush=True)
                finally:
                    w.stop()
    return bad


if __name__ == "__main__":
    sys.exit(main())
