from collections.abc import Iterator

from audit.facts.cgroup import UNIFIED, cgroup_layout
from audit.facts.cgstages import consequences
from audit.facts.cgstart import run_plan
from audit.facts.init import SYSTEMD, init_system
from audit.facts.systemd import user_manager
from audit.host import Host
from audit.model import STARTING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations import systemd

ID = "systemd.user_manager"


@check(
    "The user has a systemd of its own to make scopes with",
    Level.BLOCKING,
    stages=STARTING,
    after=("cgroup.mounted",),
)
def user_manager_(host: Host) -> Iterator[Finding]:
    """`systemd --user` runs for the user, or will at the next login: user@UID.service.

    It is what hands the user a delegated cgroup. It is started by logind when pam_systemd reports a
    session, or at boot for a user who lingers. It cannot start when the unit is masked or has
    Delegate=no. Without it LXC 4.0.0 to 4.0.6 starts nothing on cgroup2; later releases start a
    busybox container in the session's cgroup, without limits; a systemd container dies.

    Why: "Can't start an unprivileged container on a pure CGroups v2 host without a systemd user
    session running." (lxc-unpriv-start); "Failed to connect to bus: No such file or directory"
    (systemd-run)
    See: user@.service(5), pam_systemd(8), loginctl(1)
    """
    if host.get(init_system) != SYSTEMD:
        raise NotApplicable("systemd does not run here")
    manager = host.get(user_manager)
    seen = Evidence(manager.source, manager.line, manager.observed, "a user manager")
    if manager.available:
        state = "runs" if manager.state == "running" else "will be started at the login"
        handed = " ".join(manager.controllers) or "no controllers"
        yield Pass(f"systemd --user {state} and has {handed}", seen)
        return
    level, stages = consequences(host, ID)
    yield Fail(
        f"{manager.reason}: {_effect(host)}",
        seen,
        fix=systemd.manager(host),
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
        return f"LXC says {host.get(run_plan).start.error}"
    if host.get(cgroup_layout) == UNIFIED:
        return "containers share the session's cgroup; no limits, no systemd guests"
    return "systemd-run --user does not work"
