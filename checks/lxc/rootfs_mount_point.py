from collections.abc import Iterator

from audit.facts.config import container_config
from audit.facts.lxc import constants, rootfs_mount
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Fix, Level, Pass, Unknown, check
from remediations.actions import ROOT, USER, Action, Directory, Manual, Remove
from remediations.aside import aside
from remediations.config import rights
from remediations.typed import typed


@check(
    "The directory that LXC mounts root file systems on exists",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("lxc.installed",),
)
def rootfs_mount_point(host: Host) -> Iterator[Finding]:
    """The directory compiled into liblxc, or lxc.rootfs.mount, is there for create and for start.

    Each container mounts its root file system on it in a mount namespace of its own, so that it
    stays empty for everybody else; clean-up scripts take such a directory for a leftover.

    Why: "Failed to access to "/usr/lib/x86_64-linux-gnu/lxc/rootfs". Check it is present"
    See: lxc.container.conf(5) "lxc.rootfs.mount", LXC src/lxc/conf.c (lxc_storage_prepare)
    """
    entry = host.get(container_config).last("lxc.rootfs.mount")
    path = host.get(rootfs_mount) if entry is None else entry.value
    source = host.get(constants).library if entry is None else entry.file
    said = Evidence(source, None if entry is None else entry.line, path)
    found = host.stat(path)
    if found is not None and found.kind == "directory":
        yield Pass(f"{path} is there", said)
        return
    state = "missing" if found is None else f"a {found.kind}"
    yield Fail(
        f"{path}, on which LXC mounts every root file system, is {state}",
        said,
        Evidence(path, None, state, "an empty directory"),
        fix=_make(host, path, compiled_in=entry is None),
    )


def _make(host: Host, path: str, *, compiled_in: bool) -> Fix:
    """Root makes the one that LXC is built with; where a config names one, the user does."""
    title = f"make {path}"
    make = Directory(path)
    clear: tuple[Action, ...] = ()
    try:
        is_there = host.lstat(path) is not None
    except Unknown:
        is_there = False
    if compiled_in:
        clear = (Remove(path),) if is_there else ()
    elif rights(host, path) == USER:
        clear = aside(host, title, path).actions if is_there else ()
        make = make._replace(theirs=True)
    else:
        return Fix("rootfs_mount_point", title, (Manual(typed(make), ROOT),))
    return Fix("rootfs_mount_point", title, (*clear, make))
