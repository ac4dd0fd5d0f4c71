"""The text formats of an image server: the index and the check sums. Pure.

Source: lxc-ci bin/jenkins-import-images, which publishes images.linuxcontainers.org, and
templates/lxc-download.in, which reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from audit.records import NamedTuple
from runner.errors import Failed
from runner.names import WORD, Image

# Every LXC since 3.0 asks for .7, .6, .5 first and gets 404: those were never published.
PATH = "meta/1.0/index-user"
SUMS = "SHA256SUMS"
MAX_INDEX = 4 << 20
MAX_SUMS = 1 << 20
FILES = ("meta.tar.xz", "rootfs.tar.xz")
_SUM = re.compile(r"([0-9a-fA-F]{64})[ \t]+\*?(\S+)")


class Entry(NamedTuple):
    """One line of the index: an image, its newest build, and the directory it is in."""

    image: Image
    build: str
    path: str


def parse(text: str) -> list[Entry]:
    """`dist;release;arch;variant;build;/images/.../` lines; others are passed over.

    Every field becomes a part of a path here, so nothing gets through that could lead elsewhere.
    """
    found = []
    for line in text.split("\n"):
        fields = line.strip().split(";")
        if len(fields) != 6 or not all(WORD.fullmatch(field) for field in fields[:5]):
            continue
        path = fields[5].strip("/")
        parts = path.split("/")
        if parts[0] != "images" or not all(WORD.fullmatch(part) for part in parts):
            continue
        found.append(Entry(Image(*fields[:4]), fields[4], path))
    return found


def select(entries: Iterable[Entry], image: Image) -> Entry | None:
    """The newest build of an image, None when the index does not have it."""
    builds = [entry for entry in entries if entry.image == image]
    return max(builds, key=lambda entry: entry.build) if builds else None


def matching(entries: Iterable[Entry], wanted: Iterable[str | None]) -> list[Entry]:
    """The entries that a person's filter lets through: dist, release, arch, variant or None."""
    words = tuple(wanted)
    return sorted(
        entry
        for entry in entries
        if all(
            word is None or word.lower() == field.lower()
            for word, field in zip(words, entry.image, strict=False)
        )
    )


def sums(text: str, url: str) -> dict[str, str]:
    """File -> sha256 in lower case. Raises Failed when a file that we fetch is not listed."""
    found = {}
    for line in text.split("\n"):
        if match := _SUM.fullmatch(line.strip()):
            found[match[2].removeprefix("./")] = match[1].lower()
    missing = [name for name in FILES if name not in found]
    if missing:
        raise Failed(f"{url} has no check sum of {missing[0]}: the image cannot be verified")
    return found
