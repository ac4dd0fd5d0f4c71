"""The checks of user namespaces: each switch, limit and mount that stops LXC, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from audit.access import Credentials
from audit.facts.config import container_config
from audit.facts.lxc import lxc_version
from audit.facts.session import is_mine, session_credentials
from audit.facts.sysctl import DIRECTORIES
from audit.facts.wanted import auto_mounts, own_namespaces
from audit.host import Host, Request
from audit.model import EVERYTHING, STARTING, Level, Outcome
from audit.source import Answer, Question, Refused
from audit.testing import judged, made_host, outcomes
from checks.userns import dev_null as dev_null_module
from checks.userns import limits as limits_module
from checks.userns import proc_writable as proc_writable_module
from checks.userns import ptmx as ptmx_module
from checks.userns import selinux as selinux_module
from checks.userns import unprivileged_clone as clone_module
from checks.userns import visible as visible_module
from remediations.typed import steps
from tests.primed import config, primed

LIMITS = {check.id.rpartition(".")[2]: check for check in limits_module.CHECKS}
VISIBLE = {check.id.rpartition(".")[2]: check for check in visible_module.CHECKS}
ALL = frozenset({"mnt", "pid", "uts", "ipc", "net", "cgroup"})
USER = Credentials(1001, 1001, frozenset({1001}))
Facts = dict[Callable[..., Any], Any]


def on(
    files: dict[str, str | None] | None = None,
    answers: dict[Question, Answer | Refused] | None = None,
    facts: Facts | None = None,
    boot: str | None = None,
) -> Host:
    nowhere: dict[Question, Answer | Refused] = {("list", d): None for d in DIRECTORIES}
    nowhere["link", "/etc/sysctl.conf"] = None
    known = {"/etc/os-release": "ID=debian\n", "/etc/sysctl.conf": boot, **(files or {})}
    base: Facts = {
        container_config: config(),
        lxc_version: (5, 0, 2),
        own_namespaces: ALL,
        is_mine: False,
        session_credentials: USER,
    }
    return primed(made_host(known, {**nowhere, **(answers or {})}), {**base, **(facts or {})})


def limit(kind: str, value: str, boot: str | None = None, **facts: Any) -> Host:
    return on({f"/proc/sys/user/max_{kind}_namespaces": value}, boot=boot)


@pytest.mark.parametrize(
    ("kind", "value", "outcome"),
    [
        ("user", "96364", Outcome.PASS),
        ("user", "0", Outcome.FAIL),
        ("user", "1", Outcome.FAIL),
        ("user", "2", Outcome.UNKNOWN),
        ("user", "4", Outcome.UNKNOWN),
        ("user", "7", Outcome.PASS),
        ("mnt", "1", Outcome.FAIL),
        ("mnt", "2", Outcome.UNKNOWN),
        ("net", "0", Outcome.FAIL),
        ("net", "1", Outcome.UNKNOWN),
        ("cgroup", "0", Outcome.FAIL),
        ("pid", "0", Outcome.FAIL),
        ("uts", "0", Outcome.FAIL),
        ("ipc", "0", Outcome.FAIL),
        ("ipc", "100", Outcome.PASS),
    ],
)
def test_limits_as_tried_with_lxc_5_0_2(kind: str, value: str, outcome: Outcome) -> None:
    assert outcomes(LIMITS[kind], limit(kind, value)) == [outcome]


def test_only_user_and_mount_namespaces_are_needed_to_create() -> None:
    assert {key for key, check in LIMITS.items() if check.stages == EVERYTHING} == {"user", "mnt"}
    assert all(
        check.stages == STARTING for key, check in LIMITS.items() if key not in ("user", "mnt")
    )


def test_time_namespaces_are_not_asked_for() -> None:
    assert "time" not in LIMITS


def test_the_line_that_sets_a_limit_is_named() -> None:
    boot = "# hardening\nuser.max_user_namespaces = 0\n"
    found = judged(LIMITS["user"], limit("user", "0", boot)).findings[0]
    assert ("/etc/sysctl.conf", 2) in [(e.source, e.line) for e in found.evidence]


def test_a_line_that_will_block_after_the_next_boot_is_told_and_stops_nothing_now() -> None:
    boot = "user.max_user_namespaces = 0\n"
    now, later = judged(LIMITS["user"], limit("user", "1000", boot)).findings
    assert now.outcome is Outcome.PASS
    assert (later.outcome, later.level, later.stages) == (Outcome.FAIL, Level.DEGRADED, ())
    assert "/etc/sysctl.conf:1" in later.message


def test_a_namespace_that_the_container_does_not_get_has_no_limit() -> None:
    host = on({"/proc/sys/user/max_net_namespaces": "0"}, facts={own_namespaces: ALL - {"net"}})
    assert outcomes(LIMITS["net"], host) == [Outcome.NOT_APPLICABLE]


@pytest.mark.parametrize(
    ("value", "outcome"), [("1", Outcome.PASS), ("0", Outcome.FAIL), (None, Outcome.PASS)]
)
def test_the_switch_of_patched_kernels(value: str | None, outcome: Outcome) -> None:
    host = on({"/proc/sys/kernel/unprivileged_userns_clone": value})
    assert outcomes(clone_module.unprivileged_clone, host) == [outcome]


def test_the_switch_is_off_after_the_next_boot() -> None:
    host = on(
        {"/proc/sys/kernel/unprivileged_userns_clone": "1"},
        boot="kernel.unprivileged_userns_clone=0\n",
    )
    now, later = judged(clone_module.unprivileged_clone, host).findings
    assert (now.outcome, later.outcome, later.stages) == (Outcome.PASS, Outcome.FAIL, ())


ROOT = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
PROC = "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
SYS = "23 27 0:22 / /sys rw,relatime - sysfs sysfs rw\n"
DEV = "24 27 0:6 / /dev rw,relatime - devtmpfs dev rw\n"
PTS = "26 24 0:24 / /dev/pts rw,relatime - devpts devpts rw\n"


def mounted(*lines: str, **facts: Any) -> Host:
    known: Facts = {auto_mounts: {"proc": "mixed", "sys": "rw"}}
    for name, value in facts.items():
        known[{"auto": auto_mounts}[name]] = value
    return on({"/proc/self/mountinfo": ROOT + "".join(lines)}, facts=known)


def test_proc_is_mountable_when_nothing_covers_it() -> None:
    assert outcomes(VISIBLE["proc"], mounted(PROC)) == [Outcome.PASS]
    covered = PROC + "40 22 0:6 /null /proc/kcore rw - devtmpfs dev rw\n"
    found = judged(VISIBLE["proc"], mounted(covered)).findings[0]
    assert found.outcome is Outcome.FAIL
    assert "/proc/kcore" in found.message
    assert found.fix is not None and steps(found.fix) == ("umount /proc/kcore",)


def test_an_unknown_mount_below_proc_is_undecided() -> None:
    host = mounted(PROC + "40 22 0:50 / /proc/newfs rw - newfs newfs rw\n")
    assert outcomes(VISIBLE["proc"], host) == [Outcome.UNKNOWN]


@pytest.mark.parametrize(
    ("mode", "outcome"), [("ro", Outcome.PASS), ("rw", Outcome.FAIL), ("mixed", Outcome.FAIL)]
)
def test_a_read_only_sys_is_enough_for_sys_ro_only(mode: str, outcome: Outcome) -> None:
    host = mounted(SYS.replace("rw,", "ro,"), auto={"sys": mode})
    assert outcomes(VISIBLE["sys"], host) == [outcome]


def test_without_sys_in_the_config_none_is_needed() -> None:
    assert outcomes(VISIBLE["sys"], mounted(auto={})) == [Outcome.NOT_APPLICABLE]


@pytest.mark.parametrize(
    ("lines", "outcome"),
    [
        (PROC, Outcome.PASS),
        (PROC.replace("rw,", "ro,"), Outcome.FAIL),
        ("", Outcome.FAIL),
    ],
)
def test_id_maps_are_written_to_proc(lines: str, outcome: Outcome) -> None:
    assert outcomes(proc_writable_module.proc_writable, mounted(lines)) == [outcome]


def node(path: str, mode: int | None, kind: str = "character device") -> dict[Question, Any]:
    stat = None if mode is None else [kind, mode, 0, 0, 0, 1, 3]
    return {("stat", path): stat, ("xattr", path, "system.posix_acl_access"): None}


@pytest.mark.parametrize(
    ("mode", "outcome", "stages"),
    [
        (0o666, Outcome.PASS, None),
        (0o600, Outcome.FAIL, None),
        (0o644, Outcome.FAIL, None),
        (0o622, Outcome.FAIL, STARTING),
        (None, Outcome.FAIL, None),
    ],
)
def test_dev_null_is_written_by_templates_and_read_by_a_start(
    mode: int | None, outcome: Outcome, stages: Any
) -> None:
    host = on({"/proc/self/mountinfo": ROOT + DEV}, node("/dev/null", mode))
    found = judged(dev_null_module.dev_null, host).findings[0]
    assert (found.outcome, found.stages) == (outcome, stages)


def test_dev_null_on_a_nodev_mount_cannot_be_opened() -> None:
    dev = DEV.replace("rw,", "rw,nodev,")
    host = on({"/proc/self/mountinfo": ROOT + dev}, node("/dev/null", 0o666))
    assert outcomes(dev_null_module.dev_null, host) == [Outcome.FAIL]
    file = on({"/proc/self/mountinfo": ROOT + dev}, node("/dev/null", 0o666, "file"))
    assert outcomes(dev_null_module.dev_null, file) == [Outcome.PASS]


OVER = "50 24 {} {} /dev/ptmx rw,nosuid - {} x rw\n"


@pytest.mark.parametrize(
    ("mode", "mounts", "outcome"),
    [
        (0o666, DEV + PTS, Outcome.PASS),
        (0o600, DEV + PTS, Outcome.FAIL),
        (None, DEV + PTS, Outcome.FAIL),
        (0o666, DEV, Outcome.FAIL),
        (0o666, DEV + PTS + OVER.format("0:77", "/x", "tmpfs"), Outcome.FAIL),
        (0o666, DEV + PTS + OVER.format("0:6", "/ptmx", "devtmpfs"), Outcome.PASS),
        (0o666, DEV + PTS + OVER.format("0:24", "/ptmx", "devpts"), Outcome.PASS),
    ],
)
def test_the_console_comes_from_the_hosts_devpts(
    mode: int | None, mounts: str, outcome: Outcome
) -> None:
    host = on({"/proc/self/mountinfo": ROOT + mounts}, node("/dev/ptmx", mode))
    assert outcomes(ptmx_module.ptmx, host) == [outcome]


@pytest.mark.parametrize(
    ("text", "version", "outcome"),
    [
        ("lxc.pty.max = 1024", (5, 0, 2), Outcome.NOT_APPLICABLE),
        ("lxc.pty.max = 1024", (4, 0, 6), Outcome.FAIL),
        ("lxc.pty.max = 1", (5, 0, 2), Outcome.FAIL),
        ("", (5, 0, 2), Outcome.FAIL),
        ("lxc.console.path = none", (5, 0, 2), Outcome.NOT_APPLICABLE),
    ],
)
def test_a_container_with_many_ptys_has_its_own(
    text: str, version: tuple[int, int, int], outcome: Outcome
) -> None:
    host = on(
        {"/proc/self/mountinfo": ROOT + DEV + PTS},
        node("/dev/ptmx", 0o600),
        {container_config: config(text), lxc_version: version},
    )
    host.request = Request(user="lxc", container="c")
    assert outcomes(ptmx_module.ptmx, host) == [outcome]


CLASS = ("stat", "/sys/fs/selinux/class/user_namespace")
DIRECTORY: Answer = ["directory", 0o555, 0, 0, 0, 0, 1]


def test_selinux_matters_when_it_is_enforcing_and_knows_the_class() -> None:
    check = selinux_module.selinux
    assert outcomes(check, on({"/sys/fs/selinux/enforce": None})) == [Outcome.NOT_APPLICABLE]
    assert outcomes(check, on({"/sys/fs/selinux/enforce": "0"})) == [Outcome.NOT_APPLICABLE]
    old = on({"/sys/fs/selinux/enforce": "1"}, {CLASS: None})
    assert outcomes(check, old) == [Outcome.PASS]


@pytest.mark.parametrize(
    ("context", "tried", "outcome"),
    [
        ("unconfined_u:unconfined_r:unconfined_t:s0\0", None, Outcome.PASS),
        ("system_u:system_r:cron_t:s0\0", True, Outcome.PASS),
        ("system_u:system_r:cron_t:s0\0", False, Outcome.UNKNOWN),
        ("system_u:system_r:cron_t:s0\0", None, Outcome.UNKNOWN),
    ],
)
def test_login_domains_may_and_others_take_a_try(
    context: str, tried: bool | None, outcome: Outcome
) -> None:
    answers: dict[Question, Answer | Refused] = {CLASS: DIRECTORY}
    if tried is not None:
        answers["probe", "userns", str(USER)] = {"ok": tried}
    host = on(
        {"/sys/fs/selinux/enforce": "1", "/proc/self/attr/current": context},
        answers,
        {is_mine: True},
    )
    assert outcomes(selinux_module.selinux, host) == [outcome]


@pytest.mark.parametrize(
    ("users", "outcome"),
    [
        ("__default__:unconfined_u:s0-s0:c0.c1023\n", Outcome.PASS),
        ("__default__:unconfined_u:s0\nlxc:guest_u:s0\n", Outcome.UNKNOWN),
    ],
)
def test_the_next_logins_selinux_user_decides(users: str, outcome: Outcome) -> None:
    host = on(
        {
            "/sys/fs/selinux/enforce": "1",
            "/etc/selinux/config": "SELINUXTYPE=targeted\n",
            "/etc/selinux/targeted/seusers": users,
        },
        {CLASS: DIRECTORY},
    )
    assert outcomes(selinux_module.selinux, host) == [outcome]
