"""What counts as right, wrong and a surprise; no container is started here."""

from __future__ import annotations

from typing import Any

import pytest

from tests.truth import page, peers, table
from tests.truth.case import Case
from tests.truth.cases import every

WORKS = {"works": True, "error": ""}
FAILS = {"works": False, "error": "Permission denied"}
CLOSED = Case("home_0700", cause=("storage.path_access",))


def report(answer: str, *causes: str) -> dict[str, Any]:
    stage = {"verdict": answer, "because": list(causes)}
    return {"stages": dict.fromkeys(table.STAGES, stage), "causes": list(causes), "findings": []}


def result(said: dict[str, Any], start: dict[str, Any]) -> dict[str, Any]:
    return {
        "locked_out": False,
        "reports": {"base": {"root": said}},
        "reality": {"base": {"start": start, "bare_start": start, "network": start}},
        "peers": {},
        "restored": {"verdict": "ready"},
    }


def verdicts(case: Case, said: dict[str, Any], start: dict[str, Any]) -> dict[str, str]:
    return {row.stage: row.verdict for row in table.rows(case, result(said, start))}


def test_a_prediction_is_right_when_reality_agrees() -> None:
    same = dict.fromkeys(("start", "bare_start", "network", "all"), "right")
    assert verdicts(Case("healthy"), report("yes"), WORKS) == same
    named = report("no", "storage.path_access")
    assert verdicts(CLOSED, named, FAILS) == {**same, "first cause": "right"}


def test_a_false_alarm_and_a_miss_are_wrong_and_told_apart() -> None:
    alarm = table.rows(Case("healthy"), result(report("no", "x.y"), WORKS))
    miss = table.rows(CLOSED, result(report("yes"), FAILS))
    starts = {t.stage: t for t in table.totals([*alarm, *miss])}["start"]
    assert (starts.wrong, starts.false_alarms, starts.misses) == (2, 1, 1)


def test_an_unknown_is_neither_right_nor_wrong() -> None:
    assert verdicts(CLOSED, report("unknown"), FAILS)["start"] == "unknown"


def test_a_consequence_beside_the_cause_is_wrong() -> None:
    both = report("no", "storage.path_access", "storage.rootfs")
    assert verdicts(CLOSED, both, FAILS)["first cause"] == "wrong"


def test_a_combined_case_wants_every_part_named_for_a_new_container() -> None:
    parts = (("a.b", "a.c"), ("d.e",))
    case = Case("two", cause=("a.b", "a.c", "d.e"), parts=parts)
    for named, expected in (
        (("a.c", "d.e"), "right"),
        (("a.b", "a.c"), "wrong"),
        (("d.e",), "wrong"),
    ):
        made = result(report("no", *named), FAILS)
        made["reports"] = {"new": made["reports"]["base"]}
        made["reality"] = {"new": {"create": FAILS}}
        rows = {row.stage: row.verdict for row in table.rows(case, made)}
        assert rows["first cause"] == expected, named


def test_a_refused_question_is_right_when_lxc_refuses_too() -> None:
    refused = {"refused": "there is no container base"}
    assert verdicts(CLOSED, refused, FAILS)["start"] == "right"
    assert verdicts(CLOSED, refused, WORKS)["start"] == "wrong"


def test_a_host_that_is_not_ready_after_the_restore_is_wrong() -> None:
    made = result(report("yes"), WORKS)
    made["restored"] = {"verdict": "not-ready", "causes": ["idmap.subid_entry"]}
    (row,) = (row for row in table.rows(Case("healthy"), made) if row.stage == table.RESTORED)
    assert (row.verdict, row.because) == ("wrong", "idmap.subid_entry")


def test_reality_that_is_not_what_the_case_is_for_is_a_surprise() -> None:
    assert not table.surprise(CLOSED, result(report("no"), FAILS))
    assert "everything works" in table.surprise(CLOSED, result(report("no"), WORKS))
    assert "Permission denied" in table.surprise(Case("healthy"), result(report("no"), FAILS))


@pytest.mark.parametrize(
    ("line", "causes", "expected"),
    [
        ("no home: /home/u is not executable for others", ("storage.path_access",), True),
        ("newuidmap is not installed", ("idmap.helper_present",), True),
        ("Cgroup v1 freezer controller: missing", ("idmap.helper_present",), False),
        ("Vlan: missing", ("network.bridge_exists",), False),
    ],
)
def test_a_peer_names_a_cause_by_its_words(
    line: str, causes: tuple[str, ...], expected: bool
) -> None:
    assert peers.Answer(False, (line,)).names(causes) is expected


def test_the_page_shows_what_hosts_say_as_text() -> None:
    rows = table.rows(Case("<b>"), {"crashed": "<script>alert(1)</script>"})
    made = page.Truth.of(rows, {"x": "<i>"}, [], 1.0)
    html = made.html()
    assert "<script>" not in html and "&lt;script&gt;" in html
    assert '"crashed"' in made.json()


def test_cases_that_are_to_work_name_no_cause() -> None:
    assert not [case.name for case in every() if case.name.startswith("harmless") and case.cause]
    assert len([case for case in every() if not case.cause]) >= 100
