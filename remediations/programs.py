"""Programs, templates and shared files of the distribution that users may not run or read."""

from __future__ import annotations

from audit.facts.executables import Executable
from audit.facts.paths import ACCESS
from audit.facts.session import session_credentials
from audit.host import Host
from audit.model import Fix, NotApplicable, Unknown
from remediations.access import open_to
from remediations.actions import ROOT
from remediations.config import rights
from remediations.distro import install
from remediations.helpers import is_trusted


def program(host: Host, one: Executable, name: str, package: str) -> Fix:
    """Let every user run a program on the user's PATH.

    What the user has put there may be a link to anything: only a program of root's is opened, and
    another one comes with the package.
    """
    brings = install(host, package)
    return readable(host, one.real, brings, "x") if is_trusted(host, one, name) else brings


def readable(host: Host, path: str, brings: Fix, want: str = "r") -> Fix:
    """Let every user read (or, with `want`, run) a file of root's; anything else is installed by
    the fix that brings its package.
    """
    try:
        real = host.real(path)
        stat = None if real is None else host.stat(real)
        if real is None or stat is None or stat.kind != "file" or rights(host, real) != ROOT:
            return brings
        action = open_to(real, stat, host.xattr(real, ACCESS), host.get(session_credentials), want)
    except (Unknown, NotApplicable):
        return brings
    return Fix("file_mode", f"open {real} to everybody", (action,))
