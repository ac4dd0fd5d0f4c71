"""Device nodes that every system has, as every system has them."""

from __future__ import annotations

from audit.access import Credentials
from audit.host import Stat
from audit.model import Fix
from remediations.access import open_to
from remediations.actions import Run
from remediations.quoting import word


def node(path: str, major: int, minor: int) -> Fix:
    """Make a character device for everybody, in the place of whatever is there.

    It is renamed into place: meanwhile others write to /dev/null, and so does the script.
    """
    new = f"{path}.lxc-preflight"
    is_it = f'[ -c {word(path)} ] && [ "$(stat -L -c %t:%T {word(path)})" = {major:x}:{minor:x} ]'
    make = f"rm -f {word(new)} && mknod -m 666 {word(new)} c {major} {minor}"
    run = Run(f"{make} && mv -f {word(new)} {word(path)}", is_it)
    return Fix("device_node", f"make {path}", (run,))


def opened(path: str, stat: Stat, acl: str | None, who: Credentials) -> Fix:
    """Let everybody read and write it."""
    return Fix("device_mode", f"open {path} to everybody", (open_to(path, stat, acl, who, "rw"),))
