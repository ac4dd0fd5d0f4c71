"""Which directories a container of the target user needs: lxcpath, its rootfs, and LXC's run
directory.
"""

from __future__ import annotations

from audit.facts.accounts import target
from audit.facts.config import container_config
from audit.facts.lxcconf import lxcpath
from audit.facts.mounts import Mount, mount_of
from audit.facts.paths import Crosser, Walk, walk
from audit.facts.session import home_dir, runtime_dir, session_credentials, session_gid
from audit.host import Host
from audit.records import NamedTuple

RUN = "/run"


class RunDir(NamedTuple):
    """The directory below which LXC keeps its locks, and what decides that it is this one."""

    path: str
    because: str  # "/run", "XDG_RUNTIME_DIR" or "HOME"


def user_crosser(host: Host) -> Crosser:
    """The user itself, in its session."""
    return Crosser(host.get(session_credentials))


def container_dir(host: Host) -> str | None:
    """The directory of the container of -n, None when no container was named."""
    name = host.request.container
    return None if name is None else f"{host.get(lxcpath)}/{name}"


def rootfs_path(host: Host) -> str | None:
    """lxc.rootfs.path of the container of -n without its `dir:` or `btrfs:`.

    None when no container was named, when it has none, and for storage that is no directory.
    """
    if host.request.container is None:
        return None
    value = host.get(container_config).get("lxc.rootfs.path") or ""
    for kind in ("dir:", "btrfs:"):
        value = value.removeprefix(kind)
    return value if value.startswith("/") else None


def storage_path(host: Host) -> str:
    """Where the files of the container are or will be: the rootfs of -n, else lxcpath."""
    return host.get(rootfs_path) or host.get(lxcpath)


def storage_mount(host: Host) -> Mount | None:
    """The mount that holds `storage_path`, or the directory in which it will be made."""
    way: Walk = host.get(walk, host.get(storage_path))
    return host.get(mount_of, way.here)


def run_dir(host: Host) -> RunDir:
    """LXC's run directory (lxc src/lxc/utils.c, get_rundir).

    /run for whoever shares its owner or its group, else $XDG_RUNTIME_DIR however bogus, else
    ~/.cache/lxc/run.
    """
    run = host.stat(RUN)
    if run is not None and (run.uid == host.get(target).uid or run.gid == host.get(session_gid)):
        return RunDir(RUN, RUN)
    runtime = host.get(runtime_dir)
    if runtime is not None:
        return RunDir(runtime, "XDG_RUNTIME_DIR")
    return RunDir(f"{host.get(home_dir)}/.cache/lxc/run/", "HOME")


def lock_dir(host: Host) -> str:
    """The directory of the lock files that every lxc command makes (lxc src/lxc/lxclock.c,
    lxclock_name).
    """
    return f"{host.get(run_dir).path}/lxc/lock/{host.get(lxcpath)}"
