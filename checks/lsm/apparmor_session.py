from collections.abc import Iterator

from audit.facts.apparmor import OWN_LABEL, asked_profile, can_stack, is_judged, label, own_label
from audit.facts.lsm import APPARMOR
from audit.host import Host
from audit.model import (
    STARTING,
    Evidence,
    Fail,
    Finding,
    Level,
    NotApplicable,
    Pass,
    Unknown,
    check,
)
from remediations.session import own_login


@check(
    "The session's AppArmor profile lets a container have another",
    Level.BLOCKING,
    stages=STARTING,
    after=("lsm.apparmor_profile",),
)
def apparmor_session(host: Host) -> Iterator[Finding]:
    """The session is unconfined, or the kernel can stack profiles.

    Why: "Already AppArmor confined, but new label requested."
    See: LXC src/lxc/lsm/apparmor.c (apparmor_prepare), apparmor.d(5) "Stacking"
    """
    if host.source.kind == "root":
        raise Unknown("a directory tree has no session")
    if not host.get(is_judged):
        raise NotApplicable("AppArmor is off, or the config leaves the profile unchanged")
    mine = host.get(own_label)
    seen = Evidence("/proc/self/attr/current", 1, mine, "unconfined")
    if mine in ("unconfined", OWN_LABEL):
        yield Pass(f"the session is {mine}", seen)
    elif host.get(can_stack):
        yield Pass("this kernel stacks profiles", Evidence(f"{APPARMOR}/features/domain/stack"))
    elif host.get(asked_profile) is None or host.get(label) == mine:
        yield Pass("the container keeps the session's profile", seen)
    else:
        yield Fail(
            f"the session runs under profile {mine} and the container asks for {host.get(label)}",
            seen,
            fix=own_login(host, "start from an unconfined login session"),
        )
