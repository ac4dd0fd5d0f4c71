"""Traversal of paths, against the kernel itself where root can ask it."""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.access import AclEntry, Credentials, parse_acl
from audit.facts.paths import (
    Crosser,
    Walk,
    encode_acl,
    inherited,
    letters,
    passes,
    traversal,
    uncreatable,
    walk,
)
from audit.facts.session import is_mine
from audit.host import Host, Request
from audit.live import Live
from audit.model import Unknown
from audit.source import Answer, Question, Refused
from audit.testing import made_host

USER, BASE = 51599, 1_200_100_000  # ids that no account of a test machine has
MODES = (0o700, 0o750, 0o755, 0o711, 0o710, 0o701, 0o077, 0o070, 0o007, 0o000, 0o101, 0o611)
CLONE_NEWUSER = 0x10000000
SELF: dict[Question, Answer | Refused] = {
    ("self",): {"uid": 0, "gid": 0, "groups": [], "umask": 0o022},
    ("read", "/proc/self/mountinfo"): "1 0 8:1 / / rw - ext4 /dev/a rw\n",
}


def tree(*paths: str, links: dict[str, str] | None = None) -> Host:
    """A host with root-owned directories and symlinks, and nothing else below /."""
    answers: dict[Question, Answer | Refused] = dict(SELF)
    for path in ("/", *paths):
        stat: Answer = ["directory", 0o755, 0, 0, 0, 8, 1]
        answers |= {("lstat", path): stat, ("stat", path): stat}
        answers["xattr", path, "system.posix_acl_access"] = None
    for path, goal in (links or {}).items():
        answers |= {("lstat", path): ["symlink", 0o777, 0, 0, 0, 8, 1], ("link", path): goal}
    return made_host({}, answers)


def test_a_walk_follows_links_and_names_what_is_missing() -> None:
    host = tree("/a", "/a/b", "/c", links={"/a/up": "..", "/a/abs": "/c", "/a/rel": "./b"})
    host.source.answers["lstat", "/c/x"] = None  # type: ignore[attr-defined]
    assert host.get(walk, "/a//b/").here == "/a/b"
    assert host.get(walk, "/a/rel").here == "/a/b"
    assert host.get(walk, "/a/up/c").here == "/c"
    way: Walk = host.get(walk, "/a/abs/x/y")
    assert (way.here, way.missing) == ("/c", ("x", "y"))
    # the directory of a link is passed, too
    assert "/a" in [step.path for step in way.steps]


def test_a_loop_and_a_relative_path_are_unknown() -> None:
    host = tree("/a", links={"/a/loop": "loop"})
    for path in ("/a/loop", "a", ""):
        with pytest.raises(Unknown):
            host.get(walk, path)


@given(st.integers(0, 0o7777), st.integers(0, 0o777))
def test_without_a_default_acl_the_umask_decides(mode: int, mask: int) -> None:
    assert inherited(mode, mask, None) == (mode & ~mask, None)


@given(
    st.lists(
        st.builds(
            AclEntry,
            st.sampled_from([1, 2, 4, 8, 16, 32]),
            st.integers(0, 7),
            st.integers(-1, 2**31),
        ),
        min_size=1,
    )
)
def test_acls_survive_encoding(entries: list[AclEntry]) -> None:
    assert parse_acl(encode_acl(tuple(entries))) == tuple(entries)


@given(st.integers(0, 7))
def test_letters(perm: int) -> None:
    assert letters(perm) == "".join(
        c if perm & b else "-" for c, b in zip("rwx", (4, 2, 1), strict=True)
    )


class Kernel:
    """access(2) by a process that is what `Crosser` describes: the oracle."""

    def __init__(self) -> None:
        self.libc = ctypes.CDLL(None, use_errno=True)

    def allows(self, path: str, want: int, own_ids: bool | None) -> bool:
        """`own_ids`: None without a user namespace, else whether the user's are mapped."""
        ready, tell = os.pipe()
        wait, go = os.pipe()
        pid = os.fork()
        if pid == 0:
            code = 9
            try:
                code = self._child(path, want, own_ids, tell, wait)
            finally:
                os._exit(code)
        if own_ids is not None:
            os.read(ready, 1)
            text = f"0 {BASE} 1000\n" + (f"1000 {USER} 1\n" if own_ids else "")
            for kind in ("uid", "gid"):
                Path(f"/proc/{pid}/{kind}_map").write_text(text)
            os.write(go, b"1")
        _, status = os.waitpid(pid, 0)
        for fd in (ready, tell, wait, go):
            os.close(fd)
        code = os.waitstatus_to_exitcode(status)
        assert code in (0, 1), "the oracle could not ask"
        return code == 0

    def _child(self, path: str, want: int, own_ids: bool | None, tell: int, wait: int) -> int:
        os.setgroups([])
        first = BASE if own_ids is None else USER
        os.setresgid(first, first, first)
        os.setresuid(first, first, first)
        if own_ids is not None:
            if self.libc.unshare(CLONE_NEWUSER):
                return 9
            os.write(tell, b"1")
            os.read(wait, 1)
            os.setresgid(0, 0, 0)
            os.setresuid(0, 0, 0)
        return 0 if os.access(path, want) else 1


def crosser(own_ids: bool | None) -> Crosser:
    if own_ids is None:
        return Crosser(Credentials(BASE, BASE))
    ranges = ((BASE, BASE + 999), *(((USER, USER),) if own_ids else ()))
    return Crosser(Credentials(BASE, BASE), ranges, ranges)


def random_directories(top: Path, dice: random.Random) -> str:
    """One to three nested directories of random owners, modes and ACLs."""
    made = [top]
    for depth in range(dice.randint(1, 3)):
        made.append(made[-1] / f"{depth}")
        made[-1].mkdir()
    users, groups = (USER, BASE, BASE + 5, 0, 777), (USER, BASE, BASE + 7, 0, 888)
    for path in reversed(made[1:]):
        os.chown(path, dice.choice(users), dice.choice(groups))
        path.chmod(dice.choice(MODES))
        entries = [
            f"{kind}:{ident}:{dice.choice(['---', '--x', 'r-x', 'rwx', '-wx'])}"
            for kind, idents in (("u", users), ("g", groups))
            for ident in idents
            if dice.random() < 0.25
        ]
        if entries and dice.random() < 0.5:
            entries.append("m::" + dice.choice(["---", "--x", "r-x", "rwx", "rw-"]))
        if entries:
            subprocess.run(["setfacl", "-m", ",".join(entries), str(path)], check=True)
    return str(made[-1])


@pytest.mark.skipif(
    os.geteuid() != 0, reason="needs root: it becomes other users to ask the kernel"
)
@pytest.mark.skipif(shutil.which("setfacl") is None, reason="needs setfacl")
@pytest.mark.parametrize("seed", range(2))
def test_the_kernel_agrees_about_random_modes_and_acls(seed: int) -> None:
    dice, kernel = random.Random(seed), Kernel()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        top = Path(directory)
        top.chmod(0o755)
        for number in range(25):
            below = top / str(number)
            below.mkdir()
            path = random_directories(below, dice)
            host = Host(Live(), Request(user="root"))
            host._facts[is_mine,] = (False, None, frozenset())  # root sees all
            for own_ids in (None, False, True):
                who = crosser(own_ids)
                seen = [
                    (step.path, step.stat, step.acl) for step in host.get(walk, path).steps[-3:]
                ]
                expected = kernel.allows(path, os.X_OK, own_ids)
                assert (host.get(traversal, path, who) == ()) is expected, seen
                expected = kernel.allows(path, os.X_OK | os.W_OK, own_ids)
                assert (host.get(uncreatable, path, who) is None) is expected, seen


def test_container_root_is_not_asked_where_only_its_maker_gets_in() -> None:
    host = tree("/mnt")
    host.source.answers["read", "/proc/self/mountinfo"] = (  # type: ignore[attr-defined]
        "1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 0:9 / /mnt rw - fuse.sshfs x rw,user_id=1001\n"
    )
    way: Walk = host.get(walk, "/mnt/inside")
    assert way.closed is not None
    assert not passes(way.closed, Crosser(Credentials(BASE, BASE)))
    assert passes(way.closed, Crosser(Credentials(1001, 1001)))
