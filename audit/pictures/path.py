"""The way from / to the container's files, as its mapped root meets it."""

from __future__ import annotations

from audit.facts.lxcconf import lxcpath
from audit.facts.paths import (
    Crosser,
    Step,
    container_crosser,
    new_container_dir,
    passes,
    predicted_steps,
    reason,
    walk,
)
from audit.facts.places import rootfs_path, storage_path
from audit.host import Host
from audit.pictures.entries import PathEntry, StepEntry
from audit.pictures.look import Look

MOST_STEPS = 60


def path_to_rootfs(host: Host) -> PathEntry:
    """Every directory on the way, and whether the container's root may pass it."""
    look = Look(host)
    goal = look("goal", storage_path)
    crosser = look("root", container_crosser)
    if crosser is None and look.sees("root"):
        look.unknown["root"] = "the config maps no root of the container"
    way = None if goal is None else look("steps", walk, goal)
    steps: list[Step] = []
    if goal is not None and way is not None:
        steps = list(dict.fromkeys((*way.steps, *(look("made", predicted_steps, goal) or ()))))
        if host.request.container is None and way.closed is None:
            made = look("container", new_container_dir, host.get(lxcpath))
            steps += [] if made is None else [made]
    is_file = look("rootfs", rootfs_path) is not None
    return {
        "goal": goal if is_file or goal is None else f"{goal.rstrip('/')}/NAME",
        "root": None if crosser is None else f"{crosser.who.uid}:{crosser.who.gid}",
        "steps": None if way is None else [_step(one, crosser) for one in steps[:MOST_STEPS]],
        "closed": None if way is None or way.closed is None else way.closed.path,
        "unknown": look.unknown,
    }


def _step(step: Step, crosser: Crosser | None) -> StepEntry:
    stat = step.stat
    ok = None if crosser is None else passes(step, crosser)
    return {
        "path": step.path,
        "mode": None if stat is None else f"{stat.mode & 0o7777:04o}",
        "owner": None if stat is None else f"{stat.uid}:{stat.gid}",
        "acl": step.acl is not None,
        "passes": ok,
        "reason": reason(step, crosser) if crosser is not None and not ok else "",
        "made": step.predicted,
    }
