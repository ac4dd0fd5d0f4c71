"""Law 4 for the fixes of lxc.*, image.* and lsm.*; what a user has planted opens nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from audit.facts.lsm import APPARMOR, APPARMOR_ENABLED
from audit.host import Host, Request
from audit.model import Outcome
from audit.registry import builtin
from audit.source import Answer, Question, Refused
from audit.testing import judged
from remediations.actions import Manual
from remediations.script import library
from remediations.typed import steps
from tests.remediations.law4 import Entry, Tree, law4, outcomes, script_of
from tests.remediations.lxc_tree import CONFIG, CONTAINERS, HOME, IDMAP, LIBRARY, theirs, tree_of

root = pytest.mark.skipif(os.geteuid() != 0, reason="takes root: files of several owners")
CHECKS = builtin()
Changes = Mapping[str, str | Entry | None]
ANSWERS: Mapping[Question, Answer] = {
    ("uname",): ["Linux", "h", "6.1.0", "x86_64"],
    ("stat", "/run"): ["directory", 0o755, 0, 0, 0, 0, 1],
}
TEMPLATES = "/usr/share/lxc/templates"
SHARED = "/usr/share/lxc/config"
PLAIN = Request("lxc")
DOWNLOAD = Request("lxc", template="download")
LXC_MOUNT: Changes = {"/usr/lib/lxc/rootfs/": Entry()}
OLD = "DOWNLOAD_KEYSERVER=hkp://pool.sks-keyservers.net\n"
READABLE = dict.fromkeys(
    (f"{SHARED}/{name}" for name in ("common.conf", "userns.conf", "common.seccomp")), "x = y\n"
)


class Case(NamedTuple):
    """What is broken, the check that says so, and what the script has to hold."""

    name: str
    check: str
    changes: Changes
    script: tuple[str, ...]
    request: Request = PLAIN


CASES = (
    Case(
        "a program that only root may run",
        "lxc.installed",
        {
            f"/usr/bin/{name}": Entry("#!/bin/sh\n", mode)
            for name, mode in (
                *(("lxc-start", 0o744), ("lxc-create", 0o2750), ("lxc-usernsexec", 0o755)),
                *(("lxc-attach", 0o755), ("lxc-stop", 0o755), ("lxc-info", 0o755)),
            )
        },
        ("\nmode /usr/bin/lxc-start 755\n", "mode /usr/bin/lxc-create 2751\n"),
    ),
    Case(
        "programs that are not on the PATH",
        "lxc.installed",
        {
            **{f"/usr/bin/lxc-{name}": None for name in ("create", "start", "usernsexec")},
            **{
                f"/usr/sbin/lxc-{name}": Entry("#!/bin/sh\n", 0o755)
                for name in ("create", "start", "usernsexec", "attach", "stop", "info")
            },
            f"{HOME}/.bash_profile": theirs("umask 022\n"),
        },
        (f"as_user append {HOME}/.bash_profile 'export PATH=\"$PATH:/usr/sbin\"'\n",),
    ),
    Case(
        "the mount point that LXC is built with",
        "lxc.rootfs_mount_point",
        {"/usr/lib/lxc/rootfs/": None},
        ("directory /usr/lib/lxc/rootfs 755\n",),
    ),
    Case(
        "a file in its place",
        "lxc.rootfs_mount_point",
        {"/usr/lib/lxc/rootfs/": None, "/usr/lib/lxc/rootfs": "leftover"},
        ("remove /usr/lib/lxc/rootfs\n", "directory /usr/lib/lxc/rootfs 755\n"),
    ),
    Case(
        "a mount point in the home, named by the config",
        "lxc.rootfs_mount_point",
        {CONFIG: theirs(f"{IDMAP}lxc.rootfs.mount = {HOME}/mnt\n")},
        (f"as_user directory {HOME}/mnt 755\n",),
    ),
    Case(
        "a template that only root may run",
        "image.template",
        {f"{TEMPLATES}/lxc-busybox": Entry("#!/bin/sh\n", 0o700)},
        (f"mode {TEMPLATES}/lxc-busybox 755\n",),
    ),
    Case(
        "shared configs that only root may read",
        "image.shared_config",
        {**READABLE, f"{SHARED}/userns.conf": Entry("x = y\n", 0o600)},
        (f"mode {SHARED}/userns.conf 644\n",),
        DOWNLOAD,
    ),
    Case(
        "a key server that is gone",
        "image.keyserver",
        {f"{TEMPLATES}/lxc-download": Entry(OLD, 0o755)},
        (
            f"as_user append {HOME}/.profile"
            " 'export DOWNLOAD_KEYSERVER=hkp://keyserver.ubuntu.com'\n",
        ),
        DOWNLOAD,
    ),
    Case(
        "busybox that is not on the PATH",
        "image.tools",
        {
            f"{TEMPLATES}/lxc-busybox": Entry("#!/bin/sh\n", 0o755),
            "/sbin/busybox": Entry("", 0o755),
            "/usr/bin/getopt": Entry("", 0o755),
            "/usr/bin/awk": Entry("", 0o755),
        },
        (f"as_user append {HOME}/.profile 'export PATH=\"$PATH:/sbin\"'\n",),
    ),
)


@root
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fail_fix_pass_twice_undo(case: Case, tmp_path: Path) -> None:
    tree = tree_of(tmp_path, case.changes)
    text = law4(CHECKS[case.check], tree, answers=ANSWERS, request=case.request)
    before = "\n".join(line.strip() for line in text.split(library())[0].split("\n"))
    for line in case.script:
        assert line in before, f"no {line!r} in\n{before}"


SECRET: Changes = {"/root/": Entry("", 0o700), "/root/secret": Entry("s", 0o600)}
PLANTED: tuple[tuple[str, str, Changes, Request], ...] = (
    (
        "storage.path_access",
        "lxcpath in a directory that is closed to the user",
        {**SECRET, f"{HOME}/.config/lxc/lxc.conf": theirs("lxc.lxcpath = /root/lxc\n")},
        PLAIN,
    ),
    (
        "storage.path_access",
        "a link to such a directory in the place of lxcpath",
        {**SECRET, f"{CONTAINERS}/": None, CONTAINERS: theirs(link="/root")},
        PLAIN,
    ),
    (
        "storage.rootfs",
        "a rootfs that is a directory of the system",
        {
            **SECRET,
            f"{CONTAINERS}/web/": Entry("", 0o770, 100000, 1001),
            f"{CONTAINERS}/web/config": theirs(f"{IDMAP}lxc.rootfs.path = dir:/etc\n"),
        },
        Request("lxc", container="web"),
    ),
    (
        "storage.image_cache",
        "a link to a directory of root's in the place of the cache",
        {f"{HOME}/.cache/": theirs(), f"{HOME}/.cache/lxc": theirs(link="/etc")},
        DOWNLOAD,
    ),
    (
        "storage.run_dir",
        "a link to a directory of root's in the place of ~/.cache",
        {f"{HOME}/.cache": theirs(link="/etc")},
        PLAIN,
    ),
    (
        "storage.lxcpath",
        "a link to a directory of root's in the place of lxcpath",
        {f"{CONTAINERS}/": None, CONTAINERS: theirs(link="/etc")},
        PLAIN,
    ),
    (
        "lxc.installed",
        "a link on the user's PATH to what only root may read",
        {
            "/etc/secret": Entry("s", 0o600),
            "/usr/bin/lxc-start": None,
            f"{HOME}/.profile": theirs(f"PATH={HOME}/bin:/usr/bin\n"),
            f"{HOME}/bin/": theirs(),
            f"{HOME}/bin/lxc-start": theirs(link="/etc/secret"),
        },
        PLAIN,
    ),
    (
        "lxc.rootfs_mount_point",
        "a mount point that would be a directory of the system",
        {CONFIG: theirs(f"{IDMAP}lxc.rootfs.mount = /etc/nologin\n")},
        PLAIN,
    ),
)


@root
@pytest.mark.parametrize(("check", "what", "changes", "request_"), PLANTED)
def test_what_a_user_has_planted_opens_nothing(
    tmp_path: Path, check: str, what: str, changes: Changes, request_: Request
) -> None:
    tree = tree_of(tmp_path, changes)
    before = tree.state()
    host = tree.host(ANSWERS, request_)
    assert Outcome.FAIL in outcomes(CHECKS[check], host), what
    tree.run(script_of(CHECKS[check], host))
    after = tree.state()
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    home = f"{tree.place}{HOME}"
    state = f"{tree.place}/var/lib"  # where the record of the run is
    odd = [path for path in changed if not path.startswith((home, state))]
    assert not odd, odd


class Running(Tree):
    """A tree that is asked as a running host is: what it cannot say comes from the answers."""

    def host(
        self,
        answers: Mapping[Question, Answer | Refused] | None = None,
        request: Request | None = None,
    ) -> Host:
        host = super().host(answers, request)
        host.source.kind = "live"
        return host


RUNNING: Mapping[Question, Answer] = {
    **ANSWERS,
    ("self",): {"uid": 0, "gid": 0, "groups": [], "umask": 0o022},
    ("lstat", "/proc/self/ns/cgroup"): ["file", 0o444, 0, 0, 0, 0, 1],
    ("lstat", f"{APPARMOR}/features/mount/mask"): None,
    ("read", APPARMOR_ENABLED): "Y\n",
    ("read", "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"): "1\n",
    ("read", f"{APPARMOR}/profiles"): "lxc-container-default-cgns (enforce)\n"
    + "".join(
        f"lxc-preflight.usr.bin.lxc-{name} (unconfined)\n"
        for name in ("create", "start", "usernsexec")
    ),
}


@root
@pytest.mark.parametrize(
    ("check", "text", "line"),
    [
        (
            "lsm.apparmor_profile",
            "lxc.apparmor.profile = generated\nlxc.apparmor.allow_nesting = 1\n",
            f"as_user replace {CONFIG} 3 'lxc.apparmor.profile = generated'"
            " 'lxc.apparmor.profile = unconfined'\n",
        ),
        (
            "lsm.apparmor_profile",
            "lxc.include = /etc/lxc/default.conf\n",
            f"as_user append {CONFIG} 'lxc.apparmor.profile = unconfined'\n",
        ),
        (
            "lsm.apparmor_mounts",
            "",
            f"as_user append {CONFIG} 'lxc.apparmor.allow_incomplete = 1'\n",
        ),
        (
            "lsm.apparmor_mounts",
            "lxc.apparmor.allow_incomplete = 0\n",
            f"as_user replace {CONFIG} 3 'lxc.apparmor.allow_incomplete = 0'",
        ),
        (
            "userns.apparmor",
            "",
            "write /etc/apparmor.d/lxc-preflight.usr.bin.lxc-usernsexec 644 <<'END'\n",
        ),
    ],
)
def test_on_a_host_with_apparmor(tmp_path: Path, check: str, text: str, line: str) -> None:
    changes: Changes = {
        "/etc/lxc/default.conf": "lxc.apparmor.profile = generated\n",
        "/etc/apparmor.d/": Entry(),
    }
    tree = tree_of(tmp_path, changes, text)
    tree.__class__ = Running
    assert line in law4(CHECKS[check], tree, answers=RUNNING)


@root
def test_a_template_comes_with_the_package_that_has_it(tmp_path: Path) -> None:
    tree = tree_of(tmp_path)
    installed: dict[Question, Answer] = {("package", "lxc"): "5", ("package", "lxc-utils"): None}
    installed["package", "liblxc-common"] = "5"
    installed["package", "lxc-templates"] = None
    for name, there, command in (
        ("busybox", None, "apt-get install -y --reinstall lxc liblxc-common"),
        ("alpine", None, "apt-get install -y lxc-templates"),
        ("nosuch", "3", "lxc-create -t download -n NAME -- -d DISTRIBUTION -r RELEASE"),
    ):
        answers = {**ANSWERS, **installed, ("package", "lxc-templates"): there}
        host = tree.host(answers, Request("lxc", template=name))
        fix = judged(CHECKS["image.template"], host).findings[0].fix
        assert fix is not None and steps(fix)[0].startswith(command)


@root
def test_what_only_a_person_can_do_is_said_and_not_done(tmp_path: Path) -> None:
    refusing = "echo This template can't be used for unprivileged containers.\n"
    changes: Changes = {
        f"{TEMPLATES}/lxc-debian": Entry(refusing, 0o755),
        "/usr/lib/liblxc.so.1": Entry(LIBRARY.replace(b"5.0.2", b"3.0.3")),
    }
    tree = tree_of(tmp_path, changes)
    for check, request in (
        ("image.template", Request("lxc", template="debian")),
        ("lxc.version", PLAIN),
    ):
        fix = judged(CHECKS[check], tree.host(ANSWERS, request)).findings[0].fix
        assert fix is not None and steps(fix)
        assert all(isinstance(action, Manual) for action in fix.actions)
