"""May a fresh /proc or /sys be mounted inside the container's user namespace?

The kernel allows it only while one instance is mounted that hides nothing (fs/namespace.c,
mnt_already_visible, called by mount_too_revealing since 4.2). This is that rule. Inside the
container's new mount namespace every mount below another is locked, and so are the flags `ro` and
the atime flags."""

from __future__ import annotations

from audit.facts.mounts import Mount, mounts
from audit.host import Host
from audit.records import NamedTuple

# Directories that the kernel made to be mounted on: always empty below the mount, so they hide
# nothing. (proc_create_mount_point and sysfs_create_mount_point, over the kernel's tree.)
EMPTY = {
    "proc": ("fs/nfsd", "openprom", "sys/fs/binfmt_misc", "xen"),
    "sysfs": (
        "firmware/efi/efivars",
        "fs/bpf",
        "fs/cgroup",
        "fs/fuse/connections",
        "fs/pstore",
        "fs/resctrl",
        "fs/selinux",
        "fs/smackfs",
        "hypervisor/s390",
        "kernel/config",
        "kernel/debug",
        "kernel/security",
        "kernel/tracing",
    ),
}
# File systems that people and sandboxes mask things with. Any other one over an unknown directory
# may sit on a mount point that a newer kernel made for it.
MASKS = frozenset(
    [
        "tmpfs",
        "ramfs",
        "overlay",
        "ext2",
        "ext3",
        "ext4",
        "xfs",
        "btrfs",
        "f2fs",
        "zfs",
        "squashfs",
        "erofs",
        "devtmpfs",
        "proc",
        "sysfs",
    ]
)


class Obstacle(NamedTuple):
    """Why an instance does not count: the mount at fault, what it does, and whether that is
    certain.
    """

    mount: Mount
    why: str
    certain: bool = True


class View(NamedTuple):
    """`open`: an instance that allows a new one, else None; `obstacles`: one for each instance that
    does not.
    """

    open: Mount | None
    obstacles: tuple[Obstacle, ...]


def view(host: Host, fstype: str, read_only: bool) -> View:
    """Whether a fresh `proc` or `sysfs` can be mounted; `read_only`: a read-only one would do."""
    table = host.get(mounts)
    below: dict[int, list[Mount]] = {}
    for mount in table:
        below.setdefault(mount.parent, []).append(mount)
    obstacles: list[Obstacle] = []
    for mount in table:
        if mount.fstype != fstype:
            continue
        children = [m for m in below.get(mount.ident, ()) if m.ident != mount.ident]
        obstacle = _obstacle(mount, children, read_only)
        if obstacle is None:
            return View(mount, tuple(obstacles))
        obstacles.append(obstacle)
    return View(None, tuple(obstacles))


def _obstacle(mount: Mount, children: list[Mount], read_only: bool) -> Obstacle | None:
    if mount.root != "/":
        return Obstacle(mount, "shows only a part of it")
    if mount.is_read_only and not read_only:
        return Obstacle(mount, "is mounted read-only")
    if "relatime" not in mount.flags or "nodiratime" in mount.flags:
        odd = next(
            (flag for flag in ("noatime", "nodiratime") if flag in mount.flags), "strictatime"
        )
        return Obstacle(mount, f"is mounted {odd} instead of relatime")
    unsure: Obstacle | None = None
    for child in children:
        place = child.point[len(mount.point.rstrip("/")) :].lstrip("/")
        if place in EMPTY[mount.fstype] and child.point.startswith(mount.point):
            continue
        if place and child.root == "/" and child.fstype not in MASKS:
            unsure = Obstacle(child, f"may cover something in {mount.point}", certain=False)
            continue
        return Obstacle(child, f"covers a part of {mount.point}")
    return unsure
