"""How a module that something keeps away gets into the kernel."""

from __future__ import annotations

import posixpath

from audit.host import Host
from audit.model import Fix, Unknown
from remediations.actions import ROOT, Action, Manual, Replace, Write
from remediations.distro import REBOOT, module, remove_boot_parameter

CMDLINE = "/proc/cmdline"
# modprobe.d(5): a file here hides one of its name in the directories of packages.
OWN = "/etc/modprobe.d"
PACKAGED = ("/usr/lib/", "/lib/", "/usr/local/lib/")


def boot_installed() -> Fix:
    """The modules of the running kernel are gone: a newer one was installed in its place."""
    return Fix("reboot", "boot the installed kernel", (Manual(("reboot",), ROOT),), REBOOT)


def unblock(host: Host, name: str, source: str, line: int) -> Fix:
    """Make a comment of the line of modprobe.d(5), a package's in a copy of its file, and load the
    module.
    """
    title = f"let {name} load"
    edit = _edit(host, source, line)
    if edit is None:
        by_hand = Manual((f"${{EDITOR:-vi}} +{line} {source}",), ROOT)
        return Fix("module_block", title, (by_hand,))
    return Fix("module_block", title, (edit, *module(host, name).actions))


def unblock_at_boot(host: Host, name: str, source: str, observed: str) -> Fix:
    """What the kernel itself was told holds until the next boot."""
    if source == CMDLINE:
        return remove_boot_parameter(host, observed)
    title = f"boot without what keeps {name} away"
    line = f"# find what writes 1 to {source} at boot, take it out, and reboot"
    return Fix("module_block", title, (Manual((line,), ROOT),), REBOOT)


def _edit(host: Host, source: str, number: int) -> Action | None:
    try:
        text = host.read(source) or ""
    except Unknown:
        return None
    lines = text.split("\n")
    first = number
    while first > 1 and lines[first - 2 : first - 1] and lines[first - 2].endswith("\\"):
        first -= 1  # backslash continuations: a comment cannot begin in their middle
    if not 0 < number <= len(lines) or first != number or "\0" in text:
        return None
    if not source.startswith(PACKAGED):
        return Replace(source, number, lines[number - 1], f"# {lines[number - 1]}")
    lines[number - 1] = f"# {lines[number - 1]}"
    return Write(f"{OWN}/{posixpath.basename(source)}", "\n".join(lines))
