"""The way of a packet from the container to the outside, station by station.

Names and numbers come from facts. Whether a station lets anything through is what the checks about
it said: a picture that judged by itself could contradict the findings beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from audit.engine import CheckResult
from audit.facts.links import address_of, bridge, ipv4_text, physical_ports
from audit.facts.nics import Nic, made, shares_network
from audit.facts.usernet import Ruling, rulings
from audit.host import Host
from audit.model import Finding, Outcome
from audit.pictures.entries import HopEntry, NetworkEntry, WayEntry
from audit.pictures.look import Look

MOST_WAYS = 4


class Station(NamedTuple):
    """A kind of hop, and the checks whose outcome is its state."""

    name: str
    checks: tuple[str, ...]


CONTAINER = Station(
    "container",
    (
        "network.nic_type",
        "network.flags_up",
        "network.names",
        "network.hwaddr",
        "network.addresses",
        "network.routes",
    ),
)
VETH = Station("veth", ("network.usernic", "network.usernic_setuid", "network.script_up"))
QUOTA = Station(
    "quota",
    (
        "network.usernet_file",
        "network.usernet_line",
        "network.usernet_quota",
        "network.usernet_groups",
        "network.nics_db",
    ),
)
BRIDGE = Station(
    "bridge",
    ("network.bridge_exists", "network.bridge_kind", "network.bridge_up", "network.bridge_address"),
)
FORWARD = Station("forwarding", ("network.ip_forward", "network.filters"))
NAT = Station("translation", ("network.nat",))
OUTSIDE = Station("outside", ())

# The worst of what a station's checks say is its state. Not judged is better known than nothing.
BY_OUTCOME = {
    Outcome.FAIL: "bad",
    Outcome.ERROR: "unknown",
    Outcome.UNKNOWN: "unknown",
    Outcome.SKIPPED: "unjudged",
    Outcome.PASS: "ok",
    Outcome.NOT_APPLICABLE: "absent",
}
WORST = ("bad", "unknown", "unjudged", "ok", "absent")


def network_ways(host: Host, results: Iterable[CheckResult]) -> NetworkEntry:
    """A way for each network of the config."""
    look = Look(host)
    by_id = {one.check.id: one for one in results}
    shared = look("networks", shares_network)
    nics = look("networks", made)
    note = ""
    if shared is not None:
        note = f"the container uses a network that is there already ({shared.key})"
    elif nics is not None and not nics:
        note = "the config has no network"
    rules = {one.nic.number: one for one in look("quota", rulings) or ()}
    ways = None
    if nics is not None:
        ways = [_way(look, nic, rules.get(nic.number), by_id) for nic in nics[:MOST_WAYS]]
    return {
        "ways": ways,
        "more": max(0, len(nics or ()) - MOST_WAYS),
        "note": note,
        "unknown": look.unknown,
    }


def _way(
    look: Look, nic: Nic, ruling: Ruling | None, results: Mapping[str, CheckResult]
) -> WayEntry:
    def hop(station: Station, label: str, says: str) -> HopEntry:
        return {
            "name": station.name,
            "label": label,
            "says": says,
            "state": _state(station, nic, results),
            "checks": [name for name in station.checks if name in results],
        }

    hops = [hop(CONTAINER, nic.name or nic.label, _inside(nic))]
    if nic.type != "veth":
        return {"network": nic.label, "hops": hops}
    hops.append(hop(VETH, "veth", "a pair of interfaces, made by lxc-user-nic"))
    hops.append(hop(QUOTA, "quota", _quota(look, ruling)))
    hops.append(hop(BRIDGE, nic.bridge, _bridge(look, nic.bridge)))
    cards = look(f"ports of {nic.bridge}", physical_ports, nic.bridge)
    if cards:
        outside = f"the network of {', '.join(cards)}"
    else:
        hops.append(hop(FORWARD, "forwarding", "the host as a router"))
        hops.append(hop(NAT, "translation", "the host's address in place of the container's"))
        outside = "beyond this host"
    reached = _together([one["state"] for one in hops])
    hops.append(hop(OUTSIDE, "outside", outside) | {"state": reached})
    return {"network": nic.label, "hops": hops}


def _together(states: Iterable[str]) -> str:
    """What the stations before it leave of a station that no check looks at."""
    found = [one for one in states if one != "absent"]
    worst = min(found, key=WORST.index, default="unknown")
    return "unjudged" if worst == "bad" else worst


def _state(station: Station, nic: Nic, results: Mapping[str, CheckResult]) -> str:
    states = {
        BY_OUTCOME[finding.outcome]
        for name in station.checks
        if name in results
        for finding in results[name].findings
        if _concerns(finding, nic)
    }
    return min(states, key=WORST.index, default="unknown")


def _concerns(finding: Finding, nic: Nic) -> bool:
    """Whether a finding is about a network: those about others name another label or bridge."""
    words = finding.subject.replace(",", " ").split()
    named = [word for word in words if word.startswith("lxc.net.")]
    return nic.label in named if named else not words or nic.bridge in words


def _inside(nic: Nic) -> str:
    words = [nic.type, "up" if nic.up else "down"]
    words += [entry.value for entry in (*nic.ipv4, *nic.ipv6)][:2]
    return ", ".join(words)


def _quota(look: Look, ruling: Ruling | None) -> str:
    if ruling is None:
        return "how many interfaces the user may have is not known"
    if not ruling.lines:
        return "no line of lxc-usernet for this user and bridge"
    used = ", ".join(
        f"line {line.line}: {count} of {line.quota} used"
        for line, count in zip(ruling.lines[:3], ruling.counts[:3], strict=True)
    )
    return f"lxc-usernet {used}"


def _bridge(look: Look, name: str) -> str:
    link = look(f"bridge {name}", bridge, name)
    if link is None:
        return "not seen"
    if not link.in_sysfs and not link.in_namespace:
        return "is not there"
    if not link.is_bridge:
        return link.kind or "no bridge"
    address = look(f"address of {name}", address_of, name)
    if address is None:
        return "a bridge" if look.sees(f"address of {name}") else "a bridge, address not seen"
    return f"{ipv4_text(address.address)}/{address.mask.bit_count()}"
