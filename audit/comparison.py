"""What changed between two reports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

from audit.model import Level, Outcome
from audit.report import FindingEntry, Report

SCHEMA = "lxc-preflight/diff/1"

# How bad an outcome is. A consequence of a failure is not better than the failure: when the cause
# is cured and the consequence shows, nothing got worse.
BADNESS = {
    Outcome.PASS: 0,
    Outcome.NOT_APPLICABLE: 0,
    Outcome.UNKNOWN: 1,
    Outcome.ERROR: 1,
    Outcome.SKIPPED: 2,
    Outcome.FAIL: 2,
}
STAGE_BADNESS = {"yes": 0, "unknown": 1, "no": 2}
PROBLEMS = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR)


class Side(TypedDict):
    """Which report: when it was made, of which host, for whom, and what it said."""

    generated: str
    hostname: str | None
    user: str | None
    verdict: str


class Changed(TypedDict):
    """One finding before and after."""

    check: str
    subject: str
    a: FindingEntry
    b: FindingEntry


class Difference(TypedDict):
    """`new`: problems of B alone. `fixed`: problems of A alone. `changed`: problems of both that
    differ, and what was hidden behind another failure on one side.
    """

    schema: str
    a: Side
    b: Side
    stages: dict[str, dict[str, str]]
    new: list[FindingEntry]
    fixed: list[FindingEntry]
    changed: list[Changed]
    unchanged: int


def compare(a: Report, b: Report) -> Difference:
    """The difference from A to B. Findings are the same by check, subject and order."""
    before, after = _by_key(a["findings"]), _by_key(b["findings"])
    new: list[FindingEntry] = []
    fixed: list[FindingEntry] = []
    changed: list[Changed] = []
    unchanged = 0
    for key in sorted({*before, *after}):
        old, now = before.get(key), after.get(key)
        was, is_now = _is_problem(old), _is_problem(now)
        if now is not None and is_now and (old is None or BADNESS[_outcome(old)] == 0):
            new.append(now)
        elif old is not None and was and (now is None or BADNESS[_outcome(now)] == 0):
            fixed.append(old)
        elif old is not None and now is not None and (was or is_now) and _says(old) != _says(now):
            changed.append({"check": key[0], "subject": key[1], "a": old, "b": now})
        else:
            unchanged += 1
    return {
        "schema": SCHEMA,
        "a": _side(a),
        "b": _side(b),
        "stages": {
            stage: {"a": a["stages"][stage]["verdict"], "b": b["stages"][stage]["verdict"]}
            for stage in b["stages"]
        },
        "new": new,
        "fixed": fixed,
        "changed": changed,
        "unchanged": unchanged,
    }


def is_regression(difference: Difference) -> bool:
    """Whether B is worse than A in a finding above info level or in a prediction."""
    if any(finding["level"] != Level.INFO for finding in difference["new"]):
        return True
    if any(_is_worse(change) for change in difference["changed"]):
        return True
    badness = STAGE_BADNESS
    return any(
        badness.get(one["b"], 1) > badness.get(one["a"], 1) for one in difference["stages"].values()
    )


def _is_worse(change: Changed) -> bool:
    old, now = change["a"], change["b"]
    return now["level"] != Level.INFO and BADNESS[_outcome(now)] > BADNESS[_outcome(old)]


def _by_key(findings: Iterable[FindingEntry]) -> dict[tuple[str, str, int], FindingEntry]:
    found: dict[tuple[str, str, int], FindingEntry] = {}
    counts: dict[tuple[str, str], int] = {}
    for finding in findings:
        key = (finding["check"], finding["subject"])
        counts[key] = counts.get(key, 0) + 1
        found[*key, counts[key]] = finding
    return found


def _outcome(finding: FindingEntry) -> Outcome:
    return Outcome(finding["outcome"])


def _is_problem(finding: FindingEntry | None) -> bool:
    return finding is not None and _outcome(finding) in PROBLEMS


def _says(finding: FindingEntry) -> tuple[object, ...]:
    """What a reader would see a difference in."""
    return (
        finding["outcome"],
        finding["level"],
        finding["message"],
        finding["evidence"],
        finding["stages"],
    )


def _side(report: Report) -> Side:
    return {
        "generated": report["generated"],
        "hostname": report["host"]["hostname"],
        "user": report["user"]["name"] if report["user"] else None,
        "verdict": report["verdict"],
    }
