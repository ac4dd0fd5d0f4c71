"""lxc-net, which makes LXC's own bridge with addresses, address translation, DHCP and DNS."""

from __future__ import annotations

from audit.facts.distro import family
from audit.facts.init import NONE, OPENRC, SYSTEMD, SYSVINIT, init_system
from audit.facts.links import Address, ipv4_text
from audit.facts.lxcnet import CONFIG_OF, INIT, LXC_NET, SCRIPTS, LxcNet, lxc_net, pid_files
from audit.facts.routes import overlapping
from audit.host import Host
from audit.model import Fix, Unknown
from remediations.actions import Action, Append, Manual, Replace, Run
from remediations.distro import init_of, line_of, needed, service
from remediations.quoting import word
from remediations.services import Own, own

ON = 'USE_LXC_BRIDGE="true"'
RESTART = {
    SYSTEMD: "systemctl restart {}",
    OPENRC: "rc-service {} restart",
    SYSVINIT: "service {} restart",
}
TITLE = "let {} make its bridge, with NAT and DHCP"


def start(host: Host, bridge: str) -> Fix:
    """Have the distribution's lxc-net make its bridge, now and at boot.

    It may say that it runs although somebody has removed the bridge.
    """
    there = f"test -e {word(f'/sys/class/net/{bridge}')}"
    again = _restart(host, there)
    name = _service(host)
    if name != LXC_NET:
        actions = (*needed(host, "lxc-bridge"), *service(host, name).actions, *again)
        return Fix("lxc_net", TITLE.format(name), actions)
    started = service(host, name).actions
    script = _script(host)
    if script is not None and init_of(host) == NONE:
        again = (Run(f"{script} start", there, f"{script} stop"),)
    elif script is not None and _lacks_service(host):
        about = "The bridge of LXC, with NAT and DHCP"
        started = own(host, Own(name, about, (f"{script} start",), (f"{script} stop",)))
    actions = (*needed(host, "dnsmasq"), *_switch(host), *started, *again)
    return Fix("lxc_net", TITLE.format(name), actions)


def restart(host: Host) -> Fix:
    """Start lxc-net anew: it says that it runs, and what it started is gone."""
    runs = f"kill -0 $(cat {host.get(pid_files)[0]})"
    actions = (*needed(host, "dnsmasq"), *_restart(host, runs))
    return Fix("lxc_net", f"start {_service(host)} anew", actions)


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
        "ADDR": ours,
        "NETMASK": "255.255.255.0",
        "NETWORK": f"{base}.0/24",
        "DHCP_RANGE": f"{base}.2,{base}.254",
        "DHCP_MAX": "253",
    }
    path = config_file(host)
    keys = {f"{net.prefix}_{key}": value for key, value in wanted.items()}
    lines = [line_of(host, path, f"{key}=", f'{key}="{value}"') for key, value in keys.items()]
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


def makes(host: Host, bridge: str) -> bool:
    """Whether it makes this bridge, or would when the distribution's package is installed."""
    try:
        net = host.get(lxc_net)
    except Unknown:
        return False
    return bridge == net.bridge and (net.installed or net.service != LXC_NET)


def _service(host: Host) -> str:
    try:
        return host.get(lxc_net).service
    except Unknown:
        return LXC_NET


def _lacks_service(host: Host) -> bool:
    """OpenRC without a script for it: Gentoo's package has only systemd's unit."""
    try:
        return init_of(host) == OPENRC and host.stat(INIT.format(LXC_NET)) is None
    except Unknown:
        return False


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
        form = RESTART.get(host.get(init_system))
    except Unknown:
        form = None
    if form is None:
        return (Manual((f"# start {_service(host)} anew",), "root"),)
    command = form.format(_service(host))
    return (Run(command, test, command),)
