"""The running kernel: its release and its command line."""

from __future__ import annotations

import re
from typing import cast

from audit.host import Host
from audit.model import Unknown

MODULE_TREES = ("/lib/modules", "/usr/lib/modules")


def release_text(host: Host) -> str:
    """The kernel release as uname(2) gives it, e.g. `6.1.0-18-amd64`.

    A directory tree has no running kernel; where exactly one kernel is installed there, that is the
    one it will boot. Raises Unknown otherwise."""
    try:
        return cast("list[str]", host.ask("uname"))[2]
    except Unknown:
        if host.source.kind != "root":
            raise
        installed = {name for tree in MODULE_TREES for name in host.list(tree) or ()}
        if len(installed) != 1:
            raise
        return installed.pop()


def release(host: Host) -> tuple[int, ...]:
    """The numbers at the head of the release, to compare: `6.1.0-18-amd64` is (6, 1, 0)."""
    text = host.get(release_text)
    match = re.match(r"[0-9]+(?:\.[0-9]+)*", text)
    if match is None:
        raise Unknown(f"kernel release {text!r} does not start with a number")
    return tuple(int(number) for number in match.group().split("."))


def cmdline(host: Host) -> tuple[str, ...]:
    """The words of the kernel command line, as the kernel splits them (double quotes keep blanks
    together).

    What follows ` -- ` is for init and not for the kernel. Raises Unknown where /proc cannot be
    looked at."""
    text = host.read("/proc/cmdline")
    if text is None:
        raise Unknown("/proc/cmdline is not there: /proc is not mounted")
    words = tuple(split_cmdline(text))
    return words[: words.index("--")] if "--" in words else words


DISABLED, ENABLED = "cgroup_disable=", "cgroup_enable="


def disabled_controllers(host: Host) -> dict[str, tuple[str, ...]]:
    """The words of the command line that take cgroup controllers away -> those that are gone.

    cgroup_enable= gives one back, wherever it stands: the Raspberry Pi's kernel knows it.
    """
    words = host.get(cmdline)
    given = {name for word in words if word.startswith(ENABLED) for name in _names(word)}
    found = {word: _names(word) for word in words if word.startswith(DISABLED)}
    return {
        word: gone
        for word, names in found.items()
        if (gone := tuple(name for name in names if name not in given))
    }


def _names(word: str) -> tuple[str, ...]:
    return tuple(word.partition("=")[2].split(","))


def split_cmdline(text: str) -> list[str]:
    """Words of a command line, quotes removed (kernel lib/cmdline.c, next_arg)."""
    words = re.findall(r'(?:[^\s"]|"[^"]*"?)+', text)
    return [word.replace('"', "") for word in words]
