"""The report, `lxc-preflight/report/1`: what every renderer, gate and diff reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from audit.engine import CheckResult, level_of, stages_of
from audit.model import Check, Evidence, Finding, Fix, Level, Outcome
from audit.pictures.entries import PicturesEntry
from audit.untrusted import clip, encodable
from audit.verdict import predict, verdict

SCHEMA = "lxc-preflight/report/1"


class SystemEntry(TypedDict):
    """os-release(5), None where it was not to be seen."""

    id: str | None
    version_id: str | None
    pretty_name: str | None


class HostEntry(TypedDict):
    """The host, None for what could not be seen of it."""

    hostname: str | None
    os: SystemEntry
    kernel: str | None
    init: str | None
    cgroup: str | None
    lxc: str | None
    source: str


class UserEntry(TypedDict):
    """Who will own the containers."""

    name: str
    uid: int
    gid: int
    home: str


class ConfigEntry(TypedDict):
    """The container config that was judged."""

    path: str | None
    includes: list[str]


class RequestEntry(TypedDict):
    """What was asked for; `user` as it was typed, empty when root named nobody."""

    user: str
    config: str | None
    container: str | None
    guest: str
    template: str | None


class EvidenceEntry(TypedDict):
    source: str
    line: int | None
    observed: str
    expected: str


class FixEntry(TypedDict):
    id: str
    title: str
    steps: list[str]
    needs: list[str]
    then: str | None
    undo: str  # yes, no, partly; empty where a person does it all


class WaiverEntry(TypedDict):
    reason: str
    expires: str | None
    expired: bool


class FindingEntry(TypedDict):
    """One finding. `stages`: which predictions it decides; `evidence`: what proves it."""

    check: str
    area: str
    title: str
    level: str
    outcome: str
    subject: str
    message: str
    evidence: list[EvidenceEntry]
    skipped_because: list[str]
    stages: list[str]
    waiver: WaiverEntry | None
    fix: FixEntry | None


class StageEntry(TypedDict):
    verdict: str
    because: list[str]


Key = tuple[str, str, int]  # check, subject, and which of those findings


class ExplanationEntry(TypedDict):
    """What a check asks, why it matters and where that is written: its own documentation."""

    what: str
    why: str
    see: str


class BaselineEntry(TypedDict):
    """A report that this one was compared with. `worse`: [check, subject, which of those] of each
    finding that is new or worse; `known` and `fixed` are counts.
    """

    generated: str
    worse: list[list[str]]
    known: int
    fixed: int


class Report(TypedDict):
    """`explanations`: of the checks that did not pass. `pictures` and `baseline` are None in
    reports that were made without them. `script` is what `fix` would print, empty where no format
    was asked for that shows it.
    """

    schema: str
    tool: dict[str, str]
    generated: str
    duration_ms: float
    host: HostEntry
    user: UserEntry | None
    session: str
    config: ConfigEntry
    request: RequestEntry
    verdict: str
    stages: dict[str, StageEntry]
    summary: dict[str, dict[str, int]]
    findings: list[FindingEntry]
    explanations: dict[str, ExplanationEntry]
    pictures: PicturesEntry | None
    baseline: BaselineEntry | None
    script: str


# Evidence beyond this many lines proves nothing more.
MAX_EVIDENCE = 50
OUTCOMES = ("pass", "fail", "unknown", "not_applicable", "skipped", "waived", "error")


def findings_of(results: Iterable[CheckResult], user: str = "") -> list[FindingEntry]:
    """Every finding as a report entry, in the order of check ids.

    `user` owns the containers: commands for root say so where they act in the user's places.
    """
    return [_entry(result, finding, user) for result in results for finding in result.findings]


def _entry(result: CheckResult, finding: Finding, user: str) -> FindingEntry:
    check, fix = result.check, finding.fix
    return {
        "check": check.id,
        "area": check.area,
        "title": check.title,
        "level": level_of(check, finding).value,
        "outcome": finding.outcome.value,
        "subject": quoted(finding.subject),
        "message": quoted(finding.message),
        "evidence": [_evidence(e) for e in finding.evidence[:MAX_EVIDENCE]],
        "skipped_because": list(result.skipped_because),
        "stages": [stage.value for stage in stages_of(check, finding)],
        "waiver": None,
        "fix": None if fix is None else _fix(fix, user),
    }


def _evidence(evidence: Evidence) -> EvidenceEntry:
    return {
        "source": quoted(evidence.source),
        "line": evidence.line,
        "observed": quoted(evidence.observed),
        "expected": quoted(evidence.expected),
    }


def _fix(fix: Fix, user: str) -> FixEntry:
    from remediations.actions import needs_of, undo_of
    from remediations.typed import steps

    return {
        "id": fix.id,
        "title": quoted(fix.title),
        # never cut: half a command is another one
        "steps": [encodable(step) for step in steps(fix, user)],
        "needs": list(needs_of(fix)),
        "then": fix.then,
        "undo": undo_of(fix.actions),
    }


def quoted(text: str) -> str:
    """Text of the host as a report holds it: not longer than a quotation, and writable as UTF-8."""
    return encodable(clip(str(text)))


def summarise(findings: Iterable[FindingEntry]) -> dict[str, dict[str, int]]:
    """Counts per level and outcome; a waived failure counts as waived and not as fail."""
    summary = {level.value: dict.fromkeys(OUTCOMES, 0) for level in Level}
    for finding in findings:
        summary[finding["level"]][column(finding)] += 1
    return summary


def column(finding: FindingEntry) -> str:
    """The summary column a finding counts in."""
    waiver = finding["waiver"]
    if finding["outcome"] == Outcome.FAIL and waiver is not None and not waiver["expired"]:
        return "waived"
    return finding["outcome"].replace("-", "_")


def keys(findings: Iterable[FindingEntry]) -> list[Key]:
    """What each finding is known by from one report to the next."""
    found: list[Key] = []
    counts: dict[tuple[str, str], int] = {}
    for finding in findings:
        key = (finding["check"], finding["subject"])
        counts[key] = counts.get(key, 0) + 1
        found.append((*key, counts[key]))
    return found


def written(key: Key) -> list[str]:
    """A key as a report's baseline holds it."""
    return [key[0], key[1], str(key[2])]


def counts_for_the_gate(report: Report) -> list[bool]:
    """For each finding, whether a gate looks at it: with a baseline, only at what got worse."""
    baseline = report.get("baseline")
    if baseline is None:
        return [True] * len(report["findings"])
    worse = {tuple(one) for one in baseline["worse"]}
    return [tuple(written(key)) in worse for key in keys(report["findings"])]


def build(
    results: list[CheckResult],
    *,
    findings: list[FindingEntry],
    about: Mapping[str, Any],
    pictures: PicturesEntry | None = None,
    generated: str,
    duration_ms: float,
    version: str,
) -> Report:
    """Put the parts together; `about` holds what audit/identity.py says. The verdict is that of all
    `results`, the summary that of the chosen `findings`.
    """
    about = _quoted_all(about)
    return {
        "schema": SCHEMA,
        "tool": {"name": "lxc-preflight", "version": version},
        "generated": generated,
        "duration_ms": duration_ms,
        "host": about["host"],
        "user": about["user"],
        "session": about["session"],
        "config": about["config"],
        "request": about["request"],
        "verdict": verdict(results).value,
        "stages": {
            stage.value: {"verdict": p.verdict, "because": list(p.because)}
            for stage, p in predict(results).items()
        },
        "summary": summarise(findings),
        "findings": findings,
        "explanations": explanations(results, findings),
        "pictures": None if pictures is None else _quoted_all(pictures),
        "baseline": None,
        "script": "",
    }


# Outcomes after which somebody asks why that matters.
ASKED_ABOUT = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR)


def explanations(
    results: Iterable[CheckResult], findings: Iterable[FindingEntry]
) -> dict[str, ExplanationEntry]:
    """The documentation of the checks that have something to explain."""
    asked = {one["check"] for one in findings if one["outcome"] in ASKED_ABOUT}
    return {one.check.id: _explained(one.check) for one in results if one.check.id in asked}


def _explained(check: Check) -> ExplanationEntry:
    parts: dict[str, list[str]] = {"what": [], "why": [], "see": []}
    part = "what"
    for line in check.doc.split("\n"):
        words = line.strip()
        for name, mark in (("why", "Why:"), ("see", "See:")):
            if words.startswith(mark):
                part, words = name, words.removeprefix(mark).strip()
        parts[part].append(words)
    what, why, see = (quoted("\n".join(lines).strip()) for lines in parts.values())
    return {"what": what, "why": why, "see": see}


def _quoted_all(value: Any) -> Any:
    """A JSON value with every text in it as `quoted`."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return [_quoted_all(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _quoted_all(item) for key, item in value.items()}
    return value
