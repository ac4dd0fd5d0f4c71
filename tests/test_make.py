"""The commands of a checkout: what `make audit` says and returns, which Python is taken."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.files import ROOT


def checkout(directory: Path, setup: int, audit: int) -> Path:
    """A checkout whose set-up and whose audit end with these codes."""
    for name in ("Makefile", "tools/audit.sh"):
        (directory / name).parent.mkdir(exist_ok=True)
        shutil.copy2(ROOT / name, directory / name)
    stub(directory / "tools/setup.sh", f"exit {setup}")
    stub(directory / ".venv/bin/lxc-preflight", f'echo "judged $*"; exit {audit}')
    return directory


def stub(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def make(directory: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "ARGS"))}
    return subprocess.run(
        ["make", *argv], cwd=directory, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize("code", [0, 1, 3])
def test_make_audit_succeeds_when_the_audit_did_its_work(tmp_path: Path, code: int) -> None:
    done = make(checkout(tmp_path, 0, code), "audit", "ARGS=--user alice -v")
    assert done.returncode == 0
    assert done.stdout == "judged audit --user alice -v\n"
    assert f"exit code is {code}" in done.stderr


@pytest.mark.parametrize(("setup", "audit"), [(0, 2), (0, 130), (1, 0)])
def test_make_audit_fails_when_it_could_not_work(tmp_path: Path, setup: int, audit: int) -> None:
    done = make(checkout(tmp_path, setup, audit), "audit")
    assert done.returncode != 0
    assert "did its work" not in done.stderr


def test_make_alone_lists_the_commands() -> None:
    done = make(ROOT)
    assert done.returncode == 0
    commands = {line.split()[0] for line in done.stdout.splitlines()}
    assert commands >= {
        "audit",
        "bench",
        "clean",
        "docs",
        "fuzz",
        "lint",
        "lock",
        "pyz",
        "setup",
        "test",
    }


def test_a_python_that_is_new_enough_is_found_by_its_own_path() -> None:
    done = subprocess.run(
        [ROOT / "tools/setup.sh", "python"],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == sys.executable


def test_without_a_python_that_is_new_enough_one_line_says_so(tmp_path: Path) -> None:
    stub(tmp_path / "python3", '[ "$1" = --version ] && echo "Python 3.9.2"; exit 1')
    for tool in ("dirname", "id"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or "")
    done = subprocess.run(
        ["/bin/sh", ROOT / "tools/setup.sh", "python"],
        env={"PATH": str(tmp_path), "PYTHON": ""},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed; Python 3.9.2 is here" in done.stderr
    assert len(done.stderr.splitlines()) == 1
