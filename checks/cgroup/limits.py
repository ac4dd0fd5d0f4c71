from collections.abc import Iterator

from audit.facts.cglimits import Limit, cgroup_limits, refused_value
from audit.facts.cgroup import UNIFIED, cgroup_layout, root_controllers
from audit.facts.cgstages import given_up, stopped
from audit.facts.cgstart import Plan, blame, run_plan
from audit.facts.init import SYSTEMD, init_system
from audit.facts.kernel import disabled_controllers
from audit.facts.seats import LEAF, SESSION
from audit.facts.systemd import CONTROLLERS
from audit.host import Host
from audit.model import (
    LIMITS,
    STARTING,
    Evidence,
    Fail,
    Finding,
    Fix,
    Level,
    NotApplicable,
    Pass,
    Unknown,
    check,
)
from remediations.cgroup_keys import drop, rewrite, without_devices
from remediations.cgroups import enabled_controllers, own_cgroup, unified
from remediations.systemd import delegate


@check(
    "Every cgroup limit of the config will be in force",
    Level.BLOCKING,
    stages=STARTING,
    after=(
        "cgroup.mounted",
        "cgroup.enter",
        "cgroup.room",
        "cgroup.threaded_only",
        "cgroup.wanted_controllers",
    ),
)
def limits(host: Host) -> Iterator[Finding]:
    """lxc.cgroup2.memory.max and its like are written to the container's cgroup before it runs.

    - cgroup2, own cgroup: a controller that was not handed down has no file, and the start fails.
    - cgroup2, no own cgroup: lxc.cgroup2.* is ignored without a word, lxc.cgroup.* fails the start.
    - v1 and hybrid: lxc.cgroup2.* is ignored; lxc.cgroup.* needs its controller in the user's
    hands,
      or the start fails.
    - lxc.cgroup2.devices.* of a user's container has no effect anywhere: it takes real root.

    Why: `Failed to set "memory.max" to "512M"`; `Failed to setup limits for the "devices"
    controller. The controller seems to be unused by "cgfsng" cgroup driver or not enabled on the
    cgroup hierarchy`
    See: lxc.container.conf(5); LXC src/lxc/cgroups/cgfsng.c (cgfsng_setup_limits); LXC issue 3201
    """
    asked = host.get(cgroup_limits)
    if not asked:
        raise NotApplicable("the config asks for no cgroup limits")
    plan = host.get(run_plan)
    start = plan.start
    blamed = host.get(blame)
    if start.cause == "limit" and start.culprit is not None:
        if "limit" in blamed.problems:
            raise NotApplicable(f"a consequence of {blamed.check}")
        limit = start.culprit
        text, fix = _why(host, plan, limit)
        yield Fail(
            f"{limit.entry.key} = {limit.value} stops the start: {text}",
            Evidence(limit.entry.file, limit.entry.line, f"{limit.entry.key} = {limit.value}"),
            subject=limit.entry.key,
            fix=fix,
            stages=stopped(host),
        )
        return
    if not start.works:
        raise NotApplicable("the container does not start: see what stops it")
    if host.get(given_up):
        raise NotApplicable("the container has to do without a cgroup of its own: see why")
    ignored = start.ignored()
    if ignored and "ignored" in blamed.problems:
        raise NotApplicable(f"a consequence of {blamed.check}")
    for limit in ignored:
        yield Fail(
            f"{limit.entry.key} = {limit.value} will be ignored: {_ignored_because(host, plan)}",
            Evidence(limit.entry.file, limit.entry.line, f"{limit.entry.key} = {limit.value}"),
            subject=limit.entry.key,
            fix=_kept(host, plan, limit),
            stages=(LIMITS,),
        )
    if not ignored:
        names = sorted({limit.file for limit, fate in start.limits if fate == "set"})
        yield Pass(
            f"{', '.join(names) or 'nothing'} will be in force",
            Evidence(asked[0].entry.file, asked[0].entry.line),
        )


def _why(host: Host, plan: Plan, limit: Limit) -> tuple[str, Fix | None]:
    """Why a limit cannot be set, in the order of what has to be cured first."""
    said = plan.start.error
    if not limit.unified:
        if host.get(cgroup_layout) == UNIFIED:
            why = "it is a key of cgroup v1, and no cgroup here is the user's"
            return f"{why} ({said})", rewrite(host, limit)
        why = f"the v1 controller {limit.controller} is not the user's in this session"
        hint = "; include userns.conf after common.conf"
        if limit.is_device:
            return f"{why} ({said}){hint}", without_devices(host, limit)
        return f"{why} ({said})", unified(host)
    name = limit.controller
    offered = host.get(root_controllers)
    if name not in offered:
        if word := _disabling(host, name):
            why = f"the kernel was booted with {word}, so it offers no {name} controller"
            return f"{why} ({said})", enabled_controllers(host, word, (name,))
        return f"this kernel offers no {name} controller ({said})", drop(host, limit)
    mine = plan.seat.unified
    have = mine.controllers if mine is not None else ()
    if name in plan.start.controllers and refused_value(limit):
        return f"{limit.value!r} is {refused_value(limit)} ({said})", drop(host, limit)
    if name in plan.start.controllers:
        return said, drop(host, limit)
    if plan.seat.kind in (LEAF, SESSION) and (mine is None or mine.busy or not have):
        why = f"{plan.seat.where} cannot hand {name} down: the shell itself is in that cgroup"
        return f"{why} ({said})", own_cgroup(host)
    if name in CONTROLLERS and host.get(init_system) == SYSTEMD:
        missing = tuple(n for n in CONTROLLERS if n in offered or n == name)
        why = f"{name} is not delegated to the user (it has {' '.join(have) or 'none'})"
        return f"{why}: {said}", delegate(host, missing)
    return f"{name} is not delegated to the user's cgroup ({said})", own_cgroup(host, name)


def _disabling(host: Host, controller: str) -> str | None:
    """The word of the kernel command line that takes a controller away, if that is what did."""
    try:
        disabled = host.get(disabled_controllers)
    except Unknown:
        return None
    return next((word for word, gone in disabled.items() if controller in gone), None)


def _ignored_because(host: Host, plan: Plan) -> str:
    layout = host.get(cgroup_layout)
    if layout != UNIFIED:
        return f"LXC sets lxc.cgroup2.* on a pure cgroup2 host only, and this one is {layout}"
    if not plan.start.own_cgroup:
        return f"the container stays in {plan.seat.where}, which is not the user's"
    return "LXC ignores v1 keys on a cgroup2 host; write lxc.cgroup2.*"


def _kept(host: Host, plan: Plan, limit: Limit) -> Fix:
    """What would put an ignored limit in force."""
    if host.get(cgroup_layout) != UNIFIED:
        return unified(host)
    return rewrite(host, limit) if plan.start.own_cgroup else own_cgroup(host)
