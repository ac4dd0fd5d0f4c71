from collections.abc import Iterator

from audit.facts.cgroup import UNIFIED, cgroup_layout
from audit.facts.cgstages import is_cause, stopped
from audit.facts.cgstart import UNIFIED_ONLY, bare_plan, blame, run_plan, systemd_lives
from audit.facts.guest import guest_init
from audit.facts.lxc import lxc_version, version_text
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
from remediations.cgroups import own_cgroup


@check(
    "A container whose init is systemd gets a cgroup that it may write",
    Level.BLOCKING,
    stages=STARTING,
    after=("cgroup.mounted", "cgroup.enter", "cgroup.room", "cgroup.threaded_only"),
)
def systemd_guest(host: Host) -> Iterator[Finding]:
    """systemd in a container makes /init.scope first of all: in its own cgroup2, or on a v1 or
    hybrid host in the hierarchy name=systemd.

    When it may not, lxc-start has already returned 0, and the container is dead seconds later.
    Other inits (busybox, OpenRC, sysvinit) live without.

    Why: "Failed to create /init.scope control group: Permission denied", "Failed to allocate
    manager object", "Exiting PID 1..." (the container's console)
    See: systemd CONTAINER_INTERFACE; LXC issues 3551, 2748, 4072
    """
    plan = host.get(run_plan)
    layout = host.get(cgroup_layout)
    asked = host.get(guest_init) == "systemd"
    seen = Evidence(plan.seat.source, None, plan.seat.where, "a cgroup of its own")
    if not plan.start.works:
        raise NotApplicable("the container does not start: see what stops it")
    if host.get(lxc_version) >= UNIFIED_ONLY and layout != UNIFIED:
        text = f"LXC {host.get(version_text)} knows cgroup2 only, and this host is {layout}"
        yield Undecided(
            f"{text}: whether a systemd guest lives there is not known; boot with cgroup2 alone",
            seen,
            level=Level.BLOCKING if asked else Level.DEGRADED,
            stages=STARTING if asked else (),
        )
        return
    if systemd_lives(plan.start, layout):
        bare = host.get(bare_plan).start
        plainly = bare.works and systemd_lives(bare, layout)
        yield Pass(f"in {plan.seat.where}" + ("" if plainly else ", by `lxc-preflight run`"), seen)
        return
    if "guest" in host.get(blame).problems:
        raise NotApplicable(f"a consequence of {host.get(blame).check}")
    if is_cause(host, "guest"):
        yield Fail(
            f"the container's systemd finds no cgroup that it may write in {plan.seat.where}",
            seen,
            fix=own_cgroup(host),
            stages=stopped(host),
        )
        return
    yield Fail(
        f"a systemd guest would not start here: it could not write any cgroup of "
        f"{plan.seat.where}, although a plain one runs",
        seen,
        fix=own_cgroup(host),
        level=Level.DEGRADED,
        stages=(),
    )
