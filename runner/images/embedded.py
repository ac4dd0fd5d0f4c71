"""The default guest: a root file system of the host's static busybox. It needs no network.

lxc-create has a busybox template of its own. Its guest runs a DHCP client that takes away the
address which the config gave it, and it ignores the signal with which lxc-stop asks it to halt.
"""

from __future__ import annotations

import hashlib
import os
import shutil

from audit.errors import UsageError
from runner.images.kinds import Stored
from runner.places import cache

VERSION = 2  # of guest.py: a new one makes a new archive
PLACES = ("/bin/busybox", "/usr/bin/busybox", "/bin/busybox.static", "/sbin/busybox")
INSTALL = "busybox-static (Debian, Ubuntu), busybox (Fedora, Alpine: busybox-static, Arch, Gentoo)"


def static_busybox() -> str:
    """The path of a busybox that needs no libraries. Raises UsageError when there is none."""
    found = ""
    for path in (shutil.which("busybox"), *PLACES):
        if path and os.path.isfile(path):
            found = path
            with open(path, "rb") as file:
                if b"/ld-" not in file.read(4096):
                    return path
    why = f"{found} needs libraries of the host" if found else "there is none here"
    raise UsageError(
        f"without --image the container is made of the host's static busybox, and {why}: "
        f"install the package {INSTALL}, or name an image"
    )


def embedded() -> Stored:
    """The archives, made when busybox or this file has changed since the last time."""
    busybox = static_busybox()
    with open(busybox, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    build = f"{VERSION}-{digest[:16]}"
    place = cache("images", "embedded")
    final = os.path.join(place, build)
    size = os.path.getsize(busybox)
    stored = Stored(
        os.path.join(final, "rootfs.tar.xz"), os.path.join(final, "meta.tar.xz"), build, False, size
    )
    if os.path.exists(stored.metadata):
        return stored
    made = os.path.join(place, f".{build}.{os.getpid()}")
    try:
        os.makedirs(made)
        from runner.images.guest import pack_guest

        pack_guest(made, busybox)
        _put(made, final)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return stored


def _put(made: str, final: str) -> None:
    """Another run may have been faster; then its copy is as good as ours."""
    try:
        os.rename(made, final)
    except OSError:
        if not os.path.isdir(final):
            raise
