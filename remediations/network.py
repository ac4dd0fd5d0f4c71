"""How a user's container gets onto a bridge: lines of lxc-usernet, and bridges that last."""

from __future__ import annotations

from shlex import quote

from audit.facts.distro import family
from audit.facts.links import ipv4_text
from audit.facts.lxcnet import CONFIG_OF, lxc_net
from audit.facts.nics import Nic
from audit.facts.nicsetup import ipv4_interface
from audit.facts.usernet import Allotment, caller, paths
from audit.host import Host
from audit.model import Fix, Unknown
from remediations.distro import install, service

# family -> how a bridge without ports is made to last; {0} is its name, {1} ADDRESS/PREFIX
BRIDGES = {
    "debian": (
        r"printf 'auto {0}\niface {0} inet static\n    address {1}\n    bridge_ports none\n'"
        " > /etc/network/interfaces.d/{0}",
        "apt-get install -y bridge-utils ifupdown",
        "ifup {0}",
    ),
    "fedora": (
        "nmcli connection add type bridge ifname {0} con-name {0} bridge.stp no "
        "ipv4.method manual ipv4.addresses {1}",
        "nmcli connection up {0}",
    ),
    "arch": (
        r"printf '[NetDev]\nName={0}\nKind=bridge\n' > /etc/systemd/network/{0}.netdev",
        r"printf '[Match]\nName={0}\n\n[Network]\nAddress={1}\nConfigureWithoutCarrier=yes\n'"
        " > /etc/systemd/network/{0}.network",
        "systemctl enable --now systemd-networkd && networkctl reload",
    ),
    "gentoo": (
        r"printf 'bridge_%s=\"\"\nconfig_%s=\"{1}\"\n' '{2}' '{2}' >> /etc/conf.d/net",
        "ln -s net.lo /etc/init.d/net.{0}",
        "rc-update add net.{0} default && rc-service net.{0} start",
    ),
    "alpine": (
        "apk add bridge",
        r"printf 'auto {0}\niface {0} inet static\n    address {1}\n    bridge-ports none\n'"
        " >> /etc/network/interfaces",
        "ifup {0}",
    ),
}
BY_HAND = (
    "ip link add name {0} type bridge",
    "ip address add {1} dev {0}",
    "ip link set {0} up",
)
NAT_ADDRESS = "10.0.3.1/24"


def allow(host: Host, bridge: str, quota: int, line: Allotment | None = None) -> Fix:
    """Let the user have `quota` interfaces on a bridge: by one more line, or by this one."""
    name = host.get(caller).name
    path = host.get(paths).usernet
    title = f"allow {name} {quota} interface{'s' if quota > 1 else ''} on {bridge}"
    if line is not None:
        wanted = f"{line.name} veth {bridge} {quota}"
        step = f"sed -i {quote(f'{line.line}s|.*|{wanted}|')} {quote(path)}"
        return Fix("usernet", title, (step,))
    wanted = f"{name} veth {bridge} {quota}"
    text = host.read(path)
    if text and not text.endswith("\n"):
        wanted = "\n" + wanted
    steps = [f"printf '%s\\n' {quote(wanted)} >> {quote(path)}"]
    if text is None:
        steps.insert(0, f"mkdir -p {quote(path.rpartition('/')[0])}")
    return Fix("usernet", title, tuple(steps))


def comment_out(path: str, line: int) -> Fix:
    """Take a line out of force without losing it."""
    return Fix(
        "usernet",
        f"comment out line {line} of {path}",
        (f"sed -i {quote(f'{line}s/^/#/')} {quote(path)}",),
    )


def make_bridge(host: Host, bridge: str, users: tuple[Nic, ...]) -> Fix:
    """Make a bridge now and at boot: by lxc-net if it is its own, else as the distribution does."""
    try:
        net = host.get(lxc_net)
        kind = host.get(family)
    except Unknown:
        net, kind = None, None
    if net is not None and bridge == net.bridge:
        return start_lxc_net(host)
    address = neighbour(users[0])
    netifrc = bridge.replace(".", "_").replace("-", "_")
    steps = [
        step.format(quote(bridge), address, netifrc) for step in BRIDGES.get(kind or "", BY_HAND)
    ]
    return Fix("bridge", f"create the bridge {bridge} with {address}", tuple(steps))


def wanted_address(nic: Nic) -> str:
    """The address, with prefix, that a config expects of its gateway; empty without one."""
    for entry in nic.ipv4:
        slash = entry.value.partition(" ")[0].partition("/")
        if nic.gateway4 and slash[2].isdigit():
            return f"{nic.gateway4}/{slash[2]}"
    return ""


def start_lxc_net(host: Host) -> Fix:
    """Have the distribution's lxc-net make its bridge, with addresses, NAT and DHCP."""
    try:
        path = CONFIG_OF.get(host.get(family) or "", CONFIG_OF["debian"])
    except Unknown:
        path = CONFIG_OF["debian"]
    started = service(host, "lxc-net")
    steps = [f"""echo 'USE_LXC_BRIDGE="true"' >> {path}""", *started.steps]
    needed = install(host, "dnsmasq")
    return Fix("lxc_net", "let lxc-net make lxcbr0, with NAT and DHCP", (*needed.steps, *steps))


def set_up(bridge: str, address: str = "") -> Fix:
    """Bring a bridge up, and give it an address (with its prefix) when it lacks one."""
    steps = [f"ip link set {quote(bridge)} up"]
    if address:
        steps.insert(0, f"ip address add {quote(address)} dev {quote(bridge)}")
    with_it = f" with {address}" if address else ""
    return Fix("bridge", f"bring {bridge} up{with_it}", tuple(steps))


def neighbour(nic: Nic) -> str:
    """An address for the bridge of a network, with prefix: its gateway, else the first."""
    if address := wanted_address(nic):
        return address
    for entry in nic.ipv4:
        own = ipv4_interface(entry.value)
        if own is not None and own.mask.bit_count() < 31:
            first = own.network + (2 if own.address == own.network + 1 else 1)
            return f"{ipv4_text(first)}/{own.mask.bit_count()}"
    return NAT_ADDRESS


def edit(path: str, key: str, value: str, after: int | None = None) -> Fix:
    """Give a key of a container config another value, or append it."""
    line = f"{key} = {value}"
    step = (
        f"sed -i {quote(f'{after}s|.*|{line}|')} {quote(path)}"
        if after
        else f"printf '%s\\n' {quote(line)} >> {quote(path)}"
    )
    return Fix("config", f"set {key} to {value}", (step,), needs=())
