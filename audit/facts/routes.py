"""The host's IPv4 routes: /proc/net/route."""

from __future__ import annotations

from audit.facts.links import Address, ipv4_text
from audit.host import Host
from audit.records import NamedTuple


class Route(NamedTuple):
    """A line of /proc/net/route that is a network on an interface."""

    interface: str
    destination: Address
    line: int

    @property
    def text(self) -> str:
        return f"{ipv4_text(self.destination.network)}/{self.destination.mask.bit_count()}"


def parse_routes(text: str) -> tuple[Route, ...]:
    """The routes but the default one. Numbers are hexadecimal in the host's byte order."""
    found: list[Route] = []
    for number, line in enumerate(text.split("\n"), 1):
        fields = line.split()
        if number == 1 or len(fields) < 8:
            continue
        try:
            destination, mask = (_network_order(fields[place]) for place in (1, 7))
        except ValueError:
            continue
        if mask:
            found.append(Route(fields[0], Address(destination, mask), number))
    return tuple(found)


def _network_order(text: str) -> int:
    from sys import byteorder

    return int.from_bytes(bytes.fromhex(text), "big" if byteorder == "big" else "little")


def overlapping(host: Host, interface: str, network: Address) -> Route | None:
    """A route by another interface into a network, however wide; the default route is none."""
    for route in parse_routes(host.read("/proc/net/route") or ""):
        common = route.destination.mask & network.mask
        if route.interface != interface and (
            route.destination.address & common == network.address & common
        ):
            return route
    return None
