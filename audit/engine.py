"""Run the judges in order and turn what they could not see, or what crashed, into findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from audit.host import Host
from audit.model import Check, Evidence, Finding, Level, NotApplicable, Outcome, Stage, Unknown
from audit.records import NamedTuple
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


def run(
    checks: Mapping[str, Check], host: Host, on_check: Callable[[str], None] | None = None
) -> list[CheckResult]:
    """Judge every check, parents first, and fold consequences under their causes.

    The result is in the order of ids. A check is skipped when a check it comes after fails (or was
    skipped itself) for every stage that it decides; where the parent's failure leaves a stage open,
    the child is judged. `on_check` hears the id of each check before it is judged.
    """
    results: dict[str, CheckResult] = {}
    leaning: dict[str, str] = {}
    for check in in_order(checks):
        if on_check is not None:
            on_check(check.id)
        causes = causes_of(check, results)
        if causes:
            results[check.id] = consequence(check, causes)
        else:
            results[check.id], cause = _judge(check, host)
            if cause:
                leaning[check.id] = cause
    for name, cause in leaning.items():
        check = checks[name]
        if causes := causes_of(check._replace(after=(cause,)), results):
            results[name] = consequence(check, causes)
    return [results[name] for name in sorted(results)]


def consequence(check: Check, causes: tuple[str, ...]) -> CheckResult:
    """The result of a check that is folded under its root causes."""
    message = f"not judged: a consequence of {', '.join(causes)}"
    return CheckResult(check, (Finding(Outcome.SKIPPED, message),), (), causes)


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
    return _judge(check, host)[0]


def _judge(check: Check, host: Host) -> tuple[CheckResult, str]:
    """The result, and the check that explains why nothing could be seen (empty when none does)."""
    host.trail()
    findings: list[Finding] = []
    cause = ""
    try:
        for finding in check.judge(host):
            if not (isinstance(finding, Finding) and isinstance(finding.message, str)):
                raise TypeError(f"the check yielded {type(finding).__name__}, not a Finding")
            findings.append(finding)
        if not findings:
            findings.append(Finding(Outcome.ERROR, "the check returned no finding"))
    except NotApplicable as why:
        findings.append(Finding(Outcome.NOT_APPLICABLE, str(why)))
    except Unknown as why:
        findings.append(Finding(Outcome.UNKNOWN, str(why)))
        cause = why.cause
    except KeyboardInterrupt:
        raise
    except BaseException as crash:  # also sys.exit() in a plugin: the gate must hear of it
        findings.append(crashed(crash))
    return CheckResult(check, tuple(findings), host.trail()), cause


def crashed(crash: BaseException) -> Finding:
    """The finding of code that crashed: what was raised, and the line that raised it."""
    what = type(crash).__name__
    with suppress(Exception):  # a stranger's exception need not even have a working __str__
        what = f"{what}: {crash}"
    place = crash.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None:
        return Finding(Outcome.ERROR, what)
    return Finding(
        Outcome.ERROR,
        what,
        (Evidence(place.tb_frame.f_code.co_filename, place.tb_lineno, what, "no exception"),),
    )
