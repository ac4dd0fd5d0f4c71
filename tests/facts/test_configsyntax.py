"""Numbers, addresses, signals and limits as the C library and liblxc read them."""

from __future__ import annotations

import ctypes
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts.configsyntax import (
    idmap,
    is_ipv4,
    is_ipv6,
    is_signal,
    limits,
    number,
    signed_number,
)

ADDRESS = st.text(alphabet="0123456789abcdef:.", max_size=40)


def inet_pton(family: int, text: str) -> bool:
    try:
        socket.inet_pton(family, text)
    except OSError:
        return False
    return True


@given(ADDRESS)
def test_ipv4_addresses_are_those_of_inet_pton(text: str) -> None:
    assert is_ipv4(text) is inet_pton(socket.AF_INET, text)


@given(st.one_of(ADDRESS, st.ip_addresses(v=6).map(str), st.ip_addresses(v=4).map("::{}".format)))
def test_ipv6_addresses_are_those_of_inet_pton(text: str) -> None:
    assert is_ipv6(text) is inet_pton(socket.AF_INET6, text)


@given(st.text(alphabet="0123456789abcfxX+- \t", max_size=24))
def test_numbers_are_those_of_strtoul(text: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.strtoul.restype = ctypes.c_ulong
    stripped = text.lstrip(" \t\n\v\f\r")
    buffer = ctypes.create_string_buffer(stripped.encode())
    end = ctypes.c_char_p()
    ctypes.set_errno(0)
    value = libc.strtoul(buffer, ctypes.byref(end), 0)
    whole = bool(stripped) and end.value == b"" and not stripped.startswith("-")
    fits = whole and ctypes.get_errno() == 0 and value <= 2**32 - 1
    assert number(text) == (value if fits else None)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-5", -5),
        ("+5", 5),
        ("0x10", 16),
        ("2147483648", None),
        ("-2147483648", -(2**31)),
        ("", None),
    ],
)
def test_signed_numbers_fit_an_int(text: str, value: int | None) -> None:
    assert signed_number(text) == value


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("5", (5, 5)),
        ("5:6", (5, 6)),
        ("unlimited", (None, None)),
        ("5:unlimited", (5, None)),
        ("-1", (None, None)),
        ("x", None),
    ],
)
def test_limits_are_soft_and_hard(text: str, pair: tuple[int | None, int | None] | None) -> None:
    assert limits(text) == pair


def test_an_id_map_has_four_fields() -> None:
    assert idmap("u 0 100000 65536") == ("u", 0, 100000, 65536)
    assert idmap("u 0 100000") is None


@pytest.mark.parametrize(("text", "known"), [("SIGPWR", True), ("PWR", False), ("64", True)])
def test_signals_have_their_sig(text: str, known: bool) -> None:
    assert is_signal(text) is known
