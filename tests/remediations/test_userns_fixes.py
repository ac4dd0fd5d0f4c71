"""Law 4 for the sysctls of userns.*, and the exact commands of what only a running host has."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from audit.access import Credentials
from audit.facts import executables
from audit.facts.executables import Executable
from audit.facts.lsm import (
    APPARMOR_ENABLED,
    Profile,
    attaches,
    loaded_profiles,
    parse_profiles,
    profiles_on_disk,
)
from audit.facts.mounts import parse_mountinfo
from audit.facts.session import is_mine, session_credentials
from audit.facts.visible import Obstacle
from audit.host import Host, Stat
from audit.model import Check, Fix
from audit.registry import builtin
from audit.source import Answer, Question
from audit.testing import judged, made_host
from checks.userns.visible import cure
from remediations.actions import Action, Manual, Mode, Replace, Run, Write
from remediations.devices import node
from remediations.distro import SYSCTL_FILE, sysctl
from remediations.mounts import kernels, read_write, relatime, without
from tests.primed import primed
from tests.remediations.law4 import Entry, law4
from tests.remediations.lxc_tree import tree_of

CHECKS = builtin()
root = pytest.mark.skipif(os.geteuid() != 0, reason="takes root: files of several owners")
ANSWERS: Mapping[Question, Answer] = {("uname",): ["Linux", "h", "6.1.0", "x86_64"]}
USERNS = "user.max_user_namespaces"
PLENTY = f"{USERNS} = 28633"


@root
@pytest.mark.parametrize(
    ("check", "changes", "line"),
    [
        (
            "limits.user",
            {"/etc/sysctl.d/50-hardening.conf": f"{USERNS}=0\n"},
            f"append {SYSCTL_FILE} '{PLENTY}'\n",
        ),
        (
            "limits.user",
            {SYSCTL_FILE: f"a.b = 1\n{USERNS} = 1\n", "/etc/sysctl.d/50-a.conf": "x.y=1\n"},
            f"replace {SYSCTL_FILE} 2 '{USERNS} = 1' '{PLENTY}'\n",
        ),
        (
            "limits.user",
            {"/etc/sysctl.conf": "# STIG\n-user/max_user_namespaces= 0"},
            f"replace /etc/sysctl.conf 2 '-user/max_user_namespaces= 0' '{PLENTY}'\n",
        ),
        (
            "limits.user",
            {"/usr/lib/sysctl.d/99-vendor.conf": f"{USERNS} = 0\n"},
            f"append /etc/sysctl.d/zz-lxc-preflight.conf '{PLENTY}'\n",
        ),
        (
            "limits.mnt",
            {"/etc/sysctl.d/99-a.conf": "user.max_mnt_namespaces = 0\nuser.max_*_namespaces = 0\n"},
            "replace /etc/sysctl.d/99-a.conf 1 'user.max_mnt_namespaces = 0'",
        ),
        (
            "limits.user",
            {"/etc/sysctl.d/99-a.conf": "user.max_*_namespaces = 0\n"},
            f"append {SYSCTL_FILE} '{PLENTY}'\n",
        ),
        (
            "unprivileged_clone",
            {"/etc/sysctl.d/local.conf": "kernel.unprivileged_userns_clone = 0\n"},
            "replace /etc/sysctl.d/local.conf 1",
        ),
    ],
)
def test_a_sysctl_has_the_last_word_at_boot(
    tmp_path: Path, check: str, changes: Mapping[str, str | Entry | None], line: str
) -> None:
    tree = tree_of(tmp_path, changes)
    assert line in law4(CHECKS[f"userns.{check}"], tree, answers=ANSWERS)


def test_a_host_that_cannot_be_looked_at_gets_a_line_of_ours() -> None:
    assert len(sysctl(made_host({}), "a.b", "1").actions) == 2


def readable(fix: Fix) -> tuple[Action, ...]:
    for action in fix.actions:
        if isinstance(action, Run):
            for text in (action.command, action.unless, action.undo):
                subprocess.run(["sh", "-n", "-c", text], check=True)
    return fix.actions


def fstab(text: str | None) -> Host:
    return made_host({"/etc/fstab": text})


(DATA,) = parse_mountinfo("9 1 8:1 / /d\\040a rw,nosuid,nodev,noexec,noatime - ext4 /dev/a rw\n")


def test_a_flag_comes_off_the_mount_and_off_its_line_of_fstab() -> None:
    line = "/dev/a\t/d\\040a ext4 noexec,user,nosuid 0 0"
    run, edit = readable(without(fstab(f"# /d\n{line}\n"), DATA, "noexec"))
    assert isinstance(run, Run)
    assert run.command == "mount -o remount,bind,nosuid,nodev,exec '/d a'"
    assert run.undo == "mount -o remount,bind,nosuid,nodev,noexec '/d a'"
    assert edit == Replace("/etc/fstab", 2, line, "/dev/a\t/d\\040a ext4 user,nosuid,exec 0 0")
    for text in (None, "", "/dev/a /elsewhere ext4 noexec\n", "x\n"):
        assert len(without(fstab(text), DATA, "noexec").actions) == 1
    (run,) = without(made_host({}), DATA, "noexec").actions


@root
@pytest.mark.parametrize("flags", ["noexec", "noexec,noatime,nodev", "noatime", "nodiratime"])
def test_a_real_mount_is_remounted_and_back(tmp_path: Path, flags: str) -> None:
    point = tmp_path / "a b"
    point.mkdir()
    shown = flags if "noatime" in flags else f"{flags},relatime"
    (mount,) = parse_mountinfo(
        f"9 1 8:1 / {str(point).replace(' ', chr(92) + '040')} rw,{shown} - tmpfs a rw\n"
    )
    host = fstab(None)
    fix = without(host, mount, "noexec") if "noexec" in flags else relatime(host, mount)
    run = fix.actions[0]
    assert isinstance(run, Run)
    script = f"""
        mount -t tmpfs -o {flags} none "$1"
        grep {tmp_path} /proc/self/mountinfo >"$2/before"
        if {run.unless}; then exit 3; fi
        {run.command}
        {run.unless} || exit 4
        {run.undo}
        grep {tmp_path} /proc/self/mountinfo | cmp - "$2/before"
    """
    command = ["unshare", "-m", "sh", "-e", "-c", script, "sh", str(point), str(tmp_path)]
    subprocess.run(command, check=True)


def test_read_only_becomes_read_write_now_and_at_boot() -> None:
    (mount,) = parse_mountinfo("9 1 0:5 / /proc ro,relatime - proc proc rw\n")
    run, edit = readable(read_write(fstab("proc /proc proc ro\n"), mount))
    assert isinstance(run, Run) and run.command == "mount -o remount,rw /proc"
    assert edit == Replace("/etc/fstab", 1, "proc /proc proc ro", "proc /proc proc rw")


@pytest.mark.parametrize(
    ("line", "why", "command", "undo"),
    [
        (
            "40 22 0:6 /null /proc/kcore rw - devtmpfs dev rw",
            "covers a part of /proc",
            "umount /proc/kcore",
            "mount --bind /dev/null /proc/kcore",
        ),
        (
            "40 22 0:7 / /proc/acpi ro - tmpfs tmpfs ro,size=0k",
            "covers a part of /proc",
            "umount /proc/acpi",
            "mount -t tmpfs -o ro,strictatime,size=0k tmpfs /proc/acpi",
        ),
        (
            "40 22 0:5 /sys /proc/sys ro,nosuid - proc proc rw",
            "covers a part of /proc",
            "umount /proc/sys",
            "mount --bind /proc/sys /proc/sys"
            " && mount -o remount,bind,ro,nosuid,strictatime /proc/sys",
        ),
        (
            "40 22 8:1 /x /proc/x rw - ext4 /dev/a rw",
            "covers a part of /proc",
            "umount /proc/x",
            "",
        ),
        (
            "22 1 0:5 / /proc rw,nosuid,noatime - proc proc rw",
            "is mounted noatime instead of relatime",
            "mount -o remount,bind,nosuid,atime,diratime,relatime /proc",
            "mount -o remount,bind,nosuid,noatime /proc",
        ),
    ],
)
def test_proc_is_uncovered_and_remounted(line: str, why: str, command: str, undo: str) -> None:
    (mount,) = parse_mountinfo(line + "\n")
    (run,) = readable(cure(fstab(None), Obstacle(mount, why)))
    assert isinstance(run, Run)
    assert (run.command, run.undo) == (command, undo)


@root
def test_proc_and_devpts_are_mounted_where_they_are_missing(tmp_path: Path) -> None:
    for fstype, options in (("proc", ""), ("devpts", "mode=620,gid=5")):
        place = tmp_path / fstype
        run = kernels(fstype, str(place), options).actions[0]
        assert isinstance(run, Run)
        script = f"""
            if {run.unless}; then exit 3; fi
            {run.command}
            {run.unless} || exit 4
            {run.undo}
            if {run.unless}; then exit 5; fi
        """
        subprocess.run(["unshare", "-m", "sh", "-e", "-c", script], check=True)


@root
def test_a_device_node_takes_the_place_of_whatever_is_there(tmp_path: Path) -> None:
    at = tmp_path / "nu ll"
    for text in (None, "a file"):
        if text is not None:
            at.unlink()
            at.write_text(text)
        run = node(str(at), 1, 3).actions[0]
        assert isinstance(run, Run)
        test = ["sh", "-c", run.unless]
        assert subprocess.run(test, check=False).returncode
        done = subprocess.run(["sh", "-c", run.command], capture_output=True, check=False)
        if b"not permitted" in done.stderr:
            pytest.skip("this sandbox makes no device nodes")
        assert done.returncode == 0, done.stderr
        assert at.is_char_device()
        assert subprocess.run(test, check=False).returncode == 0


def test_dev_null_that_is_closed_is_opened() -> None:
    stat: Answer = ["character device", 0o600, 0, 0, 0, 0, 5]
    answers: dict[Question, Answer] = {("stat", "/dev/null"): stat}
    answers["xattr", "/dev/null", "system.posix_acl_access"] = None
    made = primed(
        made_host({"/proc/self/mountinfo": "1 0 8:1 / / rw - ext4 a rw\n"}, answers),
        {session_credentials: Credentials(1001, 1001), is_mine: False},
    )
    (found,) = judged(CHECKS["userns.dev_null"], made).findings
    assert found.fix is not None and found.fix.actions == (Mode("/dev/null", 0o666),)


def restricted(path: str, *, uid: int = 0, profiles: tuple[Profile, ...] = ()) -> Fix:
    """The fix for lxc-start on a host that restricts user namespaces."""
    directory: Answer = ["directory", 0o755, 0, 0, 0, 0, 1]
    answers: dict[Question, Answer] = {}
    parts = path.split("/")
    for end in range(1, len(parts)):
        place = "/".join(parts[:end]) or "/"
        answers["stat", place] = answers["lstat", place] = directory
        answers["real", place] = place
    answers["real", "/home/lxc"] = "/home/lxc"
    answers["package", "apparmor"] = "4.0"
    files: dict[str, str | None] = {
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1",
        APPARMOR_ENABLED: "Y\n",
        "/etc/os-release": "ID=ubuntu\nID_LIKE=debian\n",
    }
    host = primed(
        made_host(files, answers), {profiles_on_disk: profiles, loaded_profiles: frozenset()}
    )
    stat = Stat("file", 0o755, uid, 0, 9, 8, 1)
    for name in ("lxc-create", "lxc-usernsexec"):
        host._facts[(executables.which, name)] = (None, None, frozenset())
    found = Executable(path, path, stat, None, True)
    host._facts[(executables.which, "lxc-start")] = (found, None, frozenset())
    fix = judged(apparmor_check(), host).findings[0].fix
    assert fix is not None
    return fix


def apparmor_check() -> Check:
    return CHECKS["userns.apparmor"]


def test_a_program_of_lxc_gets_a_profile_and_the_restriction_stays() -> None:
    write, run = readable(restricted("/usr/bin/lxc-start"))
    assert isinstance(write, Write) and isinstance(run, Run)
    assert write.path == "/etc/apparmor.d/lxc-preflight.usr.bin.lxc-start"
    assert (
        "profile lxc-preflight.usr.bin.lxc-start /usr/bin/lxc-start flags=(unconfined) {\n"
        "  userns,\n}\n"
    ) in write.text
    assert run.command == f"apparmor_parser -r {write.path}"
    (profile,) = parse_profiles(write.path, write.text)
    assert profile.allows_userns and attaches(profile.attachment, "/usr/bin/lxc-start")


@pytest.mark.parametrize(
    ("path", "uid"),
    [("/home/lxc/bin/lxc-start", 1001), ("/usr/bin/other", 0), ("/opt/a b/lxc-start", 0)],
)
def test_a_program_that_its_user_can_replace_gets_none(path: str, uid: int) -> None:
    (action,) = restricted(path, uid=uid).actions
    assert isinstance(action, Manual)


def test_a_profile_that_is_there_is_loaded_or_left_to_its_author() -> None:
    path = "/etc/apparmor.d/lxc-start"
    there = Profile("lxc-start", "/usr/bin/lxc-start", path, 3, True)
    (run,) = readable(restricted("/usr/bin/lxc-start", profiles=(there,)))
    assert isinstance(run, Run) and run.command == f"apparmor_parser -r {path}"
    assert "lxc-start (" in run.unless
    without_rule = there._replace(allows_userns=False)
    (action,) = restricted("/usr/bin/lxc-start", profiles=(without_rule,)).actions
    assert isinstance(action, Manual)
