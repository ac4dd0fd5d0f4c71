"""How a config, and what it includes, is kept from others.

What it includes is the user's word: /tmp may be among it. So modes are changed with the user's
rights alone.
"""

from __future__ import annotations

from audit.facts.accounts import target
from audit.host import Host, Stat
from audit.model import Fix, NotApplicable, Unknown
from remediations.actions import Mode
from remediations.config import is_below


def close(host: Host, path: str, stat: Stat) -> Fix | None:
    """Take writing by others away from a file of the user's; None for anybody else's."""
    try:
        account = host.get(target)
    except (Unknown, NotApplicable):
        return None
    if stat.uid != account.uid or not is_below(path, account.home):
        return None
    return Fix("config_mode", f"close {path}", (Mode(path, stat.mode & ~0o022, theirs=True),))
