# SPDX-License-Identifier: Apache-2.0
"""The part of bench/run that inspects a cluster: a real kube-apiserver with kwok, see tests/kube, and more and more
pods. What the capture takes is set beside what curl takes for the same lists, and `kubectl get -o yaml`."""

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PODS = [50, 1000, 5000]
REPETITIONS = 5
# Of other programs, which take their time.
REPETITIONS_OTHERS = 2

# The lists of a capture of this cluster, which has nothing but what kube-apiserver serves.
NAMESPACED = {
    "api/v1": "pods replicationcontrollers services configmaps events endpoints persistentvolumeclaims secrets",
    "apis/apps/v1": "daemonsets deployments replicasets statefulsets",
    "apis/autoscaling/v2": "horizontalpodautoscalers",
    "apis/batch/v1": "cronjobs jobs",
    "apis/discovery.k8s.io/v1": "endpointslices",
    "apis/networking.k8s.io/v1": "networkpolicies ingresses",
    "apis/policy/v1": "poddisruptionbudgets",
}
CLUSTER = {
    "api/v1": "namespaces nodes persistentvolumes componentstatuses",
    "apis/admissionregistration.k8s.io/v1": "mutatingwebhookconfigurations validatingwebhookconfigurations",
    "apis/apiextensions.k8s.io/v1": "customresourcedefinitions",
    "apis/apiregistration.k8s.io/v1": "apiservices",
    "apis/certificates.k8s.io/v1": "certificatesigningrequests",
    "apis/flowcontrol.apiserver.k8s.io/v1": "flowschemas prioritylevelconfigurations",
    "apis/networking.k8s.io/v1": "ingressclasses",
    "apis/node.k8s.io/v1": "runtimeclasses",
    "apis/rbac.authorization.k8s.io/v1": "clusterroles clusterrolebindings",
    "apis/scheduling.k8s.io/v1": "priorityclasses",
    "apis/storage.k8s.io/v1": "csidrivers csinodes storageclasses volumeattachments",
}


class Run:
    """What commands took, one after another: wall and CPU of all, the largest memory of one."""

    def __init__(self, *commands):
        self.wall = self.cpu = self.memory = 0
        for command in commands:
            start = time.monotonic()
            with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL) as process:
                while process.stdout.read(1 << 20):
                    pass
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            self.wall += time.monotonic() - start
            self.cpu += usage.ru_utime + usage.ru_stime
            self.memory = max(self.memory, usage.ru_maxrss / 1024)
            # 6 is a report without the logs that were not wanted.
            if process.returncode not in (0, 6):
                raise RuntimeError(f"{command[0]} ended with status {process.returncode}")


class Median:
    """Of some runs: medians, and the largest memory."""

    def __init__(self, repetitions, make):
        runs = [Run(*make()) for _ in range(repetitions)]
        self.wall = statistics.median(r.wall for r in runs)
        self.cpu = statistics.median(r.cpu for r in runs)
        self.memory = max(r.memory for r in runs)

    def text(self):
        return f"{self.cpu:.2f} s of CPU, peak {self.memory:.1f} MiB"


class Cluster:
    """kubetest -serve, which makes pods when it is told a number."""

    def __init__(self, programs):
        self.process = subprocess.Popen(
            [os.path.join(programs, "kubetest"), "-serve", "-kwok", os.path.join(programs, "kwok")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.info = json.loads(self.process.stdout.readline() or "{}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def make_pods(self, count):
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("the pods could not be made")

    def namespaces(self):
        return ["kube-system", "kube-public", "kube-node-lease", self.info["namespace"]]

    def urls(self):
        for version, names in CLUSTER.items():
            yield from (f"{self.info['url']}/{version}/{name}" for name in names.split())
        for namespace in self.namespaces():
            for version, names in NAMESPACED.items():
                yield from (f"{self.info['url']}/{version}/namespaces/{namespace}/{name}" for name in names.split())


def curl_command(cluster, directory):
    config = os.path.join(directory, "curl")
    with open(config, "w", encoding="ascii") as file:
        for url in cluster.urls():
            file.write(f'url = "{url}"\noutput = "/dev/null"\n')
    info = cluster.info
    # kube-apiserver indents the JSON for what calls itself curl, which doubles it.
    return ["curl", "--silent", "--fail", "--parallel", "--user-agent", "bench", "--cacert", info["ca"], "--cert", info["cert"],
            "--key", info["key"], "--config", config]


def kubectl_commands(cluster, programs):
    get = [os.path.join(programs, "kubectl"), "--kubeconfig", cluster.info["kubeconfig"], "get", "-o", "yaml"]
    yield get + [",".join(" ".join(CLUSTER.values()).split())]
    for namespace in cluster.namespaces():
        yield get + ["-n", namespace, ",".join(" ".join(NAMESPACED.values()).split())]


def capture_command(build, cluster, directory, config):
    out = os.path.join(directory, "reports")
    shutil.rmtree(out, ignore_errors=True)
    os.mkdir(out)
    conf = os.path.join(directory, "supportd.conf")
    with open(conf, "w", encoding="ascii") as file:
        file.write("[Kube]\n" + config)
    return [os.path.join(build, "microshift-support-capture"), "--output", out, "--only", "kube",
            "--kubeconfig", cluster.info["kubeconfig"], "--config", conf]


def measure(results, part, build, programs, cluster, directory):
    """One number of pods. Returns the peak of the capture, in MiB."""
    curl = Median(REPETITIONS, lambda: [curl_command(cluster, directory)])
    kubectl = Median(REPETITIONS_OTHERS, lambda: kubectl_commands(cluster, programs))
    lists = Median(REPETITIONS, lambda: [capture_command(build, cluster, directory, "MaxLogBytes=0\n")])
    whole = Median(REPETITIONS_OTHERS, lambda: [capture_command(build, cluster, directory, "")])
    results.add(part, "curl --parallel, the lists", curl.wall * 1000, "ms", note=curl.text())
    results.add(part, "kubectl get -o yaml, the lists", kubectl.wall * 1000, "ms", note=kubectl.text())
    results.add(part, "capture without logs", lists.wall * 1000, "ms", note=lists.text())
    results.add(part, "  times curl's wall", lists.wall / curl.wall, "x", 4)
    results.add(part, "  peak memory", lists.memory, "MiB", 48)
    results.add(part, "  kubectl's wall, times ours", kubectl.wall / lists.wall, "x")
    results.add(part, "  kubectl's memory, times ours", kubectl.memory / lists.memory, "x")
    results.add(part, "capture with logs", whole.wall * 1000, "ms", note=whole.text())
    results.add(part, "  peak memory", whole.memory, "MiB", 48)
    return lists.memory


def why_not(made):
    if made.returncode != 0:
        return (made.stderr.strip().splitlines() or ["tests/kube does not build"])[-1]
    return next((f"{tool} is not installed" for tool in ("etcd", "curl") if not shutil.which(tool)), None)


def part_kube(results, build):
    """Adds all rows to RESULTS; BUILD is where the capture program is."""
    made = subprocess.run([os.path.join(TOP, "tests/kube/build")], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    reason = why_not(made)
    if reason:
        results.skip("Cluster", reason)
        return
    programs = made.stdout.strip()
    with tempfile.TemporaryDirectory(prefix="microshift-support-bench.", dir="/var/tmp") as directory, \
            Cluster(programs) as cluster:
        peaks = []
        for count in PODS:
            cluster.make_pods(count)
            peaks.append(measure(results, f"Cluster of {count} pods", build, programs, cluster, directory))
        results.add("Cluster", f"peak, {PODS[-1]} pods to {PODS[0]}", peaks[-1] / peaks[0], "x", 1.1)
