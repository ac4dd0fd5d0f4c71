"""Law 4 for the fixes of cgroup.* and systemd.*, on the lab's hosts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from audit.model import Outcome
from audit.registry import builtin
from tests.checks.cgroup.lab import CONFIG, USER_SERVICE, Lab
from tests.checks.cgroup.test_lab import ALL_FIVE, bookworm, dropin, openrc
from tests.remediations.law4 import law4
from tests.remediations.running import Running

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root: files of several owners")
CHECKS = builtin()
UNIT = "/usr/lib/systemd/system/user@.service"
OURS = "/etc/systemd/system/user@.service.d/delegate.conf"
FIVE = "Delegate=cpu cpuset io memory pids"
CGCONFIG, CGRULES = "/etc/cgconfig.conf", "/etc/cgrules.conf"
LXCCONF = "/home/lxc/.config/lxc/lxc.conf"
GOOD = "perm { task { uid = lxc; gid = lxc; } admin { uid = lxc; gid = lxc; } }"
GROUPS = f"group lxc {{ {GOOD} cpu {{}} memory {{}} pids {{}} }}\n"
LEAF = f"group lxc/login {{ {GOOD} cpu {{}} memory {{}} pids {{}} }}\n"
RULE = "lxc  cpu,memory,pids  lxc/login\n"


def host(make: Callable[[], Lab], files: Mapping[str, str]) -> Callable[[], Lab]:
    """A lab host with other files."""

    def made() -> Lab:
        lab = make()
        for path, text in files.items():
            lab.write(path, text)
        return lab

    return made


def without_units(*paths: str) -> Lab:
    lab = bookworm()
    for path in paths:
        lab.remove(path)
    return lab


def masked(unit: str, link: bool = True) -> Lab:
    lab = bookworm()
    lab.write(f"/etc/systemd/system/{unit}")
    if link:
        lab.links[f"/etc/systemd/system/{unit}"] = "/dev/null"
    return lab


def libcgroup(cgconfig: str = GROUPS + LEAF, cgrules: str = RULE, pam: bool = True) -> Lab:
    """An OpenRC host on which cgconfigparser has made what the user is to have."""
    lab = openrc("5.0.2")
    lab.write(CGCONFIG, cgconfig)
    lab.write(CGRULES, cgrules)
    lab.write("/etc/os-release", "ID=debian\n")
    if pam:
        lab.write("/etc/pam.d/common-session", "session required pam_cgroup.so\n")
    lab.cgroup("/lxc", ALL_FIVE, owned=True)
    lab.cgroup("/lxc/login", ALL_FIVE, owned=True)
    return lab


class Case(NamedTuple):
    """A broken host, the check that says so, and what files read afterwards."""

    name: str
    check: str
    make: Callable[[], Lab]
    after: Mapping[str, str] = {}
    cured: Outcome = Outcome.PASS


CASES = (
    Case(
        "the distribution delegates three",
        "cgroup.user_delegation",
        bookworm,
        {OURS: f"[Service]\n{FIVE}\n"},
    ),
    Case(
        "an administrator's line is put right",
        "cgroup.user_delegation",
        lambda: dropin(bookworm(), "# ours\nDelegate=pids\nTasksMax=100\n"),
        {OURS: f"[Service]\n# ours\n{FIVE}\nTasksMax=100\n"},
    ),
    Case(
        "a packaged drop-in that is read later decides",
        "cgroup.user_delegation",
        host(
            bookworm, {"/usr/lib/systemd/system/user@.service.d/x.conf": "[Service]\nDelegate=\n"}
        ),
        {OURS.replace("delegate", "zz-lxc-preflight"): f"[Service]\n{FIVE}\n"},
    ),
    Case(
        "an administrator's drop-in of that name is about something else",
        "cgroup.user_delegation",
        host(bookworm, {OURS: "[Service]\nTasksMax=100\n"}),
        {
            OURS: "[Service]\nTasksMax=100\n",
            OURS.replace("delegate", "zz-lxc-preflight"): f"[Service]\n{FIVE}\n",
        },
    ),
    Case(
        "nothing is delegated",
        "systemd.user_manager",
        lambda: dropin(bookworm(), "Delegate=no\n"),
        {OURS: f"[Service]\n{FIVE}\n"},
    ),
    Case(
        "the packaged unit delegates nothing",
        "systemd.user_manager",
        host(bookworm, {UNIT: USER_SERVICE.format("no")}),
        {UNIT: USER_SERVICE.format("no"), OURS: f"[Service]\n{FIVE}\n"},
    ),
    Case("masked by a link", "systemd.user_manager", lambda: masked("user@.service")),
    Case("masked for this user", "systemd.user_manager", lambda: masked("user@1000.service")),
    Case("masked by emptiness", "systemd.user_manager", lambda: masked("user@.service", False)),
    Case("logind is masked", "systemd.user_manager", lambda: masked("systemd-logind.service")),
    Case(
        "no pam_systemd, although it is installed",
        "systemd.user_manager",
        host(
            bookworm,
            {
                "/etc/os-release": "ID=debian\n",
                "/etc/pam.d/common-session": "session required pam_unix.so\n",
                "/var/lib/dpkg/status": "Package: libpam-systemd\nStatus: install ok installed\n"
                "Version: 1\n\n",
            },
        ),
        {
            "/etc/pam.d/common-session": "session required pam_unix.so\n"
            "session optional pam_systemd.so\n"
        },
    ),
    Case("no lingering", "systemd.linger", bookworm, {"/var/lib/systemd/linger/lxc": ""}),
    Case(
        "OpenRC mounts both kinds",
        "cgroup.openrc_mode",
        host(
            lambda: openrc("5.0.2"), {"/etc/rc.conf": 'a=1\nrc_cgroup_mode="hybrid" # why\nb=2\n'}
        ),
        {"/etc/rc.conf": 'a=1\nrc_cgroup_mode="unified"\nb=2\n'},
    ),
    Case(
        "the assignment that is read last counts",
        "cgroup.openrc_mode",
        host(
            lambda: openrc("5.0.2"),
            {
                "/etc/rc.conf": 'rc_cgroup_mode="hybrid"\n',
                "/etc/conf.d/cgroups": "rc_cgroup_mode=legacy",
            },
        ),
        {
            "/etc/rc.conf": 'rc_cgroup_mode="hybrid"\n',
            "/etc/conf.d/cgroups": 'rc_cgroup_mode="unified"\n',
        },
    ),
    Case(
        "an old OpenRC's default",
        "cgroup.openrc_mode",
        host(
            lambda: openrc("5.0.2"),
            {"/etc/rc.conf": "#rc_cgroup_mode=unified\n", "/usr/libexec/rc/version": "0.45.2\n"},
        ),
        {"/etc/rc.conf": '#rc_cgroup_mode=unified\nrc_cgroup_mode="unified"\n'},
    ),
    Case(
        "the document's rule",
        "cgroup.cgrules",
        lambda: libcgroup(GROUPS, "# rules\nlxc   *   lxc\n"),
        {CGRULES: f"# rules\n{RULE}", CGCONFIG: GROUPS + LEAF},
    ),
    Case(
        "no rule",
        "cgroup.cgrules",
        lambda: libcgroup(cgrules="bob cpu bob/\n"),
        {CGRULES: f"bob cpu bob/\n{RULE}", CGCONFIG: GROUPS + LEAF},
    ),
    Case(
        "a line before it that libcgroup gives up at",
        "cgroup.cgrules",
        lambda: libcgroup(cgrules=f"bob cpu\n{RULE}"),
        {CGRULES: f"# bob cpu\n{RULE}"},
    ),
    Case(
        "the rule leads to no group",
        "cgroup.cgrules",
        lambda: libcgroup(cgconfig="# nothing\n"),
        {CGCONFIG: f"# nothing\n{GROUPS.replace('cpu {}', 'cpu {} cpuset {} io {}')}{LEAF}"},
    ),
    Case(
        "nothing acts on the rules",
        "cgroup.cgrules",
        lambda: libcgroup(pam=False),
        {
            "/etc/pam.d/common-session": "session required pam_unix.so\n"
            "session optional pam_cgroup.so\n"
        },
    ),
    Case(
        "owners of the group",
        "cgroup.cgconfig",
        lambda: libcgroup(
            "group lxc {\n  perm {\n    task { uid = root; gid = 0; }\n"
            '    admin {\n      uid = "root";\n      gid = lxc;\n    }\n  }\n}\n',
            "lxc * lxc\n",
        ),
        {
            CGCONFIG: "group lxc {\n  perm {\n    task { uid = lxc; gid = lxc; }\n"
            "    admin {\n      uid = lxc;\n      gid = lxc;\n    }\n  }\n}\n"
        },
    ),
    Case(
        "owners that are not said",
        "cgroup.cgconfig",
        lambda: libcgroup("group lxc { perm { task { uid = lxc; } } }\n", "lxc * lxc\n"),
        {
            CGCONFIG: "group lxc { perm { task { gid = lxc; } admin { uid = lxc; gid = lxc; } } "
            "perm { task { uid = lxc; } } }\n"
        },
    ),
    Case(
        "a controller that the kernel does not have",
        "cgroup.cgconfig",
        lambda: libcgroup(
            f"group lxc {{\n  {GOOD}\n  rdma {{}}\n  cpu {{}} misc {{}}\n}}\n", "lxc * lxc\n"
        ),
        {CGCONFIG: f"group lxc {{\n  {GOOD}\n  cpu {{}} \n}}\n"},
    ),
    Case(
        "no group",
        "cgroup.cgconfig",
        lambda: libcgroup("# nothing\n", "# nothing\n"),
        {CGCONFIG: f"# nothing\n{GROUPS.replace('cpu {}', 'cpu {} cpuset {} io {}')}{LEAF}"},
    ),
    Case(
        "nothing gives the user a cgroup",
        "cgroup.user_cgroup",
        lambda: libcgroup("", "", False),
        {
            CGCONFIG: f"{GROUPS.replace('cpu {}', 'cpu {} cpuset {} io {}')}{LEAF}",
            CGRULES: RULE,
            "/etc/pam.d/common-session": "session required pam_unix.so\n"
            "session optional pam_cgroup.so\n",
        },
    ),
    Case(
        "lxc.conf demands a controller",
        "cgroup.wanted_controllers",
        host(bookworm, {LXCCONF: "lxc.cgroup.use = memory,hugetlb\nlxc.lxcpath = /home/lxc/c\n"}),
        {LXCCONF: "lxc.cgroup.use = memory\nlxc.lxcpath = /home/lxc/c\n"},
        Outcome.FAIL,  # of a plain start, which has none
    ),
    Case(
        "keys of v1 in a config",
        "cgroup.legacy_keys",
        lambda: bookworm(("lxc.cgroup.memory.limit_in_bytes = 512M", "lxc.cgroup.cpu.shares=512")),
        {
            CONFIG: "lxc.net.0.type = empty\nlxc.idmap = u 0 100000 65536\n"
            "lxc.cgroup2.memory.max = 512M\nlxc.cgroup2.cpu.weight = 50\n"
        },
    ),
    Case(
        "a config without limits",
        "cgroup.limits_set",
        bookworm,
        {
            CONFIG: "lxc.net.0.type = empty\nlxc.idmap = u 0 100000 65536\n"
            "lxc.cgroup2.memory.max = 1G\nlxc.cgroup2.pids.max = 500\nlxc.cgroup2.cpu.weight = 50\n"
        },
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.check}: {case.name}")
def test_fail_fix_pass_again_undo(tmp_path: Path, case: Case) -> None:
    tree = Running(tmp_path, case.make())
    text = law4(CHECKS[case.check], tree, cured=(case.cured,))
    if case.after:
        assert tree.run(text).returncode == 0
    for path, after in case.after.items():
        assert tree.read(path) == after
