from collections.abc import Iterator

from audit.facts.cgroup import PROC, cgroup_layout
from audit.facts.cgstart import run_plan
from audit.host import Host
from audit.model import STARTING, Evidence, Fail, Finding, Level, Pass, check
from remediations.cgroups import mount


@check("The kernel has a cgroup hierarchy", Level.BLOCKING, stages=STARTING)
def mounted(host: Host) -> Iterator[Finding]:
    """LXC finds at least one line in /proc/self/cgroup.

    A hierarchy need not be mounted nor be the user's for a container to start, but the file must
    not be empty: it is until something mounts the first cgroup file system after boot.

    Why: "initialize_cgroups: Cannot allocate memory - Failed to initialize cgroups"
    See: cgroups(7); LXC src/lxc/cgroups/cgfsng.c (__initialize_cgroups)
    """
    plan = host.get(run_plan)
    if plan.start.cause == "none":
        yield Fail(
            "no cgroup file system was ever mounted on this host: LXC cannot start anything",
            Evidence(PROC, None, "empty", "0::/..."),
            fix=mount(host),
        )
        return
    yield Pass(
        f"{plan.seat.lines} hierarchies, mounted as {host.get(cgroup_layout)}",
        Evidence(PROC, 1, plan.seat.where),
    )
