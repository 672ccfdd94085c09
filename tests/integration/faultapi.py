# SPDX-License-Identifier: Apache-2.0
"""An API server that answers from a table, over TLS, and knows every way to answer badly; and the
certificates for it."""

import json
import os
import socket
import ssl
import subprocess
import threading
import urllib.parse

CA_CONF = """
[ca]
default_ca = d
[d]
database = {d}/index
serial = {d}/serial
new_certs_dir = {d}
default_md = sha256
policy = p
email_in_dn = no
unique_subject = no
[p]
commonName = supplied
[req]
distinguished_name = n
[n]
[v3_ca]
basicConstraints = critical,CA:true
subjectKeyIdentifier = hash
"""


class Pki:
    """Authorities and certificates in a directory, made by openssl."""

    def __init__(self, directory):
        self.dir = directory
        self.authority("ca")
        self.authority("other-ca")
        self.certificate("server", san="DNS:localhost,IP:127.0.0.1")
        self.certificate("expired", san="DNS:localhost", start="20200101000000Z", end="20210101000000Z")
        self.certificate("not-yet", san="DNS:localhost", start="20480101000000Z", end="20490101000000Z")
        self.certificate("named", san="DNS:api.example")
        self.certificate("stranger", san="DNS:localhost", ca="other-ca")
        self.certificate("client")
        self.certificate("bad-client", ca="other-ca")

    def path(self, name):
        return os.path.join(self.dir, name)

    def openssl(self, *args):
        subprocess.run(("openssl", *args), cwd=self.dir, check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def authority(self, name):
        d = self.path(name + ".d")
        os.mkdir(d)
        for f, text in (("index", ""), ("serial", "01\n"), ("conf", CA_CONF.format(d=d))):
            with open(os.path.join(d, f), "w", encoding="ascii") as out:
                out.write(text)
        # The same name: only the key tells the authorities apart.
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-subj", "/CN=test-ca", "-days", "3650", "-config", d + "/conf", "-extensions", "v3_ca",
                     "-keyout", name + ".key", "-out", name + ".crt")

    def certificate(self, name, san=None, start=None, end="20450101000000Z", ca="ca"):
        conf = self.path(ca + ".d/conf")
        ext = self.path(name + ".ext")
        with open(ext, "w", encoding="ascii") as out:
            out.write("basicConstraints = CA:false\n")
            if san:
                out.write(f"subjectAltName = {san}\n")
        self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-subj", f"/CN={name}", "-config", conf, "-keyout", name + ".key", "-out", name + ".csr")
        self.openssl("ca", "-batch", "-config", conf, "-cert", ca + ".crt", "-keyfile", ca + ".key",
                     "-in", name + ".csr", "-out", name + ".crt", "-extfile", ext, "-notext",
                     "-startdate", start or "20200101000000Z", "-enddate", end)


def status(code, reason, message, **metadata):
    return json.dumps({"kind": "Status", "apiVersion": "v1", "metadata": metadata, "status": "Failure",
                       "message": message, "reason": reason, "code": code}).encode()


def answer(code, body=b"{}", kind="application/json", **headers):
    head = f"HTTP/1.1 {code} X\r\nContent-Type: {kind}\r\n"
    headers.setdefault("Content_Length", len(body))
    for name, value in headers.items():
        if value is not None:
            head += f"{name.replace('_', '-')}: {value}\r\n"
    return head.encode() + b"\r\n" + body


class FaultApi:
    """Serves on a port of 127.0.0.1 until stop(). TABLE: path -> bytes, or a function of the connection and
    the request that returns bytes or None when it has sent what it wanted; it may raise to end the connection."""

    def __init__(self, table, context=None, greet=None):
        self.table = table
        self.context = context
        self.greet = greet  # called instead of anything else, with the raw connection
        self.requests = []  # paths, with their query
        self.headers = []
        self.stopping = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def stop(self):
        self.stopping.set()
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            if self.greet:
                self.greet(self, connection)
                return
            if self.context:
                connection = self.handshake(connection)
            while self.serve_one(connection):
                pass
        except (OSError, EOFError):
            pass
        finally:
            connection.close()

    def handshake(self, connection):
        """Ends it politely when it fails: a reset would overtake the alert that says why."""
        raw = connection.dup()
        with raw:
            raw.settimeout(2)
            try:
                return self.context.wrap_socket(connection, server_side=True)
            except ssl.SSLError:
                raw.shutdown(socket.SHUT_WR)
                while raw.recv(65536):
                    pass
                raise

    def serve_one(self, connection):
        head = b""
        while b"\r\n\r\n" not in head:
            data = connection.recv(65536)
            if not data:
                return False
            head += data
        lines = head.decode("latin-1").split("\r\n")
        path = lines[0].split(" ")[1]
        self.requests.append(path)
        self.headers.append(lines[1:])
        what = self.table.get(path) or self.table.get(path.partition("?")[0])
        if what is None:
            what = answer(404, status(404, "NotFound", "the server could not find the requested resource"))
        if callable(what):
            what = what(self, connection, path)
        if what is None:
            return False
        connection.sendall(what)
        return True

    def count(self, path):
        return sum(1 for p in self.requests if p.partition("?")[0] == path)


def query(path):
    return dict(urllib.parse.parse_qsl(path.partition("?")[2]))


def tls(pki, name, client_ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.path(name + ".crt"), pki.path(name + ".key"))
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(pki.path(client_ca + ".crt"))
    return context


# Ways to answer badly.

def hang(api, connection, path):
    """Says nothing until the test is over."""
    api.stopping.wait(60)


def drip(api, connection, path):
    """A byte a second."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    while not api.stopping.wait(1):
        connection.sendall(b" ")


def cut(api, connection, path):
    """Less than was announced."""
    connection.sendall(answer(200, b'{"items":[', Content_Length=1000))


def cut_chunked(api, connection, path):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                       b"Transfer-Encoding: chunked\r\n\r\n6\r\n{\"a\":1\r\n")


def garbage(api, connection, path):
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n" * 4)


def endless(api, connection, path):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        connection.sendall(b" " * 65536)


def endless_headers(api, connection, path):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-Filler: " + b"x" * 1000 + b"\r\n")


def endless_error(api, connection, path):
    connection.sendall(b"HTTP/1.1 503 X\r\nContent-Type: text/plain\r\nRetry-After: 3600\r\n\r\nno room\n")
    while True:
        connection.sendall(b"x" * 65536)


def close(api, connection, path):
    """Ends the connection instead of answering."""


def first(n, bad, good):
    """The first N times BAD, then GOOD."""
    def pick(api, connection, path):
        what = bad if api.count(path.partition("?")[0]) <= n else good
        return what(api, connection, path) if callable(what) else what
    return pick

