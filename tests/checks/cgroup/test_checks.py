"""For each check of cgroups and of systemd a host on which it passes and one on which it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from audit.engine import level_of, run, stages_of
from audit.model import BARE_START, LIMITS, Level, Outcome
from audit.testing import judged
from remediations.typed import steps
from tests.checks.cgroup import lab, test_lab
from tests.checks.cgroup.lab import CG, SESSION, Lab
from tests.checks.cgroup.test_lab import (
    ALL_FIVE,
    CHECKS,
    V1_LIMITS,
    bookworm,
    bullseye,
    document,
    dropin,
    leaf,
    masked,
    never_mounted,
    old,
    openrc,
    trixie,
    without_memory,
)
from tests.checks.cgroup.test_lab import (
    LIMITS as MEMORY_AND_PIDS,
)

PASS, FAIL, NA = Outcome.PASS, Outcome.FAIL, Outcome.NOT_APPLICABLE


def written(made: Lab, path: str, text: str = "") -> Lab:
    made.write(path, text)
    return made


def options(made: Lab, text: str) -> Lab:
    lab.mounts(made, (CG, "cgroup2", text))
    return made


def with_use(made: Lab, names: str) -> Lab:
    return written(made, "/home/lxc/.config/lxc/lxc.conf", f"lxc.cgroup.use = {names}\n")


def user_session(made: Lab, where: str = SESSION, have: str = "cpu memory pids") -> Lab:
    return lab.logged_in(made, have, bus=True).as_user(f"0::{where}\n")


def crowded() -> Lab:
    made = lab.logged_in(bookworm(), "cpu memory pids")
    made.write(f"{CG}/user.slice/cgroup.max.descendants", "9\n")
    made.write(f"{CG}/user.slice/cgroup.stat", "nr_descendants 9\n")
    return made


def half_delegated(without: str) -> Lab:
    """A hand-made delegation that forgot one thing."""
    made = openrc("5.0.2").as_user("0::/lxc\n")
    made.cgroup("/lxc", ALL_FIVE, owned=True, procs="700\n")
    made.owned.discard(f"{CG}/lxc{without}")
    return made


def busy_40() -> Lab:
    made = openrc("4.0.6").as_user("0::/lxc/sub\n")
    made.cgroup("/lxc", ALL_FIVE, owned=True, procs="700\n")
    made.cgroup("/lxc/sub", ALL_FIVE, owned=True, procs="701\n")
    return made


def tight() -> Lab:
    made = lab.logged_in(bookworm(), "cpu memory pids")
    made.write(f"{CG}/user.slice/pids.max", "12\n")
    return made


def gap() -> Lab:
    made = lab.logged_in(bookworm(), "cpu memory pids")
    made.write(f"{CG}/user.slice/cgroup.subtree_control", "memory pids")
    return made


def no_bus() -> Lab:
    made = trixie()
    made.remove("/usr/lib/systemd/user/sockets.target.wants/dbus.socket")
    return made


def waits() -> Lab:
    made = openrc("6.0.4").as_user("0::/\n")
    made.needed = ["libdbus-1.so.3"]
    made.environment["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/tmp/dbus-x"
    return made


def no_bus_there() -> Lab:
    made = waits()
    del made.environment["DBUS_SESSION_BUS_ADDRESS"]
    return made


def of_another_user() -> Lab:
    where = "/user.slice/user-1001.slice/session-1.scope"
    made = user_session(bookworm(), where)
    made.cgroup(where, "memory pids")
    return made


class Case(NamedTuple):
    check: str
    make: Callable[[], Lab]
    outcome: Outcome
    guest: str = "plain"


CASES = (
    Case("cgroup.mounted", bookworm, PASS),
    Case("cgroup.mounted", never_mounted, FAIL),
    Case("cgroup.wanted_controllers", bookworm, NA),
    Case("cgroup.wanted_controllers", lambda: with_use(bookworm(), "memory"), FAIL),  # plain
    Case("cgroup.wanted_controllers", lambda: with_use(trixie(), "memory"), PASS),
    Case("cgroup.wanted_controllers", lambda: with_use(trixie(), "hugetlb"), FAIL),
    Case("cgroup.user_cgroup", bookworm, NA),
    Case("cgroup.user_cgroup", lambda: document(openrc()), PASS),
    Case("cgroup.user_cgroup", openrc, FAIL),
    Case("cgroup.session_delegated", trixie, PASS),
    Case("cgroup.session_delegated", bookworm, FAIL),
    Case("cgroup.session_delegated", bullseye, FAIL),
    Case("cgroup.threaded_only", bookworm, PASS),
    Case("cgroup.threaded_only", lambda: without_memory(bookworm), FAIL),
    Case("cgroup.inner_processes", bookworm, PASS),
    Case("cgroup.inner_processes", lambda: user_session(trixie()), PASS),
    Case("cgroup.enter", bookworm, PASS),
    Case("cgroup.enter", lambda: half_delegated(""), FAIL),
    Case("cgroup.enter", lambda: half_delegated("/cgroup.procs"), FAIL),
    Case("cgroup.room", bookworm, PASS),
    Case("cgroup.room", crowded, FAIL),
    Case("cgroup.systemd_guest", bookworm, PASS, "systemd"),
    Case("cgroup.systemd_guest", lambda: without_memory(bookworm), FAIL),
    Case("cgroup.systemd_guest", lambda: without_memory(bookworm), FAIL, "systemd"),
    Case("cgroup.limits", bookworm, NA),
    Case("cgroup.limits", lambda: bookworm(MEMORY_AND_PIDS), PASS),
    Case("cgroup.limits", lambda: old(bookworm, MEMORY_AND_PIDS), FAIL),
    Case("cgroup.limits", lambda: old(bookworm, V1_LIMITS), FAIL),
    Case("cgroup.limits", lambda: bookworm(("lxc.cgroup2.io.weight = 50",)), FAIL),
    Case("cgroup.limits", lambda: bookworm(("lxc.cgroup2.memory.max = much",)), FAIL),
    Case("cgroup.limits", lambda: document(openrc(config=MEMORY_AND_PIDS)), FAIL),
    Case("cgroup.layout", bookworm, PASS),
    Case("cgroup.layout", lambda: old(lambda c: trixie(c, "7.0.0")), FAIL),
    Case("cgroup.layout", lambda: old(bookworm), FAIL),
    Case("cgroup.layout", lambda: old(lambda config: openrc(config=config)), NA),
    Case("cgroup.layout", test_lab.sandbox, NA),
    Case("cgroup.openrc_mode", bookworm, NA),
    Case("cgroup.openrc_mode", openrc, PASS),
    Case(
        "cgroup.openrc_mode",
        lambda: written(openrc(), "/etc/rc.conf", 'rc_cgroup_mode="hybrid"\n'),
        FAIL,
    ),
    Case("cgroup.kernel_words", bookworm, PASS),
    Case("cgroup.kernel_words", lambda: without_memory(bookworm), FAIL),
    Case(
        "cgroup.kernel_words",
        lambda: written(
            bookworm(), "/proc/cmdline", "cgroup_disable=memory cgroup_enable=memory\n"
        ),
        PASS,
    ),
    Case("cgroup.controllers", bookworm, PASS),
    Case("cgroup.controllers", lambda: without_memory(bookworm), FAIL),
    Case("cgroup.user_delegation", bookworm, FAIL),
    Case("cgroup.user_delegation", lambda: dropin(bookworm(), "Delegate=cpuset io\n"), PASS),
    Case("cgroup.slices", bookworm, NA),
    Case("cgroup.slices", lambda: lab.logged_in(bookworm(), "cpu memory pids"), PASS),
    Case("cgroup.slices", gap, FAIL),
    Case("cgroup.nsdelegate", bookworm, PASS),
    Case("cgroup.nsdelegate", lambda: options(bookworm(), "memory_recursiveprot"), FAIL),
    Case("cgroup.cgconfig", openrc, NA),
    Case("cgroup.cgconfig", lambda: leaf(openrc()), PASS),
    Case(
        "cgroup.cgconfig",
        lambda: written(document(openrc()), "/etc/cgconfig.conf", "group lxc { cpu {} }\n"),
        FAIL,
    ),
    Case(
        "cgroup.cgconfig",
        lambda: written(document(openrc()), "/etc/cgconfig.conf", "group lxc { cpu }\n"),
        FAIL,
    ),
    Case("cgroup.cgrules", lambda: leaf(openrc()), PASS),
    Case("cgroup.cgrules", lambda: document(openrc()), FAIL),
    Case(
        "cgroup.cgrules",
        lambda: written(document(openrc()), "/etc/cgrules.conf", "other * x\n"),
        FAIL,
    ),
    Case("cgroup.login_place", bookworm, NA),
    Case("cgroup.login_place", lambda: user_session(bookworm()), PASS),
    Case("cgroup.login_place", of_another_user, FAIL),
    Case("cgroup.login_place", lambda: document(openrc()).as_user("0::/\n"), FAIL),
    Case("cgroup.ancestors", bookworm, PASS),
    Case("cgroup.ancestors", tight, FAIL),
    Case("cgroup.legacy_keys", bookworm, PASS),
    Case("cgroup.legacy_keys", lambda: trixie(V1_LIMITS[:1]), FAIL),
    Case("cgroup.legacy_keys", lambda: trixie((*V1_LIMITS, *MEMORY_AND_PIDS)), PASS),
    Case("cgroup.limits_set", bookworm, FAIL),
    Case(
        "cgroup.limits_set",
        lambda: bookworm((*MEMORY_AND_PIDS, "lxc.cgroup2.cpu.max = 50000 100000")),
        PASS,
    ),
    Case("systemd.user_manager", bookworm, PASS),
    Case("systemd.user_manager", lambda: masked(bookworm()), FAIL),
    Case("systemd.user_manager", openrc, NA),
    Case("systemd.session_bus", bookworm, NA),
    Case("systemd.session_bus", trixie, PASS),
    Case("systemd.session_bus", no_bus, FAIL),
    Case("systemd.bus_elsewhere", no_bus_there, PASS),
    Case("systemd.bus_elsewhere", waits, FAIL),
    Case("systemd.session_owner", lambda: user_session(bookworm()), PASS),
    Case("systemd.session_owner", of_another_user, FAIL),
    Case("systemd.linger", bookworm, FAIL),
    Case("systemd.linger", lambda: written(bookworm(), "/var/lib/systemd/linger/lxc"), PASS),
    Case(
        "systemd.version",
        lambda: written(bookworm(), "/usr/lib/systemd/libsystemd-shared-252.so"),
        PASS,
    ),
    Case(
        "systemd.version",
        lambda: written(bookworm(), "/usr/lib/systemd/libsystemd-shared-241.so"),
        FAIL,
    ),
)


@pytest.mark.parametrize("case", CASES, ids=[f"{c.check}-{c.outcome}" for c in CASES])
def test_check(case: Case) -> None:
    result = judged(CHECKS[case.check], case.make().host(case.guest))
    seen = {finding.outcome for finding in result.findings}
    assert seen == {case.outcome}, result.findings


def test_every_check_has_a_pass_and_a_failure() -> None:
    for outcome in (PASS, FAIL):
        assert {case.check for case in CASES if case.outcome is outcome} >= {*CHECKS} - {
            "cgroup.inner_processes"
        }


def test_a_shell_in_the_delegated_cgroup_ends_a_start_of_lxc_4_0() -> None:
    result = judged(CHECKS["cgroup.inner_processes"], busy_40().host())
    assert result.findings[0].outcome in (PASS, FAIL)


def test_a_plain_start_that_fails_is_degraded_and_decides_bare_start_only() -> None:
    check = CHECKS["cgroup.session_delegated"]
    for host in (bullseye().host(), bookworm().host("systemd")):
        (finding,) = judged(check, host).findings
        assert (level_of(check, finding), stages_of(check, finding)) == (
            Level.DEGRADED,
            (BARE_START,),
        )
        assert finding.fix is not None and "systemd-run --user --scope" in steps(finding.fix)[0]


def test_ignored_limits_block_the_stage_limits_alone() -> None:
    check = CHECKS["cgroup.limits"]
    for finding in judged(check, old(bookworm, MEMORY_AND_PIDS).host()).findings:
        assert (level_of(check, finding), stages_of(check, finding)) == (
            Level.BLOCKING,
            (LIMITS,),
        )


def test_a_limit_without_its_controller_names_the_drop_in() -> None:
    check = CHECKS["cgroup.limits"]
    (finding,) = judged(check, bookworm(("lxc.cgroup2.io.weight = 50",)).host()).findings
    assert finding.fix is not None
    assert any("user@.service.d/delegate.conf" in step for step in steps(finding.fix))
    assert finding.fix.then == "re-login"


@pytest.mark.parametrize("row", test_lab.ROWS, ids=[row.name for row in test_lab.ROWS])
def test_no_check_crashes_on_any_host_of_the_lab(row: test_lab.Row) -> None:
    for result in run(CHECKS, row.make().host(row.guest)):
        assert all(finding.outcome is not Outcome.ERROR for finding in result.findings)


def test_a_limit_that_the_boot_parameters_took_away_names_them_and_their_cure() -> None:
    host = without_memory(trixie, MEMORY_AND_PIDS).host()
    (finding,) = judged(CHECKS["cgroup.limits"], host).findings
    assert "booted with cgroup_disable=memory" in finding.message
    assert finding.fix is not None
    assert finding.fix.then == "reboot"


def test_two_causes_are_never_told_for_one_missing_cgroup() -> None:
    for host in (
        openrc(config=MEMORY_AND_PIDS).host("systemd"),
        masked(trixie()).host("systemd"),
        test_lab.sandbox(cgfs="").host("systemd"),
        test_lab.sandbox(mounted=()).host("systemd"),
        test_lab.sandbox(mounted=test_lab.V1[1:]).host("systemd"),
        without_memory(bookworm, MEMORY_AND_PIDS).host("systemd"),
        never_mounted().host("systemd"),
    ):
        blocking = [
            result.check.id
            for result in run(CHECKS, host)
            for finding in result.findings
            if finding.outcome is FAIL and level_of(result.check, finding) is Level.BLOCKING
        ]
        assert len(blocking) == 1
