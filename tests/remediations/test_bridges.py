"""Bridges, address translation and filters: what is written for the next boot by each network
manager and init system, and what is done now, in a network namespace of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from audit.facts.firewall import parse_ruleset
from audit.facts.nics import veths
from audit.host import Host
from audit.model import Fix
from audit.registry import builtin
from audit.testing import judged
from remediations.actions import Manual, Run, Write
from remediations.bridges import set_up
from remediations.firewall import let_through, nat
from tests.checks.cgroup.lab import CONFIG as CONFIG_FILE
from tests.checks.cgroup.lab import Lab
from tests.remediations.law4 import Tree
from tests.remediations.running import Running
from tests.remediations.scripts import script_for
from tests.remediations.test_network_fixes import made

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="takes root: files and network namespaces"
)
CHECKS = builtin()
BRIDGE = "tbr0"
CONFIG = ("lxc.net.0.type = veth", f"lxc.net.0.link = {BRIDGE}", "lxc.net.0.flags = up")
STATIC = ("lxc.net.0.ipv4.address = 10.9.0.5/24", "lxc.net.0.ipv4.gateway = 10.9.0.1")
INTERFACES = "/etc/network/interfaces"
DEBIAN = "source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n"

MANAGERS: Mapping[str, Mapping[str, str]] = {
    "Debian's ifupdown": {"/etc/os-release": "ID=debian\n", INTERFACES: DEBIAN},
    "Alpine's ifupdown": {"/etc/os-release": "ID=alpine\n", INTERFACES: "auto lo\n"},
    "NetworkManager on Debian": {
        "/etc/os-release": "ID=debian\n",
        "/run/NetworkManager/NetworkManager.pid": "1",
    },
    "Fedora": {"/etc/os-release": "ID=fedora\n"},
    "systemd-networkd on Ubuntu": {
        "/etc/os-release": "ID=ubuntu\n",
        "/run/systemd/netif/state": "1",
    },
    "Arch": {"/etc/os-release": "ID=arch\n"},
    "Gentoo": {"/etc/os-release": "ID=gentoo\n", "/etc/conf.d/net": "config_eth0=dhcp\n"},
    "unknown": {"/etc/os-release": "ID=other\n"},
}
NETWORKD = ["/etc/systemd/network/tbr0.netdev", "/etc/systemd/network/tbr0.network"]
FILES = {
    "Debian's ifupdown": ["/etc/network/interfaces.d/tbr0"],
    "Alpine's ifupdown": [INTERFACES, "/etc/network/interfaces.d/tbr0"],
    "systemd-networkd on Ubuntu": NETWORKD,
    "Arch": NETWORKD,
    "Gentoo": ["/etc/conf.d/net"],
}
COMMANDS = {
    "Debian's ifupdown": ["ifup tbr0"],
    "Alpine's ifupdown": ["ifup tbr0"],
    "NetworkManager on Debian": ["nmcli connection add", "nmcli connection up tbr0"],
    "Fedora": ["nmcli connection add", "nmcli connection up tbr0"],
    "systemd-networkd on Ubuntu": ["networkctl reload"],
    "Arch": ["systemctl enable systemd-networkd", "networkctl reload"],
    "Gentoo": ["ln -s net.lo /etc/init.d/net.tbr0"],
    "unknown": ["ip link add name tbr0 type bridge", "ip address add 10.9.0.1/24 dev tbr0"],
}


def lab_of(manager: str, *config: str) -> Lab:
    host = made(*CONFIG, *config)
    for path, text in MANAGERS[manager].items():
        host.write(path, text)
    return host


def runs(fix: Fix) -> list[Run]:
    return [one for one in fix.actions if isinstance(one, Run)]


def readable(fix: Fix) -> None:
    """A shell can read every command, and something takes each back."""
    for one in runs(fix):
        for text in (one.command, one.unless, one.undo):
            subprocess.run(["sh", "-n", "-c", text], check=True)
        assert one.undo, one


def carried_out(tree: Tree, fix: Fix) -> dict[str, str]:
    """The files that a fix writes on a tree; twice is once, and undo is complete."""
    before = tree.state()
    text = script_for(*fix.actions)
    assert tree.run(text).returncode == 0
    once = tree.state()
    again = tree.run(text)
    assert again.returncode == 0 and tree.state() == once, again.stdout
    top = len(str(tree.place))
    found = {
        path[top:]: Path(path).read_text()
        for path, entry in once.items()
        if entry != before.get(path) and Path(path).is_file() and "/var/lib/lxc-" not in path
    }
    undone = tree.run(text, "--undo")
    assert undone.returncode == 0 and tree.state() == before, undone.stdout
    return dict(sorted(found.items()))


@pytest.mark.parametrize("manager", MANAGERS)
def test_a_bridge_is_made_now_and_at_every_boot(tmp_path: Path, manager: str) -> None:
    tree = Running(tmp_path, lab_of(manager, *STATIC))
    (finding,) = judged(CHECKS["network.bridge_exists"], tree.host()).findings
    fix = finding.fix
    assert fix is not None and fix.title == "make the bridge tbr0 with 10.9.0.1/24"
    readable(fix)
    commands = " ; ".join(one.command for one in runs(fix))
    for command in COMMANDS[manager]:
        assert command in commands
    found = carried_out(tree, fix)
    assert list(found) == FILES.get(manager, [])
    if manager not in ("unknown", "Fedora", "NetworkManager on Debian"):
        assert any("10.9.0.1" in text for text in found.values())
    assert any(isinstance(one, Manual) for one in fix.actions) == (manager == "unknown")


def test_alpines_main_file_reads_the_one_of_the_bridge(tmp_path: Path) -> None:
    tree = Running(tmp_path, lab_of("Alpine's ifupdown"))
    (finding,) = judged(CHECKS["network.bridge_exists"], tree.host()).findings
    assert finding.fix is not None
    found = carried_out(tree, finding.fix)
    assert found[INTERFACES] == "auto lo\nsource /etc/network/interfaces.d/tbr0\n"


def test_lxcs_own_bridge_is_left_to_lxc_net(tmp_path: Path) -> None:
    host = lab_of("Debian's ifupdown")
    host.write("/usr/libexec/lxc/lxc-net")
    host.write("/etc/default/lxc-net", "LXC_BRIDGE=tbr0\n")
    tree = Running(tmp_path, host)
    (finding,) = judged(CHECKS["network.bridge_exists"], tree.host()).findings
    assert finding.fix is not None and finding.fix.id == "lxc_net"
    assert [one.command for one in runs(finding.fix)][-3:] == [
        "systemctl enable lxc-net",
        "systemctl start lxc-net",
        "systemctl restart lxc-net",
    ]


ROUTES = (
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n"
    "eth0\t0000090A\t00000000\t0001\t0\t0\t0\t00FFFFFF\n"
)


def test_an_address_on_the_hosts_own_network_is_for_a_person(tmp_path: Path) -> None:
    host = lab_of("Debian's ifupdown", *STATIC)
    host.write("/proc/net/route", ROUTES)
    tree = Running(tmp_path, host)
    (finding,) = judged(CHECKS["network.bridge_exists"], tree.host()).findings
    assert finding.fix is not None
    (manual,) = finding.fix.actions
    assert isinstance(manual, Manual) and "put eth0 on the bridge tbr0" in manual.lines[0]


def test_a_network_that_is_taken_is_not_taken_again(tmp_path: Path) -> None:
    host = lab_of("Debian's ifupdown")
    host.write("/proc/net/route", ROUTES.replace("0000090A", "0003000A"))
    tree = Running(tmp_path, host)
    (finding,) = judged(CHECKS["network.bridge_exists"], tree.host()).findings
    assert finding.fix is not None and finding.fix.title.endswith("with 10.0.4.1/24")


@pytest.mark.parametrize("name", ["docker0", "virbr0", "br-0123456789ab", "-x", "a:b"])
def test_a_bridge_of_a_daemons_or_of_no_plain_name_is_not_made(tmp_path: Path, name: str) -> None:
    host = lab_of("Debian's ifupdown")
    host.write(CONFIG_FILE, host.files[CONFIG_FILE].replace(BRIDGE, name))
    tree = Running(tmp_path, host)
    (finding,) = judged(CHECKS["network.bridge_exists"], tree.host()).findings
    assert finding.fix is not None
    assert all(isinstance(one, Manual) for one in finding.fix.actions)


def in_a_namespace(*steps: str) -> str:
    """Standard output of shell lines with a network and a /sys of their own."""
    text = "\n".join(("set -e", "mount -t sysfs sysfs /sys", "ip link set lo up", *steps))
    command = ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", text]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{text}"
    return done.stdout


def proven(*found: Run, between: str = ":") -> tuple[str, ...]:
    """Shell that ends well when each command makes its test succeed, and its undo makes it fail."""
    lines: list[str] = []
    for one in found:
        test = f"{{ {one.unless}; }} >/dev/null 2>&1"
        lines += [f"if {test}; then exit 11; fi", one.command, test]
    lines.append(between)
    for one in reversed(found):
        test = f"{{ {one.unless}; }} >/dev/null 2>&1"
        lines += [one.undo, f"if {test}; then exit 12; fi"]
    return tuple(lines)


def test_what_is_done_now_is_done_and_taken_back(tmp_path: Path) -> None:
    tree = Running(tmp_path, lab_of("unknown", *STATIC))
    (finding,) = judged(CHECKS["network.bridge_exists"], tree.host()).findings
    assert finding.fix is not None
    shown = in_a_namespace(*proven(*runs(finding.fix), between="ip -4 address show dev tbr0"))
    assert "inet 10.9.0.1/24" in shown and re.search(r"<[^>]*\bUP\b", shown)


def with_bridge(manager: str, *config: str) -> Lab:
    """The bridge is there, and down, and nobody has given it an address."""
    host = lab_of(manager, *config)
    host.write(f"/sys/class/net/{BRIDGE}/bridge/bridge_id", "8000\n")
    host.write(f"/sys/class/net/{BRIDGE}/flags", "0x1002\n")
    host.directories.add(f"/sys/class/net/{BRIDGE}/brif")
    host.write("/proc/net/dev", f"\n\n  {BRIDGE}: 0 0\n")
    return host


@pytest.mark.parametrize("check", ["bridge_up", "bridge_address"])
def test_a_bridge_that_is_there_is_set_up(tmp_path: Path, check: str) -> None:
    tree = Running(tmp_path, with_bridge("Debian's ifupdown", *STATIC))
    (finding,) = judged(CHECKS[f"network.{check}"], tree.host()).findings
    assert finding.fix is not None
    readable(finding.fix)
    in_a_namespace("ip link add name tbr0 type bridge", *proven(*runs(finding.fix)))
    found = carried_out(tree, finding.fix)
    assert "address 10.9.0.1" in found["/etc/network/interfaces.d/tbr0"]


def test_what_somebody_else_sets_up_at_boot_is_left_alone(tmp_path: Path) -> None:
    for path, text in (
        ("/etc/network/interfaces.d/mine", "iface tbr0 inet manual\n"),
        ("/etc/systemd/network/9.netdev", "[NetDev]\nName=tbr0\n"),
        ("/etc/NetworkManager/system-connections/x", "[connection]\ninterface-name = tbr0\n"),
    ):
        host = with_bridge("Debian's ifupdown", *STATIC)
        host.write(path, text)
        tree = Running(tmp_path, host)
        fix = set_up(tree.host(), BRIDGE, tree.host().get(veths), address=True)
        assert not carried_out(tree, fix)
        last = fix.actions[-1]
        assert isinstance(last, Manual) and path in last.lines[0]


NETWORK = "10.9.0.0/24"
INITS = {
    "systemd": {"/run/systemd/system/x": ""},
    "openrc": {"/run/openrc/softlevel": "default"},
    "sysvinit": {"/proc/1/comm": "init\n"},
    "none": {"/proc/1/comm": "sh\n"},
}


def host_with(tmp_path: Path, init: str) -> Running:
    host = lab_of("unknown")
    host.directories.discard("/run/systemd/system")
    for path, text in INITS[init].items():
        host.write(path, text)
    return Running(tmp_path, host)


@pytest.mark.parametrize("init", INITS)
def test_address_translation_lasts(tmp_path: Path, init: str) -> None:
    tree = host_with(tmp_path, init)
    fix = nat(tree.host(), NETWORK)
    readable(fix)
    found = carried_out(tree, fix)
    rules = found.pop("/etc/lxc-preflight/nat-10.9.0.0-24.nft")
    if init == "none":
        assert not found and isinstance(fix.actions[-1], Manual)
        return
    ((path, text),) = found.items()
    assert "nft -f /etc/lxc-preflight/nat-10.9.0.0-24.nft" in text
    assert path == {
        "systemd": "/etc/systemd/system/lxc-nat-10.9.0.0-24.service",
    }.get(init, "/etc/init.d/lxc-nat-10.9.0.0-24")
    if init != "systemd":
        subprocess.run(["sh", "-n", "-c", text], check=True)
        (written,) = (one for one in fix.actions if isinstance(one, Write) and one.path == path)
        assert written.mode == 0o755
    assert rules.count("masquerade") == 1


def test_the_rules_do_what_the_check_looks_for(tmp_path: Path) -> None:
    """By the kernel's nftables, in a network namespace."""
    tree = host_with(tmp_path, "none")
    fix = nat(tree.host(), NETWORK)
    place = tmp_path / "rules.nft"
    place.write_text(next(one.text for one in fix.actions if isinstance(one, Write)))
    (run,) = (
        one._replace(command=re.sub(r"/etc/lxc-preflight/\S+", str(place), one.command))
        for one in runs(fix)
        if "nft" in one.command and "apt" not in one.command
    )
    shown = in_a_namespace(*proven(run, between=f"{run.command} && nft list ruleset"))
    (chain,) = parse_ruleset(shown)
    assert chain.type == "nat" and chain.hook == "postrouting"
    assert chain.rules == (f"ip saddr {NETWORK} ip daddr != {NETWORK} masquerade",)


FIREWALLD = """table inet firewalld {
	chain filter_FORWARD {
		type filter hook forward priority filter + 10; policy accept;
		ct state { established, related } accept
		reject with icmpx admin-prohibited
	}
}
"""
UFW = """table ip filter {
	chain ufw-before-forward {
	}
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
		counter packets 0 bytes 0 jump ufw-before-forward
	}
	chain INPUT {
		type filter hook input priority filter; policy drop;
		counter packets 0 bytes 0 jump ufw-before-input
	}
}
"""
DOCKER = """table ip filter {
	chain DOCKER-USER {
		counter packets 0 bytes 0 return
	}
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
		counter packets 0 bytes 0 jump DOCKER-USER
	}
}
"""
OWN = """table inet mine {
	chain in {
		type filter hook input priority 0; policy drop;
		ct state established accept
	}
}
"""


def cure(host: Host, ruleset: str, hook: str, bridge: str = BRIDGE) -> Fix:
    chains = parse_ruleset(ruleset)
    chain = next(one for one in chains if one.hook == hook)
    return let_through(host, chain, chains, bridge)


def test_each_firewall_is_told_in_its_own_words(tmp_path: Path) -> None:
    host = host_with(tmp_path, "systemd").host()
    fix = cure(host, FIREWALLD, "forward")
    readable(fix)
    assert runs(fix)[-1].command == runs(fix)[-1].undo == "firewall-cmd --reload"
    assert not any("trusted" in one.command for one in runs(fix))
    fix = cure(host, UFW, "forward")
    readable(fix)
    assert [one.command for one in runs(fix)] == ["ufw route allow in on tbr0"]
    assert [one.undo for one in runs(fix)] == ["ufw route delete allow in on tbr0"]
    fix = cure(host, UFW, "input")
    readable(fix)
    assert [one.command for one in runs(fix)] == [
        "ufw allow in on tbr0 to any port 53",
        "ufw allow in on tbr0 to any port 67 proto udp",
    ]
    assert runs(fix)[0].undo == "ufw delete allow in on tbr0 to any port 53"


def test_docker_keeps_a_chain_for_others(tmp_path: Path) -> None:
    tree = host_with(tmp_path, "systemd")
    fix = cure(tree.host(), DOCKER, "forward")
    readable(fix)
    ((path, text),) = carried_out(tree, fix).items()
    assert path == "/etc/systemd/system/lxc-forward-tbr0.service"
    assert "After=docker.service\nPartOf=docker.service" in text
    assert text.count("ExecStart=iptables -I DOCKER-USER") == 2
    assert text.count("ExecStop=iptables -D DOCKER-USER") == 2


@pytest.mark.parametrize(("ruleset", "hook"), [(OWN, "input"), (DOCKER, "forward")])
def test_a_filter_of_somebodys_own_and_an_odd_name_are_for_a_person(
    tmp_path: Path, ruleset: str, hook: str
) -> None:
    fix = cure(host_with(tmp_path, "systemd").host(), ruleset, hook, "a b;c")
    (manual,) = fix.actions
    assert isinstance(manual, Manual)


def test_what_a_person_is_told_is_what_the_check_looks_for(tmp_path: Path) -> None:
    fix = cure(host_with(tmp_path, "systemd").host(), OWN, "input")
    (manual,) = fix.actions
    assert isinstance(manual, Manual)
    rules = tmp_path / "own.nft"
    rules.write_text(OWN)
    lines = [line for line in manual.lines if not line.startswith("#")]
    shown = in_a_namespace(f"nft -f {rules}", *lines, "nft list ruleset")
    (chain,) = parse_ruleset(shown)
    assert any(f'"{BRIDGE}"' in rule for rule in chain.rules)
