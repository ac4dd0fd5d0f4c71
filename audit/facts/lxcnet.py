"""lxc-net, the service that makes LXC's own bridge: what its settings are and whether it runs.

Source: LXC config/init/common/lxc-net.in and config/sysconfig/lxc.in. The settings are shell
files; only plain assignments are understood, which is all that distributions ship.

Alpine ships a service of OpenRC in its place, by the package lxc-bridge: aports main/lxc/APKBUILD
(bridge) and main/dnsmasq/dnsmasq.initd.
"""

from __future__ import annotations

from audit.facts.distro import family, parse_os_release
from audit.host import Host
from audit.records import NamedTuple

# family -> the file to edit; lxc-net reads DIRECTORY/lxc, and that reads DIRECTORY/lxc-net
CONFIG_OF = {
    "debian": "/etc/default/lxc-net",
    "arch": "/etc/default/lxc-net",
    "alpine": "/etc/conf.d/dnsmasq.lxcbr0",
    "fedora": "/etc/sysconfig/lxc-net",
    "gentoo": "/etc/default/lxc-net",
}
LXC_NET, ALPINES = "lxc-net", "dnsmasq.lxcbr0"
INIT = "/etc/init.d/{}"
RUN_DIRS = ("/run/lxc", "/var/run/lxc")
ALPINES_PID = f"/run/{ALPINES}.pid"
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
    service: str = LXC_NET
    prefix: str = "LXC"  # of its settings


def lxc_net(host: Host) -> LxcNet:
    """The settings of lxc-net, as its script would read them."""
    if host.get(family) == "alpine" and host.stat(INIT.format(LXC_NET)) is None:
        return _alpines(host)
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


def _alpines(host: Host) -> LxcNet:
    path = CONFIG_OF["alpine"]
    settings = parse_os_release(host.read(path) or "")
    default = LxcNet()
    return default._replace(
        address=settings.get("BRIDGE_ADDR", default.address),
        network=settings.get("BRIDGE_NETWORK", default.network),
        netmask=settings.get("BRIDGE_NETMASK", default.netmask),
        file=path,
        installed=host.stat(INIT.format(ALPINES)) is not None,
        service=ALPINES,
        prefix="BRIDGE",
    )


def marks(host: Host) -> tuple[str, ...]:
    """The files of which it leaves one when it runs."""
    if host.get(lxc_net).service == ALPINES:
        return (ALPINES_PID,)
    return tuple(f"{directory}/network_up" for directory in RUN_DIRS)


def network_up(host: Host) -> bool:
    """Whether lxc-net says that it is running: it leaves a file."""
    return any(host.stat(mark) is not None for mark in host.get(marks))


def pid_files(host: Host) -> tuple[str, ...]:
    """Where the process id of its dnsmasq is."""
    if host.get(lxc_net).service == ALPINES:
        return (ALPINES_PID,)
    return tuple(f"{directory}/dnsmasq.pid" for directory in RUN_DIRS)


def dnsmasq(host: Host) -> int | None:
    """The process id of lxc-net's dnsmasq, None when it left none or that process is gone."""
    for path in host.get(pid_files):
        text = host.read(path)
        if text is not None and text.strip().isdecimal():
            name = host.read(f"/proc/{text.strip()}/comm")
            return int(text) if name is not None and name.strip() == "dnsmasq" else None
    return None
