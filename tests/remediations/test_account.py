"""The account of who will own the containers: made by the host's own tool, and taken back."""

from __future__ import annotations

import subprocess

import pytest

from audit.host import Host
from audit.model import Outcome
from audit.registry import builtin
from audit.source import Answer, Question
from audit.testing import judged, made_host
from remediations.account import create, is_name
from remediations.actions import Manual, Run
from tests.checks.config.configs import NEW

USERADD, USERADD_ARCH = "/usr/sbin/useradd", "/usr/bin/useradd"


def host_of(family: str, useradd: str | None = USERADD, nss: str = "files") -> Host:
    there: Answer = ["file", 0o755, 0, 0, 9, 8, 1]
    answers: dict[Question, Answer] = {
        ("stat", one): there if one == useradd else None for one in (USERADD, USERADD_ARCH)
    }
    answers["stat", "/bin/bash"] = None if family == "alpine" else there
    files = {"/etc/os-release": f"ID={family}\n", "/etc/nsswitch.conf": f"passwd: {nss}\n"}
    return made_host(files, answers)


@pytest.mark.parametrize(
    ("family", "useradd", "command", "undo"),
    [
        ("debian", USERADD, "useradd --create-home --shell /bin/bash guests", "userdel guests && "),
        ("fedora", USERADD, "useradd --create-home --shell /bin/bash guests", "userdel guests && "),
        ("arch", USERADD_ARCH, "useradd --create-home --shell /bin/bash guests", "userdel guests "),
        ("gentoo", USERADD, "useradd --create-home --shell /bin/bash guests", "userdel guests && "),
        ("alpine", None, "adduser -D guests", "deluser guests && "),
        ("alpine", USERADD, "useradd --create-home --shell /bin/sh guests", "userdel guests && "),
    ],
)
def test_each_family_makes_it_with_what_it_has(
    family: str, useradd: str | None, command: str, undo: str
) -> None:
    (action,) = create(host_of(family, useradd), "guests").actions
    assert isinstance(action, Run)
    assert action.command == command
    assert action.unless == "id -u guests"
    assert action.undo.startswith(undo)
    assert {"/etc/passwd", "/etc/shadow-", "/etc/subuid"} <= set(action.keeping)
    for text in (action.command, action.unless, action.undo):
        subprocess.run(["sh", "-n", "-c", text], check=True)


@pytest.mark.parametrize(
    "name", ["", "Root", "a b", "-r", "a;b", "a" * 40, "u@example.org", "1000"]
)
def test_what_is_no_name_is_not_made(name: str) -> None:
    assert not is_name(name)
    with pytest.raises(ValueError, match="is no name"):
        create(host_of("debian"), name)


def test_where_a_directory_may_know_the_name_a_person_decides() -> None:
    (action,) = create(host_of("debian", nss="files sss"), "guests").actions
    assert isinstance(action, Manual)


def test_a_user_that_is_not_there_is_made_and_a_uid_is_not() -> None:
    check = builtin()["host.user"]
    for name, has_fix in (("guests", True), ("4711", False)):
        host = host_of("debian")
        host.request = NEW._replace(user=name)
        (found,) = judged(check, host).findings
        assert found.outcome is Outcome.FAIL
        assert (found.fix is not None) == has_fix
