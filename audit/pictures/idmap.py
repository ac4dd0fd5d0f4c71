"""The axis of the host's ids: whose they are, and where the container's map lies on it."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nsmallest

from audit.facts.accounts import local_accounts, target
from audit.facts.idmap import IdMap, is_granted, maps_of
from audit.facts.subids import (
    RESERVED,
    Grant,
    Range,
    granted,
    merge,
    own_grants_of,
    plugin,
    set_aside,
    subids,
)
from audit.host import Host
from audit.pictures.entries import AxisEntry, MapEntry, MarkEntry, RangeEntry, ReservedEntry
from audit.pictures.look import Look
from checks.idmap.overlap_accounts import ids
from checks.idmap.overlap_users import overlapping

ID_LIMIT = 2**32 - 1  # (uid_t)-1 is nobody's
MOST_RANGES, MOST_ACCOUNTS, MOST_MAPS, MOST_OVERLAPS = 100, 24, 24, 20
ORDINARY = range(1000, 60000)


def id_axis(host: Host, kind: str) -> AxisEntry:
    """Everything on the axis of uids ("uid") or gids ("gid")."""
    look, notes = Look(host), list[str]()
    maps = look("maps", maps_of, kind)
    own = look("own ranges", own_grants_of, kind) or ()
    grants, ranges, more = _ranges(look, kind, own, maps or (), notes)
    spans = [(one["first"], one["last"]) for one in ranges or ()]
    spans += [(one.outside, one.last) for one in maps or () if one.size]
    accounts, more_accounts = _accounts(look, kind, spans)
    uids = {one.name: str(one.uid) for one in look("accounts", local_accounts) or ()}
    pairs = overlapping(tuple(grants), uids)[:MOST_OVERLAPS]
    return {
        "ranges": ranges,
        "more_ranges": more,
        "accounts": accounts,
        "more_accounts": more_accounts,
        "reserved": _reserved(look),
        "overlaps": [
            {
                "first": max(one[0], other[0]),
                "last": min(one[1], other[1]),
                "owners": [one[2].owner, other[2].owner],
            }
            for one, other in pairs
        ],
        "maps": None if maps is None else [_map(look, one) for one in maps[:MOST_MAPS]],
        "notes": notes,
        "unknown": look.unknown,
    }


def _ranges(
    look: Look, kind: str, own: tuple[Grant, ...], maps: Iterable[IdMap], notes: list[str]
) -> tuple[list[Grant], list[RangeEntry] | None, int]:
    """The grants to draw, as entries too, and how many were left out."""
    name = look("plugin", plugin)
    if name is not None:
        notes.append(f"ids come from the NSS plugin {name}: those of others are not listed")
        spans = look("ranges", granted, kind)
        whose = look.host.request.user
        return [], None if spans is None else [_entry(s, whose, True, 0) for s in spans], 0
    file = look("ranges", subids, kind)
    if file is None:
        if look.sees("ranges"):
            notes.append(f"there is no /etc/sub{kind}")
        return [], [] if look.sees("ranges") else None, 0
    if file.broken:
        notes.append(f"new{kind}map gets nothing out of {file.path}: {file.broken}")
    mine = set(own)
    asked = merge(
        [span for one in own if (span := one.range)]
        + [(one.outside, one.last) for one in maps if one.size]
    )
    usable = [one for one in file.grants if one.size and one.range]
    near = [one for one in usable if one in mine or _touches(one, asked)][:MOST_RANGES]
    chosen = dict.fromkeys(near)
    chosen.update(dict.fromkeys(nsmallest(MOST_RANGES, usable, key=lambda one: one.start)))
    kept = sorted(list(chosen)[:MOST_RANGES], key=lambda one: one.start)
    entries = [_entry(span, g.owner, g in mine, g.line) for g in kept if (span := g.range)]
    return kept, entries, len(usable) - len(kept)


def _touches(grant: Grant, spans: tuple[Range, ...]) -> bool:
    span = grant.range
    return span is not None and any(span[0] <= last and first <= span[1] for first, last in spans)


def _entry(span: Range, owner: str, own: bool, line: int) -> RangeEntry:
    last = min(span[1], ID_LIMIT)  # what shadow computes with 64 bits can be longer than the axis
    return {"first": span[0], "last": last, "owner": owner, "own": own, "line": line}


def _map(look: Look, one: IdMap) -> MapEntry:
    return {
        "inside": one.inside,
        "outside": one.outside,
        "size": one.size,
        "granted": look("grants", is_granted, one.kind, one.outside, one.size),
    }


def _accounts(look: Look, kind: str, spans: list[Range]) -> tuple[list[MarkEntry] | None, int]:
    """The user's own account, those inside of a range, and other ordinary ones."""
    everybody = look("accounts", ids, kind)
    if everybody is None:
        return None, 0
    account = look("user", target)
    mine = None if account is None else account.uid if kind == "uid" else account.gid
    joined = merge(spans)
    inside, ordinary = [], []
    for number, name in everybody:
        if number == mine or any(first <= number <= last for first, last in joined):
            inside.append((number, name))
        elif number in ORDINARY:
            ordinary.append((number, name))
    chosen = sorted([*inside, *ordinary][:MOST_ACCOUNTS])
    left = len(inside) + len(ordinary) - len(chosen)
    return [{"id": number, "name": name} for number, name in chosen], left


def _reserved(look: Look) -> list[ReservedEntry]:
    taken = look("machines", set_aside) or RESERVED
    return [
        {"first": first, "last": min(last, ID_LIMIT), "whose": whose.partition(",")[0]}
        for first, last, whose in taken
    ]
