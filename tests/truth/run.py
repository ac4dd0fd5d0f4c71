"""All cases, in parallel worlds: one worker per thread, each given one case after the other."""

from __future__ import annotations

import glob
import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.truth import guest, world
from tests.truth.case import Case

MOST_WORKERS = 10  # each has a number of its own, the last digit of its user's
TOOLS = (
    *("lxc-create", "lxc-start", "lxc-info", "lxc-stop", "lxc-checkconfig", "newuidmap"),
    *("newgidmap", "setfacl", "setcap", "busybox", "unshare", "nsenter", "setpriv", "ip"),
    *("useradd", "usermod", "chage", "su"),
)


def obstacle() -> str:
    """Why nothing can be tried here, or nothing."""
    if os.geteuid() != 0:
        return "needs root, for namespaces, users and sabotage"
    path = _path()
    missing = [tool for tool in TOOLS if not shutil.which(tool, path=path)]
    if missing:
        return f"needs {', '.join(missing)}"
    busybox = Path(shutil.which("busybox", path=path) or "")
    if b"/ld-" in busybox.read_bytes()[:4096]:
        return "needs a static busybox"
    enough = subprocess.run(
        [world.PYTHON, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    )
    if enough.returncode:
        return f"needs {world.PYTHON} to be 3.11 or newer"
    trial = subprocess.run(
        world.enter(["mount", "-t", "tmpfs", "tmpfs", "/run"]), capture_output=True, text=True
    )
    if trial.returncode:
        return f"may not make namespaces: {trial.stderr.strip()}"
    return ""


def tools_missing(case: Case) -> list[str]:
    """The commands that a case needs and that are not here; what begins with / is a file."""
    return [
        tool
        for tool in case.needs
        if not (glob.glob(tool) if tool.startswith("/") else shutil.which(tool, path=_path()))
    ]


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def run(
    cases: list[Case],
    workers: int,
    report: Callable[[Case, dict[str, Any]], None],
    inside: str = "tests.truth.inside",
) -> None:
    """Try every case and hand each result to `report`, never two at a time.

    `inside` is the module that is run in each case's world.

    A worker that dies costs its case and is replaced. When this process dies, so do the workers.
    """
    waiting: queue.SimpleQueue[Case] = queue.SimpleQueue()
    # Those with a big guest first: nothing waits for them at the end.
    for case in sorted(cases, key=lambda one: one.guest != "systemd"):
        waiting.put(case)
    tarball = str(guest.cached()) if any(case.guest == "systemd" for case in cases) else ""
    lock = threading.Lock()
    failures: list[BaseException] = []

    def work(place: int) -> None:
        number = os.getpid() % 1000 * 10 + place
        worker: subprocess.Popen[str] | None = None
        try:
            while not failures:
                try:
                    case = waiting.get_nowait()
                except queue.Empty:
                    break
                if worker is None:
                    worker = _worker(number, inside, tarball)
                result = _ask(worker, case)
                if result is None:
                    result = {"case": case.name, "crashed": f"the worker died: {worker.wait()}"}
                    worker = None
                with lock:
                    report(case, result)
        except BaseException as error:
            failures.append(error)
        finally:
            if worker is not None:
                worker.kill()
                worker.wait()
            world.remove_cgroups(world.User(number))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(workers)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except BaseException as error:
        failures.append(error)  # the threads stop after the case that they are at
        raise
    if failures:
        raise failures[0]


def _worker(number: int, inside: str, tarball: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        world.enter([world.PYTHON, "-m", "tests.truth.worker", str(number), inside, tarball]),
        cwd=world.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _ask(worker: subprocess.Popen[str], case: Case) -> dict[str, Any] | None:
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        worker.stdin.write(f"{case.name}\n")
        worker.stdin.flush()
    except BrokenPipeError:
        return None
    line = worker.stdout.readline()
    result: dict[str, Any] | None = json.loads(line) if line else None
    return result
