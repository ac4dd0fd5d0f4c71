"""What a fix asks for, as data: one thing to be done to a host, and no shell.

Each action has three readers: typed.py has the commands that a person would type, verbs.py the
verb of library.sh that does it in a script, and ansible.py makes a task of it. `theirs` marks what
lies in the user's own places and is done with the user's rights, never with root's.
"""

from __future__ import annotations

from collections.abc import Iterable

from audit.model import Fix
from audit.records import NamedTuple

ROOT, USER, NOBODY = "root", "user", ""


class Install(NamedTuple):
    """Packages of a distribution, named as its manager does.

    `again`: they are installed, and something of them is gone.
    """

    family: str  # of remediations.distro.INSTALL
    packages: tuple[str, ...]
    again: bool = False


class Append(NamedTuple):
    """A line at the end of a file, which is made when it is not there.

    `behind`: another line, behind all of which it has to stand to be in force.
    """

    path: str
    line: str
    theirs: bool = False
    behind: str = ""


class Replace(NamedTuple):
    """Another line in the place of line `number`, which reads `old`."""

    path: str
    number: int
    old: str
    new: str
    theirs: bool = False


class Delete(NamedTuple):
    """Line `number`, which reads `old`, taken out; `alike`: how many lines of the file read so."""

    path: str
    number: int
    old: str
    alike: int = 1
    theirs: bool = False


class Write(NamedTuple):
    """A whole file; `mode` for one that is not there yet."""

    path: str
    text: str
    mode: int = 0o644
    theirs: bool = False


class Plain(NamedTuple):
    """A regular file in the place of what is none: a symlink, a FIFO, a directory, or nothing."""

    path: str
    text: str
    mode: int = 0o644


class Mode(NamedTuple):
    """Permission bits, with setuid, setgid and sticky."""

    path: str
    mode: int
    theirs: bool = False


class Owner(NamedTuple):
    """Owner and group, of the file itself where it is a symlink."""

    path: str
    uid: int
    gid: int


class Acl(NamedTuple):
    """Entries of an ACL, as setfacl(1) takes them: `u:100000:x`, `d:g::rwx`."""

    path: str
    entries: str
    theirs: bool = False


class Capability(NamedTuple):
    """File capabilities as setcap(8) takes them; empty: none."""

    path: str
    text: str


class Directory(NamedTuple):
    """A directory, and what leads to it."""

    path: str
    mode: int = 0o755
    theirs: bool = False


class Remove(NamedTuple):
    """A file that is in the way; undo brings it back."""

    path: str
    theirs: bool = False


class Setting(NamedTuple):
    """A value of the running kernel: a file of /proc/sys or of a cgroup."""

    path: str
    value: str


class Run(NamedTuple):
    """A command for what no file holds.

    `unless` is the test whose success means that nothing is to be done, `undo` takes it back
    (empty: that cannot be), both in shell as the command is; `keeping` are files that it changes,
    kept for undo. A command that is its own undo (it makes something read its files anew) is run
    when all else has been undone. `alters` are places that are other ones afterwards, with all
    below them, and that `undo` sees to: cgroups, sockets.
    """

    command: str
    unless: str = ""
    undo: str = ""
    keeping: tuple[str, ...] = ()
    theirs: bool = False
    alters: tuple[str, ...] = ()


class Manual(NamedTuple):
    """What only a person can do, in words or as commands to choose from; nothing runs it."""

    lines: tuple[str, ...]
    needs: str = NOBODY


Edit = Append | Replace | Delete
Action = (
    Install
    | Append
    | Replace
    | Delete
    | Write
    | Plain
    | Mode
    | Owner
    | Acl
    | Capability
    | Directory
    | Remove
    | Setting
    | Run
    | Manual
)


def needs(action: Action) -> str:
    """Whose rights it takes: ROOT, USER (root can use them too) or NOBODY."""
    if isinstance(action, Manual):
        return action.needs
    return USER if getattr(action, "theirs", False) else ROOT


def undo_of(actions: Iterable[Action]) -> str:
    """yes, no or partly: whether undo brings back what was there; empty where nothing is done."""
    found = {has_undo(one) for one in actions if not isinstance(one, Manual)}
    return "partly" if len(found) > 1 else {True: "yes", False: "no"}[found.pop()] if found else ""


def needs_of(fix: Fix) -> tuple[str, ...]:
    """Whose rights the whole fix takes, root first; empty where it takes nobody's."""
    found = {needs(action) for action in fix.actions}
    return tuple(who for who in (ROOT, USER) if who in found)


def has_undo(action: Action) -> bool:
    """Whether undo brings back what was there."""
    if isinstance(action, Run):
        return bool(action.undo or action.keeping)
    return not isinstance(action, (Install, Manual))
