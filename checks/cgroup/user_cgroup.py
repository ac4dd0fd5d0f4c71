from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.cgroup import UNIFIED, UNMOUNTED, cgroup_layout
from audit.facts.cgstages import consequences
from audit.facts.cgstart import has_own_cgroup, run_plan
from audit.facts.init import SYSTEMD, init_system
from audit.facts.seats import session_seat
from audit.host import Host
from audit.model import STARTING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.cgroups import own_cgroup

ID = "cgroup.user_cgroup"


@check(
    "Something gives the user a cgroup of its own where systemd does not run",
    Level.BLOCKING,
    stages=STARTING,
    after=("cgroup.mounted",),
)
def user_cgroup(host: Host) -> Iterator[Finding]:
    """Without systemd a cgroup for the user is made by libcgroup, by pam_cgfs, or by hand.

    A busybox container of LXC 4.0.7 or later runs without one: it shares the session's cgroup, and
    its limits are ignored. One whose init is systemd exits within seconds, after an lxc-start that
    returned 0. On a v1 or hybrid host what counts for it is the hierarchy name=systemd.

    Why: "The cgroup.threads file is not writable, skipping unified hierarchy" (INFO);
    "Failed to create /init.scope control group: Permission denied" (the container's console)
    See: cgroups(7), cgconfig.conf(5), pam_cgfs(8); LXC src/lxc/cgroups/cgfsng.c
    """
    if host.get(init_system) == SYSTEMD:
        raise NotApplicable("systemd makes the user's cgroups: see systemd.user_manager")
    seat = host.get(session_seat)
    name = host.get(target).name
    seen = Evidence(seat.source, None, seat.where, "a cgroup that the user may write")
    if host.get(has_own_cgroup):
        yield Pass(f"the session of {name} is in {seat.where}, which is its own", seen)
        return
    level, stages = consequences(host, ID)
    unified = host.get(cgroup_layout) == UNIFIED
    blocked = seat.unified if unified else seat.legacy("name=systemd")
    if blocked is None:
        what = "name=systemd hierarchy" if host.get(cgroup_layout) != UNMOUNTED else "cgroup"
        why = f"no {what} is mounted"
    else:
        why = f"{blocked.obstacle or blocked.directory} is not writable for {name}"
        seen = Evidence(blocked.obstacle or blocked.directory, None, "root's", f"{name}'s")
    yield Fail(
        f"{name} has no cgroup of its own ({why}): {_effect(host)}",
        seen,
        fix=own_cgroup(host),
        level=level,
        stages=stages,
    )


def _effect(host: Host) -> str:
    labels = host.get(run_plan).problems
    if "guest" in labels:
        return "a container whose init is systemd dies seconds after it was started"
    if "ignored" in labels:
        return "the limits of the config would be ignored"
    if labels:
        return host.get(run_plan).start.error
    return "a systemd guest would not live here, and limits would be ignored"
