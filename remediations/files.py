"""How the owner and the mode of a file of the system are put right."""

from __future__ import annotations

from audit.host import Stat
from audit.model import Fix
from remediations.actions import Action, Capability, Mode, Owner

WRITABLE = 0o022  # by group and others


def leave_to_root(path: str, stat: Stat, capability: str = "") -> Fix:
    """Make root the owner and leave writing to it. `capability` are the file capabilities that it
    has to keep: chown(2) drops them.
    """
    actions: list[Action] = []
    if stat.uid != 0:
        actions.append(Owner(path, 0, stat.gid))
    mode = stat.mode & ~WRITABLE
    if mode != stat.mode or stat.uid != 0:
        actions.append(Mode(path, mode))
    if capability and stat.uid != 0:
        actions.append(Capability(path, capability))
    return Fix("permissions", f"leave {path} to root", tuple(actions))
