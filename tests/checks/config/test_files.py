"""Files that a config names: a seccomp policy, hooks, logs, a console."""

from __future__ import annotations

import pytest

from audit.model import Outcome
from audit.source import Answer
from audit.testing import WHO
from tests.checks.config.configs import (
    DIRECTORY,
    FAIL,
    FILE,
    NA,
    PASS,
    PROGRAM,
    UNKNOWN,
    Answers,
    findings,
    outcomes,
    tree,
)

POLICY = "/usr/share/lxc/config/common.seccomp"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2\ndenylist\nreject_force_umount  # comment\n[all]\nkexec_load errno 1\n", PASS),
        ("2\nblacklist errno 5\nmount errno 1 [1,0,SCMP_CMP_EQ]\n", PASS),
        ("2\nallowlist\nread\n", UNKNOWN),
        (None, FAIL),
        ("", FAIL),
        ("3\ndenylist\n", FAIL),
        ("2\nfoolist\n", FAIL),
        ("2\ndenylist\nbogus line here\n", FAIL),
        ("2\ndenylist\nmount errno x\n", FAIL),
    ],
)
def test_a_seccomp_policy_is_read_at_the_start(text: str | None, expected: Outcome) -> None:
    answers: Answers = {("user_read", POLICY, WHO): text}
    assert outcomes("seccomp", f"lxc.seccomp.profile = {POLICY}", answers) == [expected]


def test_an_old_liblxc_does_not_know_denylist() -> None:
    answers: Answers = {("user_read", POLICY, WHO): "2\ndenylist\n"}
    line = f"lxc.seccomp.profile = {POLICY}"
    assert outcomes("seccomp", line, answers, version=(4, 0, 2)) == [FAIL]


@pytest.mark.parametrize(
    ("hook", "place", "expected"),
    [
        ("lxc.hook.pre-start = /opt/h a b", PROGRAM, [UNKNOWN]),
        ("lxc.hook.pre-start = /opt/h", None, [FAIL]),
        ("lxc.hook.pre-start = /opt/h", FILE, [FAIL]),
        ("lxc.hook.mount = /opt/h", PROGRAM, [UNKNOWN]),
        ("lxc.hook.mount = /opt/h", ["file", 0o700, 1001, 1001, 9, 8, 1], [FAIL]),
        ("lxc.hook.pre-start = /opt/h", ["file", 0o700, 1001, 1001, 9, 8, 1], [UNKNOWN]),
        ("lxc.hook.post-stop = /opt/h", None, [FAIL]),
        ("lxc.hook.autodev = /opt/h\nlxc.autodev = 0", None, [NA]),
        ("lxc.hook.clone = /opt/h", None, [NA]),
        ("lxc.hook.start = /opt/h", None, [UNKNOWN]),
        ("lxc.hook.pre-start = $HOOK", None, [UNKNOWN]),
        ("lxc.hook.pre-start = true", None, [FAIL]),
    ],
)
def test_a_hook_is_a_program_that_whoever_runs_it_may_run(
    hook: str, place: Answer, expected: list[Outcome]
) -> None:
    answers = tree(**{"/opt": DIRECTORY, "/opt/h": place})
    assert outcomes("hooks", hook, answers) == expected


def test_a_hook_that_stops_nothing_decides_no_stage() -> None:
    answers = tree(**{"/opt": DIRECTORY, "/opt/h": None})
    (found,) = findings("hooks", "lxc.hook.post-stop = /opt/h", answers)
    assert found.stages == ()


@pytest.mark.parametrize(
    ("path", "places", "expected"),
    [
        ("/home/lxc/x.log", {"/home/lxc": ["directory", 0o755, 1001, 1001, 0, 8, 1]}, PASS),
        ("/var/x.log", {"/var": DIRECTORY, "/var/x.log": None}, FAIL),
        ("/var/x.log", {"/var": DIRECTORY, "/var/x.log": FILE}, FAIL),
        ("x.log", {}, PASS),
    ],
)
def test_logs_can_be_written(path: str, places: dict[str, Answer], expected: Outcome) -> None:
    answers = tree(**{"/home": DIRECTORY, "/home/lxc/x.log": None, **places})
    assert outcomes("log", f"lxc.log.file = {path}", answers) == [expected]
    assert outcomes("console", f"lxc.console.logfile = {path}", answers) == [expected]


def test_a_console_log_needs_its_directory_and_a_log_makes_it() -> None:
    mine: Answer = ["directory", 0o755, 1001, 1001, 0, 8, 1]
    answers = tree(**{"/home": DIRECTORY, "/home/lxc": mine, "/home/lxc/new": None})
    assert outcomes("log", "lxc.log.file = /home/lxc/new/log", answers) == [PASS]
    assert outcomes("console", "lxc.console.logfile = /home/lxc/new/log", answers) == [FAIL]


def test_a_console_is_a_terminal_that_is_there() -> None:
    assert outcomes("console", "lxc.console.path = none") == [NA]
    answers: Answers = {("stat", "/dev/tty9"): None}
    assert outcomes("console", "lxc.console.path = /dev/tty9", answers) == [FAIL]
