"""How lxc-user-nic, which makes the interfaces of users' containers, gets what it needs.

Its path is told by a library that the user chose: only what nobody but the system can have put
there is ever made setuid; anything else comes with the package.
"""

from __future__ import annotations

import re

from audit.access import Credentials, may
from audit.facts.executables import SETUID, Executable, parse_file_caps
from audit.facts.paths import ACCESS
from audit.host import Host, Stat
from audit.model import Fix, NotApplicable, Unknown
from remediations.access import open_to
from remediations.actions import ROOT, Action, Capability, Manual, Mode, Owner
from remediations.config import rights
from remediations.distro import install
from remediations.files import WRITABLE
from remediations.helpers import EXECUTABLE, SYSTEM
from remediations.quoting import word

NAME = "lxc-user-nic"
# where packages and `make install` put it
_PLACE = re.compile(rf"(/usr(/local)?/lib(exec|64|32)?(/[^/]+)?/lxc)/{NAME}")


def executable(host: Host, path: str, stat: Stat) -> Fix:
    """Let every user run it."""
    one = _found(host, path, stat)
    if one is None:
        return install(host, "lxc")
    return Fix("usernic", f"let users run {path}", (Mode(one.real, stat.mode | EXECUTABLE),))


def setuid_root(host: Host, path: str, stat: Stat) -> Fix:
    """Make it root's, setuid, and without file capabilities, which would be all that it gets."""
    one = _found(host, path, stat)
    if one is None:
        return install(host, "lxc")
    actions: list[Action] = []
    if one.caps is not None:
        actions.append(Capability(one.real, ""))
    if stat.uid != 0:
        actions.append(Owner(one.real, 0, 0))
    # chown(2) drops the setuid bit
    actions.append(Mode(one.real, stat.mode & ~WRITABLE | SETUID | EXECUTABLE))
    return Fix("usernic", f"make {NAME} setuid root", tuple(actions))


def passable(host: Host, path: str, who: Credentials) -> Fix:
    """Let the user pass the directories that lead to it, which are the system's."""
    above = path.rpartition("/")[0]
    title = f"let everybody into {above}"
    closed: list[Action] = []
    try:
        places = ["/".join(path.split("/")[:end]) or "/" for end in range(1, path.count("/") + 1)]
        for place in dict.fromkeys(host.real(one) or one for one in places):
            stat, acl = host.stat(place), host.xattr(place, ACCESS)
            if stat is not None and not may([*stat], acl, who, "x"):
                if rights(host, place) != ROOT:
                    raise Unknown(f"{place} is not the system's alone")
                closed.append(open_to(place, stat, acl, who, "x"))
    except (Unknown, NotApplicable):
        closed = []
    if not closed:
        return Fix("mode", title, (Manual((f"chmod a+x {word(above)}",), ROOT),))
    return Fix("mode", title, tuple(closed))


def _found(host: Host, path: str, stat: Stat) -> Executable | None:
    """The program, None for one that is not plainly the system's."""
    try:
        real = host.real(path) or path
        place = _PLACE.fullmatch(real)
        if place is None or stat.kind != "file" or stat.uid >= SYSTEM or stat.mode & WRITABLE:
            return None
        directory = host.stat(place[1])
        if directory is None or directory.mode & WRITABLE or rights(host, place[1]) != ROOT:
            return None
        raw = host.xattr(real, "security.capability")
    except Unknown:
        return None
    return Executable(path, real, stat, parse_file_caps(raw) if raw else None, False)
