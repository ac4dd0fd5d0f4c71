"""lxc-net, the service that makes LXC's own bridge: what its settings are and whether it runs.

Source: LXC config/init/common/lxc-net.in and config/sysconfig/lxc.in. The settings are shell
files; only plain assignments are understood, which is all that distributions ship.
"""

from __future__ import annotations

from audit.facts.distro import family, parse_os_release
from audit.host import Host
from audit.records import NamedTuple

# family -> the file to edit; lxc-net reads DIRECTORY/lxc, and that reads DIRECTORY/lxc-net
CONFIG_OF = {
    "debian": "/etc/default/lxc-net",
    "arch": "/etc/default/lxc-net",
    "alpine": "/etc/default/lxc-net",
    "fedora": "/etc/sysconfig/lxc-net",
    "gentoo": "/etc/default/lxc-net",
}
RUN_DIRS = ("/run/lxc", "/var/run/lxc")
SCRIPTS = (
    "/usr/libexec/lxc/lxc-net",
    "/usr/lib/lxc/lxc-net",
    "/usr/lib/x86_64-linux-gnu/lxc/lxc-net",
    "/usr/lib/aarch64-linux-gnu/lxc/lxc-net",
    "/etc/init.d/lxc-net",
)


class LxcNet(NamedTuple):
    """Its settings. `file` and `line` say where the bridge was turned off or on, if anywhere."""

    bridge: str = "lxcbr0"
    address: str = "10.0.3.1"
    network: str = "10.0.3.0/24"
    netmask: str = "255.255.255.0"
    enabled: bool = True
    file: str = ""
    line: int | None = None
    installed: bool = False


def lxc_net(host: Host) -> LxcNet:
    """The settings of lxc-net, as its script would read them."""
    directory = "/etc/sysconfig" if host.get(family) == "fedora" else "/etc/default"
    settings: dict[str, str] = {}
    switch: tuple[str, int] | None = None
    for name in ("lxc", "lxc-net"):
        path = f"{directory}/{name}"
        text = host.read(path)
        if text is None:
            continue
        settings |= parse_os_release(text)  # both are shell assignments, the last of a name wins
        for number, line in enumerate(text.split("\n"), 1):
            if line.lstrip().startswith("USE_LXC_BRIDGE="):
                switch = (path, number)
    default = LxcNet()
    return LxcNet(
        settings.get("LXC_BRIDGE", default.bridge),
        settings.get("LXC_ADDR", default.address),
        settings.get("LXC_NETWORK", default.network),
        settings.get("LXC_NETMASK", default.netmask),
        settings.get("USE_LXC_BRIDGE", "true") == "true",
        switch[0] if switch else "",
        switch[1] if switch else None,
        any(host.stat(script) is not None for script in SCRIPTS),
    )


def network_up(host: Host) -> bool:
    """Whether lxc-net says that it is running: it leaves a file."""
    return any(host.stat(f"{directory}/network_up") is not None for directory in RUN_DIRS)


def dnsmasq(host: Host) -> int | None:
    """The process id of lxc-net's dnsmasq, None when it left none or that process is gone."""
    for directory in RUN_DIRS:
        text = host.read(f"{directory}/dnsmasq.pid")
        if text is not None and text.strip().isdecimal():
            name = host.read(f"/proc/{text.strip()}/comm")
            return int(text) if name is not None and name.strip() == "dnsmasq" else None
    return None
