"""From failing checks to a plan: rounds, levels, contradictions, and what would break."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from audit.host import Host
from audit.model import Check, Fail, Finding, Fix, Level, Pass
from audit.planning import plan
from audit.registry import builtin
from audit.selection import selection
from audit.testing import made_host
from remediations.actions import Append, Manual, Replace, Run, Write
from remediations.plan import Asked
from remediations.script import script
from tests.recordings import HEALTHY, changed, names, recorded
from tests.remediations.law4 import subject_of

PATH = "/etc/f"


def wants(
    name: str,
    line: str,
    *,
    level: Level = Level.BLOCKING,
    after: tuple[str, ...] = (),
    fix: Fix | None = None,
) -> Check:
    """A check that wants a line in a file, and asks for it."""

    def judge(host: Host) -> Iterator[Finding]:
        if line in (host.read(PATH) or "").split("\n"):
            yield Pass("there")
        else:
            cure = fix or Fix("config", f"write {line}", (Append(PATH, line),))
            yield Fail(f"no line {line}", fix=cure if cure.actions else None)

    return Check(name, name, level, judge, "", (), after)


def of(*checks: Check) -> dict[str, Check]:
    return {check.id: check for check in checks}


def host(text: str = "a\n") -> Host:
    return made_host({PATH: text})


def test_what_comes_up_when_a_cause_is_gone_is_part_of_the_plan() -> None:
    checks = of(wants("x.one", "b"), wants("x.two", "c", after=("x.one",)), wants("x.three", "a"))
    found = plan(host(), checks)
    assert [step.checks for step in found.steps] == [("x.one",), ("x.two",)]
    assert not found.conflicts and not found.broken


def test_levels_and_selections_choose() -> None:
    checks = of(
        wants("x.blocking", "b"),
        wants("x.degraded", "c", level=Level.DEGRADED),
        wants("y.hardening", "d", level=Level.HARDENING),
    )

    def chosen(only: str = "", skip: str = "", level: str = "degraded") -> list[str]:
        made = plan(host(), checks, level=level, chosen=selection([only], [skip]))
        return [step.checks[0] for step in made.steps]

    assert chosen() == ["x.blocking", "x.degraded"]
    assert chosen(level="blocking") == ["x.blocking"]
    assert chosen(level="hardening") == ["x.blocking", "x.degraded", "y.hardening"]
    assert chosen(skip="x.b*") == ["x.degraded"]
    assert chosen(only="x.degraded") == ["x.degraded"]


def test_two_checks_that_want_two_values_are_a_contradiction() -> None:
    found = plan(host(), of(wants("x.one", "k = 1"), wants("x.two", "k = 2")))
    (conflict,) = found.conflicts
    assert conflict.what == f"k in {PATH}"
    assert (conflict.one.checks, conflict.other.checks) == (("x.one",), ("x.two",))


def test_a_fix_that_would_break_what_passes_is_found_and_blamed() -> None:
    spoil = Fix("config", "spoil", (Replace(PATH, 1, "a", "z"), Append(PATH, "b")))
    none = Fix("", "")
    checks = of(
        wants("x.one", "b", fix=spoil), wants("x.two", "a", fix=none), wants("x.three", "c")
    )
    (broken,) = plan(host(), checks).broken
    assert (broken.check, broken.container, broken.message) == ("x.two", None, "no line a")
    assert broken.because is not None and broken.because.checks == ("x.one",)


def test_what_has_no_fix_is_named_and_what_is_manual_breaks_nothing() -> None:
    by_hand = Fix("k", "think", (Manual(("think",)),))
    checks = of(wants("x.one", "b", fix=Fix("", "")), wants("x.two", "c", fix=by_hand))
    found = plan(host(), checks)
    assert found.without_fix == (("x.one", "no line b"),)
    assert [step.is_manual for step in found.steps] == [True]


def test_a_fix_that_does_not_help_is_asked_for_once() -> None:
    useless = Fix("config", "useless", (Append("/etc/other", "x"),))
    found = plan(host(), of(wants("x.one", "b", fix=useless)))
    assert len(found.steps) == 1


def test_what_cannot_be_imagined_is_not_asked_for_again_in_other_words() -> None:
    asked: list[int] = []

    def judge(host: Host) -> Iterator[Finding]:
        asked.append(1)
        yield Fail("no shell", fix=Fix("shell", "give one", (Run(f"usermod {len(asked)}"),)))

    (step,) = plan(host(), of(Check("x.one", "x", Level.BLOCKING, judge, ""))).steps
    assert step.actions == (Run("usermod 1"),) and len(asked) > 1


def test_fixes_from_outside_come_along_and_can_be_reworked() -> None:
    before = Asked("host.user", "nobody", Fix("create_user", "make", (Append("/etc/passwd", "x"),)))

    def rework(fix: Fix) -> Fix:
        return fix._replace(title="another way")

    found = plan(host(), of(wants("x.one", "b")), before=(before,), rework=rework)
    assert [(step.checks, step.title) for step in found.steps] == [
        (("host.user",), "make"),
        (("x.one",), "another way"),
    ]


def test_existing_containers_are_judged_before_and_after() -> None:
    """A fix for new containers that takes from under an old one what it stands on."""

    def judge(host: Host) -> Iterator[Finding]:
        text = host.read(PATH) or ""
        if host.request.container is None:
            fix = Fix("x", "rewrite", (Write(PATH, "new\n"),))
            yield Pass("ok") if "new" in text else Fail("not new", fix=fix)
        else:
            yield Pass("ok") if "old" in text else Fail(f"{host.request.container} needs old")

    check = Check("x.one", "x", Level.BLOCKING, judge, "")
    found = plan(changed(HEALTHY, {("read", PATH): "old\n"}), of(check))
    (broken,) = found.broken
    assert (broken.container, broken.message) == ("base", "base needs old")
    assert broken.because is not None and broken.because.checks == ("x.one",)


@pytest.mark.parametrize("name", names())
def test_plans_for_recorded_hosts_are_sound(name: str) -> None:
    found = plan(recorded(name), builtin(), level="degraded")
    assert not found.conflicts and not found.broken
    assert script(found.steps, subject_of(recorded(name)))
