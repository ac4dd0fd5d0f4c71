"""Waivers: a reason is due, an end is kept, and nothing is hidden."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import UsageError
from audit.model import Check, Level
from audit.report import FindingEntry, column
from audit.waivers import Waiver, apply, load, parse

TODAY = datetime.date(2026, 11, 23)
MINIMAL = '[[waiver]]\ncheck = "a.b"\nreason = "known"\n'


def check(name: str, *aliases: str) -> Check:
    return Check(name, "", Level.BLOCKING, lambda host: iter(()), "", aliases=aliases)


def finding(check: str, outcome: str = "fail", subject: str = "") -> FindingEntry:
    return {
        "check": check,
        "area": "a",
        "title": "",
        "level": "blocking",
        "outcome": outcome,
        "subject": subject,
        "message": "",
        "evidence": [],
        "skipped_because": [],
        "stages": [],
        "waiver": None,
        "fix": None,
    }


def applied(text: str, one: FindingEntry, *aliases: str) -> str:
    """The summary column of a finding under a waiver file."""
    checks = {one["check"]: check(one["check"], *aliases)}
    apply(parse(text, "w.toml"), [one], checks, user="alice", host="web1", today=TODAY)
    return column(one)


def test_a_waiver_says_why() -> None:
    one = finding("a.b")
    assert applied(MINIMAL, one) == "waived"
    assert one["waiver"] == {"reason": "known", "expires": None, "expired": False}
    assert one["outcome"] == "fail"


@pytest.mark.parametrize(
    ("scope", "column"),
    [
        ('user = "alice"', "waived"),
        ('user = "bob"', "fail"),
        ('host = "web*"', "waived"),
        ('host = "db*"', "fail"),
        ('subject = "br0.*"', "waived"),
        ('subject = "lxcbr0"', "fail"),
        ('user = "alice"\nhost = "db*"', "fail"),
        ('scope = "alice"', "waived"),
        ('scope = "web?"', "waived"),
        ('scope = "br0.1"', "waived"),
        ('scope = "carol"', "fail"),
        ('scope = {user = "al*", subject = "br*"}', "waived"),
        ('scope = {user = "al*", subject = "eth*"}', "fail"),
    ],
)
def test_scope_limits_a_waiver(scope: str, column: str) -> None:
    assert applied(f"{MINIMAL}{scope}\n", finding("a.b", subject="br0.1")) == column


@pytest.mark.parametrize(
    ("expires", "column"),
    [
        ("2026-11-24", "waived"),
        ("2026-11-23", "waived"),
        ("2026-11-22", "fail"),
        ('"2026-11-22"', "fail"),
        ("2026-11-22T10:00:00Z", "fail"),
        ('"none"', "waived"),
    ],
)
def test_the_day_it_expires_is_the_last_one(expires: str, column: str) -> None:
    one = finding("a.b")
    assert applied(f"{MINIMAL}expires = {expires}\n", one) == column
    assert one["waiver"] is not None
    assert one["waiver"]["expired"] is (column == "fail")


def test_a_glob_an_old_name_and_only_failures() -> None:
    assert applied(MINIMAL.replace("a.b", "a.*"), finding("a.c")) == "waived"
    assert applied(MINIMAL, finding("a.new"), "a.b") == "waived"
    assert applied(MINIMAL, finding("a.b", "unknown")) == "unknown"
    assert applied(MINIMAL, finding("a.b", "pass")) == "pass"


def test_one_that_holds_goes_before_one_that_expired() -> None:
    expired = f'{MINIMAL}expires = 2020-01-01\n[[waiver]]\ncheck = "*"\nreason = "all"\n'
    assert applied(expired, finding("a.b")) == "waived"


def test_a_waiver_about_no_check_is_returned() -> None:
    idle = apply([Waiver("z.*", "x")], [], {"a.b": check("a.b")}, user="", host="", today=TODAY)
    assert [waiver.check for waiver in idle] == ["z.*"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[waiver]", "is no waiver file"),
        ('waiver = "a.b"', "is no list"),
        ("waiver = [1]", "waiver 1: it is no table"),
        ("[waivers]", "unknown key 'waivers'"),
        ('[[waiver]]\nreason = "x"', "waiver 1: check is missing"),
        ('[[waiver]]\ncheck = "a.b"', r"waiver 1 \(a\.b\): reason is missing"),
        ('[[waiver]]\ncheck = "a.b"\nreason = " "', "reason must be text"),
        ('[[waiver]]\ncheck = 7\nreason = "x"', "check must be text"),
        (f"{MINIMAL}\n[[waiver]]\ncheck = 'c'\nreason = 1", r"waiver 2 \(c\): reason"),
        (f'{MINIMAL}expiry = "2026-01-01"', "unknown key 'expiry'"),
        (f'{MINIMAL}expires = "soon"', "write a date"),
        (f"{MINIMAL}expires = 2026-13-01", "is no waiver file"),
        (f"{MINIMAL}expires = 12", "write a date"),
        (f'{MINIMAL}scope = {{host = "a", area = "b"}}', "unknown key 'area' in scope"),
        (f"{MINIMAL}scope = []", "scope must be text"),
    ],
)
def test_a_malformed_file_names_the_entry(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        parse(text, "w.toml")


def test_what_is_no_text_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\x00")
    os.mkfifo(tmp_path / "fifo")
    for name, why in (("binary", "UTF-8"), ("fifo", "FIFO"), ("nothing", "No such file")):
        with pytest.raises(UsageError, match=why):
            load(str(tmp_path / name))


@given(st.text())
def test_no_text_crashes_the_parser(text: str) -> None:
    try:
        parse(f"[[waiver]]\n{text}", "w.toml")
    except UsageError as error:
        assert "w.toml" in str(error)
