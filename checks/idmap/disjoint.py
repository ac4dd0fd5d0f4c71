from __future__ import annotations

from collections.abc import Iterator

from audit.facts.idmap import HELPERS, idmaps, maps_of, overlaps
from audit.facts.subids import ID_LIMIT
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.idmap import map_as_owned, use_granted


@check("No two lxc.idmap lines share ids", Level.BLOCKING, stages=EVERYTHING)
def disjoint(host: Host) -> Iterator[Finding]:
    """The ranges of the config overlap neither inside the container nor on the host, have at least
    one id each and stay below 4294967295.

    Mapping one's own uid into the container takes a hole in the large range: three lines for each
    kind of id. Forgetting to cut the hole is the usual mistake.

    Why: "newuidmap: write to uid_map failed: Invalid argument", "subuid overflow detected"
    See: user_namespaces(7), "Defining user and group ID mappings"
    """
    if not host.get(idmaps):
        raise NotApplicable("the config has no lxc.idmap")
    for kind in HELPERS:
        maps = host.get(maps_of, kind)
        if not maps:
            continue
        bad = False
        for one in maps:
            if one.size == 0 or max(one.inside, one.outside) + one.size > ID_LIMIT:
                bad = True
                what = "has no ids" if one.size == 0 else "goes beyond the highest id"
                yield Fail(
                    f"{one.text} {what}",
                    Evidence(one.file, one.line, one.text, "1 or more ids below 4294967295"),
                    subject=kind,
                    fix=use_granted(host, kind) or map_as_owned(host, kind),
                )
        for side, first, second in overlaps(maps):
            bad = True
            start = max(
                (first.inside, second.inside)
                if side == "container"
                else (first.outside, second.outside)
            )
            yield Fail(
                f"{first.text} and {second.text} both have {side} {kind} {start}",
                Evidence(first.file, first.line, first.text),
                Evidence(second.file, second.line, second.text, f"no {side} id twice"),
                subject=kind,
                fix=use_granted(host, kind) or map_as_owned(host, kind),
            )
        if not bad:
            yield Pass(
                f"{len(maps)} {kind} ranges without overlap", Evidence(maps[0].file), subject=kind
            )
