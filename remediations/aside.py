"""How something that is in the way is taken away without being lost."""

from __future__ import annotations

import posixpath

from audit.host import Host
from audit.model import Fix, Unknown
from remediations.actions import NOBODY, ROOT, USER, Manual, Remove, Run
from remediations.config import rights
from remediations.quoting import word

# Where a root that takes a file away does what an administrator would.
OURS = ("/usr/local/bin", "/usr/local/sbin")


def aside(host: Host, title: str, path: str) -> Fix:
    """Take a file away, which undo brings back; rename what is a directory or a symlink.

    Where it lies is mostly the user's word: root's rights are not used for that.
    """
    by_hand = Fix("in_the_way", title, (Manual((f"rm -r -- {word(path)}",), USER),))
    directory = posixpath.dirname(path)
    who = rights(host, directory)
    if who == ROOT and directory not in OURS:
        who = NOBODY
    theirs = who == USER
    try:
        found = host.lstat(path)
        if found is None or who == NOBODY:
            return by_hand
        if found.kind == "file":
            return Fix("in_the_way", title, (Remove(path, theirs),))
        new = _free_name(host, path)
    except Unknown:
        return by_hand
    here, there = word(path), word(new)
    # a mv onto a directory would put it inside
    run = Run(
        f"[ ! -e {there} ] && mv -- {here} {there}",
        f"[ ! -e {here} ] && [ ! -L {here} ]",
        f"mv -- {there} {here}",
        theirs=theirs,
    )
    return Fix("in_the_way", title, (run,))


def _free_name(host: Host, path: str) -> str:
    new = path
    directory, name = posixpath.split(path)
    for number in range(1, 10):
        new = posixpath.join(directory, f".{name}.aside-{number}")
        if host.lstat(new) is None:
            break
    return new
