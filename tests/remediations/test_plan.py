from __future__ import annotations

from audit.model import Fix
from remediations.actions import (
    Acl,
    Action,
    Append,
    Delete,
    Install,
    Manual,
    Mode,
    Owner,
    Remove,
    Replace,
    Run,
    Setting,
    Write,
)
from remediations.plan import Asked, Step, conflicts, steps_of


def asked(check: str, *actions: Action, mechanism: str = "some") -> Asked:
    return Asked(check, f"{check} failed", Fix(mechanism, f"cure {check}", actions))


def checks(steps: tuple[Step, ...]) -> list[tuple[str, ...]]:
    return [step.checks for step in steps]


def test_fixes_that_do_the_same_are_one_step() -> None:
    same = Append("/etc/subuid", "a:1:1")
    steps = steps_of([asked("a.one", same), asked("a.two", same)])
    assert checks(steps) == [("a.one", "a.two")]
    assert [finding.message for finding in steps[0].findings] == ["a.one failed", "a.two failed"]


def test_an_action_is_done_once_and_what_has_none_left_joins_the_earlier_step() -> None:
    first, second, third = (Append("/f", text) for text in "abc")
    steps = steps_of(
        [asked("a.one", first, second), asked("a.two", second, third), asked("a.three", first)]
    )
    assert [step.actions for step in steps] == [(first, second), (third,)]
    assert checks(steps) == [("a.one", "a.three"), ("a.two",)]


def test_packages_come_first_services_late_and_what_is_left_to_a_person_last() -> None:
    steps = steps_of(
        [
            asked("a.manual", Manual(("think",)), mechanism="package"),
            asked("a.service", Run("start"), mechanism="service"),
            asked("a.config", Append("/f", "x"), mechanism="config"),
            asked("a.ids", Append("/etc/subuid", "x"), mechanism="subids"),
            asked("a.package", Install("debian", ("lxc",)), mechanism="package"),
        ]
    )
    assert [step.checks[0].partition(".")[2] for step in steps] == [
        "package",
        "ids",
        "config",
        "service",
        "manual",
    ]


def test_causes_stay_in_the_order_in_which_they_were_asked() -> None:
    order = [asked(f"a.n{number}", Append("/f", str(number))) for number in range(9)]
    assert checks(steps_of(order)) == [(one.check,) for one in order]


def test_whose_rights_a_step_takes_and_what_undo_brings_back() -> None:
    mine, roots = Append("/home/a/f", "x", True), Append("/etc/f", "x")
    (step,) = steps_of([asked("a.b", mine)])
    assert (step.needs, step.undo) == (("user",), "yes")
    (step,) = steps_of([asked("a.b", mine, roots, Run("reboot"))])
    assert (step.needs, step.undo) == (("root", "user"), "partly")
    (step,) = steps_of([asked("a.b", Install("arch", ("lxc",)))])
    assert step.undo == "no"
    (step,) = steps_of([asked("a.b", Manual(("x",)))])
    assert step.is_manual and step.needs == ()


def conflict(one: Action, other: Action) -> list[str]:
    found = conflicts(steps_of([asked("a.one", one), asked("a.other", other)]))
    for each in found:
        assert (each.one.checks, each.other.checks) == (("a.one",), ("a.other",))
    return [each.what for each in found]


def test_two_values_for_one_thing_are_a_conflict() -> None:
    for one, other, what in (
        (Setting("/proc/sys/a", "1"), Setting("/proc/sys/a", "2"), "the value of /proc/sys/a"),
        (Mode("/a", 0o700), Mode("/a", 0o711), "the mode of /a"),
        (Owner("/a", 0, 0), Owner("/a", 1, 1), "the owner of /a"),
        (Write("/a", "x"), Write("/a", "y"), "the content of /a"),
        (Acl("/a", "u:5:x"), Acl("/a", "u:5:rx"), "what u:5 may do with /a"),
        (Append("/a", "k = 1"), Append("/a", "k=2"), "k in /a"),
        (Replace("/a", 3, "x", "y"), Delete("/a", 3, "x"), "line 3 of /a"),
        (Append("/a", "lxc.idmap = u 0 1 9"), Append("/a", "lxc.idmap = u 0 2 9"), "lxc.idmap u 0"),
    ):
        (found,) = conflict(one, other)
        assert found.startswith(what)
    assert "whether there is /a" in conflict(Remove("/a"), Append("/a", "x"))
    assert "how to write /a" in conflict(Write("/a", "x"), Append("/a", "x"))


def test_what_can_stand_side_by_side_is_none() -> None:
    for one, other in (
        (Setting("/proc/sys/a", "1"), Setting("/proc/sys/b", "2")),
        (Acl("/a", "u:5:x"), Acl("/a", "u:6:rx")),
        (Append("/a", "k = 1"), Append("/a", "k = 1 ")),
        (Append("/a", "k = 1"), Append("/b", "k = 2")),
        (Append("/a", "lxc.idmap = u 0 1 9"), Append("/a", "lxc.idmap = g 0 2 9")),
        (Append("/a", "lxc.mount.entry = a"), Append("/a", "lxc.mount.entry = b")),
        (Append("/a", "lxc veth br0 1"), Append("/a", "lxc veth br1 2")),
        (Mode("/a", 0o700), Owner("/a", 1, 1)),
        (Run("a"), Run("b")),
    ):
        assert not conflict(one, other)
