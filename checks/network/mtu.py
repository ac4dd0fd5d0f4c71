from __future__ import annotations

from collections.abc import Iterator

from audit.facts.nics import veths
from audit.host import Host
from audit.model import Fail, Finding, Level, NotApplicable, Pass, check
from checks.network.settings import proof


@check("No mtu is asked for in vain", Level.INFO, after=("lxc.installed",))
def mtu(host: Host) -> Iterator[Finding]:
    """No veth of the config has `lxc.net.N.mtu`: for a user's container LXC ignores it.

    The interface gets the MTU of its bridge.

    Why: "mtu ignored due to insufficient privilege"
    See: LXC src/lxc/network.c (lxc_create_network_unpriv), lxc/lxc#1602
    """
    nics = host.get(veths)
    if not nics:
        raise NotApplicable("no network of the config is a veth")
    for nic in nics:
        if nic.mtu:
            message = f"{nic.label}.mtu is ignored: set it on {nic.bridge}"
            yield Fail(message, proof(host, nic, "mtu"), subject=nic.label)
        else:
            yield Pass(f"{nic.label} takes the MTU of its bridge", subject=nic.label)
