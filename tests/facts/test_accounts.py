"""passwd and group lines as glibc reads them; glibc itself is the oracle."""

from __future__ import annotations

import ctypes
from ctypes import c_char_p, c_uint, c_void_p
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts.accounts import (
    Account,
    account_named,
    login_groups,
    parse_group_line,
    parse_passwd_line,
    target,
)
from audit.host import Request
from audit.model import NotApplicable, Unknown
from audit.testing import made_host

LINES = st.text(st.sampled_from("ab:x019+-# \t\r\v,\x00é"), max_size=30) | st.from_regex(
    r"[a#+ ]?[a-z]{1,3}:x?: ?[+]?0?[0-9]{0,11}:[ +]?[0-9]{0,3}(:g?(:/h(:/s:?)?)?)?", fullmatch=True
)


class Passwd(ctypes.Structure):
    _fields_ = (
        ("name", c_char_p),
        ("password", c_char_p),
        ("uid", c_uint),
        ("gid", c_uint),
        ("gecos", c_char_p),
        ("home", c_char_p),
        ("shell", c_char_p),
    )


class Group(ctypes.Structure):
    _fields_ = (
        ("name", c_char_p),
        ("password", c_char_p),
        ("gid", c_uint),
        ("members", ctypes.POINTER(c_char_p)),
    )


def by_glibc(function: str, kind: type[ctypes.Structure], line: str) -> Any:
    """What fgetpwent or fgetgrent make of one line: the structure, None when they skip it."""
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        pytest.skip("this machine has no glibc to ask")
    libc.fmemopen.restype = c_void_p
    data = line.encode() + b"\n"
    stream = libc.fmemopen(data, ctypes.c_size_t(len(data)), b"r")
    call = getattr(libc, function)
    call.argtypes, call.restype = [c_void_p], ctypes.POINTER(kind)
    found = call(stream)
    result = found.contents if found else None
    libc.fclose(c_void_p(stream))
    return result


@given(LINES)
def test_a_passwd_line_is_read_as_glibc_reads_it(line: str) -> None:
    found = by_glibc("fgetpwent", Passwd, line)
    ours = parse_passwd_line(line)
    # NIS's + and - entries are none of nss_files; an account without a name is nobody's.
    if found is None or found.name[:1] in (b"+", b"-", b""):
        assert ours is None
    else:
        home, shell = found.home.decode(), found.shell.decode()
        assert ours == Account(found.name.decode(), found.uid, found.gid, home, shell)


@given(LINES)
def test_a_group_line_is_read_as_glibc_reads_it(line: str) -> None:
    found = by_glibc("fgetgrent", Group, line)
    ours = parse_group_line(line)
    if found is None or found.name[:1] in (b"+", b"-", b""):
        assert ours is None
        return
    members, index = [], 0
    while found.members[index]:
        members.append(found.members[index].decode())
        index += 1
    assert ours == (found.name.decode(), found.gid, tuple(members))


@given(st.text())
def test_no_line_crashes(line: str) -> None:
    parse_passwd_line(line)
    parse_group_line(line)


def test_only_a_line_feed_ends_a_line() -> None:
    """A full name may hold what Python calls the end of a line."""
    passwd = "al:x:1000:1000:A\u2028evil:x:0:0:::/home/al:/bin/sh\n"
    host = made_host({"/etc/passwd": passwd}, request=Request(user="evil"))
    assert account_named(host, "evil") is None
    assert account_named(host, "al") is not None


@pytest.mark.parametrize("key", ["1001", "lxc"])
def test_a_user_is_named_by_name_or_uid(key: str) -> None:
    assert made_host(request=Request(user=key)).get(target).name == "lxc"


def test_a_name_goes_before_a_number() -> None:
    passwd = "1001:x:2000:2000::/:/bin/sh\nlxc:x:1001:1001::/:/bin/sh\n"
    host = made_host({"/etc/passwd": passwd}, request=Request(user="1001"))
    assert host.get(target).uid == 2000


@pytest.mark.parametrize("key", ["²", "9" * 5000, "-1", "nobody-there"])
def test_nobody_of_that_name_is_none(key: str) -> None:
    host = made_host(request=Request(user=key))
    assert account_named(host, key) is None
    with pytest.raises(Unknown):
        host.get(target)


def test_without_a_name_nothing_about_a_user_applies() -> None:
    with pytest.raises(NotApplicable):
        made_host(request=Request(user="")).get(target)


def test_groups_are_those_of_the_next_login() -> None:
    assert made_host().get(login_groups) == {100, 1001}
