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
from remediations.actions import ROOT, Manual
from remediations.config import leave_out
from remediations.rootfs_line import name_it, without_idmap

# Storage that liblxc mounts through a loop, network or volume device, which only root may set up.
ROOTS = ("loop", "lvm", "nbd", "rbd", "zfs")
OVERLAY = ("overlay", "overlayfs")
# What is on it can be read by root alone.
OTHER_STORAGE = Fix(
    "other_storage",
    "make the container anew in a directory",
    (Manual(("# lxc-create -B dir, then have root copy the files over",), ROOT),),
)


@check(
    "The root file system of the config is on storage that a user may mount",
    Level.BLOCKING,
    stages=(CREATE, *STARTING),
    after=("config.present", "config.leftovers", "config.includes"),
)
def rootfs_is_there(host: Host) -> Iterator[Finding]:
    """lxc.rootfs.path has a type that needs no root: dir, btrfs or overlay.

    Loop, volume and network devices can be set up by root only. In the config for new containers
    the line is not wanted at all: lxc-create then fills the directory that it names, and refuses
    when that is not there. Whether an existing container's directory can be entered is
    storage.rootfs.

    Why: "The rootfs "..." does not exist", "Failed to open loop control", "Unprivileged users can
    only create btrfs and directory-backed containers"
    See: lxc.container.conf(5) "lxc.rootfs.path", LXC src/lxc/storage/storage.c
    """
    root = host.get(rootfs)
    config = host.get(container_config)
    if root is None:
        if host.request.container is None:
            raise NotApplicable("lxc-create makes the root file system of a new container")
        if any(one.line == 0 and one.file == config.path for one in config.problems):
            raise NotApplicable("the container has no config that can be read: config.present")
        yield Fail(
            "the container has no root file system: without lxc.rootfs.path LXC takes the host's, "
            "which a user may not",
            Evidence(config.path, None, "no lxc.rootfs.path", "lxc.rootfs.path = dir:PATH"),
            fix=name_it(host),
            stages=STARTING,
        )
        return
    seen = Evidence(root.entry.file, root.entry.line, root.entry.text)
    options = config.last("lxc.rootfs.options")
    if root.storage in ROOTS:
        message = f"storage of type {root.storage} takes root: a user's containers are dir or btrfs"
        yield Fail(message, seen, fix=OTHER_STORAGE, stages=STARTING)
    elif root.storage in OVERLAY:
        yield Undecided("whether its overlay can be mounted takes a try", seen, stages=STARTING)
    elif options is not None and "idmap=" in options.value:
        line = Evidence(options.file, options.line, options.text)
        yield Fail(
            "an id-mapped root file system takes root of the host",
            line,
            fix=without_idmap(host, options),
            stages=STARTING,
        )
    elif not root.path.startswith("/"):
        yield Undecided(f"{root.path} depends on where LXC's commands are typed", seen)
    elif host.request.container is not None:
        yield Pass(f"a user may mount {root.path}", seen)
    else:
        yield directory(host, root, seen)


def directory(host: Host, root: Rootfs, seen: Evidence) -> Finding:
    """lxc-create wants the directory to be there when the config names one."""
    found = host.stat(root.path)
    if found is not None and found.kind == "directory":
        return Pass(f"lxc-create will fill {root.path}", seen)
    what = "does not exist" if found is None else f"is a {found.kind}"
    return Fail(
        f"{root.path}, which lxc-create is told to fill, {what}",
        seen,
        fix=leave_out(
            host,
            root.entry,
            "leave the line out: lxc-create makes a root file system for each container",
        ),
        stages=(CREATE,),
    )
