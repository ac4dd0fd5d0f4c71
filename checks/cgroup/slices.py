from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.cgroup import ROOT, UNIFIED, cgroup_layout, root_controllers, words
from audit.facts.init import SYSTEMD, init_system
from audit.facts.systemd import delegation, user_manager, user_unit
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.cgroups import hand_down


@check(
    "No slice above the user loses a controller",
    Level.DEGRADED,
    after=("systemd.user_manager", "cgroup.layout", "cgroup.user_delegation"),
)
def slices(host: Host) -> Iterator[Finding]:
    """cgroup.subtree_control of /, user.slice and user-UID.slice has what Delegate= promises.

    A controller goes down one level at a time; where one level does not hand it on, none below can
    have it. systemd does this by itself: a gap is the work of something else, or of a manager that
    has not been restarted.

    Why: "No such file or directory - Failed to set "cpuset.cpus"", although Delegate= names cpuset
    See: cgroups(7), cgroup.subtree_control
    """
    if host.get(init_system) != SYSTEMD or host.get(cgroup_layout) != UNIFIED:
        raise NotApplicable("no systemd on cgroup2 here")
    if host.get(user_manager).state != "running":
        raise NotApplicable("the user has no slice yet: its manager does not run")
    uid = host.get(target).uid
    promised = [
        name
        for name in delegation(host.get(user_unit).settings).controllers
        if name in host.get(root_controllers)
    ]
    places = (ROOT, f"{ROOT}/user.slice", f"{ROOT}/user.slice/user-{uid}.slice")
    for number, place in enumerate(places):
        path = f"{place}/cgroup.subtree_control"
        have = host.get(words, path)
        lost = [name for name in promised if name not in have]
        if lost:
            yield Fail(
                f"{path} does not hand {' '.join(lost)} down",
                Evidence(path, 1, " ".join(have), " ".join(promised)),
                fix=hand_down(places[number:], tuple(lost)),
            )
            return
    yield Pass(f"{' '.join(promised)} all the way down", Evidence(f"{ROOT}/user.slice"))
