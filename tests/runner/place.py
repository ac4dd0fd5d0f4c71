"""A world to run containers in: namespaces with a user, entered as often as a test likes."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

from tests.runner.keep import MOST, Owner
from tests.truth import run, world

TOOL = f"{world.PYTHON} -m lxc_preflight"
# Of the virtual environment: pure Python, and the world's Python may not have them.
LIBRARIES = ("rich", "elftools")
NAMESPACES = ("--mount", "--net", "--pid")
# v1 hierarchies that a session gets cgroups of its own in, as pam_cgfs makes them.
HIERARCHIES = ("memory", "pids", "cpu", "systemd", "unified")


class Done(NamedTuple):
    """How a command in the world ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def obstacle() -> str:
    """Why no world can be made here, or nothing."""
    return run.obstacle()


class Place:
    """One world with one user."""

    def __init__(self, number: int, tarball: str = "") -> None:
        self.number, self.user = number, Owner(number)
        self.home = str(self.user.home)
        self.cache = f"{self.home}/.cache/lxc-preflight"
        self.lxcpath = f"{self.home}/.local/share/lxc"
        # Cgroups are the one thing that worlds share: each session gets some below these names.
        self.context = ""
        argv = [world.PYTHON, "-m", "tests.runner.keep", str(number), tarball]
        self._process = subprocess.Popen(
            world.enter(argv),
            cwd=world.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        if said.strip() != "ready":
            self.close()
            raise RuntimeError(f"no world: {said}")
        self._pid = self._inner()
        self._bring_libraries()

    def _inner(self) -> int:
        """The process inside: the youngest of the chain setpriv, unshare, python."""
        pid = self._process.pid
        while True:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            if not children:
                return pid
            pid = int(children[0])

    def _bring_libraries(self) -> None:
        for name in LIBRARIES:
            spec = importlib.util.find_spec(name)
            if spec is None or spec.origin is None:
                continue
            source = Path(spec.origin).parent
            pack = subprocess.Popen(
                ["tar", "-C", str(source.parent), "--exclude=__pycache__", "-cf", "-", source.name],
                stdout=subprocess.PIPE,
            )
            self.root(f"tar -C {world.PLACE} -xf -", stdin=pack.stdout)
            pack.wait()
        self.root(f"{world.PYTHON} -m compileall -q {world.PLACE}/rich || :")

    def close(self) -> None:
        """End the world and everything in it."""
        self._process.kill()
        self._process.wait()
        world.remove_cgroups(self.user)

    def entered(self, argv: list[str]) -> list[str]:
        """The command line that runs `argv` inside as root."""
        return ["nsenter", "--target", str(self._pid), *NAMESPACES, *argv]

    def root(self, script: str, **more: Any) -> Done:
        """Shell as root, with the helpers of tests/truth/lib.sh. It has to succeed."""
        text = f"cd {world.PLACE}; . tests/truth/lib.sh; set -e; {script}"
        done = self._run(self.entered(["bash", "-c", text]), **more)
        assert done.code == 0, f"{script}\n{done.out}{done.err}"
        return done

    def as_user(self, command: str, seconds: float = 120, **more: Any) -> Done:
        """What the user types in a fresh login session."""
        return self._run(self.session(command), seconds=seconds, **more)

    def session(self, command: str) -> list[str]:
        """The command line of a login session; `context` puts it into cgroups first."""
        login = ["su", "-", self.user.name, "-c", command]
        if self.context:
            script = f"{self.context}\nexec {shlex.join(login)}"
            return self.entered(["bash", "-ec", script])
        return self.entered(login)

    def tool(self, words: str, seconds: float = 120, before: str = "", **more: Any) -> Done:
        """lxc-preflight, as the user."""
        return self.as_user(f"{before} {self.line(words)}", seconds, **more)

    def line(self, words: str) -> str:
        """What calls lxc-preflight, from any directory."""
        return f"PYTHONPATH={world.PLACE} PYTHONDONTWRITEBYTECODE=1 exec {TOOL} {words}"

    def start(self, words: str, **more: Any) -> subprocess.Popen[str]:
        """lxc-preflight, as the user, not waited for."""
        return subprocess.Popen(
            self.session(self.line(words)),
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=hear,
            **more,
        )

    def _environment(self) -> dict[str, str]:
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {"PATH": path, "TMPDIR": "/run/tmp", "LANG": "C.UTF-8", **self.user.environment}

    def _run(
        self, argv: list[str], *, seconds: float = 120, given: str | None = None, stdin: Any = None
    ) -> Done:
        done = subprocess.run(
            argv,
            env=self._environment(),
            input=given,
            stdin=(stdin or subprocess.DEVNULL) if given is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def wait_until(self, condition: str, seconds: float = 60) -> None:
        """Wait for a command of the user's to succeed."""
        until = time.monotonic() + seconds
        while self.as_user(condition).code:
            assert time.monotonic() < until, f"not within {seconds} s: {condition}"
            time.sleep(0.05)

    def wait_for_runner(self, name: str, mark: str = "", seconds: float = 60) -> int:
        """The pid, in the world, of the run that works on a container, once its journal has `mark`
        in it.
        """
        path = f"{self.cache}/journal/{name}.json"
        until = time.monotonic() + seconds
        while True:
            text = self.root(f"cat {path} 2>/dev/null || :").out
            found = re.search(r'"runner": (\d+)', text)
            if found and mark in text:
                return int(found[1])
            assert time.monotonic() < until, f"no journal of {name} with {mark}: {text}"
            time.sleep(0.02)

    def delegate(self) -> None:
        """Give every later session cgroups of its own on the hierarchies of this machine."""
        name = f"truth-{self.user.name}"
        lines = []
        for hierarchy in HIERARCHIES:
            top = f"/sys/fs/cgroup/{hierarchy}"
            lines.append(
                f"if [ -d {top} ]; then mkdir -p {top}/{name}/session;"
                f" chown -R {self.user.name}: {top}/{name};"
                f" echo $BASHPID >{top}/{name}/session/cgroup.procs; fi"
            )
        self.context = "\n".join(lines)

    def processes(self) -> list[str]:
        """The command lines of everything that runs as the user or as its containers, without
        sessions that a test left open.
        """
        done = self.root("ps -eo uid=,pid=,args=")
        first, last = self.user.base, self.user.base + 65535
        found = []
        for line in done.out.splitlines():
            match = re.match(r"\s*(\d+)\s+\d+\s*(.*)", line)
            assert match is not None
            uid = int(match[1])
            if (uid == self.user.uid or first <= uid <= last) and "<defunct>" not in match[2]:
                found.append(match[2])
        return found

    def leftovers(self, *, containers: tuple[str, ...] = ("base",)) -> list[str]:
        """What a run that did not succeed has left behind; nothing is right."""
        found = [f"process: {line}" for line in self._quiet()]
        listing = f"for d in {self.lxcpath} {self.cache}/journal {self.cache}/runs"
        shown = self.root(f"{listing}; do [ ! -d $d ] || find $d -mindepth 1 -maxdepth 1; done")
        allowed = {f"{self.lxcpath}/{name}" for name in containers}
        return found + [line for line in shown.out.splitlines() if line not in allowed]

    def tidy(self) -> None:
        """Remove what a test has left after all."""
        self.as_user(
            "for c in $(lxc-ls -1); do [ $c = base ] || { lxc-stop -k -n $c; lxc-destroy -n $c; }"
            "; done"
        )
        mine = [f"-u {self.user.uid}", f"-u {self.user.base}"]
        self.root("; ".join(f"pkill -KILL {who} || :" for who in mine))
        keep = f"find {self.lxcpath} -mindepth 1 -maxdepth 1 ! -name base -exec rm -rf {{}} +"
        self.root(f"{keep}; rm -rf {self.cache}/journal {self.cache}/runs")

    def _quiet(self) -> list[str]:
        """The processes that are still there after they had time to end."""
        until = time.monotonic() + 15
        while (left := self.processes()) and time.monotonic() < until:
            time.sleep(0.05)
        return left


def hear() -> None:
    """Let a child be interrupted, also when these tests run in a shell's background."""
    for one in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(one, signal.SIG_DFL)


EACH = 8  # worlds that a test process may have at a time


def number(place: int = 0) -> int:
    """The number of the user of one of this process's worlds: nobody else has it at this time."""
    return os.getpid() * EACH % (MOST - EACH) + place
