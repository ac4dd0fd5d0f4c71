"""How a line of a container's mounts is changed so that it is in nobody's way."""

from __future__ import annotations

import re

from audit.facts.accounts import target
from audit.facts.mountentries import MountEntry
from audit.facts.paths import container_crosser, traversal, walk
from audit.host import Host
from audit.model import Fix, NotApplicable, Unknown
from remediations.access import traverse
from remediations.config import Change, by_hand, raw_line, rewrite

CREATE, OPTIONAL, RBIND = "create", "optional", "rbind"
OPEN, LEAVE_OUT = "open", "leave out"
# the four fields of an fstab line, behind `lxc.mount.entry =` where there is that
_LINE = re.compile(
    r"(\s*(?:lxc\.mount\.entry[ \t]*=[ \t]*)?[\"']?(?:[^ \t]+[ \t]+){3})([^ \t]+)(.*)", re.S
)


def correct(host: Host, one: MountEntry, way: str) -> Fix:
    """Have LXC make the target, bind what is mounted below too, or go on without the mount."""
    if way == OPEN:
        opened = _opened(host, one)
        if opened is not None:
            return opened
        way = OPTIONAL
    title = {
        CREATE: f"let LXC make {one.target}",
        OPTIONAL: f"start without {one.target} while {one.source} cannot be mounted there",
        RBIND: f"bind what is mounted below {one.source} too",
        LEAVE_OUT: f"leave the mount on {one.target} out",
    }.get(way, "correct the line, take it out, or add `optional` to its options")
    change = Change(one.file, one.line, one.text)
    if way == LEAVE_OUT:
        return rewrite(host, title, change)
    new = _with(raw_line(host, one.file, one.line), _options(host, one, way)) if way else None
    if new is None:
        return Fix("config_line", title, (by_hand(host, (change._replace(new=title),)),))
    return rewrite(host, title, change._replace(new=new))


def _opened(host: Host, one: MountEntry) -> Fix | None:
    """Let the container's root pass directories of the user's own, which a config may name; None
    where others stand in the way too.
    """
    try:
        crosser = host.get(container_crosser)
        if crosser is None:
            return None
        way = host.get(walk, one.source)
        parent = way.steps if way.missing or way.closed else way.steps[:-1]
        obstacles = traversal(host, parent[-1].path, crosser) if parent else ()
        uid = host.get(target).uid
    except (Unknown, NotApplicable):
        return None
    stats = [found.step.stat for found in obstacles]
    if not obstacles or any(stat is None or stat.uid != uid for stat in stats):
        return None
    return traverse(host, obstacles, crosser)


def _options(host: Host, one: MountEntry, way: str) -> tuple[str, ...]:
    if way == RBIND:
        return tuple("rbind" if word == "bind" else word for word in one.options)
    return (*one.options, f"create={_kind(host, one)}" if way == CREATE else way)


def _kind(host: Host, one: MountEntry) -> str:
    """What to make for it: a file for a bound file, else a directory."""
    try:
        found = host.stat(one.source) if one.is_bind and one.source.startswith("/") else None
    except Unknown:
        found = None
    return "dir" if found is None or found.kind == "directory" else "file"


def _with(raw: str | None, options: tuple[str, ...]) -> str | None:
    """A line as it stands with other options."""
    found = _LINE.fullmatch(raw or "")
    if found is None or "\r" in found[0].rstrip("\r"):
        return None
    return f"{found[1]}{','.join(options)}{found[3]}".strip()
