"""audit/facts/{links,routes,firewall,nicsetup}.py: parsers and rules of the network."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts.config import Entry
from audit.facts.firewall import parse_ruleset
from audit.facts.links import (
    Address,
    in_namespace,
    ipv4_number,
    ipv4_text,
    sysfs_is_of_another_namespace,
)
from audit.facts.nics import Nic
from audit.facts.nicsetup import (
    inert_setting,
    ipv4_interface,
    ipv6_refusal,
    is_link_local,
    mac_refusal,
    name_clash,
    name_refusal,
)
from audit.facts.routes import parse_routes
from audit.model import Unknown
from audit.testing import made_host

NOW = (5, 0, 2)
DEV = (
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n"
    "    lo:  840 10 0 0 0 0 0 0 840 10 0 0 0 0 0 0\n"
    "br0.1: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
)


@given(st.text(alphabet="0123456789. ", max_size=16))
def test_a_dotted_quad_is_what_inet_pton_takes(text: str) -> None:
    try:
        packed = int.from_bytes(socket.inet_pton(socket.AF_INET, text))
    except OSError:
        packed = None
    if not any(part[:1] == "0" and part != "0" for part in text.split(".")):
        assert ipv4_number(text) == packed


@given(st.integers(0, 2**32 - 1))
def test_a_number_and_its_text_are_one_address(number: int) -> None:
    assert ipv4_number(ipv4_text(number)) == number


def test_the_interfaces_of_a_namespace() -> None:
    assert in_namespace(made_host({"/proc/net/dev": DEV})) == {"lo", "br0.1"}


def test_no_proc_is_no_answer() -> None:
    with pytest.raises(Unknown):
        in_namespace(made_host({"/proc/net/dev": None}))


@pytest.mark.parametrize(
    ("names", "other"),
    [(["lo", "br0.1"], False), (["bonding_masters", "br0.1", "lo"], False), (["lo"], True)],
)
def test_a_sysfs_of_another_namespace_is_seen(names: list[str], other: bool) -> None:
    host = made_host({"/proc/net/dev": DEV}, {("list", "/sys/class/net"): [*names]})
    assert sysfs_is_of_another_namespace(host) is other


@pytest.mark.parametrize(
    ("value", "address", "prefix"),
    [
        ("10.0.0.1/8", "10.0.0.1", 8),
        ("192.168.1.9/24 192.168.1.255", "192.168.1.9", 24),
        ("10.1.2.3", "10.1.2.3", 8),
        ("172.16.0.1", "172.16.0.1", 16),
        ("192.168.0.1", "192.168.0.1", 24),
        ("10.0.0.1/0", "10.0.0.1", 0),
    ],
)
def test_an_address_without_a_prefix_has_that_of_its_class(
    value: str, address: str, prefix: int
) -> None:
    found = ipv4_interface(value)
    assert found is not None
    assert (ipv4_text(found.address), found.mask.bit_count()) == (address, prefix)


@given(st.text())
def test_any_address_is_read(text: str) -> None:
    found = ipv4_interface(text)
    assert found is None or isinstance(found, Address)


@given(st.text(max_size=24))
def test_any_hardware_address_is_judged(text: str) -> None:
    why = mac_refusal(text)
    assert why is None or why


@given(st.lists(st.integers(0, 255), min_size=6, max_size=6), st.sampled_from(["02x", "x"]))
def test_a_hardware_address_is_refused_for_one_odd_bit_or_all_zero(
    data: list[int], form: str
) -> None:
    text = ":".join(f"{byte:{form}}" for byte in data)
    assert (mac_refusal(text) is not None) == bool(data[0] & 1 or not any(data))


def veth(number: int, name: str = "") -> Nic:
    return Nic(number, "veth", name=name)


def test_names_are_given_in_order() -> None:
    assert name_clash([veth(0, "eth0"), veth(1)]) is None
    assert name_clash([veth(0), veth(1), veth(2, "eth2")]) is None
    clash = name_clash([veth(0), veth(1, "eth0")])
    assert clash is not None
    assert clash.nic.number == 1


def test_a_thousand_interfaces_without_names_have_one_each() -> None:
    assert name_clash([veth(n) for n in range(200)]) is None


@pytest.mark.parametrize("name", ["e", ".", "..", "a/b", "a b", "a:b", "a%s", "a%d%d", "%"])
def test_names_that_the_kernel_or_lxc_refuses(name: str) -> None:
    assert name_refusal(name)


@pytest.mark.parametrize("name", ["eth0", "net%d", "br0.1", "wan-1", "é"])
def test_names_that_are_taken(name: str) -> None:
    assert name_refusal(name) is None


def test_an_empty_network_may_be_up_since_it_is_lo() -> None:
    assert inert_setting(Nic(0, "empty", name="lo", up=True), NOW) is None
    assert inert_setting(Nic(0, "empty", up=True), (4, 0, 6)) == "flags"
    assert inert_setting(Nic(0, "empty", up=True), (3, 0, 4)) is None


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        (("fd00::1/64", "fd00::2/64"), False),
        (("fd00::1/64", "fd00:0::1/128"), True),
        (("::/0",), True),
        (("::1",), True),
        (("ff02::1",), True),
        (("fd00::1/129",), True),
        (("fe80::1",), False),
    ],
)
def test_ipv6_addresses(values: tuple[str, ...], refused: bool) -> None:
    lines = tuple(Entry("lxc.net.0.ipv6.address", value, "/config", 1) for value in values)
    assert (ipv6_refusal(Nic(0, "veth", ipv6=lines)) is not None) is refused


def test_link_local() -> None:
    assert is_link_local("fe80::1")
    assert is_link_local("FEBF::1")
    assert not is_link_local("fec0::1")
    assert not is_link_local("fe8::1")


def test_routes_of_a_little_endian_host() -> None:
    text = (
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "lxcbr0\t0003000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    )
    import sys

    if sys.byteorder == "big":
        pytest.skip("the text above is of a little-endian host")
    (route,) = parse_routes(text)
    assert (route.interface, route.text, route.line) == ("lxcbr0", "10.0.3.0/24", 3)


@given(st.text())
def test_any_text_is_a_table_of_routes_or_rules(text: str) -> None:
    parse_routes(text)
    parse_ruleset(text)


def test_chains_of_a_ruleset() -> None:
    text = (
        "table inet filter {\n\tset allowed {\n\t\ttype ipv4_addr\n\t}\n\n\tchain forward {\n"
        "\t\ttype filter hook forward priority filter; policy drop;\n"
        '\t\tiifname "lxcbr0" accept\n\t}\n\n\tchain mine {\n\t\tdrop\n\t}\n}\n'
    )
    first, second = parse_ruleset(text)
    assert (first.table, first.hook, first.policy) == ("inet filter", "forward", "drop")
    assert first.rules == ('iifname "lxcbr0" accept',)
    assert (second.name, second.hook, second.rules) == ("mine", "", ("drop",))
