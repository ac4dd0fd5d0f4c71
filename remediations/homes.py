"""What lies in the user's home, however it is reached.

Whatever is there is the user's by right, and may be a symlink to anything by the time of the fix.
Root gives it back, and opens nothing for the user's sake that lies elsewhere.
"""

from __future__ import annotations

from audit.facts.accounts import target
from audit.host import Host
from audit.model import NotApplicable, Unknown


def in_home(host: Host, path: str) -> bool:
    """Whether a path without symlinks is the user's home, or lies below it."""
    return any(f"{path}/".startswith(f"{home}/") for home in _homes(host))


def leads_home(host: Host, path: str) -> bool:
    """Whether a path is the home, lies in it, or is a directory on the way to it."""
    return in_home(host, path) or any(
        f"{home}/".startswith(f"{path.rstrip('/')}/") for home in _homes(host)
    )


def spelled(host: Host, path: str) -> str:
    """A path in the home as passwd's name of the home leads to it: so library.sh knows that it lies
    there, and follows no symlink.
    """
    home, *real = _homes(host) or ("",)
    for other in real:
        if path.startswith(f"{other}/"):
            return home + path.removeprefix(other)
    return path


def _homes(host: Host) -> tuple[str, ...]:
    """The home as passwd names it, and without symlinks."""
    try:
        home = host.get(target).home.rstrip("/")
    except (Unknown, NotApplicable):
        return ()
    if not home.startswith("/"):
        return ()
    try:
        real = host.real(home)
    except Unknown:
        real = None
    return (home,) if real is None or real == home else (home, real)
