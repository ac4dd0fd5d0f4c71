"""The types that pass between a run and the images, apart from what makes them: a web client and an
unpacker take a fifth of a second to import, and most runs need neither.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from urllib.parse import urlsplit

from audit.errors import UsageError
from audit.records import NamedTuple

DEFAULT = "images.linuxcontainers.org"

Step = Callable[[int, int | None], None]  # bytes so far, bytes in all
Say = Callable[[str], None]


class Server(NamedTuple):
    """Whom to ask, and whether without proof that it is them."""

    base: str = f"https://{DEFAULT}"
    ca: str | None = None
    insecure: bool = False


class Stored(NamedTuple):
    """An image that is ready to be unpacked."""

    rootfs: str
    metadata: str
    build: str
    systemd: bool
    size: int  # bytes once unpacked
    left_out: tuple[str, ...] = ()


class Metadata(NamedTuple):
    """What an image says of itself, and what of it was left out."""

    config: str
    templates: tuple[str, ...] = ()
    message: str = ""
    expiry: int | None = None  # seconds of the epoch
    left_out: tuple[str, ...] = ()


def server(text: str, ca: str | None, insecure: bool) -> Server:
    """--server as typed: HOST[:PORT][/PREFIX] or an https URL. Raises UsageError."""
    base = text if "://" in text else f"https://{text}"
    parts = urlsplit(base)
    if not parts.hostname or parts.query or parts.fragment or parts.username:
        raise UsageError(f"--server {text}: it is HOST[:PORT][/PREFIX]")
    if parts.scheme != "https" and not (insecure and parts.scheme == "http"):
        raise UsageError(f"--server {text}: https only (--insecure allows http)")
    if ca is not None and not os.path.isfile(ca):
        raise UsageError(f"--ca {ca}: there is no such file")
    return Server(base.rstrip("/"), ca, insecure)
