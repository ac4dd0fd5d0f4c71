"""Every check of checks/lxc."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from audit.engine import run
from audit.facts.config import container_config
from audit.facts.executables import USUAL, Executable, candidates, which
from audit.facts.lxc import Constants, constants, lxc_version, rootfs_mount, version_text
from audit.facts.session import search_path
from audit.host import Host, Request, Stat
from audit.model import CREATE, STARTING, Finding, Outcome, Unknown
from audit.registry import builtin
from audit.source import Answer, Question, Refused
from audit.testing import judged, made_host
from checks.lxc.installed import PROGRAMS
from tests.primed import config, primed

EVERY = builtin()
DIRECTORY: Answer = ["directory", 0o755, 0, 0, 0, 8, 1]
FILE: Answer = ["file", 0o755, 0, 0, 9, 8, 1]


def program(name: str, mode: int = 0o755) -> Executable:
    stat = Stat("file", mode, 0, 0, 9, 8, 1)
    return Executable(f"/usr/bin/{name}", f"/usr/bin/{name}", stat, None, mode == 0o755)


def installed(missing: str = "", closed: str = "", elsewhere: str = "") -> list[Finding]:
    answers: dict[Question, Answer | Refused] = {
        ("stat", f"{directory}/{name}"): FILE if f"{directory}/{name}" == elsewhere else None
        for directory in USUAL
        for name in PROGRAMS
    }
    host = primed(made_host({}, answers), {search_path: ("/usr/bin",)})
    for name in PROGRAMS:
        found = None if name in (missing, closed) else program(name)
        there = (program(name, 0o750),) if name == closed else ()
        host._facts[(which, name)] = found, None, frozenset()
        host._facts[(candidates, name)] = there, None, frozenset()
    return list(judged(EVERY["lxc.installed"], host).findings)


def test_every_program_is_on_the_path() -> None:
    assert {finding.outcome for finding in installed()} == {Outcome.PASS}


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("lxc-create", (CREATE,)),
        ("lxc-usernsexec", (CREATE,)),
        ("lxc-start", STARTING),
        ("lxc-attach", ()),
    ],
)
def test_a_missing_program_decides_what_cannot_be_done(name: str, stages: tuple[str, ...]) -> None:
    (found,) = [f for f in installed(missing=name) if f.outcome is Outcome.FAIL]
    assert (found.subject, found.stages) == (name, stages)


def nothing_of_lxc(request: Request) -> Host:
    answers: dict[Question, Answer | Refused] = {
        ("stat", f"{directory}/{name}"): None for directory in USUAL for name in PROGRAMS
    }
    host = primed(made_host({}, answers, request), {search_path: ("/usr/bin",)})
    for name in PROGRAMS:
        host._facts[(which, name)] = None, None, frozenset()
        host._facts[(candidates, name)] = (), None, frozenset()
    return host


@pytest.mark.parametrize("user", ["lxc", ""])
def test_a_host_without_lxc_is_told_once(user: str) -> None:
    (found,) = judged(EVERY["lxc.installed"], nothing_of_lxc(Request(user=user))).findings
    assert (found.outcome, found.message) == (Outcome.FAIL, "LXC is not installed")
    assert found.stages is None  # every stage of the check


def test_what_only_lxc_could_tell_is_a_consequence_of_its_absence() -> None:
    def needs_lxc(host: Host) -> Iterator[Finding]:
        raise Unknown("LXC is not installed", cause="lxc.installed")

    child = EVERY["lxc.version"]._replace(id="x.y", judge=needs_lxc, after=())
    checks = {"x.y": child, "lxc.installed": EVERY["lxc.installed"]}
    results = {r.check.id: r for r in run(checks, nothing_of_lxc(Request(user="lxc")))}
    assert results["x.y"].skipped_because == ("lxc.installed",)


def test_a_program_off_the_path_is_not_called_missing() -> None:
    found = installed(missing="lxc-create", elsewhere="/usr/sbin/lxc-create")[0]
    assert "/usr/sbin/lxc-create is not on the user's PATH" in found.message


def test_a_program_that_the_user_may_not_execute_is_told() -> None:
    found = installed(closed="lxc-start")
    assert [f.message for f in found if f.outcome is Outcome.FAIL] == [
        "the user may not execute /usr/bin/lxc-start"
    ]


def versioned(text: str, number: tuple[int, int, int]) -> Host:
    built = Constants("/usr/lib/liblxc.so.1", (text,), None, None, None, frozenset())
    return primed(made_host(), {constants: built, version_text: text, lxc_version: number})


@pytest.mark.parametrize(
    ("text", "number", "outcome"),
    [
        ("5.0.2", (5, 0, 2), Outcome.PASS),
        ("3.1.0", (3, 1, 0), Outcome.FAIL),
        ("2.0.8", (2, 0, 8), Outcome.UNKNOWN),
    ],
)
def test_old_releases_are_told(text: str, number: tuple[int, int, int], outcome: Outcome) -> None:
    (found,) = judged(EVERY["lxc.version"], versioned(text, number)).findings
    assert found.outcome is outcome


@pytest.mark.parametrize(
    ("text", "answer", "outcome"),
    [
        ("", DIRECTORY, Outcome.PASS),
        ("", None, Outcome.FAIL),
        ("", FILE, Outcome.FAIL),
    ],
)
def test_the_mount_point_is_a_directory(text: str, answer: Answer, outcome: Outcome) -> None:
    host = versioned("5.0.2", (5, 0, 2))
    mount = "/usr/lib/lxc/rootfs"
    host = made_host({}, {("stat", mount): answer})
    built = Constants("/usr/lib/liblxc.so.1", ("5.0.2",), None, mount, None, frozenset())
    facts = {constants: built, container_config: config(text), rootfs_mount: mount}
    (found,) = judged(EVERY["lxc.rootfs_mount_point"], primed(host, facts)).findings
    assert found.outcome is outcome


def test_the_config_may_name_another_mount_point() -> None:
    host = made_host({}, {("stat", "/nope"): None})
    facts = {container_config: config("lxc.rootfs.mount = /nope"), constants: None}
    (found,) = judged(EVERY["lxc.rootfs_mount_point"], primed(host, facts)).findings
    assert found.outcome is Outcome.FAIL
    assert found.evidence[0].line == 1
