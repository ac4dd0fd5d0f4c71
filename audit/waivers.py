"""Waivers: findings that somebody has looked at and accepts, with a reason and an end.

    [[waiver]]
    check = "network.*"                # id or glob, aliases too
    user = "ci-*"                      # scope: each that is given must match; none: everywhere
    host = "build[0-9]"
    subject = "br0.1"
    reason = "built-in bridge, see ticket 4711"
    expires = 2027-03-31               # the last day it holds; leave it out for no end

`scope = "GLOB"` in place of the three matches a user, a host or a subject.

A waiver changes the gate and nothing else. LXC does not read waivers, so the verdict and the
predictions stay. A waived finding stays in every report, and under an expired waiver it counts
again.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import NoReturn

from audit.errors import UsageError
from audit.model import Check, Outcome, Unknown
from audit.records import NamedTuple
from audit.report import FindingEntry

KEYS = ("check", "scope", "user", "host", "subject", "reason", "expires")
PLACES = ("user", "host", "subject")


class Waiver(NamedTuple):
    """One entry of a waiver file. The globs are None where they do not limit the waiver."""

    check: str
    reason: str
    expires: datetime.date | None = None  # the last day it holds
    user: str | None = None
    host: str | None = None
    subject: str | None = None
    scope: str | None = None  # any of the three

    def covers(self, check: Check, places: Mapping[str, str]) -> bool:
        """Whether it is about this check, at these places (keys of PLACES)."""
        if not any(fnmatchcase(name, self.check) for name in (check.id, *check.aliases)):
            return False
        limits = zip(PLACES, (self.user, self.host, self.subject), strict=True)
        if any(glob is not None and not fnmatchcase(places[at], glob) for at, glob in limits):
            return False
        return self.scope is None or any(fnmatchcase(places[at], self.scope) for at in PLACES)


def load(path: str) -> tuple[Waiver, ...]:
    """Read a waiver file. Raises UsageError that names the entry and what is wrong with it."""
    from audit.live import read_regular

    try:
        return parse(read_regular(path).decode("utf-8"), path)
    except OSError as error:
        raise UsageError(f"cannot read the waivers in {path}: {error.strerror}") from None
    except Unknown as why:
        raise UsageError(f"cannot read the waivers: {why}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no waiver file: it is not UTF-8 text") from None


def parse(text: str, name: str) -> tuple[Waiver, ...]:
    """The waivers in the text of a file called `name`."""
    import tomllib

    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise UsageError(f"{name} is no waiver file: {error}") from None
    entries = data.pop("waiver", [])
    if data:
        raise UsageError(f"{name}: unknown key {next(iter(data))!r}; entries start with [[waiver]]")
    if not isinstance(entries, list):
        raise UsageError(f"{name}: waiver is no list; entries start with [[waiver]]")
    return tuple(_waiver(entry, f"{name}, waiver {n}") for n, entry in enumerate(entries, 1))


def _waiver(entry: object, where: str) -> Waiver:
    if not isinstance(entry, dict):
        _malformed(where, "it is no table; entries start with [[waiver]]")
    if isinstance(entry.get("check"), str):
        where = f"{where} ({entry['check']})"
    if isinstance(scope := entry.get("scope"), dict):
        entry = {key: value for key, value in entry.items() if key != "scope"}
        for key in scope:
            if key not in PLACES:
                _malformed(where, f"unknown key {key!r} in scope; known are {', '.join(PLACES)}")
        entry.update(scope)
    for key in entry:
        if key not in KEYS:
            _malformed(where, f"unknown key {key!r}; known are {', '.join(KEYS)}")
    for key in ("check", "reason"):
        if key not in entry:
            _malformed(where, f"{key} is missing")
    for key in entry:
        if key != "expires" and not (isinstance(entry[key], str) and entry[key].strip()):
            _malformed(where, f"{key} must be text that is not empty")
    texts = {key: value for key, value in entry.items() if key != "expires"}
    return Waiver(expires=_date(entry.get("expires"), where), **texts)


def _date(value: object, where: str) -> datetime.date | None:
    if value is None or value in ("none", "never"):
        return None
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.date.fromisoformat(str(value))
    except ValueError:
        _malformed(where, f"expires is {value!r}; write a date such as 2027-03-31")


def _malformed(where: str, why: str) -> NoReturn:
    raise UsageError(f"{where}: {why}")


def apply(
    waivers: Iterable[Waiver],
    findings: Iterable[FindingEntry],
    checks: Mapping[str, Check],
    *,
    user: str,
    host: str,
    today: datetime.date,
) -> tuple[Waiver, ...]:
    """Write on each failed finding the waiver that covers it; return those that cover no check.

    One that still holds goes before one that has expired.
    """
    ordered = sorted(waivers, key=lambda waiver: is_expired(waiver, today))
    for finding in findings:
        check = checks.get(finding["check"])
        if check is None or finding["outcome"] != Outcome.FAIL:
            continue
        places = {"user": user, "host": host, "subject": finding["subject"]}
        for waiver in ordered:
            if waiver.covers(check, places):
                finding["waiver"] = {
                    "reason": waiver.reason,
                    "expires": waiver.expires.isoformat() if waiver.expires else None,
                    "expired": is_expired(waiver, today),
                }
                break
    return tuple(w for w in ordered if not any(_names(w, check) for check in checks.values()))


def is_expired(waiver: Waiver, today: datetime.date) -> bool:
    return waiver.expires is not None and waiver.expires < today


def _names(waiver: Waiver, check: Check) -> bool:
    return any(fnmatchcase(name, waiver.check) for name in (check.id, *check.aliases))
