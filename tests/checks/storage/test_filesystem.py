"""What the file system and its mount allow."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from audit.model import CREATE, STARTING, Check, Outcome, Stage
from audit.testing import judged
from checks.storage.filesystem import filesystem
from checks.storage.mount_flags import CHECKS
from checks.storage.path_access import path_access
from tests.checks.storage.trees import HOME, LXC, USER, absent, host, mounted

NOEXEC, NOSUID = CHECKS


def outcome(check: Check, *lines: str) -> Outcome:
    return judged(check, host(mounted(*lines))).findings[0].outcome


@pytest.mark.parametrize(
    "fstype", ["ext4", "xfs", "btrfs", "f2fs", "zfs", "tmpfs", "overlay", "ecryptfs"]
)
def test_file_systems_with_owners(fstype: str) -> None:
    assert outcome(filesystem, f"{LXC} {fstype} rw,nosuid,nodev rw") is Outcome.PASS


@pytest.mark.parametrize("fstype", ["vfat", "exfat", "cifs", "vboxsf"])
def test_file_systems_without_owners(fstype: str) -> None:
    assert outcome(filesystem, f"{HOME} {fstype} rw rw,uid=1000") is Outcome.FAIL


def test_nfs_stops_creating() -> None:
    finding = judged(filesystem, host(mounted(f"{HOME} nfs4 rw rw,sec=sys"))).findings[0]
    assert finding.outcome is Outcome.FAIL
    assert finding.stages == (CREATE,)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (f"rw,user_id={USER.uid},group_id={USER.gid}", Outcome.FAIL),
        (f"rw,user_id={USER.uid},group_id={USER.gid},allow_other", Outcome.FAIL),
        ("rw,user_id=0,group_id=0,default_permissions,allow_other", Outcome.UNKNOWN),
        ("rw,user_id=0,group_id=0", Outcome.FAIL),
    ],
)
def test_fuse_depends_on_who_may_enter_and_who_runs_the_daemon(
    options: str, expected: Outcome
) -> None:
    assert outcome(filesystem, f"{LXC} fuse.bindfs rw,nosuid {options}") is expected


@pytest.mark.parametrize(
    ("result", "expected", "stages"),
    [
        ({"ok": True}, Outcome.PASS, None),
        ({"ok": False, "step": "chown to 0:0 in /d", "errno": "EPERM"}, Outcome.FAIL, None),
        ({"ok": False, "step": "chown in /d", "errno": 0}, Outcome.FAIL, STARTING),
        ({"ok": False, "step": "newuidmap", "errno": "EPERM"}, Outcome.UNKNOWN, None),
        (None, Outcome.UNKNOWN, None),
    ],
)
def test_a_try_decides_what_a_fuse_daemon_does_with_owners(
    result: dict[str, Any] | None,
    expected: Outcome,
    stages: tuple[Stage, ...] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = sys.modules[filesystem.judge.__module__]
    monkeypatch.setattr(module, "tried", lambda host, key: result)
    options = "rw,user_id=0,group_id=0,default_permissions,allow_other"
    found = judged(filesystem, host(mounted(f"{LXC} fuse rw,nosuid {options}"))).findings[0]
    assert (found.outcome, found.stages) == (expected, stages)


def test_a_private_fuse_mount_is_one_finding_and_is_not_looked_into() -> None:
    made = host(mounted(f"{LXC} fuse.sshfs rw rw,user_id={USER.uid}"), absent(LXC))
    assert judged(path_access, made).findings[0].outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(
    "line", [f"{LXC} fuse.sshfs rw rw,user_id=0,allow_other", f"{HOME} ext4 rw,idmapped rw"]
)
def test_what_cannot_be_known_from_outside(line: str) -> None:
    assert outcome(filesystem, line) is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("flags", "noexec", "nosuid"),
    [
        ("rw,relatime", Outcome.PASS, Outcome.PASS),
        ("rw,noexec", Outcome.FAIL, Outcome.PASS),
        ("rw,nosuid,nodev", Outcome.PASS, Outcome.FAIL),
    ],
)
def test_noexec_stops_the_start_and_nosuid_degrades(
    flags: str, noexec: Outcome, nosuid: Outcome
) -> None:
    assert outcome(NOEXEC, f"/home tmpfs {flags} rw") is noexec
    assert outcome(NOSUID, f"/home tmpfs {flags} rw") is nosuid


def test_a_mount_above_that_is_covered_does_not_count() -> None:
    lines = (f"{HOME} tmpfs rw,noexec rw", "/home tmpfs rw rw")
    assert outcome(NOEXEC, *lines) is Outcome.PASS
