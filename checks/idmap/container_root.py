from __future__ import annotations

from collections.abc import Iterator

from audit.facts.config import Problem, container_config
from audit.facts.idmap import HELPERS, idmaps, maps_of, root_id
from audit.host import Host
from audit.model import (
    EVERYTHING,
    Evidence,
    Fail,
    Finding,
    Level,
    NotApplicable,
    Pass,
    check,
)
from remediations.idmap import map_root


@check(
    "The config maps the container's root, user and group",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("config.present",),
)
def container_root(host: Host) -> Iterator[Finding]:
    """`lxc.idmap` has a line for uids and one for gids that begin at the container's id 0.

    Without any the container would be privileged, which a user cannot have. With only `u` lines
    the group of the container's root is nobody. Container id, host id and count stand in this
    order: swapped numbers leave id 0 unmapped.

    Why: "No uid mapping for container root", "No gid mapping for container root"
    See: lxc.container.conf(5), LXC src/lxc/conf.c (get_mapped_rootid, userns_exec_mapped_root)
    """
    config = host.get(container_config)
    path = config.path
    refused = [one for one in config.problems if is_about_ids(one)]
    if refused:
        where = f"line {refused[0].line} of {refused[0].file}"
        raise NotApplicable(f"what is mapped cannot be told: LXC refuses {where}")
    if not host.get(idmaps):
        yield Fail(
            f"{path} has no lxc.idmap: a user's container needs a line for uids and one for gids",
            Evidence(path, None, "no lxc.idmap", "lxc.idmap = u 0 FIRST_ID 65536"),
            fix=map_root(host, *HELPERS),
        )
        return
    for kind in HELPERS:
        letter = kind[0]
        root = host.get(root_id, kind)
        if root is not None:
            yield Pass(
                f"the container's {kind} 0 is the host's {root}", Evidence(path), subject=kind
            )
            continue
        lines = host.get(maps_of, kind)
        wanted = f"lxc.idmap = {letter} 0 FIRST_ID 65536"
        if lines:
            low = min(lines, key=lambda one: one.inside)
            swapped = any(one.outside == 0 for one in lines)
            hint = " (container id and host id are swapped)" if swapped else ""
            yield Fail(
                f"no line maps the container's {kind} 0, the first is {low.inside}{hint}",
                Evidence(low.file, low.line, low.text, wanted),
                subject=kind,
                fix=map_root(host, kind),
            )
        else:
            yield Fail(
                f"{path} maps no {kind}s: lxc.idmap has no line that begins with {letter}",
                Evidence(path, None, f"no lxc.idmap = {letter}", wanted),
                subject=kind,
                fix=map_root(host, kind),
            )


def is_about_ids(problem: Problem) -> bool:
    """Whether the map may stand in what LXC refuses: a line about ids, or a file that cannot be
    read.
    """
    return problem.line == 0 or problem.text.lstrip().startswith(("lxc.idmap", "lxc.id_map"))
