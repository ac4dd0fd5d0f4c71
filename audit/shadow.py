"""What /etc/shadow says about whether an account can log in; nothing else of it leaves here."""

from __future__ import annotations

import re

from audit.source import Answer

DAYS = re.compile(r"[0-9]{1,18}")


def expiry(text: str, user: str) -> Answer:
    """{"expires": day or None, "locked": bool} of a user, None when shadow(5) does not list it.

    `expires` is in days since 1970-01-01, as in shadow(5).
    """
    for line in text.split("\n"):
        name, *fields = line.split(":")
        if name == user and len(fields) >= 7:
            return {
                "expires": int(fields[6]) if DAYS.fullmatch(fields[6]) else None,
                "locked": fields[0].startswith(("!", "*")),
            }
    return None
