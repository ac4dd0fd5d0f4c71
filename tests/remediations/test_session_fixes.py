"""Law 4 for the fixes of session.*: who may log in, and what a login gets; the rest is commands."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from audit.model import Check, Fix
from audit.registry import builtin
from audit.source import Answer, Question
from audit.testing import judged
from remediations.actions import Manual, Run
from remediations.script import library
from remediations.typed import steps
from tests.checks.storage.trees import MINE, USER, Answers, host, mounted
from tests.remediations.law4 import Entry, law4
from tests.remediations.lxc_tree import HOME, theirs, tree_of

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root: files of several owners")
CHECKS = builtin()
Changes = Mapping[str, str | Entry | None]
ANSWERS: Mapping[Question, Answer] = {
    ("uname",): ["Linux", "h", "6.1.0", "x86_64"],
    ("today",): 20000,
    ("list", "/proc"): [],
    ("lstat", "/run/nologin"): None,
}
LOGIN: Changes = {
    "/etc/pam.d/login": "auth requisite pam_nologin.so\nsession required pam_limits.so\n"
    "@include common-session\n",
    "/etc/pam.d/common-session": "session required pam_unix.so\n",
}
CONF = "/etc/security/limits.conf"
OURS = "/etc/security/limits.d/90-lxc-preflight.conf"
SYSTEMD: Changes = {
    "/sbin/init": Entry(link="/usr/lib/systemd/systemd"),
    "/usr/lib/systemd/systemd": "",
    "/usr/lib/systemd/systemd-logind": "",
}
ELOGIND: Changes = {
    "/sbin/init": Entry(link="openrc-init"),
    "/sbin/openrc-init": "",
    "/usr/libexec/elogind": "",
}


class Case(NamedTuple):
    """What is broken, the check that says so, and what the script has to hold."""

    name: str
    check: str
    changes: Changes
    script: tuple[str, ...]
    absent: tuple[str, ...] = ()


CASES = (
    Case("logins are off", "nologin", {"/etc/nologin": "no\n"}, ("remove /etc/nologin\n",)),
    Case(
        "a limit for everybody",
        "limit_nofile",
        {CONF: "* soft nofile 20\n* hard nofile 20\n"},
        (f"append {OURS} 'lxc - nofile 65536'\n",),
    ),
    Case(
        "limits for the user, in a file that is read before ours",
        "limit_nproc",
        {CONF: "", "/etc/security/limits.d/10-a.conf": "lxc soft nproc 3\nlxc hard nproc 3\n"},
        (f"append {OURS} 'lxc - nproc unlimited'\n",),
    ),
    Case(
        "a limit for the user, in a file that is read after ours",
        "limit_fsize",
        {CONF: "", "/etc/security/limits.d/99-a.conf": "# a\nlxc  -  fsize  100 # small\n"},
        (
            "replace /etc/security/limits.d/99-a.conf 2 'lxc  -  fsize  100 # small'"
            " 'lxc - fsize unlimited'\n",
        ),
        (OURS,),
    ),
    Case(
        "ulimit in the user's start-up file",
        "limit_nofile",
        {f"{HOME}/.profile": theirs("umask 022\n  ulimit -S -n 20\n")},
        (f"as_user replace {HOME}/.profile 2 '  ulimit -S -n 20' '#   ulimit -S -n 20'\n",),
    ),
    Case(
        "ulimit for everybody",
        "limit_nofile",
        {"/etc/profile": "ulimit -n 20\n"},
        ("\nreplace /etc/profile 1 'ulimit -n 20' '# ulimit -n 20'\n",),
    ),
    Case(
        "no pam_systemd in the stack, but its package",
        "runtime_dir_made",
        {
            **SYSTEMD,
            "/var/lib/dpkg/status": "Package: libpam-systemd\nStatus: install ok installed\n"
            "Version: 252\n\n",
        },
        ("append /etc/pam.d/common-session 'session optional pam_systemd.so'\n",),
    ),
    Case(
        "no pam_elogind in the stack of a Gentoo",
        "runtime_dir_made",
        {
            **ELOGIND,
            "/etc/os-release": "ID=gentoo\n",
            "/etc/pam.d/login": "session include system-login\n",
            "/etc/pam.d/system-login": "session required pam_unix.so\n",
        },
        ("append /etc/pam.d/system-login 'session optional pam_elogind.so'\n",),
    ),
    Case(
        "no home",
        "home",
        dict.fromkeys(
            (
                *(f"{HOME}/.config/lxc/default.conf", f"{HOME}/.config/lxc/", f"{HOME}/.config/"),
                *(f"{HOME}/.local/share/lxc/", f"{HOME}/.local/share/", f"{HOME}/.local/"),
                f"{HOME}/",
            )
        ),
        (f"directory {HOME} 700\n", f"owner {HOME} 1001:1001\n"),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fail_fix_pass_twice_undo(case: Case, tmp_path: Path) -> None:
    check = CHECKS[f"session.{case.check}"]
    tree = tree_of(tmp_path, {**LOGIN, **case.changes})
    text = law4(check, tree, answers=ANSWERS)
    before = "\n".join(line.strip() for line in text.split(library())[0].split("\n"))
    for line in case.script:
        assert line in before, f"no {line!r} in\n{before}"
    for line in case.absent:
        assert line not in before


def fix_of(check: Check, *changes: Answers) -> Fix:
    fix = judged(check, host(*changes)).findings[0].fix
    assert fix is not None
    return fix


def test_the_account_of_a_system_gets_no_shell() -> None:
    from audit.testing import PASSWD, made_host
    from remediations.session import login_shell

    for uid in (33, 65534):
        passwd = PASSWD.replace("1001:1001", f"{uid}:{uid}")
        (action,) = login_shell(made_host({"/etc/passwd": passwd})).actions
        assert isinstance(action, Manual) and "fix --user NAME" in action.lines[0]


def test_a_shell_and_an_expiry_are_changed_by_the_tools_of_shadow() -> None:
    passwd = f"{USER.name}:x:{USER.uid}:{USER.gid}::{USER.home}:/usr/sbin/nologin\n"
    there: Answers = {("package", "passwd"): "1:4.13", ("stat", "/bin/bash"): None}
    shell = fix_of(
        CHECKS["session.login"],
        there,
        {("read", "/etc/passwd"): passwd, ("expiry", USER.name): None},
        {("stat", "/bin/sh"): ["file", 0o755, 0, 0, 9, 8, 1]},
    )
    (run,) = shell.actions
    assert isinstance(run, Run)
    assert run.command == f"usermod -s /bin/sh {USER.name}"
    assert run.undo == f"usermod -s /usr/sbin/nologin {USER.name}"
    expired: Answers = {("expiry", USER.name): {"expires": 19_000, "locked": False}}
    is_shell: Answers = {("stat", USER.shell): ["file", 0o755, 0, 0, 9, 8, 1]}
    (run,) = fix_of(CHECKS["session.login"], there, expired, is_shell).actions
    assert isinstance(run, Run)
    assert (run.command, run.undo) == (
        f"chage -E -1 {USER.name}",
        f"chage -E 19000 {USER.name}",
    )
    for text in (run.command, run.unless, run.undo):
        subprocess.run(["sh", "-n", "-c", text], check=True)


STATUS = "CapBnd:\t000001ffffffff3f\nNoNewPrivs:\t1\nSeccomp:\t2\n"
CONFINED: Answers = {
    ("read", "/proc/self/status"): STATUS,
    ("read", "/proc/1/status"): STATUS,
    ("probe", "userns", f"{USER.uid}:{USER.gid}:{USER.gid}"): {"ok": False},
}


@pytest.mark.parametrize("name", ["no_new_privs", "bounding_set", "seccomp"])
def test_a_confined_session_is_left_to_a_person(name: str) -> None:
    mine = fix_of(CHECKS[f"session.{name}"], MINE, CONFINED)
    assert all(isinstance(action, Manual) for action in mine.actions)
    assert steps(mine)[0] == f"ssh {USER.name}@localhost"
    outer = fix_of(CHECKS[f"session.{name}"], CONFINED)
    assert all(line.startswith("#") for line in steps(outer)) and steps(outer)


def test_a_chroot_and_a_wrong_home_are_left_to_a_person() -> None:
    chrooted = fix_of(CHECKS["session.chroot"], MINE, mounted(), {("mounts",): 40})
    assert steps(chrooted)[0] == f"ssh {USER.name}@localhost"
