"""What is on disk of a container, and which of its processes live."""

from __future__ import annotations

import os
from enum import StrEnum

from runner.processes import arguments, processes

MAX_CONFIG = 1 << 20


class State(StrEnum):
    """What lies at LXCPATH/NAME; only `complete` is a container."""

    ABSENT = "absent"
    PARTIAL = "partial"  # lxc-create is at it, or was killed: LXC never cleans that up itself
    STUB = "stub"  # a directory without a config, which lxc-create takes over when it is empty
    INCOMPLETE = "incomplete"  # a config, and nothing to boot
    COMPLETE = "complete"


def state(lxcpath: str, name: str) -> State:
    """Look at a container's directory as its owner. Raises OSError when it cannot be seen."""
    directory = os.path.join(lxcpath, name)
    if not os.path.lexists(directory):
        return State.ABSENT
    if os.path.lexists(os.path.join(directory, "partial")):
        return State.PARTIAL
    text = config_text(lxcpath, name)
    if text is None:
        return State.STUB
    rootfs = os.path.join(directory, "rootfs")
    if os.path.isdir(rootfs) and os.access(rootfs, os.R_OK) and not os.listdir(rootfs):
        return State.INCOMPLETE
    return State.COMPLETE


def config_text(lxcpath: str, name: str) -> str | None:
    """A container's own config, None when it has none."""
    try:
        with open(os.path.join(lxcpath, name, "config"), encoding="utf-8", errors="replace") as f:
            return f.read(MAX_CONFIG)
    except (FileNotFoundError, NotADirectoryError):
        return None


def creators(lxcpath: str, name: str) -> list[int]:
    """The pids of lxc-create's template for a container: both carry its path."""
    return called_with(f"--path={os.path.join(lxcpath, name)}")


def called_with(word: str) -> list[int]:
    """The pids of the processes that have a word on their command line, without our own."""
    pids = (one.pid for one in processes() if one.pid != os.getpid())
    return [pid for pid in pids if word in arguments(pid)]


def monitors(lxcpath: str, name: str) -> list[int]:
    """The pids of a container's monitor (`[lxc monitor] LXCPATH NAME`)."""
    wanted = f"[lxc monitor] {lxcpath} {name}"
    return [one.pid for one in processes() if arguments(one.pid)[:1] and _title(one.pid) == wanted]


def _title(pid: int) -> str:
    return " ".join(arguments(pid)).rstrip()
