"""Run the judges in order and turn what they could not see, or what crashed, into findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from audit.host import Host
from audit.model import Check, Finding, Level, NotApplicable, Outcome, Stage, Unknown
from audit.source import Question


class CheckResult(NamedTuple):
    """One check's findings, what it looked at, and, when it was skipped, the root causes."""

    check: Check
    findings: tuple[Finding, ...]
    read: tuple[Question, ...] = ()
    skipped_because: tuple[str, ...] = ()


def level_of(check: Check, finding: Finding) -> Level:
    return check.level if finding.level is None else finding.level


def stages_of(check: Check, finding: Finding) -> tuple[Stage, ...]:
    return check.stages if finding.stages is None else finding.stages


def run(checks: Mapping[str, Check], host: Host) -> list[CheckResult]:
    """Judge every check, parents first, and fold consequences under their causes.

    The result is in the order of ids. A check is skipped when a check it comes after fails (or was skipped
    itself) for every stage that it decides; where the parent's failure leaves a stage open, the child is judged.
    """
    results: dict[str, CheckResult] = {}
    for check in in_order(checks):
        causes = causes_of(check, results)
        if causes:
            message = f"not judged: a consequence of {', '.join(causes)}"
            results[check.id] = CheckResult(check, (Finding(Outcome.SKIPPED, message),), (), causes)
        else:
            results[check.id] = judge(check, host)
    return [results[name] for name in sorted(results)]


def in_order(checks: Mapping[str, Check]) -> Iterable[Check]:
    """Parents before children; raises ValueError on a cycle."""
    done: set[str] = set()
    order: list[Check] = []

    def visit(check: Check, above: tuple[str, ...]) -> None:
        if check.id in done:
            return
        if check.id in above:
            raise ValueError(
                f"checks come after each other in a circle: {' -> '.join((*above, check.id))}"
            )
        for parent in check.after:
            if parent in checks:
                visit(checks[parent], (*above, check.id))
        done.add(check.id)
        order.append(check)

    for name in sorted(checks):
        visit(checks[name], ())
    return order


def causes_of(check: Check, results: Mapping[str, CheckResult]) -> tuple[str, ...]:
    """The root causes that make a check a consequence, empty when it has to be judged."""
    causes: set[str] = set()
    settled: set[Stage] = set()
    for name in check.after:
        parent = results.get(name)
        if parent is None:
            continue
        if parent.skipped_because:
            causes.update(parent.skipped_because)
            settled.update(parent.check.stages)
        for finding in parent.findings:
            if finding.outcome is Outcome.FAIL:
                causes.add(name)
                settled.update(stages_of(parent.check, finding))
    return tuple(sorted(causes)) if settled >= set(check.stages) else ()


def judge(check: Check, host: Host) -> CheckResult:
    """One check's findings. Silence is an error: a check that says nothing has not looked."""
    host.trail()
    findings: list[Finding] = []
    try:
        findings.extend(check.judge(host))
        if not findings:
            findings.append(Finding(Outcome.ERROR, "the check returned no finding"))
    except NotApplicable as why:
        findings.append(Finding(Outcome.NOT_APPLICABLE, str(why)))
    except Unknown as why:
        findings.append(Finding(Outcome.UNKNOWN, str(why)))
    except Exception as crash:  # a plugin may raise anything; the gate must hear of it (exit 3), not lose the report
        findings.append(Finding(Outcome.ERROR, f"{type(crash).__name__}: {crash}"))
    return CheckResult(check, tuple(findings), host.trail())
