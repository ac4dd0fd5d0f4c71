"""What liblxc will do with the cgroups it finds: one function that follows src/lxc/cgroups/cgfsng.c
step by step.

Read from the tags lxc-4.0.6, lxc-4.0.12, lxc-5.0.2, v6.0.4 and v7.0.0, and checked against the
lab's hosts.
"""

from __future__ import annotations

from audit.facts.cglimits import Limit, cgroup_limits, refused_value
from audit.facts.cgroup import (
    ROOT,
    THREADED,
    UNIFIED,
    UNMOUNTED,
    Hierarchy,
    cgroup_layout,
    root_controllers,
)
from audit.facts.guest import guest_init
from audit.facts.init import SYSTEMD, init_system
from audit.facts.lxc import lxc_version
from audit.facts.lxcconf import global_value, lxcconf_text
from audit.facts.seats import (
    LEAF,
    OWN_SCOPE,
    SCOPE,
    Seat,
    bare_seat,
    run_seat,
    session_seat,
)
from audit.facts.systemd import user_manager
from audit.host import Host
from audit.records import NamedTuple

# Since 4.0.7 a cgroup2 that is not delegated is passed over; before, liblxc insisted on it.
PASSES_OVER = (4, 0, 7)
# 7.0 knows nothing but cgroup2: no lxc.cgroup.*, no mounts and no limits of v1.
UNIFIED_ONLY = (7, 0, 0)

SET, IGNORED, FAILS, MOOT = "set", "ignored", "fails", "moot"


class Start(NamedTuple):
    """How a start ends as far as cgroups go.

    `cause` is empty when cgroups do not stop it, else one of: none, missing, create, descendants,
    enter, thread, busy, limit. `error` is liblxc's own message. `layout` is what liblxc takes the
    host for.
    """

    layout: str
    cause: str = ""
    error: str = ""
    culprit: Limit | None = None
    used: tuple[Hierarchy, ...] = ()  # those in which the container gets a cgroup of its own
    controllers: tuple[str, ...] = ()  # in force below the container's cgroup2
    limits: tuple[tuple[Limit, str], ...] = ()

    @property
    def works(self) -> bool:
        return not self.cause

    @property
    def own_cgroup(self) -> bool:
        return bool(self.used)

    def ignored(self) -> tuple[Limit, ...]:
        """The limits that will not be in force although the start succeeds.

        A limit whose twin of the other cgroup version is set counts as kept: configs carry both to
        fit any host. Device rules are no limits of resources, and no user can have them.
        """
        kept = {twin(limit) for limit, fate in self.limits if fate == SET}
        return tuple(
            limit
            for limit, fate in self.limits
            if fate == IGNORED and not limit.is_device and twin(limit) not in kept
        )


# cgroup v1 file -> the cgroup2 file that means the same
TWINS = {
    "memory.limit_in_bytes": "memory.max",
    "memory.soft_limit_in_bytes": "memory.high",
    "memory.memsw.limit_in_bytes": "memory.swap.max",
    "cpu.shares": "cpu.weight",
    "cpu.cfs_quota_us": "cpu.max",
    "blkio.weight": "io.weight",
}


def twin(limit: Limit) -> str:
    """The cgroup2 name of what a limit limits."""
    return limit.file if limit.unified else TWINS.get(limit.file, limit.file)


def systemd_lives(start: Start, layout: str) -> bool:
    """Whether a container's systemd finds a cgroup that it may write: its own cgroup2, or on v1
    name=systemd.
    """
    if layout in (UNIFIED, UNMOUNTED):
        return any(h.is_unified for h in start.used)
    return any(h.name == "name=systemd" for h in start.used)


def start(
    version: tuple[int, ...],
    seat: Seat,
    asked: tuple[Limit, ...] = (),
    wanted: tuple[str, ...] = (),
    room: bool = True,
    pure: bool = True,
) -> Start:
    """Predict a start from `seat`.

    `wanted`: lxc.cgroup.use. `room`: cgroup.max.descendants and .depth allow two more. `pure`:
    cgroup2 is what is mounted on /sys/fs/cgroup, on which 4.0.0 to 4.0.6 decide.
    """
    if not seat.lines:
        return Start("none", "none", "Failed to initialize cgroups")
    insists = version < PASSES_OVER and pure
    used = tuple(
        h
        for h in seat.hierarchies
        if (h.writable or (insists and h.is_unified))
        and (h.is_unified or not wanted or set(h.controllers) <= set(wanted))
    )
    layout = _layout(seat, used)
    available = {name for h in used for name in h.controllers}
    for name in wanted:
        if name not in available and not insists:
            return Start(
                layout, "missing", "One or more requested controllers unavailable or not delegated"
            )
    legacy = tuple(limit for limit in asked if not limit.unified)
    if version >= UNIFIED_ONLY:
        legacy = ()
    if not used:
        return _without_cgroup(layout, asked, legacy)
    result = Start(layout, used=used)
    failure = _monitor(version, seat, used, room, layout)
    if failure is not None:
        return result._replace(cause=failure[0], error=failure[1])
    return _limits(seat, result, asked, legacy)


def _layout(seat: Seat, used: tuple[Hierarchy, ...]) -> str:
    """cgfsng.c decides by what it can use; only when that is nothing, by what there is."""
    among = used or seat.hierarchies
    has_unified = any(h.is_unified for h in among)
    has_legacy = any(not h.is_unified for h in among)
    if used:
        return "hybrid" if has_unified and has_legacy else "unified" if has_unified else "legacy"
    if seat.lines == 1:
        return "unified"
    return "hybrid" if has_unified else "legacy"


def _without_cgroup(layout: str, asked: tuple[Limit, ...], legacy: tuple[Limit, ...]) -> Start:
    """No hierarchy is the user's: the container stays where lxc-start is.

    cgfsng_setup_limits() then returns true without a word; cgfsng_setup_limits_legacy() returns
    EINVAL, whatever the layout.
    """
    if legacy:
        text = "Failed to setup cgroup limits for container"
        return Start(layout, "limit", text, legacy[0], limits=((legacy[0], FAILS),))
    return Start(layout, limits=tuple((limit, IGNORED) for limit in asked if limit.unified))


def _monitor(
    version: tuple[int, ...], seat: Seat, used: tuple[Hierarchy, ...], room: bool, layout: str
) -> tuple[str, str] | None:
    """Making and entering lxc.monitor.NAME."""
    for h in used:
        if h.is_unified and (not h.may_create or not h.writable):
            return "create", "Numerical result out of range - Failed to create monitor cgroup"
    unified = next((h for h in used if h.is_unified), None)
    if unified is None:
        return None
    if not room:
        return "descendants", "Resource temporarily unavailable - Failed to create monitor cgroup"
    if not unified.may_move:
        return "enter", "Permission denied - Failed to enter cgroup"
    if layout != "unified" or not unified.controllers or seat.kind == OWN_SCOPE:
        return None
    only_threaded = set(unified.controllers) <= THREADED
    if version < PASSES_OVER:
        # 4.0.0 to 4.0.6 enter first and enable then, so lxc-start itself is not in the way
        if unified.busy and not only_threaded:
            return "busy", "Device or resource busy - Could not enable controllers"
        if unified.busy:
            return "thread", "Operation not supported - Failed to enter cgroup"
    elif only_threaded:
        # They may be enabled although lxc-start is inside; that makes the cgroup a threaded domain
        # and its children invalid, and no process can enter those (cgroups(7), "Thread mode").
        return "thread", "Operation not supported - Failed to enter cgroup"
    return None


def _limits(
    seat: Seat,
    result: Start,
    asked: tuple[Limit, ...],
    legacy: tuple[Limit, ...],
) -> Start:
    unified = next((h for h in result.used if h.is_unified), None)
    pure = result.layout == "unified"
    handed: tuple[str, ...] = ()
    if unified is not None and pure and (not unified.busy or seat.kind == OWN_SCOPE):
        handed = unified.controllers
    fates: list[tuple[Limit, str]] = []
    for limit in legacy:
        if pure:
            fates.append((limit, IGNORED))  # "Ignoring legacy cgroup limits on pure cgroup2 system"
        elif any(limit.controller in h.controllers for h in result.used):
            fates.append((limit, SET))
        else:
            text = f'Failed to setup limits for the "{limit.controller}" controller'
            return result._replace(
                cause="limit", error=text, culprit=limit, limits=(*fates, (limit, FAILS))
            )
    for limit in asked:
        if not limit.unified:
            continue
        if not pure:
            fates.append((limit, IGNORED))  # "Ignoring cgroup2 limits on legacy cgroup system"
        elif limit.is_device:
            fates.append((limit, MOOT))  # the eBPF program that would do it needs real root
        elif (limit.is_core or limit.controller in handed) and not refused_value(limit):
            fates.append((limit, SET))
        else:
            text = f'Failed to set "{limit.file}" to "{limit.value}"'
            return result._replace(
                cause="limit",
                error=text,
                culprit=limit,
                controllers=handed,
                limits=(*fates, (limit, FAILS)),
            )
    return result._replace(controllers=handed, limits=tuple(fates))


class Plan(NamedTuple):
    """A start and where it is made from."""

    seat: Seat
    start: Start
    problems: frozenset[str]

    @property
    def starts(self) -> bool:
        """Whether the container is RUNNING with its init alive. Limits that are not in force do not
        count.
        """
        return self.problems <= {IGNORED}


GUEST = "guest"  # the container's systemd has no cgroup that it may write


def bare_plan(host: Host) -> Plan:
    """A plain `lxc-start -n NAME` typed in the user's session."""
    return host.get(plan_from, host.get(bare_seat))


def run_plan(host: Host) -> Plan:
    """The same start as `lxc-preflight run` makes it: from the best seat.

    Where the better seat keeps the container from starting and the plain one does not (a scope with
    threaded controllers only), the plain one is better. A limit that cannot be set is no such
    reason: it would be dropped without a word.
    """
    best, plain = host.get(plan_from, host.get(run_seat)), host.get(bare_plan)
    if best.start.cause in ("", "limit") or not plain.start.works:
        return best
    return plain


def plan_from(host: Host, seat: Seat) -> Plan:
    """What comes of a start from `seat` on this host, with this config and guest."""
    layout = host.get(cgroup_layout)
    asked = host.get(cgroup_limits)
    room = host.get(crowded, seat) is None
    found = start(
        host.get(lxc_version), seat, asked, host.get(wanted_controllers), room, layout == UNIFIED
    )
    return Plan(seat, found, problems(found, layout, host.get(guest_init) == "systemd"))


def problems(found: Start, layout: str, guest_is_systemd: bool) -> frozenset[str]:
    """The labels of all that goes wrong: the cause of a failed start, "guest", "ignored"."""
    labels = {found.cause} - {""}
    if found.ignored():
        labels.add(IGNORED)
    if guest_is_systemd and found.works and not systemd_lives(found, layout):
        labels.add(GUEST)
    return frozenset(labels)


class Blame(NamedTuple):
    """The check that names why the user has no cgroup, and which problems are nothing but its
    consequences.
    """

    check: str
    problems: frozenset[str]


NOBODY = Blame("", frozenset())


def blame(host: Host) -> Blame:
    """What would be well if the user had a cgroup of its own: a user manager under systemd, else a
    delegated one.

    The same start is predicted once more with that cgroup, and what is gone then was a consequence.
    """
    cure = host.get(cured_seat)
    if cure is None:
        return NOBODY
    check, seat = cure
    gone = host.get(run_plan).problems - host.get(plan_from, seat).problems
    return Blame(check, gone)


def cured_seat(host: Host) -> tuple[str, Seat] | None:
    """The check that misses the user's own cgroup, and the seat there would be; None when nothing
    is missing.
    """
    seat = host.get(run_seat)
    on_systemd = host.get(init_system) == SYSTEMD
    name = "systemd.user_manager" if on_systemd else "cgroup.user_cgroup"
    if not seat.lines or seat.kind in (SCOPE, OWN_SCOPE):
        return None
    if on_systemd and host.get(user_manager).available:
        return None
    if not on_systemd and host.get(has_own_cgroup):
        return None
    mended = tuple(_mended(host, h) for h in seat.hierarchies)
    if not any(h.is_unified or h.name == "name=systemd" for h in mended):
        # nothing is mounted that could be given away
        missing = "" if host.get(cgroup_layout) in (UNIFIED, UNMOUNTED) else "name=systemd"
        mended = (*mended, Hierarchy(missing, ROOT, (missing,) if missing else (), busy=False))
    return name, seat._replace(kind=LEAF, hierarchies=mended)


def _mended(host: Host, h: Hierarchy) -> Hierarchy:
    """The hierarchy as it would be in the user's hands; v1 controllers are never given away by
    systemd.
    """
    if h.is_unified:
        names = host.get(root_controllers)
        return h._replace(controllers=names, obstacle="", busy=False, may_create=True)
    return h._replace(obstacle="") if h.name == "name=systemd" else h


def has_own_cgroup(host: Host) -> bool:
    """Whether the session holds a cgroup that a container can live in: cgroup2, or on v1
    name=systemd.
    """
    seat = host.get(session_seat)
    if host.get(cgroup_layout) == UNIFIED:
        return seat.unified is not None and seat.unified.writable
    named = seat.legacy("name=systemd")
    return named is not None and named.writable


def wanted_controllers(host: Host) -> tuple[str, ...]:
    """lxc.cgroup.use of the user's lxc.conf(5): every one of them has to be the user's."""
    value = global_value(host.get(lxcconf_text), "lxc.cgroup.use")
    return tuple(part for part in (value or "").split(",") if part)


class Crowd(NamedTuple):
    """A cgroup below which no two more cgroups may be made."""

    file: str
    limit: int
    used: int


def crowded(host: Host, seat: Seat) -> Crowd | None:
    """The nearest ancestor whose cgroup.max.descendants or cgroup.max.depth stops lxc.monitor and
    lxc.payload.

    mkdir(2) answers EAGAIN then (kernel cgroup_check_hierarchy_limits). Ancestors that a login has
    yet to make have no limits.
    """
    unified = seat.unified
    if unified is None or not unified.writable:
        return None
    directory, depth, made = unified.directory, 1, 2
    while directory.startswith(ROOT):
        text = host.read(f"{directory}/cgroup.max.descendants")
        if text is None:
            made += 1 if directory.startswith(ROOT + "/") and depth == 1 else 0
        else:
            used = host.get(descendants, directory)
            most = text.strip()
            if most.isdecimal() and used + made > int(most[:18]):
                return Crowd(f"{directory}/cgroup.max.descendants", int(most[:18]), used)
            deepest = (host.read(f"{directory}/cgroup.max.depth") or "").strip()
            if deepest.isdecimal() and depth > int(deepest[:18]):
                return Crowd(f"{directory}/cgroup.max.depth", int(deepest[:18]), depth)
        directory, depth = directory.rpartition("/")[0], depth + 1
    return None


def descendants(host: Host, directory: str) -> int:
    """nr_descendants of cgroup.stat."""
    for line in (host.read(f"{directory}/cgroup.stat") or "").splitlines():
        name, _, value = line.partition(" ")
        if name == "nr_descendants" and value.isdecimal():
            return int(value[:18])
    return 0
