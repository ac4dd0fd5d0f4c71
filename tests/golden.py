"""Golden screens: `make golden` writes them again, and git shows what changed.

Each is one of tests/data/reports as a person or a machine sees it. Files, so that a reviewer reads
what a user will read.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from audit.comparison import compare
from audit.report import Report
from reports import differences, next_step, to_text
from tests.reports.examples import NAMES, example
from tests.reports.rendering import rendered

DIRECTORY = Path(__file__).parent / "data" / "golden"


class Screen(NamedTuple):
    """Where a page is read: how wide, in colours or not, with which variables."""

    name: str
    is_terminal: bool
    environment: dict[str, str]


SCREENS = (
    Screen("80", True, {"COLUMNS": "80", "TERM": "xterm-256color"}),
    Screen("200", True, {"COLUMNS": "200", "TERM": "xterm-256color"}),
    Screen("pipe", False, {}),
    # What a CI system sets; its log is no terminal, whatever TERM says.
    Screen("ci", False, {"CI": "true", "GITHUB_ACTIONS": "true", "TERM": "dumb"}),
)
TEXTS = ("markdown", "github", "prometheus", "junit")
DECIDING = ("COLUMNS", "TERM", "NO_COLOR", "FORCE_COLOR", "CI", "GITHUB_ACTIONS", "COLORTERM")


class Output(io.StringIO):
    """A stream that says whether it is a terminal."""

    encoding = "utf-8"

    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


def screens() -> Iterator[tuple[str, str]]:
    """(file name, text) of every golden file, as where root is reached by sudo."""
    with patch.object(next_step, "as_root", "sudo {}".format):
        yield from _screens()


def _screens() -> Iterator[tuple[str, str]]:
    for name in NAMES:
        report = example(name)
        for screen in SCREENS:
            yield f"{name}.{screen.name}.txt", _seen(screen, report)
    yield "broken.verbose.txt", _seen(SCREENS[0], example("broken"), verbose=True)
    yield "difference.txt", _difference()
    for format in TEXTS:
        yield f"broken.{format}.txt", rendered(example("broken"), format, verbose=False)


def _seen(screen: Screen, report: Report, *, verbose: bool = False) -> str:
    with _environment(screen.environment):
        out = Output(screen.is_terminal)
        to_text.render(report, out, verbose=verbose)
        return out.getvalue()


def _difference() -> str:
    with _environment(SCREENS[0].environment):
        out = Output(True)
        differences.render(compare(example("ready"), example("broken")), out)
        return out.getvalue()


class _environment:
    """The variables that decide how a page looks, and none of the caller's."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.variables = variables

    def __enter__(self) -> None:
        self.before = {name: os.environ.pop(name, None) for name in DECIDING}
        os.environ.update(self.variables)

    def __exit__(self, *_: object) -> None:
        for name, value in self.before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def main() -> None:
    DIRECTORY.mkdir(exist_ok=True)
    for old in DIRECTORY.glob("*.txt"):
        old.unlink()
    for name, text in screens():
        (DIRECTORY / name).write_text(text)


if __name__ == "__main__":
    main()
