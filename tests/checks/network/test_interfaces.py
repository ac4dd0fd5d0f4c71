"""What a config says about its interfaces, and what the container makes of it."""

from __future__ import annotations

import pytest

from audit.testing import judged
from tests.checks.network.rows import (
    ANSWERS,
    CONFIG,
    EVERY,
    FAIL,
    NA,
    PASS,
    TWO,
    UP,
    WORKING,
    Row,
    label,
    nets,
    verify,
)
from tests.recordings import changed, recording

VETH = ("type = veth", "link = tbr0", "flags = up", "name = eth0")
ADDRESS = (*UP, "ipv4.address = 10.77.0.5/24")
TABLE = (
    Row("nic_type", "macvlan", nets("type = macvlan"), FAIL, "macvlan"),
    Row("nic_type", "type was cleared", nets("type = veth", "type ="), FAIL, "has no type"),
    Row("nic_type", "empty", nets("type = empty"), PASS),
    Row("nic_type", "a removed network", nets("type = macvlan", also=("lxc.net.0 =",)), NA),
    Row("nic_type", "no type line", nets("link = tbr0"), PASS),
    Row("own_namespace", "none", nets("type = none"), FAIL, "/sys cannot be mounted"),
    Row("own_namespace", "none beside a veth", nets("type = none", *TWO), PASS),
    Row("own_namespace", "kept", nets(*UP, also=("lxc.namespace.keep = net ipc",)), FAIL),
    Row(
        "own_namespace", "something else kept", nets(*UP, also=("lxc.namespace.keep = ipc",)), PASS
    ),
    Row("own_namespace", "not cloned", nets(*UP, also=("lxc.namespace.clone = pid user",)), FAIL),
    Row("own_namespace", "shared", nets(*UP, also=("lxc.namespace.share.net = 1",)), NA),
    Row("inert", "address", nets("type = empty", "ipv4.address = 10.0.0.1/8"), FAIL),
    Row("inert", "no type and up", nets("flags = up"), FAIL, "has no type"),
    Row("inert", "empty and up", nets("type = empty", "flags = up"), PASS),
    Row("inert", "none and up", nets("type = none", "flags = up", "1 type = empty"), FAIL),
    Row("names", "the same twice", nets(*VETH, *TWO, "1 name = eth0"), FAIL, "lxc.net.1"),
    Row("names", "unnamed, then eth0", nets(*UP, *TWO, "1 name = eth0"), FAIL),
    Row("names", "eth0, then unnamed", nets(*VETH, *TWO), PASS),
    Row("names", "lo", nets(*UP, "name = lo"), FAIL),
    Row("names", "one letter", nets(*UP, "name = e"), FAIL, "one letter"),
    Row("hwaddr", "multicast", nets(*UP, "hwaddr = 01:00:5e:00:00:01"), FAIL, "multicast"),
    Row("hwaddr", "random", nets(*UP, "hwaddr = 00:16:3e:xx:xx:xx"), PASS),
    Row("hwaddr", "dashes", nets(*UP, "hwaddr = 00-16-3e-00-00-01"), FAIL),
    Row("addresses", "twice", nets(*ADDRESS, "ipv4.address = 10.77.0.5/24"), FAIL, "twice"),
    Row("addresses", "other prefix", nets(*ADDRESS, "ipv4.address = 10.77.0.5/16"), PASS),
    Row(
        "addresses",
        "IPv6 is off",
        {**nets(*UP, "ipv6.address = fd00::5/64"), ("stat", "/proc/sys/net/ipv6"): None},
        FAIL,
        "no IPv6",
    ),
    Row(
        "routes",
        "no flags",
        nets(
            "type = veth", "link = tbr0", "ipv4.address = 10.77.0.5/24", "ipv4.gateway = 10.77.0.1"
        ),
        FAIL,
        "flags = up",
    ),
    Row("routes", "no address", nets(*UP, "ipv4.gateway = 10.77.0.1"), FAIL, "ipv4.address"),
    Row("routes", "elsewhere", nets(*ADDRESS, "ipv4.gateway = 192.168.3.1"), PASS),
    Row(
        "routes",
        "two",
        nets(
            *ADDRESS,
            "ipv4.gateway = 10.77.0.1",
            *TWO,
            "1 ipv4.address = 10.78.0.5/24",
            "1 ipv4.gateway = dev",
        ),
        FAIL,
        "default route already",
    ),
    Row(
        "gateway_auto",
        "no address",
        {**nets(*ADDRESS, "ipv4.gateway = auto"), ("address", "tbr0"): None},
        FAIL,
        "has no IPv4 address",
    ),
    Row("gateway_auto", "address", nets(*ADDRESS, "ipv4.gateway = auto"), PASS),
    Row(
        "gateway_auto",
        "an empty value does not take it back",
        {**nets(*ADDRESS, "ipv4.gateway = auto", "ipv4.gateway ="), ("address", "tbr0"): None},
        FAIL,
    ),
    Row(
        "script_up",
        "absent",
        {**nets(*UP, "script.up = /gone/up"), ("lstat", "/gone"): None},
        FAIL,
        "is not there",
    ),
    Row("script_up", "a shell's business", nets(*UP, "script.up = exec /bin/true"), PASS),
    Row("flags_up", "none", nets("type = veth", "link = tbr0"), FAIL),
    Row("flags_up", "any value", nets("type = veth", "link = tbr0", "flags = no"), PASS),
    Row("mtu", "set", nets(*UP, "mtu = 9000"), FAIL, "is ignored"),
)


@pytest.mark.parametrize("row", TABLE, ids=label)
def test_a_host_that_differs_in_one_answer(row: Row) -> None:
    verify(row)


def test_an_interface_that_stays_down_is_the_guests_business_when_that_is_systemd() -> None:
    host = changed(WORKING, nets("type = veth", "link = tbr0"))
    host.request = host.request._replace(guest="systemd")
    (finding,) = judged(EVERY["network.flags_up"], host).findings
    assert finding.stages == ()


def test_sharing_the_hosts_network_without_a_sysfs_is_hardening_only() -> None:
    base = recording(WORKING)
    path = next(q[1] for q in ANSWERS if q[0] == "user_read" and q[1].endswith("/default.conf"))
    home = path.partition("/.config")[0]
    config = f"{home}/.local/share/lxc/x/config"
    host = changed(
        WORKING, {("user_read", config, CONFIG[2]): "lxc.net.0.type = none\nlxc.uts.name = x\n"}
    )
    host.request = base.request._replace(container="x")
    (finding,) = judged(EVERY["network.own_namespace"], host).findings
    assert (finding.outcome, finding.level, finding.stages) == (FAIL, "hardening", ())
