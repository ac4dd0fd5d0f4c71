from collections.abc import Iterator

from audit.facts.cgroup import THREADED
from audit.facts.cgstages import best_plan, given_up, lost_seat
from audit.facts.kernel import DISABLED, cmdline
from audit.host import Host
from audit.model import STARTING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.cgroups import domain_controller


@check(
    "The delegated cgroup has a controller of whole processes",
    Level.BLOCKING,
    stages=STARTING,
    after=("cgroup.mounted", "cgroup.user_cgroup", "systemd.user_manager"),
)
def threaded_only(host: Host) -> Iterator[Finding]:
    """Not all controllers of the delegated cgroup2 are "threaded" ones (cpu, cpuset, pids).

    LXC 4.0.7 to 5.0 enables all of them while lxc-start is still inside. The kernel refuses this
    for memory or io, which does no harm. It allows it for threaded controllers, makes the cgroup
    the root of a threaded subtree, and its children are then invalid: lxc-start cannot enter them.
    Typical: cgroup_disable=memory. LXC that asks systemd for its own scope is not concerned.

    Why: "cgfsng_monitor_enter: Operation not supported - Failed to enter cgroup"
    See: cgroups(7), "Thread mode"; LXC src/lxc/cgroups/cgfsng.c (__cgfsng_delegate_controllers)
    """
    best = host.get(best_plan)
    unified = best.seat.unified
    if unified is None or not unified.writable or not unified.controllers:
        raise NotApplicable("no cgroup2 with controllers is the user's")
    names = " ".join(unified.controllers)
    seen = Evidence(f"{unified.directory}/cgroup.controllers", None, names, "memory or io as well")
    if best.start.cause != "thread":
        yield Pass(f"it has {names}", seen)
        return
    word = next((w for w in host.get(cmdline) if w.startswith(DISABLED)), None)
    cause = f" (the kernel was booted with {word})" if word else ""
    text = f"the user's cgroup has only {names}{cause}, all of them threaded ({sorted_threaded()})"
    level, stages = lost_seat(host)
    what = "fails, so containers share the session's cgroup" if host.get(given_up) else "fails"
    yield Fail(
        f"{text}: LXC cannot enter a cgroup below it; a start there {what}",
        seen,
        fix=domain_controller(host),
        level=level,
        stages=stages,
    )


def sorted_threaded() -> str:
    return ", ".join(sorted(THREADED))
