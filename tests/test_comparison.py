"""What counts as new, fixed, changed and worse."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from audit.comparison import compare, is_regression
from audit.report import Report
from tests.reports.strategies import reports

ANSWERS = {"create": {"verdict": "yes", "because": []}}


def report(*findings: tuple[str, str], create: str = "yes", level: str = "blocking") -> Any:
    return {
        "generated": "2026-11-23T20:00:00Z",
        "host": {"hostname": "web1"},
        "user": None,
        "verdict": "ready",
        "stages": {"create": {"verdict": create, "because": []}},
        "findings": [
            {
                "check": check,
                "subject": "",
                "outcome": outcome,
                "level": level,
                "message": outcome,
                "evidence": [],
                "stages": [],
            }
            for check, outcome in findings
        ],
    }


@pytest.mark.parametrize(
    ("before", "after", "where", "worse"),
    [
        ("pass", "pass", "unchanged", False),
        ("fail", "fail", "unchanged", False),
        ("pass", "fail", "new", True),
        ("not-applicable", "unknown", "new", True),
        (None, "fail", "new", True),
        (None, "pass", "unchanged", False),
        ("fail", "pass", "fixed", False),
        ("error", "not-applicable", "fixed", False),
        ("fail", None, "fixed", False),
        ("unknown", "fail", "changed", True),
        ("fail", "unknown", "changed", False),
        ("skipped", "fail", "changed", False),
        ("fail", "skipped", "changed", False),
        ("skipped", "pass", "unchanged", False),
    ],
)
def test_one_finding(before: str | None, after: str | None, where: str, worse: bool) -> None:
    a = report(*[("a.b", before)] if before else [])
    b = report(*[("a.b", after)] if after else [])
    difference: Any = compare(a, b)
    counts = {key: len(difference[key]) for key in ("new", "fixed", "changed")}
    counts["unchanged"] = difference["unchanged"]
    assert [key for key, number in counts.items() if number] == [where]
    assert is_regression(difference) is worse


def test_a_worse_prediction_is_a_regression_and_info_is_none() -> None:
    assert is_regression(compare(report(), report(create="unknown")))
    assert not is_regression(compare(report(create="no"), report(create="unknown")))
    info = report(("a.b", "fail"), level="info")
    assert not is_regression(compare(report(), info))


def test_findings_of_one_check_are_told_apart_by_their_order() -> None:
    difference = compare(report(("a.b", "fail")), report(("a.b", "fail"), ("a.b", "fail")))
    assert (len(difference["new"]), difference["unchanged"]) == (1, 1)


@given(reports())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=30)
def test_a_report_does_not_differ_from_itself(one: Report) -> None:
    difference = compare(one, one)
    assert difference["unchanged"] == len(one["findings"])
    assert not is_regression(difference)
