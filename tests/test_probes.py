"""--probe for real: as a throw-away user, in private namespaces, and nothing is left behind.

Needs root and newuidmap; a CI machine has both.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.live import Live
from audit.model import Unknown
from audit.probes import run_probe

ROOT = Path(__file__).parent.parent
UID = 54321  # no account: what needs none is tried with it
WHO = f"{UID}:{UID}:{UID}"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user takes root")


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everybody may write; pytest's own are closed to other users."""
    with tempfile.TemporaryDirectory(prefix="lxc-preflight-test-") as name:
        path = Path(name)
        path.chmod(0o777)
        yield path


def probe(name: str, *args: str) -> dict[str, Any]:
    answer = run_probe(name, WHO, *args)
    assert isinstance(answer, dict)
    return answer


def test_a_live_host_is_not_tried_without_probe() -> None:
    with pytest.raises(Unknown, match="give --probe"):
        Live().ask("probe", "userns", WHO)


@pytest.mark.skipif(os.geteuid() in (0, UID), reason="takes an ordinary user")
def test_another_user_cannot_be_tried_without_root() -> None:
    assert "only root" in probe("become")["unknown"]


@needs_root
def test_the_process_is_the_user_for_good() -> None:
    assert probe("become") == {"ok": True}


@needs_root
def test_a_user_namespace_is_made_and_gone() -> None:
    assert probe("userns")["ok"] in (True, False)


@needs_root
def test_a_probe_that_does_not_exist_is_no_answer_of_the_host() -> None:
    assert "unknown" in probe("no such probe")


@needs_root
def test_what_the_user_may_not_write_is_refused_with_the_step_and_the_error(
    place: Path,
) -> None:
    place.chmod(0o755)
    found = probe("cgroup", str(place), "")
    assert (found["ok"], found["errno"]) == (False, "EACCES")
    assert found["step"].startswith("mkdir in")
    assert list(place.iterdir()) == []


@needs_root
def test_leftovers_of_a_killed_run_are_removed(place: Path) -> None:
    leftover = place / "lxc-preflight-probe-1"
    leftover.mkdir()
    os.chown(leftover, UID, UID)
    probe("cgroup", str(place), "")
    assert list(place.iterdir()) == []


DRIVER = """
import os, sys
sys.path.insert(0, {root!r})
from audit import probes
boot = probes.BOOT.replace("module.main()", '''
import time
from audit import operations
operations.PROBES["slow"] = lambda: operations.in_user_namespace(
    lambda pid: (print(pid, file=sys.stderr, flush=True), time.sleep(60)), lambda: {{"ok": True}})
operations.main()
''')
probes.BOOT = boot
import subprocess
original = subprocess.Popen
def popen(*args, **keywords):
    keywords["stderr"] = None
    return original(*args, **keywords)
subprocess.Popen = popen
probes.run_probe("slow", {who!r})
"""


@needs_root
def test_when_the_audit_is_killed_its_processes_go_too() -> None:
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER.format(root=str(ROOT), who=WHO)],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert driver.stderr is not None
    line = driver.stderr.readline().strip()
    if not line.isdecimal():
        driver.kill()
        pytest.skip(f"no user namespace can be made here: {line}")
    inside = int(line)
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    for _ in range(100):
        if not is_running(inside):
            break
        time.sleep(0.05)
    assert not is_running(inside)


def is_running(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("newuidmap") is None, reason="takes root and newuidmap"
)
def test_newuidmap_says_why_it_refuses() -> None:
    maps = "0 2100000000 65536"
    found = probe("idmap", "PATH=/usr/bin:/bin", maps, maps)
    assert not found["ok"]
    assert "newuidmap" in json.dumps(found)
