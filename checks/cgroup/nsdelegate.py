from collections.abc import Iterator

from audit.facts.cgroup import ROOT, UNIFIED, cgroup_layout
from audit.facts.mounts import MOUNTINFO, mount_of
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations import cgroups


@check("cgroup2 is mounted with nsdelegate", Level.HARDENING, after=("cgroup.layout",))
def nsdelegate(host: Host) -> Iterator[Finding]:
    """The kernel treats cgroup namespaces as delegation boundaries.

    Without it a container whose cgroup root is writable may change limits on its own root and move
    processes across the boundary. systemd and OpenRC mount it so.

    Why: a container could lift the limits that were set on it.
    See: cgroups(7), "nsdelegate"; kernel 4.13
    """
    if host.get(cgroup_layout) != UNIFIED:
        raise NotApplicable("cgroup2 is not what is mounted on /sys/fs/cgroup")
    mount = host.get(mount_of, ROOT)
    options = sorted(mount.options | mount.flags) if mount is not None else []
    seen = Evidence(MOUNTINFO, mount.line if mount else None, ",".join(options), "nsdelegate")
    if "nsdelegate" in options:
        yield Pass("a cgroup namespace is a delegation boundary", seen)
        return
    yield Fail(
        "cgroup2 is mounted without nsdelegate: containers are not confined to their delegation",
        seen,
        fix=cgroups.nsdelegate(mount),
    )
