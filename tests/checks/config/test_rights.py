"""What a config asks for that a user may not have, or that weakens a container."""

from __future__ import annotations

import pytest

from audit.model import Outcome
from tests.checks.config.configs import (
    EVERY,
    FAIL,
    FILE,
    NA,
    OLD,
    PASS,
    UNKNOWN,
    Answers,
    outcomes,
    tree,
)

LIMITS = (
    "Limit                     Soft Limit           Hard Limit           Units     \n"
    "Max open files            1024                 4096                 files     \n"
    "Max locked memory         8388608              unlimited            bytes     \n"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lxc.prlimit.nofile = 4096", [PASS]),
        ("lxc.prlimit.nofile = 4097", [FAIL]),
        ("lxc.prlimit.nofile = 9:5", [FAIL]),
        ("lxc.prlimit.memlock = unlimited", [PASS]),
        ("lxc.prlimit.NOFILE = 5", [FAIL]),
        ("lxc.prlimit.cpu = 5", [UNKNOWN]),
        ("", [NA]),
    ],
)
def test_a_limit_can_only_be_lowered(text: str, expected: list[Outcome]) -> None:
    answers: Answers = {("read", "/proc/self/limits"): LIMITS}
    assert outcomes("prlimit", text, answers) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lxc.sysctl.net.ipv4.ip_forward = 1", [PASS]),
        ("lxc.sysctl.net.ipv4.nosuch = 1", [FAIL]),
        ("lxc.sysctl.net.core.rmem_max = 1", [FAIL]),
        ("lxc.sysctl.kernel.panic = 1", [FAIL]),
        ("lxc.sysctl.kernel.shmmax = 1", [FAIL]),
        ("", [NA]),
    ],
)
def test_a_sysctl_is_one_of_the_containers_namespaces(text: str, expected: list[Outcome]) -> None:
    answers = tree(
        **{
            "/proc/sys/net/ipv4/ip_forward": FILE,
            "/proc/sys/net/ipv4/nosuch": None,
            "/proc/sys/net/core/rmem_max": FILE,
        }
    )
    assert outcomes("sysctl", text, answers) == expected


@pytest.mark.parametrize(
    ("sysctl", "expected"),
    [("kernel.shmmax", PASS), ("kernel.panic", FAIL), ("kernel.domainname", FAIL)],
)
def test_with_proc_rw_the_ipc_namespace_is_the_containers(sysctl: str, expected: Outcome) -> None:
    text = f"lxc.mount.auto = proc:rw\nlxc.sysctl.{sysctl} = 1"
    assert outcomes("sysctl", text, None, OLD) == [expected]


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("proc", "lxc.proc.oom_score_adj = 10"),
        ("monitor_unshare", "lxc.monitor.unshare = 1"),
        ("sched_core", "lxc.sched.core = 1"),
        ("init_ids", "lxc.init.uid = 70000"),
        ("namespaces", "lxc.namespace.keep = user"),
        ("namespaces", "lxc.namespace.keep = pid"),
        ("namespaces", "lxc.namespace.clone = user mnt pid"),
        ("namespaces", "lxc.namespace.share.net = 1"),
        ("caps", "lxc.cap.keep = mknod"),
    ],
)
def test_what_a_user_may_not_have_fails(name: str, bad: str) -> None:
    assert outcomes(name, bad) == [FAIL]
    assert outcomes(name, "") == [NA]


def test_what_a_user_may_have_passes() -> None:
    assert outcomes("namespaces", "lxc.namespace.keep = cgroup") == [PASS]
    assert outcomes("namespaces", "lxc.namespace.share.net = c2") == [UNKNOWN]
    assert outcomes("init_ids", "lxc.init.uid = 1000") == [PASS]
    assert outcomes("caps", "lxc.cap.keep = mknod", None, OLD) == [PASS]
    assert outcomes("sched_core", "lxc.sched.core = 0") == [NA]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("capabilities", "lxc.cap.drop = mknod", ""),
        ("seccomp_set", "lxc.seccomp.profile = /p", ""),
        ("nesting", "", "lxc.apparmor.allow_nesting = 1"),
        ("apparmor_incomplete", "", "lxc.apparmor.allow_incomplete = 1"),
        ("shared_namespaces", "", "lxc.namespace.keep = ipc"),
        (
            "mounts_host",
            "lxc.mount.entry = /srv mnt none bind",
            "lxc.mount.entry = /etc e none bind",
        ),
        ("mount_auto", "lxc.mount.auto = proc:mixed", "lxc.mount.auto = proc:rw"),
        ("autodev", "", "lxc.autodev = 0"),
        ("duplicates", "lxc.arch = amd64", "lxc.arch = amd64\nlxc.arch = i386"),
    ],
)
def test_what_weakens_a_container_is_told(name: str, good: str, bad: str) -> None:
    assert outcomes(name, good, None, OLD) == [PASS]
    assert outcomes(name, bad, None, OLD) == [FAIL]
    assert EVERY[f"config.{name}"].stages == ()
