"""The networks of the judged container config, as liblxc holds them after its last line.

Source: LXC src/lxc/confile.c (set_config_net_*, clr_config_net_*), src/lxc/confile_utils.c
(lxc_get_netdev_by_idx, network_ifname, lxc_clear_netdev) and src/lxc/start.c (resolve_clone_flags).
"""

from __future__ import annotations

from collections.abc import Iterable

from audit.facts.config import Entry, container_config
from audit.facts.lxc import lxc_version
from audit.host import Host
from audit.records import NamedTuple

IFNAMSIZ = 16  # linux/if.h, with the final NUL
# `type = ...` forgets what earlier lines said of the interface (lxc_clear_netdev)
_TYPE_CLEARS = (4, 0, 7)
# an empty network is called "lo", so that `flags = up` has something to bring up
_EMPTY_IS_LO = (4, 0, 11)
# a type is unset: -1 in liblxc once a line cleared it, 0 (which is LXC_NET_EMPTY) before any did
CLEARED = "cleared"


class Nic(NamedTuple):
    """One `lxc.net.N`. Texts are as liblxc keeps them, cut to an interface name's length."""

    number: int
    type: str  # veth, empty, none, macvlan, ipvlan, vlan, phys or CLEARED
    link: str = ""
    up: bool = False
    name: str = ""
    hwaddr: str = ""
    mtu: str = ""
    ipv4: tuple[Entry, ...] = ()
    ipv6: tuple[Entry, ...] = ()
    gateway4: str = ""  # an address; liblxc keeps it beside the two flags below
    gateway6: str = ""
    auto4: bool = False
    auto6: bool = False
    device4: bool = False
    device6: bool = False
    script_up: str = ""
    entries: tuple[Entry, ...] = ()  # every line about it that is in force

    @property
    def bridge(self) -> str:
        """What lxc-user-nic is asked to connect it to: without a link, literally `none`."""
        return self.link or "none"

    @property
    def label(self) -> str:
        return f"lxc.net.{self.number}"

    def line(self, key: str) -> Entry | None:
        """The line that set a property (`link`, `ipv4.gateway`), None when none did."""
        return next(reversed(self.lines(key)), None)

    def lines(self, key: str) -> tuple[Entry, ...]:
        """Every line about a property that is in force."""
        wanted = f"{self.label}.{key}"
        return tuple(entry for entry in self.entries if entry.key == wanted)


def interface_name(text: str) -> str:
    """A name as network_ifname() copies it: what is too long is cut, and only the log says so."""
    raw = text.encode("utf-8", "surrogateescape")
    return raw[: IFNAMSIZ - 1].decode("utf-8", "surrogateescape")


def read_nics(entries: Iterable[Entry], version: tuple[int, int, int]) -> tuple[Nic, ...]:
    """The interfaces that a config leaves, in the order in which liblxc makes them."""
    found: dict[int, Nic] = {}
    for entry in entries:
        if entry.key == "lxc.net":
            found.clear()
            continue
        if not entry.key.startswith("lxc.net."):
            continue
        number, _, key = entry.key[len("lxc.net.") :].partition(".")
        index = int(number)
        if not key:
            found.pop(index, None)
            continue
        before = found.get(index) or Nic(index, "empty")
        after = _type(before, entry, version) if key == "type" else _property(before, key, entry)
        found[index] = after._replace(entries=(*after.entries, entry))
    return tuple(found[index] for index in sorted(found))


def _type(nic: Nic, entry: Entry, version: tuple[int, int, int]) -> Nic:
    if version >= _TYPE_CLEARS:
        nic = Nic(nic.number, CLEARED)
    name = "lo" if entry.value == "empty" and version >= _EMPTY_IS_LO else nic.name
    return nic._replace(type=entry.value or CLEARED, name=name)


def _property(nic: Nic, key: str, entry: Entry) -> Nic:
    value = entry.value
    match key:
        case "link":
            return nic._replace(link=interface_name(value))
        case "name":
            return nic._replace(name=interface_name(value))
        case "flags":  # whatever the value is
            return nic._replace(up=bool(value))
        case "hwaddr":
            return nic._replace(hwaddr=value)
        case "mtu":
            return nic._replace(mtu=value)
        case "script.up":
            return nic._replace(script_up=value)
        case "ipv4.address":
            return nic._replace(ipv4=(*nic.ipv4, entry) if value else ())
        case "ipv6.address":
            return nic._replace(ipv6=(*nic.ipv6, entry) if value else ())
        case "ipv4.gateway":
            return _gateway4(nic, value)
        case "ipv6.gateway":
            return _gateway6(nic, value)
    return nic


def _gateway4(nic: Nic, value: str) -> Nic:
    """An empty value takes back an address, but neither `auto` nor `dev`."""
    if value == "auto":
        return nic._replace(gateway4="", auto4=True)
    if value == "dev":
        return nic._replace(gateway4="", auto4=False, device4=True)
    return nic._replace(gateway4=value, auto4=nic.auto4 and not value)


def _gateway6(nic: Nic, value: str) -> Nic:
    if value == "auto":
        return nic._replace(gateway6="", auto6=True)
    if value == "dev":
        return nic._replace(gateway6="", auto6=False, device6=True)
    return nic._replace(gateway6=value, auto6=nic.auto6 and not value)


def nics(host: Host) -> tuple[Nic, ...]:
    """The networks of the judged config, in the order in which liblxc makes them; empty when it has
    none."""
    return read_nics(host.get(container_config).entries, host.get(lxc_version))


def shares_network(host: Host) -> Entry | None:
    """The line that makes a container use a network namespace that exists already.

    None when it gets one of its own. The line is lxc.namespace.share.net, keep or clone, else
    `type = none` when no interface has another type. Networks are then not made at all.
    """
    config = host.get(container_config)
    shared = config.last("lxc.namespace.share.net")
    if shared is not None:
        return shared
    kept = config.all("lxc.namespace.keep")  # they add up, and win over clone
    if kept:
        return next((entry for entry in kept if "net" in entry.value.split()), None)
    cloned = config.all("lxc.namespace.clone")
    if cloned:
        return None if any("net" in entry.value.split() for entry in cloned) else cloned[-1]
    found = host.get(nics)
    if found and all(nic.type == "none" for nic in found):
        return found[0].line("type")
    return None


def made(host: Host) -> tuple[Nic, ...]:
    """The networks that liblxc sets up: none when the container shares a network namespace."""
    return () if host.get(shares_network) is not None else host.get(nics)


def veths(host: Host) -> tuple[Nic, ...]:
    """The networks that lxc-user-nic is called for, in that order."""
    return tuple(nic for nic in host.get(made) if nic.type == "veth")
