"""The verbs of a fix script, on trees: what they do, what they refuse, what undo brings back."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from remediations.actions import (
    Acl,
    Action,
    Append,
    Capability,
    Delete,
    Directory,
    Manual,
    Mode,
    Owner,
    Plain,
    Remove,
    Replace,
    Run,
    Setting,
    Write,
)
from remediations.script import undo_script
from tests.files import ROOT as CHECKOUT
from tests.remediations.law4 import Entry, Tree
from tests.remediations.scripts import home, script_for

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes root: files of several owners")
pytestmark = needs_root

MINE = Entry("mine\n", 0o640, 1001, 1001)
EVERY: tuple[tuple[Action, ...], ...] = (
    (Append("/etc/subuid", "lxc:100000:65536"),),
    (Append("/etc/new", "a line"), Append("/etc/new", "another")),
    (Replace("/etc/subgid", 2, "lxc:1:2\r", "lxc:100000:65536"),),
    (Delete("/etc/subgid", 3, "x", 2),),
    (Replace("/etc/subgid", 5, "end", "end"),),  # a newline at the end is all
    (Write("/etc/a/b/c.conf", "[Service]\nDelegate=yes\n"),),
    (Write("/etc/subgid", "other\n"),),
    (Mode("/home/lxc", 0o711),),
    (Mode("/home/lxc/mine", 0o600, True),),
    (Acl("/home/lxc", "u:100000:x"),),
    (Acl("/home/lxc/.local", "u:100000:x,m::x", True),),
    (Append("/home/lxc/.config/lxc/default.conf", "lxc.idmap = u 0 1 2", True),),
    (Append("/home/lxc/mine", "it's \\ a & | \x01 line", True),),
    (Plain("/etc/link", "text\n"),),
    (Plain("/etc/lxc", ""),),
    (Plain("/etc/nothing", "text\n", 0o600),),
    (Remove("/etc/nologin"),),
    (Remove("/etc/link"),),
    (Remove("/home/lxc/mine", True),),
    (Owner("/home/lxc/roots", 1001, 1001),),
    (Owner("/usr/bin/tool", 0, 0), Mode("/usr/bin/tool", 0o4755)),
    (Capability("/usr/bin/tool", ""),),
    (Mode("/usr/bin/tool", 0o755), Capability("/usr/bin/tool", "cap_setgid=ep")),
    (Directory("/home/lxc/new", 0o700, True),),
    (Directory("/srv/a/b", 0o711),),
)


def tree_of(tmp_path: Path) -> Tree:
    tree = home(tmp_path)
    for path, entry in {
        "/etc/subgid": Entry("a:1:1\nlxc:1:2\r\nx\nx\nend", 0o644),
        "/home/lxc/.local/": Entry(mode=0o700, uid=1001, gid=1001),
        "/home/lxc/mine": Entry("mine\n", 0o640, 1001, 1001, acl="u::rw,u:5:r,g::r,m::r,o::-"),
        "/home/lxc/roots": Entry("roots\n"),
        "/etc/nologin": Entry("go away", acl="u::rw,u:5:r,g::r,m::r,o::-"),
        "/etc/link": Entry(link="nowhere"),
        "/etc/lxc/": Entry(mode=0o700),
        "/etc/lxc/inside": Entry("kept", 0o600, 5, 5),
        "/usr/bin/tool": Entry("x", 0o755, 5, 5),
        "/srv/": Entry(),
    }.items():
        tree.add(path, entry)
    subprocess.run(["setcap", "cap_setuid=ep", str(tree.place / "usr/bin/tool")], check=True)
    return tree


def different(
    before: dict[str, tuple[object, ...]], after: dict[str, tuple[object, ...]]
) -> list[str]:
    return sorted(p for p in before.keys() | after.keys() if before.get(p) != after.get(p))


@pytest.mark.parametrize("shell", ["dash", "busybox sh", "bash --posix"])
@pytest.mark.parametrize("actions", EVERY, ids=lambda actions: f"{type(actions[0]).__name__}")
def test_done_again_and_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: str, actions: tuple[Action, ...]
) -> None:
    monkeypatch.setenv("TEST_SH", shell)
    tree = tree_of(tmp_path)
    before = tree.state()
    text = script_for(*actions)
    done = tree.run(text)
    assert done.returncode == 0, done.stderr
    once = tree.state()
    assert [p for p in different(before, once) if "/var/lib/" not in p], "nothing was done"
    again = tree.run(text)
    assert again.returncode == 0, again.stderr
    assert not different(once, tree.state())
    assert again.stdout.count("as wanted") == len(actions), again.stdout
    undone = tree.run(text, "--undo")
    assert undone.returncode == 0, undone.stdout + undone.stderr
    assert not different(before, tree.state()), undone.stdout


def test_all_at_once_is_taken_back_newest_first(tmp_path: Path) -> None:
    tree = tree_of(tmp_path)
    before = tree.state()
    text = script_for(
        Append("/etc/subuid", "lxc:1:1"),
        Replace("/etc/subuid", 1, "lxc:1:1", "lxc:2:2"),
        Append("/etc/subuid", "lxc:3:3"),
        Delete("/etc/subuid", 1, "lxc:2:2"),
    )
    assert tree.run(text).returncode == 0
    assert (tree.place / "etc/subuid").read_text() == "lxc:3:3\n"
    assert tree.run(text, "--undo").returncode == 0
    assert not different(before, tree.state())


def test_runs_are_taken_back_one_after_the_other(tmp_path: Path) -> None:
    tree = home(tmp_path)
    before = tree.state()
    one, two = script_for(Append("/etc/a", "1")), script_for(Append("/etc/a", "2"))
    for text in (one, two):
        assert tree.run(text).returncode == 0
    assert tree.run(one, "--undo").returncode == 0  # whichever script says so
    assert (tree.place / "etc/a").read_text() == "1\n"
    assert tree.run(two, "--undo").returncode == 0
    assert not different(before, tree.state())
    nothing = tree.run(two, "--undo")
    assert nothing.returncode == 0 and "nothing has been applied" in nothing.stdout


def test_metadata_of_an_edited_file_stays(tmp_path: Path) -> None:
    tree = tree_of(tmp_path)
    at = tree.place / "home/lxc/mine"
    os.setxattr(at, "user.note", b"kept")
    before = tree.state()[str(at)]
    assert tree.run(script_for(Append("/home/lxc/mine", "x", True))).returncode == 0
    after = tree.state()[str(at)]
    assert after[3] == b"mine\nx\n"
    assert (*before[:3], before[4]) == (*after[:3], after[4])


def test_what_somebody_changed_since_is_kept(tmp_path: Path) -> None:
    tree = home(tmp_path, **{"etc/subuid": "a:1:1\n", "etc/own.conf": "old\n"})
    text = script_for(
        Append("/etc/subuid", "lxc:100000:65536"),
        Write("/etc/own.conf", "new\n"),
    )
    assert tree.run(text).returncode == 0
    with (tree.place / "etc/subuid").open("a") as file:
        file.write("late:165536:65536\n")
    (tree.place / "etc/own.conf").write_text("edited by an administrator\n")
    undone = tree.run(text, "--undo")
    assert undone.returncode == 1
    assert (tree.place / "etc/subuid").read_text() == "a:1:1\nlate:165536:65536\n"
    assert (tree.place / "etc/own.conf").read_text() == "edited by an administrator\n"
    assert "only our line was taken back" in undone.stdout
    assert "/etc/own.conf: somebody changed it since; it stays" in undone.stdout


@pytest.mark.parametrize(
    ("edit", "since", "expected"),
    [
        (Replace("/etc/f", 1, "old", "new"), "new\nlate\n", "old\nlate\n"),
        (Delete("/etc/f", 1, "old"), "late\n", "late\nold\n"),
        (Append("/etc/f", "new"), "old\nlate\n", "old\nlate\n"),
    ],
)
def test_the_line_of_an_edit_is_taken_back_alone(
    tmp_path: Path, edit: Action, since: str, expected: str
) -> None:
    tree = home(tmp_path, **{"etc/f": "old\n"})
    text = script_for(edit)
    assert tree.run(text).returncode == 0
    (tree.place / "etc/f").write_text(since)
    tree.run(text, "--undo")
    assert (tree.place / "etc/f").read_text() == expected


def test_a_file_that_changed_since_the_audit_is_not_guessed_at(tmp_path: Path) -> None:
    tree = home(tmp_path, **{"etc/subuid": "lxc:5:5\n"})
    before = tree.state()
    done = tree.run(script_for(Replace("/etc/subuid", 1, "lxc:1:1", "lxc:2:2")))
    assert done.returncode == 1
    assert "has changed since it was judged" in done.stderr
    assert not different(before, tree.state())


def test_a_directory_that_is_used_by_now_stays(tmp_path: Path) -> None:
    tree = home(tmp_path)
    text = script_for(Directory("/srv/x"))
    assert tree.run(text).returncode == 0
    (tree.place / "srv/x/theirs").write_text("")
    undone = tree.run(text, "--undo")
    assert undone.returncode == 1 and "something is in it by now" in undone.stdout
    assert (tree.place / "srv/x/theirs").exists()


@pytest.mark.parametrize(
    "action",
    [
        Mode("/home/lxc/.local/share", 0o755),
        Owner("/home/lxc/.local/share", 1001, 1001),
        Append("/home/lxc/.local/f", "x"),
        Remove("/home/lxc/.local/passwd"),
    ],
    ids=lambda action: type(action).__name__,
)
def test_root_follows_no_symlink_of_the_user(tmp_path: Path, action: Action) -> None:
    """The user swaps a directory of its own for a link to root's places."""
    tree = home(tmp_path, **{"etc/share/": Entry(mode=0o700), "etc/passwd.more": Entry("x")})
    tree.add("/home/lxc/.local", Entry(link="../../etc", uid=1001, gid=1001))
    before = tree.state()
    done = tree.run(script_for(action))
    assert done.returncode == 1
    assert "reached through a symlink of lxc" in done.stderr
    assert not different(before, {k: v for k, v in tree.state().items() if "preflight" not in k})


@pytest.mark.parametrize(
    "action",
    [Mode("/home/lxc/.local/share", 0o755), Owner("/home/lxc/.local/share", 1001, 1001)],
    ids=lambda action: type(action).__name__,
)
def test_undo_follows_no_symlink_of_the_user_either(tmp_path: Path, action: Action) -> None:
    """Nor does it stop there: what else there is to take back is taken back."""
    tree = home(tmp_path, **{"home/lxc/.local/share/": Entry(mode=0o700), "etc/share/": Entry()})
    assert tree.run(script_for(Append("/etc/f", "x"), action)).returncode == 0
    (tree.place / "home/lxc/.local").rename(tree.place / "home/lxc/moved")
    tree.add("/home/lxc/.local", Entry(link="../../etc", uid=1001, gid=1001))
    before = tree.state()
    # as the tool does it, which knows of no user but what is on record
    undone = tree.run(undo_script())
    assert undone.returncode == 1
    assert "reached through a symlink of lxc" in undone.stdout
    changed = [p for p in different(before, tree.state()) if "lxc-preflight" not in p]
    assert changed == [str(tree.place / "etc/f")]


def test_nothing_leaves_the_tree(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    tree = home(tmp_path)
    tree.add("/etc/sub", Entry(link=str(outside)))
    tree.add("/etc/subuid", Entry(link=str(outside / "file")))
    for action in (
        Append("/etc/sub/file", "x"),
        Append("/etc/subuid", "x"),
        Mode("/etc/sub/f", 0o7),
    ):
        done = tree.run(script_for(action))
        assert done.returncode == 1, done.stdout
        assert "symlink" in done.stderr
    assert not list(outside.iterdir())


@pytest.mark.parametrize("theirs", [True, False])
def test_what_is_no_regular_file_is_not_opened(tmp_path: Path, theirs: bool) -> None:
    tree = home(tmp_path)
    fifo = tree.place / "home/lxc/fifo"
    os.mkfifo(fifo)
    os.chown(fifo, 1001, 1001)
    for action in (
        Append("/home/lxc/fifo", "x", theirs),
        Write("/home/lxc/fifo", "x", theirs=theirs),
    ):
        done = tree.run(script_for(action))
        assert done.returncode == 1 and "is no regular file: not touched" in done.stderr


def test_root_lends_no_rights_to_the_user(tmp_path: Path) -> None:
    """What is done as the user fails where the user could not do it."""
    tree = home(tmp_path, **{"etc/private": Entry("x\n", 0o600)})
    tree.add("/home/lxc/link", Entry(link="../../etc/private", uid=1001, gid=1001))
    before = tree.state()
    for action in (
        Append("/etc/private", "y", True),
        Mode("/etc/private", 0o666, True),
        Remove("/etc/private", True),
        Directory("/etc/theirs", theirs=True),
    ):
        assert tree.run(script_for(action)).returncode == 1
        after = {key: value for key, value in tree.state().items() if "preflight" not in key}
        assert not different(before, after)


def test_useradd_and_the_script_wait_for_each_other(tmp_path: Path) -> None:
    """The lock is shadow's own: a live holder is waited for, a dead one is not."""
    tree = home(tmp_path, **{"etc/subuid": "a:1:1\n"})
    lock = tree.place / "etc/subuid.lock"
    sleeper = subprocess.Popen(["sleep", "1.5"])
    lock.write_bytes(str(sleeper.pid).encode() + b"\0")  # as shadow writes it
    text = script_for(Append("/etc/subuid", "lxc:2:2"))
    script = subprocess.Popen(
        ["sh", "-c", text, "fix"], env={"ROOT": str(tree.place), "PATH": os.environ["PATH"]}
    )
    assert sleeper.wait() == 0  # reaped: from here on its pid is nobody's
    assert (tree.place / "etc/subuid").read_text() == "a:1:1\n", "it did not wait"
    assert script.wait(timeout=30) == 0
    assert (tree.place / "etc/subuid").read_text() == "a:1:1\nlxc:2:2\n"
    assert not lock.exists()
    assert not [p for p in (tree.place / "etc").iterdir() if re.search(r"\.\d+$", p.name)]


def test_shadow_respects_the_lock(tmp_path: Path) -> None:
    """usermod of the host, on the tree, while a script holds the lock as it does."""
    tree = home(tmp_path, **{"etc/subuid": "", "etc/subgid": "", "etc/shadow": "lxc:!:1::::::\n"})
    holder = subprocess.Popen(["sleep", "60"])
    try:
        (tree.place / "etc/subuid.lock").write_text(str(holder.pid))
        usermod = ["usermod", "--prefix", str(tree.place), "--add-subuids", "5-9", "lxc"]
        refused = subprocess.run(usermod, capture_output=True, text=True, check=False)
        assert refused.returncode, "usermod does not know this lock"
        assert "lock" in refused.stderr
    finally:
        holder.kill()
        holder.wait()


def test_two_scripts_do_not_run_at_once(tmp_path: Path) -> None:
    tree = home(tmp_path)
    state = tree.place / "var/lib/lxc-preflight/fix"
    state.mkdir(parents=True)
    holder = subprocess.Popen(["flock", str(state / "lock"), "sleep", "60"])
    try:
        for _ in range(100):
            if (state / "lock").exists():
                break
        probe = ["flock", "-n", str(state / "lock"), "true"]
        while subprocess.run(probe, check=False).returncode == 0:
            pass
        done = tree.run(script_for(Append("/etc/a", "x")))
        assert done.returncode == 1 and "another fix is at work" in done.stderr
        assert not (tree.place / "etc/a").exists()
    finally:
        subprocess.run(["pkill", "-P", str(holder.pid)], check=False)
        holder.kill()
        holder.wait()


def test_steps_that_take_others_rights_are_left_out(tmp_path: Path) -> None:
    """Run by the user: what is theirs is done and recorded in the user's own place."""
    tree = home(tmp_path)
    text = script_for(Append("/home/lxc/f", "x", True)) + "\n"
    both = script_for(Append("/etc/a", "x"))
    environment = {
        "ROOT": str(tree.place),
        "PATH": os.environ["PATH"],
        "HOME": str(tree.place) + "/home/lxc",
    }
    as_user = ["setpriv", "--reuid", "1001", "--regid", "1001", "--clear-groups", "sh", "-c"]
    done = subprocess.run([*as_user, text, "fix"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tree.place / "home/lxc/f").read_text() == "x\n"
    assert (tree.place / "home/lxc/.local/state/lxc-preflight/fix/0001/done").exists()
    left = subprocess.run([*as_user, both, "fix"], env=environment, capture_output=True, text=True)
    assert left.returncode == 0 and "takes root, left out" in left.stdout
    assert not (tree.place / "etc/a").exists()


def test_what_takes_a_running_host_is_left_out_of_a_tree(tmp_path: Path) -> None:
    tree = home(tmp_path)
    before = tree.state()
    text = script_for(
        Run("touch /tmp/never"), Setting("/proc/sys/kernel/x", "1"), Manual(("do it",))
    )
    done = tree.run(text)
    assert done.returncode == 0
    assert done.stdout.count("only on the running host") == 2 and "by hand: do it" in done.stdout
    assert not different(before, tree.state())


def live(text: str, state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The script on this host, with its record in a directory of the test's."""
    moved = text.replace("$ROOT/var/lib/lxc-preflight/fix", f"{state}/lxc-preflight/fix")
    assert moved != text
    return subprocess.run(["sh", "-c", moved, "fix", *words], capture_output=True, text=True)


def test_commands_run_unless_there_is_nothing_to_do_and_are_taken_back(tmp_path: Path) -> None:
    mark, kept = tmp_path / "mark", tmp_path / "kept"
    kept.write_text("before\n")
    text = script_for(
        Run(f"touch {mark}; echo after > {kept}", f"test -e {mark}", f"rm {mark}", (str(kept),))
    )
    done = live(text, tmp_path)
    assert done.returncode == 0 and mark.exists() and kept.read_text() == "after\n", done.stderr
    assert "as wanted" in live(text, tmp_path).stdout
    undone = live(text, tmp_path, "--undo")
    assert undone.returncode == 0, undone.stdout + undone.stderr
    assert not mark.exists() and kept.read_text() == "before\n"
    assert not (tmp_path / "lxc-preflight").exists()


def test_a_value_of_the_kernel_goes_there_and_back(tmp_path: Path) -> None:
    value = tmp_path / "value"
    value.write_text("0\n")
    text = script_for(Setting(str(value), "1"))
    assert live(text, tmp_path).returncode == 0 and value.read_text() == "1\n"
    assert "as wanted" in live(text, tmp_path).stdout
    assert live(text, tmp_path, "--undo").returncode == 0
    assert value.read_text().strip() == "0"


def test_a_command_that_fails_stops_the_script_and_can_be_taken_back(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    text = script_for(Run(f"touch {mark}", undo=f"rm {mark}"), Run("exit 7"), Run(f"rm {mark}"))
    done = live(text, tmp_path)
    assert done.returncode == 1 and "this failed: exit 7" in done.stderr
    assert mark.exists()
    undone = live(text, tmp_path, "--undo")
    assert "cannot be taken back: exit 7" in undone.stdout and undone.returncode == 1
    assert not mark.exists()


def test_the_library_is_clean_and_knows_no_bash() -> None:
    library = CHECKOUT / "remediations/library.sh"
    for shell in (["dash", "-n"], ["busybox", "sh", "-n"], ["bash", "--posix", "-n"]):
        subprocess.run([*shell, str(library)], check=True)
    subprocess.run(["shellcheck", "--shell=sh", str(library)], check=True)
