from collections.abc import Iterator
from shlex import quote

from audit.facts.accounts import target
from audit.facts.lxcconf import lxcconf_path
from audit.facts.lxcconf import lxcpath as path_of
from audit.facts.paths import passes, uncreatable, walk
from audit.facts.places import user_crosser
from audit.host import Host
from audit.model import CREATE, EVERYTHING, Evidence, Fail, Finding, Fix, Level, Pass, check


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
            fix=Fix(
                "lxcpath",
                f"make lxc.lxcpath absolute in {where}",
                ("lxc-config lxc.lxcpath",),
                ("user",),
            ),
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
    owned = (
        step.stat is not None and step.stat.uid == 0 and at.startswith(f"{host.get(target).home}/")
    )
    fix = Fix(
        "own-directory",
        f"Give {at} to {name}",
        (f"chown -h {host.get(target).uid}:{host.get(target).gid} {quote(at)}",),
    )
    yield Fail(
        f"{name} cannot {does} {path}: {at}: {why}",
        seen,
        fix=fix if owned else None,
        stages=(CREATE,) if narrow else None,
    )
