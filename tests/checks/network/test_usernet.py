"""The helper that makes a user's interfaces, and whom /etc/lxc/lxc-usernet lets have one."""

from __future__ import annotations

import pytest

from audit.source import Refused
from remediations.actions import Append
from tests.checks.network.rows import (
    ANSWERS,
    DIRECTORY,
    FAIL,
    NA,
    PASS,
    TWO,
    UID,
    UNKNOWN,
    UP,
    USER,
    USERNET,
    Changes,
    Row,
    file,
    found,
    label,
    nets,
    usernet,
    verify,
)

HELPER = "/usr/libexec/lxc/lxc-user-nic"
NICS = "/run/lxc/nics"
# the user is put into a group, and so has other credentials
GROUPS: Changes = {
    ("read", "/etc/group"): f"root:x:0:\n{USER}:x:{UID}:\nnet:x:700:{USER}\n",
    **{
        (q[0], q[1], f"{UID}:{UID}:700,{UID}"): ANSWERS[q]
        for q in ANSWERS
        if q[0] in ("user_read", "user_list")
    },
}


def helper(mode: int, owner: int = 0) -> Changes:
    answer = file(mode, owner)
    return {("stat", HELPER): answer, ("lstat", HELPER): answer}


TABLE = (
    Row("usernic", "absent", {("stat", HELPER): None}, FAIL, "is not there"),
    Row("usernic", "not executable", helper(mode=0o4750), FAIL, "may not execute"),
    Row(
        "usernic",
        "directory closed",
        {("stat", "/usr/libexec/lxc"): file(0o700, kind="directory")},
        FAIL,
        "may not pass",
    ),
    Row("usernic", "no veth", nets("type = empty"), NA),
    Row("usernic", "cannot look", {("stat", HELPER): Refused("denied")}, UNKNOWN),
    Row("usernic_setuid", "not setuid", helper(mode=0o755), FAIL, "is not setuid"),
    Row("usernic_setuid", "another owner", helper(mode=0o4755, owner=5), FAIL, "owner is uid 5"),
    Row(
        "usernic_setuid",
        "file capabilities instead",
        {
            **helper(mode=0o755),
            ("xattr", HELPER, "security.capability"): "0100000200102000000000000000000000000000",
        },
        FAIL,
        "file capabilities do not do instead",
    ),
    Row(
        "usernic_setuid",
        "file capabilities beside the bit take the rest away",
        {("xattr", HELPER, "security.capability"): "0100000200100000000000000000000000000000"},
        FAIL,
        "cap_sys_ptrace",
    ),
    Row(
        "usernic_setuid",
        "enough file capabilities beside the bit",
        {("xattr", HELPER, "security.capability"): "01000002ffffffff00000000ff01000000000000"},
        UNKNOWN,
    ),
    Row(
        "nics_db",
        "data base is a directory",
        {("stat", "/run/lxc"): DIRECTORY, ("stat", NICS): DIRECTORY},
        FAIL,
        "wants a file",
    ),
    Row("nics_db", "its directory is a file", {("stat", "/run/lxc"): file(0o644)}, FAIL),
    Row("usernet_file", "absent", {("stat", USERNET): None, ("read", USERNET): None}, FAIL),
    Row("usernet_file", "a directory", {("stat", USERNET): DIRECTORY}, FAIL, "is a directory"),
    Row("usernet_file", "mode 0600", {("stat", USERNET): file(0o600)}, PASS),
    Row(
        "usernet_groups",
        "nobody's group",
        usernet(f"{USER} veth tbr0 5", "@no veth x 1"),
        FAIL,
        "there is no group no",
    ),
    Row("usernet_groups", "not a member", usernet("@root veth tbr0 5"), FAIL, "is not in root"),
    Row("usernet_groups", "a comment", usernet("#@no veth x 1", "# @no veth x 1"), PASS),
    Row("usernet_groups", "a line without a number", usernet("@no veth x"), PASS),
    Row("usernet_groups", "a member", {**usernet("@net veth tbr0 1"), **GROUPS}, PASS),
    Row("usernet_line", "a group's", {**usernet("@net veth tbr0 1"), **GROUPS}, PASS),
    Row("usernet_line", "no @", {**usernet("net veth tbr0 1"), **GROUPS}, FAIL, "lets"),
    Row("usernet_line", "other bridge", usernet(f"{USER} veth lxcbr0 5"), FAIL, "tbr0"),
    Row("usernet_line", "leading blank", usernet(f" {USER} veth tbr0 5"), FAIL),
    Row("usernet_line", "colons", usernet(f"{USER}:veth:tbr0:5"), FAIL),
    Row("usernet_line", "no number", usernet(f"{USER} veth tbr0"), FAIL),
    Row("usernet_line", "a uid", usernet(f"{UID} veth tbr0 5"), FAIL),
    Row("usernet_line", "wildcard", usernet("* veth tbr0 5"), FAIL),
    Row("usernet_line", "upper case", usernet(f"{USER} VETH tbr0 5"), FAIL),
    Row("usernet_line", "no link", nets("type = veth"), FAIL, "without a link"),
    Row(
        "usernet_line",
        "no link and a line for none",
        {**nets("type = veth"), **usernet(f"{USER} veth none 5")},
        PASS,
    ),
    Row("usernet_line", "link before type", nets("link = tbr0", "type = veth"), FAIL),
    Row("usernet_quota", "zero", usernet(f"{USER} veth tbr0 0"), FAIL, "is 0: no room"),
    Row(
        "usernet_quota",
        "negative sum",
        usernet(f"{USER} veth tbr0 -5", f"{USER} veth tbr0 3"),
        FAIL,
        "-5 + 3",
    ),
    Row(
        "usernet_quota",
        "used up",
        {**usernet(f"{USER} veth tbr0 1"), ("read", NICS): f"{USER} veth tbr0 lo\n"},
        FAIL,
        "is 1 and 1 are in use",
    ),
    Row(
        "usernet_quota",
        "on another bridge",
        {**usernet(f"{USER} veth tbr0 1"), ("read", NICS): f"{USER} veth other0 lo\n"},
        FAIL,
    ),
    Row(
        "usernet_quota",
        "stale",
        {**usernet(f"{USER} veth tbr0 1"), ("read", NICS): f"{USER} veth tbr0 vethGONE\n"},
        PASS,
    ),
    Row(
        "usernet_quota", "two networks", {**nets(*UP, *TWO), **usernet(f"{USER} veth tbr0 1")}, FAIL
    ),
    Row(
        "usernet_quota",
        "two lines",
        {
            **usernet(f"{USER} veth tbr0 1", f"{USER} veth tbr0 1"),
            ("read", NICS): f"{USER} veth tbr0 lo\n",
        },
        FAIL,
        "do not add up",
    ),
    Row(
        "usernet_quota",
        "data base hidden, nothing alive",
        {("read", NICS): Refused("denied"), ("list", "/sys/class/net"): ["lo", "tbr0"]},
        PASS,
    ),
    Row(
        "usernet_quota",
        "data base hidden, mine alive",
        {
            **usernet(f"{USER} veth tbr0 1"),
            ("read", NICS): Refused("denied"),
            ("list", "/sys/class/net"): ["lo", "tbr0", f"veth{UID}_aB3d"],
        },
        FAIL,
    ),
    Row(
        "usernet_quota",
        "data base hidden, others alive",
        {
            **usernet(f"{USER} veth tbr0 2"),
            ("read", NICS): Refused("denied"),
            ("list", "/sys/class/net"): ["lo", "tbr0", f"veth{UID}_aB3d", "veth7_aB3d"],
        },
        UNKNOWN,
    ),
    Row(
        "usernet_quota",
        "data base hidden, ample",
        {
            **usernet(f"{USER} veth tbr0 9"),
            ("read", NICS): Refused("denied"),
            ("list", "/sys/class/net"): ["lo", "tbr0", f"veth{UID}_aB3d", "veth7_aB3d"],
        },
        PASS,
    ),
    Row("usernet_breadth", "many", usernet(f"{USER} veth tbr0 1000"), FAIL, "1000"),
    Row("usernet_breadth", "everybody", usernet("@users veth tbr0 2"), FAIL, "@users"),
)


@pytest.mark.parametrize("row", TABLE, ids=label)
def test_a_host_that_differs_in_one_answer(row: Row) -> None:
    verify(row)


def test_the_fix_of_a_missing_line_is_the_line() -> None:
    row = Row("usernet_line", "", usernet(f"{USER} veth lxcbr0 5"), FAIL)
    (finding,) = found(row)
    assert finding.fix is not None
    assert finding.fix.actions == (Append(USERNET, f"{USER} veth tbr0 1"),)


def test_a_line_that_meant_the_user_is_shown_with_what_is_wrong_with_it() -> None:
    for text, why in (
        (f" {USER} veth tbr0 5", "a blank in the first column"),
        (f"{USER}:veth:tbr0:5", "colons instead of blanks"),
        (f"{USER} veth tbr0", "no number at the end"),
        (f"{UID} veth tbr0 5", "a uid instead of the name"),
        ("* veth tbr0 5", "nobody is called *"),
        (f"{USER} veth lxcbr0 5", "for the bridge lxcbr0"),
    ):
        (finding,) = found(Row("usernet_line", "", usernet("# first", text), FAIL))
        (evidence,) = finding.evidence
        assert evidence.line == 2
        assert why in evidence.observed
