"""Text that came from a host: made safe before it is shown.

A host's files, a user's file names and a stranger's snapshot may hold terminal escapes, line
breaks, bidirectional overrides, invisible characters or a gigabyte. Nothing of that may act on the
terminal of the person who reads about it, and nothing may vanish either: what was there stays
visible as an escape.
"""

from __future__ import annotations

# A report quotes a line; it does not copy a file. Characters.
MAX_QUOTED = 2_000


def visible(text: str, limit: int | None = None) -> str:
    """One line of printable text, cut to `limit` characters.

    Everything else becomes \\xNN, \\uNNNN or \\UNNNNNNNN. `str.isprintable` is false for control
    characters, C1, lone surrogates (undecodable bytes), bidirectional and zero-width marks, line
    and paragraph separators, private and unassigned code points.
    """
    text = clip(text, limit)
    if text.isprintable():
        return text
    return "".join(ch if ch.isprintable() else _escaped(ch) for ch in text)


def clip(text: str, limit: int | None = MAX_QUOTED) -> str:
    """The text, or its beginning and how much is missing."""
    if limit is None or len(text) <= limit:
        return text
    return f"{text[:limit]}... ({len(text) - limit} more characters)"


def encodable(text: str) -> str:
    """The text with undecodable bytes as \\xNN: writable as UTF-8, readable by any JSON parser."""
    if text.isascii():
        return text
    return "".join(_escaped(ch) if "\ud800" <= ch <= "\udfff" else ch for ch in text)


def _escaped(ch: str) -> str:
    code = ord(ch)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was no UTF-8 (PEP 383)
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
