"""The host as it would be: what it says beforehand is what the real script then makes true."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.imagined import Imagined
from audit.model import Unknown
from audit.source import Source
from audit.testing import WHO
from audit.tree import Tree as TreeSource
from remediations.actions import Action, Install, Run, Setting
from tests.remediations.scripts import script_for
from tests.remediations.test_library import EVERY, tree_of

OWNER = (1001, 1001)
PATHS = (
    *("/etc", "/etc/subuid", "/etc/subgid", "/etc/new", "/etc/a", "/etc/a/b", "/etc/a/b/c.conf"),
    *("/etc/nologin", "/etc/link", "/home/lxc", "/home/lxc/.local", "/home/lxc/.config/lxc"),
    *("/home/lxc/.config/lxc/default.conf", "/home/lxc/mine", "/home/lxc/roots", "/home/lxc/new"),
    *("/usr/bin/tool", "/srv", "/srv/a", "/srv/a/b", "/etc/passwd"),
)
QUESTIONS = [
    *(("read", path) for path in PATHS),
    *(("user_read", path, WHO) for path in PATHS),
    *(("stat", path) for path in PATHS),
    *(("lstat", path) for path in PATHS),
    *(("list", path) for path in PATHS),
    *(("user_list", path, WHO) for path in PATHS),
    *(("real", path) for path in PATHS),
    *(("xattr", path, "system.posix_acl_access") for path in PATHS),
    *(("xattr", path, "security.capability") for path in PATHS),
]


def said(source: Source, question: tuple[str, ...]) -> Any:
    """The answer without what nobody judges: sizes and devices."""
    answer = source.ask(*question)
    return answer[:4] if question[0] in ("stat", "lstat") and isinstance(answer, list) else answer


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root: files of several owners")
@pytest.mark.parametrize("actions", EVERY, ids=lambda actions: type(actions[0]).__name__)
def test_it_comes_true(tmp_path: Path, actions: tuple[Action, ...]) -> None:
    tree = tree_of(tmp_path)
    before = TreeSource(str(tree.place))
    imagined = Imagined(before, actions, OWNER)
    forecast: dict[tuple[str, ...], Any] = {}
    for question in QUESTIONS:
        try:
            forecast[question] = said(imagined, question)
        except Unknown as why:
            forecast[question] = why
    assert tree.run(script_for(*actions)).returncode == 0
    after = TreeSource(str(tree.place))
    wrong = {}
    unknown = 0
    for question, expected in forecast.items():
        if isinstance(expected, Unknown):
            unknown += 1
            continue
        try:
            real = said(after, question)
        except Unknown as why:
            real = str(why)
        if real != expected:
            wrong[question] = (expected, real)
    assert not wrong
    assert unknown < len(QUESTIONS) / 3, "it knows next to nothing"


class Plain:
    """A source with one answer to everything."""

    kind = "live"

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def ask(self, verb: str, *args: str) -> Any:
        return self.answer


def unknown(look: Callable[[], object]) -> bool:
    try:
        look()
    except Unknown:
        return True
    return False


def test_what_packages_bring_is_not_known_and_what_is_there_stays() -> None:
    packages = (Install("debian", ("lxc",)),)
    assert unknown(lambda: Imagined(Plain(None), packages, None).ask("stat", "/usr/bin/lxc-create"))
    assert unknown(lambda: Imagined(Plain("5.0"), packages, None).ask("package", "lxc"))
    there = ["file", 0o755, 0, 0, 1, 8, 1]
    assert Imagined(Plain(there), packages, None).ask("stat", "/usr/bin/lxc-create") == there


def test_a_command_makes_unknown_what_it_is_said_to_change() -> None:
    imagined = Imagined(Plain("x"), (Run("grub", keeping=("/boot/grub/grub.cfg",)),), None)
    assert unknown(lambda: imagined.ask("read", "/boot/grub/grub.cfg"))
    assert imagined.ask("read", "/boot/other") == "x"


def test_a_place_that_a_command_makes_is_unknown_with_all_below_it() -> None:
    command = Run("cgconfigparser -l /etc/cgconfig.conf", alters=("/sys/fs/cgroup/lxc",))
    imagined = Imagined(Plain("x"), (command,), None)
    for path in ("/sys/fs/cgroup/lxc", "/sys/fs/cgroup/lxc/login/cgroup.procs"):
        assert unknown(lambda path=path: imagined.ask("read", path))  # type: ignore[misc]
    assert imagined.ask("read", "/sys/fs/cgroup/lxc2") == "x"


def test_a_setting_is_what_it_is_set_to() -> None:
    imagined = Imagined(Plain("0\n"), (Setting("/proc/sys/a/b", "1"),), None)
    assert imagined.ask("read", "/proc/sys/a/b") == "1\n"
    assert imagined.ask("read", "/proc/sys/a/c") == "0\n"


def test_commands_that_look_at_the_real_host_say_nothing_about_the_imagined_one() -> None:
    imagined = Imagined(Plain("x"), (Setting("/proc/sys/a/b", "1"),), None)
    for verb in ("run", "probe", "getent", "subids"):
        assert unknown(lambda verb=verb: imagined.ask(verb, "x"))  # type: ignore[misc]
