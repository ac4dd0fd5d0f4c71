from __future__ import annotations

from collections.abc import Iterator

from audit.facts.executables import SETUID, parse_file_caps
from audit.facts.lxc import usernic_path
from audit.facts.mounts import mount_of, mounts_file
from audit.facts.session import inherited
from audit.host import Host
from audit.model import (
    STARTING,
    Evidence,
    Fail,
    Finding,
    Level,
    Pass,
    Undecided,
    Unknown,
    check,
)
from checks.network.usernic import demand_veths
from remediations.mounts import without
from remediations.session import own_login
from remediations.usernic import setuid_root

# It makes an interface, opens /proc/PID/ns/net of another process and goes there.
NEEDED = {12: "cap_net_admin", 19: "cap_sys_ptrace", 21: "cap_sys_admin"}


@check(
    "lxc-user-nic gets root's rights",
    Level.BLOCKING,
    stages=STARTING,
    after=("lxc.installed", "network.usernic"),
)
def usernic_setuid(host: Host) -> Iterator[Finding]:
    """lxc-user-nic is setuid, owned by root, not on a nosuid mount, and without file capabilities.

    Unlike newuidmap it does not work with file capabilities: it changes its user ids back and
    forth, and with a saved uid other than 0 it cannot return into its own network namespace.
    Packages lose the bit by a hardened dpkg-statoverride, a restored backup or a copy of the
    tree.

    Why: "create_db_dir - Permission denied - Failed to create /run/lxc", "Operation not permitted -
    Failed to setns() to original network namespace"
    See: lxc-user-nic(1), LXC src/lxc/cmd/lxc_user_nic.c, capabilities(7)
    """
    demand_veths(host)
    path = host.get(usernic_path)
    stat = host.stat(path)
    real = host.real(path) or path
    if stat is None:
        return
    raw = host.xattr(real, "security.capability")
    caps = parse_file_caps(raw) if raw else None
    mount = host.get(mount_of, real)
    seen = Evidence(path, None, f"mode {stat.mode:04o}, owner {stat.uid}", "mode 4755, owner 0")
    if not stat.mode & SETUID:
        also = ", and file capabilities do not do instead" if caps else ""
        yield Fail(
            f"{path} is not setuid (mode {stat.mode:04o}){also}",
            seen,
            fix=setuid_root(host, path, stat),
        )
    elif stat.uid != 0:
        yield Fail(
            f"{path} is setuid, but its owner is uid {stat.uid}",
            seen,
            fix=setuid_root(host, path, stat),
        )
    elif mount is not None and "nosuid" in mount.flags:
        yield Fail(
            f"{mount.point}, which holds {path}, is mounted nosuid: its setuid bit does not count",
            Evidence(host.get(mounts_file), mount.line or None, "nosuid", "no nosuid"),
            fix=without(host, mount, "nosuid"),
        )
    elif caps is not None and caps.rootid == 0:
        lacks = [name for bit, name in NEEDED.items() if not caps.has(bit)]
        proof = Evidence(path, None, "file capabilities", "none")
        if lacks:
            yield Fail(
                f"{path} has file capabilities, which then are all it gets: {lacks[0]} is missing",
                proof,
                fix=setuid_root(host, path, stat),
            )
        else:
            yield Undecided(f"{path} has file capabilities beside its setuid bit", proof)
    else:
        yield from _bounded(host, path, seen)


def _bounded(host: Host, path: str, seen: Evidence) -> Iterator[Finding]:
    """Even a setuid root program gets no capability that its session has given up for good."""
    text = host.get(inherited, "CapBnd")
    try:
        bound = int(text, 16) if text else -1
    except ValueError:
        raise Unknown("CapBnd in /proc/self/status is no number") from None
    lacks = [name for bit, name in NEEDED.items() if not bound >> bit & 1]
    if lacks:
        yield Fail(
            f"the session's capability bounding set lacks {', '.join(lacks)}, which {path} needs",
            Evidence("/proc/self/status", None, f"CapBnd: {text}", "with " + ", ".join(lacks)),
            fix=own_login(
                host, "start from a session that has all capabilities in its bounding set"
            ),
        )
    else:
        yield Pass(f"{path} is setuid root", seen)
