"""The reports that renderers are tried on: `python -m tests.reports.examples` writes them again.

They are files, so that a new check changes no golden screen. The hosts behind them are put
together: a recorded one whose user is called alice here, with the cgroups of a host that the lab
booted with systemd.
"""

from __future__ import annotations

import datetime
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from audit.host import Host, Request
from audit.judgement import report_of
from audit.model import Unknown
from audit.registry import builtin
from audit.report import Report
from audit.saved import parse_report
from audit.snapshot import parse
from audit.source import Answer, Question, Refused, Snapshot
from audit.waivers import Waiver
from reports import to_json
from tests.checks.cgroup import lab
from tests.recordings import DIRECTORY as RECORDED
from tests.recordings import HEALTHY

DIRECTORY = Path(__file__).parent.parent / "data" / "reports"
NAMES = ("ready", "broken", "unknown")
WAS = {"truth91": "alice", "1309100000": "100000", "52091": "1000", "tbr0": "lxcbr0"}
# What the lab's host answers; everything else is recorded.
OF_THE_LAB = (
    "/sys/fs/cgroup",
    "/sys/kernel/cgroup",
    "/proc/self/cgroup",
    "/run/lxc/network_up",
    "/run/lxc/dnsmasq.pid",
    "/proc/77/",
    "/run/systemd",
    "/run/user",
    "/usr/lib/systemd",
    "/usr/local/lib/systemd",
    "/lib/systemd",
    "/var/lib/systemd",
    "/etc/systemd",
    "/run/openrc",
    "/etc/pam.d",
)
RULES = """\
table inet lxc {
\tchain postrouting {
\t\ttype nat hook postrouting priority srcnat; policy accept;
\t\tip saddr 10.77.0.0/24 ip daddr != 10.77.0.0/24 counter masquerade
\t}
}
"""
SUBIDS = "alice:100000:65536\nbob:165536:65536\ncarol:231072:65536\n"
CONFIG = ("user_read", "/home/alice/.config/lxc/default.conf", "1000:1000:1000")


class Mixed:
    """A recorded host on top of the cgroups of another one."""

    kind = "live"

    def __init__(self, recording: Snapshot, cgroups: lab.Lab, answers: Mapping[Question, Any]):
        self.recording, self.cgroups, self.answers = recording, cgroups, answers

    def ask(self, verb: str, *args: str) -> Answer:
        if (verb, *args) in self.answers:
            answer = self.answers[verb, *args]
            if isinstance(answer, Refused):
                raise Unknown(str(answer))
            return cast(Answer, answer)
        if args and args[0].startswith(OF_THE_LAB):
            return self.cgroups.ask(verb, *args)
        try:
            return self.recording.ask(verb, *args)
        except Unknown:  # a host with systemd is asked more than the recorded one was
            return self.cgroups.ask(verb, *args)


def alice(answers: Mapping[Question, Any]) -> Host:
    """Alice's host, with some answers replaced."""
    usual = _renamed(HEALTHY)
    working = {**usual, **_renamed("net_working")}
    cgroups = lab.base("5.0.2")
    lab.unified(cgroups)
    lab.systemd(cgroups, bus=True)
    lab.logged_in(cgroups, "cpu memory pids", bus=True)
    config = str(working[CONFIG]) + "lxc.cgroup2.memory.max = 2G\nlxc.cgroup2.pids.max = 500\n"
    passwd = str(working["read", "/etc/passwd"])
    passwd += "bob:x:1001:1001::/home/bob:/bin/sh\ncarol:x:1002:1002::/home/carol:/bin/sh\n"
    mounts = str(working["read", "/proc/self/mountinfo"]).splitlines()
    *_, sysfs = (line.partition(" ")[0] for line in mounts if " /sys rw" in line)
    mounts = [line for line in mounts if "/sys/fs/cgroup" not in line]
    mounts.append(f"900 {sysfs} 0:90 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate")
    cgroups.write("/usr/lib/systemd/libsystemd-shared-252.so")
    cgroups.write("/run/lxc/network_up")
    cgroups.write("/run/lxc/dnsmasq.pid", "77\n")
    cgroups.write("/proc/77/comm", "dnsmasq\n")
    mine: dict[Question, Any] = {
        ("read", "/proc/self/mountinfo"): "\n".join(mounts) + "\n",
        ("read", "/proc/sys/net/ipv4/ip_forward"): "1\n",
        ("uname",): ["Linux", "web1", "6.1.0-41-amd64", "x86_64"],
        ("stat", "/var/lib/systemd/linger/alice"): ["file", 0o644, 0, 0, 0, 8, 1],
        ("search", "/proc/modules", "(?m)^(nf_tables) "): [["nf_tables"]],
        ("run", "nft", "list", "ruleset"): {"code": 0, "out": RULES, "err": ""},
        ("read", "/etc/subuid"): SUBIDS,
        ("read", "/etc/subgid"): SUBIDS,
        ("read", "/etc/passwd"): passwd,
        CONFIG: config,
        **answers,
    }
    return Host(Mixed(Snapshot(working), cgroups, mine), Request("alice"))


def _renamed(name: str) -> dict[Question, Answer | Refused]:
    text = (RECORDED / f"{name}.json").read_text()
    for old, new in WAS.items():
        text = text.replace(old, new)
    return dict(parse(json.loads(text), name).source.answers)


BROKEN: dict[Question, Any] = {
    ("stat", "/home/alice"): ["directory", 0o700, 1000, 1000, 4096, 8, 1],
    ("lstat", "/home/alice"): ["directory", 0o700, 1000, 1000, 4096, 8, 1],
    ("read", "/etc/subuid"): "alice:100000:65537\nbob:165536:65536\ncarol:231072:65536\n",
    ("read", "/etc/lxc/lxc-usernet"): "alice veth lxcbr0 1\n",
    ("read", "/run/lxc/nics"): "alice veth lxcbr0 veth1000_abcd\n",
    ("list", "/sys/class/net"): ["lo", "lxcbr0", "veth1000_abcd"],
    ("read", "/proc/sys/net/ipv4/ip_forward"): "0\n",
    ("stat", "/var/lib/systemd/linger/alice"): Refused("Permission denied"),
}
# As somebody sees it who may read next to nothing.
UNSEEN: dict[Question, Any] = {
    ("read", "/etc/subuid"): Refused("Permission denied"),
    ("lstat", "/home/alice"): Refused("Permission denied"),
    ("stat", "/home/alice"): Refused("Permission denied"),
    ("read", "/etc/lxc/lxc-usernet"): Refused("Permission denied"),
    ("stat", "/sys/class/net/lxcbr0/bridge"): Refused("Permission denied"),
    ("read", "/proc/self/cgroup"): Refused("Permission denied"),
}
WAIVERS = (
    Waiver("network.ip_forward", "no way out is wanted, ticket 4711", datetime.date(2027, 3, 31)),
    Waiver("idmap.overlap_users", "moved with the next image", datetime.date(2026, 1, 31)),
)


def made(name: str) -> Report:
    """One of the reports, judged by the checks of today."""
    answers = {"ready": {}, "broken": BROKEN, "unknown": UNSEEN}[name]
    waivers = WAIVERS if name == "broken" else ()
    report, _ = report_of(alice(answers), builtin(), waivers=waivers)
    return _fixed(report)


def _fixed(report: Report) -> Report:
    report["generated"], report["duration_ms"] = "2026-11-23T20:00:00Z", 41.3
    return report


def example(name: str) -> Report:
    """One of the reports as it stands in tests/data/reports."""
    return parse_report(json.loads((DIRECTORY / f"{name}.json").read_text()), name)


if __name__ == "__main__":
    DIRECTORY.mkdir(exist_ok=True)
    for each in NAMES:
        out = io.StringIO()
        to_json.render(made(each), out)
        (DIRECTORY / f"{each}.json").write_text(out.getvalue())
