from collections.abc import Iterator

from audit.facts.cgstages import best_plan, lost_seat
from audit.facts.cgstart import crowded
from audit.host import Host
from audit.model import STARTING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations import cgroups


@check(
    "There is room for two more cgroups",
    Level.BLOCKING,
    stages=STARTING,
    after=("cgroup.mounted", "cgroup.user_cgroup", "systemd.user_manager"),
)
def room(host: Host) -> Iterator[Finding]:
    """cgroup.max.descendants and cgroup.max.depth leave space for lxc.monitor and lxc.payload.

    Both count all the way up: an ancestor's limit is one for everything below it.

    Why: "Resource temporarily unavailable - Failed to create 13(lxc.monitor.NAME)"
    See: cgroups(7); kernel kernel/cgroup/cgroup.c (cgroup_check_hierarchy_limits)
    """
    plan = host.get(best_plan)
    if plan.seat.unified is None or not plan.seat.unified.writable:
        raise NotApplicable("no cgroup2 is the user's")
    found = host.get(crowded, plan.seat)
    if found is None:
        yield Pass("no limit is near", Evidence(plan.seat.unified.directory))
        return
    text = f"{found.file} is {found.limit}, {found.used} are there: LXC cannot make its two cgroups"
    if plan.start.cause != "descendants":
        raise NotApplicable("another cause stops the start before that")
    level, stages = lost_seat(host)
    yield Fail(
        text,
        Evidence(found.file, 1, str(found.limit), "max"),
        fix=cgroups.room(found.file, found.limit, found.used),
        level=level,
        stages=stages,
    )
