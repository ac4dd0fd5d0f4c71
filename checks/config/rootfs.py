from collections.abc import Iterator

from audit.facts.config import container_config
from audit.facts.guest import Rootfs, rootfs
from audit.host import Host
from audit.model import (
    CREATE,
    STARTING,
    Evidence,
    Fail,
    Finding,
    Fix,
    Level,
    NotApplicable,
    Pass,
    Undecided,
    check,
)

# Storage that liblxc mounts through a loop, network or volume device, which only root may set up.
ROOTS = ("loop", "lvm", "nbd", "rbd", "zfs")
OVERLAY = ("overlay", "overlayfs")


@check(
    "The root file system of the config is there, on storage that a user may mount",
    Level.BLOCKING,
    stages=(CREATE, *STARTING),
    after=("config.present", "config.includes"),
)
def rootfs_is_there(host: Host) -> Iterator[Finding]:
    """lxc.rootfs.path names an existing directory, of type dir, btrfs or overlay.

    The path is absolute and written into the container's config when it is created: it is wrong
    after the home directory moved or the user was renamed. In the config for new containers the
    line is not wanted at all: lxc-create then takes the directory for the root file system, and
    refuses when it is not there.

    Why: "No such file or directory - Failed to open ".../rootfs"", "The rootfs "..." does not
    exist", "Unprivileged users can only create btrfs and directory-backed containers"
    See: lxc.container.conf(5) "lxc.rootfs.path", LXC src/lxc/storage/dir.c
    """
    root = host.get(rootfs)
    config = host.get(container_config)
    if root is None:
        if host.request.container is None:
            raise NotApplicable("lxc-create makes the root file system of a new container")
        yield Fail(
            "the container has no root file system: without lxc.rootfs.path LXC takes the host's, "
            "which a user may not",
            Evidence(config.path, None, "no lxc.rootfs.path", "lxc.rootfs.path = dir:PATH"),
            stages=STARTING,
        )
        return
    seen = Evidence(root.entry.file, root.entry.line, root.entry.text)
    stages = STARTING if host.request.container is not None else (CREATE,)
    options = config.last("lxc.rootfs.options")
    if root.storage in ROOTS:
        message = f"storage of type {root.storage} takes root: a user's containers are dir or btrfs"
        yield Fail(message, seen, stages=STARTING)
    elif root.storage in OVERLAY:
        yield Undecided("whether its overlay can be mounted takes a try", seen, stages=STARTING)
    elif options is not None and "idmap=" in options.value:
        line = Evidence(options.file, options.line, options.text)
        yield Fail("an id-mapped root file system takes root of the host", line, stages=STARTING)
    elif not root.path.startswith("/"):
        yield Undecided(f"{root.path} depends on where LXC's commands are typed", seen)
    else:
        yield directory(host, root, seen, stages)


def directory(host: Host, root: Rootfs, seen: Evidence, stages: tuple[str, ...]) -> Finding:
    """Is it there?"""
    found = host.stat(root.path)
    if found is not None and found.kind == "directory":
        return Pass(f"{root.path} is there", seen)
    what = "does not exist" if found is None else f"is a {found.kind}"
    at_start = STARTING if host.request.container is not None else (CREATE,)
    line = f"${{EDITOR:-vi}} +{root.entry.line} {root.entry.file}"
    title = "write the path where the root file system is now, or remove the line"
    return Fail(
        f"the root file system {root.path} {what}",
        seen,
        fix=Fix("rootfs_path", title, (line,), ("user",)),
        stages=at_start,
    )
