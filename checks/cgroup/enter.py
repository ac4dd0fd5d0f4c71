from collections.abc import Iterator

from audit.facts.cgstages import best_plan, lost_seat
from audit.facts.cgstart import blame
from audit.host import Host
from audit.model import STARTING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.cgroups import give


@check(
    "LXC can make cgroups below the one it starts from and enter them",
    Level.BLOCKING,
    stages=STARTING,
    after=("cgroup.mounted", "cgroup.user_cgroup", "systemd.user_manager"),
)
def enter(host: Host) -> Iterator[Finding]:
    """The user owns the directory of its cgroup2 and its cgroup.procs, as well as the other files.

    LXC takes a cgroup2 for delegated when cgroup.threads, cgroup.subtree_control and their like are
    writable. It does not look at the directory, in which it makes lxc.monitor.NAME, and not at
    cgroup.procs, which moving a process down takes. Half a delegation is worse than none.

    Why: "Numerical result out of range - Failed to create monitor cgroup"; "Permission denied -
    Failed to enter cgroup"
    See: cgroups(7), "Delegation"; LXC src/lxc/cgroups/cgfsng.c (cgfsng_monitor_create)
    """
    plan = host.get(best_plan)
    unified = plan.seat.unified
    if unified is None:
        raise NotApplicable("cgroup2 is not mounted")
    cause = plan.start.cause
    if cause in host.get(blame).problems:
        raise NotApplicable(f"a consequence of {host.get(blame).check}")
    if cause not in ("create", "enter"):
        if unified not in plan.start.used:
            raise NotApplicable("LXC uses no cgroup2 of the user's")
        yield Pass(f"{unified.directory} can be used", Evidence(unified.directory))
        return
    what = unified.directory if cause == "create" else f"{unified.directory}/cgroup.procs"
    what = unified.obstacle or what
    level, stages = lost_seat(host)
    yield Fail(
        f"{what} is not the user's: {plan.start.error}",
        Evidence(what, None, "not writable", "the user's"),
        fix=give(host, unified),
        level=level,
        stages=stages,
    )
