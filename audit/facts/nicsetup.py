"""What the kernel makes of a network's settings inside the container, before its init runs.

Source: LXC src/lxc/network.c (lxc_network_setup_in_child_namespaces_common, lxc_convert_mac,
ip_gateway_add, ip_addr_add), and of Linux net/core/dev.c (dev_valid_name, dev_alloc_name).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from audit.facts.configsyntax import number
from audit.facts.links import Address, ipv4_number
from audit.facts.nics import IFNAMSIZ, Nic
from audit.records import NamedTuple

# an interface without a name was refused before, and an empty network had none
_EMPTY_IS_LO = (4, 0, 11)
# before, an empty network's settings were not looked at
_EMPTY_IS_SET_UP = (4, 0, 0)
_HEX = "0123456789abcdefABCDEF"
_SPACES = " \t\n\v\f\r\xa0"  # isspace() of Linux lib/ctype.c is that of Latin 1


def name_refusal(name: str) -> str | None:
    """Why an interface cannot get a name, None when it can."""
    if len(name.encode("utf-8", "surrogateescape")) == 1:
        return "LXC takes no name of one letter"
    if name in (".", "..") or any(char in "/:" or char in _SPACES for char in name):
        return "the kernel takes no name with a slash, a colon or a blank"
    if "%" in name and not re.fullmatch("[^%]*%d[^%]*", name):
        return "the kernel knows no % but one %d"
    return None


class NameClash(NamedTuple):
    """An interface that cannot have its name."""

    nic: Nic
    name: str
    why: str


def name_clash(nics: Iterable[Nic]) -> NameClash | None:
    """The first veth whose name is refused or taken; the ones before it took theirs."""
    taken = {"lo"}
    for nic in nics:
        name = nic.name or "eth%d"
        why = name_refusal(name)
        if why:
            return NameClash(nic, name, why)
        if "%d" in name:
            name = next(
                text
                for n in range(len(taken) + 1)
                if (text := name.replace("%d", str(n))) not in taken
            )
            if len(name) >= IFNAMSIZ:
                return NameClash(nic, name, "the name is too long with its number")
        if name in taken:
            return NameClash(nic, name, "another interface of the container has that name")
        taken.add(name)
    return None


def mac_refusal(text: str) -> str | None:
    """Why a veth cannot get a hardware address, None when it can. An x is a random digit."""
    data: list[int] = []
    place = 0
    text = text.replace("x", "2").replace("X", "2")
    while place < len(text) and len(data) < 6:
        first = text[place]
        if first not in _HEX:
            return f"{first!r} is no hexadecimal digit"
        second = text[place + 1 : place + 2]
        place += 1
        if second in ("", ":"):
            data.append(int(first, 16))
        elif second in _HEX:
            data.append(int(first + second, 16))
        else:
            return f"{second!r} is no hexadecimal digit"
        place += bool(second)
        place += text[place : place + 1] == ":"
    # a short one leaves the rest of a struct sockaddr as it was: not zero, so far as was seen
    if data and data[0] & 1:
        return "its first byte is odd: that is a multicast address"
    if len(data) == 6 and not any(data):
        return "it is all zero"
    return None


def inert_setting(nic: Nic, version: tuple[int, int, int]) -> str | None:
    """The setting that a network without an interface (empty, none, untyped) cannot have."""
    if nic.type == "veth" or version < _EMPTY_IS_SET_UP:
        return None
    is_lo = nic.name == "lo" and nic.type == "empty" and version >= _EMPTY_IS_LO
    checks = (
        ("hwaddr", bool(nic.hwaddr)),
        ("ipv4.address", bool(nic.ipv4)),
        ("ipv6.address", bool(nic.ipv6)),
        ("flags", nic.up and not is_lo),
        ("ipv4.gateway", bool(nic.gateway4) or nic.device4 or nic.auto4),
        ("ipv6.gateway", bool(nic.gateway6) or nic.device6 or nic.auto6),
    )
    return next((key for key, is_set in checks if is_set), None)


def ipv4_interface(value: str) -> Address | None:
    """The value of `ipv4.address`: ADDRESS[/PREFIX] [BROADCAST]; None where liblxc refuses it."""
    text, _, prefix = value.partition(" ")[0].partition("/")
    address = ipv4_number(text)
    if address is None:
        return None
    if prefix:
        given = number(prefix)
        length = 33 if given is None else given
    else:  # by the class, as config_ip_prefix() does
        top = address >> 28
        length = 8 if top < 8 else 16 if top < 12 else 24 if top < 14 else 0
    if length > 32:
        return None
    return Address(address, (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF)


def ipv4_refusal(nic: Nic) -> str | None:
    """Why the kernel does not take a network's IPv4 addresses, None when it does."""
    seen: set[Address] = set()
    for entry in nic.ipv4:
        address = ipv4_interface(entry.value)
        if address is None:
            continue
        if address in seen:
            return f"{entry.value} is given twice"
        seen.add(address)
    return None


def ipv6_refusal(nic: Nic) -> str | None:
    """Why the kernel does not take a network's IPv6 addresses, None when it does."""
    from socket import AF_INET6, inet_pton

    seen: set[bytes] = set()
    for entry in nic.ipv6:
        text, _, prefix = entry.value.partition("/")
        try:
            packed = inet_pton(AF_INET6, text)
        except (OSError, ValueError):
            continue
        if prefix.isdecimal() and int(prefix[:9]) > 128:
            return f"the prefix of {entry.value} is longer than 128"
        if packed in seen:
            return f"{text} is given twice"
        if packed[0] == 0xFF or int.from_bytes(packed) < 2:
            return f"{text} is no address of an interface"
        seen.add(packed)
    return None


def is_link_local(text: str) -> bool:
    """Whether an IPv6 address is in fe80::/10."""
    first = text.partition(":")[0].lower()
    return len(first) == 4 and first[:3] in ("fe8", "fe9", "fea", "feb")


class Route(NamedTuple):
    """A default route that a network's gateway asks for, or why it cannot be made."""

    nic: Nic
    key: str
    why: str


def route_refusal(nics: Iterable[Nic]) -> Route | None:
    """The first gateway that the container's routing table cannot take."""
    has4 = has6 = ""
    for nic in nics:
        if nic.gateway4 or nic.device4 or nic.auto4:
            key = "ipv4.gateway"
            if not nic.up:
                return Route(nic, key, f"a gateway takes {nic.label}.flags = up")
            if not nic.ipv4:
                return Route(nic, key, f"a gateway takes a {nic.label}.ipv4.address")
            if nic.gateway4 and not nic.device4 and _is_broadcast(nic):
                return Route(nic, key, f"{nic.gateway4} is the broadcast address of the network")
            if has4:
                return Route(nic, key, f"{has4} has the default route already")
            has4 = nic.label
        if nic.gateway6 or nic.device6 or nic.auto6:
            key = "ipv6.gateway"
            if not nic.up:
                return Route(nic, key, f"a gateway takes {nic.label}.flags = up")
            if not nic.ipv6 and not is_link_local(nic.gateway6):
                return Route(nic, key, f"a gateway takes a {nic.label}.ipv6.address")
            if nic.gateway6 and any(
                entry.value.partition("/")[0] == nic.gateway6 for entry in nic.ipv6
            ):
                return Route(nic, key, f"{nic.gateway6} is the container's own address")
            if nic.gateway6[:2].lower() == "ff" or nic.gateway6 == "::1":
                return Route(nic, key, f"{nic.gateway6} is no address of a neighbour")
            if has6:
                return Route(nic, key, f"{has6} has the default route already")
            has6 = nic.label
    return None


def _is_broadcast(nic: Nic) -> bool:
    gateway = ipv4_number(nic.gateway4)
    for entry in nic.ipv4:
        address = ipv4_interface(entry.value)
        if address is None or not 0 < address.mask < 0xFFFFFFFE:
            continue
        if gateway == address.network | (~address.mask & 0xFFFFFFFF):
            return True
    return False
