# SPDX-License-Identifier: Apache-2.0
"""What a cleaner has to find, and what it has to leave alone: identities and secrets, each in the
encodings and places in which they occur, and texts that only look like them."""

import base64
import json
import random

HOST = "edge1"
DOMAIN = "plant3.acme.example"
FQDN = HOST + "." + DOMAIN
SIBLING = "edge7." + DOMAIN
USERS = ["jdoe", "maria.rossi"]
KEYWORD = "Bluebird"

# The address as it is planted, and what of it may be nowhere in the result.
ADDRESSES = [
    "10.42.0.9", "10.44.12.87", "172.20.31.4", "192.168.77.15", "100.64.3.77", "52.14.200.7",
    "1.52.77.3", "203.0.113.77", "198.51.100.201", "10.255.255.53",
    "fd01:7:8::1234", "2001:db8:77:1::5", "2a00:1450:4001:82b::200e", "fe80::858:aff:fe2a:909",
    "FD01:7:8:0:0:0:0:ABCD", "::ffff:10.42.7.99",
    "0a:58:0a:2a:c7:4d", "00:50:56:AB:CD:EF", "52-54-00-12-ab-cd", "0a58.0a2a.c74d",
    "00:11:22:ff:fe:33:44:55",
    "80:00:00:48:fe:80:00:00:00:00:00:00:f4:52:14:03:00:7b:cb:a1",
]
JOINED = ["ip-10-44-12-88", "10-42-3-77", "10_44_19_87", "ip-52-14-200-9"]
NAMES = [HOST, HOST.upper(), FQDN, SIBLING, DOMAIN, DOMAIN.replace(".", "_"), DOMAIN.replace(".", "-"), *USERS,
         KEYWORD, KEYWORD.lower(), KEYWORD.upper(), "Acme"]
IDENTITIES = ADDRESSES + JOINED + NAMES

# Where an identity stands; "%s" is it.
PLACES = [
    "%s", "  %s", "%s.", "(%s)", "[%s]", "<%s>", "\"%s\"", "'%s'", "`%s`", "a %s, b", "x=%s", "x=%s;y", "x: %s",
    "- %s", "{\"ip\":\"%s\",\"x\":1}", "{\"a\":\"{\\\"ip\\\":\\\"%s\\\"}\"}", "{\"log\":\"line\\n%s\\nnext\"}",
    "\"tab\\t%s\\tend\"", "Nov 22 13:02:44 node kubelet[12]: I1122 \"pod\" host=\"%s\" err=\"x\"",
    "kube-apiserver-%s", "_%s_", "/nodes/%s/x", "%s/eth0", "from %s to %s", "|%s|", "%s\r", "--node-ip=%s",
    "type=AVC msg=audit(1700000000.123:99): addr=%s terminal=ssh", "dnf[123]: from %s",
]
# Only where no digit or letter of the place belongs to the address.
PORTS = ["%s:8080", "http://%s:8080/x", "tcp://%s:443"]

PRIVATE_KEY = [
    "MIIEowIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gun",
    "VTLw7onLRnrq0/IzW7yWR7QkrmBL7jTKEn5u+qKhbwKfBstIs+bMY2Zkp18gnTxK",
    "LxoS2tFczGkPLPgiz84=",
]

# Stays as it is, byte for byte.
LOOK_ALIKES = [
    "uid: 6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    "quay.io/openshift/origin@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "commit 8e16b12f5c7e63eecb2f7e58fa18a996672d69a1 (HEAD)",
    "resourceVersion: \"424242\"",
    "\"generation\":3,\"observedGeneration\":3",
    "version 4.20.1.3 is installed",
    "OpenShift release-4.20.1.3",
    "MicroShift Version: 4.20.1.3",
    "microshift-4.20.1.3-1.el9.x86_64 cri-o-1.33.2.1-3.rhaos4.20.el9",
    "kernel-5.14.0-427.13.1.el9_4.x86_64",
    "libcrypto.so.1.2.3.4 and Chrome/119.0.0.0",
    "1.3.6.1.4.1.311.21.20 is an OID, 1.2 and 1.2.3 are numbers",
    "2026-11-22T12:54:05.397069Z 12:54:05 26-11-22-12-54-05",
    "127.0.0.1:6443 0.0.0.0/0 255.255.255.0 169.254.169.254 224.0.0.251 ::1 [::]:6443 ff02::1",
    "00:00:00:00:00:00 ff:ff:ff:ff:ff:ff 33:33:00:00:00:01 01:00:5e:00:00:fb",
    "SHA1 Fingerprint=AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01",
    "edge10 myedge1 plant3 jdoes bluebirds",
    "getty@tty1.service pkg@v1.2.3 openshift-dns/dns-default-x7k2p",
    "snapshot.storage.k8s.io/v1 io.microshift.Support kubernetes.default.svc.cluster.local",
    "std::vector<int>::iterator ca::kube-system",
    "d41d8cd98f00b204e9800998ecf8427e  empty",
    "data: aGVsbG8gd29ybGQsIHRoaXMgaXMgaGFybWxlc3M=",
    "secretName: router-certs-default",
    "imagePullSecrets: [{name: regcred}]",
    "tokenreviews.authentication.k8s.io create 200",
    "PasswordAuthentication no",
    "password: ${DB_PASSWORD}",
    "passwd:     files sss systemd",
    "tls-private-key-file=/etc/tls/private/tls.key",
    "cookie=0x7d2e3c1, duration=12.3s, table=0, n_packets=0, actions=drop",
]


def planted_identities():
    """Lines with an identity each."""
    lines = []
    for identity in IDENTITIES:
        for place in PLACES:
            lines.append(place.replace("%s", identity))
    for address in ADDRESSES[:10]:
        lines += [place.replace("%s", address) for place in PORTS]
    for name in (FQDN, SIBLING):
        lines += [place.replace("%s", name) for place in PORTS]
    # At the edges of what is read at once.
    for identity in (ADDRESSES[0], ADDRESSES[10], ADDRESSES[16], FQDN, KEYWORD):
        for edge in (1024, 65536):
            for before in range(0, len(identity) + 1, 3):
                lines.append("." * (edge - before - 1) + " " + identity + " x")
    return lines


def _base64(text):
    return base64.b64encode(text.encode()).decode()


def pem(kind, separator, indent=""):
    lines = ["-----BEGIN %s-----" % kind, *PRIVATE_KEY, "-----END %s-----" % kind]
    return separator.join(indent + line for line in lines)


class Secrets:
    """Planted secrets, each with a value of its own that may be nowhere afterwards."""

    def __init__(self):
        self.random = random.Random(20261122)
        self.values = []
        self.lines = []

    def value(self, n=20):
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        value = "".join(self.random.choice(letters) for _ in range(n))
        self.values.append(value)
        return value

    def add(self, form, n=20):
        value = self.value(n)
        self.lines.append(form.replace("%b", _base64(value)).replace("%s", value))


PAIRS = [
    "password", "DB_PASSWORD", "db.password", "passwd", "passphrase", "client_secret", "clientSecret", "api_key",
    "apiKey", "access_token", "refresh-token", "AWS_SECRET_ACCESS_KEY", "aws_session_token", "accountKey",
    "private_key_password", "bindpw", "psk", "wpa-psk", "secretAccessKey", "registry-password", "token",
    "sharedAccessKey", "SAS_TOKEN", "storage_account_key", "AZURE_CLIENT_SECRET", "GOOGLE_API_KEY", "leap-password",
]
FORMS = [
    "{k}=%s", "{k} = %s", "{k}: %s", "export {k}='%s'", "\"{k}\": \"%s\"", "{\"{k}\":\"%s\",\"x\":1}",
    "{\"a\":\"{\\\"{k}\\\":\\\"%s\\\"}\"}", "--{k}=%s --other", "<{k}>%s</{k}>",
    "{\"name\":\"{k}\",\"value\":\"%s\"}", "- name: {k}\n  value: %s", "\"env\":[\"A=b\",\"{k}=%s\"]",
    "GET /x?{k}=%s&b=1 HTTP/1.1",
]


def planted_secrets():
    s = Secrets()
    for key in PAIRS:
        for form in FORMS:
            s.add(form.replace("{k}", key))
    for form in (
            "Authorization: Bearer %s", "authorization: Basic %b", "curl -u admin:%s https://x",
            "https://user:%s@git.example.com/x", "postgres://app:%s@db:5432/x", "ghp_%s%s", "sha256~%s%s",
            "AKIA%s", "glpat-%s", "xoxb-%s", "eyJhbGciOiJIUzI1NiJ9.eyJ%s.%s", "root:$6$salt$%s%s:19000:0:99999:7:::",
            "{\"auths\":{\"quay.io\":{\"auth\":\"%b\"}}}", "x-amz-security-token: %s",
            "jdoe 12 0.0 /usr/bin/x --token %s --v 2", "sshpass -p %s ssh x", "mysql -u root -p%s",
            "redis-cli -a %s ping", "AccountName=x;AccountKey=%s==;EndpointSuffix=core.windows.net",
            "SharedAccessSignature=sv=2020&sig=%s", "[wifi-security]\nkey-mgmt=wpa-psk\npsk=%s",
            "{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"data\":{\"foo\":\"%b\"}}",
            "{\"kind\":\"Event\",\"requestObject\":{\"kind\":\"Secret\",\"data\":{\"foo\":\"%b\"},\"type\":\"Opaque\"}}",
            "kind: Secret\nstringData:\n  anything: %s\ntype: Opaque"):
        s.add(form)
    config = json.dumps({"auths": {"quay.io": {"auth": _base64("user:" + s.value())}}})
    s.lines.append(".dockerconfigjson: " + _base64(config))
    s.lines.append("data: " + _base64(config))
    s.values += PRIVATE_KEY
    for kind in ("RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY"):
        s.lines.append(pem(kind, "\n"))
        s.lines.append("tls.key: |\n" + pem(kind, "\n", "    "))
        s.lines.append("{\"key\":\"" + pem(kind, "\\n") + "\"}")
        s.lines.append("{\"a\":\"{\\\"key\\\":\\\"" + pem(kind, "\\\\n") + "\\\"}\"}")
        s.lines.append("client-key-data: " + _base64(pem(kind, "\n")))
        s.lines.append("key: " + pem(kind, "\r\n"))
    return s


def encodings(value):
    """How VALUE may still be there: as it is, and in base64 at each of its three alignments."""
    yield value.encode()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + value.encode())
        # Without the letters that neighbours have a part in.
        yield encoded[4 if shift else 0:-4]
