import re
from collections.abc import Iterator

from audit.facts.cgroup import cgroup_layout
from audit.facts.guest import container_dir, guest_init, inside, rootfs
from audit.host import Host
from audit.model import (
    STARTING,
    Evidence,
    Fail,
    Finding,
    Level,
    NotApplicable,
    Pass,
    Undecided,
    check,
)

UNIFIED_SINCE = 232
LIBRARY = re.compile(r"libsystemd-shared-([0-9]{3})")
DIRECTORIES = ("/usr/lib/systemd", "/lib/systemd")


@check(
    "The container's systemd knows the host's cgroups",
    Level.BLOCKING,
    stages=STARTING,
    after=("config.init", "config.rootfs"),
)
def guest_systemd(host: Host) -> Iterator[Finding]:
    """On a host with cgroup2 only, the systemd inside the container is 232 or newer.

    CentOS 7 (219), Ubuntu 16.04 (229) and Debian 8 look for the hierarchies of cgroup v1, do not
    find them and stop, seconds after an lxc-start that succeeded.

    Why: "Failed to mount cgroup at /sys/fs/cgroup/systemd: Operation not permitted", "Freezing
    execution."
    See: LXC issue 3503, systemd NEWS of version 232
    """
    if host.request.container is None or host.get(guest_init) != "systemd":
        raise NotApplicable("there is no systemd container to look at")
    if host.get(cgroup_layout) != "unified":
        raise NotApplicable("the host has the hierarchies of cgroup v1")
    where = host.get(container_dir)
    root = host.get(rootfs)
    for directory in (*DIRECTORIES, *multiarch(host)):
        found = host.get(inside, directory)
        if found is None or root is None:
            continue
        names = host.list(root.path.rstrip("/") + found.path) or ()
        versions = [int(match[1]) for name in names if (match := LIBRARY.match(name))]
        if versions:
            newest = max(versions)
            seen = Evidence(f"{root.path}{found.path}", None, str(newest), f"{UNIFIED_SINCE}")
            if newest < UNIFIED_SINCE:
                message = f"the container's systemd {newest} cannot run on cgroup2 alone"
                yield Fail(message, seen)
            else:
                yield Pass(f"the container's systemd is {newest}", seen)
            return
    message = "the version of the container's systemd is not known: its private library is missing"
    yield Undecided(message, Evidence(where))


def multiarch(host: Host) -> list[str]:
    """Debian keeps the library in the directory of its architecture."""
    root = host.get(rootfs)
    names = () if root is None else host.list(f"{root.path.rstrip('/')}/usr/lib") or ()
    return [f"/usr/lib/{name}/systemd" for name in names if "-linux-" in name]
