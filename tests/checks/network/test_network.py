"""Every check of checks/network: a recorded host with a working veth, and one other answer."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from audit.model import NETWORK, STARTING, Finding, Outcome
from audit.registry import builtin
from audit.source import Answer, Question, Refused
from audit.testing import judged
from tests.hosts import changed, recording

WORKING = "net_working"
USER = recording(WORKING).request.user
ANSWERS = recording(WORKING).source.answers
CONFIG = next(
    q
    for q in ANSWERS
    if q[0] == "user_read" and q[1].endswith("/default.conf") and ANSWERS[q] is not None
)
UID = CONFIG[2].partition(":")[0]
HELPER = "/usr/libexec/lxc/lxc-user-nic"
USERNET, NICS = "/etc/lxc/lxc-usernet", "/run/lxc/nics"
BRIDGE = "/sys/class/net/tbr0"
DIRECTORY: Answer = ["directory", 0o755, 0, 0, 0, 0, 1]
VETH = ("type = veth", "link = tbr0", "flags = up", "name = eth0")
Changes = dict[Question, Answer | Refused]
EVERY = builtin()


def nets(*lines: str, also: tuple[str, ...] = ()) -> Changes:
    """The config with these networks: `0 link = br0`, or `link = br0` for the first."""
    kept = [line for line in str(ANSWERS[CONFIG]).split("\n") if "lxc.net" not in line]
    mine = [line if line[0].isdigit() else f"0.{line}" for line in lines]
    text = "\n".join(
        [*kept, *(f"lxc.net.{line.replace(' ', '.', line[1] == ' ')}" for line in mine)]
    )
    return {CONFIG: "\n".join([text, *also, ""])}


def usernet(*lines: str) -> Changes:
    return {("read", USERNET): "".join(line + "\n" for line in lines)}


def ruleset(text: str) -> Changes:
    return {("run", "nft", "list", "ruleset"): {"code": 0, "out": text, "err": ""}}


def file(mode: int = 0o644, owner: int = 0, kind: str = "file") -> Answer:
    return [kind, mode, owner, 0, 1, 0, 1]


def helper(mode: int, owner: int = 0) -> Changes:
    answer = file(mode, owner)
    return {("stat", HELPER): answer, ("lstat", HELPER): answer}


class Row(NamedTuple):
    check: str
    what: str
    changes: Changes
    outcome: Outcome
    says: str = ""


FAIL, PASS, UNKNOWN, NA = Outcome.FAIL, Outcome.PASS, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE
# the user is put into a group, and so has other credentials
GROUPS: Changes = {
    ("read", "/etc/group"): f"root:x:0:\n{USER}:x:{UID}:\nnet:x:700:{USER}\n",
    **{
        (q[0], q[1], f"{UID}:{UID}:700,{UID}"): ANSWERS[q]
        for q in ANSWERS
        if q[0] in ("user_read", "user_list")
    },
}
UP = ("type = veth", "link = tbr0", "flags = up")
ADDRESS = (*UP, "ipv4.address = 10.77.0.5/24")
TWO = ("1 type = veth", "1 link = tbr0", "1 flags = up")
DROP = (
    "table ip filter {\n\tchain FORWARD {\n\t\ttype filter hook forward priority filter; "
    'policy drop;\n\t\tiifname "docker0" accept\n\t}\n}\n'
)
NAT = (
    "table ip nat {\n\tchain POSTROUTING {\n\t\ttype nat hook postrouting priority srcnat; "
    "policy accept;\n\t\tip saddr NET masquerade\n\t}\n}\n"
)
ROUTES = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"

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
    Row("usernic", "absent", {("stat", HELPER): None}, FAIL, "is not there"),
    Row("usernic", "not executable", helper(mode=0o4750), FAIL, "may not execute"),
    Row(
        "usernic",
        "directory closed",
        {("stat", "/usr/libexec/lxc"): file(0o700, kind="directory")},
        FAIL,
        "may not pass",
    ),
    Row("usernic", "no veth", nets("type = empty"), NA),
    Row("usernic", "cannot look", {("stat", HELPER): Refused("denied")}, UNKNOWN),
    Row("usernic_setuid", "not setuid", helper(mode=0o755), FAIL, "is not setuid"),
    Row("usernic_setuid", "another owner", helper(mode=0o4755, owner=5), FAIL, "owner is uid 5"),
    Row(
        "usernic_setuid",
        "file capabilities instead",
        {
            **helper(mode=0o755),
            ("xattr", HELPER, "security.capability"): "0100000200102000000000000000000000000000",
        },
        FAIL,
        "file capabilities do not do instead",
    ),
    Row(
        "usernic_setuid",
        "file capabilities beside the bit take the rest away",
        {("xattr", HELPER, "security.capability"): "0100000200100000000000000000000000000000"},
        FAIL,
        "cap_sys_ptrace",
    ),
    Row(
        "usernic_setuid",
        "enough file capabilities beside the bit",
        {("xattr", HELPER, "security.capability"): "01000002ffffffff00000000ff01000000000000"},
        UNKNOWN,
    ),
    Row(
        "nics_db",
        "data base is a directory",
        {("stat", "/run/lxc"): DIRECTORY, ("stat", NICS): DIRECTORY},
        FAIL,
        "wants a file",
    ),
    Row("nics_db", "its directory is a file", {("stat", "/run/lxc"): file(0o644)}, FAIL),
    Row("usernet_file", "absent", {("stat", USERNET): None, ("read", USERNET): None}, FAIL),
    Row("usernet_file", "a directory", {("stat", USERNET): DIRECTORY}, FAIL, "is a directory"),
    Row("usernet_file", "mode 0600", {("stat", USERNET): file(0o600)}, PASS),
    Row(
        "usernet_groups",
        "nobody's group",
        usernet(f"{USER} veth tbr0 5", "@no veth x 1"),
        FAIL,
        "there is no group no",
    ),
    Row("usernet_groups", "not a member", usernet("@root veth tbr0 5"), FAIL, "is not in root"),
    Row("usernet_groups", "a comment", usernet("#@no veth x 1", "# @no veth x 1"), PASS),
    Row("usernet_groups", "a line without a number", usernet("@no veth x"), PASS),
    Row("usernet_groups", "a member", {**usernet("@net veth tbr0 1"), **GROUPS}, PASS),
    Row("usernet_line", "a group's", {**usernet("@net veth tbr0 1"), **GROUPS}, PASS),
    Row("usernet_line", "no @", {**usernet("net veth tbr0 1"), **GROUPS}, FAIL, "lets"),
    Row("usernet_line", "other bridge", usernet(f"{USER} veth lxcbr0 5"), FAIL, "tbr0"),
    Row("usernet_line", "leading blank", usernet(f" {USER} veth tbr0 5"), FAIL),
    Row("usernet_line", "colons", usernet(f"{USER}:veth:tbr0:5"), FAIL),
    Row("usernet_line", "no number", usernet(f"{USER} veth tbr0"), FAIL),
    Row("usernet_line", "a uid", usernet(f"{UID} veth tbr0 5"), FAIL),
    Row("usernet_line", "wildcard", usernet("* veth tbr0 5"), FAIL),
    Row("usernet_line", "upper case", usernet(f"{USER} VETH tbr0 5"), FAIL),
    Row("usernet_line", "no link", nets("type = veth"), FAIL, "without a link"),
    Row(
        "usernet_line",
        "no link and a line for none",
        {**nets("type = veth"), **usernet(f"{USER} veth none 5")},
        PASS,
    ),
    Row("usernet_line", "link before type", nets("link = tbr0", "type = veth"), FAIL),
    Row("usernet_quota", "zero", usernet(f"{USER} veth tbr0 0"), FAIL, "is 0: no room"),
    Row(
        "usernet_quota",
        "negative sum",
        usernet(f"{USER} veth tbr0 -5", f"{USER} veth tbr0 3"),
        FAIL,
        "-5 + 3",
    ),
    Row(
        "usernet_quota",
        "used up",
        {**usernet(f"{USER} veth tbr0 1"), ("read", NICS): f"{USER} veth tbr0 lo\n"},
        FAIL,
        "is 1 and 1 are in use",
    ),
    Row(
        "usernet_quota",
        "on another bridge",
        {**usernet(f"{USER} veth tbr0 1"), ("read", NICS): f"{USER} veth other0 lo\n"},
        FAIL,
    ),
    Row(
        "usernet_quota",
        "stale",
        {**usernet(f"{USER} veth tbr0 1"), ("read", NICS): f"{USER} veth tbr0 vethGONE\n"},
        PASS,
    ),
    Row(
        "usernet_quota", "two networks", {**nets(*UP, *TWO), **usernet(f"{USER} veth tbr0 1")}, FAIL
    ),
    Row(
        "usernet_quota",
        "two lines",
        {
            **usernet(f"{USER} veth tbr0 1", f"{USER} veth tbr0 1"),
            ("read", NICS): f"{USER} veth tbr0 lo\n",
        },
        FAIL,
        "do not add up",
    ),
    Row(
        "usernet_quota",
        "data base hidden, nothing alive",
        {("read", NICS): Refused("denied"), ("list", "/sys/class/net"): ["lo", "tbr0"]},
        PASS,
    ),
    Row(
        "usernet_quota",
        "data base hidden, mine alive",
        {
            **usernet(f"{USER} veth tbr0 1"),
            ("read", NICS): Refused("denied"),
            ("list", "/sys/class/net"): ["lo", "tbr0", f"veth{UID}_aB3d"],
        },
        FAIL,
    ),
    Row(
        "usernet_quota",
        "data base hidden, others alive",
        {
            **usernet(f"{USER} veth tbr0 2"),
            ("read", NICS): Refused("denied"),
            ("list", "/sys/class/net"): ["lo", "tbr0", f"veth{UID}_aB3d", "veth7_aB3d"],
        },
        UNKNOWN,
    ),
    Row(
        "usernet_quota",
        "data base hidden, ample",
        {
            **usernet(f"{USER} veth tbr0 9"),
            ("read", NICS): Refused("denied"),
            ("list", "/sys/class/net"): ["lo", "tbr0", f"veth{UID}_aB3d", "veth7_aB3d"],
        },
        PASS,
    ),
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
    Row("usernet_breadth", "many", usernet(f"{USER} veth tbr0 1000"), FAIL, "1000"),
    Row("usernet_breadth", "everybody", usernet("@users veth tbr0 2"), FAIL, "@users"),
    Row("mtu", "set", nets(*UP, "mtu = 9000"), FAIL, "is ignored"),
)


def found(row: Row) -> list[Finding]:
    host = changed(WORKING, {("list", "/sys/class/net"): ["lo", "tbr0"], **row.changes})
    return list(judged(EVERY[f"network.{row.check}"], host).findings)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.check}: {row.what}")
def test_a_host_that_differs_in_one_answer(row: Row) -> None:
    findings = found(row)
    outcomes = [finding.outcome for finding in findings]
    assert row.outcome in outcomes, findings
    assert row.outcome is FAIL or FAIL not in outcomes, findings
    if row.says:
        said = " / ".join(finding.message for finding in findings if finding.outcome is row.outcome)
        assert row.says in said


NETWORK_CHECKS = sorted(name for name in EVERY if name.startswith("network."))


@pytest.mark.parametrize("name", NETWORK_CHECKS)
def test_every_check_has_a_case_that_fails(name: str) -> None:
    assert any(row.check == name.removeprefix("network.") and row.outcome is FAIL for row in TABLE)


@pytest.mark.parametrize("name", NETWORK_CHECKS)
def test_a_working_veth_stops_no_start(name: str) -> None:
    check = EVERY[name]
    if check.stages:
        outcomes = {finding.outcome for finding in judged(check, changed(WORKING, {})).findings}
        assert outcomes <= {PASS, NA}


def test_what_decides_about_the_start_decides_about_all_that_comes_after_it() -> None:
    for name in NETWORK_CHECKS:
        assert EVERY[name].stages in ((), (NETWORK,), STARTING)


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


def test_the_fix_of_a_missing_line_is_the_line() -> None:
    row = Row("usernet_line", "", usernet(f"{USER} veth lxcbr0 5"), FAIL)
    (finding,) = found(row)
    assert finding.fix is not None
    assert finding.fix.steps == (f"printf '%s\\n' '{USER} veth tbr0 1' >> {USERNET}",)


def test_a_line_that_meant_the_user_is_shown_with_what_is_wrong_with_it() -> None:
    for text, why in (
        (f" {USER} veth tbr0 5", "a blank in the first column"),
        (f"{USER}:veth:tbr0:5", "colons instead of blanks"),
        (f"{USER} veth tbr0", "no number at the end"),
        (f"{UID} veth tbr0 5", "a uid instead of the name"),
        ("* veth tbr0 5", "nobody is called *"),
        (f"{USER} veth lxcbr0 5", "for the bridge lxcbr0"),
    ):
        (finding,) = found(Row("usernet_line", "", usernet("# first", text), FAIL))
        (evidence,) = finding.evidence
        assert evidence.line == 2
        assert why in evidence.observed
