"""What may be called what: checked before anything runs.

LXC's own tools check less. `../x` makes a directory outside of the lxcpath, `a;b` one that
lxc-destroy cannot delete, `a&b` a container with another host name, `.x` one that lxc-ls does not
list, and 80 characters fail after the whole download.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from audit.errors import UsageError
from audit.records import NamedTuple

# A host name (RFC 1123): the template writes the name into lxc.uts.name and into the guest.
NEW = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
# Of an image index, where each becomes a directory of the cache.
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_~:-]{0,127}")

# uname(2) -> the names of the image index, which are Debian's
ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "armhf",
    "armv6l": "armel",
    "i386": "i386",
    "i486": "i386",
    "i586": "i386",
    "i686": "i386",
    "ppc64le": "ppc64el",
    "s390x": "s390x",
    "riscv64": "riscv64",
    "loongarch64": "loongarch64",
}


def new_name(text: str) -> str:
    """A name for a container that is to be made; raises UsageError."""
    if NEW.fullmatch(text) is None:
        raise UsageError(
            f"{text!r} is no name for a container: it becomes a host name, so it takes letters, "
            "digits and '-' inside, at most 63 characters"
        )
    return text


def old_name(text: str) -> str:
    """A name of a container that somebody made, perhaps without us; raises UsageError."""
    if not text or len(text) > 255 or "/" in text or text in (".", "..") or text[0] == "-":
        raise UsageError(f"{text!r} is no name of a container")
    if not text.isprintable():
        raise UsageError(f"{text!r} is no name of a container: it has unprintable characters")
    return text


class Image(NamedTuple):
    """What identifies an image on a server."""

    dist: str
    release: str
    arch: str
    variant: str

    def __str__(self) -> str:
        return "/".join(self)


def image(text: str, machine: str) -> Image:
    """DIST/RELEASE[/ARCH[/VARIANT]]; `machine` is uname -m. Raises UsageError.

    The index spells distributions in lower case and architectures as Debian does; `Debian` and
    `x86_64` match nothing there, so both are translated here.
    """
    parts = text.split("/")
    if not 2 <= len(parts) <= 4 or not all(WORD.fullmatch(part) for part in parts):
        raise UsageError(
            f"--image {text}: it is DIST/RELEASE[/ARCH[/VARIANT]], as in debian/bookworm"
        )
    arch = parts[2] if len(parts) > 2 else architecture(machine)
    variant = parts[3] if len(parts) > 3 else "default"
    return Image(parts[0].lower(), parts[1], ARCHITECTURES.get(arch, arch), variant)


def architecture(machine: str) -> str:
    """Debian's name of what uname -m calls this machine."""
    return ARCHITECTURES.get(machine, machine)


def near(wanted: Image, there: Iterable[Image]) -> list[str]:
    """What an index has that comes near: other variants, architectures, releases, distributions."""
    known = sorted(set(there))
    for same in (3, 2, 1):
        found = [str(one) for one in known if one[:same] == wanted[:same]]
        if found:
            return found
    from difflib import get_close_matches

    names = sorted({one.dist for one in known})
    return get_close_matches(wanted.dist, names, n=5, cutoff=0.6) or names
