"""From nothing: a bare Debian, the single file, one fix, and a container with network.

`make bare` does it on hosts with systemd and with OpenRC and writes what was typed and printed to
docs/from-nothing.md. `make test` has time for the first.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from tests.files import ROOT
from tests.hosts.image import IMAGES, obtain
from tests.hosts.machine import Machine
from tests.hosts.ready import UNMASK, bring_file

PAGE = ROOT / "docs" / "from-nothing.md"
HOSTS = ("debian-12-bare", "debian-13-openrc-bare")
FILE = "lxc-preflight.pyz"
BRIDGE = "10.0.3.1"  # lxc-net's own
FIX_SECONDS = 1200
# What an installer has set up: QEMU's NAT has these addresses.
NETWORK = """
ip link set lo up
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
ip route add default via 10.0.2.2
echo nameserver 10.0.2.3 >/etc/resolv.conf
"""
REACHABLE = """
url=$(awk '$1 == "deb" {print $2 "/dists/" $3 "/InRelease"; exit}' /etc/apt/sources.list)
python3 -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=60)' "$url"
"""
CGROUP = "cat /sys/fs/cgroup$(cut -d: -f3 /proc/$(lxc-info -n web1 -pH)/cgroup)/{memory,pids}.max"


class NoMirror(Exception):
    """No package mirror can be reached from a host that is booted here."""


class Typed(NamedTuple):
    """A command line, who typed it, what it printed and its exit code."""

    user: str
    command: str
    code: int
    printed: str


class Story(NamedTuple):
    """What was typed on a host until a container had run and was gone."""

    name: str
    system: str
    versions: str
    lines: tuple[Typed, ...]
    seconds: float

    def printed(self, command: str) -> str:
        """What the first command that begins so printed."""
        return next(line.printed for line in self.lines if line.command.startswith(command))


def told(name: str, on_line: Callable[[Typed], None] = lambda _: None) -> Story:
    """Boot a bare host and type what README.md says.

    Raises NoMirror, and what obtain and Machine raise.
    """
    began = time.monotonic()
    image = IMAGES[name]
    with Machine(obtain(image), before_init=UNMASK, network=True) as machine:
        machine.shell(NETWORK)
        found = machine.run(["bash", "-c", REACHABLE], seconds=120)
        if found.returncode:
            words = (found.stderr.strip().splitlines() or ["no answer"])[-1]
            raise NoMirror(f"no package mirror can be reached from here: {words}")
        bring_file(machine, f"/root/{FILE}", 0o644)
        lines: list[Typed] = []
        for user, command in typed():
            line = _type(machine, user, command)
            lines.append(line)
            on_line(line)
            if line.command.startswith("lxc-preflight fix") and "reboot" in line.printed:
                machine.reboot()
                machine.shell(NETWORK)
        system = machine.shell(
            "sed -n 's/^PRETTY_NAME=\"\\(.*\\)\"$/\\1/p' /etc/os-release"
        ).strip()
        versions = machine.shell(
            'echo "LXC $(lxc-start --version), Linux $(uname -r), $(python3 --version)"'
        ).strip()
    return Story(name, system, versions, tuple(lines), time.monotonic() - began)


def typed() -> Iterator[tuple[str, str]]:
    """(user, command) of each line."""
    yield "root", f"python3 {FILE} audit --user lxc"
    yield "root", f"install -m 755 {FILE} /usr/local/bin/lxc-preflight"
    yield "root", "lxc-preflight fix --apply --yes --user lxc"
    yield "lxc", "lxc-preflight run web1 --memory 64M --pids 100"
    yield "lxc", "lxc-preflight list"
    yield "lxc", CGROUP
    yield "lxc", f"lxc-preflight exec web1 -- ping -c 1 {BRIDGE}"
    yield "lxc", "lxc-preflight stop web1"
    yield "lxc", "lxc-preflight destroy web1"
    yield "lxc", "lxc-preflight list"


def _type(machine: Machine, user: str, command: str) -> Typed:
    """One line, root's in root's home and a user's in a login session."""
    line = f"exec 2>&1; {command}"
    argv = ["su", "-", user, "-c", line] if user != "root" else ["bash", "-c", f"cd; {line}"]
    done = machine.run(argv, seconds=FIX_SECONDS)
    return Typed(user, command, done.returncode, f"{done.stdout}{done.stderr}".strip("\n"))


VERDICT = re.compile(r"(NOT )?READY|UNKNOWN")
OURS = re.compile(r"\d+\. |   \S|lxc-preflight: ")


def trimmed(printed: str) -> str:
    """Without the chatter of the package manager and of services, and marked so."""
    kept: list[str] = []
    chatter: list[str] = []
    in_fix = False
    for line in printed.splitlines():
        in_fix = (in_fix or line.startswith("1. ")) and not VERDICT.match(line)
        if in_fix and not OURS.match(line):
            chatter.append(line)
            continue
        count = len("\n".join(chatter).strip("\n").splitlines())
        if count:
            kept.append(f"   [... {count} line{'s' * (count > 1)} of apt-get or a service]")
        if chatter and not chatter[-1] and not in_fix:
            kept.append("")
        chatter.clear()
        kept.append(line)
    return "\n".join(kept)


def page(stories: Iterable[Story], today: str) -> str:
    """docs/from-nothing.md."""
    parts = [HEAD.format(today=today)]
    for story in stories:
        parts.append(f"## {story.system}, {INITS[IMAGES[story.name].init]}\n\n{story.versions}.\n")
        for line in story.lines:
            sign = "#" if line.user == "root" else "$"
            shown = [f"{line.user}{sign} {line.command}", *trimmed(line.printed).splitlines()]
            if line.code:
                shown.append(f"[exit code {line.code}]")
            parts.append("".join(f"    {one}".rstrip() + "\n" for one in shown))
    return "\n".join(parts)


INITS = {"systemd": "systemd", "openrc": "OpenRC"}
HEAD = """\
# From nothing to a container

What a person types on a Debian that has `python3` and nothing of LXC, no sudo and no account but
root's, and what is printed: real hosts booted in QEMU on {today}, with packages from Debian's
mirror and without the recommended ones. Only what apt-get says is left out. Written by
`make bare`; the one with systemd is a part of `make test`, too.

The user's lines are typed in a login session each (`su - lxc`).
"""


def main() -> int:
    def show(line: Typed) -> None:
        print(f"{line.user}: {line.command}\n{trimmed(line.printed)}\n[{line.code}]", flush=True)

    stories = [told(name, show) for name in HOSTS]
    PAGE.write_text(page(stories, time.strftime("%Y-%m-%d", time.gmtime())))
    for story in stories:
        print(f"{story.name}: {story.seconds:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
