"""OpenRC: its version, and which cgroups its `cgroups` service mounts.

Sources: openrc sh/rc-cgroup.sh, init.d/cgroups.in, etc/rc.conf. rc.conf is sourced by sh: the last
assignment wins, quotes are the shell's, a commented line says nothing.
"""

from __future__ import annotations

import re

from audit.facts.cgroup import HYBRID, UNIFIED
from audit.host import Host
from audit.records import NamedTuple

RC_CONF = "/etc/rc.conf"
DROPINS = "/etc/rc.conf.d"
CONF_D = "/etc/conf.d/cgroups"
VERSION_FILES = (
    "/usr/libexec/rc/version",
    "/lib/rc/version",
    "/usr/lib/rc/version",
    "/libexec/rc/version",
)
PACKAGES = ("openrc", "sys-apps/openrc")
# init.d/cgroups: `${rc_cgroup_mode:-unified}` since 0.51, `:-hybrid` before.
UNIFIED_SINCE = (0, 51)
MODES = ("unified", "hybrid", "legacy")
RUNLEVELS = "/etc/runlevels"

_ASSIGNMENT = re.compile(r"^[ \t]*(?:export[ \t]+)?rc_cgroup_mode=(.*)$")


class Mode(NamedTuple):
    """What rc_cgroup_mode is set to. `line` is None when nothing sets it and the default holds."""

    value: str
    source: str
    line: int | None


def parse_mode(text: str) -> tuple[str, int] | None:
    """The last assignment of rc_cgroup_mode and its line; None when there is none."""
    found: tuple[str, int] | None = None
    for number, line in enumerate(text.split("\n"), 1):
        match = _ASSIGNMENT.match(line)
        if match:
            found = (shell_word(match[1]), number)
    return found


def shell_word(text: str) -> str:
    """The first word of a shell line, quotes removed: `"unified" # why` is `unified`."""
    word, quote = [], ""
    escaped = False
    for character in text:
        if escaped:
            word.append(character)
            escaped = False
        elif quote:
            if character == quote:
                quote = ""
            elif character == "\\" and quote == '"':
                escaped = True
            else:
                word.append(character)
        elif character in "'\"":
            quote = character
        elif character == "\\":
            escaped = True
        elif character in " \t\r;&|":
            break
        else:
            word.append(character)
    return "".join(word)


def version(host: Host) -> tuple[int, ...] | None:
    """OpenRC's version, None when neither its own files nor the package database tell."""
    for verb, places in ((host.read, VERSION_FILES), (host.package, PACKAGES)):
        for place in places:
            match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", verb(place) or "")
            if match:
                return tuple(int(part) for part in match.groups() if part is not None)
    return None


def cgroup_mode(host: Host) -> Mode | None:
    """The mode that the next boot mounts; None when nothing sets it and the version is not known.

    openrc-run.sh sources rc.conf, then rc.conf.d/*.conf, then conf.d/cgroups: the last one wins.
    """
    names = [name for name in host.list(DROPINS) or () if name.endswith(".conf")]
    for path in (CONF_D, *(f"{DROPINS}/{name}" for name in reversed(names)), RC_CONF):
        found = parse_mode(host.read(path) or "")
        if found is not None and found[0]:
            return Mode(found[0], path, found[1])
    release = host.get(version)
    return None if release is None else Mode(default_mode(release), RC_CONF, None)


def default_mode(release: tuple[int, ...]) -> str:
    """What OpenRC mounts when rc_cgroup_mode is not set."""
    return UNIFIED if release >= UNIFIED_SINCE else HYBRID


def in_runlevel(host: Host, service: str) -> bool:
    """Whether a service starts by itself: a link in any runlevel."""
    return any(
        host.lstat(f"{RUNLEVELS}/{level}/{service}") is not None
        for level in host.list(RUNLEVELS) or ()
    )
