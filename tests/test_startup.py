"""What is imported when. benchmarks/ measures speed; this keeps one import line from losing it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from audit.cli import COMMANDS
from tests.files import ROOT

# Each costs between 2 and 100 ms: a bare interpreter takes 8, the whole audit may take 90.
NEVER = {
    "asyncio",
    "concurrent.futures",
    "dataclasses",
    "email",
    "http",
    "importlib.metadata",
    "inspect",
    "jinja2",
    "logging",
    "multiprocessing",
    "packaging",
    "pathlib",
    "pydantic",
    "pyroute2",
    "rich",
    "tempfile",
    "typer",
    "unittest",
    "urllib.request",
}
PROGRAM = """
import sys
from lxc_preflight import main
try:
    main()
finally:
    print("\\n".join(sorted(sys.modules)), file=sys.stderr)
"""


def modules_after(*argv: str) -> set[str]:
    """The modules that a command has loaded when it ends. Its standard output is no terminal."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *argv], cwd=ROOT, capture_output=True, text=True
    )
    assert "lxc_preflight" in done.stderr, done.stderr
    return set(done.stderr.split("\n"))


def test_help_loads_neither_checks_nor_anything_heavy() -> None:
    loaded = modules_after("--help")
    assert not loaded & (NEVER | {"json", "socket", "subprocess", "audit.engine", "checks"})


def test_an_audit_of_a_tree_loads_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("alice:x:1000:1000::/home/alice:/bin/sh\n")
    loaded = modules_after("audit", "--format", "json", "--root", str(tmp_path), "-u", "alice")
    assert "checks" in loaded
    assert not loaded & (NEVER | {"subprocess", "socket", "elftools", "sqlite3"})


def test_an_audit_of_this_host_loads_nothing_heavy() -> None:
    loaded = modules_after("audit", "--format", "json")
    assert "checks" in loaded
    assert not loaded & NEVER


def test_a_run_without_an_image_loads_neither_a_web_client_nor_an_unpacker() -> None:
    program = "import sys, runner.execute, runner.images.embedded; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert "runner.execute" in loaded, done.stderr
    assert not loaded & {"urllib.request", "http.client", "ssl", "tarfile", "rich"}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_loads_no_checks(command: str) -> None:
    loaded = modules_after(command, "--help")
    assert not loaded & (NEVER | {"checks"})
