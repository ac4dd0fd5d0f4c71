"""How a user gets subordinate ids, and how a config gets to use them."""

from __future__ import annotations

from audit.facts.accounts import is_local_only, local_accounts, local_groups, target
from audit.facts.config import container_config
from audit.facts.guest import rootfs
from audit.facts.idmap import IdMap, delegated, is_granted, is_nested, maps_of
from audit.facts.subids import (
    BLOCK,
    FILES,
    ID_LIMIT,
    Range,
    free_block,
    granted,
    off_limits,
    own_grants_of,
    plugin,
    subids,
)
from audit.host import Host
from audit.model import Fix, NotApplicable, Unknown
from remediations.actions import NOBODY, ROOT, USER, Action, Append, Delete, Manual, Plain, Replace
from remediations.config import Change, by_hand, editor, raw_line, rewrite
from remediations.quoting import words

WRITABLE = 0o022


def grant(host: Host, *kinds: str) -> Fix | None:
    """Give the user what the config asks for if nobody else has it, else a free block and a config
    that uses it.

    None where that cannot be worked out (no free block, files that cannot be read).
    """
    try:
        if (name := host.get(plugin)) is not None:
            return _by_plugin(host, name, kinds)
        if (file := _unreadable(host, kinds)) is not None:
            return file
        if (lines := _misspelt(host, kinds)) is not None:
            return lines
        if (shorter := _one_less(host, kinds)) is not None:
            return shorter
        spans = _wanted(host, kinds)
        if spans and all(is_free(host, kind, span) for kind, span in spans.items()):
            return _grant(host, spans)
        if host.request.container is not None:
            return None
    except (Unknown, NotApplicable):
        return None
    return _grant_and_map(host, *kinds)


def add_block(host: Host, *kinds: str) -> Fix | None:
    """Grant a free block, whatever the config says; None where that cannot be worked out."""
    try:
        if (name := host.get(plugin)) is not None:
            return _by_plugin(host, name, kinds)
        if (file := _unreadable(host, kinds)) is not None:
            return file
        block = host.get(free_block)
        if block is None or any(not _exists_here(host, kind, block) for kind in kinds):
            return None
        return _grant(host, dict.fromkeys(kinds, (block, block + BLOCK - 1)))
    except (Unknown, NotApplicable):
        return None


def _grant_and_map(host: Host, *kinds: str) -> Fix | None:
    given = add_block(host, *kinds)
    try:
        if given is None or given.id != "subids" or _is_hidden(host):
            return given
        block = host.get(free_block) or 0
        actions = edit(host, [IdMap(kind, 0, block, BLOCK) for kind in kinds])
    except (Unknown, NotApplicable):
        return None
    title = f"{given.title}, and map them"
    return Fix("idmap", title, (*given.actions, *actions))


def use_granted(host: Host, kind: str) -> Fix | None:
    """Make the config use the largest range that the user has; None when it has none worth using.

    A container that exists keeps its map: its files belong to these ids.
    """
    if host.request.container is not None:
        return None
    try:
        first = largest(host, kind)
        if first is None:
            return None
        line = IdMap(kind, 0, first, BLOCK)
        actions = edit(host, [line])
    except (Unknown, NotApplicable):
        return None
    title = f"map the ids that {FILES[kind]} grants: {line.text}"
    return Fix("idmap", title, actions)


def widen(host: Host, kind: str) -> Fix | None:
    """Map a whole block. A container that exists keeps the ids that it has, and gets those behind
    them where they are the user's.
    """
    if host.request.container is None:
        return use_granted(host, kind) or _grant_and_map(host, kind)
    try:
        maps = host.get(maps_of, kind)
        if len(maps) != 1 or not host.get(is_granted, kind, maps[0].outside, BLOCK):
            return None
        line = IdMap(kind, 0, maps[0].outside, BLOCK)
        return Fix("idmap", f"map {BLOCK} {kind}s: {line.text}", edit(host, [line]))
    except (Unknown, NotApplicable):
        return None


def more_ids_outside(kind: str) -> Fix:
    """For a host that is a container with too few ids itself."""
    line = f"# on the host of this container: give it {2 * BLOCK} {kind}s or more (lxc.idmap)"
    return Fix("outer_ids", f"have more {kind}s in this container", (Manual((line,), ROOT),))


def map_root(host: Host, *kinds: str) -> Fix | None:
    """Map what the user has been granted; where that is too little, grant a block first.

    None where that cannot be worked out. A container that exists gets the ids that its files belong
    to.
    """
    lines: list[IdMap] = []
    try:
        if (cleared := _uncleared(host)) is not None:
            return cleared
        for kind in kinds:
            first = chosen(host, kind)
            if first is None:
                return None if host.request.container else grant(host, *kinds)
            lines.append(IdMap(kind, 0, first, BLOCK))
        actions = edit(host, lines)
    except (Unknown, NotApplicable):
        return None
    title = "map container ids to the ids that the user has been granted"
    return Fix("idmap", title, actions)


def map_as_owned(host: Host, kind: str) -> Fix | None:
    """Map, for a container that exists, the ids that its files belong to; where these are not the
    user's, they have to be shifted. None for a new one.
    """
    if host.request.container is None:
        return None
    mapped = map_root(host, kind)
    if mapped is not None:
        return mapped
    line = f"# shift the container's files to {kind}s that {FILES[kind]} grants, as root"
    return Fix(
        "shift_ids",
        f"have the container's files belong to {kind}s of the user",
        (Manual((line,), ROOT),),
    )


def chosen(host: Host, kind: str) -> int | None:
    """The first id to map: of a new container that of the largest range, of one that is there the
    owner of its root file system.
    """
    if host.request.container is None:
        return largest(host, kind)
    root = host.get(rootfs)
    found = host.stat(root.path) if root is not None and root.path.startswith("/") else None
    if found is None or found.kind != "directory":
        return None
    first = found.uid if kind == "uid" else found.gid
    return first if first and host.get(is_granted, kind, first, BLOCK) else None


def _uncleared(host: Host) -> Fix | None:
    """Leave out a `lxc.idmap =` that takes back all that stood before it; None where there is
    none.
    """
    config = host.get(container_config)
    seen = False
    for entry in config.entries:
        seen |= entry.key == "lxc.idmap" and bool(entry.value)
    last = [entry for entry in config.entries if entry.key == "lxc.idmap"][-1:]
    if not seen or not last or last[0].value:
        return None
    clearing = [one for one in config.entries if one.key == "lxc.idmap" and not one.value]
    changes = [Change(one.file, one.line, one.text) for one in clearing]
    return rewrite(host, "leave lxc.idmap as it is mapped above", *changes, mechanism="idmap")


def _is_hidden(host: Host) -> bool:
    """Whether maps may stand in the config that LXC does not see: behind a mode, or in a line that
    it refuses.
    """
    return any(
        one.kind == "denied" or one.text.lstrip().startswith(("lxc.idmap", "lxc.id_map"))
        for one in host.get(container_config).problems
    )


def largest(host: Host, kind: str) -> int | None:
    """The first id of the user's largest range, None when none has a block that may be mapped."""
    found = [
        (max(low, first), min(high, last))
        for low, high in host.get(granted, kind)
        for first, last in _outer(host, kind)
    ]
    first, last = max(found, key=lambda span: span[1] - span[0], default=(0, -1))
    return first if last - first + 1 >= BLOCK else None


def edit(host: Host, lines: list[IdMap]) -> tuple[Action, ...]:
    """Put these lines in the place of the config's lines of the same kinds."""
    edits: list[Action] = []
    deletes: list[Delete] = []
    path = host.get(container_config).path
    for new in lines:
        old = host.get(maps_of, new.kind)
        here = [one for one in old if one.file == path]
        who = editor(host, path)
        raws = [raw_line(host, path, one.line) for one in here]
        if len(here) < len(old) or who == NOBODY or None in raws:
            return (_edit_by_hand(host, lines),)
        if not here:
            edits.append(Append(path, new.text, who == USER))
            continue
        now = [raw for raw in raws if raw is not None]
        if now[0] != new.text:
            edits.append(Replace(path, here[0].line, now[0], new.text, who == USER))
            now[0] = new.text
        for place in range(len(here) - 1, 0, -1):
            alike = now[: place + 1].count(now[place])
            deletes.append(Delete(path, here[place].line, now[place], alike, who == USER))
    return (*edits, *sorted(deletes, key=lambda one: -one.number))


def _edit_by_hand(host: Host, lines: list[IdMap]) -> Manual:
    changes: list[Change] = []
    path = host.get(container_config).path
    for new in lines:
        old = host.get(maps_of, new.kind)
        changes += [Change(one.file, one.line, one.text) for one in old]
    first = by_hand(host, changes)
    added = tuple(f"echo {words(new.text)} >> {words(path)}" for new in lines)
    return Manual((*first.lines, *added), first.needs)


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
    others += host.get(off_limits)
    ids = {account.uid if kind == "uid" else account.gid for account in host.get(local_accounts)}
    ids |= {gid for _, gid, _ in host.get(local_groups)} if kind == "gid" else set()
    return not any(first <= one <= last for one in ids) and not any(
        other and other[0] <= last and first <= other[1] for other in others
    )


def make_readable(host: Host, kind: str) -> Fix | None:
    """Make the file one that shadow reads; None when there is nothing to be done to the file
    itself.
    """
    try:
        return _made_readable(host, kind)
    except Unknown:
        return None


def _made_readable(host: Host, kind: str) -> Fix | None:
    path = FILES[kind]
    found = host.lstat(path)
    if found is None or found.kind != "file":
        text = _behind(host, path) if found is not None and found.kind == "symlink" else ""
        title = f"make {path} a regular file of lines"
        return Fix("subid_file", title, (Plain(path, text),))
    file = host.get(subids, kind)
    return None if file is None or file.ends_with_newline else end_with_newline(host, path)


def end_with_newline(host: Host, path: str) -> Fix | None:
    """End a file with a newline; None where its last line cannot be had."""
    try:
        lines = (host.read(path) or "").split("\n")
    except Unknown:
        return None
    if "\0" in lines[-1]:
        return None
    same = Replace(path, len(lines), lines[-1], lines[-1])
    return Fix("subid_file", f"end {path} with a newline", (same,))


def _behind(host: Host, path: str) -> str:
    """The lines that a symlink leads to, where nobody but root could have written them: shadow does
    not read them now, and will.
    """
    stat = host.stat(path)
    if stat is None or stat.kind != "file" or stat.uid != 0 or stat.mode & WRITABLE:
        return ""
    text = host.read(path) or ""
    return text if all(line.isprintable() for line in text.split("\n")) else ""


def _unreadable(host: Host, kinds: tuple[str, ...]) -> Fix | None:
    """What is to be done before anything can be granted: the files have to be there."""
    for kind in kinds:
        found = host.lstat(FILES[kind])
        if found is not None and found.kind != "file":
            return _made_readable(host, kind)
    return None


def _misspelt(host: Host, kinds: tuple[str, ...]) -> Fix | None:
    """Lines of the user's name in other letters, which nobody has: Linux tells them apart."""
    name = host.get(target).name
    if not host.get(is_local_only, "passwd"):
        return None
    others = {account.name for account in host.get(local_accounts)}
    edits: list[Action] = []
    for kind in kinds:
        file = host.get(subids, kind)
        for one in file.grants if file else ():
            if one.owner not in others and one.owner.lower() == name.lower():
                old = (host.read(FILES[kind]) or "").split("\n")[one.line - 1]
                edits.append(Replace(FILES[kind], one.line, old, f"{name}:{one.start}:{one.size}"))
                break
    if len(edits) < len(kinds):
        return None
    return Fix("subids", f"write {name} as the account is called", tuple(edits))


def _one_less(host: Host, kinds: tuple[str, ...]) -> Fix | None:
    """Take the last id off a map of 65537, which nobody means; None where there is none, or the
    rest of it is not to be had.
    """
    lines: list[IdMap] = []
    spans: dict[str, Range] = {}
    for kind in kinds:
        maps = host.get(maps_of, kind)
        if len(maps) != 1 or (maps[0].inside, maps[0].size) != (0, BLOCK + 1):
            continue
        first = maps[0].outside
        lines.append(IdMap(kind, 0, first, BLOCK))
        if not host.get(is_granted, kind, first, BLOCK):
            spans[kind] = (first, first + BLOCK - 1)
    if not lines or not all(is_free(host, kind, span) for kind, span in spans.items()):
        return None
    given = _grant(host, spans).actions if spans else ()
    return Fix("idmap", f"map {BLOCK} ids, not one more", (*given, *edit(host, lines)))


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


def _grant(host: Host, spans: dict[str, Range]) -> Fix:
    name = host.get(target).name
    lines = tuple(edit for kind, span in spans.items() for edit in _line(host, kind, name, span))
    what = " and ".join(f"{kind}s {first}-{last}" for kind, (first, last) in spans.items())
    return Fix("subids", f"grant {name} the {what}", lines)


def _line(host: Host, kind: str, name: str, span: Range) -> tuple[Action, ...]:
    """A line at the end of the file, where the user has none by name. Else in the place of the
    first, which goes to the end if it grants anything more: lxc-usernsexec takes the first only.
    """
    path = FILES[kind]
    new = f"{name}:{span[0]}:{span[1] - span[0] + 1}"
    first = next((one for one in host.get(own_grants_of, kind) if one.owner == name), None)
    if first is None or first.size >= BLOCK:
        return (Append(path, new),)
    old = (host.read(path) or "").split("\n")[first.line - 1]
    if "\0" in old:
        return (Append(path, new),)
    place = Replace(path, first.line, old, new)
    has = first.range if first.size else None
    if has is None or (span[0] <= has[0] and has[1] <= span[1]):
        return (place,)
    return (place, Append(path, old))


def _by_plugin(host: Host, name: str, kinds: tuple[str, ...]) -> Fix:
    """The directory behind an NSS plugin has to grant the ids: the files are not read."""
    user = host.get(target).name
    what = " and ".join(f"sub{kind}s" for kind in kinds)
    line = f"# grant {user} {BLOCK} {what} where the NSS plugin {name} has them from"
    return Fix("subid_plugin", f"have {what} granted by {name}", (Manual((line,), ROOT),))


def _outer(host: Host, kind: str) -> tuple[Range, ...]:
    """The ids that may be mapped at all: in a container, those that it was given itself."""
    everything = ((1, ID_LIMIT - 1),)
    try:
        if host.source.kind == "root" or not host.get(is_nested):
            return everything
        return host.get(delegated, kind)
    except Unknown:
        return everything


def _exists_here(host: Host, kind: str, first: int) -> bool:
    return any(low <= first and first + BLOCK - 1 <= high for low, high in _outer(host, kind))
