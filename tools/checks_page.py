"""The page of all checks, out of the checks themselves: `make docs` writes docs/checks.md."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from audit.model import Check
from audit.registry import builtin

HEAD = """\
# The checks

Written by `make docs` from the checks themselves; `lxc-preflight explain ID` prints one of them.
Levels and outcomes are explained in the [README](../README.md), stages in [stages.md](stages.md).
"""


def page(checks: Iterable[Check]) -> str:
    """The Markdown page: a chapter per area, with a table and each check's documentation."""
    chapters = [HEAD]
    for area, members in groupby(checks, key=lambda check: check.area):
        mine = tuple(members)
        chapters.append("\n".join((f"## {area}", "", *table(mine), "")))
        chapters.extend(entry(check) for check in mine)
    return "\n".join(chapters)


def table(checks: Iterable[Check]) -> Iterator[str]:
    yield "| check | what is true when all is well | level |"
    yield "|---|---|---|"
    for check in checks:
        yield f"| [`{check.id}`](#{anchor(check.id)}) | {escaped(check.title)} | {check.level} |"


def entry(check: Check) -> str:
    """One check: its title, what its failure means, and its own documentation as it stands."""
    stages = ", ".join(f"`{stage}`" for stage in check.stages) or "none by itself"
    lines = [f"### {check.id}", "", f"**{escaped(check.title)}**", "", f"Level: {check.level}  "]
    lines.append(f"Decides: {stages}  " if check.after else f"Decides: {stages}")
    if check.after:
        lines.append("After: " + ", ".join(f"`{name}`" for name in check.after))
    doc = re.sub(r"\n+(?=(?:Why|See):)", "\n\n", inspect.cleandoc(check.doc))
    return "\n".join([*lines, "", escaped(doc), ""])


def anchor(name: str) -> str:
    """The anchor that GitHub gives a heading: dots vanish."""
    return name.replace(".", "")


def escaped(text: str) -> str:
    """Plain text as Markdown: what would become markup or a table's border stays what it is."""
    for mark in "\\`*_<|":
        text = text.replace(mark, "\\" + mark)
    return text


if __name__ == "__main__":
    print(page(builtin().values()), end="")
