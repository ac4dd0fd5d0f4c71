"""How newuidmap and newgidmap get the privilege that they need.

What stands on a user's PATH may be the user's own, or lead anywhere: only a file where the
distribution puts programs is ever given privilege here. Whatever else there is comes with the
package.
"""

from __future__ import annotations

from audit.facts.executables import CAPABILITIES, USUAL, Executable
from audit.host import Host
from audit.model import Fix, Unknown
from remediations.actions import Action, Capability, Mode, Owner
from remediations.distro import family_of, install

SYSTEM = 1000  # accounts below it are the system's (login.defs(5), UID_MIN)
SETUID, EXECUTABLE, WRITABLE = 0o4000, 0o111, 0o022
# families whose packages give file capabilities and not the setuid bit
BY_CAPABILITY = ("fedora", "arch")


def privileged(host: Host, name: str, one: Executable, capability: int) -> Fix:
    """Restore the way of privilege that the helper has begun with, else the distribution's."""
    if not is_trusted(host, one, name):
        return install(host, "newuidmap")
    text = CAPABILITIES[capability]
    begun = one.caps is not None and not one.is_setuid
    owner = () if one.stat.uid == 0 else (Owner(one.real, 0, 0),)
    mode = one.stat.mode & ~SETUID | EXECUTABLE
    if begun or (one.caps is None and not one.is_setuid and family_of(host) in BY_CAPABILITY):
        actions: tuple[Action, ...] = (*owner, Capability(one.real, f"{text}=ep"))
        if mode != one.stat.mode:
            actions = (*owner, Mode(one.real, mode), Capability(one.real, f"{text}=ep"))
        return Fix("helper", f"give {name} {text}", actions)
    # chown(2) drops the setuid bit and the capabilities, with which setuid counts for nothing
    actions = (*owner, Mode(one.real, mode | SETUID))
    if one.caps is not None:
        actions = (Capability(one.real, ""), *actions)
    return Fix("helper", f"make {name} setuid root", actions)


def executable(host: Host, name: str, one: Executable) -> Fix:
    """Let every user run a helper."""
    if not is_trusted(host, one, name):
        return install(host, "newuidmap")
    return Fix("helper", f"let users execute {name}", (Mode(one.real, one.stat.mode | EXECUTABLE),))


def is_trusted(host: Host, one: Executable, name: str) -> bool:
    """Whether nobody but the system can have had a hand in a file: it may be given privilege."""
    directory, _, base = one.real.rpartition("/")
    if one.stat.kind != "file" or base != name or directory not in USUAL:
        return False
    if one.stat.uid >= SYSTEM or one.stat.mode & WRITABLE:
        return False
    try:
        found = host.stat(directory)
    except Unknown:
        return False
    return found is not None and found.uid == 0 and not found.mode & WRITABLE
