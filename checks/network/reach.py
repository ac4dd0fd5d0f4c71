"""The way from an interface that is up to the world outside: one row each, all of level degraded.

None of these stops a container from starting with its interfaces attached and configured, which
is what the stage `network` promises; they decide whether a packet comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from audit.facts.firewall import blocked_by, chains, translates
from audit.facts.links import (
    Address,
    address_of,
    bridge,
    ipv4_number,
    ipv4_text,
    is_up,
    physical_ports,
)
from audit.facts.lxcnet import LXC_NET, dnsmasq, lxc_net, marks, network_up, pid_files
from audit.facts.nics import Nic
from audit.facts.nicsetup import ipv4_interface
from audit.facts.routes import overlapping
from audit.facts.sysctl import sysctl
from audit.host import Host
from audit.model import Check, Evidence, Fail, Finding, Level, NotApplicable, Pass
from checks.network.bridge_exists import bridges
from checks.network.settings import proof
from remediations import lxcnet
from remediations.bridges import set_up
from remediations.distro import sysctl as set_sysctl
from remediations.firewall import let_through
from remediations.firewall import nat as set_nat
from remediations.network import onto


def present(host: Host) -> dict[str, tuple[Nic, ...]]:
    """The Linux bridges that the config uses and that are there, and who uses them."""
    found = {
        name: users for name, users in bridges(host).items() if host.get(bridge, name).is_bridge
    }
    if not found:
        raise NotApplicable("none of the links is a Linux bridge")
    return found


def private(host: Host) -> dict[str, Address]:
    """The bridges that have an address and no network card: the host routes for them."""
    found = {
        name: address
        for name in present(host)
        if (address := address_of(host, name)) is not None and not physical_ports(host, name)
    }
    if not found:
        raise NotApplicable("no bridge of the config has an address and no network card")
    return found


def bridge_up(host: Host) -> Iterator[Finding]:
    """The bridge is up: one that is down forwards nothing, though veths are attached to it.

    Why: no error at all: the container starts, and nothing is reached
    See: ip-link(8), bridge(8)
    """
    for name, users in present(host).items():
        labels = ", ".join(nic.label for nic in users)
        seen = Evidence(f"/sys/class/net/{name}/flags")
        if is_up(host, name):
            yield Pass(f"{name} is up", seen, subject=labels)
        else:
            yield Fail(
                f"the bridge {name} is down: nothing gets through it",
                seen,
                subject=labels,
                fix=set_up(host, name, users),
            )


def bridge_address(host: Host) -> Iterator[Finding]:
    """A bridge without a network card has an IPv4 address: its containers' way to the host.

    Why: no error at all: the container starts, and has nobody to talk to but other containers
    See: ip-address(8), LXC config/init/common/lxc-net.in
    """
    for name, users in present(host).items():
        labels = ", ".join(nic.label for nic in users)
        cards = physical_ports(host, name)
        address = address_of(host, name)
        if cards:
            yield Pass(f"{name} is on the network of {', '.join(cards)}", subject=labels)
        elif address is not None:
            yield Pass(f"{name} has {ipv4_text(address.address)}", subject=labels)
        else:
            yield Fail(
                f"the bridge {name} has neither an IPv4 address nor a network card",
                Evidence(name, None, "no address", "an address"),
                subject=labels,
                fix=set_up(host, name, users, address=True),
            )


def ip_forward(host: Host) -> Iterator[Finding]:
    """net.ipv4.ip_forward is 1, so that the host routes what its bridge brings.

    Hardening guides want 0 on hosts that are no routers. A host with containers behind a bridge of
    its own is one.

    Why: no error at all: the host is reached, nothing beyond it is
    See: ip-sysctl.rst of Linux, LXC config/init/common/lxc-net.in (lxc-net sets it)
    """
    names = ", ".join(private(host))
    value = host.get(sysctl, "net.ipv4.ip_forward")
    seen = Evidence("/proc/sys/net/ipv4/ip_forward", 1, value or "absent", "1")
    if value == "1":
        yield Pass("IPv4 is forwarded", seen)
    else:
        yield Fail(
            f"net.ipv4.ip_forward is {value}: containers on {names} do not get past this host",
            seen,
            fix=set_sysctl(host, "net.ipv4.ip_forward", "1"),
        )


def nat(host: Host) -> Iterator[Finding]:
    """What comes from a bridge's private network is translated to the host's address.

    Without a masquerade rule answers do not find their way back, unless a router outside knows the
    bridge's network.

    Why: no error at all: packets leave, and no answer comes
    See: nft(8), iptables-extensions(8), LXC config/init/common/lxc-net.in
    """
    for name, address in private(host).items():
        where = f"{ipv4_text(address.network)}/{address.mask.bit_count()}"
        rule = translates(host, address)
        if rule is not None:
            yield Pass(f"{where} is translated", Evidence("nft", None, rule[:200]), subject=name)
            continue
        yield Fail(
            f"nothing translates the addresses of {where}: what is outside cannot answer",
            Evidence("nft list ruleset", None, "no masquerade", f"masquerade for {where}"),
            subject=name,
            fix=set_nat(host, where),
        )


def filters(host: Host) -> Iterator[Finding]:
    """No filter that drops by default ignores the bridge, neither forwarding nor into the host.

    Docker sets the policy of FORWARD to drop, ufw and firewalld drop or reject what they do not
    know. The host's own DHCP and DNS, on ports 67 and 53, are input.

    Why: no error at all: DHCP gets no answer, or nothing outside is reached
    See: nft(8), ufw(8), firewalld.zones(5), docker/for-linux#103
    """
    for name in private(host):
        stops = {hook: blocked_by(host, name, hook) for hook in ("forward", "input")}
        for hook, chain in stops.items():
            if chain is None:
                yield Pass(f"{hook}: no filter drops all of {name}", subject=f"{name} {hook}")
                continue
            yield Fail(
                f"the {hook} filter {chain.table} {chain.name} drops what it has no rule for, "
                f"and it has none for {name}",
                Evidence("nft list ruleset", None, f"policy {chain.policy}", f"a rule for {name}"),
                subject=f"{name} {hook}",
                fix=let_through(host, chain, host.get(chains), name),
            )


def lxc_net_running(host: Host) -> Iterator[Finding]:
    """When the config uses lxc-net's bridge, lxc-net is enabled and its dnsmasq runs.

    Without it the bridge, once made by hand, has neither DHCP nor DNS nor address translation. On
    Alpine the service is dnsmasq.lxcbr0, of the package lxc-bridge.

    Why: "failed to create listening socket for 10.0.3.1: Address already in use"
    See: LXC config/init/common/lxc-net.in, lxc-net.service
    """
    net = host.get(lxc_net)
    if net.bridge not in present(host):
        raise NotApplicable(f"no network of the config uses lxc-net's bridge {net.bridge}")
    if not net.installed and net.service != LXC_NET:
        raise NotApplicable(f"{net.service} is not installed: {net.bridge} is made in another way")
    name, mark = net.service, Evidence(host.get(marks)[0], None, "absent", "present")
    if not net.enabled:
        yield Fail(
            f"lxc-net is off: {net.file} does not set USE_LXC_BRIDGE to true",
            Evidence(net.file, net.line, "USE_LXC_BRIDGE", 'USE_LXC_BRIDGE="true"'),
            fix=lxcnet.start(host, net.bridge),
        )
    elif not host.get(network_up):
        yield Fail(
            f"{name} does not run, so {net.bridge} has no DHCP, DNS or address translation",
            mark,
            fix=lxcnet.start(host, net.bridge),
        )
    elif host.get(dnsmasq) is None:
        yield Fail(
            f"{name} was started, but its dnsmasq is gone: no DHCP and no DNS",
            Evidence(host.get(pid_files)[0]),
            fix=lxcnet.restart(host),
        )
    else:
        yield Pass(f"{name} runs {net.bridge}", Evidence(mark.source))


def subnet(host: Host) -> Iterator[Finding]:
    """The network of a bridge is on no other interface of the host.

    10.0.3.0/24 is LXC's, and many a VPN's too.

    Why: no error at all: answers take the other interface
    See: ip-route(8), LXC config/init/common/lxc-net.in (LXC_NETWORK)
    """
    for name, address in private(host).items():
        where = f"{ipv4_text(address.network)}/{address.mask.bit_count()}"
        other = host.get(overlapping, name, address)
        if other is None:
            yield Pass(f"{where} is on {name} only", Evidence("/proc/net/route"), subject=name)
        else:
            yield Fail(
                f"{where} of {name} overlaps {other.text} on {other.interface}",
                Evidence("/proc/net/route", other.line, other.text),
                subject=name,
                fix=lxcnet.move(host, name),
            )


def static_address(host: Host) -> Iterator[Finding]:
    """A fixed address lies in the network of its bridge, and its gateway is the bridge.

    LXC sets any address and any gateway without a word. An address of the bridge itself is no
    address for a container.

    Why: no error at all: the container starts, and its packets go nowhere
    See: lxc.container.conf(5), `lxc.net.[i].ipv4.address`
    """
    judged = False
    for name, users in present(host).items():
        ours = address_of(host, name)
        if ours is None or physical_ports(host, name):
            continue
        for nic in users:
            for entry in nic.ipv4:
                theirs = ipv4_interface(entry.value)
                if theirs is None:
                    continue
                judged = True
                seen = Evidence(entry.file, entry.line, f"{entry.key} = {entry.value}")
                why = _astray(nic, theirs, ours, name)
                if why is None:
                    yield Pass(f"{entry.value} is on {name}", seen, subject=nic.label)
                else:
                    gateway = proof(host, nic, "ipv4.gateway")
                    fix = onto(host, nic, entry, ours)
                    yield Fail(why, seen, gateway, subject=nic.label, fix=fix)
    if not judged:
        raise NotApplicable("no network on a bridge with an address has a fixed address")


def _astray(nic: Nic, theirs: Address, ours: Address, name: str) -> str | None:
    here = f"{ipv4_text(ours.address)}/{ours.mask.bit_count()}"
    if theirs.address == ours.address:
        return f"{nic.label} has the address of the bridge {name} itself, {here}"
    if not ours.holds(theirs.address):
        return f"{nic.label} has {ipv4_text(theirs.address)}, the bridge {name} is {here}"
    gateway = ipv4_number(nic.gateway4)
    if gateway is not None and gateway != ours.address and not ours.holds(gateway):
        return f"the gateway {nic.gateway4} of {nic.label} is not on {name}, which is {here}"
    return None


ROWS: dict[str, tuple[str, Callable[[Host], Iterator[Finding]], tuple[str, ...]]] = {
    "bridge_up": ("Every bridge of the config is up", bridge_up, ()),
    "bridge_address": ("Every bridge has an address or a network card", bridge_address, ()),
    "ip_forward": ("The host forwards IPv4", ip_forward, ()),
    "nat": ("The network of a bridge is translated", nat, ("network.ip_forward",)),
    "filters": ("No filter drops everything of a bridge", filters, ()),
    "lxc_net": ("lxc-net runs the bridge that is its own", lxc_net_running, ()),
    "subnet": ("The network of a bridge is nobody else's", subnet, ()),
    "static_address": ("Fixed addresses fit their bridge", static_address, ()),
}
_ABOVE = ("lxc.installed", "network.bridge_exists", "network.bridge_kind")
CHECKS = tuple(
    Check(
        f"network.{key}",
        title,
        Level.DEGRADED,
        judge,
        judge.__doc__ or "",
        (),
        (*_ABOVE, *after),
    )
    for key, (title, judge, after) in ROWS.items()
)
