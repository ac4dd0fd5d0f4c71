"""Network interfaces of the host as lxc-user-nic sees them: in sysfs, and in its network namespace.

The two can disagree: sysfs shows the network namespace it was mounted in, /proc/net that of the
process that looks. lxc-user-nic asks both: sysfs whether a link is a bridge and whether an
interface still lives (src/lxc/network.c is_ovs_bridge, src/lxc/utils.c lxc_nic_exists), and the
kernel when it attaches.
"""

from __future__ import annotations

from typing import cast

from audit.host import Host
from audit.model import Unknown
from audit.records import NamedTuple

SYSFS = "/sys/class/net"
IFF_UP = 1
BR_MAX_PORTS = 1 << 10  # net/bridge/br_private.h; port 0 is not given out
_NO_NAME = ("", ".", "..")


class Bridge(NamedTuple):
    """A link that may be one: what sysfs and the network namespace say of it."""

    name: str
    in_sysfs: bool
    in_namespace: bool
    is_bridge: bool  # by sysfs: /sys/class/net/NAME/bridge
    kind: str  # of what is not a bridge: "VLAN interface", "wireless interface"...


def in_sysfs(host: Host) -> frozenset[str]:
    """The interfaces in /sys/class/net; none when sysfs is not mounted."""
    return frozenset(host.list(SYSFS) or ())


def in_namespace(host: Host) -> frozenset[str]:
    """The interfaces of the asking process's network namespace. Raises Unknown without /proc."""
    text = host.read("/proc/net/dev")
    if text is None:
        raise Unknown("/proc is not mounted here: its network interfaces cannot be seen")
    # "  eth0: 1234 ..." below two lines of headings; a name never holds a colon
    lines = text.split("\n")[2:]
    return frozenset(line.partition(":")[0].strip(" ") for line in lines if ":" in line)


def sysfs_is_of_another_namespace(host: Host) -> bool:
    """Whether /sys was mounted in another network namespace than the one this process is in."""
    ours = host.get(in_namespace)
    # /sys/class/net holds a file beside the interfaces when the bonding module is loaded
    return bool(host.get(in_sysfs) - {"bonding_masters"} ^ ours)


def exists(host: Host, name: str) -> bool:
    """Whether lxc-user-nic takes an interface of its data base for alive (lxc_nic_exists)."""
    if name == "none":
        return True
    if "/" in name or name in _NO_NAME:
        return host.stat(f"{SYSFS}/{name}") is not None
    return name in host.get(in_sysfs)


def attribute(host: Host, name: str, file: str) -> str | None:
    """A file below /sys/class/net/NAME, stripped; None when it is not there."""
    text = host.read(f"{SYSFS}/{name}/{file}")
    return None if text is None else text.strip()


def bridge(host: Host, name: str) -> Bridge:
    """What a `lxc.net.N.link` is. The user chose the name: a path is not looked at."""
    if "/" in name or name in _NO_NAME:
        return Bridge(name, False, False, False, "")
    is_bridge = host.stat(f"{SYSFS}/{name}/bridge") is not None
    seen = is_bridge or name in host.get(in_sysfs)
    kind = "" if is_bridge or not seen else host.get(kind_of, name)
    return Bridge(name, seen, name in host.get(in_namespace), is_bridge, kind)


_DEVTYPES = {
    "vlan": "a VLAN interface",
    "wlan": "a wireless interface",
    "bond": "a bond",
    "macvlan": "a macvlan interface",
    "vxlan": "a VXLAN interface",
    "wireguard": "a WireGuard interface",
    "team": "a team",
    "bridge": "a bridge",
}


def kind_of(host: Host, name: str) -> str:
    """What sort of interface a link is, in words, with its article."""
    for line in (attribute(host, name, "uevent") or "").split("\n"):
        key, _, value = line.partition("=")
        if key == "DEVTYPE":
            return _DEVTYPES.get(value, f"an interface of type {value}")
    if host.stat(f"/proc/net/vlan/{name}") is not None:
        return "a VLAN interface"
    if host.stat(f"{SYSFS}/{name}/device") is not None:
        return "a network card"
    if attribute(host, name, "tun_flags") is not None:
        return "a TUN/TAP interface"
    return "no bridge"


def is_up(host: Host, name: str) -> bool:
    """Whether an interface is administratively up. Raises Unknown when it is not in sysfs."""
    flags = attribute(host, name, "flags")
    if flags is None:
        raise Unknown(f"{SYSFS}/{name} is not there")
    try:
        return bool(int(flags, 16) & IFF_UP)
    except ValueError:
        raise Unknown(f"{SYSFS}/{name}/flags is no number") from None


def ports(host: Host, name: str) -> tuple[str, ...]:
    """The interfaces that are attached to a bridge."""
    return host.list(f"{SYSFS}/{name}/brif") or ()


def physical_ports(host: Host, name: str) -> tuple[str, ...]:
    """The network cards that are attached to a bridge: what is on it is on the LAN."""
    return tuple(
        port
        for port in host.get(ports, name)
        if host.stat(f"{SYSFS}/{port}/device") is not None
        or host.stat(f"/proc/net/vlan/{port}") is not None
        or host.stat(f"{SYSFS}/{port}/bonding") is not None
    )


class Address(NamedTuple):
    """An IPv4 address with its network mask, both as numbers."""

    address: int
    mask: int

    @property
    def network(self) -> int:
        return self.address & self.mask

    def holds(self, address: int) -> bool:
        return address & self.mask == self.network


def ipv4_number(text: str) -> int | None:
    """A dotted quad as inet_pton(3) reads it, None for anything else."""
    parts = text.split(".")
    if len(parts) != 4 or not all(p.isascii() and p.isdigit() and len(p) <= 3 for p in parts):
        return None
    numbers = [int(part) for part in parts]
    if max(numbers) > 255:
        return None
    return numbers[0] << 24 | numbers[1] << 16 | numbers[2] << 8 | numbers[3]


def ipv4_text(number: int) -> str:
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def address_of(host: Host, name: str) -> Address | None:
    """The primary IPv4 address of an interface, None when it has none or is not there."""
    answer = cast("list[str] | None", host.ask("address", name))
    if not answer or len(answer) < 2:
        return None
    address, mask = (ipv4_number(str(text)) for text in answer[:2])
    return None if address is None or mask is None else Address(address, mask)


def has_ipv6_address(host: Host, name: str) -> bool:
    """Whether an interface has any IPv6 address, a link-local one included (/proc/net/if_inet6)."""
    lines = (line.split() for line in (host.read("/proc/net/if_inet6") or "").split("\n"))
    return any(len(fields) >= 6 and fields[5] == name for fields in lines)


_OVS_VSCTL = tuple(
    f"{directory}/ovs-vsctl"  # the PATH that lxc-user-nic gives itself
    for directory in (
        "/usr/local/sbin",
        "/usr/local/bin",
        "/usr/sbin",
        "/usr/bin",
        "/sbin",
        "/bin",
    )
)


def vswitch(host: Host, name: str) -> bool:
    """Whether Open vSwitch has a bridge of that name. Raises Unknown when it does not tell."""
    if all(host.stat(path) is None for path in _OVS_VSCTL):
        return False
    ran = host.run("ovs-vsctl", "--timeout=5", "br-exists", name)
    if ran.code in (0, 2):
        return ran.code == 0
    raise Unknown(f"ovs-vsctl does not say: {ran.err.strip()[:200] or ran.code}")
