from __future__ import annotations

from collections.abc import Iterator

from audit.facts.accounts import local_accounts
from audit.facts.subids import FILES, Grant, shown, subids
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check

MANY = 20


@check("No two users have been granted the same ids", Level.HARDENING)
def overlap_users(host: Host) -> Iterator[Finding]:
    """The ranges of different owners in /etc/subuid (and in /etc/subgid) are disjoint.

    Where they overlap one user's container root is another user's: it reads and changes the other's
    containers and signals their processes. Nothing complains. A range of 65537 ids (from
    `usermod --add-subuids 100000-165536`) overlaps its neighbour by one.

    Why: one user's container root is another user's
    See: subuid(5), usermod(8)
    """
    uids = {account.name: str(account.uid) for account in host.get(local_accounts)}
    found = False
    for kind, path in FILES.items():
        file = host.get(subids, kind)
        if file is None or file.broken:
            continue
        found = True
        pairs = overlapping(file.grants, uids)
        for first, second in pairs[:MANY]:
            low, high = max(first[0], second[0]), min(first[1], second[1])
            one, other = first[2], second[2]
            yield Fail(
                f"{one.owner} and {other.owner} both have {kind}s {shown((low, high))}",
                evidence(path, one),
                evidence(path, other),
                subject=f"{kind} {one.line} {other.line}",
            )
        if len(pairs) > MANY:
            yield Fail(f"{len(pairs) - MANY} more overlaps in {path}", Evidence(path), subject=kind)
        if not pairs:
            yield Pass(f"{len(file.grants)} ranges, none shared", Evidence(path), subject=kind)
    if not found:
        raise NotApplicable("neither /etc/subuid nor /etc/subgid can be read by shadow")


Span = tuple[int, int, Grant]


def overlapping(grants: tuple[Grant, ...], uids: dict[str, str]) -> list[tuple[Span, Span]]:
    """Ranges of different owners that share ids: each with the widest before it that does. One
    sweep.
    """
    spans = sorted(
        (ids[0], ids[1], grant) for grant in grants if grant.size and (ids := grant.range)
    )
    found: list[tuple[Span, Span]] = []
    # The range that reaches furthest, and the one that does among the other owners'.
    widest: Span | None = None
    second: Span | None = None
    for span in spans:
        who = uids.get(span[2].owner, span[2].owner)
        for other in (widest, second):
            if other and other[1] >= span[0] and uids.get(other[2].owner, other[2].owner) != who:
                found.append((other, span))
                break
        if widest is None or uids.get(widest[2].owner, widest[2].owner) == who:
            widest = span if widest is None or span[1] > widest[1] else widest
        elif span[1] > widest[1]:
            widest, second = span, widest
        elif second is None or span[1] > second[1]:
            second = span
    return found


def evidence(path: str, grant: Grant) -> Evidence:
    return Evidence(path, grant.line, f"{grant.owner}:{grant.start}:{grant.size}", "ids of its own")
