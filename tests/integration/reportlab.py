# SPDX-License-Identifier: Apache-2.0
"""For tests that run real tools of a machine and look at what a report has of them: a mount namespace in
which the directories they write to are empty, a report of some collectors, and TAP."""

import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.path.abspath(os.environ.get("top_srcdir", "."))
BUILD = os.path.abspath(os.environ.get("top_builddir", "."))
CAPTURE = os.path.join(BUILD, "microshift-support-capture")
ENTERED = "TEST_IN_NAMESPACE"


class Skipped(Exception):
    """Raised by a test that cannot run here, with the reason."""


def skip(reason):
    """Ends the whole script, before its first test."""
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)


def need(*programs):
    """Skips the test when it cannot run here."""
    if os.getuid() != 0:
        skip("needs root")
    for program in (*programs, "unshare"):
        if not shutil.which(program):
            skip(f"{program} is not installed")


def enter(*options):
    """Goes on in a mount namespace of our own: runs the script anew in it. OPTIONS are of unshare(1)."""
    if os.environ.get(ENTERED) == "yes":
        return
    unshare = ["unshare", "--mount", "--propagation", "private", *options]
    if subprocess.run([*unshare, "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        skip("this machine may not make namespaces")
    os.environ[ENTERED] = "yes"
    os.execvp(unshare[0], [*unshare, sys.executable, os.path.abspath(sys.argv[0])])


def cover(*directories):
    """Makes directories empty; in our namespace only."""
    for directory in directories:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", directory], check=True)


def wait_for(what, condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.05)


class Report:
    """A full report of the collectors ONLY, unpacked below WORK."""

    def __init__(self, work, *only):
        out = tempfile.mkdtemp(dir=work)
        run = subprocess.run(
            [CAPTURE, "--output", out, "--profile", "full", "--only", ",".join(only), "--collect-dir",
             os.path.join(TOP, "conf/collect.d")],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )
        archives = glob.glob(out + "/*.tar.zst")
        assert archives, run.stdout
        subprocess.run(["tar", "-xf", archives[0], "-C", out], check=True)
        self.tree = glob.glob(out + "/*/")[0]
        self.plugins = json.loads(self.text("manifest.json"))["components"]["report"]["plugins"]

    def text(self, path):
        with open(os.path.join(self.tree, path), encoding="utf-8") as f:
            return f.read()

    def names(self, pattern):
        return sorted(os.path.basename(p) for p in glob.glob(os.path.join(self.tree, pattern)))

    def commands(self):
        return [c for p in self.plugins.values() for c in p["commands"]]

    def has(self, text):
        return subprocess.run(["grep", "-rqF", text, self.tree], check=False).returncode == 0


def run_tests(tests, *arguments):
    """Runs functions whose documentation is their name. Returns the exit status."""
    failed = 0
    for n, test in enumerate(tests, 1):
        try:
            test(*arguments)
            print(f"ok {n} - {test.__doc__}", flush=True)
        except Skipped as e:
            print(f"ok {n} - {test.__doc__} # SKIP {e}", flush=True)
        except (AssertionError, OSError, KeyError, ValueError, subprocess.CalledProcessError) as e:
            failed += 1
            for line in f"{type(e).__name__}: {e} {getattr(e, 'stderr', '') or ''}".splitlines():
                print("#", line)
            print(f"not ok {n} - {test.__doc__}", flush=True)
    print(f"1..{len(tests)}")
    return 1 if failed else 0
