"""What a report says of the host, the user and the session it is about."""

from __future__ import annotations

import os
from typing import Any

from audit.facts.accounts import target
from audit.host import Host
from audit.model import Unknown


def asked_user(given: str | None) -> str:
    """The user an audit is about: --user, else $SUDO_USER under sudo, else the invoking user's uid."""
    if given:
        return given
    if os.geteuid() == 0 and os.environ.get("SUDO_USER"):
        return os.environ["SUDO_USER"]
    return str(os.getuid())


def about(host: Host) -> dict[str, Any]:
    """The parts of a report that are no findings: host, user, session, config."""
    try:
        account = host.get(target)
        user = {"name": account.name, "uid": account.uid, "gid": account.gid, "home": account.home}
    except Unknown:
        user = None
    return {
        "host": {"source": host.source.kind},
        "user": user,
        "session": "",
        "config": {"path": None, "includes": []},
    }
