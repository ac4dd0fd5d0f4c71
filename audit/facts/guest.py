"""The container that is there already (-n): its directory, its root file system, its init."""

from __future__ import annotations

from audit.facts.config import Entry, container_config
from audit.facts.lxcconf import lxcpath
from audit.host import Host, Stat
from audit.model import Unknown
from audit.records import NamedTuple

MAX_LINKS = 40  # path_resolution(7)
DEFAULT_INIT = "/sbin/init"
# execvp(3) inside the container, when lxc.init.cmd is a bare name: LXC sets no PATH of its own.
_SEARCHED = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


class Rootfs(NamedTuple):
    """lxc.rootfs.path, split as LXC splits it: `TYPE:PATH` or a plain path."""

    storage: str  # "" when the line names none
    path: str
    entry: Entry


class Found(NamedTuple):
    """A file of the container: its path inside, symlinks resolved, and what it is."""

    path: str
    stat: Stat


def container_dir(host: Host) -> str:
    """The directory of the container given with -n. Raises Unknown when none is given."""
    if host.request.container is None:
        raise Unknown("no container is named")
    return f"{host.get(lxcpath)}/{host.request.container}"


def rootfs(host: Host) -> Rootfs | None:
    """The root file system that the config names, None when it names none."""
    entry = host.get(container_config).last("lxc.rootfs.path")
    if entry is None:
        return None
    storage, colon, path = entry.value.partition(":")
    if not colon:
        return Rootfs("", entry.value, entry)
    if storage in ("overlay", "overlayfs"):
        path = path.partition(":")[0]  # LOWER:UPPER, and what is below is the container
    return Rootfs(storage, path, entry)


def inside(host: Host, path: str) -> Found | None:
    """A path below the container's root, symlinks resolved inside it; None when it is not there.

    Raises Unknown when there is no root file system to look into.
    """
    root = host.get(rootfs)
    if root is None or host.request.container is None:
        raise Unknown("there is no root file system to look into")
    top = root.path.rstrip("/")
    if host.lstat(top) is None:
        raise Unknown(f"{root.path} does not exist")
    todo = [part for part in reversed(path.split("/")) if part not in ("", ".")]
    done: list[str] = []
    links = 0
    while todo:
        part = todo.pop()
        if part == "..":
            del done[-1:]
            continue
        here = "/".join((top, *done, part))
        found = host.lstat(here)
        if found is None:
            return None
        if found.kind != "symlink":
            done.append(part)
            continue
        links += 1
        goal = host.link(here)
        if goal is None or links > MAX_LINKS:
            return None
        if goal.startswith("/"):
            done = []
        todo += [step for step in reversed(goal.split("/")) if step not in ("", ".")]
    stat = host.lstat("/".join((top, *done)))
    return None if stat is None else Found("/" + "/".join(done), stat)


def init_command(host: Host) -> str:
    """The program that becomes PID 1: the first word of lxc.init.cmd, else /sbin/init."""
    words = (host.get(container_config).get("lxc.init.cmd") or "").split()
    return words[0] if words else DEFAULT_INIT


def init_file(host: Host) -> Found | None:
    """PID 1 of the container given with -n, None when its root file system does not have it."""
    command = host.get(init_command)
    if "/" in command:
        return host.get(inside, command)
    for directory in _SEARCHED:
        found = host.get(inside, f"{directory}/{command}")
        if found is not None:
            return found
    return None


def guest_init(host: Host) -> str:
    """`systemd` or `plain`: what the container boots, seen in its root file system, else as asked.

    For `-n NAME` the link behind /sbin/init (or lxc.init.cmd) decides; without a container it is
    `--guest`.
    """
    if host.request.container is None:
        return host.request.guest
    found = host.get(init_file)
    return "systemd" if found is not None and found.path.endswith("/systemd") else "plain"
