"""Cgroup limits in container configs: from cgroup v1 to cgroup2, or out of the way."""

from __future__ import annotations

from audit.facts.cglimits import Limit
from audit.facts.cgstart import TWINS
from audit.facts.lxcconf import lxcconf_path
from audit.host import Host
from audit.model import Fix, Unknown
from remediations import config
from remediations.actions import USER, Action, Manual, Replace
from remediations.quoting import word

SHIPPED = "/usr/share/lxc/config/userns.conf"  # it clears what common.conf says of devices
SAME = ("pids.max", "cpuset.cpus", "cpuset.mems")  # v1 files whose cgroup2 twin has their name
UNLIMITED = 2**63 - 4096  # what v1 shows for no limit


def rewrite(host: Host, limit: Limit) -> Fix:
    """The same limit for cgroup2; a comment where cgroup2 has none like it."""
    new = translated(limit)
    if new is None:
        return config.leave_out(host, limit.entry)
    title = f"write {limit.entry.key} for cgroup2"
    return config.rewrite(host, title, _change(limit, new), mechanism="cgroup2_keys")


def drop(host: Host, limit: Limit) -> Fix:
    """Do without a limit that cannot be: a person's choice, the container is another one then."""
    title = f"change {limit.entry.key} or take it out of the config"
    return Fix("drop_limit", title, (config.by_hand(host, (_change(limit),)),))


def without_devices(host: Host, limit: Limit) -> Fix:
    """Include what LXC ships for users' containers, which have no device controller."""
    try:
        there = host.stat(SHIPPED) is not None
    except Unknown:
        there = False
    if not there:
        return drop(host, limit)
    actions = config.append(host, f"lxc.include = {SHIPPED}")
    return Fix("include_userns", f"include {SHIPPED} at the end", actions)


def set_limit(host: Host, key: str, value: str) -> Fix:
    """Set a limit that the config lacks."""
    return Fix("set_limit", f"set {key} to {value}", config.append(host, f"{key} = {value}"))


def translated(limit: Limit) -> str | None:
    """The cgroup2 line of a v1 limit, None where there is none."""
    file, value = limit.file, limit.value.strip()
    if file in SAME:
        return f"lxc.cgroup2.{file} = {value}"
    if file not in TWINS or file == "memory.memsw.limit_in_bytes":  # that one counts memory too
        return None
    new = _value(file, value)
    return None if new is None else f"lxc.cgroup2.{TWINS[file]} = {new}"


def _value(file: str, value: str) -> str | None:
    """The kernel's and systemd's own ways from the scale of v1 to that of cgroup2."""
    if not value.removeprefix("-").isdecimal() or len(value) > 20:
        return value if file.startswith("memory.") else None
    number = int(value)
    if file.startswith("memory."):
        return "max" if number < 0 or number >= UNLIMITED else value
    if file == "cpu.cfs_quota_us":
        return "max" if number < 0 else value
    if file == "cpu.shares":  # 2 to 262144, and 1024 is 100
        return str(min(max(number * 100 // 1024, 1), 10000))
    return str(min(max(number * 100 // 500, 1), 10000))  # blkio.weight: 10 to 1000, and 500 is 100


def demand(host: Host, lacking: tuple[str, ...]) -> Fix:
    """Take controllers that the user lacks out of lxc.cgroup.use of lxc.conf(5)."""
    path = host.get(lxcconf_path)
    title = f"take {', '.join(lacking)} out of lxc.cgroup.use"
    by_hand = Manual((f"${{EDITOR:-vi}} {word(path)}",), USER)
    if config.rights(host, path) != USER:
        return Fix("cgroup_use", title, (by_hand,))
    actions: list[Action] = []
    number = 0
    while (line := config.raw_line(host, path, number + 1)) is not None:
        number += 1
        before, equals, value = line.partition("=")
        if before.strip(" \t") != "lxc.cgroup.use" or not equals:
            continue
        kept = [one for one in value.strip().split(",") if one and one not in lacking]
        new = f"{before}= {','.join(kept)}" if kept else f"# {line}"
        actions.append(Replace(path, number, line, new, theirs=True))
    return Fix("cgroup_use", title, tuple(actions) or (by_hand,))


def _change(limit: Limit, new: str = "") -> config.Change:
    return config.Change(limit.entry.file, limit.entry.line, limit.entry.text, new)
