from __future__ import annotations

from collections.abc import Iterator

from audit.facts.guest import guest_init
from audit.facts.nics import veths
from audit.host import Host
from audit.model import NETWORK, Fail, Finding, Level, NotApplicable, Pass, check
from checks.network.settings import proof
from remediations.network import setting


@check(
    "LXC brings up every interface of the container",
    Level.DEGRADED,
    stages=(NETWORK,),
    after=("lxc.installed", "network.nic_type"),
)
def flags_up(host: Host) -> Iterator[Finding]:
    """Every veth of the config has `lxc.net.N.flags = up`.

    Without it the interface is attached and down, until something in the container brings it up.
    A busybox guest never does; images with systemd mostly configure eth0 themselves, and for them
    this decides nothing. Any value means up.

    Why: no error at all: the container starts, and its interface is DOWN
    See: lxc.container.conf(5), `lxc.net.[i].flags`
    """
    nics = host.get(veths)
    if not nics:
        raise NotApplicable("no network of the config is a veth")
    stages = () if host.get(guest_init) == "systemd" else None
    for nic in nics:
        if nic.up:
            yield Pass(f"{nic.label} is brought up", proof(host, nic, "flags"), subject=nic.label)
            continue
        seen = proof(host, nic, "flags")
        yield Fail(
            f"{nic.label} has no flags = up: its interface is down until the guest brings it up",
            seen,
            subject=nic.label,
            fix=setting(host, nic, "flags", "up"),
            stages=stages,
        )
