"""Directories of the home that are not the user's any more: given back, and the home itself."""

from __future__ import annotations

from audit.access import BITS
from audit.facts.accounts import target
from audit.facts.paths import ACCESS, Crosser, Obstacle, Step, passes, walk
from audit.facts.places import user_crosser
from audit.host import Host, Stat
from audit.model import Fix, Unknown
from remediations.access import listed, traverse
from remediations.actions import Action, Directory, Mode, Owner
from remediations.homes import in_home, spelled

OWN = "own_directory"
MOST_BELOW = 200  # directories of a cache: distribution, release, architecture, variant


def give(
    host: Host, path: str, crosser: Crosser | None = None, *, below: bool = False
) -> Fix | None:
    """Give the user what keeps `crosser` (itself) from passing to a path and writing there, and
    with `below` the directories in it that it may not write.

    None where one of them does not lie in the home: that somebody else owns it there is no
    accident. What is no directory is left alone.
    """
    who = crosser or host.get(user_crosser)
    steps = [one for one in dict.fromkeys(host.get(walk, path).steps) if one.stat is not None]
    wanted = [(step, "x") for step in steps[:-1]] + [(step, "rwx") for step in steps[-1:]]
    if below:
        wanted += [(step, "rwx") for step in _below(host, steps[-1].path)]
    return hand_over(
        host,
        tuple(
            (step, want)
            for step, want in wanted
            if step.stat is not None
            and step.stat.kind == "directory"
            and not passes(step, who, want.removeprefix("r"))
        ),
    )


def hand_over(host: Host, wanted: tuple[tuple[Step, str], ...]) -> Fix | None:
    """Make the user the owner of files and directories of its home, who may do so much."""
    if not wanted or not all(in_home(host, step.path) for step, _ in wanted):
        return None
    account, actions = host.get(target), list[Action]()
    for step, want in wanted:
        assert step.stat is not None
        place = spelled(host, step.path)
        if step.stat.uid != account.uid:
            actions.append(Owner(place, account.uid, account.gid))
        mode = step.stat.mode | sum(BITS[letter] for letter in want) << 6
        if mode != step.stat.mode:
            actions.append(Mode(place, mode, True))
    names = listed([step.path for step, _ in wanted[:3]])
    more = f" and {len(wanted) - 3} more" if len(wanted) > 3 else ""
    return Fix(OWN, f"give {names}{more} to {account.name}", tuple(actions)) if actions else None


def make_home(host: Host, crosser: Crosser | None) -> Fix:
    """Make the home directory that passwd names, private but for the container's root."""
    account = host.get(target)
    home = account.home
    actions: list[Action] = [Directory(home, 0o700), Owner(home, account.uid, account.gid)]
    if crosser is not None:
        made = Step(home, Stat("directory", 0o700, account.uid, account.gid, 0, 0, 0))
        actions += traverse(host, (Obstacle(made, ""),), crosser).actions
    return Fix("make_home", f"make {home}", tuple(actions))


def _below(host: Host, path: str) -> tuple[Step, ...]:
    """The directories below one, as far as they can be looked at."""
    found: list[Step] = []
    todo = [path]
    while todo and len(found) < MOST_BELOW:
        here = todo.pop(0)
        try:
            for name in host.list(here) or ():
                place = f"{here}/{name}"
                stat = host.lstat(place)
                if stat is not None and stat.kind == "directory":
                    found.append(Step(place, stat, host.xattr(place, ACCESS)))
                    todo.append(place)
        except Unknown:
            continue
    return tuple(found[:MOST_BELOW])
