"""Scripts of a few actions, on trees and in pieces, for the tests of library.sh."""

from __future__ import annotations

from pathlib import Path

from audit.model import Fix
from remediations.actions import Action
from remediations.plan import Asked, steps_of
from remediations.script import Subject, script
from tests.remediations.law4 import Entry, Tree

LXC = Subject("lxc", 1001, 1001, "/home/lxc", "host (Some Linux)", "Written now.")


def script_for(*actions: Action, subject: Subject = LXC) -> str:
    return script(
        steps_of([Asked("area.name", "a message", Fix("some", "title", actions))]), subject
    )


def home(tmp_path: Path, **more: str | Entry) -> Tree:
    """A tree with a home of lxc, and more entries by path without its first slash."""
    entries: dict[str, str | Entry] = {"/home/lxc/": Entry(mode=0o700, uid=1001, gid=1001)}
    entries |= {f"/{path}": entry for path, entry in more.items()}
    return Tree(tmp_path, entries)
