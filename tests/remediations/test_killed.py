"""A fix script that is killed anywhere leaves nothing half-written; the next run completes it, and
undo brings back what was there before the first.

Every command that changes something is replaced by one that counts, and at its turn kills the whole
script: before it does anything; cat and cp with half of their output written.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from remediations.actions import (
    Acl,
    Action,
    Append,
    Delete,
    Directory,
    Mode,
    Plain,
    Remove,
    Replace,
    Write,
)
from tests.remediations.law4 import Entry, Tree
from tests.remediations.scripts import home, script_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root: files of several owners")

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
CHANGERS = [
    "cat",
    "chmod",
    "chown",
    "cp",
    "ln",
    "mkdir",
    "mv",
    "rm",
    "rmdir",
    "setfacl",
    "sync",
    "tr",
]
SHIM = """#!/bin/sh
turn=$(($(/usr/bin/cat "$COUNTER") + 1))
echo "$turn" >"$COUNTER"
[ "$turn" = "$DIES_AT" ] || exec {real} "$@"
case {name} in
    cat) /usr/bin/cat "$@" | /usr/bin/head -c 3 ;;
    cp)
        for last; do :; done
        [ -e "$last" ] || /usr/bin/printf 'xy' >"$last"
        ;;
esac
echo >"$COUNTER.now"
/usr/bin/sleep 60
"""

SCRIPTS: dict[str, tuple[Action, ...]] = {
    "append": (Append("/etc/subuid", "lxc:100000:65536"),),
    "new": (Append("/etc/lxc/lxc-usernet", "lxc veth lxcbr0 1"),),
    "replace, delete": (Replace("/etc/f", 1, "a", "b"), Delete("/etc/f", 2, "c")),
    "write": (Write("/etc/own/x.conf", "new\n"), Write("/etc/f", "whole\n")),
    "theirs": (Append("/home/lxc/.config/lxc/default.conf", "lxc.idmap = u 0 1 2", True),),
    "remove": (Remove("/etc/nologin"), Remove("/home/lxc/mine", True)),
    "plain": (Plain("/etc/subgid", "lxc:1:1\n"),),
    "access": (Mode("/home/lxc", 0o711), Acl("/home/lxc/.local", "u:5:x", True)),
    "directory": (Directory("/srv/a/b"),),
}


def tree_of(tmp_path: Path) -> Tree:
    tree = home(tmp_path, **{"etc/subuid": "a:1:1\n", "etc/f": "a\nc\n", "etc/nologin": "x"})
    for path, entry in {
        "/etc/subgid": Entry(link="elsewhere"),
        "/home/lxc/.local/": Entry(mode=0o700, uid=1001, gid=1001),
        "/home/lxc/mine": Entry("mine\n", 0o640, 1001, 1001),
        "/srv/": Entry(),
    }.items():
        tree.add(path, entry)
    return tree


class Dying:
    """A script on a tree whose commands count, and one of which kills it."""

    def __init__(self, tree: Tree, text: str) -> None:
        shims = tree.place.parent / "shims"
        shims.mkdir()
        for name in CHANGERS:
            real = shutil.which(name, path="/usr/bin:/bin")
            (shims / name).write_text(SHIM.format(real=real, name=name))
            (shims / name).chmod(0o755)
        assert PATH in text
        self.tree = tree
        self.text = text.replace(PATH, f"PATH={shims}:{PATH.removeprefix('PATH=')}", 1)
        self.counter = tree.place.parent / "counter"

    def run(self, dies_at: int, *words: str) -> int:
        """The exit status; -9 when it was killed."""
        self.counter.write_text("0")
        self.counter.chmod(0o666)
        self.counter.parent.chmod(0o777)
        process = subprocess.Popen(
            ["sh", "-c", self.text, "fix", *words],
            env={
                "ROOT": str(self.tree.place),
                "COUNTER": str(self.counter),
                "DIES_AT": str(dies_at),
                "PATH": os.environ["PATH"],
            },
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        now = Path(f"{self.counter}.now")
        while process.poll() is None:
            if now.exists():
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.002)
        now.unlink(missing_ok=True)
        lock = self.tree.place / "var/lib/lxc-preflight/fix/lock"
        if lock.exists():  # until the last of the group is gone, which may hold it
            subprocess.run(["flock", str(lock), "true"], check=True)
        return process.wait()


def visible(tree: Tree) -> dict[str, tuple[object, ...]]:
    """What others see: not our record, nor what is written beside and never read by anybody."""
    ours = ("/var/lib/", ".lxc-preflight", ".lock")
    return {
        path: entry
        for path, entry in tree.state().items()
        if not any(part in path for part in ours) and not path.rpartition(".")[2].isdigit()
    }


@pytest.mark.parametrize("name", SCRIPTS)
def test_killed_anywhere(tmp_path: Path, name: str) -> None:
    tree = tree_of(tmp_path)
    text = script_for(*SCRIPTS[name])
    dying = Dying(tree, text)
    before = tree.state()
    was = visible(tree)
    assert dying.run(0) == 0
    total = int(dying.counter.read_text())
    assert total > 3, "the commands do not count"
    done = visible(tree)
    assert tree.run(text, "--undo").returncode == 0
    # Each file is what it was or what it will be; a step of several may be between two of them.
    contents = {entry[3] for state in (was, done) for entry in state.values()}
    if name == "replace, delete":
        contents.add(b"b\nc\n")
    for turn in range(1, total + 1):
        assert dying.run(turn) == -signal.SIGKILL
        torn = [path for path, entry in visible(tree).items() if entry[3] not in contents]
        assert not torn, f"killed at command {turn} of {total}, half-written: {torn}"
        if turn % 2:  # taken back at once, or completed first
            completed = tree.run(text)
            assert completed.returncode == 0, completed.stderr
            assert visible(tree) == done, f"killed at command {turn} of {total}"
        undone = tree.run(text, "--undo")
        assert undone.returncode == 0, undone.stdout + undone.stderr
        after = tree.state()
        different = [p for p in before.keys() | after.keys() if before.get(p) != after.get(p)]
        assert not different, f"killed at command {turn} of {total}: {different} {undone.stdout}"


@pytest.mark.parametrize("name", ["append", "theirs", "remove"])
def test_undo_is_killed_anywhere_and_done_again(tmp_path: Path, name: str) -> None:
    tree = tree_of(tmp_path)
    text = script_for(*SCRIPTS[name])
    dying = Dying(tree, text)
    before = tree.state()
    assert tree.run(text).returncode == 0
    assert dying.run(0, "--undo") == 0
    total = int(dying.counter.read_text())
    for turn in range(1, total + 1):
        assert tree.run(text).returncode == 0
        assert dying.run(turn, "--undo") == -signal.SIGKILL
        undone = tree.run(text, "--undo")
        assert undone.returncode == 0, undone.stdout + undone.stderr
        after = tree.state()
        different = [p for p in before.keys() | after.keys() if before.get(p) != after.get(p)]
        assert not different, f"killed at command {turn} of {total}: {different}"
