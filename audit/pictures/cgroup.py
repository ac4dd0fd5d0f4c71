"""The cgroups from the top down to the container's, and what each hands down."""

from __future__ import annotations

from audit.facts.cgroup import ROOT, cgroup_layout
from audit.facts.cgstart import Plan, run_plan
from audit.facts.seats import LEAF, OWN_SCOPE, SCOPE, SESSION
from audit.host import Host
from audit.pictures.entries import CgroupChainEntry, CgroupEntry
from audit.pictures.look import Look

MOST_LEVELS, MOST_LIMITS = 24, 30
SEATS = {
    SESSION: "the login session",
    SCOPE: "a scope of the user's systemd",
    LEAF: "a new cgroup of the user's",
    OWN_SCOPE: "a scope that LXC asks systemd for",
}


def cgroup_chain(host: Host) -> CgroupChainEntry:
    """The chain of the best start there is: the one that the stage `start` is about."""
    look = Look(host)
    layout = look("layout", cgroup_layout)
    plan = look("seat", run_plan)
    return {
        "layout": layout,
        "seat": None if plan is None else SEATS.get(plan.seat.kind, plan.seat.kind),
        "source": None if plan is None else plan.seat.source,
        "levels": None if plan is None else _levels(look, plan),
        "legacy": []
        if plan is None
        else [
            {"name": h.name, "directory": h.directory, "writable": h.writable}
            for h in plan.seat.hierarchies
            if not h.is_unified
        ],
        "own_cgroup": None if plan is None else plan.start.own_cgroup,
        "controllers": None if plan is None else list(plan.start.controllers),
        "limits": []
        if plan is None
        else [
            {"key": limit.entry.key, "value": limit.value, "fate": fate}
            for limit, fate in plan.start.limits[:MOST_LIMITS]
        ],
        "error": "" if plan is None else plan.start.error,
        "unknown": look.unknown,
    }


def _levels(look: Look, plan: Plan) -> list[CgroupEntry]:
    """Every cgroup2 from the top to that of lxc-start; none where there is no cgroup2."""
    unified = plan.seat.unified
    if unified is None:
        return []
    top = f"{ROOT}/unified" if unified.directory.startswith(f"{ROOT}/unified") else ROOT
    directory, levels = top, [_level(look, top, "/")]
    for name in [part for part in unified.directory.removeprefix(top).split("/") if part]:
        directory = f"{directory}/{name}"
        levels.append(_level(look, directory, name))
    last = levels[-1]
    if last["available"] is None and not last["there"]:
        last["available"] = list(unified.controllers)
    return levels[:MOST_LEVELS]


def _level(look: Look, directory: str, name: str) -> CgroupEntry:
    stat = look(directory, Host.stat, directory)
    there = None if not look.sees(directory) else stat is not None
    return {
        "name": name,
        "there": there,
        "owner": None if stat is None else str(stat.uid),
        "available": _words(look, f"{directory}/cgroup.controllers") if there else None,
        "handed": _words(look, f"{directory}/cgroup.subtree_control") if there else None,
    }


def _words(look: Look, path: str) -> list[str] | None:
    text = look(path, Host.read, path)
    return None if text is None else text.split()
