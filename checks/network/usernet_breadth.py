from __future__ import annotations

from collections.abc import Iterator

from audit.facts.links import in_sysfs, physical_ports
from audit.facts.usernet import Allotment, allotments, paths
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check

MANY = 16  # interfaces that one user may hold at a time
_EVERYBODY = ("@users", "@nogroup", "@sudo", "@wheel")


@check("lxc-usernet gives no more than is needed", Level.HARDENING, after=("lxc.installed",))
def usernet_breadth(host: Host) -> Iterator[Finding]:
    """Quotas are small, for single users, and on bridges without a network card.

    Each interface is a machine on the bridge: on one with a network card a user brings any number
    of MAC addresses onto the LAN, and may answer its DHCP and ARP.

    Why: "lxc-usernet ... to prevent abuse"
    See: lxc-usernet(5), lxc-user-nic(1)
    """
    path = host.get(paths).usernet
    lines = host.get(allotments)
    if not lines:
        raise NotApplicable(f"{path} gives nobody an interface")
    wide = [(line, why) for line in lines if (why := _why(host, line))]
    if not wide:
        yield Pass(f"{len(lines)} lines of {path} are narrow", Evidence(path))
        return
    line, why = wide[0]
    more = f", and {len(wide) - 1} lines more are wide" if len(wide) > 1 else ""
    yield Fail(
        f"line {line.line} of {path} is wide: {why}{more}",
        *(Evidence(path, one.line, one.text[:200], reason) for one, reason in wide[:5]),
    )


def _why(host: Host, line: Allotment) -> str:
    if line.quota > MANY:
        return f"{line.quota} interfaces are more than {MANY}"
    if line.name in _EVERYBODY:
        return f"{line.name} is nearly everybody"
    cards = host.get(physical_ports, line.bridge) if line.bridge in host.get(in_sysfs) else ()
    return f"{line.bridge} is on the network of {', '.join(cards)}" if cards else ""
