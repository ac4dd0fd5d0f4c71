from __future__ import annotations

from collections.abc import Iterator

from audit.facts.links import BR_MAX_PORTS, bridge, ports, vswitch
from audit.host import Host
from audit.model import (
    STARTING,
    Evidence,
    Fail,
    Finding,
    Level,
    NotApplicable,
    Pass,
    Undecided,
    Unknown,
    check,
)
from checks.network.bridge_exists import bridges
from remediations.bridges import by_hand
from remediations.network import another_bridge


@check(
    "The link of every veth is a bridge with a free port",
    Level.BLOCKING,
    stages=STARTING,
    after=("lxc.installed", "network.bridge_exists"),
)
def bridge_kind(host: Host) -> Iterator[Finding]:
    """`lxc.net.N.link` names a Linux bridge, or a bridge of Open vSwitch.

    A name proves nothing: `br0.1` made by `ip link add link br0 type vlan` is a VLAN interface
    and no bridge, while a bridge may well be called br0.1. Whatever has no
    /sys/class/net/NAME/bridge is handed to ovs-vsctl. Whether a bridge is up or has an address
    does not matter here.

    Why: "create_nic: Error attaching vethX to br0.1"
    See: LXC src/lxc/network.c (is_ovs_bridge, lxc_bridge_attach), net/bridge/br_if.c, lxc/lxc#2856
    """
    looked = False
    for name, users in bridges(host).items():
        link = host.get(bridge, name)
        labels = ", ".join(nic.label for nic in users)
        if not (link.in_sysfs and link.in_namespace):
            continue
        looked = True
        where = f"/sys/class/net/{name}"
        if link.is_bridge:
            taken = len(host.get(ports, name))
            if taken + len(users) < BR_MAX_PORTS:
                yield Pass(f"{name} is a bridge", Evidence(f"{where}/bridge"), subject=labels)
            else:
                yield Fail(
                    f"{name} has {taken} ports, a bridge has no more than {BR_MAX_PORTS - 1}",
                    Evidence(f"{where}/brif", None, f"{taken} ports"),
                    subject=labels,
                    fix=another_bridge(users, name),
                )
            continue
        seen = Evidence(where, None, link.kind, "a bridge")
        try:
            switched = host.get(vswitch, name)
        except Unknown as why:
            yield Undecided(
                f"{name} is {link.kind} unless Open vSwitch has it: {why}", seen, subject=labels
            )
            continue
        if switched:
            yield Pass(f"{name} is a bridge of Open vSwitch", seen, subject=labels)
            continue
        yield Fail(
            f"{name}, the link of {labels}, is {link.kind}: a veth is attached to bridges only",
            seen,
            subject=labels,
            fix=by_hand(name, labels),
        )
    if not looked:
        raise NotApplicable("there is no such interface")
