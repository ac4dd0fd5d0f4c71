from __future__ import annotations

from collections.abc import Iterator

from audit.facts.links import Bridge, bridge
from audit.facts.nics import Nic, veths
from audit.host import Host
from audit.model import STARTING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from checks.network.usernic import demand_veths
from remediations.bridges import make
from remediations.network import own_sysfs


@check(
    "The link of every veth exists, and sysfs shows it",
    Level.BLOCKING,
    stages=STARTING,
    after=("lxc.installed",),
)
def bridge_exists(host: Host) -> Iterator[Finding]:
    """There is an interface called as `lxc.net.N.link` says, in the network namespace and in /sys.

    Creating a container does not look at it. lxc-user-nic finds out by /sys/class/net what it is,
    and a sysfs that was mounted in another network namespace shows that one's interfaces.

    Why: "get_mtu: Could not get MTU for netdev lxcbr0 ifindex 0", "Error attaching vethX to lxcbr0"
    See: lxc.container.conf(5), LXC src/lxc/cmd/lxc_user_nic.c (create_nic), lxc/lxc#4434
    """
    for name, users in bridges(host).items():
        link = host.get(bridge, name)
        labels = ", ".join(nic.label for nic in users)
        line = users[0].line("link")
        seen = Evidence(line.file, line.line, f"{line.key} = {line.value}") if line else None
        where = Evidence("/sys/class/net", None, _seen(link), f"{name}, a bridge")
        if link.in_sysfs and link.in_namespace:
            yield Pass(f"{name} is there", where, subject=labels)
        elif not link.in_sysfs and not link.in_namespace:
            yield Fail(
                f"there is no interface {name}, which {labels} is to be connected to",
                *((seen, where) if seen else (where,)),
                subject=labels,
                fix=make(host, name, users),
            )
        else:
            yield Fail(
                f"{_seen(link)}: /sys was mounted in another network namespace",
                where,
                subject=labels,
                fix=own_sysfs(),
            )


def _seen(link: Bridge) -> str:
    if link.in_sysfs:
        return f"{link.name} is in /sys/class/net, but not in /proc/net/dev"
    if link.in_namespace:
        return f"{link.name} is in /proc/net/dev, but not in /sys/class/net"
    return f"no {link.name}"


def bridges(host: Host) -> dict[str, tuple[Nic, ...]]:
    """The bridges that the config's veths are connected to, and by which of them.

    Raises NotApplicable when there are none.
    """
    demand_veths(host)
    found: dict[str, tuple[Nic, ...]] = {}
    for nic in host.get(veths):
        if nic.bridge != "none":
            found[nic.bridge] = (*found.get(nic.bridge, ()), nic)
    if not found:
        raise NotApplicable("no veth of the config is connected to anything")
    return found
