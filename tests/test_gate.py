"""Exit codes, row by row."""

from __future__ import annotations

from typing import Any, cast

import pytest

from audit.gate import exit_code
from audit.report import Report

EXPIRED = {"reason": "x", "expires": "2020-01-01", "expired": True}
HOLDS = {"reason": "x", "expires": None, "expired": False}


def report(*findings: tuple[str, str] | tuple[str, str, Any]) -> Report:
    entries = [
        {"level": level, "outcome": outcome, "waiver": rest[0] if rest else None}
        for level, outcome, *rest in findings
    ]
    return cast(Report, {"findings": entries})


@pytest.mark.parametrize(
    ("findings", "fail_on", "code"),
    [
        ([], "blocking", 0),
        ([("blocking", "pass")], "blocking", 0),
        ([("blocking", "not-applicable")], "blocking", 0),
        ([("blocking", "fail")], "blocking", 1),
        ([("degraded", "fail")], "blocking", 0),
        ([("degraded", "fail")], "degraded", 1),
        ([("hardening", "fail")], "degraded", 0),
        ([("hardening", "fail")], "hardening", 1),
        ([("info", "fail")], "hardening", 0),
        ([("blocking", "unknown")], "blocking", 3),
        ([("degraded", "unknown")], "hardening", 0),
        ([("blocking", "fail"), ("blocking", "unknown")], "blocking", 1),
        ([("info", "error")], "blocking", 3),
        ([("blocking", "fail"), ("info", "error")], "blocking", 1),
        ([("degraded", "fail"), ("info", "error")], "blocking", 3),
        ([("blocking", "fail", HOLDS)], "blocking", 0),
        ([("blocking", "fail", EXPIRED)], "blocking", 1),
        ([("blocking", "fail", HOLDS), ("blocking", "unknown")], "blocking", 3),
        ([("blocking", "fail")], "never", 0),
        ([("blocking", "unknown")], "never", 3),
        ([("blocking", "fail"), ("blocking", "unknown")], "never", 0),
        ([("blocking", "fail"), ("blocking", "error")], "never", 3),
    ],
)
def test_the_exit_code_of_a_report(findings: Any, fail_on: str, code: int) -> None:
    assert exit_code(report(*findings), fail_on) == code
