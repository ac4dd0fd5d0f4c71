"""ACL entries for exactly whom it takes: the mask, what it cuts, and the other way by mode."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.access import Credentials, may
from audit.facts.paths import ACCESS, Crosser, Obstacle, Step, container_crosser
from audit.host import Host, Stat
from audit.model import Fix
from remediations.access import applied, by_mode, entries, open_to, tmpfiles_field, traverse
from remediations.actions import ROOT, Acl, Append, Directory, Install, Manual, Mode
from tests.checks.storage.trees import BASE, HOME, LXC, USER, absent, acl, directory, host, mounted
from tests.primed import primed

WHO = Credentials(BASE, BASE)
CROSSER = Crosser(WHO)
PERMS = st.integers(0, 7)
OTHERS = st.dictionaries(st.integers(2000, 2003), PERMS, max_size=3)


def stat(mode: int, uid: int = USER.uid, gid: int = USER.gid) -> Stat:
    return Stat("directory", mode, uid, gid, 0, 0, 1)


@st.composite
def directories(draw: st.DrawFn) -> tuple[Stat, str | None]:
    """A directory's mode and ACL as the kernel keeps them: the group's bits are the mask."""
    users, groups = draw(OTHERS), draw(OTHERS)
    own, group, mask, other = (draw(PERMS) for _ in range(4))
    if draw(st.booleans()):
        users[BASE] = draw(PERMS)
    gid = draw(st.sampled_from((USER.gid, BASE)))
    if not users and not groups:
        return stat(own << 6 | group << 3 | other, gid=gid), None
    triples = [
        (1, own, -1),
        *((2, perm, uid) for uid, perm in sorted(users.items())),
        (4, group, -1),
        *((8, perm, one) for one, perm in sorted(groups.items())),
        (16, mask, -1),
        (32, other, -1),
    ]
    return stat(own << 6 | mask << 3 | other, gid=gid), acl(*triples)


@given(directories(), st.sampled_from(("x", "rx", "rwx")))
def test_the_entry_lets_in_whom_it_names_and_nobody_else(
    found: tuple[Stat, str | None], want: str
) -> None:
    before, attribute = found
    mode, after = applied(before, attribute, entries(before, attribute, BASE, want))
    was_stat, opened = list[Any](before), list[Any](before._replace(mode=mode))
    assert may(opened, after, WHO, want)
    for uid in (USER.uid, *range(2000, 2004), 3000):
        for gid in (USER.gid, *range(2000, 2004), 3000):
            who = Credentials(uid, gid)
            for letter in "rwx":
                was = may(was_stat, attribute, who, letter)
                will = may(opened, after, who, letter)
                # Where the mask is empty the kernel does not look at the ACL, and whom it names
                # gets what others get: nobody gains by the entry, and some may lose by it.
                assert will is was or (was and not before.mode & 0o070), (who, letter)


@settings(max_examples=60)
@given(directories(), st.sampled_from(("x", "rwx")))
def test_setfacl_makes_of_it_what_was_forecast(
    tmp_path_factory: pytest.TempPathFactory, found: tuple[Stat, str | None], want: str
) -> None:
    before, attribute = found
    place = tmp_path_factory.mktemp("acl")
    place.chmod(before.mode)
    if attribute is not None:
        os.setxattr(place, ACCESS, bytes.fromhex(attribute))
    text = entries(before, attribute, BASE, want)
    subprocess.run(["setfacl", "-m", text, str(place)], check=True)
    mode, after = applied(before, attribute, text)
    assert place.stat().st_mode & 0o7777 == mode
    assert os.getxattr(place, ACCESS).hex() == after
    opened = before._replace(mode=mode)
    assert applied(opened, after, entries(opened, after, BASE, want)) == (mode, after)


def only(fix: Fix) -> object:
    (action,) = (one for one in fix.actions if not isinstance(one, Install))
    return action


def traversed(made: Host, path: str, found: Stat, attribute: str | None = None) -> Fix:
    return traverse(made, (Obstacle(Step(path, found, attribute), ""),), CROSSER)


def test_a_directory_of_its_own_that_is_closed_takes_a_mode() -> None:
    fix = traversed(host(), f"{HOME}/x", stat(0o600, uid=BASE))
    assert only(fix) == Mode(f"{HOME}/x", 0o700)


def test_a_file_system_without_acls_takes_a_mode() -> None:
    made = host(mounted("/home zfs rw rw,xattr,noacl"))
    assert only(traversed(made, HOME, stat(0o700))) == Mode(HOME, 0o701, True)
    assert only(traversed(made, HOME, stat(0o701, gid=BASE))) == Mode(HOME, 0o711, True)


def test_the_owner_does_it_where_the_owner_can() -> None:
    assert only(traversed(host(), HOME, stat(0o700))) == Acl(HOME, f"u:{BASE}:x", True)
    assert only(traversed(host(), HOME, stat(0o700, uid=0))) == Acl(HOME, f"u:{BASE}:x", False)


def test_what_is_closed_to_the_user_and_no_home_is_left_to_a_person() -> None:
    fix = traversed(host(directory("/root", 0o700, 0, 0)), "/root", stat(0o700, 0, 0))
    assert only(fix) == Manual((f"setfacl -m u:{BASE}:x /root",), ROOT)
    to_users = stat(0o710, 0, USER.gid)
    assert only(traversed(host(), "/srv", to_users)) == Acl("/srv", f"u:{BASE}:x", False)


def test_setfacl_is_installed_where_it_is_missing() -> None:
    places = ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/bin", "/sbin")
    nowhere = {("stat", f"{place}/setfacl"): None for place in places}
    made = host(nowhere, {("package", "acl"): None})
    assert isinstance(traversed(made, HOME, stat(0o700)).actions[0], Install)


def by_chmod(fix: Fix, *changes: Mapping[Any, Any]) -> Fix:
    return by_mode(primed(host(*changes), {container_crosser: CROSSER}), fix)


def test_by_mode_everybody_may_pass_and_nothing_keeps_it() -> None:
    fix = Fix(
        "acl_traverse",
        "",
        (
            Install("debian", ("acl",)),
            Acl(HOME, f"u:{BASE}:x", True),
            Append("/etc/tmpfiles.d/lxc-preflight.conf", f"a+ {HOME} - - - - u:{BASE}:x,m::x"),
        ),
    )
    assert by_chmod(fix, directory(HOME, 0o700)).actions == (Mode(HOME, 0o701, True),)


def test_by_mode_an_entry_stays_where_everybodys_x_does_not_help() -> None:
    fix = Fix("acl_traverse", "", (Acl(HOME, f"u:{BASE}:x", True), Acl(LXC, f"u:{BASE}:x", True)))
    changed = by_chmod(fix, directory(HOME, 0o700, gid=BASE), directory(LXC, 0o700))
    assert changed.actions == (Acl(HOME, f"u:{BASE}:x", True), Mode(LXC, 0o701, True))
    denied = acl((1, 7, -1), (2, 0, BASE), (4, 5, -1), (16, 5, -1), (32, 5, -1))
    assert by_chmod(fix, directory(HOME, 0o755, access=denied)).actions[0] == fix.actions[0]


def test_by_mode_directories_that_are_made_are_made_open() -> None:
    fix = Fix("acl_traverse", "", (Directory(LXC, 0o700, True), Acl(LXC, f"u:{BASE}:x", True)))
    changed = by_chmod(fix, absent(LXC), {("xattr", LXC, ACCESS): None})
    assert changed.actions == (Directory(LXC, 0o700, True), Mode(LXC, 0o701, True))


def test_by_mode_a_home_that_is_open_is_what_was_chosen() -> None:
    assert by_chmod(Fix("close_home", "", (Mode(HOME, 0o750),))).actions == ()
    other = Fix("sysctl", "", (Mode(HOME, 0o750),))
    assert by_chmod(other) == other


@pytest.mark.parametrize(
    ("mode", "attribute", "action"),
    [
        (0o700, None, Mode("/t", 0o755)),
        (
            0o755,
            acl((1, 7, -1), (2, 0, 1001), (4, 5, -1), (16, 5, -1), (32, 5, -1)),
            Acl("/t", "u:1001:rx"),
        ),
    ],
)
def test_a_file_for_everybody_is_opened_by_what_closes_it(
    mode: int, attribute: str | None, action: object
) -> None:
    found = Stat("file", mode, 0, 0, 0, 0, 1)
    assert open_to("/t", found, attribute, Credentials(1001, 1001), "rx") == action


def test_a_path_that_tmpfiles_would_take_for_a_pattern_is_not_kept() -> None:
    assert tmpfiles_field("/home/a b%") == '"/home/a b%%"'
    assert tmpfiles_field("/home/[a]") is None and tmpfiles_field("/home/a\nb") is None
