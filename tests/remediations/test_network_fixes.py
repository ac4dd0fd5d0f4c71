"""Law 4 for the fixes of network.*: lines of lxc-usernet and of configs, and lxc-user-nic."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from audit.live import search_bytes
from audit.model import Outcome
from audit.registry import builtin
from audit.source import Answer
from audit.testing import judged
from tests.checks.cgroup import lab
from tests.checks.cgroup.lab import CONFIG, LIBRARY, Lab
from tests.remediations.law4 import law4, script_of
from tests.remediations.running import Running

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root: files of several owners")
CHECKS = builtin()
HELPER = "/usr/libexec/lxc/lxc-user-nic"
USERNET = "/etc/lxc/lxc-usernet"
SCRIPT = "/home/lxc/up"
BRIDGE = "lxcbr0"
VETH = ("lxc.net.0.type = veth", f"lxc.net.0.link = {BRIDGE}", "lxc.net.0.flags = up")
SECOND = ("lxc.net.1.type = veth", f"lxc.net.1.link = {BRIDGE}", "lxc.net.1.flags = up")


class Net(Lab):
    """The lab with a bridge that has an address."""

    helper = HELPER

    def ask(self, verb: str, *args: str) -> Answer:
        if verb == "search" and args[0] == LIBRARY:
            text = f"\0liblxc\0{self.lxc}\0{self.helper}\0libseccomp.so.2\0libcap.so.2\0"
            return search_bytes(text.encode(), args[1])
        if verb == "address":
            return ["10.0.3.1", "255.255.255.0"] if args[0] == BRIDGE else None
        return super().ask(verb, *args)


def made(*config: str) -> Net:
    """A host with LXC, lxcbr0 and a config of a veth on it."""
    from_base = lab.base("5.0.2")
    found = Net()
    found.__dict__.update(from_base.__dict__)
    lab.unified(found)
    lab.systemd(found)
    found.write(CONFIG, "".join(f"{line}\n" for line in config or VETH))
    found.write(HELPER, "program")
    found.write("/etc/os-release", "ID=debian\n")
    found.write(f"/sys/class/net/{BRIDGE}/bridge/bridge_id", "8000\n")
    found.write(f"/sys/class/net/{BRIDGE}/flags", "0x1003\n")
    found.directories.add(f"/sys/class/net/{BRIDGE}/brif")
    found.write("/proc/net/dev", f"\n\n  {BRIDGE}: 0 0\n")
    found.write("/proc/1/status", "CapBnd:\t000001ffffffffff\n")
    found.write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "0\n")
    return found


class Case(NamedTuple):
    """A config or files that are broken, the check that says so, and what they read afterwards."""

    name: str
    check: str
    config: tuple[str, ...] = VETH
    files: Mapping[str, str] = {}
    after: Mapping[str, str] = {}
    modes: Mapping[str, int] = {HELPER: 0o4755}
    cured: Outcome = Outcome.PASS


def lines(*config: str) -> dict[str, str]:
    return {CONFIG: "".join(f"{line}\n" for line in config)}


CASES = (
    Case("no file", "usernet_file", after={USERNET: f"lxc veth {BRIDGE} 1\n"}),
    Case(
        "no file, two networks",
        "usernet_file",
        (*VETH, *SECOND),
        after={USERNET: f"lxc veth {BRIDGE} 2\n"},
    ),
    Case(
        "another bridge, and no newline at the end",
        "usernet_line",
        files={USERNET: "lxc veth br0 5"},
        after={USERNET: f"lxc veth br0 5\nlxc veth {BRIDGE} 1\n"},
    ),
    Case(
        "two networks, one line",
        "usernet_line",
        (*VETH, *SECOND),
        {USERNET: "# nobody\n"},
        {USERNET: f"# nobody\nlxc veth {BRIDGE} 2\n"},
    ),
    Case(
        "who holds interfaces already needs more",
        "usernet_line",
        files={
            USERNET: "# nobody\n",
            "/run/lxc/nics": f"lxc veth br9 {BRIDGE}\nbob veth br9 {BRIDGE}\nlxc veth br9 gone\n",
        },
        after={USERNET: f"# nobody\nlxc veth {BRIDGE} 2\n"},
    ),
    Case(
        "the quota is used up",
        "usernet_quota",
        files={
            USERNET: f"lxc\tveth {BRIDGE} 1 # of old\n",
            "/run/lxc/nics": f"lxc veth {BRIDGE} {BRIDGE}\n",
        },
        after={USERNET: f"lxc\tveth {BRIDGE} 2 # of old\n"},
    ),
    Case(
        "a quota for one of three networks",
        "usernet_quota",
        (*VETH, *SECOND, *(line.replace("net.1", "net.2") for line in SECOND)),
        {USERNET: f"lxc veth {BRIDGE} 1\n"},
        {USERNET: f"lxc veth {BRIDGE} 3\n"},
    ),
    Case(
        "a group that kills the helper",
        "usernet_groups",
        files={USERNET: f"@nosuch veth x 1\nlxc veth {BRIDGE} 1\n"},
        after={USERNET: f"#@nosuch veth x 1\nlxc veth {BRIDGE} 1\n"},
    ),
    Case("the helper lost its bit", "usernic_setuid", modes={HELPER: 0o755}),
    Case("a helper for its group alone", "usernic", modes={HELPER: 0o4750}),
    Case(
        "no flags",
        "flags_up",
        VETH[:2],
        after=lines(*VETH),
    ),
    Case(
        "a macvlan",
        "nic_type",
        ("lxc.net.0.type = macvlan", *VETH[1:]),
        after=lines(*VETH),
    ),
    Case(
        "the host's network",
        "own_namespace",
        ("lxc.net.0.type = none",),
        after=lines("lxc.net.0.type = empty"),
    ),
    Case(
        "a kept namespace",
        "own_namespace",
        ("lxc.net.0.type = empty", "lxc.namespace.keep = user net ipc"),
        after=lines("lxc.net.0.type = empty", "lxc.namespace.keep = user ipc"),
    ),
    Case(
        "an empty network with an address",
        "inert",
        ("lxc.net.0.type = empty", "lxc.net.0.ipv4.address = 10.0.3.5/24"),
        after=lines("lxc.net.0.type = empty", "lxc.net.0.ipv4.address = "),
    ),
    Case(
        "two of one name",
        "names",
        (*VETH, *SECOND, "lxc.net.1.name = eth0"),
        after=lines(*VETH, *SECOND, "lxc.net.1.name = eth2"),
    ),
    Case(
        "a multicast hardware address",
        "hwaddr",
        (*VETH, "lxc.net.0.hwaddr = 01:16:3e:00:00:01"),
        after=lines(*VETH, "lxc.net.0.hwaddr = 00:16:3e:xx:xx:xx"),
    ),
    Case(
        "an address twice",
        "addresses",
        (*VETH, *("lxc.net.0.ipv4.address = 10.0.3.5/24",) * 2),
        after=lines(
            *VETH,
            "lxc.net.0.ipv4.address = 10.0.3.5/24",
            "# lxc.net.0.ipv4.address = 10.0.3.5/24",
        ),
    ),
    Case(
        "an IPv6 address of many",
        "addresses",
        (*VETH, "lxc.net.0.ipv6.address = fe80::5/64", "lxc.net.0.ipv6.address = ff02::1/64"),
        after=lines(
            *VETH,
            "lxc.net.0.ipv6.address = fe80::5/64",
            "# lxc.net.0.ipv6.address = ff02::1/64",
        ),
    ),
    Case(
        "a gateway, and down",
        "routes",
        (*VETH[:2], "lxc.net.0.ipv4.address = 10.0.3.5/24", "lxc.net.0.ipv4.gateway = 10.0.3.1"),
        after=lines(
            *VETH[:2],
            "lxc.net.0.ipv4.address = 10.0.3.5/24",
            "lxc.net.0.ipv4.gateway = 10.0.3.1",
            "lxc.net.0.flags = up",
        ),
    ),
    Case(
        "a gateway without an address",
        "routes",
        (*VETH, "lxc.net.0.ipv4.gateway = 10.0.3.1"),
        after=lines(*VETH, "# lxc.net.0.ipv4.gateway = 10.0.3.1"),
        cured=Outcome.NOT_APPLICABLE,
    ),
    Case(
        "a gateway to be found, and no link",
        "gateway_auto",
        (VETH[0], "lxc.net.0.ipv4.gateway = auto"),
        after=lines(VETH[0], "# lxc.net.0.ipv4.gateway = auto"),
        cured=Outcome.NOT_APPLICABLE,
    ),
    Case(
        "an address of another network",
        "static_address",
        (
            *VETH,
            "lxc.net.0.ipv4.address = 192.168.10.101/24",
            "lxc.net.0.ipv4.gateway = 192.168.10.1",
        ),
        after=lines(
            *VETH, "lxc.net.0.ipv4.address = 10.0.3.101/24", "lxc.net.0.ipv4.gateway = 10.0.3.1"
        ),
    ),
    Case(
        "the address of the bridge",
        "static_address",
        (*VETH, "lxc.net.0.ipv4.address = 10.0.3.1/24"),
        after=lines(*VETH, "lxc.net.0.ipv4.address = 10.0.3.2/24"),
    ),
    Case(
        "a script of the user's",
        "script_up",
        (*VETH, f"lxc.net.0.script.up = {SCRIPT} x"),
        {SCRIPT: "#!/bin/sh\n"},
    ),
    Case(
        "lxc-net is off",
        "lxc_net",
        files={
            "/etc/default/lxc-net": '# c\nUSE_LXC_BRIDGE="false"\nLXC_ADDR=10.0.3.1\n',
            "/run/lxc/network_up": "",
            "/run/lxc/dnsmasq.pid": "7\n",
            "/proc/7/comm": "dnsmasq\n",
            "/var/lib/dpkg/status": "Package: dnsmasq-base\nStatus: install ok installed\n"
            "Version: 1\n\n",
        },
        after={"/etc/default/lxc-net": '# c\nUSE_LXC_BRIDGE="true"\nLXC_ADDR=10.0.3.1\n'},
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.check}: {case.name}")
def test_fail_fix_pass_again_undo(tmp_path: Path, case: Case) -> None:
    host = made(*case.config)
    for path, text in case.files.items():
        host.write(path, text)
    tree = Running(tmp_path, host, case.modes)
    text = law4(CHECKS[f"network.{case.check}"], tree, cured=(case.cured,))
    if case.after:
        assert tree.run(text).returncode == 0
    for path, after in case.after.items():
        assert tree.read(path) == after


def test_a_helper_of_another_owner_with_capabilities(tmp_path: Path) -> None:
    tree = Running(tmp_path, made(), {HELPER: 0o755})
    at = tree.place / HELPER.strip("/")
    os.chown(at, 7, 7)
    # struct vfs_cap_data of revision 2: effective, cap_net_admin permitted
    os.setxattr(at, "security.capability", bytes.fromhex("0100000200100000" + "00" * 12))
    text = law4(CHECKS["network.usernic_setuid"], tree)
    assert "capability /usr/libexec/lxc/lxc-user-nic -r" in text


@pytest.mark.parametrize("check", ["usernic", "usernic_setuid"])
@pytest.mark.parametrize(
    ("where", "owner"),
    [("/home/lxc/lxc/lxc-user-nic", 1000), (HELPER, 1002), ("/srv/lxc-user-nic", 0)],
)
def test_what_a_user_could_have_planted_is_not_made_setuid(
    tmp_path: Path, check: str, where: str, owner: int
) -> None:
    host = made()
    host.helper = where
    host.write(where, "mine")
    tree = Running(tmp_path, host, {where: 0o600})
    os.chown(tree.place / where.strip("/"), owner, owner)
    before = tree.state()
    findings = judged(CHECKS[f"network.{check}"], tree.host()).findings
    assert [finding.outcome for finding in findings] == [Outcome.FAIL]
    done = tree.run(script_of(CHECKS[f"network.{check}"], tree.host()))
    assert done.returncode == 0 and tree.state() == before, done.stdout


@pytest.mark.parametrize("bridge", ["br0 99 #", "a b", "x\ty"])
def test_no_name_out_of_a_config_becomes_a_line_of_roots(tmp_path: Path, bridge: str) -> None:
    tree = Running(tmp_path, made(VETH[0], f"lxc.net.0.link = {bridge}", VETH[2]))
    before = tree.state()
    text = script_of(CHECKS["network.usernet_file"], tree.host())
    assert "by hand" in text
    assert tree.run(text).returncode == 0 and tree.state() == before


def test_a_directory_in_the_place_of_the_file(tmp_path: Path) -> None:
    host = made()
    host.write(f"{USERNET}/x", "kept")
    tree = Running(tmp_path, host)
    law4(CHECKS["network.usernet_file"], tree)
    assert tree.read(f"{USERNET}/x") == "kept"
