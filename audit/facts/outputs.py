"""Files that LXC opens or runs for the user when it reads a config or starts a container."""

from __future__ import annotations

from audit.access import may
from audit.facts.mounts import mount_of
from audit.facts.paths import Crosser, passes, reason, traversal, uncreatable, walk
from audit.facts.session import session_credentials
from audit.host import Host
from audit.model import Unknown

_ACL = "system.posix_acl_access"


def unwritable(host: Host, path: str, *, makes_directories: bool) -> str | None:
    """Why the user cannot open an absolute path with O_CREAT for writing, None when it can.

    `makes_directories`: missing directories are made first (lxc.log.file), or not
    (lxc.console.logfile). Raises Unknown when the audit cannot look.
    """
    who = host.get(session_credentials)
    crosser = Crosser(who)
    way = host.get(walk, path)
    for step in way.steps[:-1]:
        if not passes(step, crosser):
            return f"{step.path} keeps the user out: {reason(step, crosser)}"
    if way.closed is not None:
        raise Unknown(f"cannot look behind {way.closed.path}")
    last = way.steps[-1]
    if not way.missing:
        if last.stat is not None and last.stat.kind == "directory":
            return f"{path} is a directory"
        mount = host.get(mount_of, last.path)
        if mount is not None and mount.is_read_only:
            return f"{mount.point} is mounted read-only"
        if last.stat is None or not may(list(last.stat), last.acl, who, "w"):
            return f"the user may not write to {path}"
        return None
    if len(way.missing) > 1 and not makes_directories:
        return f"there is no directory {path.rpartition('/')[0]}"
    obstacle = uncreatable(host, last.path, crosser)
    return None if obstacle is None else f"{obstacle.step.path}: {obstacle.reason}"


def unrunnable(host: Host, path: str, crosser: Crosser) -> str | None:
    """Why a process cannot execute an absolute path, None when it can.

    Raises Unknown when the audit cannot look.
    """
    way = host.get(walk, path)
    if way.missing:
        return f"{path} does not exist"
    for obstacle in traversal(host, path.rpartition("/")[0] or "/", crosser):
        return f"{obstacle.step.path} keeps it out: {obstacle.reason}"
    last = way.steps[-1]
    stat = last.stat
    if stat is None or stat.kind != "file":
        return f"{path} is no file"
    if not stat.mode & 0o111:
        return f"{path} is not executable"
    if crosser.overrides(stat) or may(list(stat), host.xattr(last.path, _ACL), crosser.who, "x"):
        return None
    return f"mode {stat.mode & 0o7777:04o} of {path} does not let it be executed"
