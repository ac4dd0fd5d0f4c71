"""How findings belong together: which are the consequences of which, and what each is called."""

from __future__ import annotations

from collections.abc import Iterable

from audit.model import Outcome
from audit.report import FindingEntry

# summary column -> how a person calls it
WORDS = {
    "fail": "failed",
    "unknown": "undecided",
    "error": "crashed",
    "waived": "waived",
    "pass": "passed",
    "skipped": "not judged",
    "not_applicable": "not applicable",
}


def consequences(findings: Iterable[FindingEntry]) -> dict[str, list[str]]:
    """Root cause -> the checks that were skipped because of it."""
    found: dict[str, list[str]] = {}
    for one in findings:
        if one["outcome"] == Outcome.SKIPPED:
            for cause in one["skipped_because"]:
                found.setdefault(cause, []).append(one["check"])
    return found


def by_weight(findings: Iterable[FindingEntry], folded: dict[str, list[str]]) -> list[str]:
    """The checks of some failures, those first that stop most and that most depends on."""
    stages: dict[str, int] = {}
    for one in findings:
        stages[one["check"]] = max(stages.get(one["check"], 0), len(one["stages"]))
    return sorted(stages, key=lambda name: (-stages[name], -len(folded.get(name, ())), name))
