"""Where the runner keeps things: one directory below the user's cache.

~/.cache/lxc-preflight (or below $XDG_CACHE_HOME): `images`, `journal`, `logs`, `runs`. All of it
may be deleted when no run is under way.
"""

from __future__ import annotations

import os

from audit.errors import UsageError


def place(*parts: str) -> str:
    """A path of ours, made or not. Raises UsageError outside of a session."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not base.startswith("/"):
        home = os.environ.get("HOME", "")
        if not home.startswith("/"):
            raise UsageError("HOME is not set: run this in a login session (su - USER)")
        base = os.path.join(home, ".cache")
    return os.path.join(base, "lxc-preflight", *parts)


def cache(*parts: str) -> str:
    """A directory of ours, made when it is missing. Raises UsageError when it cannot be."""
    path = place(*parts)
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make {path}: {error.strerror}") from None
    return path


def log_file(name: str, kind: str) -> str:
    """The log of a container's last `create` or `start`, or its `console`."""
    return place("logs", f"{name}.{kind}.log")
