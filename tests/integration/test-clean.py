#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""msupportctl clean and verify: planted identities and secrets are found wherever they are, look-alikes
stay, structure stays; hostile archives do no harm. What is left is looked for without our own tools."""

import gzip
import io
import json
import lzma
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cleancorpus as corpus  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.environ.get("top_srcdir", os.path.dirname(os.path.dirname(HERE)))
BUILD = os.path.abspath(os.environ.get("top_builddir", "."))
CTL = os.path.join(BUILD, "msupportctl")
RECORDING = os.path.join(TOP, "tests/data/kube/microshift-small.tar.xz")
REPORT = "sosreport-edge1-2026-11-22-abcdefg"


class Failed(Exception):
    pass


def check(condition, text, *details):
    if not condition:
        raise Failed(text + "".join(" %r" % (d,) for d in details))


def zstd(data, *options):
    return subprocess.run(["zstd", "-q", "-c", *options], input=data, check=True, stdout=subprocess.PIPE).stdout


def ctl(*arguments, code=0, **options):
    result = subprocess.run([CTL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            timeout=120, check=False, **options)
    check(result.returncode == code, "exit status", arguments, result.returncode, result.stderr[-500:])
    return result


def pack(members, mode="xz"):
    """A tar archive of (name, bytes or TarInfo)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:" + mode, format=tarfile.PAX_FORMAT) as tar:
        for name, content in members:
            if isinstance(content, tarfile.TarInfo):
                content.name = name
                tar.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def link(kind, target=""):
    info = tarfile.TarInfo()
    info.type = kind
    info.linkname = target
    return info


def unpack(data, name=""):
    """All that is in DATA, at any depth: (name, bytes)."""
    if data[:2] == b"\x1f\x8b":
        yield from unpack(gzip.decompress(data), name)
    elif data[:6] == b"\xfd7zXZ\0":
        yield from unpack(lzma.decompress(data), name)
    elif data[:4] == b"\x28\xb5\x2f\xfd":
        yield from unpack(zstd(data, "-d"), name)
    elif data[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for member in tar:
                yield name + "!" + member.name + " " + member.linkname + " " + member.uname + member.gname, b""
                if member.isreg():
                    yield from unpack(tar.extractfile(member).read(), name + "!" + member.name)
    else:
        yield name, data


class Work:
    """A directory, and what was cleaned in it."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory()
        self.path = self.directory.name

    def at(self, name):
        return os.path.join(self.path, name)

    def write(self, name, data):
        with open(self.at(name), "wb") as f:
            f.write(data)
        return self.at(name)

    def clean(self, data, *options, name=REPORT + ".tar.xz", **more):
        """Returns what became of the archive DATA: its members at any depth."""
        source = self.write(name, data)
        out = self.at("out.tar")
        ctl("clean", source, "-f", "-o", out, "--map", self.at("map.json"), *options, **more)
        with open(out, "rb") as f:
            return dict(unpack(f.read()))

    def clean_text(self, text, *options):
        """Returns what became of one file beside which the names of the machine are known."""
        members = self.clean(pack(machine() + [(REPORT + "/x", text.encode())]), *options)
        return next(v for k, v in members.items() if k.endswith("/x")).decode()


def machine():
    """The files of a sos report that tell names."""
    return [
        (REPORT + "/sos_commands/host/hostname_-f", (corpus.FQDN + "\n").encode()),
        (REPORT + "/etc/hosts", b"127.0.0.1 localhost\n10.44.12.87 " + corpus.FQDN.encode() + b" edge1\n"),
        (REPORT + "/sos_commands/login/lslogins", b" UID USER\n   0 root\n1000 jdoe 1\n1001 maria.rossi 1\n"),
    ]


def must_not_have(members, values):
    for value in values:
        needle = value if isinstance(value, bytes) else value.encode()
        found = [name for name, data in members.items()
                 if needle.lower() in data.lower() or needle.lower() in name.encode().lower()]
        check(not found, "still there:", needle, found[:3])


def test_identities():
    """recall: every planted identity, in every place and packing"""
    work = Work()
    lines = corpus.planted_identities()
    text = "\n".join(lines).encode()
    check(len(lines) > 500, "planted", len(lines))
    members = machine() + [
        (REPORT + "/plain.log", text), (REPORT + "/a.log.gz", gzip.compress(text)),
        (REPORT + "/b.log.xz", lzma.compress(text)), (REPORT + "/c.log.zst", zstd(text)),
        (REPORT + "/d.tar.gz", pack([("inner/edge1.log", text), ("inner/e.gz", gzip.compress(text))], "gz")),
    ]
    for identity in corpus.IDENTITIES:
        members.append(("%s/nodes/%s/pod-%s.yaml" % (REPORT, identity, identity), b"x\n"))
    result = work.clean(pack(members), "--keyword", corpus.KEYWORD)
    # What look-alikes have as a part ("edge10") is not planted here.
    must_not_have(result, [i for i in corpus.IDENTITIES] + ["edge7"])
    plain = [data for name, data in result.items() if name.endswith("plain.log")][0]
    for name, data in result.items():
        if ".log" in name and data:
            check(data == plain, "same aliases in", name)
    check(plain.count(b"\n") == text.count(b"\n"), "lines stay")


def test_secrets():
    """recall: every planted secret, as it is and in base64"""
    work = Work()
    secrets = corpus.planted_secrets()
    check(len(secrets.values) > 300, "planted", len(secrets.values))
    text = "\n".join(secrets.lines + [""]).encode()
    result = work.clean(pack([(REPORT + "/x", text), (REPORT + "/y.gz", gzip.compress(text))]))
    everything = b"\n".join(result.values())
    left = [v for v in secrets.values if any(e in everything for e in corpus.encodings(v))]
    check(not left, "secrets left:", [next(line for line in secrets.lines + [v] if v in line or line == v)
                                      for v in left][:20])


def test_look_alikes():
    """look-alikes stay as they are"""
    text = "\n".join(corpus.LOOK_ALIKES) + "\n"
    result = Work().clean_text(text, "--keyword", corpus.KEYWORD)
    for before, after in zip(text.split("\n"), result.split("\n")):
        check(before == after, "changed:", before, after)


def test_sos_rows():
    """what sos clean 4.12 leaks or breaks"""
    work = Work()
    networks = "\n".join("20.%d.0.0/16 via 20.%d.3.4" % (i, i) for i in range(200))
    result = work.clean_text("\n".join([
        "kube-apiserver-10.44.12.87 a.10.44.12.87", "ip-10-44-12-87.ec2.internal", "1.52.77.3",
        "dnf[12]: from 10.44.12.87", networks, "10.99.0.12", "10.99.0.1", "10.42.0.9:8080", "\"ip\":\"10.42.0.10\"",
        "20.0.0.0/16", "version 4.20.1.3", "https://vault.corp.othercompany.test/", "00:11:22:ff:fe:33:44:55",
        "password=hunter2", "uid 6ba7b810-9dad-11d1-80b4-00c04fd430c8"]))
    must_not_have({"": result.encode()}, ["10.44.12.87", "10-44-12-87", "1.52.77.3", "10.99", "10.42", "othercompany",
                                          "44:55", "hunter2"])
    check(not re.search(r"(?<![\d.])20\.\d+\.", result), "networks in clear")
    aliases = re.findall(r"^(\S+)/16 via (\S+)", result, re.M)
    check(len(aliases) == 200 and len(set(aliases)) == 200, "200 networks are 200")
    for network, host in aliases:
        check(network.split(".")[:2] == host.split(".")[:2], "a host in its network", network, host)
        check(network.endswith(".0.0"), "a network is one", network)
    lines = result.split("\n")
    check(lines[lines.index(next(x for x in lines if ":8080" in x))].count("/") == 0, "no prefix appears")
    check(re.search(r'"ip":"[\d.]+"', result), "JSON stays", result[-600:])
    check("version 4.20.1.3" in result and "6ba7b810-9dad-11d1-80b4-00c04fd430c8" in result, "look-alikes")
    one, twelve = [x for x in lines if re.fullmatch(r"250\.[\d.]+", x)][:2]
    check(one != twelve, "two hosts stay two", one, twelve)


def test_sos_names():
    """without the plugins that tell names, and in a renamed archive"""
    work = Work()
    log = ("Nov 22 13:02:44 edge1 kubelet[12]: started\n" * 3).encode()
    members = [(REPORT + "/sos_commands/logs/journalctl_--no-pager", log), (REPORT + "/x", b"edge1\n"),
               (REPORT + "/nodes/edge1/pod-10.44.12.87.yaml", b"x\n"), (REPORT + "/etc/microshift/server.key",
                                                                        corpus.pem("PRIVATE KEY", "\n").encode())]
    result = work.clean(pack(members), name="whatever.tar.xz")
    must_not_have(result, ["edge1", "10.44.12.87", *corpus.PRIVATE_KEY])
    # Known from no file at all: the key of a map that was there before.
    result = work.clean(pack([("x/y", b"edge1\n")]), name="later.tar.xz")
    must_not_have(result, ["edge1"])


def test_stable():
    """the same aliases later; cleaning twice changes nothing"""
    work = Work()
    text = "\n".join(corpus.planted_identities()).encode()
    data = pack(machine() + [(REPORT + "/x", text)])
    first = work.clean(data, "--keyword", corpus.KEYWORD)
    check(work.clean(data) == first, "a second report, whose keyword the map knows")
    with open(work.at("out.tar"), "rb") as f:
        once = f.read()
    twice = work.clean(once, name="again.tar.xz")
    check(twice == first, "twice")
    check(os.stat(work.at("map.json")).st_mode & 0o777 == 0o600, "mode of the map")
    ctl("verify", work.at("out.tar"), "--seeds", work.at("map.json"))


def structure(value):
    if isinstance(value, dict):
        return {"keys": sorted(len(str(k)) > 0 for k in value), "values": sorted(map(str, map(structure,
                                                                                             value.values())))}
    # Our marker without quotes is a list to YAML.
    if isinstance(value, list) and value and str(value[0]).startswith("REDACTED:"):
        return "str"
    if isinstance(value, list):
        return [structure(v) for v in value]
    return type(value).__name__


def test_cluster():
    """a recorded cluster: its tree parses as before, no secret of its API is left"""
    try:
        import yaml
    except ImportError:
        yaml = None
    work = Work()
    with tarfile.open(RECORDING) as tar:
        tar.extractall(work.path)
    ctl("clean", work.at("golden"), "-o", work.at("cleaned"), "--map", work.at("map.json"))
    ctl("clean", work.at("api"), "-o", work.at("cleaned-api"), "--map", work.at("map.json"))
    n = 0
    for directory, _, files in os.walk(work.at("cleaned")):
        for file in files:
            path = os.path.join(directory, file)
            before = path.replace(work.at("cleaned"), work.at("golden"))
            if not os.path.exists(before):
                check("250." in path, "only names with addresses differ", path)
                continue
            with open(path, "rb") as a, open(before, "rb") as b:
                new, old = a.read(), b.read()
            check(not re.search(rb"\b(10\.4[234]|192\.0\.2)\.\d+\.\d+", new), "addresses in", path)
            if yaml and file.endswith((".yaml", ".json")) and new != old:
                check(structure(yaml.load(new, yaml.CSafeLoader)) == structure(yaml.load(old, yaml.CSafeLoader)),
                      "structure of", path)
                n += 1
    check(not yaml or n > 20, "files that changed", n)
    secrets = set()
    for file in os.listdir(work.at("api/bodies")):
        with open(os.path.join(work.at("api/bodies"), file), "rb") as f:
            secrets |= secret_values(f.read())
    check(len(secrets) > 10, "secrets in the recording", len(secrets))
    for directory, _, files in os.walk(work.at("cleaned-api")):
        for file in files:
            with open(os.path.join(directory, file), "rb") as f:
                text = f.read()
            for value in secrets:
                check(value not in text, "a secret in", file, value[:12])


def secret_values(body):
    """The values of all Secrets in an answer, in base64, but for certificates."""
    try:
        answer = json.loads(body)
    except ValueError:
        return set()
    items = answer.get("items") or [answer]
    values = set()
    for item in items if isinstance(items, list) else []:
        if answer.get("kind") in ("SecretList", "Secret"):
            values |= {v.encode() for k, v in (item.get("data") or {}).items() if len(v) > 12}
    return values


def test_hostile():
    """traversal, links, devices, depth, damage: nothing of it gets out or stops us"""
    work = Work()
    deep = b"edge1\n"
    for _ in range(6):
        deep = gzip.compress(deep)
    members = machine() + [
        ("../escape", b"x"), ("/absolute", b"x"), (REPORT + "/../../up", b"x"), (REPORT + "/ok", b"fine\n"),
        (REPORT + "/out", link(tarfile.SYMTYPE, "/etc/passwd")), (REPORT + "/out2", link(tarfile.SYMTYPE, "../../x")),
        (REPORT + "/edge1-link", link(tarfile.SYMTYPE, "ok")), (REPORT + "/fifo", link(tarfile.FIFOTYPE)),
        (REPORT + "/dev", link(tarfile.CHRTYPE)), (REPORT + "/hard", link(tarfile.LNKTYPE, REPORT + "/ok")),
        (REPORT + "/deep.gz", deep), (REPORT + "/damaged.gz", gzip.compress(os.urandom(3000))[:900]),
        (REPORT + "/binary", b"\x7fELF\1\2\3" + os.urandom(300)), (REPORT + "/utf16", "edge1 x\n".encode("utf-16")),
        (REPORT + "/inner.tar", pack([("../../evil", b"edge1\n"), ("good-edge1", b"edge1\n")], "")),
    ]
    result = work.clean(pack(members), "--json=short")
    names = " ".join(result)
    must_not_have(result, ["edge1", "escape", "absolute", "/etc/passwd", "evil"])
    for name in ("deep.gz", "damaged.gz", "binary", "utf16"):
        check(name + ".left-out" in names, "a note for", name)
    check("good-host-" in names and "/ok" in names and "host-" in names, "the rest is there")
    check("fifo" not in names and "/dev" not in names and "out2" not in names, "no devices, no links out")


def test_errors():
    """on an error there is no output"""
    work = Work()
    data = pack(machine() + [(REPORT + "/x", os.urandom(300000).hex().encode())])
    truncated = work.write("t.tar.xz", data[:len(data) // 2])
    ctl("clean", truncated, "--map", work.at("map.json"), code=1, cwd=work.path)
    ctl("clean", work.write("junk", b"no archive"), code=1, cwd=work.path)
    ctl("clean", work.at("nowhere"), code=7, cwd=work.path)
    ctl("clean", work.write("a.tar.xz", data), "--keyword", "microshift", code=2, cwd=work.path)
    ctl("clean", work.at("a.tar.xz"), "--keyword", "12345", code=2, cwd=work.path)
    check(sorted(os.listdir(work.path)) == ["a.tar.xz", "junk", "t.tar.xz"], "left", os.listdir(work.path))
    work.write("map.json", b"{}")
    os.chmod(work.at("map.json"), 0o600)
    ctl("clean", work.at("a.tar.xz"), "--map", work.at("map.json"), code=1, cwd=work.path)
    os.chmod(work.at("map.json"), 0o644)
    result = ctl("clean", work.at("a.tar.xz"), "--map", work.at("map.json"), code=1, cwd=work.path)
    check("0600" in result.stderr, "a map that others read", result.stderr)
    ctl("clean", work.at("a.tar.xz"), cwd=work.path)
    result = ctl("clean", work.at("a.tar.xz"), cwd=work.path, code=1)
    check("exists already" in result.stderr, "it exists", result.stderr)


def test_verify():
    """verify: where and what, never the value"""
    work = Work()
    path = work.write("r.tar.xz", pack(machine() + [
        (REPORT + "/x", b"line\npassword=hunter2\n"), (REPORT + "/y.gz", gzip.compress(b"token: abcdef99\n"))]))
    result = ctl("verify", path, code=8)
    check("/x: secret: password, byte 14" in result.stdout, "place", result.stdout)
    check("/y.gz: secret: token" in result.stdout, "within gz", result.stdout)
    check("hunter2" not in result.stdout and "abcdef99" not in result.stdout, "no value")
    found = json.loads(ctl("verify", path, "--json=short", code=8).stdout)
    check(found["found"] == 2 and found["findings"][0]["rule"] == "password", "JSON", found)
    seeds = work.write("seeds", b"# names\nedge1\n")
    result = ctl("verify", path, "--seeds", seeds, code=8)
    check("identity: keyword" in result.stdout and "identity: ipv4" in result.stdout, "identities", result.stdout)
    ctl("verify", work.write("c.tar.xz", pack([("a/b", b"fine\n")])))
    ctl("verify", work.write("d.tar.xz", pack([("a/b", b"\0\1\2\3" * 99)])), code=6)


def test_capture():
    """a capture that is asked to clean: text, the reason, the manifest; the map stays outside"""
    work = Work()
    report_id = "20261123T142752Z-0007-e585a599"
    work.write("supportd.conf", b"[Clean]\nKeywords=Bluebird ab\nDomains=plant3.acme.example\n")
    os.mkdir(work.at("collect.d"))
    work.write("collect.d/x.conf", b"[Collector]\nDescription=x\n[Command echo_x]\nExec=echo edge7.plant3.acme.example "
                                   b"10.44.12.87 bluebird token=abcdef99 127.0.0.1\n")
    for directory in ("queue", "incoming"):
        os.mkdir(work.at(directory))
    request = {"version": 1, "id": report_id, "created_usec": 1795444072000000, "profile": "full", "trigger": "request",
               "source": "manual", "reason": "bluebird is slow at 10.44.12.87", "key": "", "occurrences": 1, "uid": 0,
               "attempts": 1, "clean": True}
    work.write("queue/%s.json" % report_id, json.dumps(request).encode())
    result = subprocess.run([os.path.join(BUILD, "microshift-support-capture"), "--id", report_id, "--state-dir",
                             work.path, "--config", work.at("supportd.conf"), "--collect-dir", work.at("collect.d")],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    check(result.returncode == 0, "capture", result.stderr)
    check("'ab' is no name" in result.stderr, "a keyword that cannot be", result.stderr)
    with open(work.at("incoming/%s/report.tar.zst" % report_id), "rb") as f:
        members = dict(unpack(f.read()))
    must_not_have(members, ["10.44.12.87", "bluebird", "plant3", "edge7", "abcdef99"])
    echo = [data for name, data in members.items() if "/echo" in name and data]
    check(len(echo) == 1 and b"[REDACTED:token] 127.0.0.1" in echo[0], "output of the command", echo)
    check(os.stat(work.at("clean-map.json")).st_mode & 0o777 == 0o600, "the map")
    with open(work.at("clean-map.json"), encoding="utf-8") as f:
        key = json.load(f)["key"]
    must_not_have(members, [key])


def main():
    tests = [v for k, v in globals().items() if k.startswith("test_")]
    failed = 0
    print("1..%d" % len(tests), flush=True)
    for i, test in enumerate(tests, 1):
        try:
            test()
            print("ok %d - %s" % (i, test.__doc__), flush=True)
        except Exception as e:  # pylint: disable=broad-except
            failed += 1
            print("not ok %d - %s" % (i, test.__doc__))
            text = str(e) if isinstance(e, Failed) else traceback.format_exc()
            print("".join("# %s\n" % line for line in text.splitlines()), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
