"""In a host, as root: ask every way of asking, then let LXC and the runner answer.

`python3 -m tests.hosts.inside judge SESSION TEMPLATE [full] [again]` prints one JSON object: the
result of a case as tests/truth/table.py reads it. `mend TEMPLATE` fixes the host, and prints what
was said.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any

from tests.hosts.session import Session
from tests.truth import reality
from tests.truth.inside import run, said
from tests.truth.reality import Outcome

USER = "lxc"
PYTHON = shlex.quote(sys.executable)
AUDIT = f"{PYTHON} -m lxc_preflight"
UNGATED = f"{PYTHON} -m tests.hosts.ungated"
HOME = Path("/home") / USER
IN_LOGIN = ("login", "ssh", "su")  # sessions that root's word about the next login is about
FIX_SECONDS = 500  # emulated, and round after round
MEMORY, TASKS = "67108864", "99"
V2 = (f"memory.max={MEMORY}", f"pids.max={TASKS}")
V1 = (f"memory.limit_in_bytes={MEMORY}", f"pids.max={TASKS}")


def preflight(words: str, command: str = AUDIT) -> str:
    """A command line of ours as somebody types it who stands anywhere."""
    return f"cd {Path.cwd()} && {command} {words}"


def judge(kind: str, template: str, *, full: bool, again: bool) -> dict[str, Any]:
    """What everybody says about a new container and one with limits, and what becomes of them.

    Emulated audits are slow: root's is asked in `full` alone, because the snapshot that is returned
    says the same (tests/test_laws.py); `again`, after a fix, nobody but the user is asked.
    """
    about = f"--template {template}"
    reports: dict[str, dict[str, Any]] = {"new": {}}
    real: dict[str, dict[str, Outcome | None]] = {"new": {}}
    by_root = f"{AUDIT} audit --format json --user {USER}"
    snapshot = ""
    if kind in IN_LOGIN and not again:
        snapshot = run(f"{AUDIT} collect --user {USER} -o - {about}").stdout
    if kind in IN_LOGIN and full:
        reports["new"]["root"] = said(run(f"{by_root} {about}"))
    with Session(kind, USER) as typed:
        if not snapshot and not again:  # of this session: the next login is another one
            snapshot = typed(preflight(f"collect -o - {about}"), 120).stdout
        ways = {"user": ""} | ({"probe": "--probe"} if full else {})
        for way, option in ways.items():
            line = preflight(f"audit --format json {option} {about}")
            reports["new"][way] = said(typed(line, 120))
        created = real["new"]["create"] = reality.create(typed, "new", template)
        if created.works:
            real["new"] |= tried(typed, "new", ())
            limits = V2 if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else V1
            limit("new", limits)
            reports["limited"] = {"user": said(typed(preflight("audit --format json -n new"), 120))}
            if kind in IN_LOGIN and full:
                reports["limited"]["root"] = said(run(f"{by_root} -n new"))
            real["limited"] = tried(typed, "new", limits)
    return {
        "locked_out": False,
        "peers": {},
        "reports": reports,
        "reality": {
            name: {stage: one._asdict() for stage, one in stages.items() if one is not None}
            for name, stages in real.items()
        },
        "snapshot": snapshot,
        "seen": seen(),
    }


def seen() -> dict[str, str]:
    """What host this is."""
    os_release = Path("/etc/os-release").read_text()
    pretty = re.search(r'^PRETTY_NAME="(.*)"$', os_release, re.MULTILINE)
    if os.path.isdir("/run/systemd/system"):
        init = "systemd"
    else:
        init = "OpenRC" if os.path.exists("/run/openrc") else "sysvinit"
    if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        cgroup = "unified"
    else:
        cgroup = "hybrid" if os.path.isdir("/sys/fs/cgroup/unified") else "legacy"
    return {
        "os": pretty[1] if pretty else "?",
        "kernel": os.uname().release,
        "init": init,
        "lxc": run("lxc-start --version").stdout.strip(),
        "cgroup": cgroup,
    }


def tried(typed: reality.Typed, name: str, limits: tuple[str, ...]) -> dict[str, Outcome | None]:
    """A plain lxc-start (without limits), then our own run: its networks and limits count.

    Where its gate is closed, it is tried without: when that works, the gate was wrong.
    """
    bare = {} if limits else {"bare_start": reality.start(typed, name, "plain", ()).start}
    stages = ran(typed, AUDIT, name, limits)
    if not stages.start.works and typed(preflight(f"run {name} --dry-run"), 60).returncode:
        stages = ran(typed, UNGATED, name, limits)
    return {**bare, **stages._asdict()}


def ran(typed: reality.Typed, command: str, name: str, limits: tuple[str, ...]) -> reality.Started:
    """What became of a container by `run`; it is stopped again."""
    done = typed(preflight(f"run {name}", command), 120)
    words = (done.stderr.strip() or done.stdout.strip())[:400]
    stages = reality.became(typed, name, limits, done.returncode == 0, words)
    typed(f"lxc-stop -k -n {name}", 30)
    return stages


def limit(name: str, limits: tuple[str, ...]) -> None:
    """Write limits into the config of a container."""
    prefix = "lxc.cgroup2" if limits is V2 else "lxc.cgroup"
    with (HOME / ".local/share/lxc" / name / "config").open("a") as config:
        for one in limits:
            key, _, value = one.partition("=")
            config.write(f"{prefix}.{key} = {value}\n")


def mend(template: str, *options: str) -> dict[str, Any]:
    """`fix --apply` as root."""
    words = f"fix --apply --yes --user {USER} --template {template} {shlex.join(options)}"
    done = run(f"{AUDIT} {words}", FIX_SECONDS)
    return {"code": done.returncode, "out": done.stdout, "err": done.stderr}


def main(what: str, *arguments: str) -> None:
    if what == "mend":
        answer = mend(*arguments)
    else:
        kind, template, *how = arguments
        answer = judge(kind, template, full="full" in how, again="again" in how)
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
