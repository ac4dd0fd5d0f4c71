from collections.abc import Iterator

from audit.facts.cgroup import HYBRID, LEGACY, cgroup_layout
from audit.facts.cgstart import Plan, bare_plan, run_plan
from audit.facts.lxc import version_text
from audit.facts.seats import LEAF, OWN_SCOPE
from audit.host import Host
from audit.model import BARE_START, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.cgroups import RUN, SCOPE, start_apart

# A start that goes wrong in both ways is told by the check of its cause.
TELLING = frozenset({"create", "enter", "thread", "busy", "limit", "guest", "missing"})


@check(
    "A plain lxc-start gets a cgroup of its own",
    Level.DEGRADED,
    stages=(BARE_START,),
    after=("cgroup.mounted", "cgroup.user_cgroup", "systemd.user_manager"),
)
def session_delegated(host: Host) -> Iterator[Finding]:
    """The cgroup that the user's session is in is delegated, or LXC asks systemd for one that is.

    A login session's cgroup (session-N.scope) belongs to root. LXC 4.0.0 to 4.0.6 cannot start from
    there on cgroup2; 4.0.7 and later leave the container in the session's cgroup, ignore its
    limits, and a container whose init is systemd dies. LXC 5.0.1 and later, built with D-Bus, gets
    itself a scope from the user's systemd. `lxc-preflight run` does so for every release.

    A cgroup2 counts as delegated when every file that /sys/kernel/cgroup/delegate names, as far as
    it exists, can be written; cgroup.procs is not asked for.

    Why: "unified_hierarchy_delegated: Permission denied - The cgroup.threads file is not writable,
    skipping unified hierarchy"; LXC 4.0: "Numerical result out of range - Failed to create monitor
    cgroup"
    See: LXC src/lxc/cgroups/cgfsng.c (unified_hierarchy_delegated, unpriv_systemd_create_scope)
    """
    bare, run = host.get(bare_plan), host.get(run_plan)
    seen = _seen(bare)
    if not run.starts:
        raise NotApplicable("the container does not start in any way: see what stops it")
    worse = bare.problems - run.problems - {"ignored"}
    if worse & TELLING:
        yield Fail(_message(host, bare), seen, fix=start_apart(host), stages=(BARE_START,))
    elif bare.start.own_cgroup:
        how = "LXC asks systemd for a scope" if bare.seat.kind == OWN_SCOPE else bare.seat.where
        yield Pass(f"its cgroup: {how}", seen)
    elif run.start.own_cgroup:
        yield Fail(
            f"a plain lxc-start leaves the container in the session's cgroup, {bare.seat.where}: "
            f"limits are ignored there, and a systemd guest would not live; use `{RUN}`",
            seen,
            fix=start_apart(host),
            stages=(),
        )
    else:
        raise NotApplicable("the user has no cgroup of its own in any way")


def _message(host: Host, bare: Plan) -> str:
    release = host.get(version_text)
    way = f"`{RUN}`" if host.get(run_plan).seat.kind == LEAF else f"`{SCOPE}`"
    if bare.start.cause:
        return f"a plain lxc-start of LXC {release} fails here ({bare.start.error}); use {way}"
    if host.get(cgroup_layout) in (HYBRID, LEGACY):
        what = "name=systemd is not the session's own"
    else:
        what = f"{bare.seat.where} is not the user's own"
    return f"started plainly the container's systemd dies within seconds: {what}; use {way}"


def _seen(plan: Plan) -> Evidence:
    unified = plan.seat.unified
    if unified is not None and unified.obstacle:
        return Evidence(unified.obstacle, None, "not writable for the user", "writable")
    return Evidence(plan.seat.source, None, plan.seat.where)
