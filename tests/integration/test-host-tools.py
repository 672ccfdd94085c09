#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is taken from Open vSwitch, OVN's databases and LVM, against real ones: a switch with its datapath in
user space, a volume group on a loop device. In mount and network namespaces of their own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

from reportlab import Report, Skipped, cover, enter, need, run_tests, wait_for

BRIDGE = "br-test"
GROUP = "mstest"
PSK = "Pl4ntedTunnelKey"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


def run(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True).stdout.strip()


class Switch:
    """Open vSwitch with one bridge; needs no kernel module."""

    def __init__(self):
        os.makedirs("/run/openvswitch")
        os.makedirs("/var/log/openvswitch")
        run("ovsdb-tool", "create", "/etc/openvswitch/conf.db", SCHEMA)
        run("ovsdb-server", "/etc/openvswitch/conf.db", "--remote=punix:/run/openvswitch/db.sock", "--pidfile", "--detach",
            "--log-file")
        run("ovs-vsctl", "--no-wait", "init")
        run("ovs-vswitchd", "--pidfile", "--detach", "--log-file")
        run("ovs-vsctl", "-t", "20", "add-br", BRIDGE, "--", "set", "bridge", BRIDGE, "datapath_type=netdev")
        run("ovs-vsctl", "-t", "20", "set", "interface", BRIDGE, f"options:psk={PSK}")
        run("ovs-ofctl", "-O", "OpenFlow13", "add-flow", BRIDGE, "priority=77,icmp,actions=drop")

        self.run_ovn()

    @staticmethod
    def run_ovn():
        """The server of OVN's databases, on the sockets that its pods have on the host."""
        os.makedirs("/run/ovn")
        with open(SCHEMA, encoding="utf-8") as f:
            schema = json.load(f)
        for short, name in (("nb", "OVN_Northbound"), ("sb", "OVN_Southbound")):
            with open(f"/run/ovn/{short}.ovsschema", "w", encoding="utf-8") as f:
                json.dump({**schema, "name": name}, f)
            run("ovsdb-tool", "create", f"/run/ovn/ovn{short}_db.db", f"/run/ovn/{short}.ovsschema")
            run("ovsdb-server", f"/run/ovn/ovn{short}_db.db", f"--unixctl=/run/ovn/ovn{short}_db.ctl",
                f"--pidfile=/run/ovn/ovn{short}_db.pid", "--detach", "--no-chdir")

    @staticmethod
    def pids():
        pids = []
        for name in ("openvswitch/ovs-vswitchd", "openvswitch/ovsdb-server", "ovn/ovnnb_db", "ovn/ovnsb_db"):
            try:
                with open(f"/run/{name}.pid", encoding="ascii") as f:
                    pids.append(int(f.read()))
            except OSError:
                pass
        return pids

    def stop(self):
        for pid in self.pids():
            os.kill(pid, signal.SIGTERM)
        wait_for("Open vSwitch to end", lambda: not self.pids())


class Volumes:
    """A volume group on a loop device; logical volumes would need the kernel's device mapper."""

    def __init__(self, work):
        self.device = None
        self.reason = None
        image = os.path.join(work, "disk.img")
        with open(image, "wb") as f:
            f.truncate(64 * 1024 * 1024)
        try:
            self.device = run("losetup", "--find", "--show", image)
            run("vgcreate", GROUP, self.device)
        except (OSError, subprocess.CalledProcessError) as e:
            said = getattr(e, "stderr", "") or str(e)
            self.reason = "no volume group on a loop device: " + said.strip().splitlines()[-1]

    def stop(self):
        if self.device:
            subprocess.run(["vgremove", "-ff", "-y", GROUP], capture_output=True, check=False)
            subprocess.run(["losetup", "--detach", self.device], check=False)


def test_show(report, _volumes):
    """bridges, as ovs-vsctl shows them"""
    shown = report.text("sos_commands/openvswitch/ovs-vsctl_-t_5_show")
    assert f"Bridge {BRIDGE}" in shown and "datapath_type: netdev" in shown, shown
    assert BRIDGE in report.text("sos_commands/openvswitch/ovs-vsctl_-t_5_list_interface")
    assert "handlers" in report.text("sos_commands/openvswitch/ovs-appctl_memory.show")


def test_each_bridge(report, _volumes):
    """the flows of each bridge"""
    flows = report.text(f"sos_commands/openvswitch/ovs-ofctl_-O_OpenFlow13_dump-flows_{BRIDGE}")
    assert "priority=77,icmp actions=drop" in flows, flows
    assert "LOCAL" in report.text(f"sos_commands/openvswitch/ovs-ofctl_-O_OpenFlow13_show_{BRIDGE}")


def test_each_datapath(report, _volumes):
    """the ports of each datapath"""
    name = "sos_commands/openvswitch/ovs-appctl_dpctl.show_-s_netdev_ovs-netdev"
    assert f"{BRIDGE} (tap)" in report.text(name), report.names("sos_commands/openvswitch/*")


def test_log(report, _volumes):
    """the log of the daemon; the key of a tunnel is nowhere"""
    interfaces = report.text("sos_commands/openvswitch/ovs-vsctl_-t_5_list_interface")
    assert 'psk=[REDACTED:key]' in interfaces, interfaces
    assert not report.has(PSK)
    assert "opened log file" in report.text("var/log/openvswitch/ovs-vswitchd.log")


def test_ovn(report, _volumes):
    """the state of OVN's databases"""
    name = "sos_commands/microshift_ovn/ovs-appctl_-t_.var.run.ovn.%s"
    assert "cells" in report.text(name % "ovnnb_db.ctl_memory.show")
    assert "state: active" in report.text(name % "ovnsb_db.ctl_ovsdb-server.sync-status")
    assert "ok" in report.text(name % "ovnsb_db.ctl_ovsdb-server.get-db-storage-status_OVN_Southbound")
    assert "coverage" in report.text(name % "ovnnb_db.ctl_coverage.show")
    assert report.names(name % "ovn-controller._.ctl_ct-zone-list"), report.names(name % "*")


def test_network(report, _volumes):
    """addresses, links, routes and sockets of the network that we are in"""
    assert f"{BRIDGE}:" in report.text("sos_commands/networking/ip_-s_-d_link")
    assert "127.0.0.1/8" in report.text("sos_commands/networking/ip_-d_address")
    assert "local 127.0.0.1" in report.text("sos_commands/networking/ip_route_show_table_all")
    assert "lookup main" in report.text("sos_commands/networking/ip_-4_rule_list")
    assert "/run/openvswitch/db.sock" in report.text("sos_commands/networking/ss_-peaonmi")


def test_firewall(report, _volumes):
    """the rules in the kernel"""
    if "firewall_tables" not in report.plugins or not report.names("sos_commands/firewall_tables/*"):
        raise Skipped("the kernel has no nftables")
    assert f"table ip {GROUP}" in report.text("sos_commands/firewall_tables/nft_-a_list_ruleset")


def test_volumes(report, volumes):
    """the volume group and the disk that it is on"""
    if volumes.reason:
        raise Skipped(volumes.reason)
    groups = report.text("sos_commands/lvm2/" + report.names("sos_commands/lvm2/vgs_*")[0])
    assert GROUP in groups and "60.00m" in groups, groups
    disks = report.text("sos_commands/lvm2/" + report.names("sos_commands/lvm2/pvs_*")[0])
    assert GROUP in disks and "/dev/loop" in disks, disks
    assert "leaked" not in groups, groups


def main():
    need("ovsdb-server", "ovs-vswitchd", "ip", "ss", "nft", "losetup")
    enter("--net")
    run("ip", "link", "set", "lo", "up")
    work = tempfile.mkdtemp(prefix="test-host-tools-", dir="/var/tmp")
    cover("/run", "/var/log", "/etc/openvswitch")
    switch = Switch()
    volumes = Volumes(work)
    try:
        subprocess.run(["nft", "add", "table", "ip", GROUP], stderr=subprocess.DEVNULL, check=False)
        report = Report(work, "openvswitch", "microshift_ovn", "networking", "firewall_tables", "lvm2")
        tests = (test_show, test_each_bridge, test_each_datapath, test_log, test_ovn, test_network, test_firewall,
                 test_volumes)
        return run_tests(tests, report, volumes)
    finally:
        volumes.stop()
        switch.stop()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
