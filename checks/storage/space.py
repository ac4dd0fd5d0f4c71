from collections.abc import Iterator
from typing import cast

from audit.facts.lxcconf import lxcpath
from audit.facts.paths import walk
from audit.host import Host
from audit.model import CREATE, Evidence, Fail, Finding, Level, Pass, Unknown, check

MIB = 1024 * 1024
# What the smallest rootfs takes (lxc-busybox: a static busybox and its links), and a distribution's
# image.
LEAST_BYTES, LEAST_INODES = 4 * MIB, 64
IMAGE_BYTES, IMAGE_INODES = 1024 * MIB, 30_000


@check(
    "There is room for a new container",
    Level.BLOCKING,
    stages=(CREATE,),
    after=("host.user", "session.home", "storage.lxcpath", "storage.filesystem"),
)
def space(host: Host) -> Iterator[Finding]:
    """The file system of lxcpath has the bytes and inodes that a rootfs takes. Quotas are not seen
    here.

    Below what the busybox template writes, lxc-create fails; below a gigabyte most images of
    distributions do not fit.

    Why: "No space left on device - Failed to write configuration file", "Failed to create container
    NAME"
    See: statvfs(3)
    """
    where = host.get(walk, host.get(lxcpath)).here
    answer = cast("list[int] | None", host.ask("statvfs", where))
    if answer is None:
        raise Unknown(f"{where} went away")
    _, free, free_inodes, inodes, _ = answer
    counted = inodes > 0  # btrfs and others count none
    seen = Evidence(
        where,
        None,
        f"{free // MIB} MiB and {free_inodes if counted else 'any number of'} inodes free",
        f"{IMAGE_BYTES // MIB} MiB",
    )
    if free < LEAST_BYTES or (counted and free_inodes < LEAST_INODES):
        yield Fail(f"{where} has no room for a container: {seen.observed}", seen)
    elif free < IMAGE_BYTES or (counted and free_inodes < IMAGE_INODES):
        yield Fail(
            f"{where} has little room: {seen.observed}", seen, level=Level.DEGRADED, stages=()
        )
    else:
        yield Pass(f"{where} has {seen.observed}", seen)
