from __future__ import annotations

from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.executables import USUAL, Executable, which
from audit.facts.idmap import HELPERS, needs_no_helper, writes_directly
from audit.facts.mounts import Mount, mount_of, mounts_file
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Fix, Level, NotApplicable, Pass, check
from remediations.aside import aside
from remediations.mounts import without


@check(
    "newuidmap and newgidmap are not on a nosuid mount",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("idmap.helper_present",),
)
def helper_nosuid(host: Host) -> Iterator[Finding]:
    """The file systems that hold the helpers are mounted without `nosuid`.

    On a nosuid mount the kernel ignores setuid bits and file capabilities alike. LXC does not
    see it: the file looks privileged, and newuidmap then has no right to write the map.

    Why: "newuidmap: write to uid_map failed: Operation not permitted"
    See: mount(8), execve(2), LXC src/lxc/conf.c (lxc_map_ids)
    """
    account = host.get(target)
    if host.get(needs_no_helper) and (account.uid == 0 or host.get(writes_directly)):
        raise NotApplicable(f"{account.name} may write this map without a helper")
    points: dict[str, list[str]] = {}
    for name in HELPERS.values():
        one = host.get(which, name)
        mount = None if one is None else host.get(mount_of, one.real)
        if one is None or mount is None:
            continue
        source = host.get(mounts_file)
        if "nosuid" not in mount.flags:
            seen = Evidence(source, mount.line or None, ",".join(sorted(mount.flags)))
            yield Pass(f"{one.real} is on {mount.point}, without nosuid", seen, subject=name)
            points.setdefault("", []).append(name)
        elif mount.point not in points:
            seen = Evidence(source, mount.line or None, "nosuid", "no nosuid")
            yield Fail(
                f"{mount.point}, which holds {one.real}, is mounted nosuid: it gets no privilege",
                seen,
                subject=name,
                fix=cure(host, one, mount),
            )
            points.setdefault(mount.point, []).append(name)
    if not points:
        raise NotApplicable("neither newuidmap nor newgidmap is there")


def cure(host: Host, one: Executable, mount: Mount) -> Fix:
    """A copy somewhere else is no reason to loosen the mount that it lies on."""
    if one.real.rpartition("/")[0] in USUAL:
        return without(host, mount, "nosuid")
    return aside(host, f"take away {one.path}, which hides the one of the distribution", one.path)
