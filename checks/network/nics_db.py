from __future__ import annotations

from collections.abc import Iterator

from audit.facts.mounts import mount_of
from audit.facts.usernet import paths
from audit.host import Host
from audit.model import STARTING, Evidence, Fail, Finding, Level, Pass, check
from checks.network.usernic import demand_veths
from remediations.aside import aside
from remediations.mounts import read_write


@check(
    "lxc-user-nic can write its data base",
    Level.BLOCKING,
    stages=STARTING,
    after=("lxc.installed",),
)
def nics_db(host: Host) -> Iterator[Finding]:
    """/run/lxc/nics can be opened for writing, or made.

    lxc-user-nic counts the interfaces of each user there. It makes the directories on the way, as
    root, so their modes do not matter; a read-only mount and anything that is no directory or no
    regular file do.

    Why: 'open_and_lock - Read-only file system - Failed to open "/run/lxc/nics"'
    See: LXC src/lxc/cmd/lxc_user_nic.c (create_db_dir, open_and_lock)
    """
    demand_veths(host)
    path = host.get(paths).nics
    here = ""
    for part in path.strip("/").split("/"):
        above, here = here or "/", f"{here}/{part}"
        stat = host.stat(here)
        wanted = "file" if here == path else "directory"
        if stat is None:
            here = above
            break
        if stat.kind != wanted:
            yield Fail(
                f"{here} is a {stat.kind}: lxc-user-nic wants a {wanted}",
                Evidence(here, None, stat.kind, wanted),
                fix=aside(host, f"move {here} away", here),
            )
            return
    real = host.real(here) or here
    mount = host.get(mount_of, real)
    if mount is not None and mount.is_read_only:
        yield Fail(
            f"{path} cannot be written: {mount.point} is mounted read-only",
            Evidence("/proc/self/mountinfo", mount.line or None, f"{mount.point} ro", "rw"),
            fix=read_write(host, mount),
        )
        return
    yield Pass(f"{path} can be written by root", Evidence(real))
