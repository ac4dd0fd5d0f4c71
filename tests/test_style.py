"""The linters, run as tests, and the rules of the house that no linter knows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.files import ROOT, tracked

MAX_LINES = 500


def run(*argv: str) -> None:
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def module(name: str, *argv: str) -> None:
    run(sys.executable, "-m", name, *argv)


def test_ruff_finds_nothing() -> None:
    module("ruff", "check", "--no-cache")


def test_ruff_would_format_nothing() -> None:
    module("ruff", "format", "--check", "--no-cache")


def test_mypy_finds_nothing() -> None:
    module("mypy")


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_shellcheck_finds_nothing() -> None:
    scripts = [path for path in tracked() if is_shell(path)]
    assert scripts
    run("shellcheck", *map(str, scripts))


def is_shell(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline(64)
    return path.suffix == ".sh" or bool(re.match(rb"#!.*\b(ba|da)?sh\b", first))


@pytest.mark.parametrize(
    "path", [p for p in tracked() if p.suffix == ".py"], ids=lambda p: str(p.relative_to(ROOT))
)
def test_a_file_does_one_thing(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) < MAX_LINES, f"{len(lines)} lines: split it"
    marks = [
        n for n, line in enumerate(lines, 1) if re.search(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b", line)
    ]
    assert not marks, f"unfinished business on lines {marks}"


STANDARD = {"/", "/tmp", "/var/tmp", "/root", "/home", "/srv", "/opt", "/mnt", "/usr/src", "/build"}


def private_words() -> set[str]:
    """What of this machine must not get into a file: where the checkout lies, its index servers."""
    words = {str(ROOT), str(ROOT.parent), os.path.expanduser("~")} - STANDARD
    for name, value in os.environ.items():
        if name.startswith(("PIP_", "UV_")) and "://" in value:
            words.update(filter(None, (urlsplit(url).hostname for url in value.split())))
    return words


def test_no_file_names_the_machine_it_was_written_on() -> None:
    found = []
    for path in tracked():
        text = path.read_text(errors="replace")
        found += [
            f"{path.relative_to(ROOT)}: {word}"
            for word in private_words()
            if re.search(rf"(?<![\w.}}]){re.escape(word)}(?![\w-])", text)
        ]
    assert not found, "\n".join(found)


def test_requirements_are_pinned_with_hashes_and_name_no_host() -> None:
    for path in (ROOT / "requirements").iterdir():
        text = path.read_text()
        assert "://" not in text and "--index" not in text and "--find-links" not in text
        pins = re.split(
            r"\n(?=\S)", "\n".join(line for line in text.splitlines() if line[:1] != "#")
        )
        for pin in pins:
            assert re.match(r"[\w.-]+==", pin) and "--hash=sha256:" in pin, pin
