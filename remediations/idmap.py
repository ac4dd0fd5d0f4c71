"""How a user gets subordinate ids, and how a config gets to use them."""

from __future__ import annotations

from audit.facts.accounts import local_accounts, local_groups, target
from audit.facts.config import container_config
from audit.facts.idmap import IdMap, is_granted, maps_of
from audit.facts.subids import (
    BLOCK,
    FILES,
    ID_LIMIT,
    Range,
    free_block,
    granted,
    own_grants_of,
    subids,
)
from audit.host import Host
from audit.model import Fix, Unknown


def grant(host: Host, *kinds: str) -> Fix | None:
    """Give the user what the config asks for if nobody else has it, else a free block and a config
    that uses it.

    None where that cannot be worked out (no free block, files that cannot be read).
    """
    try:
        spans = _wanted(host, kinds)
        if spans and all(is_free(host, kind, span) for kind, span in spans.items()):
            return _grant(host, spans)
        if host.request.container is not None:
            return None
        block = host.get(free_block)
        if block is None:
            return None
        given = _grant(host, dict.fromkeys(kinds, (block, block + BLOCK - 1)))
        lines = [IdMap(kind, 0, block, BLOCK) for kind in kinds]
        steps = (*given.steps, *edit(host, lines, by_root=True))
    except Unknown:
        return None
    return given._replace(title=f"{given.title}, and map them", steps=steps)


def _wanted(host: Host, kinds: tuple[str, ...]) -> dict[str, Range]:
    """What the config asks for and the user lacks, from the first to the last id; empty when a kind
    asks for nothing.
    """
    spans: dict[str, Range] = {}
    for kind in kinds:
        lacking = [
            one
            for one in host.get(maps_of, kind)
            if not host.get(is_granted, kind, one.outside, one.size)
        ]
        if not lacking:
            return {}
        spans[kind] = (min(one.outside for one in lacking), max(one.last for one in lacking))
    return spans


def use_granted(host: Host, kind: str) -> Fix | None:
    """Make the config use the largest range that the user has; None when it has none worth using.

    A container that exists keeps its map: its files belong to these ids.
    """
    if host.request.container is not None:
        return None
    try:
        ranges = [span for span in host.get(granted, kind) if span[0] > 0]
        first, last = max(ranges, key=lambda span: span[1] - span[0], default=(0, 0))
        if last - first + 1 < BLOCK or last > ID_LIMIT:
            return None
        line = IdMap(kind, 0, first, BLOCK)
        steps = edit(host, [line])
    except Unknown:
        return None
    title = f"map the ids that {FILES[kind]} grants: {line.text}"
    return Fix("idmap", title, steps, needs=("user",))


def map_root(host: Host, *kinds: str) -> Fix | None:
    """Map what the user has been granted; where that is too little, grant a block first.

    None where that cannot be worked out.
    """
    lines: list[IdMap] = []
    for kind in kinds:
        try:
            ranges = host.get(granted, kind)
        except Unknown:
            return None
        large = next((first for first, last in ranges if last - first + 1 >= BLOCK and first), None)
        if large is None:
            return grant(host, *kinds)
        lines.append(IdMap(kind, 0, large, BLOCK))
    title = "map container ids to the ids that the user has been granted"
    return Fix("idmap", title, edit(host, lines), ("user",))


def edit(host: Host, lines: list[IdMap], *, by_root: bool = False) -> tuple[str, ...]:
    """Commands that put these lines in the place of the config's lines of the same kinds.

    Root edits what lies in the user's home with the user's rights: it may be a symlink by then.
    """
    from shlex import quote

    account = host.get(target)
    steps: list[str] = []
    for new in lines:
        old = host.get(maps_of, new.kind)
        path = old[0].file if old else host.get(container_config).path
        theirs = by_root and path.startswith(account.home.rstrip("/") + "/")
        user = f"runuser -u {quote(account.name)} -- " if theirs else ""
        if old:
            rest = "".join(f";{one.line}d" for one in old[1:] if one.file == path)
            steps.append(f"{user}sed -i '{old[0].line}s/.*/{new.text}/{rest}' {quote(path)}")
        else:
            steps.append(f"echo '{new.text}' | {user}tee -a {quote(path)}")
    return tuple(steps)


def is_free(host: Host, kind: str, span: Range) -> bool:
    """Whether no other line, account or group has an id of the range, and it lies where sub-ids
    may be.
    """
    first, last = span
    if first < BLOCK or last >= ID_LIMIT:
        return False
    file = host.get(subids, kind)
    mine = set(host.get(own_grants_of, kind))
    others = [one.range for one in (file.grants if file else ()) if one not in mine and one.size]
    ids = {account.uid if kind == "uid" else account.gid for account in host.get(local_accounts)}
    ids |= {gid for _, gid, _ in host.get(local_groups)} if kind == "gid" else set()
    return not any(first <= one <= last for one in ids) and not any(
        other and other[0] <= last and first <= other[1] for other in others
    )


def _grant(host: Host, spans: dict[str, Range]) -> Fix:
    from shlex import quote

    account = host.get(target)
    name = quote(account.name)
    ready = tuple(step for kind in spans for step in _make_file(host, kind))
    if account in host.get(local_accounts) and host.stat("/usr/sbin/usermod") is not None:
        words = " ".join(
            f"--add-sub{kind}s {first}-{last}" for kind, (first, last) in spans.items()
        )
        steps: tuple[str, ...] = (f"usermod {words} {name}",)
    else:
        steps = tuple(
            f"echo {name}:{first}:{last - first + 1} >> {FILES[kind]}"
            for kind, (first, last) in spans.items()
        )
    what = " and ".join(f"{kind}s {first}-{last}" for kind, (first, last) in spans.items())
    return Fix("subids", f"grant {account.name} the {what}", (*ready, *steps))


def _make_file(host: Host, kind: str) -> tuple[str, ...]:
    path = FILES[kind]
    found = host.lstat(path)
    if found is None:
        return (f"install -m 644 /dev/null {path}",)
    if found.kind == "symlink":
        return (f'cp --remove-destination "$(readlink -f {path})" {path}',)
    file = host.get(subids, kind)
    return () if file is None or file.ends_with_newline else (f"echo >> {path}",)


def make_readable(host: Host, kind: str) -> Fix | None:
    """Make the file one that shadow reads; None when there is nothing to be done to the file
    itself.
    """
    try:
        steps = _make_file(host, kind)
    except Unknown:
        return None
    title = f"make {FILES[kind]} a regular file of lines"
    return Fix("subid_file", title, steps) if steps else None
