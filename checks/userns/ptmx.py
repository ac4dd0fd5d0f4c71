from collections.abc import Iterator

from audit.access import may
from audit.facts.config import container_config
from audit.facts.lxc import lxc_version
from audit.facts.mounts import Mount, mount_of, mounts_file
from audit.facts.session import session_credentials
from audit.facts.wanted import template
from audit.host import Host
from audit.model import (
    STARTING,
    Evidence,
    Fail,
    Finding,
    Level,
    NotApplicable,
    Pass,
    Unknown,
    check,
)
from remediations.devices import node, opened
from remediations.mounts import kernels, uncover

NODE = "/dev/ptmx"
OWN_CONSOLE = (
    4,
    0,
    12,
)  # since then a container with a devpts of its own takes its console from there


@check("The user can open a pseudoterminal for the console", Level.BLOCKING, stages=STARTING)
def ptmx(host: Host) -> Iterator[Finding]:
    """/dev/ptmx is open to the user and a devpts is mounted on /dev/pts.

    lxc-start takes the console from the host's devpts when lxc.pty.max is 1 or not set, as in the
    config of the busybox template; downloaded images set 1024 and have their own. A devpts mounted
    ptmxmode=000 is fine as long as /dev/ptmx is a node of its own. The kernel takes the devpts that
    is mounted on `pts` in the directory of the node, in the node's own file system.

    Why: "Permission denied - Failed to allocate console", "No such device - Failed to allocate
    console", "No such file or directory - Failed to allocate console"
    See: pts(4), kernel fs/devpts/inode.c (devpts_mntget), LXC src/lxc/terminal.c
    (lxc_terminal_parent, lxc_devpts_terminal)
    """
    if host.source.kind == "root":
        raise Unknown("a directory tree has no /dev of its own")
    if not _uses_host(host):
        raise NotApplicable("the container's console comes from its own devpts, or there is none")
    mount = host.get(mount_of, "/dev/pts")
    if mount is None or mount.fstype != "devpts" or mount.point != "/dev/pts":
        yield Fail(
            "no devpts is mounted on /dev/pts",
            Evidence(host.get(mounts_file), None, "no devpts", "devpts on /dev/pts"),
            fix=kernels("devpts", "/dev/pts", "mode=620,gid=5,ptmxmode=000"),
        )
        return
    over = _foreign_node(host)
    if over is not None:
        yield Fail(
            f"a node of another file system ({over.fstype}) is mounted on {NODE}: the kernel looks"
            " for pts beside it there",
            Evidence(host.get(mounts_file), over.line, f"{over.fstype} on {NODE}", "none"),
            fix=uncover(over),
        )
        return
    answer, found = host.ask("stat", NODE), host.stat(NODE)
    if found is None:
        yield Fail(
            f"{NODE} does not exist",
            Evidence(NODE, None, "does not exist"),
            fix=node(NODE, 5, 2),
        )
        return
    acl = host.xattr(NODE, "system.posix_acl_access")
    seen = Evidence(NODE, None, f"{found.kind} {found.mode:04o} {found.uid}:{found.gid}", "0666")
    user = host.get(session_credentials)
    if may(answer, acl, user, "rw"):
        yield Pass("the user can", seen)
    else:
        fix = opened(NODE, found, acl, user)
        yield Fail(f"{NODE} is mode {found.mode:04o}: the user cannot open it", seen, fix=fix)


def _foreign_node(host: Host) -> Mount | None:
    """A mount on the node itself that brings one from elsewhere than /dev or a devpts."""
    over, dev = host.get(mount_of, NODE), host.get(mount_of, "/dev")
    if over is None or over.point != NODE or over.fstype == "devpts":
        return None
    return None if dev is not None and over.device == dev.device else over


def _uses_host(host: Host) -> bool:
    config = host.get(container_config)
    if config.get("lxc.console.path") == "none":
        return False
    if host.get(lxc_version) < OWN_CONSOLE:
        return True
    most = config.get("lxc.pty.max") or "0"
    most = {"busybox": "1", "download": "1024", "local": "1024"}.get(host.get(template) or "", most)
    return not (most.isdecimal() and int(most) > 1)
