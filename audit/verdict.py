"""From findings to predictions: one per stage, and the verdict over all of them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from audit.engine import CheckResult, level_of, stages_of
from audit.model import Level, Outcome, Stage
from audit.records import NamedTuple

PREDICTING = (Level.BLOCKING, Level.DEGRADED)


class Verdict(StrEnum):
    READY = "ready"
    NOT_READY = "not-ready"
    UNKNOWN = "unknown"


class Prediction(NamedTuple):
    """`verdict` is yes, no or unknown; `because` the ids of the checks that decide it."""

    verdict: str
    because: tuple[str, ...]


def predict(results: Iterable[CheckResult]) -> dict[Stage, Prediction]:
    """One prediction per stage. A waiver does not change it: LXC does not read waivers."""
    failed: dict[Stage, dict[str, None]] = {stage: {} for stage in Stage}
    undecided: dict[Stage, dict[str, None]] = {stage: {} for stage in Stage}
    passed: dict[Stage, dict[str, None]] = {stage: {} for stage in Stage}
    columns = {
        Outcome.FAIL: failed,
        Outcome.UNKNOWN: undecided,
        Outcome.ERROR: undecided,
        Outcome.PASS: passed,
    }
    for result in results:
        for finding in result.findings:
            if finding.outcome in columns and level_of(result.check, finding) in PREDICTING:
                for stage in stages_of(result.check, finding):
                    columns[finding.outcome][stage][result.check.id] = None
    return {stage: _prediction(failed[stage], undecided[stage], passed[stage]) for stage in Stage}


def _prediction(
    failed: Iterable[str], undecided: Iterable[str], passed: Iterable[str]
) -> Prediction:
    if no := tuple(failed):
        return Prediction("no", no)
    if unknown := tuple(undecided):
        return Prediction("unknown", unknown)
    return Prediction("yes", tuple(passed))


def verdict(results: Iterable[CheckResult]) -> Verdict:
    """ready, not-ready or unknown, by the blocking checks."""
    outcomes = {
        finding.outcome
        for result in results
        for finding in result.findings
        if level_of(result.check, finding) is Level.BLOCKING
    }
    if Outcome.FAIL in outcomes:
        return Verdict.NOT_READY
    if outcomes & {Outcome.UNKNOWN, Outcome.ERROR}:
        return Verdict.UNKNOWN
    return Verdict.READY
