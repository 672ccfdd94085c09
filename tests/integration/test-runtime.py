#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is taken from a container runtime, against a real one: containerd with containers that run, that
ended, and one that it can say nothing of. No image is pulled, no API server is there.

All of it is in a mount namespace of its own, where the runtime has the socket of CRI-O."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile

from reportlab import TOP, Report, cover, enter, need, run_tests, skip, wait_for

BUSYBOX = "/bin/busybox"
SOCKET = "/run/crio/crio.sock"
IMAGE = "localhost/test:1"
# Values of environment variables and of an annotation; none may be in a report.
PLANTED = "Pl4nted"

CONFIG = """version = 2
root = "%(dir)s/root"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.zfs"]
[grpc]
  address = "%(socket)s"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "%(image)s"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
"""


def find_crictl():
    run = subprocess.run([os.path.join(TOP, "tests/integration/crictl.sh")], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        skip(run.stderr.strip())
    return run.stdout.strip()


def put_blob(directory, data):
    digest = hashlib.sha256(data).hexdigest()
    with open(os.path.join(directory, "blobs/sha256", digest), "wb") as f:
        f.write(data)
    return {"digest": "sha256:" + digest, "size": len(data)}


def make_image(work):
    """An OCI archive with nothing but busybox."""
    directory = os.path.join(work, "image")
    os.makedirs(os.path.join(directory, "blobs/sha256"))
    layer = os.path.join(work, "layer.tar")
    with tarfile.open(layer, "w") as tar:
        tar.add(BUSYBOX, "bin/busybox")
    with open(layer, "rb") as f:
        blob = put_blob(directory, f.read())
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/bin"], "Entrypoint": ["/bin/busybox", "sleep", "86400"]},
        "rootfs": {"type": "layers", "diff_ids": [blob["digest"]]},
    }
    kind = "application/vnd.oci.image."
    manifest = {
        "schemaVersion": 2,
        "mediaType": kind + "manifest.v1+json",
        "config": {"mediaType": kind + "config.v1+json", **put_blob(directory, json.dumps(config).encode())},
        "layers": [{"mediaType": kind + "layer.v1.tar", **blob}],
    }
    entry = {
        "mediaType": kind + "manifest.v1+json",
        "annotations": {"io.containerd.image.name": IMAGE},
        **put_blob(directory, json.dumps(manifest).encode()),
    }
    with open(os.path.join(directory, "index.json"), "w") as f:
        json.dump({"schemaVersion": 2, "manifests": [entry]}, f)
    with open(os.path.join(directory, "oci-layout"), "w") as f:
        f.write('{"imageLayoutVersion": "1.0.0"}')
    path = os.path.join(work, "image.tar")
    with tarfile.open(path, "w") as tar:
        for name in os.listdir(directory):
            tar.add(os.path.join(directory, name), name)
    return path


class Runtime:
    """containerd, and crictl to speak with it."""

    def __init__(self, work):
        self.work = work
        config = os.path.join(work, "config.toml")
        with open(config, "w") as f:
            f.write(CONFIG % {"dir": work, "socket": SOCKET, "image": IMAGE})
        self.log = open(os.path.join(work, "containerd.log"), "wb")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            ["containerd", "-c", config], stdout=self.log, stderr=self.log, start_new_session=True
        )
        wait_for("containerd", lambda: self.process.poll() is not None or self.answers())

    def answers(self):
        return self.crictl("version", check=False).returncode == 0

    def crictl(self, *words, check=True):
        return subprocess.run(
            ["crictl", "--timeout", "20s", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=check
        )

    def ctr(self, *words):
        subprocess.run(["ctr", "-a", SOCKET, "-n", "k8s.io", *words], stdout=subprocess.DEVNULL, check=True)

    def write(self, name, value):
        path = os.path.join(self.work, name)
        with open(path, "w") as f:
            json.dump(value, f)
        return path

    def run_pod(self, name):
        security = {"security_context": {"namespace_options": {"network": 2, "pid": 1, "ipc": 2}}}
        pod = {
            "metadata": {"name": name, "namespace": "openshift-test", "uid": "uid1", "attempt": 0},
            "log_directory": f"/var/log/pods/openshift-test_{name}_uid1",
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": json.dumps({"value": PLANTED + "Annotation"}),
                "example.com/harmless": "seen",
            },
            "linux": security,
        }
        self.pod = self.write("pod.json", pod)
        self.security = security
        return self.crictl("runp", self.pod).stdout.strip()

    def run(self, pod, name, script):
        """Starts a container; returns its ID."""
        os.makedirs(f"/var/log/pods/openshift-test_web_uid1/{name}", exist_ok=True)
        container = {
            "metadata": {"name": name, "attempt": 0},
            "image": {"image": IMAGE},
            "command": ["/bin/busybox", "sh", "-c", script],
            "envs": [{"key": "DB_HOST", "value": PLANTED + "Host"}, {"key": "EMPTY", "value": ""}],
            "log_path": f"{name}/0.log",
            "linux": self.security,
        }
        container_id = self.crictl("create", pod, self.write(name + ".json", container), self.pod).stdout.strip()
        self.crictl("start", container_id)
        return container_id

    def is_exited(self, container_id):
        return container_id in self.crictl("ps", "-a", "--state", "exited", "-q", "--no-trunc").stdout

    def stop(self):
        if self.process.poll() is None:
            self.crictl("rmp", "--all", "--force", check=False)
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


class Lab:
    def __init__(self, runtime, work):
        self.work = work
        self.runtime = runtime
        runtime.ctr("images", "import", make_image(work))
        pod = runtime.run_pod("web")
        self.pod = pod
        self.running = runtime.run(pod, "web", "echo hello from web; exec /bin/busybox sleep 86400")
        self.ended = runtime.run(pod, "failing", "echo the reason; exit 7")
        self.broken = runtime.run(pod, "broken", "true")
        wait_for("containers to end", lambda: all(map(runtime.is_exited, (self.ended, self.broken))))
        # Known to the CRI, but its data is gone: it is listed, and inspecting it fails.
        runtime.ctr("containers", "rm", self.broken)


INSPECT = "sos_commands/crio/containers/crictl_inspect_"


def test_tables(lab, report):
    """the tables are there, with containers that ended"""
    table = report.text("sos_commands/crio/crictl_ps_-a")
    assert re.search(r"Running +web ", table) and re.search(r"Exited +failing ", table), table
    assert "openshift-test" in report.text("sos_commands/crio/crictl_pods")
    assert "localhost/test" in report.text("sos_commands/crio/crictl_images")
    assert "RuntimeName" in report.text("sos_commands/crio/crictl_version")
    json.loads(report.text("sos_commands/crio/crictl_info"))
    assert lab.running[:13] in report.text("sos_commands/crio/crictl_stats")


def test_containers(lab, report):
    """each container has a file of JSON, also one that ended"""
    for container, state in ((lab.running, "CONTAINER_RUNNING"), (lab.ended, "CONTAINER_EXITED")):
        assert json.loads(report.text(INSPECT + container))["status"]["state"] == state
    assert json.loads(report.text(INSPECT + lab.ended))["status"]["exitCode"] == 7
    assert len(report.names(INSPECT + "*")) == 3


def test_one_that_fails(lab, report):
    """one that the runtime can say nothing of does not cost the others"""
    failed = [c for c in report.commands() if lab.broken in (c["exec"] or "")]
    assert len(failed) == 1 and failed[0]["return_code"] == 1, failed
    assert report.text(INSPECT + lab.broken).strip() == ""


def test_environment(lab, report):
    """names of environment variables are there, values are not"""
    inspect = json.loads(report.text(INSPECT + lab.running))
    pairs = inspect["info"]["runtimeSpec"]["process"]["env"]
    assert "DB_HOST=[REDACTED:secret]" in pairs and "EMPTY=" in pairs, pairs
    assert {"key": "DB_HOST", "value": "[REDACTED:secret]"} in inspect["info"]["config"]["envs"], inspect["info"]
    assert PLANTED in lab.runtime.crictl("inspect", lab.running).stdout
    assert not report.has(PLANTED)


def test_pods(lab, report):
    """each pod has a file of JSON; an annotation with a whole manifest is hidden"""
    pod = json.loads(report.text("sos_commands/crio/pods/crictl_inspectp_" + lab.pod))
    annotations = pod["status"]["annotations"]
    assert annotations["kubectl.kubernetes.io/last-applied-configuration"] == "[REDACTED:secret]"
    assert annotations["example.com/harmless"] == "seen"


def test_logs(lab, report):
    """logs are there without an API"""
    logs = "sos_commands/microshift/namespaces/openshift-test/pods/web/%s/%s/logs/current.log"
    assert report.text(logs % ("web", "web")).endswith(" hello from web\n")
    assert report.text(logs % ("failing", "failing")).endswith(" the reason\n")


def test_dead(lab, _report):
    """a runtime that does not answer: said so, and nothing hangs"""
    lab.runtime.process.send_signal(signal.SIGSTOP)
    try:
        report = Report(lab.work, "crio")
    finally:
        lab.runtime.process.send_signal(signal.SIGCONT)
    assert "its time was over" in report.text("sos_commands/crio/crictl_ps_-a")
    asked = [c["exec"] for c in report.commands() if c["exec"].startswith("crictl")]
    assert len(asked) == 2, asked


def why_no_containers(work):
    with open(os.path.join(work, "containerd.log"), encoding="utf-8", errors="replace") as f:
        return "".join([line for line in f if "level=error" in line or "level=fatal" in line][-1:]).strip()


def main():
    need("containerd", "ctr", "runc")
    if not os.path.exists(BUSYBOX) or subprocess.run(["ldd", BUSYBOX], capture_output=True, check=False).returncode == 0:
        skip("there is no static busybox")
    crictl = find_crictl()
    enter()
    work = tempfile.mkdtemp(prefix="test-runtime-", dir="/var/tmp")
    cover("/run", "/var/log", "/usr/local/bin")
    shutil.copy(crictl, "/usr/local/bin/crictl")
    os.makedirs(os.path.dirname(SOCKET))
    runtime = Runtime(work)
    try:
        lab = Lab(runtime, work)
        tests = (test_tables, test_containers, test_one_that_fails, test_environment, test_pods, test_logs, test_dead)
        return run_tests(tests, lab, Report(work, "crio", "container-logs"))
    except (AssertionError, subprocess.CalledProcessError):
        skip(f"this machine may not run containers: {why_no_containers(work)}")
    finally:
        runtime.stop()
        subprocess.run(["umount", "--recursive", "--lazy", "/run"], check=False)
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
