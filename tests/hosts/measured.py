"""What was measured on booted hosts: kept in measured.json, told in docs/hosts.md and README."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from tests.files import ROOT
from tests.hosts.trial import DEFECT, FIXED, WELL, Trial
from tests.hosts.variants import MATRIX
from tests.truth.table import SIGNS, STAGES

RESULTS = Path(__file__).parent / "measured.json"
PAGE = ROOT / "docs/hosts.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- make hosts: begin -->\n", "<!-- make hosts: end -->\n"


class Measured(NamedTuple):
    """One variant: the host it ran on, what really happened, and how the predictions did."""

    name: str
    what: str
    session: str
    os: str
    kernel: str
    init: str
    lxc: str
    cgroup: str
    date: str
    reality: dict[str, dict[str, bool]]  # container -> stage -> does it work
    right: int
    wrong: int
    unknown: int
    mended: str

    @classmethod
    def of(cls, trial: Trial) -> Measured:
        """From a trial that was just made."""
        variant, count = trial.variant, [row.verdict for row in trial.rows]
        seen = trial.results[0]["seen"]
        host = {key: seen[key] for key in ("os", "kernel", "init", "lxc", "cgroup")}
        return cls(
            name=variant.name,
            what=variant.what,
            session=variant.session,
            **host,
            date=time.strftime("%Y-%m-%d"),
            reality=trial.reality,
            right=count.count("right"),
            wrong=len(trial.wrong),
            unknown=count.count("unknown"),
            mended=trial.mended,
        )


def stored() -> dict[str, Measured]:
    """What was measured last, by the variant's name."""
    if not RESULTS.exists():
        return {}
    rows: list[dict[str, Any]] = json.loads(RESULTS.read_text())
    return {row["name"]: Measured(**row) for row in rows}


def keep(new: Iterable[Measured]) -> None:
    """Put new measurements in place of older ones, and write the pages anew.

    The directory is locked meanwhile: several runs may be under way.
    """
    directory = os.open(RESULTS.parent, os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)
    try:
        _keep(new)
    finally:
        os.close(directory)


def _keep(new: Iterable[Measured]) -> None:
    known = {**stored(), **{one.name: one for one in new}}
    found = [known[variant.name] for variant in MATRIX if variant.name in known]
    lines = ",\n".join(json.dumps(one._asdict()) for one in found)
    RESULTS.write_text(f"[\n{lines}\n]\n")
    PAGE.write_text(page(found))
    README.write_text(with_summary(README.read_text(), found))


HEAD = """# The hosts that were booted

`make hosts` wrote this. It boots each host in QEMU from its distribution's own packages, breaks it
in the way of its row, and asks: root for the user, the user in the session of the row, on some
hosts with `--probe`. Then real `lxc-create` and `lxc-start` answer, then `lxc-preflight run`, which
also starts the container with limits on memory and processes. Where anything does not work
`fix --apply` is tried, a new login and a reboot where it asks for one, and everything again.

*is*: `lxc-create`, `run`, a plain `lxc-start`, and under `run` the network and the limits: `+`
works, `-` does not, `.` was not tried. *fix*: `well` (`run` needs none) or `fixed` (`run` starts a
container with its network and limits after it). *right*, *wrong*, *unknown* count predictions
before and after.

"""
COLUMNS = ("host", "what is special", "session", "is", "fix", "right", "wrong", "unknown", "date")


def page(found: list[Measured]) -> str:
    """The whole table in Markdown."""
    parts = [HEAD]
    for group in _groups(found):
        first = group[0]
        parts.append(f"## {first.os}, {first.init}, LXC {first.lxc}, kernel {first.kernel}\n\n")
        parts.append(_row(COLUMNS) + _row("---" for _ in COLUMNS))
        for one in group:
            counts = (str(one.right), str(one.wrong), str(one.unknown))
            cells = (one.name, one.what, one.session, f"`{signs(one)}`", one.mended, *counts)
            parts.append(_row((*cells, one.date)))
        parts.append("\n")
    if missing := sorted({one.name for one in MATRIX} - {one.name for one in found}):
        parts.append(f"Not measured yet: {', '.join(missing)}.\n")
    return "".join(parts).rstrip("\n") + "\n"


SUMMARY = (
    "host",
    "LXC",
    "variants",
    "runs as it is",
    "runs after `fix`",
    "wrong of predictions",
    "date",
)


def summary(found: list[Measured]) -> str:
    """A line per operating system and init, for the README."""
    lines = [_row(SUMMARY), _row("---" for _ in SUMMARY)]
    for group in _groups(found):
        first = group[0]
        said = sum(one.right + one.wrong + one.unknown for one in group)
        wrong = sum(one.wrong for one in group)
        well = sum(one.mended == WELL for one in group)
        fixed = sum(one.mended == FIXED for one in group)
        dates = max(one.date for one in group)
        cells = (f"{first.os}, {first.init}", first.lxc, str(len(group)), str(well))
        lines.append(_row((*cells, f"{fixed} of {len(group) - well}", f"{wrong} of {said}", dates)))
    return "".join(lines)


def with_summary(text: str, found: list[Measured]) -> str:
    """README with its table replaced."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("README.md has no place for the table of make hosts")
    return f"{before}{BEGIN}\n{summary(found)}\n{END}{after}"


def signs(one: Measured) -> str:
    """What works: create, start, bare_start, network without limits; then limits."""
    new, limited = one.reality.get("new", {}), one.reality.get("limited", {})
    works = {**new, **({"limits": limited["limits"]} if "limits" in limited else {})}
    return "".join(
        SIGNS["yes" if works[stage] else "no"] if stage in works else "." for stage in STAGES
    )


def bad(one: Measured) -> bool:
    """Whether it is not as it must be: a wrong prediction, or a fix that did not do."""
    return one.wrong > 0 or one.mended == DEFECT


def _groups(found: list[Measured]) -> list[list[Measured]]:
    groups: dict[tuple[str, str, str], list[Measured]] = {}
    for one in found:
        groups.setdefault((one.os, one.init, one.lxc), []).append(one)
    return list(groups.values())


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"
