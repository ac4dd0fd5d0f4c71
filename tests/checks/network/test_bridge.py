"""The bridge of the host: what it is, whether it leads anywhere."""

from __future__ import annotations

import pytest

from tests.checks.network.rows import (
    DIRECTORY,
    FAIL,
    PASS,
    UNKNOWN,
    UP,
    Changes,
    Row,
    file,
    label,
    nets,
    verify,
)

BRIDGE = "/sys/class/net/tbr0"
DROP = (
    "table ip filter {\n\tchain FORWARD {\n\t\ttype filter hook forward priority filter; "
    'policy drop;\n\t\tiifname "docker0" accept\n\t}\n}\n'
)
NAT = (
    "table ip nat {\n\tchain POSTROUTING {\n\t\ttype nat hook postrouting priority srcnat; "
    "policy accept;\n\t\tip saddr NET masquerade\n\t}\n}\n"
)
ROUTES = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"


def ruleset(text: str) -> Changes:
    return {("run", "nft", "list", "ruleset"): {"code": 0, "out": text, "err": ""}}


TABLE = (
    Row(
        "bridge_exists",
        "absent",
        {
            ("list", "/sys/class/net"): ["lo"],
            ("stat", f"{BRIDGE}/bridge"): None,
            ("read", "/proc/net/dev"): "a\nb\n  lo: 0 0\n",
        },
        FAIL,
        "there is no interface tbr0",
    ),
    Row(
        "bridge_exists",
        "another sysfs",
        {("list", "/sys/class/net"): ["lo"], ("stat", f"{BRIDGE}/bridge"): None},
        FAIL,
        "another network namespace",
    ),
    Row(
        "bridge_exists",
        "another namespace",
        {("read", "/proc/net/dev"): "a\nb\n  lo: 0 0\n"},
        FAIL,
        "not in /proc/net/dev",
    ),
    Row(
        "bridge_kind",
        "a VLAN interface",
        {
            ("stat", f"{BRIDGE}/bridge"): None,
            ("read", f"{BRIDGE}/uevent"): "DEVTYPE=vlan\nINTERFACE=tbr0\n",
            **{
                ("stat", f"{d}/ovs-vsctl"): None
                for d in (
                    "/usr/local/sbin",
                    "/usr/local/bin",
                    "/usr/sbin",
                    "/usr/bin",
                    "/sbin",
                    "/bin",
                )
            },
        },
        FAIL,
        "is a VLAN interface",
    ),
    Row(
        "bridge_kind",
        "Open vSwitch",
        {
            ("stat", f"{BRIDGE}/bridge"): None,
            ("read", f"{BRIDGE}/uevent"): "INTERFACE=tbr0\n",
            ("stat", "/proc/net/vlan/tbr0"): None,
            ("stat", f"{BRIDGE}/device"): None,
            ("read", f"{BRIDGE}/tun_flags"): None,
            **{("stat", f"{d}/ovs-vsctl"): file(0o755) for d in ("/usr/local/sbin", "/usr/bin")},
            ("run", "ovs-vsctl", "--timeout=5", "br-exists", "tbr0"): {
                "code": 0,
                "out": "",
                "err": "",
            },
        },
        PASS,
        "Open vSwitch",
    ),
    Row(
        "bridge_kind",
        "full",
        {("list", f"{BRIDGE}/brif"): [f"p{n}" for n in range(1023)]},
        FAIL,
        "1023 ports",
    ),
    Row("bridge_up", "down", {("read", f"{BRIDGE}/flags"): "0x1002\n"}, FAIL),
    Row("bridge_address", "none", {("address", "tbr0"): None}, FAIL),
    Row(
        "bridge_address",
        "a network card",
        {
            ("address", "tbr0"): None,
            ("list", f"{BRIDGE}/brif"): ["enp1s0"],
            ("stat", "/sys/class/net/enp1s0/device"): DIRECTORY,
        },
        PASS,
        "enp1s0",
    ),
    Row("ip_forward", "off", {("read", "/proc/sys/net/ipv4/ip_forward"): "0\n"}, FAIL),
    Row("ip_forward", "on", {("read", "/proc/sys/net/ipv4/ip_forward"): "1\n"}, PASS),
    Row("nat", "none", ruleset(""), FAIL),
    Row("nat", "for it", ruleset(NAT.replace("NET", "10.77.0.0/24")), PASS),
    Row("nat", "for another", ruleset(NAT.replace("NET", "10.0.3.0/24")), FAIL),
    Row(
        "nat",
        "not root",
        {("run", "nft", "list", "ruleset"): {"code": 1, "out": "", "err": "not permitted"}},
        UNKNOWN,
    ),
    Row("filters", "docker", ruleset(DROP), FAIL, "FORWARD"),
    Row("filters", "a rule for it", ruleset(DROP.replace("docker0", "tbr0")), PASS),
    Row(
        "lxc_net",
        "its bridge, not running",
        {
            ("read", "/etc/default/lxc-net"): 'USE_LXC_BRIDGE="true"\nLXC_BRIDGE="tbr0"\n',
            ("stat", "/run/lxc/network_up"): None,
            ("stat", "/var/run/lxc/network_up"): None,
        },
        FAIL,
        "does not run",
    ),
    Row(
        "lxc_net",
        "off",
        {("read", "/etc/default/lxc-net"): "LXC_BRIDGE=tbr0\nUSE_LXC_BRIDGE=false\n"},
        FAIL,
        "is off",
    ),
    Row(
        "subnet",
        "a VPN",
        {("read", "/proc/net/route"): ROUTES + "wg0\t00004D0A\t0\t1\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"},
        FAIL,
        "wg0",
    ),
    Row(
        "subnet",
        "its own",
        {
            ("read", "/proc/net/route"): ROUTES
            + "tbr0\t00004D0A\t0\t1\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
        },
        PASS,
    ),
    Row("static_address", "astray", nets(*UP, "ipv4.address = 192.168.10.5/24"), FAIL),
    Row("static_address", "the bridge's", nets(*UP, "ipv4.address = 10.77.0.1/24"), FAIL, "itself"),
)


@pytest.mark.parametrize("row", TABLE, ids=label)
def test_a_host_that_differs_in_one_answer(row: Row) -> None:
    verify(row)
