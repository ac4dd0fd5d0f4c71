from __future__ import annotations

import posixpath
from collections.abc import Iterator

from audit.facts.executables import USUAL, Executable, which
from audit.facts.idmap import HELPERS
from audit.host import Host, Stat
from audit.model import Evidence, Fail, Finding, Fix, Level, NotApplicable, Pass, check
from remediations.distro import install
from remediations.files import leave_to_root

WRITABLE = 0o022
STICKY = 0o1000


@check(
    "Only root can change newuidmap and newgidmap",
    Level.HARDENING,
    after=("idmap.helper_privileged",),
)
def helper_safe(host: Host) -> Iterator[Finding]:
    """The privileged helpers, and the directories that hold them, belong to root and nobody else
    may write them.

    Whoever can replace a file that everybody runs with cap_setuid becomes any user of the host.

    Why: a helper that somebody else can replace makes him any user of the host
    See: newuidmap(1), execve(2)
    """
    found = False
    for name in HELPERS.values():
        one = host.get(which, name)
        if one is None or not (one.is_setuid or one.caps):
            continue
        found = True
        bad = False
        for path in (one.real, *parents(one.real)):
            stat = host.stat(path)
            if stat is None:
                continue
            loose = stat.mode & WRITABLE and not (stat.kind == "directory" and stat.mode & STICKY)
            if stat.uid == 0 and not loose:
                continue
            bad = True
            yield Fail(
                f"{path} can be changed by others than root, and {name} runs with privilege",
                Evidence(
                    path, None, f"mode {stat.mode:04o}, owner {stat.uid}", "root, not writable"
                ),
                subject=name,
                fix=cure(host, one, path, stat),
            )
        if not bad:
            yield Pass(
                f"{one.real} and its directories are root's", Evidence(one.real), subject=name
            )
    if not found:
        raise NotApplicable("neither newuidmap nor newgidmap has any privilege")


def cure(host: Host, one: Executable, path: str, stat: Stat) -> Fix | None:
    """Leave it to root. A helper that somebody else could have written is to come anew instead; of
    one that lies elsewhere, where the user's PATH leads, nothing is made safe.
    """
    if posixpath.dirname(one.real) not in USUAL:
        return None
    return install(host, "newuidmap") if path == one.real else leave_to_root(path, stat)


def parents(path: str) -> list[str]:
    """The directories above a path, the nearest first."""
    found: list[str] = []
    while path != "/":
        path = posixpath.dirname(path)
        found.append(path)
    return found
