"""How lines of container configs are changed.

A config names whatever its user likes: an include may be /etc/shadow, a hook a file of somebody
else. So root's rights are used for the judged config alone, and only where nobody but root can
swap what is on the way to it; what is the user's is changed with the user's rights; everything
else is left to a person.
"""

from __future__ import annotations

from collections.abc import Iterable

from audit.access import may
from audit.facts.accounts import credentials, target
from audit.facts.config import SCALARS, Entry, config_lines, container_config
from audit.facts.userfiles import user_read
from audit.host import Host
from audit.model import Fix, NotApplicable, Unknown
from audit.records import NamedTuple
from remediations.actions import NOBODY, ROOT, USER, Action, Append, Manual, Replace
from remediations.quoting import word

STICKY = 0o1000


ACL = "system.posix_acl_access"


class Change(NamedTuple):
    """A line of a config as LXC has it (`text`, from its key on), and what it is to be.

    Empty `new`: the line becomes a comment.
    """

    file: str
    line: int
    text: str
    new: str = ""


def rewrite(
    host: Host,
    title: str,
    *changes: Change,
    mechanism: str = "config_line",
    shared: bool = False,
    before: tuple[Action, ...] = (),
    after: tuple[Action, ...] = (),
) -> Fix:
    """Change lines; by hand where one of them must not be, or cannot be, by a script.

    `shared`: a file of root that is included may be changed too, because its line is in
    everybody's way. `before` and `after` are done with them.
    """
    changes = _of_one_value(host, changes)
    edits = _edits(host, changes, shared=shared)
    if edits is None:
        return Fix(mechanism, title, (by_hand(host, changes),))
    return Fix(mechanism, title, (*before, *edits, *after))


def leave_out(host: Host, entry: Entry, title: str = "") -> Fix:
    """Make a comment of a line that can never do what it says."""
    title = title or f"take {entry.key} out of {entry.file}"
    return rewrite(host, title, Change(entry.file, entry.line, entry.text))


def put(host: Host, entry: Entry, value: str, title: str = "") -> Fix:
    """Another value in the place of one."""
    new = f"{entry.key} = {value}"
    return rewrite(host, title or f"write {new}", Change(entry.file, entry.line, entry.text, new))


def by_hand(host: Host, changes: Iterable[Change]) -> Manual:
    """The same for a person."""
    lines: list[str] = []
    rights = USER
    for one in changes:
        if not may_be_theirs(host, one.file):
            rights = ROOT
        lines.append(f"${{EDITOR:-vi}} +{one.line} {word(one.file)}")
        lines.append(f"# line {one.line}: {one.new}" if one.new else f"# take out: {one.text}")
    return Manual(tuple(lines), rights)


def append(host: Host, *lines: str) -> tuple[Action, ...]:
    """Lines at the end of the judged config, which is made where it is not there."""
    path = host.get(container_config).path
    who = editor(host, path)
    if who == NOBODY:
        return (Manual(tuple(f"echo {word(line)} >> {word(path)}" for line in lines), USER),)
    return tuple(Append(path, line, who == USER) for line in lines)


def append_fix(host: Host, line: str) -> Fix:
    """A line at the end of the judged config."""
    return Fix("config_line", f"write {line}", append(host, line))


def editor(host: Host, path: str, *, shared: bool = False) -> str:
    """Whose rights a script may use to change a config: USER's for what is the user's, ROOT's for
    the one that the audit was asked to judge, or for one of everybody's if `shared`.
    """
    who = rights(host, path)
    asked = host.request.config is not None and host.request.container is None
    if who == ROOT and not shared and not (asked and path == host.get(container_config).path):
        return NOBODY
    return who


def rights(host: Host, path: str) -> str:
    """Whose rights a change of a file takes: USER's below the home and where the user could swap
    it, ROOT's where nobody else can; NOBODY's where a script had better not touch it.
    """
    try:
        account = host.get(target)
        home = host.real(account.home) or account.home
        real = _real(host, path)
        if real is None:
            return NOBODY
        if is_below(real, home):
            return USER if _may_write_beside(host, real) else NOBODY
        if is_below(path, account.home):
            return NOBODY  # a symlink leads out of the home
        owners = {
            found.uid for place in _ancestors(real) if (found := host.lstat(place)) is not None
        }
    except (Unknown, NotApplicable):
        return USER if may_be_theirs(host, path) else NOBODY
    if account.uid in owners:
        return USER
    return ROOT if owners == {0} else NOBODY


def may_be_theirs(host: Host, path: str) -> bool:
    """Whether a path lies below the user's home, as it is written."""
    try:
        return is_below(path, host.get(target).home)
    except (Unknown, NotApplicable):
        return False


def raw_line(host: Host, path: str, number: int) -> str | None:
    """A line as it stands in the file, None where it cannot be had or a script cannot hold it."""
    try:
        text = host.get(user_read, path)
    except (Unknown, NotApplicable):
        return None
    lines = text.split("\n") if isinstance(text, str) else []
    if not 0 < number <= len(lines) or "\0" in lines[number - 1]:
        return None
    return lines[number - 1]


def _of_one_value(host: Host, changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """The changes so that a key that holds one value has one line: the last one, which counts."""
    touched = {(one.file, one.line) for one in changes}
    found: list[Change] = []
    for one in changes:
        key, _, value = (part.strip(" \t") for part in one.new.partition("="))
        twins = [
            entry
            for entry in (host.get(container_config).live if key in SCALARS else ())
            if (entry.key, entry.file) == (key, one.file)
            and (entry.file, entry.line) not in touched
            and entry.value != value
        ]
        last = max((entry.line for entry in twins), default=0)
        found.append(one._replace(new="") if last > one.line else one)
        found += [Change(entry.file, entry.line, entry.text) for entry in twins if last < one.line]
    return tuple(dict.fromkeys(found))


def _edits(host: Host, changes: Iterable[Change], *, shared: bool) -> tuple[Replace, ...] | None:
    old: dict[tuple[str, int], str] = {}
    new: dict[tuple[str, int], str] = {}
    theirs: dict[str, bool] = {}
    for one in changes:
        place = one.file, one.line
        if place not in old:
            raw = raw_line(host, *place)
            who = editor(host, one.file, shared=shared)
            if raw is None or who == NOBODY:
                return None
            old[place] = new[place] = raw
            theirs[one.file] = who == USER
        changed = _changed(new[place], one)
        if changed is None:
            return None
        new[place] = changed
    return tuple(
        Replace(file, number, old[file, number], text, theirs[file])
        for (file, number), text in new.items()
        if text != old[file, number]
    )


def _changed(raw: str, change: Change) -> str | None:
    """A carriage return ends a line for LXC too: what stands beside it stays."""
    parts = raw.split("\r")
    full = [place for place, part in enumerate(parts) if part.strip()]
    found = [place for place in full if _is(parts[place], change.text)]
    if not found and len(full) != 1:
        return None
    place = (found or full)[0]
    words = parts[place].lstrip(" \t")
    blanks = parts[place][: len(parts[place]) - len(words)]
    parts[place] = blanks + (change.new or f"# {words}")
    return "\r".join(parts)


def _is(part: str, text: str) -> bool:
    if part.lstrip(" \t") == text:
        return True
    return any(f"{line.key} = {line.value}" == text for line in config_lines(part))


def _real(host: Host, path: str) -> str | None:
    """A path without symlinks, as far as it is there; None for a symlink to nothing."""
    found = host.real(path)
    if found is not None:
        return found
    if host.lstat(path) is not None or path == "/":
        return None
    above, _, name = path.rpartition("/")
    real = _real(host, above or "/")
    return None if real is None else f"{real.rstrip('/')}/{name}"


def _may_write_beside(host: Host, path: str) -> bool:
    """Whether the user may write to the directory: a file is written beside and renamed.

    That of a container belongs to the container's root, and to the user's group.
    """
    who = host.get(credentials)
    for place in reversed(_ancestors(path)[:-1]):
        if (found := host.lstat(place)) is not None:
            if found.uid == who.uid:
                return bool(found.mode & 0o200)
            acl = host.xattr(place, ACL)
            return not found.mode & STICKY and all(may([*found], acl, who, one) for one in "wx")
    return False


def is_below(path: str, directory: str) -> bool:
    """Whether a path lies in a directory, as both are written, without a way out again."""
    return path.startswith(directory.rstrip("/") + "/") and ".." not in path.split("/")


def _ancestors(path: str) -> tuple[str, ...]:
    parts = path.split("/")
    return tuple("/".join(parts[:end]) or "/" for end in range(1, len(parts) + 1))
