from __future__ import annotations

from collections.abc import Iterator

from audit.access import may
from audit.facts.accounts import target
from audit.facts.executables import resolve
from audit.facts.lxc import usernic_path
from audit.facts.mounts import mount_of, mounts_file
from audit.facts.nics import veths
from audit.facts.session import session_credentials
from audit.host import Host
from audit.model import STARTING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.distro import install
from remediations.mounts import without
from remediations.usernic import executable, passable


@check(
    "The user can run lxc-user-nic from where liblxc calls it",
    Level.BLOCKING,
    stages=STARTING,
    after=("lxc.installed",),
)
def usernic(host: Host) -> Iterator[Finding]:
    """The helper that makes a user's veth interfaces is there and executable for the user.

    liblxc calls it by a path that was compiled in (LIBEXECDIR/lxc/lxc-user-nic), never by $PATH:
    a copy elsewhere does not help. Each directory on the way needs x for the user as well.

    Why: "No such file or directory - Failed to execute lxc-user-nic",
    "Permission denied - Failed to execute lxc-user-nic"
    See: lxc-user-nic(1), LXC src/lxc/network.c (lxc_create_network_unpriv_exec)
    """
    demand_veths(host)
    path = host.get(usernic_path)
    name = host.get(target).name
    stat = host.stat(path)
    if stat is None:
        yield Fail(
            f"{path} is not there: without it a user's container gets no interface",
            Evidence(path, None, "absent", "a setuid root program"),
            fix=install(host, "lxc"),
        )
        return
    seen = Evidence(path, None, f"{stat.kind}, mode {stat.mode:04o}", "executable for all")
    real = host.get(resolve, path, host.get(session_credentials))
    if real is None:
        directory = path.rpartition("/")[0]
        yield Fail(
            f"{name} may not pass the directories that lead to {path}",
            Evidence(directory, None, "no x for the user", "x for the user"),
            fix=passable(host, path, host.get(session_credentials)),
        )
        return
    mount = host.get(mount_of, real)
    acl = host.xattr(real, "system.posix_acl_access")
    if stat.kind != "file" or not may(list(stat), acl, host.get(session_credentials), "x"):
        yield Fail(
            f"{name} may not execute {path} ({seen.observed})",
            seen,
            fix=executable(host, path, stat),
        )
    elif mount is not None and "noexec" in mount.flags:
        source = host.get(mounts_file)
        yield Fail(
            f"{mount.point}, which holds {path}, is mounted noexec",
            Evidence(source, mount.line or None, "noexec", "no noexec"),
            fix=without(host, mount, "noexec"),
        )
    else:
        yield Pass(f"{name} may run {path}", seen)


def demand_veths(host: Host) -> None:
    """Raises NotApplicable for a config that needs no help of lxc-user-nic."""
    if not host.get(veths):
        raise NotApplicable("no network of the config is a veth")
