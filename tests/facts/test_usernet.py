"""audit/facts/usernet.py: lines of lxc-usernet and of the data base, as C reads them."""

from __future__ import annotations

import ctypes
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts.usernet import (
    Caller,
    c_int,
    culled,
    entries,
    first_crash,
    meant_for,
    parse_usernet,
    parse_usernet_line,
    request,
)

LIBC = ctypes.CDLL(None)
NOW, BEFORE = (6, 0, 6), (5, 0, 2)


def sscanf(line: bytes) -> tuple[bytes, bytes, bytes, int] | None:
    """The very call of lxc-user-nic."""
    name, kind, bridge = (ctypes.create_string_buffer(100) for _ in range(3))
    number = ctypes.c_int()
    form = b"%99[^ \t] %99[^ \t] %99[^ \t] %d"
    if LIBC.sscanf(line, form, name, kind, bridge, ctypes.byref(number)) != 4:
        return None
    return name.value, kind.value, bridge.value, number.value


def agrees(line: str) -> bool:
    raw = line.encode("utf-8", "surrogateescape")
    found = parse_usernet_line(line)
    if found is None:
        return sscanf(raw) is None
    fields = tuple(f.encode("utf-8", "surrogateescape") for f in found[:3])
    return (*fields, found.quota) == sscanf(raw)


FIELDS = st.text(alphabet="ab@#é\r\v\f\t :0\0", max_size=12)
NUMBERS = st.one_of(st.integers(-(2**70), 2**70).map(str), st.sampled_from(["+1", "-", "0x1", ""]))


@given(st.lists(FIELDS, max_size=5), st.sampled_from([" ", "\t", "  ", " \v"]), NUMBERS, FIELDS)
def test_a_line_is_read_as_sscanf_reads_it(
    fields: list[str], blank: str, number: str, tail: str
) -> None:
    assert agrees(blank.join([*fields, number]) + tail)


@given(st.text().map(lambda text: text.replace("\n", "")))
def test_any_line_is_read_as_sscanf_reads_it(line: str) -> None:
    assert agrees(line)


@given(st.integers(90, 110), st.sampled_from("xé"))
def test_a_field_is_cut_at_99_bytes(length: int, letter: str) -> None:
    assert agrees(f"{letter * length} veth br0 1")


@given(st.text(alphabet="0123456789", min_size=1, max_size=400))
def test_a_number_of_any_length_becomes_an_int(digits: str) -> None:
    assert -(2**31) <= c_int("-", digits) <= 2**31 - 1


@given(st.text())
def test_lines_are_numbered_as_an_editor_does(text: str) -> None:
    lines = text.split("\n")
    assert all(lines[one.line - 1] == one.text for one in parse_usernet(text))


@given(st.binary(max_size=200))
def test_any_data_base_is_read(data: bytes) -> None:
    found = entries(data)
    assert all(a.end < b.start for a, b in pairwise(found))
    assert len(culled(data, lambda _: True)[0]) <= len(data)
    assert culled(data, lambda _: False)[0] == b""


@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=8), st.integers(-3, 6))
def test_who_is_below_the_quota_gets_one_more(lines: list[tuple[str, bool]], quota: int) -> None:
    data = "".join(f"{who} veth br0 {'live' if alive else 'gone'}\n" for who, alive in lines)
    allowed = parse_usernet(f"a veth br0 {quota}")
    grant = request(data.encode(), allowed, "br0", "veth1_xxxx", lambda name: name == "live")
    assert (grant.owner is not None) == (quota > (grant.counts[0] if grant.counts else 0))


@pytest.mark.parametrize(
    ("groups", "version", "group", "verdict"),
    [
        (("one", "two"), BEFORE, "two", True),
        (("one", "two"), BEFORE, "three", None),
        (("one", "two"), NOW, "three", False),
        ((), BEFORE, "three", False),
        (("one", None, "two"), BEFORE, "one", True),
        (("one", None, "two"), BEFORE, "two", None),
        (("one", None, "two"), NOW, "two", False),
        (("one", None, "two"), (4, 0, 1), "one", False),
    ],
)
def test_a_list_of_groups_ends_where_it_ends(
    groups: tuple[str | None, ...], version: tuple[int, int, int], group: str, verdict: bool | None
) -> None:
    assert Caller("me", groups, version).belongs(group) is verdict


def test_a_group_line_kills_wherever_it_stands_and_only_old_releases() -> None:
    lines = parse_usernet("me veth br0 1\n# @no veth x 1\n@no veth\n@no veth other 1\n")
    crash = first_crash(lines, Caller("me", ("me",), BEFORE))
    assert crash is not None
    assert crash.line == 4
    assert first_crash(lines, Caller("me", ("me",), NOW)) is None


def test_only_the_exact_type_and_bridge_count() -> None:
    lines = parse_usernet("me veth br0 1\nme VETH br0 1\nme veth br0.1 1\nyou veth br0 1\n")
    assert [one.line for one in meant_for(lines, Caller("me", (), NOW), "br0")] == [1]


def test_without_a_data_base_the_first_line_pays_whatever_its_number() -> None:
    lines = parse_usernet("me veth br0 0\nme veth br0 1\n")
    grant = request(b"", lines, "br0", "veth1_xxxx", lambda _: True)
    assert grant.owner == lines[0]


def test_interfaces_on_other_bridges_count() -> None:
    lines = parse_usernet("me veth br0 1\n")
    grant = request(b"me veth other live\n", lines, "br0", "veth1_xxxx", lambda _: True)
    assert grant.owner is None


def test_dead_entries_are_cut_off_the_end_not_taken_out() -> None:
    data = b"me veth br0 gone\nyo veth br0 live\n"
    assert culled(data, lambda name: name == "live")[0] == b"me veth br0 gone\n"
