"""Law 4 for the fixes of storage.*: the way to the containers, whose they are, where they lie."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from audit.host import Request
from audit.registry import builtin
from audit.source import Answer, Question
from remediations.script import library
from tests.remediations.law4 import Entry, law4
from tests.remediations.lxc_tree import CONTAINERS, HOME, IDMAP, theirs, tree_of

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root: files of several owners")
CHECKS = builtin()
BASE = 100000
WEB = f"{CONTAINERS}/web"
CACHE = f"{HOME}/.cache"
LXCCONF = f"{HOME}/.config/lxc/lxc.conf"
ANSWERS: Mapping[Question, Answer] = {
    ("uname",): ["Linux", "h", "6.1.0", "x86_64"],
    ("stat", "/run"): ["directory", 0o755, 0, 0, 0, 0, 1],
}
SYSTEMD: Mapping[str, str | Entry | None] = {
    "/sbin/init": Entry(link="/usr/lib/systemd/systemd"),
    "/usr/lib/systemd/systemd": "",
}
KEPT = "/etc/tmpfiles.d/lxc-preflight.conf"
CONFIG = theirs(f"{IDMAP}lxc.rootfs.path = dir:{WEB}/rootfs\n", 0o640)
CONTAINER: Mapping[str, str | Entry | None] = {
    f"{WEB}/": Entry("", 0o770, BASE, 1001),
    f"{WEB}/config": CONFIG,
    f"{WEB}/rootfs/": Entry("", 0o755, BASE, BASE),
}


class Case(NamedTuple):
    """What is broken, the check that says so, and what the script has to hold."""

    name: str
    check: str
    changes: Mapping[str, str | Entry | None]
    script: tuple[str, ...] = ()
    request: Request = Request("lxc")
    absent: tuple[str, ...] = ()


WITH = Request("lxc", container="web")
DOWNLOAD = Request("lxc", template="download")
CASES = (
    Case(
        "a private home",
        "path_access",
        {f"{HOME}/": theirs(mode=0o700)},
        (f"as_user acl {HOME} u:{BASE}:x\n",),
        absent=(KEPT,),
    ),
    Case(
        "a private home where systemd-tmpfiles keeps the entry",
        "path_access",
        {**SYSTEMD, f"{HOME}/": theirs(mode=0o700)},
        (f"append {KEPT} 'a+ {HOME} - - - - u:{BASE}:x,m::x'\n",),
    ),
    Case(
        "a home that its group may read",
        "path_access",
        {**SYSTEMD, f"{HOME}/": theirs(mode=0o750)},
        (f"acl {HOME} u:{BASE}:x\n", f"u:{BASE}:x,m::rx'\n"),
    ),
    Case(
        "a home that a group of others may read is not opened to them again at each boot",
        "path_access",
        {**SYSTEMD, f"{HOME}/": Entry("", 0o750, 1001, 100)},
        (f"acl {HOME} u:{BASE}:x\n",),
        absent=(KEPT,),
    ),
    Case(
        "every directory down to the containers",
        "path_access",
        {
            **SYSTEMD,
            **{
                f"{path}/": theirs(mode=0o700)
                for path in (HOME, f"{HOME}/.local", f"{HOME}/.local/share", CONTAINERS)
            },
        },
        (f"acl {HOME}/.local/share u:{BASE}:x", f"'a+ {CONTAINERS} - - - - u:{BASE}:x,m::x'"),
    ),
    Case(
        "an entry that a chmod has cut, and the group's with it",
        "path_access",
        {f"{HOME}/": theirs(mode=0o700, acl=f"u::rwx,u:{BASE}:x,u:7:rwx,g::r-x,m::---,o::---")},
        (f"acl {HOME} u:{BASE}:x,u:7:rw,g::r,m::x\n",),
    ),
    Case(
        "an entry that forbids it",
        "path_access",
        {f"{HOME}/": theirs(mode=0o755, acl=f"u::rwx,u:{BASE}:---,g::r-x,m::r-x,o::r-x")},
        (f"acl {HOME} u:{BASE}:x\n",),
    ),
    Case(
        "a home whose group is that of the container's root",
        "path_access",
        {f"{HOME}/": Entry("", 0o701, 1001, BASE)},
        (f"acl {HOME} u:{BASE}:x\n",),
    ),
    Case(
        "/home is root's to open",
        "path_access",
        {"/home/": Entry("", 0o701, 0, BASE)},
        (f"\nacl /home u:{BASE}:x\n",),
    ),
    Case(
        "directories that lxc-create will make with a narrow umask",
        "path_access",
        {
            f"{HOME}/.local/": None,
            f"{HOME}/.local/share/": None,
            f"{CONTAINERS}/": None,
            f"{HOME}/.profile": theirs("umask 077\n"),
        },
        (f"as_user directory {HOME}/.local 700\n", f"as_user acl {CONTAINERS} u:{BASE}:x\n"),
    ),
    Case(
        "a directory of somebody else on the way of the template",
        "template_access",
        {f"{HOME}/": Entry("", 0o750, 1001, 100)},
        (f"as_user acl {HOME} u:{BASE}:x\n",),
    ),
    Case(
        "a home open to everybody",
        "home_open",
        {**SYSTEMD, f"{HOME}/": theirs(mode=0o755)},
        (f"as_user acl {HOME} u:{BASE}:x,o::---\n", KEPT),
    ),
    Case(
        "a home open to everybody besides an entry of its own",
        "home_open",
        {f"{HOME}/": theirs(mode=0o711, acl=f"u::rwx,u:{BASE}:x,g::---,m::x,o::x")},
        (f"as_user mode {HOME} 710\n",),
    ),
    Case(
        "a container open to everybody",
        "container_open",
        {**CONTAINER, f"{WEB}/": Entry("", 0o775, BASE, 1001)},
        (f"\nmode {WEB} 770\n",),
        WITH,
    ),
    Case(
        "lxcpath setgid for another group",
        "default_acl",
        {f"{CONTAINERS}/": Entry("", 0o2775, 1001, 100)},
        (f"\nmode {CONTAINERS} 775\n",),
    ),
    Case(
        "lxcpath that will be setgid for another group",
        "default_acl",
        {f"{CONTAINERS}/": None, f"{HOME}/.local/share/": Entry("", 0o2775, 1001, 100)},
        (f"as_user directory {CONTAINERS} 755\n",),
    ),
    Case(
        "a default ACL without the group's rights",
        "default_acl",
        {f"{CONTAINERS}/": theirs(acl="u::rwx,g::rx,o::rx,d:u::rwx,d:g::rx,d:o::rx")},
        (f"as_user acl {CONTAINERS} d:g::rwx,d:m::rwx\n",),
    ),
    Case(
        "a default ACL with a mask and an entry against the user",
        "default_acl",
        {
            f"{CONTAINERS}/": theirs(
                acl="u::rwx,g::rx,o::rx,d:u::rwx,d:u:1001:rx,d:u:7:rwx,d:g::rwx,d:m::rx,d:o::rx"
            )
        },
        (f"as_user acl {CONTAINERS} d:g::rwx,d:m::rwx,d:u:7:r-x,d:u:1001:rwx\n",),
    ),
    Case(
        "a lxcpath of root's",
        "lxcpath",
        {f"{CONTAINERS}/": Entry("", 0o755)},
        (f"owner {CONTAINERS} 1001:1001\n",),
    ),
    Case(
        "all of ~/.local is root's",
        "lxcpath",
        {f"{HOME}/.local/": Entry("", 0o700), f"{HOME}/.local/share/": Entry("", 0o555)},
        (f"owner {HOME}/.local 1001:1001\n",),
    ),
    Case(
        "the home is root's",
        "lxcpath",
        {
            f"{HOME}/": Entry("", 0o755),
            f"{HOME}/.local/": None,
            f"{HOME}/.local/share/": None,
            f"{CONTAINERS}/": None,
        },
        (f"owner {HOME} 1001:1001\n",),
    ),
    Case(
        "a lxcpath that its owner may not write",
        "lxcpath",
        {f"{CONTAINERS}/": theirs(mode=0o555)},
        (f"as_user mode {CONTAINERS} 755\n",),
    ),
    Case(
        "a file in the place of lxcpath",
        "lxcpath",
        {f"{CONTAINERS}/": None, CONTAINERS: theirs("x")},
        (f"as_user remove {CONTAINERS}\n",),
    ),
    Case(
        "a relative lxcpath",
        "lxcpath",
        {LXCCONF: theirs("# mine\nlxc.lxcpath = lxc\n"), f"{HOME}/lxc/": theirs()},
        (f"as_user replace {LXCCONF} 2 'lxc.lxcpath = lxc' 'lxc.lxcpath = {HOME}/lxc'\n",),
    ),
    Case(
        "a lxcpath of root's outside the home",
        "lxcpath",
        {LXCCONF: theirs("lxc.lxcpath = /var/lib/lxc"), "/var/lib/lxc/": Entry("", 0o755)},
        (f"'lxc.lxcpath = {CONTAINERS}'",),
    ),
    Case(
        "a read-only home, and nothing in it yet",
        "lxcpath",
        {"/etc/fstab": "/dev/sda1 / ext4 rw\n/dev/sdb1 /home ext4 ro 0 2\n"},
        ("directory /var/lib/lxc-lxc 711\n", "lxc.lxcpath = /var/lib/lxc-lxc"),
    ),
    Case(
        "a home on NFS",
        "filesystem",
        {"/etc/fstab": "/dev/sda1 / ext4 rw\nserver:/home /home nfs4 rw\n", "/srv/": ""},
        ("owner /var/lib/lxc-lxc 1001:1001\n",),
    ),
    Case(
        "a home on NFS and a /var where nothing can be executed",
        "filesystem",
        {
            "/etc/fstab": "/dev/sda1 / ext4 rw\n/dev/sdc /var ext4 noexec\nh:/h /home nfs rw\n",
            "/srv/": "",
            LXCCONF: theirs("lxc.default_config = /x\n"),
        },
        ("directory /srv/lxc-lxc 711\n", f"append {LXCCONF} 'lxc.lxcpath = /srv/lxc-lxc'\n"),
    ),
    Case(
        "a home where nothing can be executed, and no containers yet",
        "noexec",
        {"/etc/fstab": "/dev/sda1 / ext4 rw\n/dev/sdb1 /home ext4 noexec,nosuid 0 2\n"},
        ("lxc.lxcpath = /var/lib/lxc-lxc",),
    ),
    Case(
        "a home where nothing can be executed, and containers in it",
        "noexec",
        {**CONTAINER, "/etc/fstab": "LABEL=a\t/home  ext4\tdefaults,noexec,nosuid,nodev 0 2\n"},
        (
            "  ext4\\0011defaults,nosuid,nodev,exec 0 2'",
            "mount -o remount,bind,nosuid,nodev,exec /home",
        ),
    ),
    Case(
        "a mount of its own for the containers",
        "nosuid",
        {**CONTAINER, "/etc/fstab": f"/dev/sdb {CONTAINERS} ext4 users,noexec,nosuid\n"},
        (f"replace /etc/fstab 1 '/dev/sdb {CONTAINERS} ext4 users,noexec,nosuid'",),
    ),
    Case(
        "a container that is closed to the user",
        "rootfs",
        {**CONTAINER, f"{WEB}/": Entry("", 0o700, BASE, BASE)},
        (f"owner {WEB} {BASE}:1001\n", f"mode {WEB} 770\n"),
        WITH,
    ),
    Case(
        "a container that was copied without shifting its ids",
        "rootfs",
        {
            **CONTAINER,
            f"{WEB}/": theirs(mode=0o770),
            f"{WEB}/rootfs/": theirs(mode=0o750),
            f"{WEB}/rootfs/etc/": theirs(mode=0o755),
        },
        (f"owner {WEB} {BASE}:1001\n", f"owner {WEB}/rootfs {BASE}:{BASE}\n"),
        WITH,
    ),
    Case(
        "a container that was restored as root",
        "rootfs",
        {**CONTAINER, f"{WEB}/": Entry("", 0o750, 0, 1001), f"{WEB}/rootfs/": Entry("", 0o700)},
        (f"owner {WEB} {BASE}:1001\n", f"mode {WEB} 770\n"),
        WITH,
    ),
    Case(
        "a rootfs that is root's and open to others",
        "rootfs",
        {**CONTAINER, f"{WEB}/rootfs/": Entry("", 0o755)},
        (f"owner {WEB}/rootfs {BASE}:{BASE}\n",),
        WITH,
    ),
    Case(
        "a config that names a rootfs where the home was before",
        "rootfs",
        {
            **CONTAINER,
            f"{WEB}/config": theirs(f"{IDMAP}lxc.rootfs.path = dir:/home/old/web/rootfs\n", 0o640),
        },
        (
            f"as_user replace {WEB}/config 3 'lxc.rootfs.path = dir:/home/old/web/rootfs'"
            f" 'lxc.rootfs.path = dir:{WEB}/rootfs'\n",
        ),
        WITH,
    ),
    Case(
        "an image cache that root made",
        "image_cache",
        {
            f"{CACHE}/": theirs(mode=0o700),
            f"{CACHE}/lxc/": Entry("", 0o755),
            f"{CACHE}/lxc/download/": Entry("", 0o755),
            f"{CACHE}/lxc/download/alpine/": Entry("", 0o755),
            f"{CACHE}/lxc/download/alpine/3.20/": Entry("", 0o755),
            f"{CACHE}/lxc/download/alpine/3.20/meta": "x",
        },
        (
            f"owner {CACHE}/lxc/download 1001:1001\n",
            f"owner {CACHE}/lxc/download/alpine/3.20 1001:1001\n",
        ),
        DOWNLOAD,
    ),
    Case(
        "a ~/.cache that root made",
        "run_dir",
        {f"{CACHE}/": Entry("", 0o755)},
        (f"owner {CACHE} 1001:1001\n",),
    ),
    Case(
        "a lock that root made",
        "run_dir",
        {
            **CONTAINER,
            **{
                f"{CACHE}/{name}/": theirs(mode=0o700)
                for name in ("", "lxc", "lxc/run", "lxc/run/lxc", "lxc/run/lxc/lock")
            },
            f"{CACHE}/lxc/run/lxc/lock{CONTAINERS}/": theirs(),
            f"{CACHE}/lxc/run/lxc/lock{CONTAINERS}/.web": Entry("", 0o600),
        },
        (f"owner {CACHE}/lxc/run/lxc/lock{CONTAINERS}/.web 1001:1001\n",),
        WITH,
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fail_fix_pass_twice_undo(case: Case, tmp_path: Path) -> None:
    check = CHECKS[f"storage.{case.check}"]
    tree = tree_of(tmp_path, case.changes)
    text = law4(check, tree, answers=ANSWERS, request=case.request)
    before = "\n".join(line.strip() for line in text.split(library())[0].split("\n"))
    for line in case.script:
        assert line in before, f"no {line!r} in\n{before}"
    for line in case.absent:
        assert line not in before
