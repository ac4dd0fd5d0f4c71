"""Kernel parameters: what is in force, and which line of which file will set it at the next
boot.
"""

from __future__ import annotations

from audit.host import Host
from audit.records import NamedTuple

# sysctl.d(5), "Configuration directories and precedence": a file name in an earlier directory hides
# the same name in a later one. /lib/sysctl.d is the old name of /usr/lib/sysctl.d.
DIRECTORIES = (
    "/etc/sysctl.d",
    "/run/sysctl.d",
    "/usr/local/lib/sysctl.d",
    "/usr/lib/sysctl.d",
    "/lib/sysctl.d",
)


class Setting(NamedTuple):
    """A line that sets a parameter at boot."""

    key: str
    value: str
    path: str
    line: int


def sysctl(host: Host, key: str) -> str | None:
    """The value in force, stripped; None when this kernel has no such parameter."""
    text = host.read("/proc/sys/" + normal(key))
    return None if text is None else text.strip()


def normal(key: str) -> str:
    """A key as the path below /proc/sys.

    When the first separator is a slash the key is such a path already; otherwise dots and slashes
    change places, so `net.ipv4.conf.enp3s0/200.forwarding` names interface `enp3s0.200`
    (sysctl.d(5))."""
    first = next((letter for letter in key if letter in "/."), "/")
    return key if first == "/" else key.translate(str.maketrans("./", "/."))


def persisted_files(host: Host) -> tuple[str, ...]:
    """The files that are read at boot, in their order; the last setting wins.

    /etc/sysctl.conf comes last, as in `sysctl --system` (procps, OpenRC); systemd reads it only
    where 99-sysctl.conf points to it. /run of a directory tree says nothing and is left out."""
    files: dict[str, str] = {}
    for directory in DIRECTORIES:
        if directory.startswith("/run/") and host.source.kind == "root":
            continue
        for name in host.list(directory) or ():
            if name.endswith(".conf"):
                files.setdefault(name, f"{directory}/{name}")
    return (*(files[name] for name in sorted(files)), "/etc/sysctl.conf")


def settings(host: Host) -> tuple[Setting, ...]:
    """Every line of every file that sets a parameter at boot, in order; keys as paths below
    /proc/sys.
    """
    found: list[Setting] = []
    for path in host.get(persisted_files):
        if host.link(path) == "/dev/null":  # the way to switch a vendor's file off
            continue
        text = host.read(path)
        if text is not None:
            found.extend(parse_sysctl(path, text))
    return tuple(found)


def parse_sysctl(path: str, text: str) -> list[Setting]:
    """The assignments of one file. `-key` without a value (keep globs away from key) has the value
    ``.
    """
    found: list[Setting] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        key, equals, value = line.partition("=")
        key = key.strip()
        if not equals and not key.startswith("-"):
            continue
        key = key.removeprefix("-").strip()
        if key:
            found.append(
                Setting(normal(key.strip("/")), value.strip() if equals else "", path, number)
            )
    return found


def persisted_sysctl(host: Host, key: str) -> Setting | None:
    """The line that decides a parameter at the next boot, None when no file sets it.

    A plain key wins over a glob wherever they stand, and `-key` keeps globs away from it
    (sysctl.d(5))."""
    from fnmatch import fnmatchcase

    path = normal(key)
    plain: Setting | None = None
    glob: Setting | None = None
    spared = False
    for one in host.get(settings):
        if one.key == path:
            spared = one.value == "" or spared
            plain = one if one.value else plain
        elif any(mark in one.key for mark in "*?[") and fnmatchcase(path, one.key):
            glob = one
    return plain or (None if spared else glob)
