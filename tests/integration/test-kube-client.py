#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The client of the API against servers that hang, drip, lie, refuse and are not who they should be: each
fault gets its own name, and ends in its time."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import faultapi as f  # noqa: E402
from faultapi import answer, status  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.environ.get("top_srcdir", os.path.dirname(os.path.dirname(HERE)))
BUILD = os.path.abspath(os.environ.get("top_builddir", "."))
PROGRAM = os.path.join(BUILD, "tests/integration/kube-get")
# A fault must end in about its time; this much more is the machine's.
PATIENCE = 20


class Skip(Exception):
    pass


class World:
    def __init__(self, pki, directory):
        self.pki, self.dir = pki, directory
        self.servers = []

    def serve(self, table=None, cert="server", client_ca=None, greet=None):
        context = f.tls(self.pki, cert, client_ca) if cert else None
        api = f.FaultApi(table or {}, context, greet)
        self.servers.append(api)
        return api

    def kubeconfig(self, port, ca="ca", client="client", host="localhost", name=None, token=None):
        user = {"token": token} if token else {
            "client-certificate": self.pki.path(client + ".crt"), "client-key": self.pki.path(client + ".key")}
        cluster = {"server": f"https://{host}:{port}", "certificate-authority": self.pki.path(ca + ".crt")}
        if name:
            cluster["tls-server-name"] = name
        path = os.path.join(self.dir, f"kubeconfig-{port}")
        with open(path, "w", encoding="ascii") as out:
            json.dump({"kind": "Config", "current-context": "c",
                       "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
                       "clusters": [{"name": "k", "cluster": cluster}],
                       "users": [{"name": "u", "user": user}]}, out)
        return path

    def run(self, api, *args, config=None):
        """What the program printed: a dictionary per request by its path, and the metrics."""
        config = config or self.kubeconfig(api.port)
        # The environment must not matter.
        env = dict(os.environ, https_proxy="http://127.0.0.1:1", HTTPS_PROXY="http://127.0.0.1:1")
        p = subprocess.run([PROGRAM, "-k", config, *args], env=env, timeout=PATIENCE,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        assert p.returncode == 0, p.stderr.decode()
        return {o["what"]: o for o in map(json.loads, p.stdout.decode().splitlines())}

    def get(self, api, path, *args, **kwargs):
        return self.run(api, *args, "get", path, **kwargs)[path]

    def probe(self, api, **kwargs):
        start = time.monotonic()
        o = self.run(api, "probe", **kwargs)["probe"]
        assert time.monotonic() - start < PATIENCE
        # 2 s, and what a busy machine adds.
        assert o["ms"] < 4000, o
        return o

    def stop(self):
        for api in self.servers:
            api.stop()


GOOD = {
    "/readyz": answer(200, b"ok", kind="text/plain"),
    "/version": answer(200, b'{"gitVersion":"v1.35.3"}'),
    "/ok": answer(200, b'{"kind":"List"}'),
}


def check(o, failure, text=""):
    assert o["failure"] == failure, o
    assert text in o["fault"], o


def test_good(w):
    api = w.serve(GOOD, client_ca="ca")
    o = w.probe(api)
    check(o, "")
    assert o["usable"] and o["ready"] and o["version"] == "v1.35.3", o
    o = w.get(api, "/ok", "-b")
    check(o, "")
    assert o["body"] == '{"kind":"List"}' and o["bytes"] == 15 and o["retries"] == 0, o


def test_token(w):
    api = w.serve(GOOD)
    check(w.get(api, "/ok", config=w.kubeconfig(api.port, token="abc.def")), "")
    assert "Authorization: Bearer abc.def" in api.headers[0], api.headers
    assert "Accept: application/json" in api.headers[0], api.headers
    assert not any(h.lower().startswith("accept-encoding") for h in api.headers[0]), api.headers


def test_refused(w):
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    o = w.probe(None, config=w.kubeconfig(port))
    check(o, "refused", f"GET '/readyz': nothing listens at localhost:{port}")
    assert not o["usable"], o


def test_unreachable(w):
    o = w.probe(None, config=w.kubeconfig(6443, host="no-such-host.invalid"))
    assert o["failure"] in ("unreachable", "timeout") and not o["usable"], o


def test_accepts_and_hangs(w):
    api = w.serve(greet=lambda a, c: a.stopping.wait(60))
    check(w.probe(api), "timeout", "no TLS connection to localhost:")


def test_answers_never(w):
    api = w.serve({**GOOD, "/readyz": f.hang, "/hang": f.hang})
    check(w.probe(api), "timeout", "no answer from localhost")
    check(w.get(api, "/hang", "-t", "700"), "timeout", "no answer from localhost")


def test_deadline_of_all(w):
    api = w.serve({"/hang": f.hang, **GOOD})
    paths = [f"/hang?n={n}" for n in range(20)]
    o = w.run(api, "-d", "800", "get", "/ok", *paths)
    check(o["/ok"], "")
    for path in paths:
        check(o[path], "timeout", "the time for all requests is over")
    assert o["metrics"]["requests"] == 21, o["metrics"]


def test_hanging_logs_do_not_hold_up_lists(w):
    api = w.serve({"/hang": f.hang, **GOOD})
    logs = [f"/hang?n={n}" for n in range(20)]
    o = w.run(api, "-d", "1500", "-l", "20", "get", *logs, "/ok", "/ok?2")
    check(o["/ok"], "")
    check(o["/ok?2"], "")
    assert all(o[path]["failure"] == "timeout" for path in logs), o


def test_drips(w):
    api = w.serve({"/drip": f.drip})
    o = w.get(api, "/drip", "-s", "2000")
    check(o, "timeout", "the answer is too slow: ")
    check(w.get(api, "/drip", "-t", "1500"), "timeout", "the answer is too slow: ")


def test_truncated(w):
    api = w.serve({"/cut": f.cut, "/chunked": f.cut_chunked})
    o = w.get(api, "/cut")
    check(o, "truncated", "the answer ended early, after 10B")
    assert o["got"] == 10 and o["retries"] == 0, o
    check(w.get(api, "/chunked"), "truncated")


def test_longer_than_announced(w):
    api = w.serve({"/long": answer(200, b"{}" + b"x" * 50, Content_Length=2)})
    o = w.get(api, "/long", "-b")
    check(o, "")
    assert o["body"] == "{}", o


def test_not_http(w):
    api = w.serve({"/x": f.garbage})
    check(w.get(api, "/x"), "bad-answer")


def test_plain_http_on_the_port(w):
    def complain(api, connection):
        connection.recv(1)
        connection.sendall(answer(400, b"this is HTTP", kind="text/plain"))
    o = w.probe(w.serve(greet=complain))
    assert o["failure"] in ("tls-other", "reset"), o
    assert not o["usable"], o


def test_closes(w):
    api = w.serve({"/flaky": f.first(1, f.close, GOOD["/ok"]), "/never": f.close})
    o = w.get(api, "/flaky")
    check(o, "")
    assert o["retries"] == 1, o
    o = w.get(api, "/never", "-r", "2")
    check(o, "reset")
    assert o["retries"] == 2, o


def test_too_many_requests(w):
    busy = answer(429, status(429, "TooManyRequests", "try later"), Retry_After=1)
    api = w.serve({"/busy": f.first(1, busy, GOOD["/ok"]), "/always": busy,
                   "/late": answer(429, status(429, "TooManyRequests", "in an hour"), Retry_After=3600)})
    start = time.monotonic()
    o = w.get(api, "/busy")
    check(o, "")
    assert o["retries"] == 1 and time.monotonic() - start >= 1, o
    o = w.get(api, "/always", "-r", "1")
    check(o, "http-429", "429 TooManyRequests: try later")
    assert o["retries"] == 1, o
    o = w.get(api, "/late")
    check(o, "http-429")
    assert o["retries"] == 0, o
    # Not beyond the time of the request.
    o = w.get(api, "/always", "-t", "900")
    check(o, "http-429")
    assert o["retries"] == 0, o


def test_server_errors(w):
    api = w.serve({"/500": answer(500, status(500, "InternalError", "etcd\nis gone")),
                   "/503": f.first(1, answer(503, b"busy", kind="text/plain"), GOOD["/ok"]),
                   "/html": answer(500, b"<html>oh no</html>", kind="text/html"),
                   "/endless": f.endless_error})
    o = w.get(api, "/500")
    check(o, "http-5xx", "GET '/500': 500 InternalError: etcd is gone")
    assert o["retries"] == 0 and o["status"] == 500, o
    assert w.get(api, "/503")["retries"] == 1
    assert w.get(api, "/html")["fault"] == "GET '/html': 500"
    check(w.get(api, "/endless"), "http-5xx", "503: no room")


def test_status_codes(w):
    api = w.serve({f"/{n}": answer(n, status(n, "R", "m")) for n in (400, 401, 403, 404, 406, 409, 410)})
    paths = [f"/{n}" for n in (400, 401, 403, 404, 406, 409, 410)]
    o = w.run(api, "get", *paths)
    for path in paths:
        want = "http-4xx" if path == "/409" else "http-" + path[1:]
        check(o[path], want, f"{path[1:]} R: m")


def test_not_ready(w):
    body = b"[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n"
    api = w.serve({**GOOD, "/readyz": answer(500, body, kind="text/plain")})
    o = w.probe(api)
    check(o, "http-5xx", "500: [-]etcd failed: reason withheld")
    assert o["usable"] and not o["ready"] and o["version"] == "v1.35.3", o


def test_unknown_user(w):
    no = answer(401, status(401, "Unauthorized", "Unauthorized"))
    api = w.serve({"/readyz": no, "/version": no})
    o = w.probe(api)
    check(o, "http-401")
    assert not o["usable"], o


def test_redirects(w):
    api = w.serve({"/r": answer(302, b"", Location="/ok"), **GOOD})
    check(w.get(api, "/r"), "redirect", "302: redirects are not followed")
    assert api.count("/ok") == 0


def test_compressed_unasked(w):
    api = w.serve({"/gz": answer(200, b"\x1f\x8b", Content_Encoding="gzip"),
                   "/id": answer(200, b"{}", Content_Encoding="identity")})
    o = w.get(api, "/gz")
    check(o, "bad-answer", "compressed")
    assert o["got"] == 0, o
    check(w.get(api, "/id"), "")


def test_too_large(w):
    api = w.serve({"/huge": f.endless, "/headers": f.endless_headers})
    o = w.get(api, "/huge", "-m", "1000000")
    check(o, "too-large", "larger than ")
    assert o["got"] == 1000000, o
    assert w.get(api, "/headers")["failure"] in ("bad-answer", "reset", "local")


def test_empty_body(w):
    api = w.serve({"/empty": answer(200, b"")})
    o = w.get(api, "/empty")
    check(o, "")
    assert o["bytes"] == 0, o


def test_writer_fails(w):
    api = w.serve({"/huge": f.endless})
    check(w.get(api, "/huge", "-f", "100000"), "stopped", "No space left on device")


def test_certificates(w):
    for cert, failure, text in (
            ("expired", "tls-expired", "has expired"),
            ("not-yet", "tls-not-yet-valid", "is the clock right?"),
            ("stranger", "tls-unknown-authority", "not from an authority"),
            ("named", "tls-name", "for another name")):
        api = w.serve(GOOD, cert=cert)
        o = w.probe(api)
        check(o, failure, text)
        assert not o["usable"] and not api.requests, o


def test_server_name(w):
    api = w.serve(GOOD, cert="named")
    check(w.get(api, "/ok", config=w.kubeconfig(api.port, host="127.0.0.1", name="api.example")), "")


def test_address(w):
    api = w.serve(GOOD)
    check(w.get(api, "/ok", config=w.kubeconfig(api.port, host="127.0.0.1")), "")


def test_client_certificate(w):
    api = w.serve(GOOD, client_ca="ca")
    check(w.get(api, "/ok"), "")
    for config in (w.kubeconfig(api.port, token="t"), w.kubeconfig(api.port, client="bad-client")):
        check(w.get(api, "/ok", config=config), "tls-client-certificate")
        assert not w.probe(api, config=config)["usable"]


def test_key_that_is_none(w):
    api = w.serve(GOOD)
    path = os.path.join(w.dir, "torn.key")
    with open(path, "w", encoding="ascii") as out:
        out.write("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    config = w.kubeconfig(api.port)
    with open(config, encoding="ascii") as old:
        text = old.read().replace(w.pki.path("client.key"), path)
    with open(config, "w", encoding="ascii") as out:
        out.write(text)
    check(w.get(api, "/ok", config=config), "local")


def pages(token_of):
    """A list whose page I has the token that TOKEN_OF gives for I; tokens are numbers."""
    def page(api, connection, path):
        q = f.query(path)
        assert q["limit"] == "500", path
        n = int(q.get("continue", "0"))
        what = token_of(n)
        if isinstance(what, bytes):
            return what
        body = json.dumps({"kind": "L", "metadata": {"continue": what}, "items": []}, separators=(",", ":"))
        return answer(200, body.encode())
    return page


def test_list(w):
    api = w.serve({"/three": pages(lambda n: str(n + 1) if n < 2 else ""),
                   "/same": pages(lambda n: "1"),
                   "/deep": answer(200, b"[" * 100000),
                   "/text": answer(200, b"x", kind="text/plain")})
    o = w.run(api, "list", "/three", "/same", "/none", "/deep", "/text")
    check(o["/three"], "")
    assert o["/three"]["pages"] == 3 and o["/three"]["requests"] == 3, o
    check(o["/same"], "bad-answer")
    check(o["/none"], "http-404")
    check(o["/deep"], "bad-answer", "no list")
    check(o["/text"], "bad-answer")


def test_list_expires(w):
    body = status(410, "Expired", "too old", **{"continue": "7"})
    api = w.serve({"/t": pages(lambda n: {0: "1", 1: answer(410, body), 7: ""}[n])})
    o = w.run(api, "list", "/t")["/t"]
    check(o, "")
    assert o["pages"] == 2 and o["requests"] == 3 and o["inconsistent"], o


def test_list_begins_anew(w):
    gone = answer(410, status(410, "Expired", "too old"))
    seen = []

    def once(n):
        seen.append(n)
        return gone if n == 1 and seen.count(1) == 1 else str(n + 1) if n < 2 else ""
    api = w.serve({"/t": pages(once), "/always": pages(lambda n: gone if n == 1 else "1")})
    o = w.run(api, "-R", "list", "/t")["/t"]
    check(o, "")
    assert o["restarts"] == 1 and o["pages"] == 3, o
    seen.clear()
    check(w.run(api, "list", "/t")["/t"], "http-410", "410 Expired: too old")
    o = w.run(api, "-R", "list", "/always")["/always"]
    check(o, "http-410")
    assert o["restarts"] == 1, o


def test_list_limits(w):
    slow = {"/t": pages(lambda n: (time.sleep(0.2), str(n + 1))[1])}
    api = w.serve(slow)
    check(w.run(api, "-L", "1000", "list", "/t")["/t"], "timeout")
    api = w.serve({"/t": pages(lambda n: str(n + 1))})
    check(w.run(api, "-m", "1000", "list", "/t")["/t"], "too-large")


def test_logs(w):
    base = "/api/v1/namespaces/n/pods/p/log"
    none = answer(400, status(400, "BadRequest", 'previous terminated container "c" in pod "p" not found'))
    waiting = answer(400, status(400, "BadRequest", 'container "c" in pod "p" is waiting to start: x'))

    def log(api, connection, path):
        q = f.query(path)
        assert q["timestamps"] == "true", path
        if q["container"] == "w":
            return waiting
        return none if "previous" in q else answer(200, b"a line\n", kind="text/plain")
    api = w.serve({base: log})
    o = w.run(api, "log", "n", "p", "c")["c"]
    check(o, "")
    assert o["body"] == "a line\n" and o["log_state"] == 0, o
    assert w.run(api, "-p", "log", "n", "p", "c")["c"]["log_state"] == 1
    assert w.run(api, "log", "n", "p", "w")["w"]["log_state"] == 2
    assert w.run(api, "log", "n", "gone", "c")["c"]["log_state"] == 3
    assert w.run(api, "log", "n/../..", "p", "c")["c"]["log_state"] == 3
    assert api.requests[-1].startswith("/api/v1/namespaces/n%2F..%2F../pods/p/log?"), api.requests[-1]


def resources(version, *names):
    return answer(200, json.dumps({"kind": "APIResourceList", "groupVersion": version, "resources": [
        {"name": n, "singularName": "", "namespaced": True, "kind": n.upper(), "verbs": ["get", "list"]}
        for n in names]}).encode())


def test_discovery_legacy(w):
    groups = [{"name": g, "versions": [{"version": v} for v in versions], "preferredVersion": {"version": p}}
              for g, versions, p in (("apps", ("v1beta1", "v1"), "v1"), ("dead.example", ("v1",), "v1"),
                                     ("hangs.example", ("v1",), "v1"), ("../etc", ("v1",), "v1"))]
    api = w.serve({
        "/api": answer(200, b'{"kind":"APIVersions","versions":["v1"]}'),
        "/apis": answer(200, json.dumps({"kind": "APIGroupList", "groups": groups}).encode()),
        "/api/v1": resources("v1", "pods", "pods/log", "../../etc/x"),
        "/apis/apps/v1": resources("apps/v1", "deployments"),
        "/apis/apps/v1beta1": resources("apps/v1beta1", "deployments", "scales"),
        "/apis/dead.example/v1": answer(503, b"service unavailable\n", kind="text/plain", Retry_After=3600),
        "/apis/hangs.example/v1": f.hang,
    })
    o = w.run(api, "-d", "4000", "discover")["discover"]
    check(o, "")
    assert not o["aggregated"], o
    assert [r["path"] for r in o["resources"]] == [
        "/api/v1/pods", "/apis/apps/v1/deployments", "/apis/apps/v1beta1/scales"], o
    reasons = {s.get("group", ""): s["reason"] for s in o["stale"]}
    assert "503" in reasons["dead.example"], o
    assert "hangs.example" in reasons and "" in reasons, o


def aggregated(version, items):
    kind = f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    return answer(200, json.dumps({"kind": "APIGroupDiscoveryList", "items": items}).encode(), kind=kind)


def test_discovery_aggregated(w):
    def entry(name, **more):
        return {"resource": name, "responseKind": {"kind": "K"}, "scope": "Namespaced", "verbs": ["list"], **more}
    core = [{"versions": [{"version": "v1", "resources": [entry("pods", categories=["all"])]}]}]
    groups = [{"metadata": {"name": "metrics.k8s.io"}, "versions": [{"version": "v1", "freshness": "Stale"}]},
              {"metadata": {"name": "b.example"}, "versions": [
                  {"version": "v2", "freshness": "Stale", "resources": [entry("x")]},
                  {"version": "v1", "resources": [entry("x", scope="Cluster")]}]}]
    for version in ("v2", "v2beta1"):
        api = w.serve({"/api": aggregated(version, core), "/apis": aggregated(version, groups)})
        o = w.run(api, "discover")["discover"]
        check(o, "")
        assert o["aggregated"] and (o["raw"] > 0) == (version == "v2"), o
        assert [(r["path"], r["all"], r["namespaced"]) for r in o["resources"]] == [
            ("/api/v1/pods", True, True), ("/apis/b.example/v1/x", False, False)], o
        assert [(s["group"], s["version"]) for s in o["stale"]] == [
            ("metrics.k8s.io", "v1"), ("b.example", "v2")], o
        assert len(api.requests) == 2, api.requests


def test_discovery_fails(w):
    no = answer(403, status(403, "Forbidden", "not for you"))
    check(w.run(w.serve({"/api": no, "/apis": no}), "discover")["discover"], "http-403", "not for you")
    deep = answer(200, b"[" * 200000)
    o = w.run(w.serve({"/api": deep, "/apis": deep, "/api/v1": deep}), "discover")["discover"]
    check(o, "bad-answer", "nested")
    check(w.run(w.serve({"/api": f.cut, "/apis": f.cut}), "discover")["discover"], "truncated")


def recording(form):
    """What a real server (Kubernetes 1.35) answered: aggregated or legacy discovery, the same lists."""
    table = {}
    with tarfile.open(os.path.join(TOP, "tests/data/kube/microshift-small.tar.xz")) as tar:
        files = {m.name[len("api/"):]: tar.extractfile(m).read()
                 for m in tar if m.isfile() and m.name.startswith("api/")}
    for line in files["index.jsonl"].splitlines():
        e = json.loads(line)
        if e["path"] in ("/api", "/apis") and ("apidiscovery" in e["accept"]) != (form == "aggregated"):
            continue
        table[e["path"]] = answer(e["status"], files["bodies/" + e["file"]], kind=e["type"])
    return table


def test_recorded_discovery(w):
    found = {}
    for form in ("aggregated", "legacy"):
        api = w.serve(recording(form))
        o = w.run(api, "discover")["discover"]
        check(o, "")
        assert o["aggregated"] == (form == "aggregated") and not o["stale"], o
        found[form] = o["resources"]
    key = lambda r: r["path"]  # noqa: E731
    assert len(found["legacy"]) == 76, len(found["legacy"])
    assert sorted(found["aggregated"], key=key) == sorted(found["legacy"], key=key)
    lists = [r["path"] for r in found["legacy"] if r["list"]]
    api = w.serve(recording("legacy"))
    o = w.run(api, "list", *lists)
    for path in lists:
        check(o[path], "")


NGINX = """
daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/nginx.log;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {dir}/t; proxy_temp_path {dir}/t; fastcgi_temp_path {dir}/t;
  uwsgi_temp_path {dir}/t; scgi_temp_path {dir}/t; default_type application/json; types {{ }}
  server {{
    listen 127.0.0.1:{port} ssl http2; server_name localhost; root {dir}/www;
    ssl_certificate {pki}/server.crt; ssl_certificate_key {pki}/server.key;
    ssl_client_certificate {pki}/ca.crt; ssl_verify_client on;
    location /hang {{ proxy_pass http://127.0.0.1:{behind}; }}
  }}
}}
"""


def test_http2(w):
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if not program:
        raise Skip("nginx is not installed")
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    os.makedirs(w.dir + "/www")
    os.chmod(w.dir, 0o755)
    behind = w.serve({"/hang": f.hang}, cert=None)
    paths = [f"/f{n}" for n in range(24)]
    for n, path in enumerate(paths):
        with open(w.dir + "/www" + path, "w", encoding="ascii") as out:
            out.write("x" * (n * 40000))
    with open(w.dir + "/nginx.conf", "w", encoding="ascii") as out:
        out.write("user root;" + NGINX.format(dir=w.dir, port=port, pki=w.pki.dir, behind=behind.port))
    server = subprocess.Popen([program, "-c", w.dir + "/nginx.conf", "-p", w.dir],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if server.poll() is not None:
                raise Skip("nginx does not start here")
            time.sleep(0.05)
        config = w.kubeconfig(port)
        o = w.run(None, "get", *paths, config=config)
        for n, path in enumerate(paths):
            check(o[path], "")
            assert o[path]["http"] == 2 and o[path]["bytes"] == n * 40000, o[path]
        assert o["metrics"]["connections"] == 1, o["metrics"]
        o = w.run(None, "-1", "get", *paths, config=config)
        assert all(o[p]["http"] == 1 and not o[p]["failure"] for p in paths), o
        # One that hangs, or is over its limit, ends alone.
        o = w.run(None, "-t", "2000", "get", "/hang", *paths, config=config)
        check(o["/hang"], "timeout", "no answer from localhost")
        assert all(o[p]["http"] == 2 and not o[p]["failure"] for p in paths), o
        o = w.run(None, "-m", "500000", "get", *paths, config=config)
        for n, path in enumerate(paths):
            check(o[path], "too-large" if n * 40000 > 500000 else "")
    finally:
        server.kill()
        server.wait()


def main():
    tests = [(n, t) for n, t in globals().items() if n.startswith("test_")]
    failed = count = 0
    if not shutil.which("openssl"):
        print("1..0 # SKIP openssl is not installed")
        return 0
    with tempfile.TemporaryDirectory(prefix="microshift-support-test.", dir="/var/tmp") as d:
        pki_dir = os.path.join(d, "pki")
        os.mkdir(pki_dir)
        pki = f.Pki(pki_dir)
        for name, test in tests:
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            count += 1
            directory = os.path.join(d, name)
            os.mkdir(directory)
            world = World(pki, directory)
            try:
                test(world)
                print(f"ok {count} - {name}", flush=True)
            except Skip as reason:
                print(f"ok {count} - {name} # SKIP {reason}", flush=True)
            except Exception:
                failed += 1
                print(f"not ok {count} - {name}")
                for line in traceback.format_exc().splitlines():
                    print(f"# {line}")
                sys.stdout.flush()
            finally:
                world.stop()
    print(f"1..{count}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
