"""Does what was tried agree with what was predicted? For the checks of --probe."""

from __future__ import annotations

from fnmatch import fnmatchcase

from audit.host import Host
from audit.model import Check, NotApplicable, Outcome, Stage, Unknown
from audit.verdict import PREDICTING


def _checks(host: Host) -> dict[str, Check]:
    from audit.registry import builtin

    return builtin()


def predicted_failures(
    host: Host, patterns: tuple[str, ...], stages: tuple[Stage, ...]
) -> tuple[str, ...]:
    """The ids of the checks matching `patterns` that fail for one of `stages`.

    A check that cannot look predicts nothing.
    """
    return tuple(
        name
        for name, check in host.get(_checks).items()
        if any(fnmatchcase(name, pattern) for pattern in patterns) and _fails(host, check, stages)
    )


def _fails(host: Host, check: Check, stages: tuple[Stage, ...]) -> bool:
    try:
        findings = list(check.judge(host))
    except (Unknown, NotApplicable):
        return False
    return any(
        finding.outcome is Outcome.FAIL
        and (check.level if finding.level is None else finding.level) in PREDICTING
        and set(check.stages if finding.stages is None else finding.stages) & set(stages)
        for finding in findings
    )
