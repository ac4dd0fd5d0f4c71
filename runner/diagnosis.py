"""From an error of LXC to the checks that explain it, each verified on this host.

Pure but for the audit that it runs: what a line may mean is a table, and what it means here is what
fails here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from audit.host import Host
from audit.judgement import report_of
from audit.model import Check, Level, Outcome, Stage
from audit.records import NamedTuple
from audit.report import FindingEntry, Report
from runner.patterns import NOISE, TABLE, Row

MOST_LINES = 2000
SHOWN_OPEN = 5  # candidates that do not fail here
SEVERE = re.compile(r"\b(ERROR|FATAL|CRIT|ALERT|EMERG)\b|[Ff]ail|rror|[Dd]enied|not ")


class Explanation(NamedTuple):
    """A check that explains a line. `findings` are its failures on this host; without any, `here`
    says how it stands.
    """

    check: str
    title: str
    line: str
    findings: tuple[FindingEntry, ...]
    here: str


class Match(NamedTuple):
    """A line and the row of the table that it matches."""

    line: str
    row: Row
    rank: int  # of the row: the smaller, the more exact


def matches(text: str) -> list[Match]:
    """The lines of a log that speak for something, each with its most exact row; the most exact
    first, and of equal ones the earlier.
    """
    found: dict[int, Match] = {}
    for line in text.splitlines()[:MOST_LINES]:
        line = line.strip()[:2000]
        if not line or any(re.search(noise, line) for noise in NOISE):
            continue
        if SEVERE.search(line) is None:
            continue
        for rank, row in enumerate(TABLE):
            if re.search(row.pattern, line):
                found.setdefault(rank, Match(line, row, rank))
                break
    return [found[rank] for rank in sorted(found)]


def candidates(found: Iterable[Match], checks: Mapping[str, Check]) -> list[tuple[str, Match, int]]:
    """(id, the line that speaks for it, how exactly) of every check, best first."""
    best: dict[str, tuple[Match, int]] = {}
    for match in found:
        for place, pattern in enumerate(match.row.checks):
            # a glob, and much more a stage, says less than an id
            vague = 1000 if pattern[0] == "@" else 100 if "*" in pattern else 0
            for check in _named(pattern, checks):
                score = match.rank + vague + place
                if check not in best or best[check][1] > score:
                    best[check] = (match, score)
    order = sorted(best, key=lambda check: (best[check][1], check))
    return [(check, *best[check]) for check in order]


def _named(pattern: str, checks: Mapping[str, Check]) -> list[str]:
    if pattern[0] == "@":
        stage = Stage(pattern[1:])
        return [check.id for check in checks.values() if stage in check.stages]
    return [check for check in checks if fnmatchcase(check, pattern)]


def diagnose(text: str, checks: Mapping[str, Check], host: Host) -> list[Explanation]:
    """What explains a log, the likeliest first: what fails on this host, then what could not be
    decided, then what else the lines may mean.
    """
    found = candidates(matches(text), checks)
    if not found:
        return []
    report, _ = report_of(host, checks)
    return verified(found, checks, report)


def verified(
    found: list[tuple[str, Match, int]], checks: Mapping[str, Check], report: Report
) -> list[Explanation]:
    """Order candidates by how they stand on the host that a report is about."""
    by_check: dict[str, list[FindingEntry]] = {}
    for one in report["findings"]:
        by_check.setdefault(one["check"], []).append(one)
    ranked: list[tuple[int, int, int, Explanation]] = []
    seen: set[str] = set()
    for check, match, score in found:
        for cause in _causes(check, by_check):
            if cause in seen:
                continue
            own = by_check.get(cause, [])
            failed = tuple(one for one in own if one["outcome"] == Outcome.FAIL)
            counts = tuple(one for one in failed if one["level"] == Level.BLOCKING)
            is_vague = score >= 1000
            if is_vague and not counts:
                continue
            seen.add(cause)
            here, standing = _standing(own)
            if counts:
                standing = 0
            elif failed:
                standing = 1
            explanation = Explanation(cause, checks[cause].title, match.line, failed, here)
            wide = -max((len(one["stages"]) for one in failed), default=0)
            ranked.append((standing, score, wide, explanation))
    ranked.sort(key=lambda one: one[:3])
    failing = [one[3] for one in ranked if one[3].findings]
    others = [one[3] for one in ranked if not one[3].findings]
    return failing + ([] if failing else others[:SHOWN_OPEN])


def _causes(check: str, by_check: Mapping[str, list[FindingEntry]]) -> list[str]:
    """The check itself, or what it was folded under."""
    causes = [
        cause
        for one in by_check.get(check, ())
        if one["outcome"] == Outcome.SKIPPED
        for cause in one["skipped_because"]
    ]
    return causes or [check]


def _standing(own: Iterable[FindingEntry]) -> tuple[str, int]:
    """How a check without failures stands, in words, and its place among such."""
    own = list(own)
    for one in own:
        if one["outcome"] in (Outcome.UNKNOWN, Outcome.ERROR):
            return f"it could not be decided: {one['message']}", 2
    for one in own:
        if one["outcome"] == Outcome.PASS:
            return f"it holds now: {one['message']}", 3
    return "it does not apply", 4
