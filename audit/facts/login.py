"""The target user's next login: its environment and umask, as the login services and the shell will
make them.
"""

from __future__ import annotations

from collections.abc import Mapping

from audit.facts.accounts import target
from audit.host import Host

DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
DEFAULT_UMASK = 0o022


def environment(host: Host) -> Mapping[str, str]:
    """The variables of the next login."""
    account = host.get(target)
    return {"HOME": account.home, "PATH": DEFAULT_PATH, "USER": account.name}


def umask(host: Host) -> int:
    """The file mode creation mask of the next login."""
    return DEFAULT_UMASK
