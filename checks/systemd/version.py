from collections.abc import Iterator

from audit.facts.cgroup import UNIFIED, cgroup_layout
from audit.facts.init import SYSTEMD, init_system
from audit.facts.systemd import version
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, Unknown, check

CPUSET_SINCE = 244
LEGACY_UNTIL = 258


@check("systemd is new enough to delegate every controller", Level.DEGRADED)
def version_(host: Host) -> Iterator[Finding]:
    """systemd 244 can delegate cpuset; 256 refuses cgroup v1 unless forced, 258 has none.

    Upstream's user@.service delegates cpu, memory and pids since 252, and only memory and pids
    before; a drop-in adds the others.

    Why: a controller that systemd does not know stays with root, and limits on it fail.
    See: systemd NEWS of 244, 252, 256 and 258; units/user@.service.in
    """
    if host.get(init_system) != SYSTEMD:
        raise NotApplicable("systemd does not run here")
    found = host.get(version)
    if found is None:
        raise Unknown("no libsystemd-shared-VERSION.so tells systemd's version")
    seen = Evidence("/usr/lib/systemd", None, f"libsystemd-shared-{found}.so", f"{CPUSET_SINCE}")
    if found < CPUSET_SINCE:
        yield Fail(f"systemd {found} cannot delegate the cpuset controller", seen)
    elif host.source.kind != "root" and found < LEGACY_UNTIL and host.get(cgroup_layout) != UNIFIED:
        yield Pass(f"systemd {found} still knows cgroup v1, which this host uses", seen)
    else:
        yield Pass(f"systemd {found}", seen)
