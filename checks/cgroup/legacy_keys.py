from collections.abc import Iterator

from audit.facts.cglimits import cgroup_limits
from audit.facts.cgroup import UNIFIED, cgroup_layout
from audit.facts.cgstart import TWINS, UNIFIED_ONLY, run_plan
from audit.facts.lxc import lxc_version
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.cgroup_keys import rewrite


@check(
    "The config has no cgroup v1 keys on a cgroup2 host",
    Level.DEGRADED,
    after=("cgroup.limits",),
)
def legacy_keys(host: Host) -> Iterator[Finding]:
    """lxc.cgroup.CONTROLLER.* is for cgroup v1; cgroup2 has lxc.cgroup2.*.

    On a cgroup2 host LXC up to 6 ignores such keys when the container has a cgroup of its own, and
    fails the start when it has none. LXC 7.0 refuses the config: that is told with the other keys
    it does not know.

    Why: "Ignoring legacy cgroup limits on pure cgroup2 system" (WARN)
    See: lxc.container.conf(5), LXC commit f29c3a3
    """
    if host.get(lxc_version) >= UNIFIED_ONLY:
        raise NotApplicable("this LXC refuses such keys altogether")
    asked = host.get(cgroup_limits)
    old = [limit for limit in asked if not limit.unified]
    if host.get(cgroup_layout) != UNIFIED:
        raise NotApplicable("this host has cgroup v1")
    if host.get(run_plan).start.cause == "limit":
        raise NotApplicable("a limit stops the start: see cgroup.limits")
    new = {limit.file for limit in asked if limit.unified}
    bad = 0
    for limit in old:
        twin = TWINS.get(limit.file, limit.file)
        if twin in new or limit.is_device:
            continue
        bad += 1
        key = limit.entry.key
        yield Fail(
            f"{key} has no effect on cgroup2: write lxc.cgroup2.{twin}",
            Evidence(limit.entry.file, limit.entry.line, f"{key} = {limit.value}"),
            subject=key,
            fix=rewrite(host, limit),
        )
    if not bad:
        yield Pass("none that lacks its cgroup2 form")
