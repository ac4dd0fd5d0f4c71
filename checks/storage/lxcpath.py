from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.lxcconf import lxcconf_path
from audit.facts.lxcconf import lxcpath as path_of
from audit.facts.mounts import mount_of
from audit.facts.paths import Obstacle, passes, uncreatable, walk
from audit.facts.places import user_crosser
from audit.host import Host
from audit.model import CREATE, EVERYTHING, Evidence, Fail, Finding, Fix, Level, Pass, check
from remediations.aside import aside
from remediations.directories import give
from remediations.lxcpath import absolute, by_hand, elsewhere
from remediations.quoting import word


@check(
    "The user can reach its container directory and make containers in it",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("host.user", "session.home", "storage.filesystem"),
)
def lxcpath(host: Host) -> Iterator[Finding]:
    """Every directory down to lxcpath lets the user pass, and the user can write there (or make
    it).

    lxc-create makes lxcpath with `mkdir -p` and mode 0755. A directory that root made once, by
    `sudo lxc-create` or `sudo mkdir`, stops it; so does a read-only file system. Existing
    containers start from a lxcpath that is not writable.

    Why: "Failed to create directory "/home/u/.local/share/lxc"", "You lack access to
    /home/u/.local/share/lxc", and for a lxcpath that is there and not writable only "Failed to
    create container NAME".
    See: lxc.system.conf(5), lxc.lxcpath; LXC src/lxc/tools/lxc_create.c; path_resolution(7)
    """
    path, user = host.get(path_of), host.get(user_crosser)
    if path and not path.startswith("/"):
        where = host.get(lxcconf_path)
        yield Fail(
            f"lxc.lxcpath = {path} is relative: LXC can neither make nor find it",
            Evidence(where, None, f"lxc.lxcpath = {path}", "an absolute path"),
            fix=absolute(host),
        )
        return
    obstacle = host.get(uncreatable, path, user)
    way = host.get(walk, path)
    if obstacle is None:
        made = f" can be made below {way.here}" if way.missing else " is writable"
        yield Pass(f"{path}{made}", Evidence(way.here, None, "writable by the user"))
        return
    step = obstacle.step
    name, at = host.get(target).name, step.path
    why = obstacle.reason
    if step.stat is not None and step.stat.kind != "directory":
        why = f"it is a {step.stat.kind}, not a directory"
    seen = Evidence(at, None, why, f"{name} may write" if not way.missing else "")
    reached = passes(step, user)
    # An existing container needs lxcpath to be passed, not to be written.
    narrow = reached and (not way.missing or host.request.container is None)
    does = "make" if way.missing else "write to" if reached else "reach"
    yield Fail(
        f"{name} cannot {does} {path}: {at}: {why}",
        seen,
        fix=_fix(host, path, obstacle),
        stages=(CREATE,) if narrow else None,
    )


def _fix(host: Host, path: str, obstacle: Obstacle) -> Fix | None:
    step = obstacle.step
    if step.stat is None:
        return None  # storage.filesystem's
    if step.stat.kind != "directory":
        return aside(host, f"take {step.path} out of the way", step.path)
    given = give(host, path)
    if given is not None:
        return given
    mount = host.get(mount_of, step.path)
    if mount is not None and mount.is_read_only:
        # It may be so because the disk fails.
        return elsewhere(host) or by_hand(host, f"mount -o remount,rw {word(mount.point)}")
    return elsewhere(host) or by_hand(host)
