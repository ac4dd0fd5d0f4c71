"""The anchors of a page: a check's id, so that a link to it lasts as long as the id."""

from __future__ import annotations

import re

_ODD = re.compile(r"[^a-z0-9_.-]")


def anchor(check: str) -> str:
    """The id of a check's element. A report may be a stranger's file: odd characters become _."""
    return _ODD.sub("_", check.lower())[:120] or "_"
