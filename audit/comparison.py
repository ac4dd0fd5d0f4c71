"""What changed between two reports."""

from __future__ import annotations

from typing import TypedDict

from audit.model import Level, Outcome
from audit.report import BaselineEntry, FindingEntry, Key, Report, column, keys, written

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


# How much a level matters, and with it a failure or an open question at that level.
WEIGHT = {Level.INFO: 0, Level.HARDENING: 1, Level.DEGRADED: 2, Level.BLOCKING: 3}


def against(baseline: Report, report: Report) -> BaselineEntry:
    """What a gate with a baseline counts: problems that the baseline does not have, or not as bad.

    A crash always counts: what crashed has judged nothing. So does what the baseline had waived:
    the waiver let it pass, not the baseline.
    """
    before = _by_key(baseline["findings"])
    worse: list[list[str]] = []
    known = 0
    for key, now in _by_key(report["findings"]).items():
        if not _is_problem(now):
            continue
        old = before.get(key)
        if _outcome(now) is Outcome.ERROR or old is None or _is_worse_than(old, now):
            worse.append(written(key))
        else:
            known += 1
    fixed = len(compare(baseline, report)["fixed"])
    return {"generated": baseline["generated"], "worse": worse, "known": known, "fixed": fixed}


def _is_worse_than(old: FindingEntry, now: FindingEntry) -> bool:
    if column(old) == "waived" and column(now) != "waived":
        return True
    if BADNESS[_outcome(now)] != BADNESS[_outcome(old)]:
        return BADNESS[_outcome(now)] > BADNESS[_outcome(old)]
    if WEIGHT[Level(now["level"])] != WEIGHT[Level(old["level"])]:
        return WEIGHT[Level(now["level"])] > WEIGHT[Level(old["level"])]
    return not set(now["stages"]) <= set(old["stages"])


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


def _by_key(findings: list[FindingEntry]) -> dict[Key, FindingEntry]:
    return dict(zip(keys(findings), findings, strict=True))


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
