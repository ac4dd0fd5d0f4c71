"""Patterns of the shell (`*` and `?`), matched in linear time, and what test(1) compares."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"\s*[+-]?[0-9]{1,18}\s*")


def compare(left: str, operator: str, right: str, patterns: bool) -> bool | None:
    """A comparison of test(1), or of `[[` where `patterns`; None for what is none of both."""
    if operator in ("=", "==", "!="):
        equal = matches(left, right) if patterns else left == right
        return equal is (operator != "!=")
    numeric = {"-eq": 0, "-ne": 0, "-lt": 0, "-le": 0, "-gt": 0, "-ge": 0}
    if operator not in numeric or not (_NUMBER.fullmatch(left) and _NUMBER.fullmatch(right)):
        return None
    a, b = int(left), int(right)
    return {
        "-eq": a == b,
        "-ne": a != b,
        "-lt": a < b,
        "-le": a <= b,
        "-gt": a > b,
        "-ge": a >= b,
    }[operator]


def matches(value: str, pattern: str) -> bool:
    """Whether a shell pattern of `*`, `?` and literals matches; linear in both (no backtracking
    into `*`).
    """
    parts = pattern.split("*")
    if len(parts) == 1:
        return _same(value, pattern)
    first, *middle, last = parts
    if len(value) < len(first) + len(last) or not _same(value[: len(first)], first):
        return False
    if last and not _same(value[-len(last) :], last):
        return False
    at, end = len(first), len(value) - len(last)
    for part in middle:
        found = _found(value, part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return at <= end


def _found(value: str, part: str, at: int, end: int) -> int:
    """Where a part without `*` first matches within at..end, -1 when it does not."""
    if "?" not in part:
        return value.find(part, at, end)
    last = end - len(part)
    return next((n for n in range(at, last + 1) if _same(value[n : n + len(part)], part)), -1)


def _same(value: str, pattern: str) -> bool:
    if "?" not in pattern:
        return value == pattern
    return len(value) == len(pattern) and all(
        p in ("?", v) for v, p in zip(value, pattern, strict=True)
    )


def strip(value: str, pattern: str, operator: str, greedy: bool) -> str:
    """`${value#pattern}` and its relatives."""
    sizes = range(len(value) + 1)
    for size in reversed(sizes) if greedy else sizes:
        if operator == "#" and matches(value[:size], pattern):
            return value[size:]
        if operator == "%" and matches(value[len(value) - size :], pattern):
            return value[: len(value) - size]
    return value
