"""Files that the target user controls, looked at with that user's own rights.

LXC runs as the user. So what the user may not read, LXC does not read either; and a root audit that
followed the user's symlinks with root's rights would quote /etc/shadow in a report.
"""

from __future__ import annotations

from typing import cast

from audit.facts.accounts import credentials
from audit.host import Host
from audit.records import NamedTuple


class Denied(NamedTuple):
    """The user itself may not look; this is an observation, not a failure to observe."""

    reason: str


def user_read(host: Host, path: str) -> str | Denied | None:
    """The text of a file as the target user reads it: text, None (absent), or Denied."""
    answer = host.ask("user_read", path, str(host.get(credentials)))
    if isinstance(answer, dict):
        return Denied(str(answer["denied"]))
    return cast("str | None", answer)


def user_list(host: Host, path: str) -> tuple[str, ...] | Denied | None:
    """The sorted names in a directory as the target user lists it, None (absent), or Denied."""
    answer = host.ask("user_list", path, str(host.get(credentials)))
    if isinstance(answer, dict):
        return Denied(str(answer["denied"]))
    return None if answer is None else tuple(cast("list[str]", answer))
