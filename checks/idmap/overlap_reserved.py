from __future__ import annotations

from collections.abc import Iterator

from audit.facts.idmap import HELPERS
from audit.facts.subids import FILES, granted, set_aside, shown
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check


@check(
    "The granted ids are not set aside for anything else",
    Level.HARDENING,
    after=("idmap.host_root",),
)
def overlap_reserved(host: Host) -> Iterator[Finding]:
    """The user's ranges keep out of those that the system gives away by itself, without a line in
    any file.

    They are systemd's transient users, system accounts, `nobody`, and, where there are machines of
    systemd-nspawn, the ranges that it picks for them.

    Why: a service or machine that is given the same id shares files and processes with the
    container
    See: systemd's docs/UIDS-GIDS.md, subuid(5)
    """
    taken = host.get(set_aside)
    judged = False
    for kind in HELPERS:
        spans = host.get(granted, kind)
        judged |= bool(spans)
        bad = False
        for first, last, whose in taken:
            for low, high in spans:
                if low <= last and first <= high:
                    bad = True
                    both = shown((max(low, first), min(high, last)))
                    yield Fail(
                        f"{FILES[kind]} grants {both}, which is set aside for {whose}",
                        Evidence(FILES[kind], None, shown((low, high)), "a range from 100000 on"),
                        subject=f"{kind} {first}",
                    )
                    break
        if spans and not bad:
            yield Pass(f"the {kind}s are nobody else's", Evidence(FILES[kind]), subject=kind)
    if not judged:
        raise NotApplicable("nothing is granted to the user")
