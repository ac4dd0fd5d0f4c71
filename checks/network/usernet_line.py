from __future__ import annotations

from collections.abc import Iterator

from audit.facts.nics import Nic, veths
from audit.facts.usernet import caller, matching, near_misses, paths
from audit.host import Host
from audit.model import STARTING, Evidence, Fail, Finding, Level, Pass, check
from checks.network.usernic import demand_veths
from remediations.usernet import allow


@check(
    "lxc-usernet lists the user for every bridge that the config uses",
    Level.BLOCKING,
    stages=STARTING,
    after=("lxc.installed", "network.usernet_file"),
)
def usernet_line(host: Host) -> Iterator[Finding]:
    """A line `USER veth BRIDGE NUMBER` for the user, or for a group of the session behind an @.

    Read by sscanf: four fields from the first column, blanks or tabs between them, whatever
    follows the number is ignored. A leading blank, colons, a missing number, a uid, a group
    without @ and `*` make a line that nobody matches. The bridge is the text of `lxc.net.N.link`;
    a veth without a link asks for one called `none`.

    Why: "lxc_user_nic.c: main: Quota reached"
    See: lxc-usernet(5), LXC src/lxc/cmd/lxc_user_nic.c (get_alloted), lxc/lxc#551
    """
    demand_veths(host)
    path = host.get(paths).usernet
    name = host.get(caller).name
    nics = host.get(veths)
    for nic in nics:
        lines = host.get(matching, nic.bridge)
        if lines:
            first = lines[0]
            seen = Evidence(path, first.line, first.text[:200])
            yield Pass(f"{first.name} may have veths on {nic.bridge}", seen, subject=nic.label)
            continue
        yield Fail(
            _message(nic, name, path),
            *_evidence(host, nic, name, path),
            subject=nic.label,
            fix=allow(host, nic.bridge),
        )


def _message(nic: Nic, name: str, path: str) -> str:
    if not nic.link:
        return (
            f"{nic.label} is a veth without a link, which asks for a bridge called none: give it "
            f"{nic.label}.link"
        )
    return f"no line of {path} lets {name} have a veth on {nic.link}"


def _evidence(host: Host, nic: Nic, name: str, path: str) -> tuple[Evidence, ...]:
    wanted = f"{name} veth {nic.bridge} 1"
    near = host.get(near_misses, nic.bridge)
    if not near:
        return (Evidence(path, None, "no such line", wanted),)
    return tuple(
        Evidence(path, miss.line, f"{miss.text[:200]} ({miss.why})", wanted) for miss in near[:3]
    )
