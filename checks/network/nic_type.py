from __future__ import annotations

from collections.abc import Iterator

from audit.facts.config import container_config
from audit.facts.nics import CLEARED, Nic, made
from audit.host import Host
from audit.model import STARTING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.network import setting

POSSIBLE = ("veth", "empty", "none")


@check(
    "Every network is of a type that a user may have",
    Level.BLOCKING,
    stages=STARTING,
    after=("lxc.installed",),
)
def nic_type(host: Host) -> Iterator[Finding]:
    """`lxc.net.N.type` is veth or empty.

    Only veth interfaces are made by the setuid helper; macvlan, ipvlan, vlan and phys take
    CAP_NET_ADMIN on the host. `lxc.net.N.type =` without a value leaves a network without a type,
    which is refused as well; a network without any type line is an empty one.

    Why: "Networks of type macvlan are not supported by unprivileged containers"
    See: lxc.container.conf(5), LXC src/lxc/network.c (lxc_create_network_unpriv)
    """
    nics = host.get(made)
    if not nics:
        raise NotApplicable("the config has no network of its own")
    for nic in nics:
        seen = proof(host, nic)
        if nic.type in POSSIBLE:
            yield Pass(f"{nic.label} is {nic.type}", seen, subject=nic.label)
            continue
        what = "has no type" if nic.type == CLEARED else f"is of type {nic.type}"
        yield Fail(
            f"{nic.label} {what}: a user can only have veth and empty networks",
            seen,
            subject=nic.label,
            fix=setting(host, nic, "type", "veth"),
        )


def proof(host: Host, nic: Nic) -> Evidence:
    """The line that gives a network its type."""
    line = nic.line("type")
    if line is None:
        path = host.get(container_config).path
        return Evidence(path, None, f"no {nic.label}.type", f"{nic.label}.type = veth")
    text = f"{line.key} = {line.value}"
    return Evidence(line.file, line.line, text, f"{nic.label}.type = veth")
