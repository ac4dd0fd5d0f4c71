"""The recorded healthy host with directories, mounts and a session of one's choice."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from audit.facts.accounts import target
from audit.facts.paths import ACCESS, DEFAULT
from audit.host import Host, Request
from audit.source import Answer, Question, Refused, Snapshot
from tests.recordings import HEALTHY, recorded, recording

Answers = dict[Question, Answer | Refused]

USER = recorded(HEALTHY).get(target)
HOME = USER.home
LXC = f"{HOME}/.local/share/lxc"
BASE = 1309100000  # the container's root, by the recorded config
MINE: Answers = {
    ("self",): {"uid": USER.uid, "gid": USER.gid, "groups": [USER.gid], "umask": 0o022},
    ("env", "HOME"): HOME,
    ("env", "PATH"): "/usr/local/bin:/usr/bin:/bin",
    ("env", "XDG_RUNTIME_DIR"): None,
}


def acl(*entries: tuple[int, int, int]) -> str:
    """system.posix_acl_access of (tag, perm, id) triples; -1 for no id."""
    packed = b"".join(
        struct.pack("<HHI", tag, perm, ident & 0xFFFFFFFF) for tag, perm, ident in entries
    )
    return (struct.pack("<I", 2) + packed).hex()


def directory(
    path: str,
    mode: int,
    uid: int = USER.uid,
    gid: int = USER.gid,
    access: str | None = None,
    kind: str = "directory",
) -> Answers:
    """The answers about one directory."""
    stat: Answer = [kind, mode, uid, gid, 60, 0, 1]
    return {
        ("stat", path): stat,
        ("lstat", path): stat,
        ("xattr", path, ACCESS): access,
        ("xattr", path, DEFAULT): None,
    }


def absent(path: str) -> Answers:
    """Nothing is there."""
    return {("stat", path): None, ("lstat", path): None}


def mounted(*lines: str) -> Answers:
    """A root file system and further mounts: `POINT FSTYPE FLAGS OPTIONS`."""
    rows = ["1 0 8:1 / / rw - ext4 /dev/sda1 rw"]
    for number, line in enumerate(lines, 2):
        point, fstype, flags, options = line.split()
        rows.append(f"{number} 1 0:{number} / {point} {flags} - {fstype} source {options}")
    return {("read", "/proc/self/mountinfo"): "\n".join(rows) + "\n"}


def host(*changes: Mapping[Any, Any], container: str | None = None) -> Host:
    """The healthy host, asked by root for its user, with these answers instead."""
    answers: Answers = {
        **recording(HEALTHY).source.answers,
        ("today",): 20000,
        **{("xattr", path, DEFAULT): None for path in (HOME, f"{HOME}/.local/share", LXC)},
    }
    for change in changes:
        answers.update(change)
    return Host(Snapshot(answers), Request(user=USER.name, container=container))
