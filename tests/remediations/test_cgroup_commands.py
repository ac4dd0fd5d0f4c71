"""What is done to a running host for its cgroups: the commands, word for word."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from typing import NamedTuple

import pytest

from audit.model import Fix, Outcome, Unknown
from audit.planning import plan
from audit.registry import builtin
from audit.source import Answer
from audit.testing import judged
from remediations import cgroups, systemd
from remediations.actions import (
    Action,
    Append,
    Directory,
    Install,
    Manual,
    Owner,
    Replace,
    Run,
    Setting,
    Write,
)
from tests.checks.cgroup import lab
from tests.checks.cgroup.lab import CG, Lab
from tests.checks.cgroup.test_checks import (
    crowded,
    half_delegated,
    no_bus,
    tight,
    user_session,
)
from tests.checks.cgroup.test_lab import (
    LIMITS as MEMORY_AND_PIDS,
)
from tests.checks.cgroup.test_lab import (
    bookworm,
    document,
    leaf,
    never_mounted,
    old,
    openrc,
    trixie,
    without_memory,
)

CHECKS = builtin()
CGROUPS = {name: check for name, check in CHECKS.items() if name.startswith("cgroup.")}
DISTRIBUTIONS = ("debian", "alpine", "gentoo")


def fixes(check: str, made: Lab, guest: str = "plain") -> list[Fix]:
    found = judged(CHECKS[check], made.host(guest)).findings
    return [one.fix for one in found if one.outcome is Outcome.FAIL and one.fix is not None]


def readable(fix: Fix) -> None:
    for one in fix.actions:
        if isinstance(one, Run):
            for text in (one.command, one.unless, one.undo):
                subprocess.run(["sh", "-n", "-c", text], check=True)


def commands(fix: Fix) -> list[str]:
    return [one.command for one in fix.actions if isinstance(one, Run)]


def of(distribution: str, made: Lab) -> Lab:
    made.write("/etc/os-release", f"ID={distribution}\n")
    return made


class Case(NamedTuple):
    check: str
    make: Callable[[], Lab]
    wanted: tuple[Action, ...]


MOUNT = Run(
    f"mount -t cgroup2 -o nosuid,nodev,noexec,nsdelegate cgroup2 {CG}",
    "test -s /proc/self/cgroup",
    f"umount {CG}",
)
SLICE = "user.slice"
CASES = (
    Case(
        "cgroup.ancestors",
        tight,
        (
            Run(
                f"systemctl set-property {SLICE} TasksMax=1000",
                f"systemctl show -p TasksMax {SLICE} | grep -qx TasksMax=1000",
                f"systemctl set-property {SLICE} TasksMax=12",
                (f"/etc/systemd/system.control/{SLICE}.d/50-TasksMax.conf",),
            ),
        ),
    ),
    Case(
        "cgroup.room",
        crowded,
        (Setting(f"{CG}/user.slice/cgroup.max.descendants", "1009"),),
    ),
    Case("cgroup.enter", lambda: half_delegated(""), (Owner(f"{CG}/lxc", 1000, 1000),)),
    Case(
        "cgroup.enter",
        lambda: half_delegated("/cgroup.procs"),
        (Owner(f"{CG}/lxc/cgroup.procs", 1000, 1000),),
    ),
    Case("cgroup.mounted", never_mounted, (MOUNT, Append("/etc/fstab", cgroups.FSTAB_LINE))),
    Case(
        "cgroup.session_delegated",
        bookworm,
        (Manual((cgroups.SCOPE,), "user"),),
    ),
    Case(
        "cgroup.user_delegation",
        lambda: lab.logged_in(with_dropin(), "cpu memory pids"),
        (Manual(("loginctl terminate-user lxc",), "root"),),
    ),
    Case(
        "systemd.session_bus",
        lambda: of("debian", no_bus()),
        (
            Install("debian", ("dbus-user-session",)),
            Run(
                "systemctl --global enable dbus.socket",
                "systemctl --global is-enabled --quiet dbus.socket",
                "systemctl --global disable dbus.socket",
            ),
        ),
    ),
    Case(
        "systemd.user_manager",
        lambda: bookworm().as_user("0::/system.slice/cron.service\n"),
        (
            Run(
                "loginctl enable-linger lxc",
                "test -e /var/lib/systemd/linger/lxc",
                "loginctl disable-linger lxc",
            ),
            Write("/var/lib/systemd/linger/lxc", ""),
        ),
    ),
)


def with_dropin() -> Lab:
    made = bookworm()
    made.write(
        "/etc/systemd/system/user@.service.d/delegate.conf",
        "[Service]\nDelegate=cpu cpuset io memory pids\n",
    )
    return made


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.check)
def test_the_commands(case: Case) -> None:
    (fix,) = fixes(case.check, case.make())
    readable(fix)
    assert fix.actions == case.wanted


def test_without_systemd_a_start_apart_is_a_cgroup_beside_the_logins() -> None:
    made = leaf(openrc("5.0.2", MEMORY_AND_PIDS))
    (fix,) = fixes("cgroup.session_delegated", made)
    (manual,) = fix.actions
    assert isinstance(manual, Manual) and not any("systemd" in line for line in manual.lines)
    assert manual.lines[1] == f"mkdir {CG}/lxc/NAME"
    assert "memory" in manual.lines[0] and "cgroup.procs" in manual.lines[2]


def test_a_scope_is_given_more_until_it_ends() -> None:
    fix = systemd.raise_property("session-3.scope", "TasksMax", "1000", "5")
    (run,) = fix.actions
    assert isinstance(run, Run)
    assert run.command == "systemctl set-property --runtime session-3.scope TasksMax=1000"
    assert run.keeping == ("/run/systemd/system.control/session-3.scope.d/50-TasksMax.conf",)


def test_a_cgroup_of_nobodys_unit_is_set_by_its_file() -> None:
    made = user_session(trixie())
    made.write(f"{CG}/user.slice/user-1000.slice/memory.max", "1024\n")
    (fix,) = fixes("cgroup.ancestors", made)
    assert "MemoryMax=1073741824" in commands(fix)[0]
    assert cgroups.limit(f"{CG}/lxc", "pids.max", "TasksMax", 9, "1").actions == (
        Setting(f"{CG}/lxc/pids.max", "9"),
    )


def test_systemd_reads_its_units_again_when_they_are_as_they_were() -> None:
    (fix,) = fixes("cgroup.user_delegation", bookworm())
    run = fix.actions[-1]
    assert isinstance(run, Run) and run.command == run.undo == "systemctl daemon-reload"
    assert (
        "DropInPaths user@1000.service | grep -qF /etc/systemd/system/user@.service.d" in run.unless
    )


def test_nsdelegate_is_added_to_what_the_mount_has() -> None:
    made = bookworm()
    lab.mounts(made, (CG, "cgroup2", "memory_recursiveprot"))
    (fix,) = fixes("cgroup.nsdelegate", made)
    (run,) = fix.actions
    assert isinstance(run, Run)
    assert run.command == f"mount -o remount,memory_recursiveprot,rw,nsdelegate {CG}"
    assert run.undo == f"mount -o remount,memory_recursiveprot,rw {CG}"


def test_cgroup2_alone_by_whatever_decides() -> None:
    made = of("debian", old(bookworm))
    made.write("/proc/cmdline", "quiet systemd.unified_cgroup_hierarchy=0\n")
    made.write("/etc/default/grub", 'GRUB_CMDLINE_LINUX="systemd.unified_cgroup_hierarchy=0"\n')
    fix = cgroups.unified(made.host())
    assert fix is not None and fix.then == "reboot"
    assert any(isinstance(one, Replace) and one.new.endswith('=""') for one in fix.actions)
    made.write("/proc/cmdline", "quiet\n")
    made.write("/etc/default/grub", 'GRUB_CMDLINE_LINUX="quiet"\n')
    fix = cgroups.unified(made.host())
    assert fix is not None
    assert any(
        isinstance(one, Replace) and "unified_cgroup_hierarchy=1" in one.new for one in fix.actions
    )
    fix = cgroups.unified(old(openrc).host())
    assert fix is not None and fix.id == "openrc_mode"
    assert "rc-update add cgroups sysinit" in commands(fix)


def test_a_controller_of_whole_processes() -> None:
    fix = cgroups.domain_controller(of("debian", without_memory(bookworm)).host())
    assert fix.id == "delegate"  # io is there, and was not delegated
    made = of("debian", without_memory(bookworm))
    made.cgroup("/", "cpuset cpu pids", handed="cpu pids")
    made.write("/etc/default/grub", 'GRUB_CMDLINE_LINUX="cgroup_disable=memory"\n')
    fix = cgroups.domain_controller(made.host())
    assert fix.id == "boot_parameter"
    made.write("/proc/cmdline", "quiet\n")
    assert cgroups.domain_controller(made.host()).id == "kernel_option"


def test_the_firmware_of_a_raspberry_pi_is_answered() -> None:
    made = without_memory(bookworm)
    made.write("/boot/firmware/cmdline.txt", "console=tty1 root=PARTUUID=1-02 rootwait\n")
    (fix,) = fixes("cgroup.kernel_words", made)
    (edit,) = fix.actions
    assert isinstance(edit, Replace) and fix.then == "reboot"
    assert edit.new == "console=tty1 root=PARTUUID=1-02 rootwait cgroup_enable=memory"


RECIPES: Mapping[str, tuple[str, str]] = {
    "debian": ("/etc/cgconfig.conf", "/etc/pam.d/common-session"),
    "alpine": ("/etc/cgconfig.conf", "/etc/pam.d/base-session"),
    "gentoo": ("/etc/cgroup/cgconfig.conf", "/etc/pam.d/system-login"),
}


def test_jobs_of_crons_get_the_users_cgroup_as_logins_do() -> None:
    jobs = "/etc/pam.d/common-session-noninteractive"
    line = Append(jobs, "session optional pam_cgroup.so")
    made = of("debian", openrc("5.0.2"))
    assert line not in fixes("cgroup.user_cgroup", made, "systemd")[0].actions
    made.write(jobs, "session required pam_unix.so\n")
    assert line in fixes("cgroup.user_cgroup", made, "systemd")[0].actions
    made.write(jobs, "session required pam_unix.so\nsession optional pam_cgroup.so\n")
    assert line not in fixes("cgroup.user_cgroup", made, "systemd")[0].actions


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_libcgroup_as_each_distribution_has_it(distribution: str) -> None:
    made = of(distribution, openrc("5.0.2"))
    made.remove("/etc/pam.d")
    stack = RECIPES[distribution][1]
    made.write("/etc/pam.d/login", f"session include {stack.rpartition('/')[2]}\n")
    made.write(stack, "session required pam_unix.so\n")
    (fix,) = fixes("cgroup.user_cgroup", made, "systemd")
    readable(fix)
    config, pam = RECIPES[distribution]
    appended = [one for one in fix.actions if isinstance(one, Append)]
    assert [one.path for one in appended if one.line.startswith("group ")] == [config, config]
    assert Append(pam, "session optional pam_cgroup.so") in appended
    assert Append(config.replace("config", "rules"), "lxc  cpu,memory,pids  lxc/login") in appended
    assert f"cgconfigparser -l {config}" in commands(fix)
    written = [one for one in fix.actions if isinstance(one, Write)]
    if distribution == "gentoo":
        assert (
            Append("/etc/portage/package.use/lxc-preflight", "dev-libs/libcgroup pam") in appended
        )
        assert "rc-update add cgconfig default" in commands(fix) and not written
    else:
        packages = {"debian": "libpam-cgroup", "alpine": "libcgroup-pam"}[distribution]
        assert Install(distribution, ("cgroup-tools", packages)) in fix.actions
        (script,) = written
        assert script.path == "/etc/init.d/lxc-cgroups" and script.mode == 0o755
        subprocess.run(["sh", "-n", "-c", script.text], check=True)
        assert "rc-update add lxc-cgroups default" in commands(fix)
    assert not any("cgred" in command for command in commands(fix))


def test_a_controller_that_the_group_lacks_is_added() -> None:
    made = document(openrc("5.0.2"))
    made.write("/etc/cgconfig.conf", "group lxc { perm { } cpu {} }\n")
    fix = cgroups.own_cgroup(made.host(), "io", "cpu")
    wanted = Replace(
        "/etc/cgconfig.conf",
        1,
        "group lxc { perm { } cpu {} }",
        "group lxc { io {} perm { } cpu {} }",
    )
    assert wanted in fix.actions
    (load,) = (one for one in fix.actions if isinstance(one, Run) and "parser" in one.command)
    assert f"grep -qw io {CG}/lxc/cgroup.controllers" in load.unless
    readable(fix)


def test_where_no_pam_is_cgrulesengd_moves_logins() -> None:
    made = of("alpine", openrc("5.0.2"))
    made.remove("/etc/pam.d")
    (fix,) = fixes("cgroup.user_cgroup", made, "systemd")
    assert Directory("/etc/cgconfig.d") in fix.actions
    assert [one.path for one in fix.actions if isinstance(one, Write)] == [
        "/etc/init.d/lxc-cgroups",
        "/etc/init.d/cgred",
    ]
    assert commands(fix)[-2:] == ["rc-update add cgred default", "rc-service cgred start"]


def test_logins_that_cgrulesengd_leads_are_led_to_a_leaf_by_pam_instead() -> None:
    made = of("debian", document(openrc("5.0.2")))
    made.write("/etc/pam.d/common-session", "session required pam_unix.so\n")
    (fix,) = fixes("cgroup.cgrules", made)
    assert fix.then == "re-login"
    assert any(isinstance(one, Run) and one.command.startswith("cgconfig") for one in fix.actions)
    found = plan(made.host(), CGROUPS)
    assert not found.broken and not found.conflicts
    actions = [action for step in found.steps for action in step.actions]
    assert Append("/etc/pam.d/common-session", "session optional pam_cgroup.so") in actions
    stops = [one for one in actions if isinstance(one, Run) and "cgrulesengd" in one.command]
    assert [one.command.partition(";")[0] for one in stops] == ["pkill -x cgrulesengd"]


def test_cgrulesengd_that_leads_to_a_leaf_is_stopped_at_boot_as_well() -> None:
    made = of("debian", leaf(openrc("5.0.2")))
    made.write("/run/cgred.socket")
    made.write("/etc/init.d/cgred")
    (fix,) = fixes("cgroup.cgrules", made)
    assert commands(fix)[-3:-1] == ["rc-update del cgred default", "rc-service cgred stop"]
    readable(fix)


def test_openrc_with_hybrid_cgroups_is_made_ready_for_the_boot_that_mounts_cgroup2() -> None:
    made = of("debian", old(lambda config: openrc("5.0.2", config)))
    made.write("/etc/rc.conf", 'rc_cgroup_mode="hybrid"\n')
    made.write("/etc/pam.d/common-session", "session required pam_unix.so\n")
    (fix,) = fixes("cgroup.user_cgroup", made)
    assert fix.then == "reboot"
    assert not any("cgconfigparser" in command for command in commands(fix))
    assert "rc-update add lxc-cgroups default" in commands(fix)
    assert not plan(made.host(), CGROUPS).broken


def test_a_rule_for_many_is_for_a_person_to_change() -> None:
    made = of("debian", document(openrc("5.0.2")))
    made.write("/etc/cgrules.conf", "*   cpu   everybody\n")
    (fix,) = fixes("cgroup.cgrules", made)
    manual = [one for one in fix.actions if isinstance(one, Manual)]
    assert manual and "above line 1: lxc  cpu,memory,pids  lxc/login" in manual[0].lines[1]
    assert not any(isinstance(one, Replace) for one in fix.actions)


def test_what_cannot_be_looked_at_leaves_the_finding_as_it_is() -> None:
    """A fix may ask for more than the finding did, and then does without."""
    hosts: tuple[tuple[str, Callable[[], Lab]], ...] = (
        ("cgroup.user_delegation", bookworm),
        ("systemd.linger", bookworm),
        ("cgroup.openrc_mode", lambda: old(openrc)),
        ("cgroup.user_cgroup", lambda: openrc("5.0.2")),
    )
    for check, make in hosts:
        plain = judged(CHECKS[check], make().host()).findings
        blind = judged(CHECKS[check], Blind(make()).host()).findings
        assert [one.outcome for one in plain] == [one.outcome for one in blind]
        assert all(one.fix is not None for one in blind if one.outcome is Outcome.FAIL)


class Blind(Lab):
    """A lab host that does not tell of its distribution, packages and services."""

    def __init__(self, made: Lab) -> None:
        self.__dict__.update(made.__dict__)

    def ask(self, verb: str, *args: str) -> Answer:
        if verb == "package" or (
            args and args[0].startswith(("/etc/os-", "/usr/lib/os-", "/etc/init.d"))
        ):
            raise Unknown("not told")
        return super().ask(verb, *args)
