"""The decision: which stages, and what is made of failures, doubts and accepted risks."""

from __future__ import annotations

from typing import Any

from audit.errors import Exit
from audit.model import Stage
from runner.gate import decide, stages

ALL = stages(new=True, network=True, limits=True)


def report(**verdicts: tuple[str, list[str]]) -> Any:
    """Stages, "yes" unless said otherwise, and a finding for every check that is named."""
    found = {stage.value: {"verdict": "yes", "because": ["x.fine"]} for stage in Stage}
    findings = []
    for stage, (verdict, because) in verdicts.items():
        found[stage] = {"verdict": verdict, "because": because}
        outcome = "fail" if verdict == "no" else "unknown"
        findings += [{"check": one, "outcome": outcome, "stages": [stage]} for one in because]
    return {"stages": found, "findings": findings}


def test_the_stages_follow_from_what_is_wanted() -> None:
    assert ALL == (Stage.CREATE, Stage.START, Stage.NETWORK, Stage.LIMITS)
    assert stages(new=False, network=False, limits=False) == (Stage.START,)


def test_it_opens_when_every_stage_is_yes() -> None:
    assert decide(report(), ALL) == (Exit.PASSED, (), ())


def test_a_plain_start_that_fails_is_no_obstacle() -> None:
    assert decide(report(bare_start=("no", ["a.b"])), ALL).exit == Exit.PASSED


def test_a_stage_that_nobody_needs_is_no_obstacle() -> None:
    wanted = stages(new=False, network=False, limits=False)
    found = report(create=("no", ["a.b"]), network=("no", ["a.c"]), limits=("unknown", ["a.d"]))
    assert decide(found, wanted).exit == Exit.PASSED
    assert decide(found, ALL).exit == Exit.FOUND


def test_a_failure_weighs_more_than_a_doubt_and_is_never_accepted() -> None:
    found = decide(report(create=("no", ["a.b"]), start=("unknown", ["a.c"])), ALL, ["*"])
    assert found.exit == Exit.FOUND and [one["check"] for one in found.findings] == ["a.b"]


def test_a_doubt_closes_it_unless_all_of_it_is_accepted() -> None:
    doubtful = report(start=("unknown", ["a.b", "c.d"]))
    found = decide(doubtful, ALL)
    assert found.exit == Exit.UNDECIDED
    assert [one["check"] for one in found.findings] == ["a.b", "c.d"]
    assert decide(doubtful, ALL, ["a.*"]).exit == Exit.UNDECIDED
    assert decide(doubtful, ALL, ["a.*", "c.d"]) == (Exit.PASSED, (), ("a.b", "c.d"))
