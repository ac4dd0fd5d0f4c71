"""How lines of /etc/subuid and /etc/subgid that are there are put right."""

from __future__ import annotations

from audit.facts.accounts import target
from audit.facts.idmap import Obstacle, maps_of, obstacle
from audit.facts.subids import BLOCK, FILES, Grant, covers, meant, merge, own_grants_of, subids
from audit.host import Host
from audit.model import Fix, NotApplicable, Unknown
from remediations.actions import ROOT, Manual, Replace
from remediations.idmap import is_free


def tidy(host: Host, kind: str) -> Fix | None:
    """The user's lines as every tool reads them, in one go: in decimal, by what was meant where
    shadow reads something else; in whole blocks; a whole block first, and by name.

    None where there is nothing to change, or the lines cannot be had.
    """
    path = FILES[kind]
    try:
        lines = (host.read(path) or "").split("\n")
        edits = [
            Replace(path, number, lines[number - 1], new)
            for number, new in sorted(_tidied(host, kind).items())
            if lines[number - 1] != new
        ]
        file = host.get(subids, kind)
    except (Unknown, NotApplicable, IndexError):
        return None
    if file is not None and not file.ends_with_newline and lines[-1]:
        last = Replace(path, len(lines), lines[-1], lines[-1])
        edits += [] if any(one.number == len(lines) for one in edits) else [last]
    if not edits or any("\0" in one.old for one in edits):
        return None
    title = f"write the lines of {host.get(target).name} in {path} plainly"
    return Fix("subids", title, tuple(edits))


def correct_by_hand(path: str, number: int) -> Fix:
    """For a line of which only its author knows what it was meant to be."""
    lines = (f"${{EDITOR:-vi}} +{number} {path}", "# write owner:first_id:count, or take it out")
    return Fix("subid_line", f"correct line {number} of {path}", (Manual(lines, ROOT),))


def _tidied(host: Host, kind: str) -> dict[int, str]:
    """Number -> text of the user's lines."""
    name = host.get(target).name
    rows = {one.line: one for one in host.get(own_grants_of, kind)}
    misread = host.get(obstacle, kind) is Obstacle.SYNTAX
    for odd, (first, last) in host.get(meant, kind):
        if misread or odd.why:
            rows[odd.line] = Grant(odd.line, name, first, last - first + 1)
    before = tuple(rows.values())
    rows = {one.line: _in_blocks(host, kind, one, before) for one in before}
    _block_first(rows, name)
    return {number: f"{one.owner}:{one.start}:{one.size}" for number, one in rows.items()}


def _in_blocks(host: Host, kind: str, one: Grant, rows: tuple[Grant, ...]) -> Grant:
    """With one id less or more where that makes whole blocks, costs no map an id and nobody
    anything.
    """
    if one.size <= BLOCK or one.size % BLOCK not in (1, BLOCK - 1):
        return one
    new = one._replace(size=round(one.size / BLOCK) * BLOCK)
    if new.size > one.size:
        return new if is_free(host, kind, (new.start, new.start + new.size - 1)) else one
    others = [other.range for other in rows if other is not one and other.size]
    left = merge(span for span in (*others, new.range) if span)
    needed = all(
        covers(left, each.outside, each.size)
        for each in host.get(maps_of, kind)
        if covers(merge([(one.start, one.start + one.size - 1)]), each.outside, each.size)
    )
    return new if needed else one


def _block_first(rows: dict[int, Grant], name: str) -> None:
    """lxc-usernsexec takes the first line by name, and no other."""
    whole = next((rows[at] for at in sorted(rows) if rows[at].size >= BLOCK), None)
    if whole is None:
        return
    named = whole._replace(owner=name)
    first = next((rows[at] for at in sorted(rows) if rows[at].owner == name), whole)
    rows[whole.line] = named
    if first.line < whole.line:
        rows[first.line], rows[whole.line] = named, first
