"""audit --baseline: the gate fails on what got worse and on nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audit.comparison import against
from audit.gate import exit_code
from audit.report import Report
from tests.command.shell import Shell
from tests.reports.examples import example


def test_what_the_baseline_knows_does_not_count(
    shell: Shell, good: Path, bad: Path, tmp_path: Path
) -> None:
    before = tmp_path / "before.json"
    assert shell("audit", "--snapshot", bad, "--save", before).code == 1
    again = shell("audit", "--snapshot", bad, "--baseline", before)
    assert again.code == 0
    assert again.out.startswith("NOT READY")  # the verdict is about LXC, not about the gate
    assert "0 new or worse, 2 known, 0 fixed" in again.out
    worse = shell("audit", "--snapshot", bad, "--baseline", good, "--format", "json")
    assert worse.code == 1
    assert worse.json["baseline"]["worse"] == [["idmap.subids", "", "1"]]
    better = shell("audit", "--snapshot", good, "--baseline", before, "--format", "json")
    assert (better.code, better.json["baseline"]["fixed"]) == (0, 1)


def test_what_could_not_be_decided_before_is_known(shell: Shell, blind: Path, good: Path) -> None:
    assert shell("audit", "--snapshot", blind).code == 3
    assert shell("audit", "--snapshot", blind, "--baseline", blind).code == 0
    assert shell("audit", "--snapshot", blind, "--baseline", good).code == 3


def test_a_baseline_of_somebody_else_is_told(shell: Shell, bad: Path, tmp_path: Path) -> None:
    before = tmp_path / "before.json"
    shell("audit", "--snapshot", bad, "--save", before)
    data = json.loads(before.read_text())
    data["user"]["name"] = "bo\x1b[2J"
    before.write_text(json.dumps(data))
    done = shell("audit", "--snapshot", bad, "--baseline", before)
    assert "is about bo\\x1b[2J on some host, and this report about al on some host" in done.err


def test_a_baseline_that_is_none_is_2(shell: Shell, bad: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text("{}")
    for path in (other, tmp_path / "missing"):
        done = shell("audit", "--snapshot", bad, "--baseline", path)
        assert (done.code, done.out) == (2, "")


def changed(check: str, **values: Any) -> Report:
    report = example("broken")
    for finding in report["findings"]:
        if finding["check"] == check:
            finding |= values  # type: ignore[typeddict-item]
    return report


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ({"level": "degraded"}, {}, 1),  # it matters more now
        ({"stages": ["start"]}, {}, 1),  # it stops more
        ({"outcome": "unknown"}, {}, 1),
        ({"outcome": "skipped"}, {}, 0),  # the cause was cured, and this shows
        ({"message": "said otherwise", "evidence": []}, {}, 0),
        ({}, {"outcome": "error"}, 3),  # what crashed has judged nothing
        ({"outcome": "error"}, {"outcome": "error"}, 3),
        ({"waiver": {"reason": "x", "expires": None, "expired": False}}, {}, 1),
        (
            {"waiver": {"reason": "x", "expires": "2026-01-01", "expired": False}},
            {"waiver": {"reason": "x", "expires": "2026-01-01", "expired": True}},
            1,
        ),
    ],
)
def test_what_is_worse(before: dict[str, Any], after: dict[str, Any], code: int) -> None:
    check = "storage.path_access"
    report = changed(check, **after)
    report["baseline"] = against(changed(check, **before), report)
    assert exit_code(report, "blocking") == code
