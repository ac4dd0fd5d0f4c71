"""Settings that the kernel refuses when the container's interfaces are set up: one row each.

liblxc takes them from the config without a word and applies them in the container's network
namespace, after lxc-user-nic has made the interfaces. The first that is refused ends the start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from audit.facts.config import Entry, container_config
from audit.facts.links import address_of, has_ipv6_address
from audit.facts.lxc import lxc_version
from audit.facts.nics import Nic, made, veths
from audit.facts.nicsetup import (
    Route,
    inert_setting,
    ipv4_refusal,
    ipv6_refusal,
    mac_refusal,
    name_clash,
    route_refusal,
)
from audit.host import Host
from audit.model import STARTING, Check, Evidence, Fail, Finding, Fix, Level, NotApplicable, Pass
from remediations.bridges import set_up
from remediations.network import dropped, setting


def proof(host: Host, nic: Nic, key: str) -> Evidence:
    """The line of the config that sets a property of a network."""
    line = nic.line(key)
    if line is None:
        return Evidence(host.get(container_config).path, None, f"no {nic.label}.{key}")
    return Evidence(line.file, line.line, f"{line.key} = {line.value}")


def networks(host: Host) -> tuple[Nic, ...]:
    """The networks that are set up. Raises NotApplicable when there are none."""
    found = host.get(made)
    if not found:
        raise NotApplicable("the config has no network of its own")
    return found


def inert(host: Host) -> Iterator[Finding]:
    """A network without an interface (empty, or without a type) is given no address.

    There is nothing to give it to: interface 0 does not exist. `flags = up` is fine for an empty
    network, it brings up lo; before LXC 4.0.11, and without any `type` line, it is refused, too.

    Why: "Failed to setup ipv4 address for network device with ifindex 0", 'Failed to set network
    device "" up'
    See: LXC src/lxc/network.c (lxc_network_setup_in_child_namespaces_common)
    """
    version = host.get(lxc_version)
    for nic in networks(host):
        key = inert_setting(nic, version)
        if key is None:
            yield Pass(f"{nic.label} can have what it is given", subject=nic.label)
            continue
        seen = proof(host, nic, key)
        kind = "has no type" if nic.line("type") is None else f"is {nic.type}"
        yield Fail(
            f"{nic.label} {kind}, so it has no interface that {key} could be set on",
            seen,
            subject=nic.label,
            fix=setting(host, nic, key, ""),
        )


def names(host: Host) -> Iterator[Finding]:
    """Every interface gets the name that it asks for.

    They are named in the order of their numbers, and one without a name takes the first free eth
    of the kernel: an unnamed `lxc.net.0` and a `lxc.net.1` called eth0 clash. Names of one letter,
    with a slash, a colon or a blank are refused; too long ones are cut.

    Why: "File exists - Error -17 renaming netdev vethXp to eth0 in container"
    See: LXC src/lxc/cmd/lxc_user_nic.c (lxc_secure_rename_in_ns), Linux net/core/dev.c
    """
    nics = host.get(veths)
    if not nics:
        raise NotApplicable("no network of the config is a veth")
    clash = name_clash(nics)
    if clash is None:
        yield Pass("every interface of the container has a name of its own")
        return
    seen = proof(host, clash.nic, "name")
    yield Fail(
        f"{clash.nic.label} cannot be called {clash.name}: {clash.why}",
        seen,
        subject=clash.nic.label,
        fix=setting(host, clash.nic, "name", f"eth{len(nics)}"),
    )


def hwaddr(host: Host) -> Iterator[Finding]:
    """`lxc.net.N.hwaddr` is the address of one card: six bytes in hexadecimal, the first one even.

    An x stands for a random digit. Dashes are not understood.

    Why: 'Mac address "..." conversion failed', "Cannot assign requested address - Failed to perform
    ioctl"
    See: lxc.container.conf(5), LXC src/lxc/network.c (lxc_convert_mac)
    """
    nics = [nic for nic in networks(host) if nic.hwaddr and nic.type == "veth"]
    if not nics:
        raise NotApplicable("the config sets no hardware address of a veth")
    for nic in nics:
        seen = proof(host, nic, "hwaddr")
        why = mac_refusal(nic.hwaddr)
        if why is None:
            yield Pass(f"{nic.hwaddr} is an address", seen, subject=nic.label)
        else:
            yield Fail(
                f"{nic.label} cannot have the hardware address {nic.hwaddr}: {why}",
                seen,
                subject=nic.label,
                fix=setting(host, nic, "hwaddr", "00:16:3e:xx:xx:xx"),
            )


def addresses(host: Host) -> Iterator[Finding]:
    """The kernel takes every address of an interface.

    It refuses the same one twice, IPv6 prefixes above 128, IPv6 addresses that are multicast, :: or
    ::1, and any IPv6 address where IPv6 is off.

    Why: "File exists - Failed to setup ipv4 address for network device with ifindex 2"
    See: LXC src/lxc/network.c (setup_ipv4_addr, setup_ipv6_addr), ipv6(7)
    """
    nics = [nic for nic in networks(host) if nic.type == "veth" and (nic.ipv4 or nic.ipv6)]
    if not nics:
        raise NotApplicable("the config gives no veth an address")
    for nic in nics:
        why = ipv4_refusal(nic)
        seen = proof(host, nic, "ipv4.address" if why else "ipv6.address")
        if nic.ipv6 and why is None:
            why = ipv6_refusal(nic) or _without_ipv6(host)
        if why is None:
            yield Pass(f"{nic.label} can have its addresses", subject=nic.label)
        else:
            yield Fail(
                f"{nic.label} cannot have its addresses: {why}",
                seen,
                subject=nic.label,
                fix=dropped(host, _refused(nic) or nic.ipv6),
            )


def _refused(nic: Nic) -> tuple[Entry, ...]:
    """The first address that the kernel does not take beside those before it."""
    for place, entry in enumerate(nic.ipv4):
        if ipv4_refusal(nic._replace(ipv4=nic.ipv4[: place + 1])):
            return (entry,)
    for place, entry in enumerate(nic.ipv6):
        if ipv6_refusal(nic._replace(ipv6=nic.ipv6[: place + 1])):
            return (entry,)
    return ()


def _without_ipv6(host: Host) -> str | None:
    """Why a new network namespace would have no IPv6, None when it would."""
    if host.stat("/proc/sys/net/ipv6") is None:
        return "this kernel has no IPv6, or was booted with ipv6.disable=1"
    if (host.read("/sys/module/ipv6/parameters/disable_ipv6") or "").strip() == "1":
        return "the kernel was booted with ipv6.disable_ipv6=1"
    if (host.read("/proc/sys/net/core/devconf_inherit_init_net") or "").strip() in ("1", "3"):
        off = host.read("/proc/sys/net/ipv6/conf/default/disable_ipv6") or ""
        if off.strip() == "1":
            return "net.ipv6.conf.default.disable_ipv6 is 1, and new namespaces inherit it"
    return None


def routes(host: Host) -> Iterator[Finding]:
    """A network with a gateway is brought up, has an address, and is the only one with a gateway.

    A second default route is refused, whichever interface it leaves by. A gateway outside the
    subnet is fine: LXC adds a route to it.

    Why: 'Cannot add ipv4 gateway for network device "eth0" when not bringing up the interface',
    "File exists - Failed to setup ipv4 gateway"
    See: LXC src/lxc/network.c (lxc_network_setup_in_child_namespaces_common)
    """
    nics = [nic for nic in networks(host) if nic.type == "veth"]
    wanted = [
        nic
        for nic in nics
        if nic.gateway4 or nic.gateway6 or nic.auto4 or nic.auto6 or nic.device4 or nic.device6
    ]
    if not wanted:
        raise NotApplicable("no veth of the config has a gateway")
    refused = route_refusal(nics)
    if refused is None:
        yield Pass("the container's default routes can be set", proof(host, wanted[0], "type"))
        return
    seen = proof(host, refused.nic, refused.key)
    yield Fail(
        f"{refused.nic.label}.{refused.key} cannot be set: {refused.why}",
        seen,
        subject=refused.nic.label,
        fix=_routed(host, refused),
    )


def _routed(host: Host, refused: Route) -> Fix:
    if refused.why.endswith("flags = up"):
        return setting(host, refused.nic, "flags", "up")
    return dropped(host, refused.nic.lines(refused.key))


def gateway_auto(host: Host) -> Iterator[Finding]:
    """With `gateway = auto` the link has an address, which becomes the container's gateway.

    It is asked for before the container is made. An empty value does not take `auto` back.

    Why: 'Failed to automatically find ipv4 gateway address from link interface "lxcbr0"'
    See: lxc.container.conf(5), LXC src/lxc/network.c (lxc_find_gateway_addresses)
    """
    nics = [nic for nic in networks(host) if nic.auto4 or nic.auto6]
    if not nics:
        raise NotApplicable("no gateway of the config is auto")
    for nic in nics:
        key = "ipv4.gateway" if nic.auto4 else "ipv6.gateway"
        seen = proof(host, nic, key)
        if nic.type not in ("veth", "macvlan") or not nic.link:
            what = "no link" if nic.type in ("veth", "macvlan") else f"the type {nic.type}"
            yield Fail(
                f"{nic.label}.{key} is auto, which a network with {what} cannot have",
                seen,
                subject=nic.label,
                fix=dropped(host, nic.lines(key)),
            )
        elif nic.auto4 and address_of(host, nic.link) is None:
            yield Fail(
                f"{nic.label}.{key} is auto, but {nic.link} has no IPv4 address",
                seen,
                Evidence(nic.link, None, "no IPv4 address", "an address"),
                subject=nic.label,
                fix=set_up(host, nic.link, (nic,), address=True),
            )
        elif nic.auto6 and not has_ipv6_address(host, nic.link):
            yield Fail(
                f"{nic.label}.ipv6.gateway is auto, but {nic.link} has no IPv6 address",
                proof(host, nic, "ipv6.gateway"),
                subject=nic.label,
                fix=dropped(host, nic.lines("ipv6.gateway")),
            )
        else:
            yield Pass(f"{nic.link} has an address", seen, subject=nic.label)


ROWS: dict[str, tuple[str, Callable[[Host], Iterator[Finding]], tuple[str, ...]]] = {
    "inert": ("Only networks with an interface are given settings of one", inert, ()),
    "names": ("Every interface of the container gets its name", names, ()),
    "hwaddr": ("Every hardware address is that of one interface", hwaddr, ()),
    "addresses": ("The kernel takes every address of the config", addresses, ()),
    "routes": ("The container's default routes can be set", routes, ()),
    "gateway_auto": (
        "A gateway that is auto can be found",
        gateway_auto,
        ("network.bridge_exists",),
    ),
}
CHECKS = tuple(
    Check(
        f"network.{key}",
        title,
        Level.BLOCKING,
        judge,
        judge.__doc__ or "",
        STARTING,
        ("lxc.installed", "network.nic_type", *after),
    )
    for key, (title, judge, after) in ROWS.items()
)
