from __future__ import annotations

from collections.abc import Iterator

from audit.facts.idmap import HELPERS, idmaps, maps_of
from audit.facts.subids import BLOCK, merge
from audit.host import Host
from audit.model import CREATE, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.idmap import widen

# Every image of a distribution has files of a group `shadow`, 42 in Debian's and Alpine's
# numbering.
SHADOW_GROUP = 42


@check("The container has the ids 0 to 65535", Level.DEGRADED)
def size(host: Host) -> Iterator[Finding]:
    """The config maps 65536 ids of each kind from 0 on.

    With less the container starts, but a file or process with an id beyond has nowhere to go:
    `nobody` is 65534. An image cannot be unpacked when it has such files, and a range that ends
    before the lowest groups of every distribution makes lxc-create fail.

    Why: "tar: ./etc/shadow: Cannot change ownership to uid 0, gid 42: Invalid argument"
    See: lxc.container.conf(5), LXC templates/lxc-download.in
    """
    if not host.get(idmaps):
        raise NotApplicable("the config has no lxc.idmap")
    template = host.request.template or (
        "download" if host.request.guest == "systemd" else "busybox"
    )
    judged = False
    for kind in HELPERS:
        maps = [one for one in host.get(maps_of, kind) if one.size]
        spans = merge((one.inside, one.inside + one.size - 1) for one in maps)
        if not spans or spans[0][0] != 0:
            continue
        judged = True
        last = spans[0][1]
        seen = Evidence(maps[0].file, maps[0].line, maps[0].text, "65536 ids from 0 on")
        if last >= BLOCK - 1:
            yield Pass(f"the container has the {kind}s 0-{last}", seen, subject=kind)
            continue
        fatal = kind == "gid" and last < SHADOW_GROUP and template == "download"
        yield Fail(
            f"the container has only the {kind}s 0-{last}: files with others cannot exist",
            seen,
            subject=kind,
            fix=widen(host, kind),
            level=Level.BLOCKING if fatal else None,
            stages=(CREATE,) if fatal else (),
        )
    if not judged:
        raise NotApplicable("no line maps the container's id 0")
