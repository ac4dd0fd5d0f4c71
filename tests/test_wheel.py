"""The wheel, installed into an empty environment: what it adds there, and that it works."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.files import ROOT, tracked

OURS = ("audit", "checks", "remediations", "reports", "runner")
LIBRARIES = (
    "rich",
    "pygments",
    "markdown-it-py",
    "mdurl",
    "pyelftools",
    "jinja2",
    "markupsafe",
)
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet")


def call(*argv: str | Path, cwd: Path) -> str:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True)
    assert done.returncode in (0, 1, 3) and "Traceback" not in done.stderr, done.stderr
    return done.stdout


class Installed:
    """A virtual environment with our wheel and nothing else of ours; runs outside the checkout."""

    def __init__(self, directory: Path) -> None:
        source = directory / "source"  # a build must not leave anything in the checkout
        copy_sources(source)
        wheel_options = ("wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", "dist")
        call(*PIP, *wheel_options, ".", cwd=source)
        (self.wheel,) = (source / "dist").glob("*.whl")
        environment = directory / "environment"
        call(sys.executable, "-m", "venv", "--without-pip", environment, cwd=directory)
        self.python = environment / "bin" / "python"
        (self.site,) = environment.glob("lib/python*/site-packages")
        before = {path.name for path in self.site.iterdir()}
        into = ("--python", self.python, "install", "--no-deps", "--no-index", self.wheel)
        call(*PIP, *into, cwd=directory)
        self.added = {path.name for path in self.site.iterdir()} - before
        for name in LIBRARIES:
            add_library(name, self.site)
        self.directory = directory

    def run(self, *argv: str) -> str:
        return call(self.python.parent / argv[0], *argv[1:], cwd=self.directory)


def copy_sources(target: Path) -> None:
    """What git knows and what is about to be added, as a build of a fresh clone would see it."""
    for path in tracked():
        copy = target / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)


def add_library(name: str, site: Path) -> None:
    """A dependency as this environment has it: tests do not download."""
    installed = Path(sysconfig.get_path("purelib"))
    tops = {path.parts[0] for path in distribution(name).files or () if path.suffix != ".pyc"}
    for top in tops - {"..", "__pycache__"}:
        if (installed / top).is_dir():
            shutil.copytree(installed / top, site / top, dirs_exist_ok=True)
        else:
            shutil.copy2(installed / top, site / top)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("wheel"))


def test_it_adds_one_name_and_its_metadata(installed: Installed) -> None:
    metadata = {name for name in installed.added if name.endswith(".dist-info")}
    assert len(metadata) == 1
    assert installed.added - metadata == {"lxc_preflight"}


def test_it_holds_the_whole_application_and_nothing_but_it(installed: Installed) -> None:
    inside = {path.name for path in (installed.site / "lxc_preflight").iterdir()}
    assert inside - {"__pycache__"} == {"__init__.py", "__main__.py", *OURS}
    for folder in OURS:
        ours = {p.relative_to(ROOT) for p in (ROOT / folder).rglob("*.*") if p.suffix != ".pyc"}
        for path in ours:
            assert (installed.site / "lxc_preflight" / path).exists(), path


def test_its_folders_cannot_be_imported_by_anybody_else(installed: Installed) -> None:
    for name in OURS:
        program = f"import importlib.util, sys; sys.exit(bool(importlib.util.find_spec({name!r})))"
        subprocess.run([installed.python, "-c", program], cwd=installed.directory, check=True)


def test_its_command_helps(installed: Installed) -> None:
    assert "audit" in installed.run("lxc-preflight", "--help")
    assert installed.run("lxc-preflight", "--version").startswith("lxc-preflight ")


def test_it_audits_this_host(installed: Installed) -> None:
    report = json.loads(installed.run("lxc-preflight", "audit", "--format", "json"))
    assert report["schema"] == "lxc-preflight/report/1"
    assert report["findings"]


def test_it_renders_a_page(installed: Installed) -> None:
    page = installed.run("lxc-preflight", "audit", "--format", "html")
    assert page.startswith("<!doctype html>") and page.rstrip().endswith("</html>")


def test_it_runs_as_a_module_too(installed: Installed) -> None:
    assert "audit" in installed.run("python", "-m", "lxc_preflight", "--help")


def test_it_carries_its_license(installed: Installed) -> None:
    (metadata,) = (
        path for path in installed.site.iterdir() if path.name.startswith("lxc_preflight-")
    )
    assert (metadata / "licenses" / "LICENSE").exists()
    assert "License-Expression: MIT" in (metadata / "METADATA").read_text()
