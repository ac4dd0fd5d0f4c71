from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from audit.facts.accounts import local_accounts, local_groups, target
from audit.facts.idmap import HELPERS, maps_of, own_id
from audit.facts.subids import FILES, granted, merge, shown
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check

MANY = 10


@check(
    "No account of the host is inside the container's ids",
    Level.HARDENING,
    after=("idmap.container_root", "idmap.host_root"),
)
def overlap_accounts(host: Host) -> Iterator[Finding]:
    """The ids that are granted to the user or mapped by the config belong to no account or group of
    the host, not even to the user's own.

    A process in the container with such an id is that account to the host: what gets out of the
    container has its files. To map one's own uid on purpose takes a line of its own with count 1.

    Why: what gets out of the container with such an id is that account on the host
    See: user_namespaces(7), subuid(5)
    """
    account = host.get(target)
    judged = False
    for kind in HELPERS:
        maps = [
            one
            for one in host.get(maps_of, kind)
            if one.size and not (one.size == 1 and one.outside == host.get(own_id, kind))
        ]
        spans = merge([*host.get(granted, kind), *((one.outside, one.last) for one in maps)])
        if not spans:
            continue
        judged = True
        inside = [
            (number, name)
            for number, name in ids(host, kind)
            if (at := bisect_right(spans, (number, 2**64)) - 1) >= 0 and spans[at][1] >= number
        ]
        if not inside:
            where = ", ".join(shown(span) for span in spans[:5])
            yield Pass(
                f"nobody has one of the {kind}s {where}", Evidence(FILES[kind]), subject=kind
            )
            continue
        names = ", ".join(f"{name} ({number})" for number, name in inside[:MANY])
        more = f" and {len(inside) - MANY} more" if len(inside) > MANY else ""
        source = "/etc/passwd" if kind == "uid" else "/etc/group"
        yield Fail(
            f"{account.name}'s container {kind}s hold accounts of the host: {names}{more}",
            Evidence(source, None, names, "no account within " + shown(spans[0])),
            subject=kind,
        )
    if not judged:
        raise NotApplicable("nothing is granted or mapped")


def ids(host: Host, kind: str) -> list[tuple[int, str]]:
    """Every id that is somebody's, with a name for it."""
    if kind == "uid":
        return sorted({one.uid: one.name for one in host.get(local_accounts)}.items())
    primary = {one.gid: one.name for one in host.get(local_accounts)}
    groups = {gid: name for name, gid, _ in host.get(local_groups)}
    return sorted({**primary, **groups}.items())
