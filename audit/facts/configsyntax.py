"""How liblxc reads the text of a value: numbers, signals, addresses, id maps and limits.

Source: LXC src/lxc/string_utils.c and src/lxc/confile_utils.c of 3.0.4 to 7.0.0, and strtoul(3) and
inet_pton(3).
"""

from __future__ import annotations

import re

_SPACE = " \t\n\v\f\r"  # isspace(3) in the C locale
_NUMBER = re.compile(r"[ \t\n\v\f\r]*\+?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)")
_SIGNED = re.compile(r"[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)")
_LIMIT = re.compile(r"unlimited|[ \t\n\v\f\r]*(?:[+-]?[0-9]+)?")
_IPV4 = re.compile(r"\.".join([r"(0|[1-9][0-9]{0,2})"] * 4))
UINT_MAX, ULONG_MAX, INT_MAX = 2**32 - 1, 2**64 - 1, 2**31 - 1
_SIGNAL_NAMES = (
    "HUP INT QUIT ILL ABRT FPE KILL SEGV PIPE ALRM TERM USR1 USR2 CHLD CONT STOP TSTP TTIN TTOU "
    "TRAP IOT BUS STKFLT CLD URG XCPU XFSZ VTALRM PROF WINCH IO POLL PWR UNUSED SYS"
)
_SIGNALS = frozenset(_SIGNAL_NAMES.split())
_REAL_TIME = re.compile(r"(?:max-|min\+)([0-9].*)", re.IGNORECASE | re.DOTALL)
_REAL_TIME_SIGNALS = 30  # SIGRTMAX - SIGRTMIN of glibc


def number(text: str, top: int = UINT_MAX) -> int | None:
    """An unsigned number as lxc_safe_uint() reads it: strtoul(3), base 0, nothing after it."""
    match = _NUMBER.fullmatch(text)
    value = None if match is None else _c_integer(match[1])
    return value if value is not None and value <= top else None


def signed_number(text: str) -> int | None:
    """A number as lxc_safe_int() reads it."""
    match = _SIGNED.fullmatch(text)
    if match is None:
        return None
    value = _c_integer(match[2])
    value = -value if match[1] == "-" else value
    return value if -INT_MAX - 1 <= value <= INT_MAX else None


def _c_integer(digits: str) -> int:
    if len(digits) > 30:  # beyond any type, and int() of a million digits is slow
        return ULONG_MAX + 1
    if digits[:2] in ("0x", "0X"):
        return int(digits, 16)
    return int(digits, 8) if digits.startswith("0") else int(digits)


def is_signal(text: str) -> bool:
    """Whether sig_parse() takes it: a number, or a name with its SIG."""
    if text[:1] in tuple("0123456789"):
        value = number(text)
        return value is not None and value <= INT_MAX
    if text[:3].lower() != "sig":
        return False
    if text[3:5].lower() == "rt":
        match = _REAL_TIME.fullmatch(text[5:])
        value = None if match is None else number(match[1])
        return value is not None and value <= _REAL_TIME_SIGNALS
    return text[3:].upper() in _SIGNALS


def is_ipv4(text: str) -> bool:
    """Whether inet_pton(AF_INET) takes it."""
    match = _IPV4.fullmatch(text)
    return match is not None and all(int(part) <= 255 for part in match.groups())


def is_ipv6(text: str) -> bool:
    """Whether inet_pton(AF_INET6) takes it."""
    if len(text) > 45:
        return False
    head, double, tail = text.partition("::")
    if double:
        if "::" in tail or tail.startswith(":"):
            return False
        count = _groups(head, last=False) + _groups(tail, last=True)
        return 0 <= count <= 7
    return _groups(text, last=True) == 8


def _groups(text: str, *, last: bool) -> int:
    """How many 16-bit groups a part of an IPv6 address has; far below zero when it is malformed."""
    if not text:
        return 0
    words = text.split(":")
    count = len(words)
    if last and is_ipv4(words[-1]):
        words.pop()
        count += 1
    hexadecimal = all(
        1 <= len(word) <= 4 and not word.strip("0123456789abcdefABCDEF") for word in words
    )
    return count if hexadecimal else -100


def idmap(text: str) -> tuple[str, int, int, int] | None:
    """`u 0 100000 65536` as parse_idmaps() reads it, None when it refuses it."""
    words = text.replace("\r", " ").replace("\t", " ").split(" ")
    words = [word for word in words if word]
    if len(words) != 4 or words[0] not in ("u", "g"):
        return None
    numbers = [number(word, ULONG_MAX) for word in words[1:]]
    if None in numbers:
        return None
    inside, outside, count = (int(value or 0) for value in numbers)
    return words[0], inside, outside, count


def limits(text: str) -> tuple[int | None, int | None] | None:
    """(soft, hard) of a prlimit value, None for unlimited; no pair when LXC refuses it."""
    soft = _LIMIT.match(text)
    if soft is None or _overflows(soft[0]):
        return None
    rest = text[soft.end() :].lstrip(_SPACE)
    if not rest:
        return _one_limit(soft[0]), _one_limit(soft[0])
    if not rest.startswith(":"):
        return None
    rest = rest[1:].lstrip(_SPACE)
    if not rest:
        return _one_limit(soft[0]), _one_limit(soft[0])
    hard = _LIMIT.match(rest)
    if hard is None or _overflows(hard[0]) or rest[hard.end() :].strip(_SPACE):
        return None
    return _one_limit(soft[0]), _one_limit(hard[0])


def _overflows(text: str) -> bool:
    """Whether strtoull(3) sets ERANGE."""
    digits = text.strip(_SPACE).lstrip("+-").lstrip("0")
    return digits.isdecimal() and (len(digits) > 20 or int(digits) > ULONG_MAX)


def _one_limit(text: str) -> int | None:
    """strtoull(3): a negative number wraps around, and the largest one is RLIM_INFINITY."""
    if text == "unlimited":
        return None
    digits = text.strip(_SPACE)
    magnitude = int(digits.lstrip("+-").lstrip("0") or "0")
    value = -magnitude % (ULONG_MAX + 1) if digits.startswith("-") else magnitude
    return None if value == ULONG_MAX else value
