"""Which shadow is installed, and how that version reads /etc/subuid and /etc/subgid.

Taken from the sources of the tags 4.2.1 to 4.20.2: lib/subordinateio.c, lib/commonio.c, lib/nss.c,
src/newuidmap.c.
"""

from __future__ import annotations

import re

from audit.host import Host
from audit.model import Unknown
from audit.records import NamedTuple


class Dialect(NamedTuple):
    """What differs between versions of shadow in how newuidmap(1) decides."""

    # A line may name its owner by uid, or by another name of that uid (4.3).
    matches_uid: bool
    # `subid:` in nsswitch.conf names a plugin (4.9).
    asks_nss: bool
    # strtoul's "-1" is 2^64-1 (until 4.14).
    takes_negative: bool
    # A fourth field makes the line invalid (4.18).
    exact_fields: bool
    # SUB_UID_COUNT 0 in login.defs: the file is not opened at all (4.19).
    counts_matter: bool
    # With a plugin the file need not be there (4.19).
    plugin_replaces_file: bool
    # A last line without newline makes the whole file unusable (4.19).
    demands_newline: bool
    # Ids beyond 2^32-1 make the line invalid, and a count of 0 grants nothing (4.20).
    is_bounded: bool


def dialect_of(version: tuple[int, ...]) -> Dialect:
    """How a version reads the files."""
    return Dialect(
        matches_uid=version >= (4, 3),
        asks_nss=version >= (4, 9),
        takes_negative=version < (4, 15),
        exact_fields=version >= (4, 18),
        counts_matter=version >= (4, 19),
        plugin_replaces_file=version >= (4, 19),
        demands_newline=version >= (4, 19),
        is_bounded=version >= (4, 20),
    )


# One version for each way of reading, for hosts where nobody knows which is installed.
STEPS = ((4, 8), (4, 13), (4, 15), (4, 18), (4, 19), (4, 20))


def parse_version(text: str) -> tuple[int, ...] | None:
    """The upstream version in a package's: `1:4.13+dfsg1-1+deb12u2` is (4, 13)."""
    match = re.match(r"(?:[0-9]+:)?([0-9]+(?:\.[0-9]+)*)", text)
    return None if match is None else tuple(int(part) for part in match[1].split("."))


def shadow_version(host: Host) -> tuple[int, ...] | None:
    """The version of shadow's newuidmap; None when the package database knows of none."""
    text = host.package("shadow")
    return None if text is None else parse_version(text)


def dialects(host: Host) -> tuple[Dialect, ...]:
    """How newuidmap may read the files here: one way when the version is known, else every way
    there is.
    """
    try:
        version = host.get(shadow_version)
    except Unknown:
        version = None
    versions = STEPS if version is None else (version,)
    return tuple(dict.fromkeys(dialect_of(one) for one in versions))
