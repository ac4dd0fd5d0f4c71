"""Constructed trees as running hosts: files of the tree, /proc, /sys and /run put together from a
recording and the lab's cgroups. Neither is a recording of such a host.

What a distribution does in its own way must not look broken to a host that runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from audit.engine import judge, level_of, run
from audit.facts.lsm import APPARMOR, APPARMOR_ENABLED, RESTRICT_USERNS
from audit.facts.lxcnet import ALPINES_PID
from audit.host import Host, Request
from audit.model import Finding, Level, Outcome
from audit.planning import plan
from audit.registry import builtin
from audit.source import Answer, Question
from audit.tree import Tree as TreeSource
from remediations.script import script
from remediations.typed import steps
from tests.checks.cgroup.test_lab import openrc
from tests.remediations.law4 import subject_of
from tests.reports.examples import Mixed, alice
from tests.trees import constructed
from tests.trees.constructed import USER, Constructed, distribution

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root: files of several owners")
CHECKS = builtin()
VOLATILE = ("/dev/", "/proc/", "/run/", "/sys/")
PROCESS = ("address", "env", "expiry", "run", "self", "uname")
ROUTES = "Iface\tDestination\tGateway\nens3\t00000000\t0102A8C0\n"
USUAL: Mapping[Question, Answer] = {
    ("read", "/proc/net/route"): ROUTES,
    ("read", "/proc/77/comm"): "dnsmasq\n",
    ("read", ALPINES_PID): "77\n",
    ("stat", ALPINES_PID): ["file", 0o644, 0, 0, 3, 8, 1],
    ("read", "/run/lxc/dnsmasq.pid"): "77\n",
    ("stat", "/run/lxc/network_up"): ["file", 0o644, 0, 0, 0, 8, 1],
}
# The lab's session has it so, whatever the distribution.
OF_THE_LAB = {
    "systemd": {"cgroup.session_delegated", "cgroup.user_delegation"},
    "openrc": {"cgroup.systemd_guest", "cgroup.user_cgroup"},
}


class Booted:
    """The files of a tree, and a running host that they might be of."""

    kind = "live"

    def __init__(self, tree: Constructed, init: str, answers: Mapping[Question, Answer]) -> None:
        self.files = TreeSource(str(tree.place))
        self.answers = {**USUAL, **answers}
        source = alice({}).source
        assert isinstance(source, Mixed)
        if init == "openrc":
            source.cgroups = openrc()
        self.rest = source

    def ask(self, verb: str, *args: str) -> Answer:
        if (verb, *args) in self.answers:
            return self.answers[verb, *args]
        if verb == "statvfs":
            return [4096, 1 << 40, 1 << 20, 1 << 20, 255]
        if verb in PROCESS or (args and f"{args[0]}/".startswith(VOLATILE)):
            return self.rest.ask(verb, *args)
        return self.files.ask(verb, *args)


def host_of(tree: Constructed, key: str, answers: Mapping[Question, Answer] | None = None) -> Host:
    source = Booted(tree, distribution(key).init, answers or {})
    return Host(source, Request(USER, template="download"))


def set_up(place: Path, key: str) -> Constructed:
    """The tree in its last state, and what files alone can cure in it cured."""
    tree = Constructed(place, key, "manual")
    host = tree.host({}, Request(USER, template="download"))
    done = tree.run(script(plan(host, CHECKS, level="degraded").steps, subject_of(host)))
    assert done.returncode == 0, done.stdout + done.stderr
    return tree


def failing(host: Host) -> Iterator[tuple[str, Level, Finding]]:
    for result in run(CHECKS, host):
        for finding in result.findings:
            assert finding.outcome is not Outcome.ERROR, (result.check.id, finding.message)
            if finding.outcome is Outcome.FAIL:
                yield result.check.id, level_of(result.check, finding), finding


@pytest.mark.parametrize("key", constructed.names())
def test_nothing_stops_a_constructed_host_that_is_set_up_as_its_manual_says(
    tmp_path: Path, key: str
) -> None:
    tree = set_up(tmp_path, key)
    found = {check: (level, one.message) for check, level, one in failing(host_of(tree, key))}
    assert not [one for one in found.items() if one[1][0] is Level.BLOCKING]
    degraded = {check for check, (level, _) in found.items() if level is Level.DEGRADED}
    expected = OF_THE_LAB[distribution(key).init]
    if key == "alpine":
        expected = expected | {"cgroup.openrc_mode"}
    assert degraded == expected, found


@pytest.mark.parametrize(
    ("key", "without", "install", "start"),
    [
        ("ubuntu", (), "", "systemctl start lxc-net"),  # its lxc brings dnsmasq-base
        ("fedora", (), "dnf install -y dnsmasq", "systemctl start lxc-net"),
        ("arch", (), "pacman -S --needed --noconfirm dnsmasq", "systemctl start lxc-net"),
        ("alpine", ("bridge",), "apk add lxc-bridge iptables", "rc-service dnsmasq.lxcbr0 start"),
        ("gentoo", (), "emerge --noreplace net-dns/dnsmasq", "rc-service lxc-net start"),
        ("gentoo-systemd", (), "emerge --noreplace net-dns/dnsmasq", "systemctl start lxc-net"),
    ],
)
def test_a_constructed_host_without_its_bridge_gets_the_distributions_own(
    tmp_path: Path, key: str, without: tuple[str, ...], install: str, start: str
) -> None:
    tree = Constructed(tmp_path, key, "manual", without)
    gone: dict[Question, Answer] = {
        ("list", "/sys/class/net"): ["lo", "ens3"],
        ("stat", "/sys/class/net/lxcbr0/bridge"): None,
        ("read", "/proc/net/dev"): "a\nb\n  lo: 0 0\n  ens3: 0 0\n",
    }
    host = host_of(tree, key, gone)
    (finding,) = judge(CHECKS["network.bridge_exists"], host).findings
    assert finding.outcome is Outcome.FAIL and finding.fix is not None
    lines = steps(finding.fix)
    assert start in lines
    assert lines[0] == install if install else "install" not in "".join(lines)


@pytest.mark.parametrize(
    ("key", "lines"),
    [
        ("alpine", ["apk add cgroup-tools libcgroup-pam"]),
        (
            "gentoo",
            [
                "echo 'dev-libs/libcgroup pam' >> /etc/portage/package.use/lxc-preflight",
                "emerge --oneshot --changed-use dev-libs/libcgroup",
            ],
        ),
    ],
)
def test_a_constructed_host_with_openrc_gets_libcgroup_in_its_distributions_words(
    tmp_path: Path, key: str, lines: list[str]
) -> None:
    tree = set_up(tmp_path, key)
    (fix,) = (
        one.fix for check, _, one in failing(host_of(tree, key)) if check == "cgroup.user_cgroup"
    )
    assert fix is not None
    assert set(lines) <= set(steps(fix)), steps(fix)


def test_ubuntus_own_profiles_let_lxc_make_user_namespaces_on_its_constructed_tree(
    tmp_path: Path,
) -> None:
    tree = Constructed(tmp_path, "ubuntu", "lxc")
    restricted: dict[Question, Answer] = {
        ("read", f"/proc/sys/{RESTRICT_USERNS.replace('.', '/')}"): "1\n",
        ("read", APPARMOR_ENABLED): "Y\n",
        ("read", f"{APPARMOR}/profiles"): "lxc-create (unconfined)\nlxc-usernsexec (unconfined)\n"
        "/usr/bin/lxc-start (enforce)\n",
    }
    found = judge(CHECKS["userns.apparmor"], host_of(tree, "ubuntu", restricted)).findings
    assert {(one.subject, one.outcome) for one in found} == {
        (f"/usr/bin/{name}", Outcome.PASS) for name in ("lxc-create", "lxc-usernsexec", "lxc-start")
    }
