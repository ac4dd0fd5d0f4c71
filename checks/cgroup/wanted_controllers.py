from collections.abc import Iterator

from audit.facts.cgstart import bare_plan, blame, run_plan, wanted_controllers
from audit.facts.lxcconf import lxcconf_path
from audit.host import Host
from audit.model import (
    BARE_START,
    STARTING,
    Evidence,
    Fail,
    Finding,
    Level,
    NotApplicable,
    Pass,
    check,
)
from remediations.cgroup_keys import demand
from remediations.cgroups import start_apart


@check(
    "The controllers that lxc.cgroup.use demands are the user's",
    Level.BLOCKING,
    stages=STARTING,
)
def wanted_controllers_(host: Host) -> Iterator[Finding]:
    """Every controller that lxc.conf names in lxc.cgroup.use is in a hierarchy that LXC may write.

    Why: "initialize_cgroups: No such file or directory - One or more requested controllers
    unavailable or not delegated"
    See: lxc.system.conf(5); LXC src/lxc/cgroups/cgfsng.c (controllers_available)
    """
    names = host.get(wanted_controllers)
    if not names:
        raise NotApplicable("lxc.cgroup.use is not set")
    plan, bare = host.get(run_plan), host.get(bare_plan)
    if "missing" in host.get(blame).problems:
        raise NotApplicable(f"a consequence of {host.get(blame).check}")
    path = host.get(lxcconf_path)
    seen = Evidence(path, None, f"lxc.cgroup.use = {','.join(names)}", "empty")
    have = sorted({c for h in plan.seat.hierarchies if h.writable for c in h.controllers})
    missing = tuple(name for name in names if name not in have)
    given = " ".join(have) or "none"
    text = f"lxc.cgroup.use demands {', '.join(missing)}, and the user has {given}"
    if plan.start.cause == "missing":
        yield Fail(text, seen, fix=demand(host, missing))
    elif bare.start.cause == "missing":
        yield Fail(
            f"in a plain session {text}",
            seen,
            fix=start_apart(host),
            level=Level.DEGRADED,
            stages=(BARE_START,),
        )
    else:
        yield Pass(f"all of {' '.join(names)} are there", seen)
