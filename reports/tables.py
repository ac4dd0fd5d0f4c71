"""Lists: containers, images, logs. One line each, aligned, and safe to show."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from audit.untrusted import visible

UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns of one width each, two blanks apart."""
    lines = [tuple(heads), *(tuple(visible(cell) for cell in row) for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(heads))]
    shown = ("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in shown) + "\n"


def containers(rows: Sequence[Mapping[str, Any]], format: str) -> None:
    """The containers of a user."""
    if format == "json":
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return
    heads = ("NAME", "STATE", "PID", "ADDRESSES", "IDMAP", "MEMORY", "AGE")
    cells = [
        (
            row["name"],
            row["state"],
            str(row["pid"] or "-"),
            ", ".join(row["addresses"]) or "-",
            ", ".join(row["idmap"]) or "-",
            size(row["memory"]),
            duration(row["age"]),
        )
        for row in rows
    ]
    sys.stdout.write(table(heads, cells))


def images(rows: Sequence[Mapping[str, str]], format: str) -> None:
    """What a server has."""
    if format == "json":
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return
    heads = tuple(key.upper() for key in rows[0])
    sys.stdout.write(table(heads, [tuple(row.values()) for row in rows]))


def logs(texts: Iterable[tuple[str, str]], *, headings: bool) -> None:
    """Logs as they are, with nothing in them that could act on a terminal."""
    for kind, text in texts:
        if headings:
            sys.stdout.write(f"==> {kind} <==\n")
        for line in text.splitlines():
            sys.stdout.write(visible(line) + "\n")


def size(count: int | None) -> str:
    """Bytes for a person."""
    if count is None:
        return "-"
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def duration(seconds: float | None) -> str:
    """Seconds for a person, in the two largest units."""
    if seconds is None:
        return "-"
    left = int(seconds)
    parts: list[str] = []
    for length, unit in UNITS:
        if left >= length or (unit == "s" and not parts):
            parts.append(f"{left // length}{unit}")
            left %= length
    return " ".join(parts[:2])
