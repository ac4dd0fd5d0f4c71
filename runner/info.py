"""What a running container tells: its state, its init, its addresses, its memory."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress

from audit.records import NamedTuple
from runner.cleanup import lxc
from runner.errors import Failed
from runner.processes import process

RUNNING, STOPPED = "RUNNING", "STOPPED"
_LINE = re.compile(r"^(\w[\w ]*): +(\S.*)$", re.MULTILINE)


class Info(NamedTuple):
    """lxc-info(1) of one container. `pid` is 0 while it does not run."""

    state: str
    pid: int = 0
    addresses: tuple[str, ...] = ()


def info(name: str, *, addresses: bool = False) -> Info:
    """Ask lxc-info. Raises Failed when there is no such container, or it cannot be asked."""
    wanted = ["-s", "-p", "-i"] if addresses else ["-s", "-p"]
    done = lxc("lxc-info", "-n", name, *wanted)
    found = _LINE.findall(done.said)
    said = dict(found)
    if done.code or "State" not in said:
        raise Failed(f"lxc-info tells nothing of {name}", done.said)
    pid = said.get("PID", "")
    where = tuple(value for key, value in found if key == "IP")
    return Info(said["State"], int(pid) if pid.isdecimal() else 0, where)


def init_name(pid: int) -> str:
    """The name of a process (comm), empty when it has ended."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def cgroups(pid: int) -> dict[str, str]:
    """Controllers ("" for cgroup2) -> the cgroup of a process."""
    found: dict[str, str] = {}
    with suppress(OSError), open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
        for line in file:
            _, controllers, path = line.rstrip("\n").split(":", 2)
            found[controllers] = path
    return found


def memory(pid: int) -> int | None:
    """The bytes that a container uses, None when it has no cgroup of its own that counts them."""
    for controllers, path in cgroups(pid).items():
        if "lxc.payload" not in path:
            continue
        head, _, rest = path.partition("lxc.payload")
        own = f"{head}lxc.payload{rest.partition('/')[0]}"
        for place, file in (
            (f"/sys/fs/cgroup{own}", "memory.current"),
            (f"/sys/fs/cgroup/unified{own}", "memory.current"),
            (f"/sys/fs/cgroup/memory{own}", "memory.usage_in_bytes"),
        ):
            if ("memory.current" in file) == (controllers == ""):
                with suppress(OSError, ValueError), open(f"{place}/{file}", encoding="ascii") as f:
                    return int(f.read())
    return None


def age(pid: int) -> float | None:
    """The seconds since a process started, None when it has ended."""
    found = process(pid)
    if found is None:
        return None
    return max(
        time.clock_gettime(time.CLOCK_BOOTTIME) - found.started / os.sysconf("SC_CLK_TCK"), 0
    )
