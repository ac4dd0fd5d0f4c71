"""The cgroups that lxc-start would find itself in, seen as liblxc sees them.

liblxc (src/lxc/cgroups/cgfsng.c, __initialize_cgroups) reads /proc/self/cgroup, looks each
hierarchy up below /sys/fs/cgroup, and uses those that the caller may write. The same walk is done
here with the credentials of the session that LXC will run in. A next login has no /proc/self/cgroup
yet: audit/facts/seats.py predicts its lines.
"""

from __future__ import annotations

from audit.access import may
from audit.facts.mounts import Mount, mount_of, mounts
from audit.facts.session import is_mine, session_credentials
from audit.host import Host
from audit.model import Unknown
from audit.records import NamedTuple

ROOT = "/sys/fs/cgroup"
PROC = "/proc/self/cgroup"
UNIFIED, HYBRID, LEGACY, UNMOUNTED = "unified", "hybrid", "legacy", "none"

# Controllers whose work may be shared between threads; the others are of whole processes ("domain"
# controllers). Kernel: `.threaded = true` in kernel/cgroup/{pids,cpuset}.c, kernel/sched/core.c,
# kernel/events/core.c
THREADED = frozenset({"cpu", "cpuset", "pids", "perf_event"})

# What /sys/kernel/cgroup/delegate listed before it existed (4.15); liblxc's own default.
DELEGATE_FILES = ("cgroup.procs", "cgroup.threads", "cgroup.subtree_control", "memory.oom.group")


class Membership(NamedTuple):
    """One line of /proc/PID/cgroup (cgroups(7)). `controllers` is the text between the colons: ``
    for cgroup2.
    """

    hierarchy: int
    controllers: str
    cgroup: str
    line: int

    @property
    def is_unified(self) -> bool:
        return self.hierarchy == 0 and not self.controllers


class Hierarchy(NamedTuple):
    """One mounted hierarchy and the place of a process in it, as far as liblxc cares.

    `obstacle` is the file that the user may not write, empty when the cgroup is the user's own.
    `busy` says that other processes than lxc-start itself are in the cgroup: the kernel's "no
    internal processes" rule then keeps controllers from being handed down.
    """

    name: (
        str  # "" for cgroup2, else as in /proc/self/cgroup: "memory", "cpu,cpuacct", "name=systemd"
    )
    directory: str  # of the cgroup, below /sys/fs/cgroup
    controllers: tuple[str, ...]
    obstacle: str = ""
    busy: bool = True
    may_create: bool = True  # may make children, which liblxc takes for granted
    may_move: bool = True  # may write cgroup.procs, which liblxc takes for granted

    @property
    def is_unified(self) -> bool:
        return not self.name

    @property
    def writable(self) -> bool:
        return not self.obstacle


def parse_memberships(text: str) -> tuple[Membership, ...]:
    """The lines of /proc/PID/cgroup; a line that is none is skipped."""
    found: list[Membership] = []
    for number, line in enumerate(text.split("\n"), 1):
        ident, first, rest = line.partition(":")
        controllers, second, path = rest.partition(":")
        if first and second and ident.isdecimal() and ident.isascii() and path.startswith("/"):
            found.append(Membership(int(ident[:9]), controllers, path, number))
    return tuple(found)


def process_memberships(host: Host) -> tuple[Membership, ...]:
    """The cgroups of the asking process; empty on a kernel without any cgroup hierarchy."""
    text = host.read(PROC)
    return () if text is None else parse_memberships(text)


def session_cgroups(host: Host) -> tuple[Membership, ...] | None:
    """The cgroups of the user's session; None at a next login, which is not there yet."""
    return host.get(process_memberships) if host.get(is_mine) else None


def cgroup_mounts(host: Host) -> tuple[Mount, ...]:
    """The cgroup file systems that are mounted at or below /sys/fs/cgroup and can be seen there."""
    return tuple(
        mount
        for mount in host.get(mounts)
        if mount.fstype in ("cgroup", "cgroup2")
        and (mount.point == ROOT or mount.point.startswith(ROOT + "/"))
        and host.get(mount_of, mount.point) == mount
    )


def cgroup_layout(host: Host) -> str:
    """unified (cgroup2 on /sys/fs/cgroup), hybrid (v1 controllers, cgroup2 beside), legacy (v1
    only) or none.

    Raises Unknown for a directory tree, where nothing is mounted.
    """
    if host.source.kind == "root":
        raise Unknown("a directory tree has no mounted cgroups")
    found = host.get(cgroup_mounts)
    if any(mount.point == ROOT and mount.fstype == "cgroup2" for mount in found):
        return UNIFIED
    if any(mount.fstype == "cgroup" for mount in found):
        return HYBRID if any(mount.fstype == "cgroup2" for mount in found) else LEGACY
    return HYBRID if found else UNMOUNTED


def stable_order(controllers: str) -> str:
    """The directory that liblxc looks a v1 hierarchy up in (cgfsng.c, stable_order)."""
    swapped = {"cpuacct,cpu": "cpu,cpuacct", "net_prio,net_cls": "net_cls,net_prio"}
    return swapped.get(controllers, controllers.removeprefix("name="))


def mount_point(host: Host, membership: Membership) -> str | None:
    """Where liblxc finds a hierarchy; None when it is not mounted there and thus passed over."""
    if membership.is_unified:
        places: tuple[str, ...] = (ROOT, f"{ROOT}/unified")
        fstype = "cgroup2"
    else:
        places, fstype = (f"{ROOT}/{stable_order(membership.controllers)}",), "cgroup"
    for place in places:
        mount = host.get(mount_of, place)
        if mount is not None and mount.point == place and mount.fstype == fstype:
            return place
    return None


def place_of(host: Host, membership: Membership) -> str | None:
    """The directory of a cgroup; None when its hierarchy is not mounted or the cgroup is outside of
    what is.
    """
    point = host.get(mount_point, membership)
    if point is None:
        return None
    # liblxc cuts a trailing init.scope off: prune_init_scope() in cgroup_utils.c
    path = membership.cgroup.removesuffix("/init.scope")
    directory = point + path.rstrip("/")
    return directory if host.stat(directory) is not None else None


def writable(host: Host, path: str) -> bool | None:
    """faccessat(path, W_OK) with the credentials of the session; None when `path` is not there."""
    stat = host.ask("stat", path)
    if stat is None:
        return None
    mount = host.get(mount_of, path)
    if mount is not None and mount.is_read_only:
        return False
    who = host.get(session_credentials)
    return may(stat, None, who, "w")  # cgroupfs has no ACLs


def delegate_files(host: Host) -> tuple[str, ...]:
    """The files whose owner decides whether a cgroup2 is delegated: /sys/kernel/cgroup/delegate."""
    text = host.read("/sys/kernel/cgroup/delegate")
    return DELEGATE_FILES if text is None else tuple(text.split())


def unified_obstacle(host: Host, directory: str) -> str:
    """The first file that makes liblxc skip a cgroup2 (unified_hierarchy_delegated), empty when
    there is none.

    cgroup.procs is left out, as liblxc leaves it out.
    """
    for name in host.get(delegate_files):
        if name != "cgroup.procs" and host.get(writable, f"{directory}/{name}") is False:
            return f"{directory}/{name}"
    return ""


def words(host: Host, path: str) -> tuple[str, ...]:
    """The words of a kernel file such as cgroup.controllers; empty when it is not there."""
    return tuple((host.read(path) or "").split())


def unified_at(host: Host, directory: str, busy: bool) -> Hierarchy:
    """The cgroup2 at `directory` as liblxc sees it."""
    return Hierarchy(
        "",
        directory,
        host.get(words, f"{directory}/cgroup.controllers"),
        host.get(unified_obstacle, directory),
        busy,
        host.get(writable, directory) is True,
        host.get(writable, f"{directory}/cgroup.procs") is not False,
    )


def legacy_at(host: Host, controllers: str, directory: str) -> Hierarchy:
    """The v1 cgroup at `directory` as liblxc sees it: usable when the directory is writable."""
    blocked = host.get(writable, directory) is False
    return Hierarchy(
        controllers, directory, tuple(controllers.split(",")), directory if blocked else ""
    )


def hierarchy_of(host: Host, membership: Membership) -> Hierarchy | None:
    """What liblxc finds for one line of /proc/self/cgroup; None when it passes it over."""
    directory = host.get(place_of, membership)
    if directory is None:
        return None
    if membership.is_unified:
        return host.get(unified_at, directory, True)
    return host.get(legacy_at, membership.controllers, directory)


def root_controllers(host: Host) -> tuple[str, ...]:
    """The cgroup2 controllers that this kernel offers: cgroup.controllers at the top. Empty without
    cgroup2.
    """
    for top in (ROOT, f"{ROOT}/unified"):
        mount = host.get(mount_of, top)
        if mount is not None and mount.point == top and mount.fstype == "cgroup2":
            return host.get(words, f"{top}/cgroup.controllers")
    return ()
