"""The difference of two reports as a page, for `diff`."""

from __future__ import annotations

from typing import Any, TextIO

from audit.comparison import Difference, is_regression
from audit.report import FindingEntry
from reports.folding import WORDS
from reports.html.content import VERDICTS, cure, proof
from reports.html.page import write


def render(difference: Difference, out: TextIO) -> None:
    """What is new, what is fixed, what changed, and how many are what they were."""
    a, b = difference["a"], difference["b"]
    worse = is_regression(difference)
    write(
        "difference.html.j2",
        {
            "a": a,
            "b": b,
            "was": VERDICTS.get(a["verdict"], (a["verdict"], "unknown"))[0],
            "now": VERDICTS.get(b["verdict"], (b["verdict"], "unknown"))[0],
            "style": "bad" if worse else "ok",
            "sentence": "Something got worse." if worse else "Nothing got worse.",
            "stages": [
                {"name": name.replace("_", " "), **one, "moved": one["a"] != one["b"]}
                for name, one in difference["stages"].items()
            ],
            "sections": [
                {
                    "title": title,
                    "style": style,
                    "entries": [_entry(one, b["user"] or "") for one in own],
                }
                for title, style, own in (
                    ("New", "bad", difference["new"]),
                    ("Fixed", "ok", difference["fixed"]),
                )
            ],
            "changed": [
                {
                    "check": one["check"],
                    "a": _entry(one["a"], ""),
                    "b": _entry(one["b"], b["user"] or ""),
                }
                for one in difference["changed"]
            ],
            "unchanged": difference["unchanged"],
            "tool": "lxc-preflight",
            "generated": b["generated"],
        },
        out,
    )


def _entry(finding: FindingEntry, user: str) -> dict[str, Any]:
    return {
        "check": finding["check"],
        "level": finding["level"],
        "word": WORDS.get(finding["outcome"].replace("-", "_"), finding["outcome"]),
        "message": finding["message"],
        "evidence": proof(finding),
        "fix": cure(finding["fix"], user),
    }
