"""Every row of the lab's table that cgroups decide, predicted from a host constructed after it.

The lab booted real hosts and really started containers: Debian 11, 12, 13 and sid, with LXC 4.0.6,
5.0.2, 6.0.4 and 7.0.0, under systemd and OpenRC. What it found is the oracle here; the hosts are
made by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

import checks.cgroup
import checks.systemd
from audit.engine import run
from audit.facts.cgstart import bare_plan, run_plan
from audit.host import Host
from audit.model import Stage
from audit.registry import collect
from audit.verdict import predict
from tests.checks.cgroup import lab
from tests.checks.cgroup.lab import CG, MANAGER, SESSION, Lab

CHECKS = {**collect(checks.cgroup), **collect(checks.systemd)}
LIMITS = ("lxc.cgroup2.memory.max = 64M", "lxc.cgroup2.pids.max = 100")
V1_LIMITS = ("lxc.cgroup.memory.limit_in_bytes = 64M", "lxc.cgroup.pids.max = 100")
V1 = ("name=systemd", "memory", "pids", "freezer", "cpu,cpuacct")


def stages(host: Host) -> dict[Stage, str]:
    return {stage: found.verdict for stage, found in predict(run(CHECKS, host)).items()}


def bookworm(config: tuple[str, ...] = (), delegated: str = "cpu memory pids") -> Lab:
    made = lab.base("5.0.2", config)
    lab.unified(made)
    lab.systemd(made, delegated)
    return made


def trixie(config: tuple[str, ...] = (), lxc: str = "6.0.4") -> Lab:
    made = lab.base(lxc, config)
    made.needed = ["libdbus-1.so.3", "libc.so.6"]
    lab.unified(made)
    lab.systemd(made, bus=True)
    return made


def bullseye(config: tuple[str, ...] = (), delegated: str = "memory pids") -> Lab:
    made = lab.base("4.0.6", config)
    lab.unified(made)
    lab.systemd(made, delegated)
    return made


def old(make: Callable[..., Lab], config: tuple[str, ...] = (), *, v2: bool = True) -> Lab:
    made = make(config)
    lab.hybrid(made, *V1, with_v2=v2)
    return made


def masked(made: Lab) -> Lab:
    made.write("/etc/systemd/system/user@.service")
    made.links["/etc/systemd/system/user@.service"] = "/dev/null"
    return made


def dropin(made: Lab, text: str) -> Lab:
    made.write("/etc/systemd/system/user@.service.d/delegate.conf", f"[Service]\n{text}")
    return made


def without_memory(make: Callable[..., Lab], config: tuple[str, ...] = ()) -> Lab:
    made = make(config)
    made.write("/proc/cmdline", "root=/dev/vda cgroup_disable=memory\n")
    made.cgroup("/", "cpuset cpu io hugetlb pids", handed="cpu pids")
    return made


def openrc(lxc: str = "6.0.4", config: tuple[str, ...] = ()) -> Lab:
    made = lab.base(lxc, config)
    lab.unified(made)
    made.write("/run/openrc/softlevel", "default\n")
    made.write("/etc/rc.conf", '#rc_cgroup_mode="unified"\n')
    made.write("/usr/libexec/rc/version", "0.56\n")
    made.write("/etc/runlevels/sysinit/cgroups")
    return made


GROUP = "perm { task { uid = lxc; gid = lxc; } admin { uid = lxc; gid = lxc; } }"
BELOW = "cpu {} cpuset {} io {} memory {} pids {}"


def document(made: Lab) -> Lab:
    """The wiki's recipe: cgconfig.conf, cgrules.conf `lxc * lxc`, cgrulesengd."""
    made.write("/etc/cgconfig.conf", f"group lxc {{ {GROUP} {BELOW} }}\n")
    made.write("/etc/cgrules.conf", "lxc          *             lxc\n")
    made.write("/run/cgred.socket")
    made.cgroup("/lxc", ALL_FIVE, owned=True, procs="812\n")
    return made


def leaf(made: Lab) -> Lab:
    """The lab's leaf-pam: logins go to lxc/login, lxc itself stays free of processes."""
    made.write(
        "/etc/cgconfig.conf",
        f"group lxc {{ {GROUP} {BELOW} }}\n"
        f"group lxc/login {{ {GROUP} cpu {{}} memory {{}} pids {{}} }}\n",
    )
    made.write("/etc/cgrules.conf", "lxc cpu,memory,pids lxc/login\n")
    made.write("/etc/pam.d/common-session", "session optional pam_cgroup.so\n")
    made.cgroup("/lxc", ALL_FIVE, owned=True)
    made.cgroup("/lxc/login", "", owned=True, procs="812\n")
    return made


def config_only(made: Lab) -> Lab:
    made.write("/etc/cgconfig.conf", f"group lxc {{ {GROUP} {BELOW} }}\n")
    made.cgroup("/lxc", ALL_FIVE, owned=True)
    return made


ALL_FIVE = "cpuset cpu io memory pids"


class Row(NamedTuple):
    """One row: the host, the guest, and what the lab saw: start by `run`, plain start, limits."""

    name: str
    make: Callable[[], Lab]
    start: str
    bare: str
    limits: str = "yes"
    guest: str = "plain"


ROWS = (
    Row("bw-good", bookworm, "yes", "yes"),
    Row("bw-good+limits", lambda: bookworm(LIMITS), "yes", "yes"),
    Row("bw-good+systemd", bookworm, "yes", "no", guest="systemd"),
    Row("bw-user-manager-masked", lambda: masked(bookworm()), "yes", "yes"),
    Row("bw-user-manager-masked+limits", lambda: masked(bookworm(LIMITS)), "yes", "yes", "no"),
    Row(
        "bw-user-manager-masked+systemd",
        lambda: masked(bookworm()),
        "no",
        "no",
        "no",
        guest="systemd",
    ),
    Row("bw-legacy", lambda: old(bookworm, v2=False), "yes", "yes"),
    Row("bw-legacy+v1-limits", lambda: old(bookworm, V1_LIMITS, v2=False), "no", "no", "no"),
    Row("bw-legacy+limits", lambda: old(bookworm, LIMITS, v2=False), "yes", "yes", "no"),
    Row("bw-legacy+systemd", lambda: old(bookworm, v2=False), "yes", "no", guest="systemd"),
    Row(
        "bw-delegate-only-pids",
        lambda: dropin(bookworm(LIMITS), "Delegate=\nDelegate=pids\n"),
        "yes",
        "yes",
    ),
    Row(
        "bw-delegate-only-memory",
        lambda: dropin(bookworm(LIMITS), "Delegate=\nDelegate=memory\n"),
        "yes",
        "yes",
    ),
    Row(
        "bw-delegate-only-memory+cpu-limit",
        lambda: dropin(bookworm(("lxc.cgroup2.cpu.weight = 50",)), "Delegate=\nDelegate=memory\n"),
        "no",
        "yes",
        "no",
    ),
    # Finding 5: the start in a scope fails, the plain one runs without a cgroup of its own.
    Row("bw-no-memory", lambda: without_memory(bookworm), "yes", "yes"),
    Row("bw-no-memory+limits", lambda: without_memory(bookworm, LIMITS), "yes", "yes", "no"),
    Row("bw-no-memory+systemd", lambda: without_memory(bookworm), "no", "no", "no", "systemd"),
    Row("tx-good", trixie, "yes", "yes"),
    Row("tx-good+limits", lambda: trixie(LIMITS), "yes", "yes"),
    Row("tx-good+systemd", trixie, "yes", "yes", guest="systemd"),
    Row("tx-user-manager-masked", lambda: masked(trixie()), "yes", "yes"),
    Row("tx-user-manager-masked+limits", lambda: masked(trixie(LIMITS)), "yes", "yes", "no"),
    Row("tx-no-memory", lambda: without_memory(trixie), "yes", "yes"),
    Row("tx-no-memory+limits", lambda: without_memory(trixie, LIMITS), "no", "no", "no"),
    Row("tx-hybrid-forced", lambda: old(trixie), "yes", "yes"),
    Row("tx-hybrid-forced+v1-limits", lambda: old(trixie, V1_LIMITS), "no", "no", "no"),
    Row(
        "tx-delegate-only-cpu-pids",
        lambda: dropin(trixie(LIMITS), "Delegate=\nDelegate=cpu pids\n"),
        "yes",
        "yes",
    ),
    Row("sd-good+limits", lambda: trixie(LIMITS, "7.0.0"), "yes", "yes"),
    Row("sd-no-memory", lambda: without_memory(lambda c: trixie(c, "7.0.0")), "yes", "yes"),
    Row("be-good", bullseye, "yes", "no"),
    Row("be-good+limits", lambda: bullseye(LIMITS), "yes", "no"),
    Row("be-delegate-no", lambda: dropin(bullseye(), "Delegate=no\n"), "no", "no", "no"),
    Row("be-hybrid", lambda: old(bullseye), "yes", "yes"),
    Row("be-hybrid+v1-limits", lambda: old(bullseye, V1_LIMITS), "no", "no", "no"),
    Row("be-legacy", lambda: old(bullseye, v2=False), "yes", "yes"),
    Row(
        "be-delegate-only-memory+limits",
        lambda: dropin(bullseye(LIMITS), "Delegate=\nDelegate=memory\n"),
        "yes",
        "no",
    ),
    Row("be-no-memory", lambda: without_memory(bullseye), "yes", "no"),
    # Finding 12: OpenRC
    Row("to-none", openrc, "yes", "yes"),
    Row("to-none+limits", lambda: openrc(config=LIMITS), "yes", "yes", "no"),
    Row("to-none+systemd", openrc, "no", "no", "no", "systemd"),
    Row("to-config-only+limits", lambda: config_only(openrc(config=LIMITS)), "yes", "yes", "no"),
    Row("to-document", lambda: document(openrc()), "yes", "yes"),
    Row("to-document+limits", lambda: document(openrc(config=LIMITS)), "no", "no", "no"),
    Row("to-document+systemd", lambda: document(openrc()), "yes", "yes", guest="systemd"),
    Row("to-leaf-pam+limits", lambda: leaf(openrc(config=LIMITS)), "yes", "no"),
    Row("bo-unified-document", lambda: document(openrc("5.0.2")), "yes", "yes"),
    Row("bo-unified-leaf+limits", lambda: leaf(openrc("5.0.2", LIMITS)), "yes", "no"),
    # sabotage/truth.tsv: LXC 5.0.2 on a hybrid host without systemd
    Row("sysd_baseline", lambda: sandbox(), "yes", "yes", guest="systemd"),
    Row("sysd_cg_no_pam_cgfs", lambda: sandbox(cgfs=""), "no", "no", "no", "systemd"),
    Row("cg_no_pam_cgfs", lambda: sandbox(cgfs=""), "yes", "yes"),
    Row("sysd_cg1_no_systemd_hier", lambda: sandbox(mounted=V1[1:]), "no", "no", "no", "systemd"),
    Row("cg1_no_systemd_hier", lambda: sandbox(mounted=V1[1:]), "yes", "yes"),
    Row("sysd_cg_none_mounted", lambda: sandbox(mounted=()), "no", "no", "no", "systemd"),
    Row("cg_none_mounted", lambda: sandbox(mounted=()), "yes", "yes"),
    Row("sysd_cg_all_readonly", lambda: read_only(sandbox()), "no", "no", "no", "systemd"),
    Row("cg_all_readonly", lambda: read_only(sandbox()), "yes", "yes"),
    Row("cg1_limit_memory", lambda: sandbox(V1_LIMITS[:1]), "yes", "yes"),
    Row("cg1_limit_pids_undelegated", lambda: sandbox(V1_LIMITS[1:]), "no", "no", "no"),
    Row("cg1_devices_deny", lambda: sandbox(("lxc.cgroup.devices.deny = a",)), "no", "no", "no"),
    Row("cg_limit_wrong_version", lambda: sandbox(LIMITS), "yes", "yes", "no"),
    Row("ts-no-cgroup-mount", lambda: never_mounted(), "no", "no", "no"),
)


def sandbox(
    config: tuple[str, ...] = (),
    cgfs: str = "session optional pam_cgfs.so -c freezer,memory,name=systemd\n",
    mounted: tuple[str, ...] = V1,
) -> Lab:
    """A hybrid host without any init system, as the sabotage was tried on."""
    made = lab.base("5.0.2", config)
    lab.hybrid(made, *V1)
    lines = made.files["/proc/self/cgroup"]
    if mounted:
        lab.hybrid(made, *mounted)
    else:
        lab.mounts(made)
    made.write("/proc/self/cgroup", lines)
    made.write("/proc/1/comm", "sandbox\n")
    made.write("/etc/pam.d/common-session", cgfs)
    made.write("/lib/x86_64-linux-gnu/security/pam_cgfs.so")
    return made


def read_only(made: Lab) -> Lab:
    text = made.files["/proc/self/mountinfo"]
    made.write("/proc/self/mountinfo", text.replace(" rw - cgroup", " ro - cgroup"))
    return made


def never_mounted() -> Lab:
    """sysvinit, nothing mounts cgroups: the file has no line at all."""
    made = lab.base("6.0.4")
    lab.mounts(made)
    made.write("/proc/self/cgroup", "")
    made.directories.add(CG)
    made.write("/proc/1/comm", "init\n")
    return made


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_prediction_agrees_with_what_the_lab_saw(row: Row) -> None:
    found = stages(row.make().host(row.guest))
    expected = (row.start, row.bare, row.limits)
    assert (found[Stage.START], found[Stage.BARE_START], found[Stage.LIMITS]) == expected


def test_scope_of_bookworm_has_the_controllers_that_the_lab_saw() -> None:
    host = bookworm().host()
    assert set(host.get(run_plan).start.controllers) == {"cpu", "memory", "pids"}
    assert not host.get(bare_plan).start.own_cgroup


def test_lists_of_delegate_add_up() -> None:
    host = dropin(trixie(), "Delegate=cpu cpuset io memory pids\n").host()
    assert set(host.get(run_plan).start.controllers) == set(ALL_FIVE.split())


@pytest.mark.parametrize("row", ROWS[:3], ids=[row.name for row in ROWS[:3]])
def test_the_user_itself_gets_the_same_answer_as_root(row: Row) -> None:
    made = lab.logged_in(row.make(), "cpu memory pids")
    found = stages(made.as_user(f"0::{SESSION}\n").host(row.guest))
    expected = (row.start, row.bare, row.limits)
    assert (found[Stage.START], found[Stage.BARE_START], found[Stage.LIMITS]) == expected


def test_trixie_in_the_users_session_with_a_bus_has_limits_in_a_plain_start() -> None:
    made = lab.logged_in(trixie(LIMITS), "cpu memory pids", bus=True)
    host = made.as_user(f"0::{SESSION}\n").host()
    assert {fate for _, fate in host.get(bare_plan).start.limits} == {"set"}


def test_trixie_without_a_pam_session_ignores_limits_and_still_starts() -> None:
    """tx-no-pam"""
    made = trixie(LIMITS).as_user("0::/system.slice/lab-agent.service\n")
    made.cgroup("/system.slice/lab-agent.service", "memory pids", procs="1\n")
    found = stages(made.host())
    assert (found[Stage.START], found[Stage.BARE_START], found[Stage.LIMITS]) == (
        "yes",
        "yes",
        "no",
    )


def test_session_in_a_delegated_scope_starts_plainly_with_its_own_cgroup() -> None:
    made = lab.logged_in(bookworm(), "cpu memory pids")
    scope = f"{MANAGER}/app.slice/run-r1.scope"
    made.cgroup(scope, "cpu memory pids", owned=True, procs="900\n")
    host = made.as_user(f"0::{scope}\n").host("systemd")
    assert host.get(bare_plan).start.own_cgroup
    assert stages(host)[Stage.BARE_START] == "yes"


def test_only_one_check_fails_when_the_user_manager_is_masked() -> None:
    results = run(CHECKS, masked(bookworm(LIMITS)).host("systemd"))
    because = predict(results)[Stage.START].because
    assert because == ("systemd.user_manager",)
