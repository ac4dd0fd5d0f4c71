"""From which cgroups lxc-start will be started: a "seat" for the plain command and one for
`lxc-preflight run`.

The plain seat is the login session's. `run` takes the best there is: a scope of the user's own
systemd, a fresh child of a cgroup that is the user's, else the plain seat. Facts about a next login
are predicted from what makes it: systemd's units, pam_cgfs, libcgroup's rules, elogind.
"""

from __future__ import annotations

from audit.facts.accounts import target
from audit.facts.cgroup import (
    HYBRID,
    LEGACY,
    PROC,
    ROOT,
    UNIFIED,
    Hierarchy,
    Membership,
    cgroup_layout,
    cgroup_mounts,
    hierarchy_of,
    process_memberships,
    stable_order,
    unified_at,
    words,
    writable,
)
from audit.facts.init import SYSTEMD, init_system
from audit.facts.libcgroup import DAEMON, destination, moves_logins, rule_for_user
from audit.facts.lxc import library, lxc_version
from audit.facts.mounts import mount_of
from audit.facts.pam import session_rule
from audit.facts.session import is_mine, variable
from audit.facts.systemd import own_runtime_dir, pam_file, user_manager
from audit.host import Host
from audit.records import NamedTuple

SESSION, SCOPE, LEAF, OWN_SCOPE = "session", "scope", "leaf", "own scope"


class Seat(NamedTuple):
    """The hierarchies that liblxc finds, in its order, and how one gets there.

    `lines` counts the lines of /proc/self/cgroup: none stops liblxc, exactly one is what it takes
    for a pure cgroup2 host. `where` is the cgroup2 path (or the name=systemd one) as a person would
    read it.
    """

    kind: str
    lines: int
    hierarchies: tuple[Hierarchy, ...]
    where: str
    source: str = PROC

    @property
    def unified(self) -> Hierarchy | None:
        return next((h for h in self.hierarchies if h.is_unified), None)

    def legacy(self, controller: str) -> Hierarchy | None:
        """The v1 hierarchy with a controller, or named so."""
        return next(
            (h for h in self.hierarchies if not h.is_unified and controller in h.controllers), None
        )


def session_seat(host: Host) -> Seat:
    """The login session's cgroups: read when the session is there, predicted for the next login."""
    if host.get(is_mine):
        found = host.get(process_memberships)
        return Seat(SESSION, len(found), _hierarchies(host, found), _path(found))
    return host.get(next_seat)


def _hierarchies(host: Host, found: tuple[Membership, ...]) -> tuple[Hierarchy, ...]:
    return tuple(h for one in found if (h := host.get(hierarchy_of, one)) is not None)


def _path(found: tuple[Membership, ...]) -> str:
    ranked = sorted(found, key=lambda m: (not m.is_unified, m.controllers != "name=systemd"))
    return ranked[0].cgroup if ranked else ""


def next_seat(host: Host) -> Seat:
    """The cgroups of the user's next login.

    The hierarchies are those that every process of this host is in (/proc/self/cgroup has one line
    for each); only the places in them are predicted.
    """
    found = host.get(process_memberships)
    seats: list[Hierarchy] = []
    where = host.get(next_place)
    for one in found:
        point = _mounted(host, one)
        if point is None:
            continue
        if one.is_unified:
            seats.append(host.get(next_unified, point))
        else:
            seats.append(host.get(next_legacy, one.controllers, point))
    return Seat(SESSION, len(found), tuple(seats), where, host.get(next_source))


def _mounted(host: Host, one: Membership) -> str | None:
    fstype = "cgroup2" if one.is_unified else "cgroup"
    places = {mount.point for mount in host.get(cgroup_mounts) if mount.fstype == fstype}
    wanted = (
        (ROOT, f"{ROOT}/unified")
        if one.is_unified
        else (f"{ROOT}/{stable_order(one.controllers)}",)
    )
    return next((place for place in wanted if place in places), None)


def next_place(host: Host) -> str:
    """The cgroup that the next login will be in, on the hierarchy that counts."""
    account = host.get(target)
    scope = f"/user.slice/user-{account.uid}.slice/session-N.scope"
    if host.get(init_system) == SYSTEMD:
        return scope
    rule = host.get(rule_for_user)
    if rule is not None and host.get(moves_logins):  # after elogind: its line comes first
        return f"/{host.get(destination, rule)}"
    if host.get(elogind):
        return scope
    if host.get(cgroup_layout) in (HYBRID, LEGACY) and host.get(cgfs_controllers):
        return f"/user/{account.name}/0"
    return "/"


def next_source(host: Host) -> str:
    """The file that decides where the next login will be."""
    if host.get(init_system) == SYSTEMD:
        return "/usr/lib/systemd/systemd-logind"
    rule = host.get(rule_for_user)
    if rule is not None and host.get(moves_logins):
        return rule.source
    cgfs = host.get(session_rule, "pam_cgfs")
    return host.get(pam_file) if cgfs is None else cgfs.file


def elogind(host: Host) -> bool:
    """Whether elogind puts sessions into cgroups of its own (and root's)."""
    if host.get(session_rule, "pam_elogind") is None:
        return False
    return any(
        host.stat(path) is not None for path in ("/run/elogind.pid", "/run/systemd/elogind.pid")
    )


def next_unified(host: Host, point: str) -> Hierarchy:
    """The cgroup2 of the next login. Its files are root's, unless libcgroup moves the login to the
    user's own.
    """
    directory = point + host.get(next_place).rstrip("/")
    if host.get(init_system) != SYSTEMD:
        rule = host.get(rule_for_user)
        if rule is not None and host.get(moves_logins):
            directory = f"{point}/{host.get(destination, rule)}"
            if host.stat(directory) is not None:
                return host.get(unified_at, directory, True)
            return Hierarchy("", point, (), f"{point}/cgroup.threads")
        if not host.get(elogind):
            directory = point
        if {"unified", "all"} & set(host.get(cgfs_controllers)) and not _read_only(host, point):
            # pam_cgfs gives cgroup.{procs,threads,subtree_control} away; what the memory controller
            # adds stays root's, and that is enough for liblxc to pass the hierarchy over.
            names = host.get(words, f"{point}/cgroup.subtree_control")
            directory = f"{point}/user/{host.get(target).name}/0"
            obstacle = f"{directory}/memory.oom.group" if "memory" in names else ""
            return Hierarchy("", directory, names, obstacle)
    return Hierarchy(
        "", directory, host.get(words, f"{point}/cgroup.controllers"), f"{directory}/cgroup.threads"
    )


def next_legacy(host: Host, controllers: str, point: str) -> Hierarchy:
    """A v1 hierarchy of the next login: the user's when pam_cgfs is told to make it so."""
    names = tuple(controllers.split(","))
    wanted = host.get(cgfs_controllers)
    account = host.get(target)
    if _read_only(host, point):
        return Hierarchy(controllers, point, names, point)
    if any(name in wanted for name in names) or "all" in wanted:
        place = f"{point}/user/{account.name}/0"
        if controllers == "name=systemd" and host.get(init_system) == SYSTEMD:
            place = f"{point}/user.slice/user-{account.uid}.slice/session-N.scope"
        return Hierarchy(controllers, place, names)
    return Hierarchy(controllers, point, names, point)


def _read_only(host: Host, point: str) -> bool:
    mount = host.get(mount_of, point)
    return mount is not None and mount.is_read_only


def cgfs_controllers(host: Host) -> tuple[str, ...]:
    """The list of `pam_cgfs.so -c LIST` in the login's PAM stack; empty when it is not there or
    says nothing.

    Source: LXC src/lxc/pam/pam_cgfs.c. The module itself must be installed.
    """
    rule = host.get(session_rule, "pam_cgfs")
    if rule is None or not host.get(cgfs_installed):
        return ()
    if len(rule.arguments) > 1 and rule.arguments[0] == "-c":
        names = tuple(name for name in rule.arguments[1].split(",") if name)
        return () if "all" in names and len(names) > 1 else names
    return ()


PAM_DIRECTORIES = (
    "/lib/security",
    "/lib64/security",
    "/usr/lib/security",
    "/usr/lib64/security",
    "/lib/x86_64-linux-gnu/security",
    "/usr/lib/x86_64-linux-gnu/security",
    "/usr/lib/aarch64-linux-gnu/security",
    "/lib/aarch64-linux-gnu/security",
)


def cgfs_installed(host: Host) -> bool:
    """Whether pam_cgfs.so is where libpam looks for it."""
    return any(host.stat(f"{place}/pam_cgfs.so") is not None for place in PAM_DIRECTORIES)


def run_seat(host: Host) -> Seat:
    """Where `lxc-preflight run` starts from."""
    seat = host.get(session_seat)
    if host.get(asks_systemd):
        return host.get(bare_seat)  # liblxc gets itself a scope, from inside of any other as well
    if host.get(user_manager).available:
        return host.get(scope_seat)
    return host.get(leaf_seat) or seat


def scope_seat(host: Host) -> Seat:
    """Inside `systemd-run --user --scope -p Delegate=yes`.

    systemd moves the process in its own hierarchy and in cgroup2; v1 controllers stay those of the
    session. A fresh scope holds nobody but lxc-start.
    """
    seat = host.get(session_seat)
    manager = host.get(user_manager)
    uid = host.get(target).uid
    where = f"/user.slice/user-{uid}.slice/user@{uid}.service/app.slice/run-N.scope"
    moved: list[Hierarchy] = []
    for h in seat.hierarchies:
        if h.is_unified:
            top = ROOT if host.get(cgroup_layout) == UNIFIED else f"{ROOT}/unified"
            moved.append(Hierarchy("", top + where, manager.controllers, busy=False))
        elif h.name == "name=systemd":
            moved.append(Hierarchy(h.name, f"{ROOT}/systemd{where}", h.controllers, busy=False))
        else:
            moved.append(h)
    return Seat(SCOPE, seat.lines, tuple(moved), where, manager.source)


def leaf_seat(host: Host) -> Seat | None:
    """A fresh child of a cgroup2 that is the user's own and that the session may leave; None when
    there is none.

    Moving takes write access to cgroup.procs of the common ancestor (cgroups(7), "delegation
    containment"), so the child has to be below the session's own cgroup, or below the nearest
    ancestor that is the user's as well.
    """
    seat = host.get(session_seat)
    mine = seat.unified
    if mine is None or not mine.writable or not mine.may_create or not mine.may_move:
        return None
    if host.get(rule_for_user) is not None and host.get(moves_logins) == DAEMON:
        return None  # the daemon takes every lxc-start back to where the rule says
    top = host.get(delegated_top, mine.directory)
    shares = top != mine.directory
    # The session's own cgroup holds the shell: it hands nothing down (no internal processes).
    names = host.get(words, f"{top}/cgroup.controllers") if shares else ()
    moved = tuple(
        Hierarchy("", f"{top}/lxc-preflight-N", names, busy=False) if h.is_unified else h
        for h in seat.hierarchies
    )
    return Seat(LEAF, seat.lines, moved, f"{top.removeprefix(ROOT)}/lxc-preflight-N", seat.source)


def delegated_top(host: Host, directory: str) -> str:
    """The highest ancestor without processes of a user's cgroup that is still the user's own."""
    top = directory
    while True:
        parent = top.rpartition("/")[0]
        if len(parent) <= len(ROOT) or not host.get(writable, f"{parent}/cgroup.procs"):
            return top
        if not host.get(writable, parent) or not host.get(
            writable, f"{parent}/cgroup.subtree_control"
        ):
            return top
        if (host.read(f"{parent}/cgroup.procs") or "").strip():
            return top
        top = parent


def bare_seat(host: Host) -> Seat:
    """Where a plain lxc-start ends up: the session's place, or a scope that liblxc asks systemd for
    itself.

    liblxc 5.0.1 and later does so when it was built with D-Bus, the host has nothing but cgroup2,
    and the session bus answers (cgfsng.c, unpriv_systemd_create_scope). It then sits in CGROUP/init
    and has handed its controllers down already.
    """
    seat = host.get(session_seat)
    if host.get(asks_systemd):
        return host.get(scope_seat)._replace(kind=OWN_SCOPE)
    return seat


def asks_systemd(host: Host) -> bool:
    """Whether a plain lxc-start gets itself a delegated scope."""
    seat = host.get(session_seat)
    if seat.lines != 1 or seat.unified is None or not host.get(user_manager).available:
        return False
    return host.get(speaks_dbus) and host.get(bus_for_lxc)


_BUS_LIBRARIES = r"\x00lib(dbus-1|systemd)\.so[.\d]*(?=\x00)"


def speaks_dbus(host: Host) -> bool:
    """Whether this liblxc was built to ask systemd for a scope: with libsystemd (5.0.x) or libdbus
    (6.0 and on).

    The names of linked libraries stand NUL-delimited in the file; reading them as ELF does would
    import a parser that takes longer than the rest of the audit.
    """
    release = host.get(lxc_version)
    if release < (5, 0, 1):
        return False
    path = host.get(library)
    if path is None:
        return False
    wanted = "dbus-1" if release >= (6,) else "systemd"
    return (wanted,) in (host.search(path, _BUS_LIBRARIES) or ())


# lxc 6.0.0 to 6.0.3 know no other address, and later ones fall back on it (open_systemd in
# cgfsng.c).
FIXED_BUS = "/run/user/1000/bus"
READS_ENVIRONMENT = (6, 0, 4)


def bus_for_lxc(host: Host) -> bool:
    """Whether liblxc finds the user's session bus."""
    manager = host.get(user_manager)
    uid = host.get(target).uid
    release = host.get(lxc_version)
    own = f"{host.get(own_runtime_dir)}/bus"
    if not manager.bus:
        return False
    if release < (6,):  # sd_bus_open_user(): the variable, else $XDG_RUNTIME_DIR/bus
        return bool(
            host.get(bus_variable) or not host.get(is_mine) or host.get(variable, "XDG_RUNTIME_DIR")
        )
    if release < READS_ENVIRONMENT:
        return own == FIXED_BUS
    return bool(host.get(bus_variable)) or uid == 1000


def bus_variable(host: Host) -> str | None:
    """$DBUS_SESSION_BUS_ADDRESS of the session; pam_systemd sets it at a login when the socket is
    there.
    """
    if host.get(is_mine):
        return host.get(variable, "DBUS_SESSION_BUS_ADDRESS")
    if host.get(user_manager).bus and host.get(session_rule, "pam_systemd") is not None:
        return f"unix:path={host.get(own_runtime_dir)}/bus"
    return None
