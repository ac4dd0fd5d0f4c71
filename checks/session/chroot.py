from collections.abc import Iterator
from typing import cast

from audit.facts.mounts import MOUNTINFO, has_root_of_init, mounts
from audit.facts.session import is_mine, session_credentials
from audit.host import Host
from audit.model import (
    EVERYTHING,
    Evidence,
    Fail,
    Finding,
    Level,
    NotApplicable,
    Pass,
    Undecided,
    Unknown,
    check,
)
from remediations.session import own_login

# An initramfs that does not move its mounts to the new root leaves proc, sys, dev and run; Linux
# 7.0 leaves the empty file system and the initramfs that the root was mounted on.
LEFT_BY_BOOT = 4


@check("The session is not in a chroot", Level.BLOCKING, stages=EVERYTHING, after=("host.user",))
def chroot(host: Host) -> Iterator[Finding]:
    """The kernel makes no user namespace for a process whose root directory is not its mount
    namespace's.

    In a chroot, mounts of the namespace cannot be reached; and where its root is no mount point,
    /proc/self/mountinfo has no line for `/`. Containers (pivot_root) are no chroots.

    Why: "Operation not permitted - Failed to unshare new user namespace"
    See: user_namespaces(7), unshare(2) EPERM; kernel fs/namespace.c, current_chrooted()
    """
    if not host.get(is_mine):
        raise NotApplicable("the next login is not in a chroot of this process")
    table = host.get(mounts)
    out = own_login(host, "start LXC outside the chroot")
    if not any(mount.point == "/" for mount in table):
        yield Fail(
            "this session is in a chroot: its / is no mount",
            Evidence(MOUNTINFO, None, "no mount on /", "one"),
            fix=out,
        )
        return
    count = cast("int | None", host.ask("mounts"))
    hidden = 0 if count is None else count - len(table)
    seen = Evidence(MOUNTINFO, None, f"{len(table)} mounts", f"{count or len(table)} mounts")
    if hidden <= 0 or _makes_a_namespace(host):
        yield Pass("every mount can be reached from /", seen)
    elif hidden <= LEFT_BY_BOOT and host.get(has_root_of_init):
        yield Pass("this session's / is the one that the host was booted to", seen)
    elif hidden > LEFT_BY_BOOT:
        yield Fail(
            f"this session is in a chroot: {hidden} mounts of its namespace lie outside its /",
            seen,
            fix=out,
        )
    else:
        yield Undecided(
            f"{hidden} mounts lie outside this session's /: a chroot, or left by the boot;"
            " --probe tells",
            seen,
        )


def _makes_a_namespace(host: Host) -> bool:
    """Whether --probe made a user namespace, which no chroot lets one do."""
    try:
        return host.probe("userns", str(host.get(session_credentials))).get("ok") is True
    except Unknown:
        return False
