"""Annotations of GitHub Actions: workflow commands on standard output.

What stops a container is an error, what degrades it or could not be decided a warning, the rest a
notice. GitHub shows ten of each kind, so the most important come first.
"""

from __future__ import annotations

from typing import TextIO

from audit.model import Level, Outcome
from audit.report import FindingEntry, Report, column, counts_for_the_gate
from audit.untrusted import visible

SUFFIX = ""
KINDS = {
    Level.BLOCKING: "error",
    Level.DEGRADED: "warning",
    Level.HARDENING: "notice",
    Level.INFO: "notice",
}
ORDER = ("error", "warning", "notice")
LEVELS = tuple(Level)


def render(report: Report, out: TextIO, *, verbose: bool = False) -> None:
    """Write a command for each failure and each open question, then the verdict as a notice.

    Hardening and info are left out unless `verbose`.
    """
    lines: list[tuple[int, int, str]] = []
    for one, matters in zip(report["findings"], counts_for_the_gate(report), strict=True):
        kind = _kind(one)
        if kind and not matters:
            kind = "notice"
        if kind is None or (kind == "notice" and not verbose and one["level"] in LEVELS[2:]):
            continue
        lines.append((ORDER.index(kind), LEVELS.index(Level(one["level"])), _command(kind, one)))
    for _, _, line in sorted(lines, key=lambda row: row[:2]):
        out.write(f"{line}\n")
    stages = ", ".join(f"{name} {one['verdict']}" for name, one in report["stages"].items())
    words = f"{report['verdict']}: {stages}"
    out.write(f"::notice title=lxc-preflight::{escaped(words)}\n")


def _kind(finding: FindingEntry) -> str | None:
    what, level = column(finding), Level(finding["level"])
    if what == "fail":
        return KINDS[level]
    if what == Outcome.ERROR:
        return "error"
    if what == Outcome.UNKNOWN:
        return "warning" if level in LEVELS[:2] else "notice"
    return None


def _command(kind: str, finding: FindingEntry) -> str:
    place = ""
    first = finding["evidence"][0] if finding["evidence"] else None
    if first is not None and first["source"].startswith("/"):
        place = f",file={escaped(first['source'], is_property=True)}"
        place += f",line={first['line']}" if first["line"] else ""
    fix = finding["fix"]
    cure = f". To cure it: {fix['title']}" if fix else ""
    title = escaped(f"{finding['check']} ({finding['level']})", is_property=True)
    return f"::{kind} title={title}{place}::{escaped(finding['message'] + cure)}"


def escaped(text: str, *, is_property: bool = False) -> str:
    """Text as a workflow command takes it (actions/toolkit, packages/core/src/command.ts)."""
    text = visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    if is_property:
        text = text.replace(":", "%3A").replace(",", "%2C")
    return text
