"""Lines of lxc-usernet, which root reads: who may have how many interfaces on which bridge.

The names of bridges come from the user's config. What is not plainly a name is written into no
file of root's.
"""

from __future__ import annotations

import re

from audit.facts.links import in_sysfs
from audit.facts.nics import Nic, veths
from audit.facts.usernet import Allotment, caller_name, data_base, entries, paths
from audit.host import Host
from audit.model import Fix, Unknown
from remediations.actions import Append, Manual, Plain, Replace

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}")  # of an interface
_NUMBER = re.compile(r"([^ \t]+[ \t]+[^ \t]+[ \t]+[^ \t]+[ \t]+)[+-]?[0-9]+(.*)", re.DOTALL)


def allow(host: Host, bridge: str) -> Fix:
    """Let the user have as many interfaces on a bridge as the config asks for, by one more line."""
    name = host.get(caller_name)
    path = host.get(paths).usernet
    quota = _held(host, name) + _position(host.get(veths), bridge)
    line = f"{name} veth {bridge} {quota}"
    title = f"allow {name} {_interfaces(quota)} on {bridge}"
    if not _is_plain(name, bridge):
        return Fix("usernet", title, (Manual((f"# {bridge!r} is no name for {path}",), "root"),))
    return Fix("usernet", title, (Append(path, line),))


def anew(host: Host) -> Fix:
    """A file in the place of what is none."""
    found = allow(host, host.get(veths)[0].bridge)
    files = (
        Plain(one.path, f"{one.line}\n") if isinstance(one, Append) else one
        for one in found.actions
    )
    return found._replace(actions=tuple(files))


def widen(host: Host, line: Allotment, quota: int) -> Fix:
    """Raise the number of a line."""
    path = host.get(paths).usernet
    title = f"allow {line.name} {_interfaces(quota)} on {line.bridge}"
    parts = _NUMBER.fullmatch(line.text)
    if parts is None or "\0" in line.text:
        wanted = f"# line {line.line} of {path}: {line.name} veth {line.bridge} {quota}"
        return Fix("usernet", title, (Manual((wanted,), "root"),))
    new = f"{parts[1]}{quota}{parts[2]}"
    return Fix("usernet", title, (Replace(path, line.line, line.text, new),))


def comment_out(host: Host, line: Allotment) -> Fix:
    """Take a line out of force without losing it."""
    path = host.get(paths).usernet
    title = f"comment out line {line.line} of {path}"
    if "\0" in line.text:
        return Fix("usernet", title, (Manual((f"# {title}",), "root"),))
    return Fix("usernet", title, (Replace(path, line.line, line.text, f"#{line.text}"),))


def needed_for(nics: tuple[Nic, ...], bridge: str, first: int) -> int:
    """How many more than it has the caller needs for the networks on a bridge from `first` on:
    what is counted are its interfaces on whatever bridge.
    """
    places = [number for number, nic in enumerate(nics) if nic.bridge == bridge and number >= first]
    return max(places, default=first) - first + 1


def _position(nics: tuple[Nic, ...], bridge: str) -> int:
    return needed_for(nics, bridge, 0)


def _held(host: Host, name: str) -> int:
    """How many interfaces the user has now, as far as that can be seen."""
    try:
        data = host.get(data_base)
        alive = host.get(in_sysfs)
    except Unknown:
        return 0
    mine = name.encode("utf-8", "surrogateescape")
    found = [one for one in entries(data) if one.owner == mine]
    return sum(one.nic.decode("utf-8", "surrogateescape") in alive for one in found)


def _is_plain(name: str, bridge: str) -> bool:
    return bool(NAME.fullmatch(bridge)) and not re.search(r"[\s#\0]", name)


def _interfaces(number: int) -> str:
    return f"{number} interface{'s' if number > 1 else ''}"
