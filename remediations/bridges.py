"""Bridges that last: made and set up now, and again at every boot by what does so for the host."""

from __future__ import annotations

from audit.facts.links import address_of, ipv4_number, ipv4_text, physical_ports
from audit.facts.netmanager import (
    IFUPDOWN,
    INTERFACES,
    NETIFRC,
    NETIFRC_CONF,
    NETWORKD,
    NETWORKMANAGER,
    defined_in,
    is_of_a_daemon,
    mangled,
    network_manager,
    reads_interfaces_d,
)
from audit.facts.nics import Nic
from audit.facts.nicsetup import ipv4_interface
from audit.facts.routes import overlapping
from audit.host import Host
from audit.model import Fix, NotApplicable, Unknown
from remediations import lxcnet
from remediations.actions import Action, Append, Manual, Run, Write
from remediations.distro import needed, service
from remediations.quoting import word
from remediations.usernet import NAME

NAT_ADDRESS = "10.0.3.1/24"
_STANZA = """# Written by lxc-preflight.
auto {name}
iface {name} inet static
    address {address}
    netmask {mask}
    pre-up ip link show {name} >/dev/null 2>&1 || ip link add name {name} type bridge
    post-down ip link delete dev {name}
"""
_NETDEV = """# Written by lxc-preflight.
[NetDev]
Name={name}
Kind=bridge
"""
_NETWORK = """# Written by lxc-preflight.
[Match]
Name={name}

[Network]
Address={address}
ConfigureWithoutCarrier=yes
"""


def make(host: Host, name: str, users: tuple[Nic, ...]) -> Fix:
    """Make a bridge: by lxc-net if it is its own, else as the host's interfaces are made."""
    if lxcnet.makes(host, name):
        return lxcnet.start(host, name)
    title = f"make the bridge {name}"
    address = address_for(host, name, users[0])
    if not NAME.fullmatch(name):
        return Fix("bridge", title, (Manual((f"# {name!r} is no name for a bridge",), "root"),))
    if is_of_a_daemon(name):
        line = f"# {name} is the name of a bridge of Docker, libvirt, LXD or the like: start that"
        return Fix("bridge", title, (Manual((line,), "root"),))
    if taken := _taken(host, name, address):
        return Fix("bridge", title, (taken,))
    actions = (*_lasting(host, name, address), *_start(host, name, address))
    return Fix("bridge", f"{title} with {address}", actions)


def set_up(host: Host, name: str, users: tuple[Nic, ...], *, address: bool = False) -> Fix:
    """Bring a bridge up, and give it an address if it lacks one."""
    wanted = _own_address(host, name) or address_for(host, name, users[0])
    title = f"bring {name} up{f' with {wanted}' if address else ''}"
    if address and (taken := _taken(host, name, wanted)):
        return Fix("bridge", title, (taken,))
    now = (*((_address(name, wanted),) if address else ()), _up(name))
    return Fix("bridge", title, (*now, *_remembered(host, name, wanted)))


def address_for(host: Host, name: str, nic: Nic) -> str:
    """An address for the bridge of a network, with prefix: its gateway, else the first of its
    network, else one that is free on this host.
    """
    if address := wanted_address(nic):
        return address
    for entry in nic.ipv4:
        own = ipv4_interface(entry.value)
        if own is not None and own.mask.bit_count() < 31:
            first = own.network + (2 if own.address == own.network + 1 else 1)
            return f"{ipv4_text(first)}/{own.mask.bit_count()}"
    net = lxcnet.settings(host)
    if net is not None and name == net.bridge:
        return f"{net.address}/{net.network.partition('/')[2] or 24}"
    found = lxcnet.free_network(host, name)
    return NAT_ADDRESS if found is None else f"{ipv4_text(found.address)}/24"


def wanted_address(nic: Nic) -> str:
    """The address, with prefix, that a config expects of its gateway; empty without one."""
    for entry in nic.ipv4:
        own = ipv4_interface(entry.value)
        gateway = ipv4_number(nic.gateway4)
        if gateway is not None and own is not None:
            return f"{ipv4_text(gateway)}/{own.mask.bit_count()}"
    return ""


def by_hand(name: str, labels: str) -> Fix:
    """What stands in the place of a bridge carries the host's own traffic, perhaps."""
    lines = (
        f"# either lead {labels} to a bridge, or put {name} on one, and its addresses too:",
        "ip link add name lxcbr1 type bridge && ip link set lxcbr1 up",
        f"ip link set {word(name)} master lxcbr1",
    )
    title = f"put {name} on a bridge of its own, and give the config that one"
    return Fix("bridge", title, (Manual(lines, "root"),))


def _taken(host: Host, name: str, address: str) -> Manual | None:
    """An address on a network that the host reaches by another interface would cut it off."""
    own = ipv4_interface(address)
    try:
        other = None if own is None else host.get(overlapping, name, own)
    except Unknown:
        return None
    if other is None:
        return None
    line = (
        f"# {address} is on the network of {other.interface} ({other.text}): put "
        f"{other.interface} on the bridge {name}, or give the container another network"
    )
    return Manual((line,), "root")


def _own_address(host: Host, name: str) -> str:
    try:
        found = address_of(host, name)
    except Unknown:
        found = None
    return "" if found is None else f"{ipv4_text(found.address)}/{found.mask.bit_count()}"


def _remembered(host: Host, name: str, address: str) -> tuple[Action, ...]:
    """What sets a bridge up at boot that is there: nothing for one that something else makes."""
    net = lxcnet.settings(host)
    try:
        if is_of_a_daemon(name) or physical_ports(host, name) or not NAME.fullmatch(name):
            return ()
        if net is not None and name == net.bridge:
            return ()
        place = host.get(defined_in, name)
    except Unknown:
        return (Manual((f"# have {name} set up with {address} at boot, too",), "root"),)
    if place is not None:
        return (Manual((f"# {word(place)} sets {name} up at boot: {address} and up",), "root"),)
    return _lasting(host, name, address)


def _manager(host: Host) -> str:
    try:
        return host.get(network_manager)
    except (Unknown, NotApplicable):
        return ""


def _lasting(host: Host, name: str, address: str) -> tuple[Action, ...]:
    """What makes the bridge at boot."""
    manager = _manager(host)
    if manager == IFUPDOWN:
        return _stanza(host, name, address)
    if manager == NETWORKD:
        place = f"/etc/systemd/network/{name}"
        return (
            Write(f"{place}.netdev", _NETDEV.format(name=name)),
            Write(f"{place}.network", _NETWORK.format(name=name, address=address)),
            *service(host, "systemd-networkd").actions,
        )
    if manager == NETWORKMANAGER:
        settings = "ipv4.method manual ipv4.addresses"
        return (
            Run(
                f"nmcli connection add type bridge ifname {name} con-name {name} "
                f"bridge.stp no {settings} {address}",
                f"nmcli -g connection.id connection show {name}",
                f"nmcli connection delete {name}",
            ),
        )
    if manager == NETIFRC:
        script = f"/etc/init.d/net.{name}"
        link = Run(f"ln -s net.lo {script}", f"test -e {script}", f"rm {script}")
        return (
            Append(NETIFRC_CONF, f'bridge_{mangled(name)}=""'),
            Append(NETIFRC_CONF, f'config_{mangled(name)}="{address}"'),
            link,
            *service(host, f"net.{name}").actions[:1],
        )
    return (Manual((f"# have {name} made with {address} at boot, too",), "root"),)


def _stanza(host: Host, name: str, address: str) -> tuple[Action, ...]:
    """A file of its own for ifupdown, ifupdown-ng and BusyBox: they understand `source` alike."""
    own = ipv4_interface(address)
    mask = ipv4_text(own.mask if own is not None else 0xFFFFFF00)
    # ifupdown passes over names with dots in interfaces.d
    place = f"/etc/network/interfaces.d/{mangled(name)}"
    text = _STANZA.format(name=name, address=address.partition("/")[0], mask=mask)
    before: tuple[Action, ...] = ()
    try:
        if host.stat(INTERFACES) is None:
            before = needed(host, "ifupdown")
        sourced = host.get(reads_interfaces_d)
    except Unknown:
        sourced = True  # as Debian ships it
    line = () if sourced else (Append(INTERFACES, f"source {place}"),)
    return (*before, Write(place, text), *line)


def _start(host: Host, name: str, address: str) -> tuple[Action, ...]:
    """What makes the bridge now, out of what makes it at boot."""
    there = f"test -e /sys/class/net/{name}"
    gone = f"ip link delete dev {name}"
    manager = _manager(host)
    if manager == IFUPDOWN:
        return (Run(f"ifup {name}", there, f"ifdown {name}"),)
    if manager == NETWORKD:
        wait = f"for n in 1 2 3 4 5; do {there} && break; sleep 1; done"
        return (Run(f"networkctl reload && {{ {wait}; }}", there, gone),)
    if manager == NETWORKMANAGER:
        up = f"nmcli connection up {name}"
        return (Run(up, there, f"nmcli connection down {name}"),)
    if manager == NETIFRC:
        return service(host, f"net.{name}").actions[1:]
    return (
        Run(f"ip link add name {name} type bridge", there, gone),
        _address(name, address),
        _up(name),
    )


def _address(name: str, address: str) -> Run:
    link, text = word(name), word(address)
    shown = f"ip -4 address show dev {link} | grep -q {word(f'inet {address} ')}"
    return Run(f"ip address add {text} dev {link}", shown, f"ip address del {text} dev {link}")


def _up(name: str) -> Run:
    link = word(name)
    flags = f"$(cat {word(f'/sys/class/net/{name}/flags')})"
    return Run(f"ip link set {link} up", f"[ $(({flags} & 1)) = 1 ]", f"ip link set {link} down")
