"""From a host to the steps that cure it, held against the host as it would be afterwards.

Curing one cause brings up what was folded under it. So each round of fixes is imagined done
(audit/imagined.py), the checks judge again, and what they ask for then joins the plan. In the end
nothing that passes now may fail, neither for a new container nor for those that the user has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from audit.engine import CheckResult, in_order, level_of, run
from audit.facts.accounts import target
from audit.facts.lxcconf import lxcpath
from audit.facts.userfiles import Denied, user_list
from audit.gate import AT_OR_ABOVE
from audit.host import Host
from audit.imagined import Imagined
from audit.model import Check, Finding, Fix, NotApplicable, Outcome, Unknown
from audit.records import NamedTuple
from audit.selection import Selection
from audit.source import Source
from remediations.actions import Action
from remediations.plan import Asked, Conflict, Step, conflicts, steps_of

MOST_ROUNDS = 6
MOST_CONTAINERS = 50  # that are judged before and after


class Broken(NamedTuple):
    """A check that passes and would fail if the plan were carried out."""

    check: str
    container: str | None  # an existing one; None: a new one
    message: str
    because: Step | None  # the step that does it by itself, where one does


class Plan(NamedTuple):
    """What is to be done, and why it must not be done, if so."""

    steps: tuple[Step, ...]
    conflicts: tuple[Conflict, ...] = ()
    broken: tuple[Broken, ...] = ()
    without_fix: tuple[tuple[str, str], ...] = ()  # (check, message) of causes that have none
    unjudged: int = 0  # containers beyond MOST_CONTAINERS


def plan(
    host: Host,
    checks: Mapping[str, Check],
    *,
    level: str = "degraded",
    chosen: Selection | None = None,
    before: tuple[Asked, ...] = (),
    rework: Callable[[Fix], Fix] | None = None,
    on_container: Callable[[str], None] | None = None,
) -> Plan:
    """The steps for every failing check of `level` and above.

    `before` are asked for from outside; `rework` turns a fix into another way to the same end;
    `on_container` hears the name of each container before it is judged.

    The result is complete as far as it can be known now: what a package brings is judged by the
    next audit.
    """
    chosen = chosen or Selection()
    asked: dict[tuple[str, Fix], Asked] = {(one.check, one.fix): one for one in before}
    bare: dict[str, str] = {}
    now = run(checks, host)
    passed = _passed(now)
    results = now
    settled: set[tuple[str, str, str]] = set()
    for _ in range(MOST_ROUNDS):
        fresh: set[tuple[str, str, str]] = set()
        for check, finding in _failed(results, checks, level, chosen):
            if finding.fix is None or not finding.fix.actions:
                if check.id not in passed:
                    bare.setdefault(check.id, finding.message)
                continue
            fix = rework(finding.fix) if rework else finding.fix
            what = (check.id, finding.subject, fix.id)
            # What cannot be imagined (a command) fails on: it is not asked for in other words.
            if what not in settled and (check.id, fix) not in asked:
                asked[check.id, fix] = Asked(check.id, finding.message, fix)
                fresh.add(what)
        if not fresh:
            break
        settled |= fresh
        results = run(checks, _after(host, steps_of(asked.values())))
    steps = steps_of(asked.values())
    contradictions = conflicts(steps)
    if contradictions:
        return Plan(steps, contradictions, (), tuple(bare.items()))
    broken, unjudged = _broken(host, checks, steps, now, on_container)
    return Plan(steps, (), broken, tuple(bare.items()), unjudged)


def _failed(
    results: list[CheckResult], checks: Mapping[str, Check], level: str, chosen: Selection
) -> list[tuple[Check, Finding]]:
    """The failures that matter, causes before what comes after them."""
    by_id = {result.check.id: result for result in results}
    return [
        (check, finding)
        for check in in_order(checks)
        if chosen.wants(check) and check.id in by_id
        for finding in by_id[check.id].findings
        if finding.outcome is Outcome.FAIL and level_of(check, finding) in AT_OR_ABOVE[level]
    ]


def actions_of(steps: tuple[Step, ...]) -> tuple[Action, ...]:
    return tuple(action for step in steps for action in step.actions)


def _after(host: Host, steps: tuple[Step, ...], container: str | None = None) -> Host:
    request = host.request if container is None else _about(host, container).request
    return Host(_imagined(host, steps), request)


def _imagined(host: Host, steps: tuple[Step, ...]) -> Source:
    owner = None
    with suppress(Unknown, NotApplicable):
        account = host.get(target)
        owner = (account.uid, account.gid)
    return Imagined(host.source, actions_of(steps), owner)


def _about(host: Host, container: str) -> Host:
    return Host(host.source, host.request._replace(container=container, config=None))


def _broken(
    host: Host,
    checks: Mapping[str, Check],
    steps: tuple[Step, ...],
    now: list[CheckResult],
    on_container: Callable[[str], None] | None,
) -> tuple[tuple[Broken, ...], int]:
    """What would fail that passes now, and how many containers were left out."""
    steps = tuple(step for step in steps if not step.is_manual)
    if not steps:
        return (), 0
    names = containers_of(host)
    found: list[Broken] = []
    for name in (None, *names[:MOST_CONTAINERS]):
        if on_container is not None:
            on_container(name or "new containers")
        was = now if name is None else run(checks, _about(host, name))
        will = run(checks, _after(host, steps, name))
        for check, message in _turned(was, will):
            because = next(
                (
                    step
                    for step in steps
                    if any(
                        turned == check
                        for turned, _ in _turned(was, run(checks, _after(host, (step,), name)))
                    )
                ),
                None,
            )
            found.append(Broken(check, name, message, because))
    return tuple(found), max(0, len(names) - MOST_CONTAINERS)


def _turned(was: list[CheckResult], will: list[CheckResult]) -> list[tuple[str, str]]:
    """(check, message) of each that turns from pass to a failure that blocks or degrades."""
    passed = _passed(was)
    return [
        (result.check.id, finding.message)
        for result in will
        if result.check.id in passed
        for finding in result.findings
        if finding.outcome is Outcome.FAIL
        and level_of(result.check, finding) in AT_OR_ABOVE["degraded"]
    ]


def _passed(results: list[CheckResult]) -> set[str]:
    return {
        result.check.id
        for result in results
        if all(finding.outcome is Outcome.PASS for finding in result.findings)
    }


def containers_of(host: Host) -> list[str]:
    """The names of the user's other containers."""
    try:
        names = host.get(user_list, host.get(lxcpath))
    except (Unknown, NotApplicable):
        return []
    if names is None or isinstance(names, Denied):
        return []
    return [name for name in names if name != host.request.container and not name.startswith(".")]
