"""LXC's own bridge on hosts with OpenRC: Alpine's service is another one, and Gentoo's package has
a unit of systemd's only.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from audit.model import Finding, Outcome
from audit.registry import builtin
from audit.testing import judged
from remediations.actions import Install, Run, Write
from remediations.lxcnet import move
from tests.checks.cgroup.lab import Lab
from tests.remediations.running import Running
from tests.remediations.test_bridges import carried_out
from tests.remediations.test_network_fixes import made

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root: files of several owners")
CHECKS = builtin()
CONFIG = ("lxc.net.0.type = veth", "lxc.net.0.link = lxcbr0", "lxc.net.0.flags = up")
SETTINGS = "/etc/conf.d/dnsmasq.lxcbr0"
SERVICE = "/etc/init.d/dnsmasq.lxcbr0"
PID = "/run/dnsmasq.lxcbr0.pid"
SCRIPT = "/usr/libexec/lxc/lxc-net"
ROUTES = (
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n"
    "eth0\t0003000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\n"
)


def openrc(family: str, *, bridge: bool = False) -> Lab:
    host = made(*CONFIG)
    host.directories.discard("/run/systemd/system")
    host.write("/run/openrc/softlevel", "default")
    host.write("/etc/os-release", f"ID={family}\n")
    host.write("/proc/net/dev", "\n\n  lxcbr0: 0 0\n" if bridge else "\n\n  lo: 0 0\n")
    host.remove("/sys/class/net/lxcbr0")
    if bridge:
        host.write("/sys/class/net/lxcbr0/bridge/bridge_id", "8000\n")
        host.write("/sys/class/net/lxcbr0/flags", "0x1003\n")
        host.directories.add("/sys/class/net/lxcbr0/brif")
    return host


def found(tmp_path: Path, host: Lab, check: str) -> Finding:
    tree = Running(tmp_path, host)
    (finding,) = judged(CHECKS[f"network.{check}"], tree.host()).findings
    return finding


def commands(finding: Finding) -> list[str]:
    assert finding.fix is not None
    return [one.command for one in finding.fix.actions if isinstance(one, Run)]


def test_alpines_bridge_is_made_by_its_own_package_and_service(tmp_path: Path) -> None:
    host = openrc("alpine")
    finding = found(tmp_path, host, "bridge_exists")
    assert finding.fix is not None
    assert finding.fix.actions[0] == Install("alpine", ("lxc-bridge", "iptables"))
    assert commands(finding) == [
        "rc-update add dnsmasq.lxcbr0 default",
        "rc-service dnsmasq.lxcbr0 start",
        "rc-service dnsmasq.lxcbr0 restart",
    ]


def test_alpines_service_is_what_runs_the_bridge(tmp_path: Path) -> None:
    host = openrc("alpine", bridge=True)
    finding = found(tmp_path, host, "lxc_net")
    assert finding.outcome is Outcome.NOT_APPLICABLE  # a bridge that was made in another way
    host.write(SERVICE)
    finding = found(tmp_path, host, "lxc_net")
    assert finding.outcome is Outcome.FAIL and "dnsmasq.lxcbr0 does not run" in finding.message
    assert "rc-service dnsmasq.lxcbr0 start" in commands(finding)
    host.write(PID, "7\n")
    finding = found(tmp_path, host, "lxc_net")
    assert finding.outcome is Outcome.FAIL and "its dnsmasq is gone" in finding.message
    assert commands(finding) == ["rc-service dnsmasq.lxcbr0 restart"]
    host.write("/proc/7/comm", "dnsmasq\n")
    assert found(tmp_path, host, "lxc_net").outcome is Outcome.PASS


def test_an_alpine_with_the_service_of_lxc_itself_is_judged_by_that(tmp_path: Path) -> None:
    host = openrc("alpine", bridge=True)
    host.write("/etc/init.d/lxc-net")
    assert "lxc-net does not run" in found(tmp_path, host, "lxc_net").message


def test_alpines_bridge_moves_to_another_network_in_its_own_settings(tmp_path: Path) -> None:
    host = openrc("alpine", bridge=True)
    host.write(SERVICE)
    host.write(SETTINGS, 'rc_before="lxc"\nBRIDGE_ADDR="10.0.3.1"\n')
    host.write("/proc/net/route", ROUTES)
    tree = Running(tmp_path, host)
    files = carried_out(tree, move(tree.host(), "lxcbr0"))
    assert files == {
        SETTINGS: 'rc_before="lxc"\nBRIDGE_ADDR="10.0.4.1"\nBRIDGE_NETMASK="255.255.255.0"\n'
        'BRIDGE_NETWORK="10.0.4.0/24"\nBRIDGE_DHCP_RANGE="10.0.4.2,10.0.4.254"\n'
        'BRIDGE_DHCP_MAX="253"\n'
    }


def test_gentoos_openrc_gets_the_service_that_its_package_lacks(tmp_path: Path) -> None:
    host = openrc("gentoo")
    host.write(SCRIPT)
    finding = found(tmp_path, host, "bridge_exists")
    assert finding.fix is not None
    (written,) = (one for one in finding.fix.actions if isinstance(one, Write))
    assert (written.path, written.mode) == ("/etc/init.d/lxc-net", 0o755)
    assert f"{SCRIPT} start" in written.text and f"{SCRIPT} stop" in written.text
    subprocess.run(["sh", "-n", "-c", written.text], check=True)
    assert commands(finding) == [
        "rc-update add lxc-net default",
        "rc-service lxc-net start",
        "rc-service lxc-net restart",
    ]
    host.write("/etc/init.d/lxc-net")
    assert commands(found(tmp_path, host, "bridge_exists")) == commands(finding)
    assert not any(
        isinstance(one, Write)
        for one in (found(tmp_path, host, "bridge_exists").fix or finding.fix).actions
    )
