"""Directories that are the user's by right: given back, made, opened."""

from __future__ import annotations

from collections.abc import Iterable

from audit.access import BITS
from audit.facts.accounts import target
from audit.facts.paths import Crosser, Obstacle, Step, passes, walk
from audit.facts.places import user_crosser
from audit.host import Host, Stat
from audit.model import Fix, NotApplicable, Unknown
from remediations.access import listed, traverse
from remediations.actions import Action, Directory, Mode, Owner

OWN = "own_directory"


def give(host: Host, steps: Iterable[Step], want: str = "rwx") -> Fix | None:
    """Make the user the owner of directories or files of its own home, who may do `want` to each.

    None where one lies elsewhere: that somebody else owns it there is no accident.
    """
    found = [step for step in steps if step.stat is not None]
    if not found or not all(in_home(host, step.path) for step in found):
        return None
    account = host.get(target)
    actions = tuple(action for step in found for action in hand_over(host, step, want))
    names = listed([step.path for step in found])
    return Fix(OWN, f"give {names} to {account.name}", actions) if actions else None


def hand_over(host: Host, step: Step, want: str) -> tuple[Action, ...]:
    """One of them: its owner, by root, and then what the owner may do, by the owner."""
    assert step.stat is not None
    account, actions = host.get(target), list[Action]()
    place = spelled(host, step.path)
    if step.stat.uid != account.uid:
        actions.append(Owner(place, account.uid, account.gid))
    mode = step.stat.mode | sum(BITS[letter] for letter in want) << 6
    if mode != step.stat.mode:
        actions.append(Mode(place, mode, True))
    return tuple(actions)


def blocking(host: Host, path: str, crosser: Crosser | None = None) -> tuple[Step, ...]:
    """Every directory on the way to a path that its user may not pass, and the last if it may not
    be written; what is no directory is left out.
    """
    who = crosser or host.get(user_crosser)
    steps = host.get(walk, path).steps
    return tuple(
        step
        for step in dict.fromkeys(steps)
        if step.stat is not None
        and step.stat.kind == "directory"
        and not passes(step, who, "wx" if step is steps[-1] else "x")
    )


def make_home(host: Host, crosser: Crosser | None) -> Fix:
    """Make the home directory that passwd names, private but for the container's root."""
    account = host.get(target)
    home = account.home
    actions: list[Action] = [Directory(home, 0o700), Owner(home, account.uid, account.gid)]
    if crosser is not None:
        made = Step(home, Stat("directory", 0o700, account.uid, account.gid, 0, 0, 0))
        actions += traverse(host, (Obstacle(made, ""),), crosser).actions
    return Fix("make_home", f"make {home}", tuple(actions))


def in_home(host: Host, path: str) -> bool:
    """Whether a path without symlinks lies below the user's home."""
    return any(path.startswith(f"{home.rstrip('/')}/") for home in _homes(host))


def spelled(host: Host, path: str) -> str:
    """A path below the home as it is reached by passwd's name of the home, which is how library.sh
    knows what lies in it.
    """
    home, *real = _homes(host)
    for other in real:
        if path.startswith(f"{other}/"):
            return home + path.removeprefix(other)
    return path


def _homes(host: Host) -> tuple[str, ...]:
    try:
        home = host.get(target).home.rstrip("/")
    except (Unknown, NotApplicable):
        return ("/nowhere",)
    try:
        real = host.real(home)
    except Unknown:
        real = None
    return (home,) if real in (None, home) else (home, str(real))
