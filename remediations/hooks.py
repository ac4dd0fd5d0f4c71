"""How a hook of a container comes to run.

Its program is the user's word, and may be /etc/shadow: only what is the user's own is made
executable, with the user's rights, and what LXC ships is installed anew.
"""

from __future__ import annotations

from audit.facts.accounts import target
from audit.facts.config import Entry
from audit.host import Host
from audit.model import Fix, NotApplicable, Unknown
from remediations.actions import Mode
from remediations.config import Change, by_hand, rights
from remediations.distro import install

EXECUTABLE = 0o555
# where the hooks of packages lie -> the package, and their names (LXC hooks/, lxcfs share/)
SHIPPED = {
    "/usr/share/lxc/hooks/": (
        "lxc",
        {"clonehostname", "dhclient", "dhclient-script", "mountecryptfsroot", "nvidia"}
        | {"squid-deb-proxy-client", "ubuntu-cloud-prep"},
    ),
    "/usr/libexec/lxc/hooks/": ("lxc", {"unmount-namespace"}),
    "/usr/lib/lxc/hooks/": ("lxc", {"unmount-namespace"}),
    "/usr/share/lxcfs/": ("lxcfs", {"lxc.mount.hook", "lxc.reboot.hook"}),
}


def repair(host: Host, entry: Entry, program: str) -> Fix:
    """Make a program of the user's executable, bring one of a package; the rest is for a person."""
    for place, (package, names) in SHIPPED.items():
        if program.startswith(place) and program.removeprefix(place) in names:
            return install(host, package)
    try:
        found = host.stat(program) if program.startswith("/") else None
        if (
            found is not None
            and found.kind == "file"
            and found.uid == host.get(target).uid
            and found.mode | EXECUTABLE != found.mode
            and rights(host, program) == "user"
        ):
            mode = Mode(program, found.mode | EXECUTABLE, theirs=True)
            return Fix("hook_mode", f"make {program} executable", (mode,))
    except (Unknown, NotApplicable):
        pass
    return correct(host, entry)


def correct(host: Host, entry: Entry) -> Fix:
    """What a hook is for, only its author knows."""
    new = f"{entry.key} = PROGRAM, executable for who runs it; or take the line out"
    change = Change(entry.file, entry.line, entry.text, new)
    return Fix("hook", f"correct {entry.key}, or take it out", (by_hand(host, (change,)),))
