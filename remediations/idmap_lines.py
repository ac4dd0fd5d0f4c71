"""How many lxc.idmap lines become few."""

from __future__ import annotations

from audit.facts.idmap import IdMap, maps_of
from audit.host import Host
from audit.model import Fix, NotApplicable, Unknown
from remediations.actions import USER, Manual
from remediations.config import Change, rewrite
from remediations.idmap import use_granted


def join(host: Host, kind: str, most: int) -> Fix:
    """Join lines whose ids follow one another on both sides. Where that does not do, a new
    container is to have one range; what an old one has is for its owner to arrange.
    """
    title = f"join neighbouring lxc.idmap ranges of {kind}s"
    try:
        maps = sorted(host.get(maps_of, kind), key=lambda one: one.inside)
    except (Unknown, NotApplicable):
        maps = []
    groups: list[list[IdMap]] = []
    for one in maps:
        if groups and _follows(groups[-1][-1], one):
            groups[-1].append(one)
        else:
            groups.append([one])
    if len(groups) == len(maps) or len(groups) > most:
        by_hand = Manual((f"# {title}: {most} lines at most",), USER)
        return use_granted(host, kind) or Fix("idmap", title, (by_hand,))
    changes: list[Change] = []
    for first, *rest in groups:
        if rest:
            joined = first._replace(size=sum(one.size for one in (first, *rest)))
            changes.append(Change(first.file, first.line, first.text, joined.text))
            changes += [Change(one.file, one.line, one.text) for one in rest]
    return rewrite(host, title, *changes, mechanism="idmap")


def _follows(one: IdMap, other: IdMap) -> bool:
    return (one.inside + one.size, one.outside + one.size) == (other.inside, other.outside)
