"""A tree with LXC and shadow, a user who has sub-ids and a config: healthy but for what a test
changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.remediations.law4 import Entry, Tree

HOME = "/home/lxc"
CONFIG = f"{HOME}/.config/lxc/default.conf"
CONTAINERS = f"{HOME}/.local/share/lxc"
BLOCK = "100000:65536"
IDMAP = "lxc.idmap = u 0 100000 65536\nlxc.idmap = g 0 100000 65536\n"
LIBRARY = b"\0".join(
    (
        b"\x7fELF",
        b"5.0.2",
        b"/usr/libexec/lxc/lxc-user-nic",
        b"/usr/lib/lxc/rootfs",
        b"/usr/share/lxc/templates",
        b"libseccomp.so.2",
        b"libcap.so.2",
        b"",
    )
)
HELPER = b"\x7fELF newuidmap: write to uid_map failed"
SHADOW = (
    "Package: passwd\nStatus: install ok installed\nVersion: {0}\n\n"
    "Package: uidmap\nStatus: install ok installed\nVersion: {0}\n\n"
)
ENTRIES: Mapping[str, str | Entry] = {
    "/etc/os-release": "ID=debian\nVERSION_ID=12\n",
    "/etc/login.defs": "UID_MIN 1000\nENV_PATH PATH=/usr/local/bin:/usr/bin:/bin\n",
    "/etc/subuid": f"lxc:{BLOCK}\n",
    "/etc/subgid": f"lxc:{BLOCK}\n",
    "/usr/lib/liblxc.so.1": Entry(LIBRARY),
    "/usr/bin/": Entry(),
    **{
        f"/usr/bin/{name}": Entry("#!/bin/sh\n", 0o755)
        for name in ("lxc-create", "lxc-start", "lxc-usernsexec", "lxc-attach", "lxc-stop")
    },
    **{f"/usr/bin/{name}": Entry("#!/bin/sh\n", 0o755) for name in ("lxc-info", "lxc-destroy")},
    "/usr/lib/lxc/rootfs/": Entry(),
    "/usr/bin/newuidmap": Entry(HELPER, 0o4755),
    "/usr/bin/newgidmap": Entry(HELPER, 0o4755),
    "/var/lib/dpkg/status": SHADOW.format("1:4.13+dfsg1-1+deb12u1"),
}


def theirs(text: str | bytes = "", mode: int | None = None, **more: str) -> Entry:
    """A file or directory of the user's."""
    return Entry(text, mode, 1001, 1001, **more)


def tree_of(
    place: Path,
    changes: Mapping[str, str | Entry | None] | None = None,
    config: str | None = "",
) -> Tree:
    """The tree, with `config` behind the id maps of the user's config; None: there is no config."""
    entries: dict[str, str | Entry] = {**ENTRIES}
    for path in (HOME, f"{HOME}/.config", f"{HOME}/.config/lxc"):
        entries[f"{path}/"] = theirs(mode=0o755)
    for path in (f"{HOME}/.local", f"{HOME}/.local/share", CONTAINERS):
        entries[f"{path}/"] = theirs(mode=0o755)
    if config is not None:
        entries[CONFIG] = theirs(IDMAP + config)
    for path, entry in (changes or {}).items():
        entries.pop(path, None)
        if entry is not None:
            entries[path] = entry
    return Tree(place, entries)
