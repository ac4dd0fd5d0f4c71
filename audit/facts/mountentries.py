"""lxc.mount.entry and lxc.mount.fstab, split as getmntent(3) splits them.

Source: LXC src/lxc/conf.c (setup_mount_fstab, mount_file_entries, mount_entry_on_generic), glibc
misc/mntent_r.c.
"""

from __future__ import annotations

import re

from audit.facts.config import Entry, container_config
from audit.facts.mounts import mounts
from audit.facts.userfiles import Denied, user_read
from audit.host import Host
from audit.records import NamedTuple

_ESCAPE = re.compile(r"\\(040|011|012|134|\\)")
_MEANING = {"040": " ", "011": "\t", "012": "\n", "134": "\\", "\\": "\\"}


class MountEntry(NamedTuple):
    """One line: what is mounted where, with which type and options, and where it was written."""

    source: str
    target: str
    fstype: str
    options: tuple[str, ...]
    text: str
    file: str
    line: int

    def has(self, option: str) -> bool:
        """hasmntopt(3): the option itself, or with a value."""
        return any(one == option or one.startswith(f"{option}=") for one in self.options)

    @property
    def is_bind(self) -> bool:
        """liblxc compares the beginnings of options with its own names."""
        return any(one.startswith(("bind", "rbind")) for one in self.options)

    @property
    def is_recursive(self) -> bool:
        return any(one.startswith("rbind") for one in self.options)


def parse(text: str, file: str, line: int) -> MountEntry | None:
    """One line of an fstab; None for an empty one and a comment."""
    words = [_ESCAPE.sub(lambda m: _MEANING[m[1]], word) for word in re.split(r"[ \t]+", text)]
    words = [word for word in words if word]
    if not words or words[0].startswith("#"):
        return None
    source, target, fstype, options = (*words, "", "", "")[:4]
    split = tuple(one for one in options.split(",") if one)
    return MountEntry(source, target, fstype, split, text, file, line)


def mount_entries(host: Host) -> tuple[MountEntry, ...]:
    """The lines of the config, in its order."""
    found = host.get(container_config).all("lxc.mount.entry")
    parsed = (parse(entry.value, entry.file, entry.line) for entry in found)
    return tuple(one for one in parsed if one is not None)


def tunnels(host: Host) -> tuple[MountEntry, ...]:
    """`shmounts:HOST_DIRECTORY` of lxc.mount.auto, which LXC binds to /dev/.lxc-mounts."""
    found: list[MountEntry] = []
    for entry in host.get(container_config).all("lxc.mount.auto"):
        for word in entry.value.split():
            source = word.removeprefix("shmounts:").partition(":")[0]
            if word.startswith("shmounts:") and source:
                options = ("bind", "create=dir")
                place = entry.file, entry.line
                found.append(MountEntry(source, "dev/.lxc-mounts", "none", options, word, *place))
    return tuple(found)


def fstab(host: Host) -> Entry | None:
    """The line that names an fstab for the container."""
    return host.get(container_config).last("lxc.mount.fstab")


def fstab_entries(host: Host) -> tuple[MountEntry, ...] | Denied | None:
    """The lines of that fstab: None when it is missing, Denied when the user may not read it."""
    entry = host.get(fstab)
    if entry is None or entry.value == "/dev/null":
        return ()
    text = host.get(user_read, entry.value)
    if text is None or isinstance(text, Denied):
        return text
    lines = enumerate(text.split("\n"), 1)
    parsed = (parse(line, entry.value, number) for number, line in lines)
    return tuple(one for one in parsed if one is not None)


def submounts(host: Host, path: str) -> tuple[str, ...]:
    """The mount points below an absolute path without symlinks."""
    prefix = path.rstrip("/") + "/"
    return tuple(m.point for m in host.get(mounts) if m.point.startswith(prefix) and m.point != "/")
