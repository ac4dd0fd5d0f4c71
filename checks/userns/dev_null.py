from collections.abc import Iterator

from audit.access import may
from audit.facts.mounts import mount_of, mounts_file
from audit.facts.session import session_credentials
from audit.host import Host
from audit.model import (
    EVERYTHING,
    STARTING,
    Evidence,
    Fail,
    Finding,
    Level,
    Pass,
    Unknown,
    check,
)
from remediations.devices import node, opened
from remediations.mounts import without

NODE = "/dev/null"
ANEW = node(NODE, 1, 3)


@check("The user can read and write /dev/null", Level.BLOCKING, stages=EVERYTHING)
def dev_null(host: Host) -> Iterator[Finding]:
    """/dev/null is there and open to everybody, in a file system whose devices work.

    A template's shell writes to it, lxc-start opens it for reading and writing. It gets lost in
    chroots, and by programs of root that replace it with a file.

    Why: "Permission denied - Can't open /dev/null"
    See: null(4), LXC src/lxc/utils.c (open_devnull)
    """
    if host.source.kind == "root":
        raise Unknown("a directory tree has no /dev of its own")
    answer = host.ask("stat", NODE)
    found = host.stat(NODE)
    if found is None:
        yield Fail(f"{NODE} does not exist", Evidence(NODE, None, "does not exist"), fix=ANEW)
        return
    mode = Evidence(NODE, None, f"{found.kind} {found.mode:04o} {found.uid}:{found.gid}", "0666")
    mount = host.get(mount_of, NODE)
    if found.kind == "character device" and mount is not None and "nodev" in mount.flags:
        yield Fail(
            f"{mount.point} is mounted nodev: {NODE} cannot be opened",
            Evidence(host.get(mounts_file), mount.line, f"{mount.point} nodev"),
            fix=without(host, mount, "nodev"),
        )
        return
    user = host.get(session_credentials)
    acl = host.xattr(NODE, "system.posix_acl_access")
    fix = opened(NODE, found, acl, user) if found.kind == "character device" else ANEW
    if not may(answer, acl, user, "w"):
        yield Fail(f"{NODE} is mode {found.mode:04o}: the user cannot write it", mode, fix=fix)
    elif not may(answer, acl, user, "r"):
        yield Fail(
            f"{NODE} is mode {found.mode:04o}: the user cannot read it",
            mode,
            fix=fix,
            stages=STARTING,
        )
    else:
        yield Pass("it is open to the user", mode)
