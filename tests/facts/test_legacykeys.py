"""What keys of LXC 1 and 2 are called since LXC 3."""

from __future__ import annotations

import pytest

from audit.facts.config import key_of
from audit.facts.legacykeys import LEGACY, is_legacy, successor


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("lxc.id_map", "lxc.idmap"),
        ("lxc.network", "lxc.net"),
        ("lxc.network.type", "lxc.net.3.type"),
        ("lxc.network.veth.pair", "lxc.net.3.veth.pair"),
        ("lxc.network.ipv4", "lxc.net.3.ipv4.address"),
        ("lxc.network.ipv6.gateway", "lxc.net.3.ipv6.gateway"),
        ("lxc.network.0.type", "lxc.net.0.type"),
        ("lxc.network.12.ipv6", "lxc.net.12.ipv6.address"),
        ("lxc.limit.nofile", "lxc.prlimit.nofile"),
        ("lxc.kmsg", None),
        ("lxc.tty.max", None),
    ],
)
def test_an_old_key_has_the_name_of_its_successor(old: str, new: str | None) -> None:
    assert successor(old, 3) == new


@pytest.mark.parametrize("old", [key for key, new in LEGACY.items() if new])
def test_every_successor_is_a_key_of_lxc_today(old: str) -> None:
    new = successor(old)
    assert is_legacy(old)
    assert new is not None and key_of(new, (6, 0, 0)) is not None
