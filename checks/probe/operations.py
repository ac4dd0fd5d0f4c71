"""What --probe tries, one row each: the real operation, as the target user, against what was
predicted.

A row passes when the try and the other checks agree, whichever way; the checks that predicted a
failure speak for themselves. A try that fails where all of them pass is a cause of its own. A try
that works although one of them fails is told, and changes no prediction: it tries less than LXC
does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from audit.agreement import predicted_failures
from audit.facts.cgroup import UNIFIED, cgroup_layout
from audit.facts.cgstart import bare_plan, run_plan
from audit.facts.idmap import maps_of, needs_no_helper
from audit.facts.init import SYSTEMD, init_system
from audit.facts.lsm import RESTRICT_USERNS
from audit.facts.lxc import usernic_path
from audit.facts.lxcconf import lxcpath
from audit.facts.nics import veths
from audit.facts.seats import SCOPE, session_seat
from audit.facts.session import is_mine, search_path, session_credentials, variable
from audit.facts.sysctl import sysctl
from audit.facts.wanted import auto_mounts, own_namespaces
from audit.host import Host
from audit.model import (
    BARE_START,
    EVERYTHING,
    LIMITS,
    NETWORK,
    START,
    STARTING,
    Check,
    Evidence,
    Fail,
    Finding,
    Judge,
    Level,
    NotApplicable,
    Pass,
    Stage,
    Undecided,
    Unknown,
)
from audit.records import NamedTuple


class Row(NamedTuple):
    """An operation, its arguments, what it decides, and which checks predict it.

    `inside`: it happens in a user namespace, where AppArmor may treat LXC's programs and this one
    differently."""

    key: str
    title: str
    arguments: Callable[[Host], tuple[str, ...]]
    stages: tuple[Stage, ...]
    explains: tuple[str, ...]
    refutes: tuple[str, ...]
    inside: bool
    what: str
    see: str


NAMESPACE = (
    "host.user",
    "kernel.release",
    "kernel.cmdline",
    "kernel.kconfig.*",
    "userns.*",
    "session.*",
)
MAPPED = (*NAMESPACE, "idmap.*", "kernel.idmap_lines", "config.*")
# A single namespace more or less, and programs with AppArmor profiles of their own: no
# contradiction.
TOLERATED = ("userns.limits.*", "userns.apparmor")

# errno -> what is usually behind it
CAUSES = {
    "EINVAL": "the kernel does not have it",
    "ENOSPC": "a limit in /proc/sys/user",
    "EUSERS": "user namespaces are nested too deeply",
    "EPERM": "a sysctl, a security module, a seccomp filter or a chroot forbids it",
}


def environment(host: Host) -> str:
    """The session's variables that matter, as lines."""
    pairs = [("PATH", ":".join(host.get(search_path)) or None)]
    for name in ("HOME", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"):
        pairs.append((name, host.get(variable, name)))
    return "\n".join(f"{name}={value}" for name, value in pairs if value is not None)


def maps(host: Host, *, own: bool = False) -> tuple[str, str, str]:
    """The environment and the triples for newuidmap and newgidmap; `own` maps the user's own ids as
    well.
    """
    if host.get(needs_no_helper):
        raise NotApplicable("LXC writes this map without newuidmap and newgidmap")
    triples: list[str] = []
    for kind in ("uid", "gid"):
        found = host.get(maps_of, kind)
        if not found:
            raise NotApplicable("the config has no id map")
        line = [f"{one.inside} {one.outside} {one.size}" for one in found]
        who = host.get(session_credentials)
        mine = who.uid if kind == "uid" else who.gid
        if own and not any(one.outside <= mine <= one.last for one in found):
            line.append(f"{max(one.inside + one.size for one in found)} {mine} 1")
        triples.append(" ".join(line))
    uids, gids = triples
    return environment(host), uids, gids


def _namespaces(host: Host) -> tuple[str, ...]:
    wanted = host.get(own_namespaces)
    order = [name for name in ("mnt", "pid", "uts", "ipc", "net", "cgroup") if name in wanted]
    return (*maps(host), " ".join(order))


def _mounts(host: Host) -> tuple[str, ...]:
    if not {"pid", "net"} <= host.get(own_namespaces):
        raise NotApplicable("the container shares a namespace with the host")
    return (*maps(host), host.get(auto_mounts).get("sys", ""))


def _chown(host: Host) -> tuple[str, ...]:
    owners = "0:0"
    last = [
        max(one.inside + one.size for one in host.get(maps_of, kind)) - 1
        for kind in ("uid", "gid")
        if host.get(maps_of, kind)
    ]
    if len(last) == 2:
        owners += f" {last[0]}:{last[1]}"
    return (*maps(host, own=True), host.get(lxcpath), owners)


def _access(host: Host) -> tuple[str, ...]:
    name = host.request.container
    path = host.get(lxcpath)
    return (*maps(host), path if name is None else f"{path}/{name}")


def _cgroup(host: Host) -> tuple[str, ...]:
    if not host.get(is_mine):
        raise NotApplicable("the cgroup of the user's next login is not there yet")
    if host.get(cgroup_layout) != UNIFIED:
        raise NotApplicable("only cgroup2 can be tried without changing the session")
    unified = host.get(session_seat).unified
    if unified is None:
        raise NotApplicable("the session has no cgroup2")
    return unified.directory, ""


def _scope(host: Host) -> tuple[str, ...]:
    if host.get(init_system) != SYSTEMD:
        raise NotApplicable("the init system is not systemd")
    place = host.get(variable, "XDG_RUNTIME_DIR")
    if place is None or host.stat(place) is None:
        raise NotApplicable("the user has no runtime directory, so no systemd of its own yet")
    return (environment(host),)


def _usernic(host: Host) -> tuple[str, ...]:
    wanted = host.get(veths)
    if not wanted:
        raise NotApplicable("the config has no veth network")
    return host.get(usernic_path), host.get(lxcpath), wanted[0].link or "none"


ROWS = (
    Row(
        "userns",
        "A user namespace can be made, or not, as predicted",
        lambda host: (),
        EVERYTHING,
        NAMESPACE,
        ("kernel.kconfig.user_ns", "kernel.cmdline", "userns.unprivileged_clone"),
        True,
        "unshare(CLONE_NEWUSER)",
        "unshare(2), user_namespaces(7)",
    ),
    Row(
        "idmap",
        "newuidmap and newgidmap write the map of the config, or not, as predicted",
        lambda host: maps(host),
        EVERYTHING,
        MAPPED,
        ("idmap.helper_*", "idmap.subid_*", "idmap.within_subids", "idmap.nested"),
        True,
        "newuidmap and newgidmap with every range of the config",
        "newuidmap(1), LXC src/lxc/conf.c (lxc_map_ids)",
    ),
    Row(
        "namespaces",
        "The container's other namespaces can be made, or not, as predicted",
        _namespaces,
        STARTING,
        MAPPED,
        ("kernel.kconfig.*_ns",),
        True,
        "one namespace after the other, in a mapped user namespace",
        "namespaces(7), LXC src/lxc/start.c (lxc_spawn)",
    ),
    Row(
        "mounts",
        "A container's /proc, /sys and /dev/pts can be mounted, or not, as predicted",
        _mounts,
        STARTING,
        MAPPED,
        ("userns.visible.*",),
        True,
        "tmpfs, proc, sysfs (as the config asks for it) and a devpts, in a mount namespace",
        "mount(2), LXC src/lxc/conf.c (lxc_mount_auto_mounts)",
    ),
    Row(
        "chown",
        "Files can be given to the container's ids, or not, as predicted",
        _chown,
        EVERYTHING,
        (*MAPPED, "storage.*"),
        (),
        True,
        "chown of a nameless file in the container directory to the map's first and last ids",
        "chown(2), LXC src/lxc/conf.c (userns_exec_mapped_root)",
    ),
    Row(
        "access",
        "The container's root can reach its directory, or not, as predicted",
        _access,
        STARTING,
        (*MAPPED, "storage.*"),
        ("storage.path_access",),
        True,
        "every directory from / to the container's, as the container's root",
        "path_resolution(7), LXC src/lxc/start.c (print_top_failing_dir)",
    ),
    Row(
        "cgroup",
        "A cgroup can be made below the session's, or not, as predicted",
        _cgroup,
        (BARE_START,),
        ("cgroup.*", "session.*", "systemd.*"),
        (),
        False,
        "mkdir, moving a process, rmdir in the session's cgroup",
        'cgroups(7) "delegation", LXC src/lxc/cgroups/cgfsng.c',
    ),
    Row(
        "scope",
        "systemd gives the user a delegated scope, or not, as predicted",
        _scope,
        (),
        ("cgroup.*", "session.*", "systemd.*"),
        (),
        False,
        "systemd-run --user --scope -p Delegate=yes true",
        "systemd-run(1)",
    ),
    Row(
        "usernic",
        "lxc-user-nic makes a network interface, or not, as predicted",
        _usernic,
        STARTING,
        ("network.*", "kernel.modules.*", "userns.*", "session.*"),
        (),
        True,
        "lxc-user-nic create for the first veth of the config, into a network namespace of our own",
        "lxc-user-nic(1), lxc-usernet(5)",
    ),
)


def _judge(row: Row) -> Judge:
    def judge(host: Host) -> Iterator[Finding]:
        if host.source.kind == "root":
            raise NotApplicable("nothing can be tried in a directory tree")
        result = _try(row, host)
        seen = Evidence("--probe", None, shown(result), "ok")
        if "unknown" in result:
            yield Undecided(str(result["unknown"]), seen, level=Level.INFO, stages=())
            return
        stages = _stages(row, host)
        because = _explanations(row, host)
        if result["ok"]:
            refuted = host.get(predicted_failures, row.refutes, EVERYTHING)
            if refuted:
                text = f"it works, although {', '.join(refuted)} says no"
                yield Fail(text, seen, level=Level.INFO, stages=())
            else:
                yield Pass("it works", seen)
        elif because:
            yield Pass(f"it fails ({shown(result)}), as {', '.join(because)} says", seen)
        elif row.inside and host.get(sysctl, RESTRICT_USERNS) not in (None, "0"):
            yield Undecided(
                f"{shown(result)}: AppArmor may allow LXC's own programs what it refuses this one",
                seen,
                level=Level.INFO,
                stages=(),
            )
        else:
            yield Fail(
                f"tried, and it fails where every check passes: {shown(result)}",
                seen,
                level=Level.BLOCKING if stages else Level.DEGRADED,
                stages=stages,
            )

    return judge


def tried(host: Host, key: str) -> dict[str, Any] | None:
    """The answer of one probe, for a check that nothing but a try can decide; None without
    --probe.
    """
    row = next(row for row in ROWS if row.key == key)
    try:
        result = _try(row, host)
    except NotApplicable:
        return None
    return None if "unknown" in result else result


def _try(row: Row, host: Host) -> dict[str, Any]:
    """The answer of the probe; NotApplicable where nothing is to be tried."""
    who = str(host.get(session_credentials))
    try:
        ready = host.probe("become", who)
    except Unknown as why:  # no --probe, or a snapshot that was made without it
        raise NotApplicable(str(why)) from None
    return ready if not ready["ok"] else host.probe(row.key, who, *row.arguments(host))


def shown(result: dict[str, Any]) -> str:
    """A result in one line: the step, the error, and what is usually behind it."""
    if result["ok"]:
        return "ok"
    if "unknown" in result:
        return str(result["unknown"])
    number = str(result.get("errno") or "")
    detail = " ".join(str(result.get("detail") or "").split())
    cause = CAUSES.get(number, "")
    words = [f"{result.get('step')}:", number, detail, f"({cause})" if cause else ""]
    return " ".join(word for word in words if word)


def _explanations(row: Row, host: Host) -> tuple[str, ...]:
    """The checks that say why the operation fails."""
    if row.key == "cgroup":
        unified = host.get(session_seat).unified
        if unified is not None and not (
            unified.writable and unified.may_create and unified.may_move
        ):
            return ("cgroup.session_delegated",)
    return host.get(predicted_failures, row.explains, row.stages or EVERYTHING)


def _stages(row: Row, host: Host) -> tuple[Stage, ...]:
    """What goes wrong when the operation fails: a scope is only missed by a start that needs
    one.
    """
    if row.key != "scope":
        return row.stages
    needs_one = host.get(run_plan).seat.kind == SCOPE and not host.get(bare_plan).starts
    return (START, NETWORK, LIMITS) if needs_one else ()


def _check(row: Row) -> Check:
    doc = f"""Tried with --probe: {row.what}.

    It is done for real as the target user, in processes, namespaces and cgroups that are gone
    afterwards. When the try and the checks agree this passes, whichever way; the failing check
    names the cause.

    Why: a check reads files and may misread them; the kernel does not.
    See: {row.see}
    """
    # what is tried in a namespace that the map has been written for
    after = ("probe.idmap",) if row.inside and row.key not in WITHOUT_MAP else ()
    level = Level.BLOCKING if row.stages else Level.DEGRADED
    return Check(f"probe.{row.key}", row.title, level, _judge(row), doc, row.stages, after)


WITHOUT_MAP = ("userns", "idmap", "usernic")
CHECKS = tuple(_check(row) for row in ROWS)
