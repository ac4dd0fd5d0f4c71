"""What is mounted where: proc_pid_mountinfo(5), and for a directory tree, which nothing is mounted
in, fstab(5).
"""

from __future__ import annotations

import re

from audit.host import Host
from audit.model import Unknown
from audit.records import NamedTuple

MOUNTINFO = "/proc/self/mountinfo"


class Mount(NamedTuple):
    """One mounted file system. `options` joins those of the mount and those of the file system
    (`super`).
    """

    ident: int
    parent: int
    point: str
    fstype: str
    source: str
    flags: frozenset[str]  # of this mount: ro, nosuid, nodev, noexec, idmapped
    options: frozenset[str]  # of the file system
    root: str = "/"
    line: int = 0
    device: str = ""  # major:minor
    propagation: tuple[str, ...] = ()

    @property
    def is_read_only(self) -> bool:
        return "ro" in self.flags or "ro" in self.options


def unescape(text: str) -> str:
    """Undo the octal escapes of mountinfo and fstab: `\\040` is a blank."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8) & 0xFF), text)


def parse_mountinfo(text: str) -> tuple[Mount, ...]:
    """Every line of mountinfo that has the fields proc_pid_mountinfo(5) promises, in its order."""
    found: list[Mount] = []
    for number, line in enumerate(text.split("\n"), 1):
        before, dash, after = line.partition(" - ")
        fields, tail = before.split(" "), after.split(" ")
        if not dash or len(fields) < 6 or len(tail) < 3:
            continue
        if not (fields[0].isdecimal() and fields[1].isdecimal()):
            continue
        found.append(
            Mount(
                int(fields[0]),
                int(fields[1]),
                unescape(fields[4]),
                tail[0],
                unescape(tail[1]),
                frozenset(fields[5].split(",")),
                frozenset(tail[2].split(",")),
                unescape(fields[3]),
                number,
                fields[2],
                tuple(fields[6:]),
            )
        )
    return tuple(found)


def parse_fstab(text: str) -> tuple[Mount, ...]:
    """The lines of fstab that mount(8) -a would mount, parents before children as far as their
    order says.
    """
    found: list[Mount] = []
    for number, line in enumerate(text.split("\n"), 1):
        fields = line.split()
        if len(fields) < 3 or fields[0].startswith("#") or not fields[1].startswith("/"):
            continue
        options = frozenset((fields[3] if len(fields) > 3 else "defaults").split(","))
        if "noauto" in options:
            continue
        found.append(
            Mount(
                number,
                0,
                unescape(fields[1]).rstrip("/") or "/",
                fields[2],
                unescape(fields[0]),
                options,
                frozenset(),
                "/",
                number,
            )
        )
    return tuple(found)


def mounts(host: Host) -> tuple[Mount, ...]:
    """What is mounted; of a directory tree, what its /etc/fstab will mount at the next boot."""
    if host.source.kind == "root":
        return parse_fstab(host.read("/etc/fstab") or "")
    text = host.read(MOUNTINFO)
    if text is None:
        raise Unknown("/proc is not mounted here: there is no list of mounts")
    return parse_mountinfo(text)


# PROC_PID_INIT_INO of include/linux/proc_ns.h: elsewhere process 1 need not be the init of a host
FIRST_PID_NAMESPACE = "pid:[4026531836]"


def has_root_of_init(host: Host) -> bool:
    """Whether the session's `/` is the mount that is the `/` of the host's init."""
    if host.link("/proc/self/ns/pid") != FIRST_PID_NAMESPACE:
        return False
    tables = (host.get(mounts), parse_mountinfo(host.read("/proc/1/mountinfo") or ""))
    own, init = ([one.ident for one in table if one.point == "/"] for table in tables)
    return bool(own) and own == init


def mounts_file(host: Host) -> str:
    """The file that `mounts` was read from, for evidence."""
    return "/etc/fstab" if host.source.kind == "root" else MOUNTINFO


def _children(host: Host) -> dict[tuple[int, str], Mount]:
    # Several mounts on one point of one parent cannot be: the next one's parent is the one below
    # it.
    return {(mount.parent, mount.point): mount for mount in host.get(mounts)}


def mount_of(host: Host, path: str) -> Mount | None:
    """The mount that holds an absolute path without symlinks, existing or not; None when the table
    has none.

    It walks as the kernel does: into whatever is mounted on each component, so that a mount that
    covers others hides them.
    """
    table = host.get(mounts)
    if host.source.kind == "root":
        holding = [m for m in table if _is_below(path, m.point)]
        return max(holding, key=lambda m: (len(m.point), m.line), default=None)
    children = host.get(_children)
    idents = {mount.ident for mount in table}
    here = next((m for m in table if m.point == "/" and m.parent not in idents), None)
    for prefix in _prefixes(path):
        while here is not None and (upper := children.get((here.ident, prefix))) is not None:
            if upper is here:
                break
            here = upper
    return here


def _prefixes(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part]
    return ["/", *("/" + "/".join(parts[: end + 1]) for end in range(len(parts)))]


def _is_below(path: str, point: str) -> bool:
    return point == "/" or path == point or path.startswith(point + "/")
