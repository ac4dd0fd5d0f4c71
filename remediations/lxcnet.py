"""lxc-net, which makes LXC's own bridge with addresses, address translation, DHCP and DNS."""

from __future__ import annotations

from audit.facts.distro import family
from audit.facts.init import NONE, OPENRC, SYSTEMD, SYSVINIT, init_system
from audit.facts.links import Address, ipv4_text
from audit.facts.lxcnet import CONFIG_OF, SCRIPTS, LxcNet, lxc_net
from audit.facts.routes import overlapping
from audit.host import Host
from audit.model import Fix, Unknown
from remediations.actions import Action, Append, Manual, Replace, Run
from remediations.distro import init_of, line_of, needed, service
from remediations.quoting import word

ON = 'USE_LXC_BRIDGE="true"'
RESTART = {
    SYSTEMD: "systemctl restart lxc-net",
    OPENRC: "rc-service lxc-net restart",
    SYSVINIT: "service lxc-net restart",
}


def start(host: Host, bridge: str) -> Fix:
    """Have the distribution's lxc-net make its bridge, now and at boot.

    It may say that it runs although somebody has removed the bridge.
    """
    there = f"test -e {word(f'/sys/class/net/{bridge}')}"
    again = _restart(host, there)
    started = service(host, "lxc-net").actions
    if init_of(host) == NONE and (script := _script(host)) is not None:
        again = (Run(f"{script} start", there, f"{script} stop"),)
    actions = (*needed(host, "dnsmasq"), *_switch(host), *started, *again)
    return Fix("lxc_net", "let lxc-net make its bridge, with NAT and DHCP", actions)


def restart(host: Host) -> Fix:
    """Start lxc-net anew: it says that it runs, and what it started is gone."""
    actions = (*needed(host, "dnsmasq"), *_restart(host, "kill -0 $(cat /run/lxc/dnsmasq.pid)"))
    return Fix("lxc_net", "start lxc-net anew", actions)


def move(host: Host, interface: str) -> Fix:
    """Give a bridge a network that no other interface has: lxc-net's; others' makers choose."""
    net, found = settings(host), free_network(host, interface)
    if net is None or net.bridge != interface or found is None:
        free = "" if found is None else f", such as {ipv4_text(found.network)}/24"
        line = f"# where {interface} is set up: a network that is nowhere else{free}"
        title = f"give {interface} another network"
        return Fix("bridge", title, (Manual((line,), "root"),))
    base, ours = ipv4_text(found.network).rpartition(".")[0], ipv4_text(found.address)
    wanted = {
        "LXC_ADDR": ours,
        "LXC_NETMASK": "255.255.255.0",
        "LXC_NETWORK": f"{base}.0/24",
        "LXC_DHCP_RANGE": f"{base}.2,{base}.254",
        "LXC_DHCP_MAX": "253",
    }
    path = config_file(host)
    lines = [line_of(host, path, f"{key}=", f'{key}="{value}"') for key, value in wanted.items()]
    shown = f"ip -4 address show dev {word(interface)} | grep -q {word(f'inet {ours}/')}"
    title = f"give {interface} the network {base}.0/24"
    return Fix("lxc_net", title, (*lines, *_restart(host, shown)))


def free_network(host: Host, interface: str) -> Address | None:
    """The first of 10.0.3.0/24, 10.0.4.0/24... that the host reaches by no other interface."""
    for third in range(3, 255):
        candidate = Address(10 << 24 | third << 8 | 1, 0xFFFFFF00)
        try:
            if host.get(overlapping, interface, candidate) is None:
                return candidate
        except Unknown:
            return candidate
    return None


def config_file(host: Host) -> str:
    """The file of lxc-net's settings that is an administrator's."""
    try:
        return CONFIG_OF.get(host.get(family) or "", CONFIG_OF["debian"])
    except Unknown:
        return CONFIG_OF["debian"]


def settings(host: Host) -> LxcNet | None:
    """What lxc-net is set to where this host has one."""
    try:
        found = host.get(lxc_net)
    except Unknown:
        return None
    return found if found.installed else None


def _switch(host: Host) -> tuple[Action, ...]:
    """The line that turns it on: in the place of the one that turns it off, if that is the last."""
    path = config_file(host)
    try:
        found = host.get(lxc_net)
        if found.enabled:
            return ()
        if found.file == path and found.line is not None:
            old = (host.read(path) or "").split("\n")[found.line - 1]
            return (Replace(path, found.line, old, ON),)
    except Unknown:
        pass
    return (Append(path, ON),)


def _script(host: Host) -> str | None:
    """What the service runs, for a host where nothing runs services."""
    try:
        return next((path for path in SCRIPTS if host.stat(path) is not None), None)
    except Unknown:
        return None


def _restart(host: Host, test: str) -> tuple[Action, ...]:
    try:
        command = RESTART.get(host.get(init_system))
    except Unknown:
        command = None
    if command is None:
        return (Manual(("# start lxc-net anew",), "root"),)
    return (Run(command, test, command),)
