"""Lines of an fstab are split as getmntent(3) splits them."""

from __future__ import annotations

import ctypes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts.mountentries import parse


class Mntent(ctypes.Structure):
    _fields_ = (
        ("fsname", ctypes.c_char_p),
        ("dir", ctypes.c_char_p),
        ("type", ctypes.c_char_p),
        ("opts", ctypes.c_char_p),
        ("freq", ctypes.c_int),
        ("passno", ctypes.c_int),
    )


def getmntent(line: str) -> tuple[str, str, str, str] | None:
    """What glibc makes of one line."""
    libc = ctypes.CDLL(None)
    libc.fmemopen.restype = ctypes.c_void_p
    libc.getmntent_r.restype = ctypes.c_void_p
    data = line.encode() + b"\n"
    buffer = ctypes.create_string_buffer(data, len(data))
    stream = ctypes.c_void_p(libc.fmemopen(buffer, len(data), b"r"))
    entry, room = Mntent(), ctypes.create_string_buffer(4096)
    found = libc.getmntent_r(stream, ctypes.byref(entry), room, 4096)
    libc.fclose(stream)
    if not found:
        return None
    words = (entry.fsname, entry.dir, entry.type, entry.opts)
    return tuple((word or b"").decode() for word in words)  # type: ignore[return-value]


@given(st.text(alphabet="ab/# \t\\0147,=", max_size=40))
def test_lines_are_those_of_glibc(line: str) -> None:
    mine = parse(line, "/f", 1)
    theirs = getmntent(line)
    assert (mine is None) is (theirs is None)
    if mine is not None and theirs is not None:
        assert (mine.source, mine.target, mine.fstype) == theirs[:3]


@pytest.mark.parametrize(
    ("options", "bind", "recursive", "optional"),
    [
        ("bind", True, False, False),
        ("ro,rbind,optional", True, True, True),
        ("defaults", False, False, False),
        ("bind,optionally", True, False, False),
    ],
)
def test_options_are_compared_as_liblxc_does(
    options: str, bind: bool, recursive: bool, optional: bool
) -> None:
    entry = parse(f"/a b none {options} 0 0", "/f", 1)
    assert entry is not None
    assert (entry.is_bind, entry.is_recursive, entry.has("optional")) == (bind, recursive, optional)
