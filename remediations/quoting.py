"""Words for a shell: whatever a host holds becomes one word, and the script stays readable text."""

from __future__ import annotations

import shlex


def word(text: str) -> str:
    """One word of POSIX sh that stands for exactly these characters.

    Control characters and bytes that are no UTF-8 (surrogates, PEP 383) are written by printf(1)
    in octal, so that a script can be shown on a terminal; newlines at the end stay. No word holds
    a NUL: ValueError.
    """
    if "\0" in text:
        raise ValueError("no word of a shell holds a NUL")
    if text.isprintable() and not any("\ud800" <= ch <= "\udfff" for ch in text):
        return shlex.quote(text)
    body = text.rstrip("\n")
    ends = text[len(body) :]
    octal = "".join(
        "".join(f"\\0{byte:03o}" for byte in encoded(ch))
        if not ch.isprintable() or ch == "\\"
        else ch
        for ch in body
    )
    # Command substitution takes newlines at the end away: those stand there as they are.
    return f'"$(printf %b {shlex.quote(octal)})"' + (f"'{ends}'" if ends else "")


def encoded(text: str) -> bytes:
    """The bytes of a name. A surrogate that stands for no byte comes from a snapshot alone, whose
    JSON can spell it; no host has that name.
    """
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return b"".join(
            ch.encode("utf-8", "surrogateescape" if "\udc80" <= ch <= "\udcff" else "surrogatepass")
            for ch in text
        )


def words(*texts: str) -> str:
    """Several words, with a space between."""
    return " ".join(word(text) for text in texts)
