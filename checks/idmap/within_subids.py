from __future__ import annotations

from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.idmap import (
    HELPERS,
    IdMap,
    Obstacle,
    is_granted,
    maps_of,
    obstacle,
    root_id,
    writes_directly,
)
from audit.facts.subids import FILES, granted, own_grants_of, plugin, shown
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Fix, Level, NotApplicable, Pass, check
from remediations.idmap import grant, map_as_owned, use_granted


@check(
    "Every lxc.idmap line lies within the ids that the user has been granted",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("idmap.host_root",),
)
def within_subids(host: Host) -> Iterator[Finding]:
    """Each range of the config is covered by the user's lines in /etc/subuid and /etc/subgid, which
    may lie side by side; a single id may also be the user's own.

    Numbers out of a tutorial are the usual cause: the first user of a host gets 100000, the next
    165536. `usermod --add-subuids 100000-165536` is 65537 ids, and `useradd` may have given less
    than 65536. With a range that is only too long lxc-create gets half way: it maps the
    container's root first, and everything when the template runs.

    Why: "newuidmap: uid range [0-65536) -> [100000-165536) not allowed"
    See: newuidmap(1), subuid(5), shadow src/newuidmap.c (verify_range), lib/subordinateio.c
    """
    account = host.get(target)
    if host.get(writes_directly) and account.uid == 0:
        raise NotApplicable("root without working helpers writes any map itself")
    judged = False
    for kind in HELPERS:
        maps = host.get(maps_of, kind)
        cause = host.get(obstacle, kind)
        if not maps or cause not in (Obstacle.NONE, Obstacle.RANGE):
            continue
        if host.get(root_id, kind) is None and any(one.outside == 0 for one in maps):
            continue  # the columns are swapped: idmap.container_root says so
        judged = True
        where = sources(host, kind)
        for one in maps:
            if host.get(is_granted, kind, one.outside, one.size):
                continue
            held = host.get(granted, kind)
            yield Fail(
                f"{one.text} wants {kind}s {shown((one.outside, one.last))}; {account.name} "
                f"has {', '.join(shown(span) for span in held[:5])}{missing(one, held)}",
                Evidence(one.file, one.line, one.text, "a range that the user has been granted"),
                *where,
                subject=f"{kind} {one.inside}",
                fix=cure(host, kind),
            )
        if cause is Obstacle.NONE:
            yield Pass(f"{account.name} may map every {kind} of the config", *where, subject=kind)
    if not judged:
        raise NotApplicable("there is no map, or nothing granted, to compare")


def sources(host: Host, kind: str) -> tuple[Evidence, ...]:
    """The lines that grant something to the user."""
    if (name := host.get(plugin)) is not None:
        return (Evidence("/etc/nsswitch.conf", None, f"subid: {name}"),)
    return tuple(
        Evidence(FILES[kind], one.line, f"{one.owner}:{one.start}:{one.size}")
        for one in host.get(own_grants_of, kind)[:5]
    )


def missing(one: IdMap, held: tuple[tuple[int, int], ...]) -> str:
    """How much is missing at the end, where only that is wrong."""
    for first, last in held:
        if first <= one.outside <= last < one.last:
            return f" ({one.last - last} too few)"
    return ""


def cure(host: Host, kind: str) -> Fix | None:
    """Use what is granted, else grant what is asked for; an old container goes by its files."""
    return use_granted(host, kind) or grant(host, kind) or map_as_owned(host, kind)
