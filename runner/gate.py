"""May the run go on? Pure: a report in, a decision out."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from audit.errors import Exit
from audit.model import Outcome, Stage
from audit.records import NamedTuple
from audit.report import FindingEntry, Report


class Decision(NamedTuple):
    """`exit` is PASSED when the run may go on, else what its exit code will be.

    `findings` are those that decide it; `accepted` the ids that were undecided and accepted.
    """

    exit: Exit
    findings: tuple[FindingEntry, ...] = ()
    accepted: tuple[str, ...] = ()


def stages(*, new: bool, network: bool, limits: bool) -> tuple[Stage, ...]:
    """The promises that a run depends on. A plain start is none of them."""
    wanted = [Stage.CREATE] if new else []
    wanted.append(Stage.START)
    wanted += [Stage.NETWORK] if network else []
    wanted += [Stage.LIMITS] if limits else []
    return tuple(wanted)


def decide(report: Report, wanted: Iterable[Stage], accept: Iterable[str] = ()) -> Decision:
    """Judge the stages that a run depends on.

    A stage that is predicted to fail refuses it. One that is not decided does too, unless every
    check that leaves it open is accepted.
    """
    accept = tuple(accept)
    failing: dict[str, None] = {}
    undecided: dict[str, None] = {}
    accepted: dict[str, None] = {}
    for stage in wanted:
        answer = report["stages"][stage.value]
        for check in answer["because"]:
            if answer["verdict"] == "no":
                failing[check] = None
            elif answer["verdict"] == "unknown":
                waived = any(fnmatchcase(check, pattern) for pattern in accept)
                (accepted if waived else undecided)[check] = None
    if failing:
        found = _findings(report, failing, {Outcome.FAIL})
        return Decision(Exit.FOUND, found, tuple(accepted))
    if undecided:
        found = _findings(report, undecided, {Outcome.UNKNOWN, Outcome.ERROR})
        return Decision(Exit.UNDECIDED, found, tuple(accepted))
    return Decision(Exit.PASSED, (), tuple(accepted))


def _findings(
    report: Report, checks: Iterable[str], outcomes: Iterable[Outcome]
) -> tuple[FindingEntry, ...]:
    ids, words = set(checks), {outcome.value for outcome in outcomes}
    return tuple(
        one
        for one in report["findings"]
        if one["check"] in ids and one["outcome"] in words and one["stages"]
    )
