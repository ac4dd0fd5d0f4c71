from __future__ import annotations

from collections.abc import Iterator

from audit.facts.idmap import HELPERS, delegated, is_nested, maps_of
from audit.facts.subids import shown
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.idmap import more_ids_outside, use_granted


@check("The ids of the config exist in this user namespace", Level.BLOCKING, stages=EVERYTHING)
def nested(host: Host) -> Iterator[Finding]:
    """Inside a container, each range of the config lies within one range that the outer container
    has.

    A nested container can only be given ids that its host was given. The kernel wants each line of
    the new map within a single line of /proc/self/uid_map, whatever /etc/subuid says.

    Why: "newuidmap: write to uid_map failed: Operation not permitted"
    See: user_namespaces(7), kernel kernel/user_namespace.c (map_write)
    """
    if host.source.kind == "root":
        raise NotApplicable("a directory tree runs nowhere")
    if not host.get(is_nested):
        yield Pass("not in a nested user namespace", Evidence("/proc/self/uid_map"))
        return
    bad = False
    for kind in HELPERS:
        path = f"/proc/self/{kind}_map"
        outer = host.get(delegated, kind)
        for one in host.get(maps_of, kind):
            if any(first <= one.outside and one.last <= last for first, last in outer):
                continue
            bad = True
            yield Fail(
                f"{one.text} wants {kind}s {shown((one.outside, one.last))}; this container has "
                f"{', '.join(shown(span) for span in outer[:5])}",
                Evidence(one.file, one.line, one.text),
                Evidence(path, None, ", ".join(shown(span) for span in outer[:5])),
                subject=f"{kind} {one.inside}",
                fix=use_granted(host, kind) or more_ids_outside(kind),
            )
    if not bad:
        yield Pass(
            "this nested namespace has the ids of the config", Evidence("/proc/self/uid_map")
        )
