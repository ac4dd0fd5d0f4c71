"""What sets up this host's network interfaces, and where it has written down how.

The one that runs decides; where none does (a directory tree, a sandbox) the distribution's own.
"""

from __future__ import annotations

import re

from audit.facts.distro import family
from audit.host import Host

IFUPDOWN, NETWORKMANAGER, NETWORKD, NETIFRC = (
    "ifupdown",
    "NetworkManager",
    "systemd-networkd",
    "netifrc",
)
# What a running one leaves behind; tmpfiles.d makes /run/systemd/netif itself for everybody.
RUNNING = (
    ("/run/NetworkManager/NetworkManager.pid", NETWORKMANAGER),
    ("/run/NetworkManager/devices", NETWORKMANAGER),
    ("/run/systemd/netif/state", NETWORKD),
)
OF_FAMILY = {
    "debian": IFUPDOWN,
    "fedora": NETWORKMANAGER,
    "arch": NETWORKD,
    "gentoo": NETIFRC,
    "alpine": IFUPDOWN,
}
INTERFACES = "/etc/network/interfaces"
NETIFRC_CONF = "/etc/conf.d/net"
_DIRECTORIES = (
    "/etc/network/interfaces.d",
    "/etc/systemd/network",
    "/run/systemd/network",
    "/etc/NetworkManager/system-connections",
)
# Made and set up by daemons at every boot: none of ours to write down.
_DAEMONS = re.compile(r"(docker|br-[0-9a-f]{12}$|virbr|lxdbr|incusbr|podman|cni)")


def network_manager(host: Host) -> str:
    """One of the names above; empty where nothing tells."""
    if host.source.kind != "root":
        for path, name in RUNNING:
            if host.stat(path) is not None:
                return name
    return OF_FAMILY.get(host.get(family) or "", "")


def mangled(name: str) -> str:
    """An interface's name in a variable of /etc/conf.d/net."""
    return re.sub(r"[^A-Za-z0-9_]", "_", name)


def defined_in(host: Host, name: str) -> str | None:
    """The file that sets an interface up at boot, None where none is known to."""
    marks = re.compile(
        rf"^\s*iface\s+{re.escape(name)}\s"
        rf"|^\s*(?i:name|interface-name)\s*=\s*{re.escape(name)}\s*$"
        rf"|^\s*config_{re.escape(mangled(name))}=",
        re.MULTILINE,
    )
    places = [INTERFACES, NETIFRC_CONF]
    for directory in _DIRECTORIES:
        places += [f"{directory}/{one}" for one in host.list(directory) or ()]
    for path in places:
        found = host.stat(path)
        if found is not None and found.kind == "file" and marks.search(host.read(path) or ""):
            return path
    return None


def is_of_a_daemon(name: str) -> bool:
    """Whether docker, libvirt, LXD or their like make a bridge of that name."""
    return _DAEMONS.match(name) is not None


def reads_interfaces_d(host: Host) -> bool:
    """Whether ifupdown's main file has a line for all of interfaces.d, as Debian ships it."""
    text = host.read(INTERFACES) or ""
    pattern = r"^\s*source(-directory)?\s+(/etc/network/)?interfaces\.d(/\*)?\s*$"
    return re.search(pattern, text, re.MULTILINE) is not None
