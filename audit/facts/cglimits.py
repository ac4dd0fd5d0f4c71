"""The cgroup limits that a container config asks for: lxc.cgroup2.* and lxc.cgroup.*.

Source: LXC src/lxc/confile.c (__set_config_cgroup_controller); for the values kernel lib/cmdline.c
(memparse), mm/page_counter.c, kernel/cgroup/pids.c and kernel/sched/core.c.
"""

from __future__ import annotations

import re

from audit.facts.config import Entry, container_config
from audit.host import Host
from audit.records import NamedTuple

# lxc.cgroup.* that say where the container's cgroup is, not what it may use (confile.c)
PLACES = ("dir", "relative", "use", "pattern")

_MEMORY = re.compile(r"(0[xX][0-9a-fA-F]{1,15}|\d{1,19})[kKmMgGtTpPeE]?", re.ASCII)
_WHOLE = re.compile(r"\d{1,18}", re.ASCII)
_QUOTA = re.compile(r"(max|\d{1,18})([ \t]+\d{1,18})?", re.ASCII)


class Limit(NamedTuple):
    """One limit: the file that liblxc will write and what it will write."""

    unified: bool  # lxc.cgroup2.* and not lxc.cgroup.*
    file: str  # memory.max
    value: str
    entry: Entry

    @property
    def controller(self) -> str:
        return self.file.partition(".")[0]

    @property
    def is_device(self) -> bool:
        """liblxc takes every key that begins so for the device controller (strnequal(..., 7))."""
        return self.file.startswith("devices")

    @property
    def is_core(self) -> bool:
        """A file that every cgroup2 has, whatever its controllers: cgroup.max.descendants..."""
        return self.controller == "cgroup" or self.file.endswith(".pressure")


def cgroup_limits(host: Host) -> tuple[Limit, ...]:
    """The limits of the config at hand; those that an empty value cleared are left out."""
    config = host.get(container_config)
    found: list[Limit] = []
    for prefix, unified in (("lxc.cgroup2.", True), ("lxc.cgroup.", False)):
        for entry in config.below(prefix):
            file = entry.key.removeprefix(prefix)
            if unified or file.partition(".")[0] not in PLACES:
                found.append(Limit(unified, file, entry.value, entry))
    return tuple(found)


def refused_value(limit: Limit) -> str:
    """Why the kernel answers EINVAL to a value; empty when it takes it, or when that is not known
    here.
    """
    value = limit.value.strip()
    name = limit.file
    if name in ("memory.max", "memory.high", "memory.min", "memory.low", "memory.swap.max"):
        good = value == "max" or _MEMORY.fullmatch(value) is not None
        return "" if good else "neither a number of bytes nor max"
    if name == "pids.max":
        good = value == "max" or _WHOLE.fullmatch(value) is not None
        return "" if good else "neither a number nor max"
    if name == "cpu.weight":
        good = _WHOLE.fullmatch(value) is not None and 1 <= int(value) <= 10000
        return "" if good else "not a number from 1 to 10000"
    if name == "cpu.max":
        return "" if _QUOTA.fullmatch(value) else "not `QUOTA [PERIOD]` in microseconds"
    return ""
