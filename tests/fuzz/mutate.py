"""Make strange texts out of ordinary ones."""

from __future__ import annotations

import random
from collections.abc import Sequence

MAX_TEXT = 20_000

# What parsers stumble over: borders of integers, bases, blanks, quotes, comments, terminal escapes.
NASTY = (
    *("", "\0", "\n", "\r\n", "\r", "\t", " ", "\v", "\f", "\x1b[31m", "\x85", "\u2028", "\udcff"),
    *("0", "00", "-1", "+1", "0x10", "0o7", "1e9", "٣", "²", "65536", "4294967295", "4294967296"),
    *("18446744073709551615", "18446744073709551616", "9" * 400, "inf", "nan", "true"),
    *(
        ":",
        "::",
        "=",
        "==",
        "#",
        ";",
        "\\",
        "\\\n",
        "'",
        '"',
        "`",
        "$(",
        "${",
        "}",
        "<<E",
        "|",
        "&",
    ),
    *("*", "?", "[", "]", "(", ")", "{", "@", "%", "!", "/", "//", "..", "/../", "~", "<b>", "é"),
    *("lxc.", "lxc.include = /", "root", "include", "Delegate=", "veth", "u 0 ", "b 0 ", "max"),
    "A" * 5000,
    ":" * 300,
    "(" * 300,
    "\\" * 301,
)


def mutated(text: str, others: Sequence[str], chance: random.Random) -> str:
    """The text after one to eight random changes, spliced with another one now and then."""
    for _ in range(1 << chance.randrange(4)):
        text = chance.choice(CHANGES)(text, others, chance)[:MAX_TEXT]
    return text


def _insert(text: str, others: Sequence[str], chance: random.Random) -> str:
    at = chance.randint(0, len(text))
    return text[:at] + chance.choice(NASTY) + text[at:]


def _replace(text: str, others: Sequence[str], chance: random.Random) -> str:
    at = chance.randint(0, len(text))
    return text[:at] + chance.choice(NASTY) + text[at + chance.randint(0, 8) :]


def _flip(text: str, others: Sequence[str], chance: random.Random) -> str:
    if not text:
        return chr(chance.randrange(256))
    at = chance.randrange(len(text))
    return text[:at] + chr(ord(text[at]) ^ 1 << chance.randrange(7)) + text[at + 1 :]


def _cut(text: str, others: Sequence[str], chance: random.Random) -> str:
    start = chance.randint(0, len(text))
    return text[:start] + text[start + chance.randint(0, max(1, len(text) // 4)) :]


def _double(text: str, others: Sequence[str], chance: random.Random) -> str:
    start = chance.randint(0, len(text))
    piece = text[start : start + chance.randint(1, 60)]
    return text[:start] + piece * chance.choice((2, 2, 3, 50)) + text[start:]


def _lines(text: str, others: Sequence[str], chance: random.Random) -> str:
    lines = text.splitlines(keepends=True) or [""]
    lines.insert(chance.randint(0, len(lines)), chance.choice(lines))
    if chance.random() < 0.5:
        del lines[chance.randrange(len(lines))]
    if chance.random() < 0.2:
        chance.shuffle(lines)
    return "".join(lines)


def _splice(text: str, others: Sequence[str], chance: random.Random) -> str:
    other = chance.choice(others)
    at, start = chance.randint(0, len(text)), chance.randint(0, len(other))
    return text[:at] + other[start : start + chance.randint(1, 400)] + text[at:]


CHANGES = (_insert, _insert, _replace, _replace, _flip, _cut, _double, _lines, _splice)
