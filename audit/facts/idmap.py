"""The id maps that liblxc writes for a container of the target user, and who lets them pass.

Source: LXC src/lxc/conf.c (lxc_map_ids, userns_exec_mapped_root, get_mapped_rootid),
src/lxc/lxccontainer.c (create_run_template); shadow src/newuidmap.c (verify_range),
src/newgidmap.c; kernel kernel/user_namespace.c.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from audit.access import Credentials
from audit.facts.accounts import target
from audit.facts.config import container_config
from audit.facts.configsyntax import idmap, number
from audit.facts.executables import satisfies_liblxc, which
from audit.facts.lxc import lxc_version
from audit.facts.session import session_gid
from audit.facts.subids import ID_LIMIT, Range, covers, granted, meant, merge, unusable
from audit.host import Host
from audit.model import Unknown
from audit.records import NamedTuple

KINDS = {"u": "uid", "g": "gid"}
HELPERS = {"uid": "newuidmap", "gid": "newgidmap"}
WRITES_HOST_ROOT_DIRECTLY = (4, 0, 10)  # LXC 86c780115


class IdMap(NamedTuple):
    """One `lxc.idmap` line: `size` ids from `inside` in the container are `outside`... on the
    host.
    """

    kind: str  # "uid" or "gid"
    inside: int
    outside: int
    size: int
    file: str = ""
    line: int = 0

    @property
    def text(self) -> str:
        return f"lxc.idmap = {self.kind[0]} {self.inside} {self.outside} {self.size}"

    @property
    def last(self) -> int:
        """The last host id."""
        return self.outside + self.size - 1


def idmaps(host: Host) -> tuple[IdMap, ...]:
    """The id maps of the container config, in its order; lines that liblxc refuses are left out."""
    found: list[IdMap] = []
    for entry in host.get(container_config).all("lxc.idmap"):
        if parsed := idmap(entry.value):
            letter, inside, outside, size = parsed
            found.append(IdMap(KINDS[letter], inside, outside, size, entry.file, entry.line))
    return tuple(found)


def maps_of(host: Host, kind: str) -> tuple[IdMap, ...]:
    """The lines for uids or for gids."""
    return tuple(one for one in host.get(idmaps) if one.kind == kind)


def root_id(host: Host, kind: str) -> int | None:
    """The host's uid or gid of the container's root, None when no line maps it.

    When no line starts at 0 liblxc looks for one that starts at lxc.init.uid (or lxc.init.gid).
    """
    maps = host.get(maps_of, kind)
    wanted = 0
    if not any(one.inside == 0 for one in maps):
        wanted = number(host.get(container_config).get(f"lxc.init.{kind}") or "0", ID_LIMIT) or 0
    return next((one.outside for one in maps if one.inside == wanted), None)


def container_root(host: Host) -> Credentials | None:
    """What the container's root is on the host: its uid and gid, in no other group. None when it
    is not mapped.
    """
    uid, gid = host.get(root_id, "uid"), host.get(root_id, "gid")
    return None if uid is None or gid is None else Credentials(uid, gid)


def own_id(host: Host, kind: str) -> int:
    """The uid or gid of the process that runs LXC."""
    return host.get(target).uid if kind == "uid" else host.get(session_gid)


def maps_host_root(host: Host) -> bool:
    """Whether a line maps the host's uid 0. liblxc then writes the map itself, without the
    helpers.
    """
    return any(one.outside <= 0 < one.outside + one.size for one in host.get(maps_of, "uid"))


def writes_directly(host: Host) -> bool:
    """Whether liblxc writes the full map itself instead of running newuidmap and newgidmap."""
    if host.get(maps_host_root) and host.get(lxc_version) >= WRITES_HOST_ROOT_DIRECTLY:
        return True
    helpers = [host.get(which, name) for name in HELPERS.values()]
    return not all(one is not None and satisfies_liblxc(one) for one in helpers)


def needs_no_helper(host: Host) -> bool:
    """Whether the kernel lets LXC write these maps without a privileged helper.

    For root, and for a container whose root is the user itself with nothing else mapped
    (user_namespaces(7)).
    """
    if host.get(target).uid == 0:
        return True
    return all(
        len(maps := host.get(maps_of, kind)) == 1
        and maps[0].size == 1
        and maps[0].outside == host.get(own_id, kind)
        and maps[0].inside == 0
        for kind in HELPERS
    )


def is_granted(host: Host, kind: str, start: int, size: int) -> bool:
    """Whether newuidmap or newgidmap maps start..start+size-1 for the user: subordinate ids, or
    its own single id.
    """
    if size == 1 and start == host.get(own_id, kind):
        return True
    return covers(host.get(granted, kind), start, size)


def refused(host: Host) -> tuple[IdMap, ...]:
    """The lines that newuidmap or newgidmap will not map for the user."""
    return tuple(
        one for one in host.get(idmaps) if not host.get(is_granted, one.kind, one.outside, one.size)
    )


class Obstacle(StrEnum):
    """Why the user's maps of one kind are refused: the one cause, nearest to the root."""

    NONE = ""
    FILE = "file"  # /etc/subuid (or subgid) cannot be used at all
    SYNTAX = "syntax"  # the user's line is there, and shadow skips it or reads other numbers
    ENTRY = "entry"  # nothing is granted to the user
    RANGE = "range"  # something is granted, but not what the config asks for


def obstacle(host: Host, kind: str) -> Obstacle:
    """What newuidmap ("uid") or newgidmap ("gid") would stumble over. Without maps in the config:
    over any map.
    """
    if host.get(unusable, kind):
        return Obstacle.FILE
    maps = host.get(maps_of, kind)
    ranges = host.get(granted, kind)
    if all(host.get(is_granted, kind, one.outside, one.size) for one in maps) and (maps or ranges):
        return Obstacle.NONE
    readable = merge((*ranges, *(span for _, span in host.get(meant, kind))))
    if readable != ranges and all(covers(readable, one.outside, one.size) for one in maps):
        return Obstacle.SYNTAX
    return Obstacle.RANGE if ranges else Obstacle.ENTRY


def overlaps(maps: Sequence[IdMap]) -> tuple[tuple[str, IdMap, IdMap], ...]:
    """Lines that share ids, with the side they share: ("container" or "host", one, the other)."""
    found: list[tuple[str, IdMap, IdMap]] = []
    for side in ("container", "host"):
        widest: IdMap | None = None
        for one in sorted(maps, key=lambda one: (_start(one, side), one.size)):
            if widest is not None and _start(one, side) < _end(widest, side):
                found.append((side, widest, one))
            if widest is None or _end(one, side) > _end(widest, side):
                widest = one
    return tuple(found)


def _start(one: IdMap, side: str) -> int:
    return one.inside if side == "container" else one.outside


def _end(one: IdMap, side: str) -> int:
    return _start(one, side) + one.size


def delegated(host: Host, kind: str) -> tuple[Range, ...]:
    """The ids that this user namespace has, one range per line of /proc/self/{uid,gid}_map, as
    they are numbered here.

    The kernel wants each line of a new map within a single line of its parent's.
    """
    path = f"/proc/self/{kind}_map"
    text = host.read(path)
    if text is None:
        raise Unknown(
            f"{path} is not there: /proc is not mounted, or the kernel has no user namespaces"
        )
    ranges: list[Range] = []
    for line in text.splitlines():
        words = line.split()
        if len(words) != 3 or not all(word.isdecimal() for word in words):
            raise Unknown(f"{path} is not a list of id ranges")
        inside, size = int(words[0]), int(words[2])
        ranges.append((inside, inside + size - 1))
    return tuple(ranges)


def is_nested(host: Host) -> bool:
    """Whether the audit itself runs inside a user namespace that does not have every id."""
    return any(host.get(delegated, kind) != ((0, ID_LIMIT - 1),) for kind in HELPERS)
