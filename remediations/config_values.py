"""What becomes of a line that LXC refuses, which makes it refuse the whole config."""

from __future__ import annotations

import re
from itertools import zip_longest

from audit.facts.config import Problem, container_config, key_of, problems
from audit.facts.configvalues import State, refusal
from audit.facts.idmap import KINDS, IdMap, is_granted, maps_of
from audit.facts.lxc import constants, lxc_version
from audit.facts.subids import BLOCK, ID_LIMIT
from audit.host import Host
from audit.model import Fix, NotApplicable, Unknown
from remediations.capabilities import only_keep
from remediations.config import Change, append, by_hand, rewrite
from remediations.idmap import chosen

# What confines or limits the container, and what it is made of: leaving such a line out would give
# another container than was asked for.
KEPT = (
    "lxc.apparmor",
    "lxc.cap",
    "lxc.cgroup",
    "lxc.keyring",
    "lxc.no_new_privs",
    "lxc.prlimit",
    "lxc.rootfs",
    "lxc.seccomp",
    "lxc.selinux",
)
_TYPED = re.compile(r"(lxc\.net\.[0-9]+)\.(veth|macvlan|ipvlan|vlan)\..*", re.DOTALL)
_TYPE = re.compile(r"lxc\.net\.[0-9]+\.type")
_BOTH = re.compile(r"b\s+([0-9]{1,10})\s+([0-9]{1,10})\s+([0-9]{1,10})")
_UNSPLIT = re.compile(r"(lxc\.[^\s=]+)[ \t:]+(\S.*)", re.DOTALL)


def correct(host: Host, one: Problem) -> Fix:
    """The line as it was meant where that can be told, else without it; by hand where that would
    loosen the container.
    """
    value = one.text.partition("=")[2].strip(" \t")
    if one.key == "lxc.idmap":
        return _idmap(host, one, value)
    if one.key == "lxc.mount.auto":
        kept = [word for word in value.split() if _is_taken(host, one.key, word)]
        new = f"{one.key} = {' '.join(kept)}" if kept else ""
        title = f"leave out of line {one.line} of {one.file} what LXC does not mount"
        return rewrite(host, title, Change(one.file, one.line, one.text, new))
    if one.key in ("lxc.cap.keep", "lxc.cap.drop") and one.why.endswith("exclusive"):
        return only_keep(host, one)
    if (typed := _TYPED.fullmatch(one.key)) is not None:
        return _behind_its_type(host, one, typed[1], typed[2])
    return leave_out(host, one)


def with_equals(host: Host, one: Problem) -> Fix:
    """`lxc.KEY VALUE` was meant to be `lxc.KEY = VALUE` where LXC takes that."""
    found = _UNSPLIT.fullmatch(one.text.rstrip(" \t"))
    if found is not None and _is_taken(host, found[1], found[2]):
        new = f"{found[1]} = {found[2]}"
        title = f"write line {one.line} of {one.file} as {new}"
        return rewrite(host, title, Change(one.file, one.line, one.text, new), shared=True)
    return leave_out(host, one)


def leave_out(host: Host, one: Problem) -> Fix:
    """Make a comment of the line; by hand where it would be missed."""
    change = Change(one.file, one.line, one.text)
    if one.text.startswith(KEPT) or _TYPE.match(one.text):
        title = f"correct line {one.line} of {one.file}"
        return Fix("config_line", title, (by_hand(host, (change,)),))
    return rewrite(host, f"take line {one.line} of {one.file} out", change)


def _is_taken(host: Host, name: str, value: str) -> bool:
    try:
        version = host.get(lxc_version)
        key = key_of(name, version)
        if key is None:
            return False
        return refusal(key, name, value, State(version, host.get(constants).without)) is None
    except (Unknown, NotApplicable):
        return False


def _idmap(host: Host, one: Problem, value: str) -> Fix:
    """In today's notation with the numbers that stand there, else with what has been granted."""
    change = Change(one.file, one.line, one.text)
    both = _BOTH.fullmatch(value)
    if both is not None and all(int(number) < ID_LIMIT for number in both.groups()):
        inside, outside, size = (int(number) for number in both.groups())
        if not _is_needed(host, outside, size):
            return rewrite(host, f"leave out line {one.line} of {one.file}", change)
        lines = [IdMap(kind, inside, outside, size).text for kind in KINDS.values()]
        title = f"map uids and gids each: {' and '.join(lines)}"
        # written twice, as if for uids and gids
        twice = [p for p in host.get(problems, "value") if (p.file, p.text) == (one.file, one.text)]
        changes = [
            Change(other.file, other.line, other.text, new)
            for other, new in zip_longest(twice or [one], lines[: len(twice) or 1], fillvalue="")
            if isinstance(other, Problem)
        ]
        after = append(host, lines[1]) if len(changes) == 1 else ()
        return rewrite(host, title, *changes, mechanism="idmap", after=after)
    kind = KINDS.get(value[:1])
    new = ""
    try:
        if kind is not None and not host.get(maps_of, kind):
            first = chosen(host, kind)
            new = "" if first is None else IdMap(kind, 0, first, BLOCK).text
    except (Unknown, NotApplicable):
        new = ""
    title = f"correct line {one.line} of {one.file}" + (f": {new}" if new else "")
    if not new and host.request.container is not None:
        return Fix("idmap", title, (by_hand(host, (change,)),))
    return rewrite(host, title, change._replace(new=new), mechanism="idmap")


def _is_needed(host: Host, first: int, size: int) -> bool:
    """Whether ids that both kinds would get are worth a line: nothing else maps any, or they are
    the user's.
    """
    try:
        return any(
            not host.get(maps_of, kind) or host.get(is_granted, kind, first, size)
            for kind in KINDS.values()
        )
    except (Unknown, NotApplicable):
        return True


def _behind_its_type(host: Host, one: Problem, interface: str, kind: str) -> Fix:
    """Have the first of them and the line with the type of their interface change places."""
    early = [
        other
        for other in host.get(problems, "value")
        if other.file == one.file and other.key.startswith(f"{interface}.{kind}.")
    ]
    one = min((one, *early), key=lambda other: other.line)
    for entry in host.get(container_config).entries:
        if entry.key == f"{interface}.type" and entry.file == one.file and entry.line > one.line:
            if entry.value != kind:
                break
            title = f"put the type of {interface} before what needs it"
            here = Change(one.file, one.line, one.text, entry.text)
            there = Change(entry.file, entry.line, entry.text, one.text)
            return rewrite(host, title, here, there)
    return leave_out(host, one)
