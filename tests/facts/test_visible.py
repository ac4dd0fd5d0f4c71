"""The kernel's rule for a fresh /proc or /sys in a user namespace, on tables that were tried with
LXC 5.0.2.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts.visible import view
from audit.testing import made_host

ROOT = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
PROC = "22 27 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw\n"
SYS = "23 27 0:22 / /sys rw,relatime - sysfs sysfs rw\n"


def can(fstype: str, table: str, *, read_only: bool = False) -> str:
    found = made_host({"/proc/self/mountinfo": ROOT + table}).get(view, fstype, read_only)
    if found.open is not None:
        return "yes"
    return "no" if all(one.certain for one in found.obstacles) else "unsure"


@pytest.mark.parametrize(
    ("name", "table", "expected"),
    [
        ("plain", PROC, "yes"),
        ("not mounted", "", "no"),
        ("noatime", PROC.replace("relatime", "noatime"), "no"),
        ("strictatime", PROC.replace(",relatime", ""), "no"),
        ("nodiratime", PROC.replace("relatime", "nodiratime,relatime"), "no"),
        ("read-only", PROC.replace("rw,nosuid", "ro,nosuid"), "no"),
        ("read-only file system", PROC.replace("proc proc rw", "proc proc ro"), "no"),
        ("/proc/sys read-only", PROC + "40 22 0:21 /sys /proc/sys ro - proc proc rw\n", "no"),
        ("a file masked", PROC + "40 22 0:6 /null /proc/kcore rw - devtmpfs dev rw\n", "no"),
        ("a directory masked", PROC + "40 22 0:50 / /proc/acpi ro - tmpfs tmpfs ro\n", "no"),
        (
            "binfmt_misc, made for it",
            PROC + "40 22 0:50 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw\n",
            "yes",
        ),
        (
            "a new kind of file system",
            PROC + "40 22 0:50 / /proc/newfs rw - newfs newfs rw\n",
            "unsure",
        ),
        (
            "a second one that hides nothing",
            PROC
            + "40 22 0:6 /null /proc/kcore rw - devtmpfs dev rw\n"
            + "41 27 0:60 / /dev/.lxc/proc rw,relatime - proc proc rw\n",
            "yes",
        ),
        (
            "a part of it bound elsewhere",
            "41 27 0:60 /sys /mnt rw,relatime - proc proc rw\n",
            "no",
        ),
        (
            "one over the other",
            PROC + "41 22 0:61 / /proc rw,noatime - proc proc rw\n",
            "no",
        ),
    ],
)
def test_proc(name: str, table: str, expected: str) -> None:
    assert can("proc", table) == expected, name


@pytest.mark.parametrize(
    ("name", "table", "read_only", "expected"),
    [
        ("plain", SYS, False, "yes"),
        ("read-only, and the config asks for sys:rw", SYS.replace("rw,", "ro,"), False, "no"),
        ("read-only, and the config asks for sys:ro", SYS.replace("rw,", "ro,"), True, "yes"),
        ("firmware masked", SYS + "40 23 0:50 / /sys/firmware ro - tmpfs tmpfs ro\n", True, "no"),
        (
            "what every host has",
            SYS
            + "40 23 0:50 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
            + "41 23 0:51 / /sys/kernel/security rw - securityfs securityfs rw\n"
            + "42 23 0:52 / /sys/fs/fuse/connections rw - fusectl fusectl rw\n",
            False,
            "yes",
        ),
    ],
)
def test_sys(name: str, table: str, read_only: bool, expected: str) -> None:
    assert can("sysfs", table, read_only=read_only) == expected, name


@given(st.text(alphabet="0123456789 /:-procsysfrw,relatime\n", max_size=400))
def test_any_table_has_an_answer(table: str) -> None:
    assert can("proc", table) in ("yes", "no", "unsure")
