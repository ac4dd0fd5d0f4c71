"""The config itself: its lines are what liblxc takes, and its user can read it."""

from __future__ import annotations

import pytest

from audit.facts.config import Config, Problem
from audit.model import Outcome
from tests.checks.config.configs import FAIL, OLD, PASS, UNKNOWN, Answers, findings, outcomes
from tests.primed import CONFIG


def refused(kind: str, text: str, why: str = "no") -> Config:
    return Config(CONFIG, (), (Problem(CONFIG, 7, text, why, kind),), ())


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("syntax", refused("syntax", "lxc.uts.name foo")),
        ("keys_known", refused("key", "lxc.foo = 1")),
        ("legacy_keys", refused("key", "lxc.network.type = veth")),
        ("values", refused("value", "lxc.tty.max = x")),
        ("includes", refused("include", "lxc.include = /gone", "/gone does not exist")),
    ],
)
def test_a_line_that_liblxc_refuses_fails_for_its_reason(name: str, problem: Config) -> None:
    (found,) = findings(name, "", given=problem)
    assert found.outcome is FAIL
    assert found.evidence[0].line == 7
    for other in {"syntax", "keys_known", "legacy_keys", "values"} - {name}:
        assert outcomes(other, "", given=problem) == [PASS]


def test_an_old_key_is_told_its_new_name() -> None:
    (found,) = findings("legacy_keys", "", given=refused("key", "lxc.id_map = u 0 1 1"))
    assert "lxc.idmap" in found.message
    assert found.fix is not None
    assert found.fix.id == "update_config"


def test_a_key_of_another_release_is_told_which() -> None:
    problem = refused("key", "lxc.cgroup.memory.limit_in_bytes = 1")
    assert "gone since 7.0.0" in findings("keys_known", "", given=problem)[0].message
    problem = refused("key", "lxc.time.offset.boot = 1 h")
    assert "came with 5.0.0" in findings("keys_known", "", given=problem)[0].message


def test_a_value_that_chance_decides_is_unknown() -> None:
    assert outcomes("values", "", given=refused("unclear", "lxc.init.uid = x")) == [UNKNOWN]


def test_a_thousand_bad_lines_are_not_all_told() -> None:
    many = tuple(Problem(CONFIG, n, "lxc.a", "no =", "syntax") for n in range(1000))
    assert len(outcomes("syntax", "", given=Config(CONFIG, (), many, ()))) == 20


def test_the_config_is_there_and_can_be_read() -> None:
    assert outcomes("present", "lxc.idmap = u 0 1 1") == [PASS]
    missing = Config(CONFIG, (), (Problem(CONFIG, 0, "", "does not exist", "missing"),), ())
    (found,) = findings("present", "", given=missing)
    assert found.outcome is FAIL
    denied = Config(CONFIG, (), (Problem(CONFIG, 0, "", "denied", "denied"),), ())
    (found,) = findings("present", "", {("real", CONFIG): CONFIG}, given=denied)
    assert found.fix is None
    # what lies behind a symlink is nothing to give away
    (found,) = findings("present", "", {("real", CONFIG): "/etc/shadow"}, given=denied)
    assert found.fix is None
    assert outcomes("present", "", None, OLD, given=missing) == [FAIL]


@pytest.mark.parametrize(
    ("mode", "uid", "expected"), [(0o644, 1001, PASS), (0o666, 1001, FAIL), (0o644, 1002, FAIL)]
)
def test_nobody_else_can_change_the_config(mode: int, uid: int, expected: Outcome) -> None:
    answers: Answers = {("stat", CONFIG): ["file", mode, uid, 1001, 9, 8, 1]}
    assert outcomes("files_owner", "", answers) == [expected]
