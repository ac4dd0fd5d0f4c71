"""LXC's own acceptance scripts for ordinary users, on a booted host, before and after our fix and
run.

Debian ships them in lxc-tests. They assume an Ubuntu: sudo, deluser, brctl and ifconfig, and
cgroups of v1. They are typed as they are, and whatever they say has to stay what it was.
`python -m tests.hosts.lxc_tests` writes docs/lxc-tests.md.
"""

from __future__ import annotations

import sys
import time
from typing import NamedTuple

from tests.files import ROOT
from tests.hosts.image import IMAGES, obtain
from tests.hosts.machine import Machine
from tests.hosts.ready import UNMASK, bring_file
from tests.hosts.variants import HYBRID, LEGACY

PAGE = ROOT / "docs" / "lxc-tests.md"
IMAGE = "debian-12-lxc-tests"
SCRIPTS = ("lxc-test-unpriv", "lxc-test-usernic", "lxc-test-usernsexec")
BOOTS = {"unified": "", "hybrid": HYBRID, "legacy": LEGACY}
TOOL = "/usr/local/bin/lxc-preflight"
# The template whose tools are there: nothing has to be installed, no package mirror is asked.
FIX = f"{TOOL} fix --apply --yes --user lxc --template busybox"
LIFE = (
    f"{TOOL} run mine --template busybox",
    f"{TOOL} exec mine -- true",
    f"{TOOL} stop mine",
    f"{TOOL} destroy mine",
)


class Outcome(NamedTuple):
    """What a script ended with; `last` is its last line."""

    passed: bool
    code: int
    last: str
    printed: str


class Trial(NamedTuple):
    """The scripts on a fresh host, what our fix and run printed, and the scripts again."""

    cgroups: str
    before: dict[str, Outcome]
    ours: dict[str, tuple[int, str]]
    after: dict[str, Outcome]
    seconds: float


def tried(cgroups: str, *, before: bool = True) -> Trial:
    """Boot a host and try; `before` also without anything of ours. Raises what obtain and Machine
    raise.
    """
    began = time.monotonic()
    with Machine(obtain(IMAGES[IMAGE]), BOOTS[cgroups], UNMASK) as machine:
        first = outcomes(machine) if before else {}
        bring_file(machine, TOOL, 0o755)
        ours = {FIX: said(machine, ["sh", "-c", FIX])}
        for line in LIFE:
            ours[line] = said(machine, ["su", "-", "lxc", "-c", line])
        after = outcomes(machine)
    return Trial(cgroups, first, ours, after, time.monotonic() - began)


def outcomes(machine: Machine) -> dict[str, Outcome]:
    """Each script, run as root: the last one makes an ordinary user for itself."""
    found = {}
    for script in SCRIPTS:
        code, printed = said(machine, ["sh", "-c", f"cd /tmp && exec {script} 2>&1"])
        last = next((line for line in reversed(printed.splitlines()) if line.strip()), "")
        found[script] = Outcome(code == 0, code, last, printed)
    return found


def said(machine: Machine, argv: list[str]) -> tuple[int, str]:
    done = machine.run(argv, seconds=600)
    return done.returncode, f"{done.stdout}{done.stderr}".strip("\n")


V1 = "makes directories in every `/sys/fs/cgroup/*`, as if each were a cgroup of v1"
WHY = {
    ("unified", "lxc-test-unpriv"): V1,
    ("unified", "lxc-test-usernic"): V1,
}
HEAD = """\
# LXC's own acceptance scripts

Debian's package lxc-tests brings LXC's scripts for containers of ordinary users. They were run on
booted hosts with Debian 12 on {today} ({versions}): on a fresh one, and again
after `lxc-preflight fix --apply` and the life of a container there (`run`, `exec`, `stop`,
`destroy`). They assume an Ubuntu of the time of cgroup v1, and so two of them fail where cgroup2
alone is mounted, with or without us. Written by `python -m tests.hosts.lxc_tests`.

| cgroups | script | fresh | after fix and run | why it fails |
|---|---|---|---|---|
"""


def page(trials: list[Trial], versions: str, today: str) -> str:
    """docs/lxc-tests.md."""
    rows = [
        f"| {trial.cgroups} | `{script}` | {_word(trial.before[script])} | "
        f"{_word(trial.after[script])} | {WHY.get((trial.cgroups, script), '')} |"
        for trial in trials
        for script in SCRIPTS
    ]
    return HEAD.format(today=today, versions=versions) + "\n".join(rows) + "\n"


def _word(outcome: Outcome) -> str:
    return "passes" if outcome.passed else "fails"


def main() -> int:
    trials = []
    for cgroups in BOOTS:
        trial = tried(cgroups)
        trials.append(trial)
        for when, found in (("before", trial.before), ("after", trial.after)):
            for script, one in found.items():
                print(f"{cgroups} {when}: {script}: code {one.code}: {one.last}", flush=True)
        for line, (code, printed) in trial.ours.items():
            print(f"{cgroups} ours: {line}: {code}: {printed[-2000:]}", flush=True)
        print(f"{cgroups}: {trial.seconds:.0f} s", flush=True)
    packages = obtain(IMAGES[IMAGE]).packages
    today = time.strftime("%Y-%m-%d", time.gmtime())
    PAGE.write_text(page(trials, f"lxc-tests {packages['lxc-tests']}", today))
    return 0


if __name__ == "__main__":
    sys.exit(main())
