"""The user's own way to lxcpath, the run directory, the rootfs, and room."""

from __future__ import annotations

import pytest

from audit.host import Host, Request
from audit.model import CREATE, Check, Finding, Level, Outcome
from audit.testing import judged
from checks.session.home import home
from checks.storage.container_open import container_open
from checks.storage.default_acl import default_acl
from checks.storage.home_open import home_open
from checks.storage.image_cache import image_cache
from checks.storage.lxcpath import lxcpath
from checks.storage.rootfs import rootfs
from checks.storage.run_dir import run_dir
from checks.storage.space import space
from remediations.actions import Owner
from tests.checks.storage.trees import (
    BASE,
    HOME,
    LXC,
    MINE,
    USER,
    Answers,
    absent,
    directory,
    host,
    mounted,
)

CACHE = f"{HOME}/.cache"
NAME = f"{LXC}/web"
WHO = f"{USER.uid}:{USER.gid}:{USER.gid}"


def finding(check: Check, made: Host) -> Finding:
    return judged(check, made).findings[0]


def test_the_healthy_host_passes_everything() -> None:
    for check in (home, lxcpath, run_dir, space):
        assert finding(check, host()).outcome is Outcome.PASS, check.id


def test_a_relative_lxcpath_stops_everything() -> None:
    conf = ("user_read", f"{HOME}/.config/lxc/lxc.conf", WHO)
    found = finding(lxcpath, host({conf: "lxc.lxcpath = lxc\n"}))
    assert found.outcome is Outcome.FAIL
    assert "is relative" in found.message


def test_a_setgid_lxcpath_of_another_group_locks_the_user_out() -> None:
    assert finding(default_acl, host(directory(LXC, 0o2775, USER.uid, 100))).stages is None
    assert finding(default_acl, host(directory(LXC, 0o2775, USER.uid, 100))).outcome is Outcome.FAIL
    mine = host(directory(LXC, 0o2775, USER.uid, USER.gid))
    assert finding(default_acl, mine).outcome is Outcome.PASS


def test_a_lxcpath_that_root_owns_stops_creating_only() -> None:
    found = finding(lxcpath, host(directory(LXC, 0o755, 0, 0)))
    assert found.outcome is Outcome.FAIL
    assert found.stages == (CREATE,)
    assert found.fix is not None
    assert found.fix.actions == (Owner(LXC, USER.uid, USER.gid),)


def test_a_parent_that_root_owns_stops_making_a_missing_lxcpath() -> None:
    found = finding(lxcpath, host(directory(f"{HOME}/.local/share", 0o755, 0, 0), absent(LXC)))
    assert found.outcome is Outcome.FAIL
    assert "cannot make" in found.message


def test_a_directory_the_user_cannot_pass_stops_everything() -> None:
    found = finding(lxcpath, host(directory(f"{HOME}/.local", 0o700, 0, 0)))
    assert found.outcome is Outcome.FAIL
    assert found.stages is None


def test_a_read_only_mount_is_named() -> None:
    found = finding(lxcpath, host(mounted(f"{LXC} ext4 ro,relatime rw")))
    assert found.outcome is Outcome.FAIL
    assert "read-only" in found.message
    assert found.stages == (CREATE,)


@pytest.mark.parametrize(
    ("value", "outcome"), [(None, Outcome.FAIL), ("/root", Outcome.FAIL), (HOME, Outcome.PASS)]
)
def test_home_must_be_where_the_user_may_keep_containers(
    value: str | None, outcome: Outcome
) -> None:
    closed: Answers = {**directory("/root", 0o700, 0, 0), **absent("/.local"), **absent("/.config")}
    for place in ("//.config/lxc/lxc.conf", "/root/.config/lxc/lxc.conf"):
        closed["user_read", place, WHO] = None
    assert finding(home, host(MINE, closed, {("env", "HOME"): value})).outcome is outcome


def test_a_home_that_is_not_there_cannot_be_made_by_the_user() -> None:
    found = finding(home, host(absent(HOME)))
    assert found.outcome is Outcome.FAIL
    assert "does not exist" in found.message


@pytest.mark.parametrize(
    ("value", "changes", "outcome"),
    [
        (None, {}, Outcome.PASS),
        (None, directory(CACHE, 0o755, 0, 0) | absent(f"{CACHE}/lxc"), Outcome.FAIL),
        (
            "/run/user/0",
            directory("/run/user/0", 0o700, 0, 0) | directory("/run/user", 0o755, 0, 0),
            Outcome.FAIL,
        ),
        ("/run/user/7", directory("/run/user", 0o755, 0, 0) | absent("/run/user/7"), Outcome.FAIL),
        ("/tmp/mine", directory("/tmp", 0o1777, 0, 0) | absent("/tmp/mine"), Outcome.PASS),
        ("", absent("/lxc"), Outcome.FAIL),
    ],
)
def test_locks_go_where_xdg_runtime_dir_says_however_bogus(
    value: str | None, changes: Answers, outcome: Outcome
) -> None:
    made = host(MINE, directory("/run", 0o755, 0, 0), changes, {("env", "XDG_RUNTIME_DIR"): value})
    assert finding(run_dir, made).outcome is outcome


def test_somebody_with_the_group_of_run_gets_run_itself() -> None:
    session: Answers = {("self",): {"uid": USER.uid, "gid": 0, "groups": [], "umask": 0o022}}
    made = host(MINE, session, directory("/run", 0o755, 0, 0), absent("/run/lxc"))
    found = finding(run_dir, made)
    assert found.outcome is Outcome.FAIL
    assert "/run" in found.message


def container(changes: Answers | None = None) -> Host:
    answers: Answers = {
        **directory(NAME, 0o770, BASE, USER.gid),
        **directory(f"{NAME}/rootfs", 0o755, BASE, BASE),
        ("user_read", f"{NAME}/config", WHO): (
            f"lxc.idmap = u 0 {BASE} 65536\nlxc.idmap = g 0 {BASE} 65536\n"
            f"lxc.rootfs.path = dir:{NAME}/rootfs\n"
        ),
    }
    return host(answers, changes or {}, container="web")


def test_a_created_rootfs_can_be_entered() -> None:
    assert finding(rootfs, container()).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "answers",
    [
        directory(NAME, 0o700, BASE, BASE),
        directory(NAME, 0o770),
        absent(f"{NAME}/rootfs"),
        directory(f"{NAME}/rootfs", 0o700),
        directory(f"{NAME}/rootfs", 0o755, kind="file"),
    ],
    ids=["closed to the user", "not shifted", "moved away", "private", "no directory"],
)
def test_a_rootfs_that_cannot_be_entered(answers: Answers) -> None:
    found = finding(rootfs, container(answers))
    assert found.outcome is Outcome.FAIL
    assert found.level is None


def test_a_foreign_rootfs_that_is_open_starts_and_cannot_be_written() -> None:
    found = finding(rootfs, container(directory(f"{NAME}/rootfs", 0o755, 0, 0)))
    assert found.outcome is Outcome.FAIL
    assert found.level is Level.DEGRADED
    assert found.stages == ()


@pytest.mark.parametrize(
    ("free", "inodes", "level"),
    [(1, 9000, None), (1 << 30, 10, None), (100 << 20, 90_000, Level.DEGRADED)],
)
def test_too_little_room(free: int, inodes: int, level: Level | None) -> None:
    found = finding(space, host({("statvfs", LXC): [0, free, inodes, 100_000, 50]}))
    assert found.outcome is Outcome.FAIL
    assert found.level is level


def test_a_file_system_that_counts_no_inodes_has_enough_of_them() -> None:
    made = host({("statvfs", LXC): [0, 1 << 40, 0, 0, 50]})
    assert finding(space, made).outcome is Outcome.PASS


def test_a_home_open_to_everybody_is_a_weakness_and_a_closed_one_is_none() -> None:
    assert finding(home_open, host(directory(HOME, 0o711))).outcome is Outcome.FAIL
    group = directory(HOME, 0o710, gid=BASE)
    assert finding(home_open, host(group)).outcome is Outcome.PASS


def test_a_container_directory_open_to_others_is_a_weakness() -> None:
    assert finding(container_open, container()).outcome is Outcome.PASS
    opened = container(directory(NAME, 0o771, BASE, USER.gid))
    assert finding(container_open, opened).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        (directory(f"{CACHE}/lxc", 0o755, 0, 0), Outcome.FAIL),
        (directory(CACHE, 0o700), Outcome.PASS),
        (directory(f"{CACHE}/lxc", 0o700, BASE, USER.gid), Outcome.PASS),
    ],
    ids=["root's", "private", "container root's"],
)
def test_the_cache_of_images_is_written_by_the_template(changes: Answers, outcome: Outcome) -> None:
    made = host(changes, absent(f"{CACHE}/lxc/download"))
    downloading = Host(made.source, Request(user=USER.name, template="download"))
    assert finding(image_cache, downloading).outcome is outcome
    busybox = Host(made.source, Request(user=USER.name, template="busybox"))
    assert finding(image_cache, busybox).outcome is Outcome.NOT_APPLICABLE
