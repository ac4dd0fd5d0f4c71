from collections.abc import Iterator

from audit.facts.cgstages import is_cause, stopped
from audit.facts.cgstart import run_plan
from audit.host import Host
from audit.model import STARTING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.cgroups import own_cgroup


@check(
    "The cgroup that LXC starts from may hand its controllers down",
    Level.BLOCKING,
    stages=STARTING,
    after=("cgroup.mounted", "cgroup.user_cgroup", "systemd.user_manager"),
)
def inner_processes(host: Host) -> Iterator[Finding]:
    """No other process, such as the user's shell, is in the delegated cgroup itself.

    The kernel does not let a cgroup2 with processes give controllers to its children. For LXC 4.0.0
    to 4.0.6 that ends the start. Later releases start, and the container has no controllers: any
    limit then fails, which cgroup.limits tells. The document's recipe for OpenRC, `USER * USER` in
    cgrules.conf, puts the shell into just that place; a leaf (`USER/login`) keeps it free.

    Why: "Device or resource busy - Could not enable "+cpu +memory +pids" controllers in the
    unified cgroup"
    See: cgroups(7), "no internal processes" rule
    """
    plan = host.get(run_plan)
    unified = plan.seat.unified
    if unified is None or not unified.writable:
        raise NotApplicable("no cgroup2 is the user's")
    procs = f"{unified.directory}/cgroup.procs"
    seen = Evidence(procs, None, "other processes" if unified.busy else "lxc-start alone")
    if is_cause(host, "busy"):
        yield Fail(
            f"{plan.seat.where} holds the shell, and LXC gives up when it cannot hand its "
            "controllers down: log in to a leaf below it",
            seen,
            fix=own_cgroup(host),
            stages=stopped(host),
        )
        return
    if plan.start.works and unified.controllers and not plan.start.controllers:
        yield Fail(
            f"{plan.seat.where} holds other processes: containers get no controllers, so no limits",
            seen,
            fix=own_cgroup(host),
            level=Level.DEGRADED,
            stages=(),
        )
        return
    yield Pass(f"containers are started from {plan.seat.where}", seen)
