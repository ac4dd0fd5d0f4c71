"""What really happens: lxc-create, lxc-start, lxc-attach and the container's own cgroup."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.truth.case import Case
from tests.truth.world import User

ALIVE_AFTER = {
    "plain": 1.5,
    "systemd": 6.0,
}  # seconds; a guest that is dead by then has not started
Done = subprocess.CompletedProcess[str]
Typed = Callable[[str, float], Done]  # types a command in a session, and waits so many seconds
LOGIN = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"


class Outcome(NamedTuple):
    """What one command or container did. `works` None: not tried."""

    works: bool | None
    error: str = ""


def in_session(case: Case, user: User, command: str) -> list[str]:
    """The command line that types `command` in the session that a case describes."""
    typed = f"{case.prefix} {command}" if case.prefix else command
    clean = ["env", "-i", f"HOME={user.home}", f"USER={user.name}", f"LOGNAME={user.name}"]
    clean += ["SHELL=/bin/bash", "TERM=xterm", f"PATH={LOGIN}"]
    become = ["setpriv", f"--reuid={user.name}", f"--regid={user.name}"]
    inner = ["bash", "-c", f"cd; {typed}"]
    runner, _, argument = case.runner.partition(" ")
    match runner:
        case "login":
            return ["su", "-", user.name, "-c", typed]
        case "sg":
            return ["su", "-", user.name, "-c", f"sg {argument} -c {shlex.quote(typed)}"]
        case "nopam":
            return [*clean, *become, "--init-groups", *argument.split(), *inner]
        case "oldgroups":
            return [*clean, *become, f"--groups={user.uid}", *inner]
        case "badgid":
            return [*clean, *become, "--groups=61555,61999", *inner]
        case "cwdroot":
            return ["bash", "-c", f"cd /root; exec su {user.name} -c {shlex.quote(typed)}"]
        case "chroot":
            return ["chroot", f"--userspec={user.name}:{user.name}", "/run/croot", *clean, *inner]
    raise ValueError(f"no such runner: {case.runner}")


def _line(case: Case, user: User, command: str) -> list[str]:
    """The command line of a session; `context` puts its process where the case wants it first."""
    argv = in_session(case, user, command)
    if case.context:
        argv = ["bash", "-c", f"{case.context} || exit 125; exec {shlex.join(argv)}"]
    return argv


def run(case: Case, user: User, command: str, seconds: float = 60) -> Done:
    """Type one command as the user; a hang counts as exit code 124."""
    return bounded(_line(case, user, command), seconds, {**os.environ, **user.environment})


def bounded(argv: list[str], seconds: float, environment: Mapping[str, str] | None = None) -> Done:
    """Run a command; code 124, and it is killed with its children, when it takes longer."""
    # files and not pipes: a started container keeps them open
    with (
        tempfile.TemporaryFile("w+", errors="replace") as out,
        tempfile.TemporaryFile("w+", errors="replace") as err,
    ):
        process = subprocess.Popen(
            argv,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            code = 124
        out.seek(0)
        err.seek(0)
        return Done(argv, code, out.read(), err.read())


def typist(case: Case, user: User) -> Typed:
    """What types commands in the session that a case describes."""
    return lambda command, seconds: run(case, user, command, seconds)


def ask(case: Case, user: User, command: str) -> Done:
    """Type a command that starts nothing: through pipes, which no `ulimit -f` of the case cuts."""
    return subprocess.run(
        _line(case, user, command),
        env={**os.environ, **user.environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
    )


def first_error(log: str, fallback: str) -> str:
    """The first ERROR line of an LXC log, else the first line the command printed."""
    for line in log.splitlines():
        if " ERROR " in line and "Unsupported config key" not in line:
            return re.sub(r"^.*? ERROR +", "", line)[:300]
    return next((line for line in fallback.splitlines() if line.strip()), "")[:300]


def create(typed: Typed, name: str, template: str, template_args: str = "") -> Outcome:
    """lxc-create with a template."""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o1777)
        arguments = f" -- {template_args}" if template_args else ""
        done = typed(
            f"lxc-create -n {name} -l DEBUG -o {directory}/log -t {template}{arguments}", 120
        )
        log = _text(Path(directory, "log"))
    return Outcome(done.returncode == 0, first_error(log, done.stderr) if done.returncode else "")


class Started(NamedTuple):
    """What became of one container; `limits` is None where it asks for none."""

    start: Outcome
    network: Outcome
    limits: Outcome | None


def start(typed: Typed, name: str, guest: str, limits: Sequence[str]) -> Started:
    """lxc-start, and is the guest alive afterwards; then its interfaces and its own cgroup."""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o1777)
        done = typed(f"lxc-start -n {name} -l DEBUG -o {directory}/log", 60)
        time.sleep(ALIVE_AFTER[guest])
        # read now: lxc-info may append to it
        log = _text(Path(directory, "log"))
    error = first_error(log, done.stderr) or "dead soon after the start"
    found = became(typed, name, limits, done.returncode == 0, error)
    typed(f"lxc-stop -k -n {name}", 30)
    return found


def became(typed: Typed, name: str, limits: Sequence[str], started: bool, error: str) -> Started:
    """What a container is that somebody has started: alive, on its networks, within its limits."""
    keys = " ".join(f"-c {key}" for key in NETWORK_KEYS)
    info = typed(f"lxc-info -n {name} -s -p {keys}", 30).stdout
    said = dict(re.findall(r"^(\S+?):? +(?:= ?)?(.*)$", info, re.MULTILINE))
    if not started or said.get("State") != "RUNNING":
        dead = Outcome(False, "not running")
        return Started(Outcome(False, error), dead, dead if limits else None)
    pid = said.get("PID", "")
    held = None
    if limits:
        found = _limits(limits, pid)
        works = list(limits) == [f"{key}={value}" for key, value in found.items()]
        held = Outcome(works, "" if works else f"in force: {found}")
    return Started(Outcome(True), interfaces(pid, said), held)


MOST_NETWORKS = 2
NETWORK_KEYS = tuple(
    f"lxc.net.{number}.{key}" for number in range(MOST_NETWORKS) for key in ("type", "link", "name")
)


def interfaces(pid: str, config: dict[str, str]) -> Outcome:
    """Whether every veth of the config is in the container, up, and attached to its link.

    Addresses say nothing: the DHCP client of a busybox guest takes those of the config away.
    """
    inside = _ip("nsenter", "-t", pid, "-n")
    outside = _ip()
    for number in range(MOST_NETWORKS):
        wanted = {
            key: value
            for key in ("type", "link", "name")
            if (value := config.get(f"lxc.net.{number}.{key}", "")) and value != "(null)"
        }
        if wanted.get("type") != "veth":
            continue
        name = wanted.get("name", f"eth{number}")
        own = next((link for link in inside if link["ifname"] == name), None)
        if own is None:
            return Outcome(False, f"no {name} in the container")
        if "UP" not in own["flags"]:
            return Outcome(False, f"{name} is down")
        peer = next((link for link in outside if link["ifindex"] == own.get("link_index")), None)
        if peer is None:
            return Outcome(False, f"the other end of {name} is not on the host")
        if "link" in wanted and peer.get("master") != wanted["link"]:
            return Outcome(False, f"the other end of {name} is not in {wanted['link']}")
        if "UP" not in peer["flags"]:
            return Outcome(False, f"the other end of {name} is down")
    return Outcome(True)


def _ip(*prefix: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [*prefix, "ip", "-j", "addr"], capture_output=True, text=True, timeout=20, check=True
    )
    found: list[dict[str, Any]] = json.loads(done.stdout or "[]")
    return found


def _limits(limits: Sequence[str], pid: str) -> dict[str, str]:
    """The value of each limit file in the container's cgroup; only one of its own counts."""
    found: dict[str, str] = {}
    for wanted in limits:
        name = wanted.partition("=")[0]
        for line in _text(Path("/proc", pid, "cgroup")).splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and name.split(".")[0] not in controllers.split(","):
                continue
            if "lxc.payload" not in path:
                continue
            top = path[: path.index("lxc.payload")]
            own = top + path[len(top) :].split("/")[0]
            for mount in ("", f"/{controllers}", "/unified"):
                text = _text(Path(f"/sys/fs/cgroup{mount}{own}", name)).strip()
                if text:
                    found[name] = text
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
