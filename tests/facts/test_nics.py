"""audit/facts/nics.py: what liblxc keeps of lxc.net lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from audit.facts.config import Entry
from audit.facts.nics import CLEARED, Nic, interface_name, read_nics

NEW, OLD = (5, 0, 2), (4, 0, 6)


def read(*lines: str, version: tuple[int, int, int] = NEW) -> tuple[Nic, ...]:
    entries = []
    for number, line in enumerate(lines, 1):
        key, _, value = line.partition("=")
        entries.append(Entry(f"lxc.net{key.strip()}", value.strip(), "/config", number))
    return read_nics(entries, version)


def test_networks_come_in_the_order_of_their_numbers() -> None:
    found = read(".2.type = veth", ".10.type = empty", ".0.type = none")
    assert [(nic.number, nic.type) for nic in found] == [(0, "none"), (2, "veth"), (10, "empty")]


def test_a_network_without_a_type_is_empty() -> None:
    assert read(".0.link = br0")[0].type == "empty"


def test_a_type_forgets_what_stood_before_it() -> None:
    (nic,) = read(".0.link = br0", ".0.flags = up", ".0.type = veth")
    assert (nic.bridge, nic.up) == ("none", False)


def test_old_releases_keep_what_stood_before_the_type() -> None:
    (nic,) = read(".0.link = br0", ".0.type = veth", version=OLD)
    assert nic.bridge == "br0"


def test_an_empty_type_leaves_none() -> None:
    assert read(".0.type = veth", ".0.type =")[0].type == CLEARED


def test_an_empty_network_is_called_lo_since_4_0_11() -> None:
    assert read(".0.type = empty")[0].name == "lo"
    assert read(".0.type = empty", version=OLD)[0].name == ""


def test_a_network_and_all_networks_can_be_removed() -> None:
    assert read(".0.type = veth", ".1.type = veth", ".0 =")[0].number == 1
    assert read(".0.type = veth", ".1.type = veth", " =") == ()


def test_any_value_of_flags_means_up_and_an_empty_one_down() -> None:
    assert read(".0.type = veth", ".0.flags = down")[0].up
    assert not read(".0.type = veth", ".0.flags = up", ".0.flags =")[0].up


def test_addresses_add_up_until_they_are_cleared() -> None:
    lines = (".0.type = veth", ".0.ipv4.address = 10.0.0.1/8", ".0.ipv4.address = 10.0.0.2/8")
    assert [entry.value for entry in read(*lines)[0].ipv4] == ["10.0.0.1/8", "10.0.0.2/8"]
    assert read(*lines, ".0.ipv4.address =")[0].ipv4 == ()


def test_an_empty_gateway_takes_back_neither_auto_nor_dev() -> None:
    (nic,) = read(".0.type = veth", ".0.ipv4.gateway = dev", ".0.ipv4.gateway =")
    assert nic.device4
    (nic,) = read(".0.type = veth", ".0.ipv4.gateway = auto", ".0.ipv4.gateway =")
    assert nic.auto4
    (nic,) = read(".0.type = veth", ".0.ipv4.gateway = auto", ".0.ipv4.gateway = 10.0.0.1")
    assert (nic.auto4, nic.gateway4) == (False, "10.0.0.1")


def test_the_line_of_a_property_is_the_last_in_force() -> None:
    (nic,) = read(".0.type = veth", ".0.link = a", ".0.link = b")
    line = nic.line("link")
    assert line is not None
    assert (line.value, line.line) == ("b", 3)


@given(st.text())
def test_a_name_is_cut_to_15_bytes(text: str) -> None:
    cut = interface_name(text).encode("utf-8", "surrogateescape")
    assert len(cut) <= 15
    assert text.encode("utf-8").startswith(cut)
