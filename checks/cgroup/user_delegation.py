from collections.abc import Iterator

from audit.facts.cgroup import UNIFIED, cgroup_layout, root_controllers
from audit.facts.init import SYSTEMD, init_system
from audit.facts.systemd import (
    CONTROLLERS,
    delegation,
    manager_cgroup,
    user_manager,
    user_unit,
)
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.systemd import delegate, end_sessions, lives_on


@check(
    "systemd delegates every controller to the user",
    Level.DEGRADED,
    after=("systemd.user_manager", "cgroup.layout"),
)
def user_delegation(host: Host) -> Iterator[Finding]:
    """user@UID.service has cpu, cpuset, io, memory and pids, as far as the kernel offers them.

    Delegate= of the unit and its drop-ins add up; an empty one starts over, "no" ends it. memory
    and pids are there in any case, because systemd's accounting turns them on. A change takes
    effect when the user manager is started anew: after the last logout (or a reboot, for who
    lingers).

    Limits that a config asks for are judged by cgroup.limits; this is about what could be asked.

    Why: "No such file or directory - Failed to set "io.weight"", when a config asks for it
    See: systemd.resource-control(5), Delegate=; systemd units/user@.service.in
    """
    if host.get(init_system) != SYSTEMD:
        raise NotApplicable("systemd does not run here")
    if host.get(cgroup_layout) != UNIFIED:
        raise NotApplicable("v1 controllers cannot be delegated to a user")
    manager = host.get(user_manager)
    if not manager.available:
        raise NotApplicable("the user has no user manager")
    offered = [name for name in CONTROLLERS if name in host.get(root_controllers)]
    granted = delegation(host.get(user_unit).settings)
    missing = [name for name in offered if name not in manager.controllers]
    last = granted.last
    seen = (
        Evidence(last.source, last.line, f"Delegate={last.value}", f"Delegate={' '.join(offered)}")
        if last is not None
        else Evidence(manager.source, None, " ".join(manager.controllers), " ".join(offered))
    )
    if not missing:
        yield Pass(f"the user has {' '.join(manager.controllers)}", seen)
        return
    pending = [name for name in missing if name in granted.controllers]
    if manager.state == "running" and pending == missing:
        when = (
            f"{host.get(user_unit).name} is started anew: who lingers keeps it over every logout"
            if host.get(lives_on)
            else "the user has logged out of all sessions and in again"
        )
        yield Fail(
            f"{' '.join(missing)} will be delegated when {when}",
            Evidence(f"{host.get(manager_cgroup)}/cgroup.controllers", 1, _have(manager)),
            seen,
            fix=end_sessions(host),
        )
        return
    yield Fail(
        f"{' '.join(missing)} cannot be limited: the user is delegated {_have(manager)} only",
        seen,
        fix=delegate(host, tuple(offered)),
    )


def _have(manager: object) -> str:
    return " ".join(getattr(manager, "controllers", ())) or "nothing"
