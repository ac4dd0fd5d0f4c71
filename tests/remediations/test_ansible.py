"""The playbook, run by ansible-core: the same effect as the script, and nothing a second time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from audit.model import Fix
from remediations.actions import (
    Acl,
    Action,
    Append,
    Capability,
    Delete,
    Directory,
    Install,
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
from remediations.ansible import playbook
from remediations.plan import Asked, steps_of
from remediations.script import Subject
from tests.remediations.law4 import Entry, Tree
from tests.remediations.scripts import script_for

# Ansible becomes a user of the machine that it runs on: one that there always is.
NOBODY = Subject("nobody", 65534, 65534, "/home/nobody", "host", "Written now.")
ACTIONS: tuple[Action, ...] = (
    Append("/etc/subuid", "nobody:100000:65536"),
    Append("/etc/lxc/lxc-usernet", "nobody veth lxcbr0 1"),
    Replace("/etc/subgid", 2, "a.c:1:2\r", r"nobody:\1:65536"),
    Delete("/etc/subgid", 3, "x", 2),
    Append("/etc/ordered", "first", behind="then"),
    Append("/etc/ordered", "new", behind="then"),
    Replace("/etc/end", 1, "end", "end"),
    Write("/etc/a/b.conf", "{{ not a template }}\n[x]\n"),
    Plain("/etc/plain", "now a file\n"),
    Mode("/home/nobody", 0o711),
    Acl("/home/nobody", "u:100000:x"),
    Append("/home/nobody/mine", "{% raw %} it's \\ & |", True),
    Mode("/home/nobody/.local", 0o755, True),
    Directory("/home/nobody/new", 0o700, True),
    Remove("/etc/nologin"),
    Owner("/home/nobody/roots", 65534, 65534),
    Capability("/usr/bin/tool", "cap_setuid=ep"),
    Setting("/proc/sys/kernel/never", "1"),
    Run("touch /never", "false"),
    Install("debian", ("never",)),
    Manual(("by hand {{ x }}",)),
)
HEADINGS = ("changed", "unreachable", "failed")


def tree_of(place: Path) -> Tree:
    place.mkdir()
    return Tree(
        place,
        {
            "/etc/subgid": "a:1:1\na.c:1:2\r\nx\nx\n",
            "/etc/end": "end",
            "/etc/ordered": "first\nthen\n",
            "/etc/nologin": "x",
            "/etc/plain": Entry(link="nowhere"),
            "/home/nobody/": Entry(mode=0o700, uid=65534, gid=65534),
            "/home/nobody/mine": Entry("mine\n", 0o640, 65534, 65534),
            "/home/nobody/roots": "x",
            "/home/nobody/.local/": Entry(mode=0o700, uid=65534, gid=65534),
            "/usr/bin/tool": Entry("x", 0o755),
        },
    )


def book(*actions: Action) -> str:
    asked = [Asked("a.b", "said: {{ x }}\n- no", Fix("m", "t {{ y }}", (one,))) for one in actions]
    return playbook(steps_of(asked), NOBODY)


def play(text: str, tmp_path: Path, *options: str) -> tuple[str, dict[str, Any]]:
    """What ansible-playbook prints, and its counts."""
    file = tmp_path / "play.yml"
    file.write_text(text)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-c", "local"),
            *("-e", "ansible_python_interpreter=/usr/bin/python3"),
            *("-e", "ansible_become_method=su", "-e", "ansible_become_flags='-s /bin/sh'"),
            *("-e", "ansible_remote_tmp=/tmp", *options, str(file)),
        ],
        env={**os.environ, "ANSIBLE_STDOUT_CALLBACK": "default", "ANSIBLE_NOCOLOR": "1"}
        | {"ANSIBLE_HOME": str(tmp_path / "ansible"), "ANSIBLE_LOCALHOST_WARNING": "false"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    recap = done.stdout.rpartition("localhost")[2]
    return done.stdout, dict(part.split("=") for part in recap.split() if "=" in part)


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root: files of several owners")
def test_a_playbook_does_what_the_script_does(tmp_path: Path) -> None:
    by_script, by_book = tree_of(tmp_path / "script"), tree_of(tmp_path / "book")
    text = book(*ACTIONS)
    before = by_book.state()
    root = f"root={by_book.place}"
    printed, counts = play(text, tmp_path, "-e", root, "--check", "--diff")
    assert by_book.state() == before, "check mode changed something"
    assert "+nobody:100000:65536" in printed
    _, counts = play(text, tmp_path, "-e", root)
    assert int(counts["changed"]) >= 15
    assert by_script.run(script_for(*ACTIONS, subject=NOBODY)).returncode == 0
    assert comparable(by_book) == comparable(by_script)
    _, counts = play(text, tmp_path, "-e", root)
    assert counts["changed"] == "0", "a second time there is something to do"


def comparable(tree: Tree) -> dict[str, tuple[object, ...]]:
    return {
        path.removeprefix(str(tree.place)): entry
        for path, entry in tree.state().items()
        if "/var/lib" not in path
    }


def test_a_playbook_is_yaml_and_nothing_of_a_host_is_a_template() -> None:
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!unsafe", lambda loader, node: ["unsafe", node.value])
    (play_,) = yaml.load(book(*ACTIONS), Loader)
    assert play_["hosts"] == "all" and play_["vars"] == {"root": ""}
    assert "t {{ y }}" not in json.dumps(
        [task["name"] for task in play_["tasks"] if isinstance(task["name"], str)]
    )
    (task,) = (t for t in play_["tasks"] if "it's" in str(t))
    assert task["ansible.builtin.lineinfile"]["line"] == ["unsafe", "{% raw %} it's \\ & |"]
    assert task["become_user"] == "nobody"
    (task,) = (t for t in play_["tasks"] if "touch /never" in str(t))
    assert task["when"] == "root == ''"


def test_a_path_with_braces_is_a_path() -> None:
    text = book(Append("/etc/{{ lookup }}", "x"))
    assert "{{ root }}/etc/{{ '{{' }} lookup {{ '}}' }}" in text
