from __future__ import annotations

import subprocess

import pytest

from audit.host import Host
from audit.model import Fix
from audit.source import Answer
from audit.testing import made_host
from remediations import distro

FAMILIES = ("debian", "fedora", "arch", "gentoo", "alpine")


def host_of(family: str | None, init: str | None = None) -> Host:
    """A host of one family with a running init system, as far as a fix asks for it."""
    release = None if family is None else f"ID={family}\n"
    files: dict[str, str | None] = {
        "/etc/os-release": release,
        "/usr/lib/os-release": None,
        "/proc/1/comm": "sh\n",
        "/run/systemd/system": None,
        "/run/openrc/softlevel": "default" if init == "openrc" else None,
    }
    systemd: Answer = ["directory", 0o755, 0, 0, 0, 0, 1] if init == "systemd" else None
    return made_host(files, {("stat", "/run/systemd/system"): systemd})


def every_fix(host: Host) -> tuple[Fix, ...]:
    return (
        distro.install(host, "newuidmap"),
        distro.install(host, "some-tool"),
        distro.sysctl(host, "user.max_user_namespaces", "65536"),
        distro.kernel_option(host, "CONFIG_USER_NS"),
        distro.module(host, "veth"),
        distro.boot_parameter(host, "systemd.unified_cgroup_hierarchy=1"),
        distro.remove_boot_parameter(host, "systemd.unified_cgroup_hierarchy=0"),
        distro.service(host, "lxc-net"),
    )


@pytest.mark.parametrize("init", ["systemd", "openrc", None])
@pytest.mark.parametrize("family", [*FAMILIES, None])
def test_every_step_is_one_line_that_a_shell_can_read(family: str | None, init: str | None) -> None:
    for fix in every_fix(host_of(family, init)):
        assert fix.steps and fix.title
        for step in fix.steps:
            assert "\n" not in step and "{}" not in step
            subprocess.run(["sh", "-n", "-c", step], check=True)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_known_family_gets_commands_and_not_a_comment(family: str) -> None:
    for fix in every_fix(host_of(family, "systemd")):
        assert not any(step.startswith("#") for step in fix.steps)


def test_a_host_that_cannot_be_looked_at_still_gets_its_wording() -> None:
    assert len(every_fix(made_host({}))) == 8


@pytest.mark.parametrize(
    ("family", "package"),
    [
        ("debian", "uidmap"),
        ("fedora", "shadow-utils"),
        ("arch", "shadow"),
        ("gentoo", "sys-apps/shadow"),
        ("alpine", "shadow-uidmap"),
    ],
)
def test_newuidmap_is_in_the_package_of_the_family(family: str, package: str) -> None:
    (step,) = distro.install(host_of(family), "newuidmap").steps
    assert step.endswith(f" {package}")


def test_a_kernel_option_and_a_boot_parameter_take_a_reboot() -> None:
    host = host_of("debian", "systemd")
    assert distro.kernel_option(host, "USER_NS").then == "reboot"
    assert distro.boot_parameter(host, "x").then == "reboot"


def test_the_init_system_in_charge_starts_the_service_whatever_the_family_ships() -> None:
    assert distro.service(host_of("debian", "openrc"), "lxc-net").steps[0].startswith("rc-update")
    assert distro.service(host_of("debian"), "lxc-net").steps[0].startswith("systemctl")


GRUB = 'GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX="quiet a=1"\nGRUB_CMDLINE_LINUX_DEFAULT="splash"\n'


def edited(step: str, text: str) -> str:
    """What the sed command of a step makes of a file."""
    command = step.replace("sed -i", "sed", 1).rpartition(" ")[0]
    done = subprocess.run(
        ["sh", "-c", command], input=text, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_a_boot_parameter_goes_to_the_end_of_grubs_line_where_it_wins() -> None:
    step = distro.boot_parameter(host_of("debian"), "b=2").steps[0]
    assert 'GRUB_CMDLINE_LINUX="quiet a=1 b=2"\n' in edited(step, GRUB)
    assert 'GRUB_CMDLINE_LINUX_DEFAULT="splash"' in edited(step, GRUB)


def test_a_boot_parameter_comes_off_grubs_line() -> None:
    step = distro.remove_boot_parameter(host_of("arch"), "a=1").steps[0]
    assert "a=1" not in edited(step, GRUB)


def test_a_sysctl_value_is_quoted_for_the_shell() -> None:
    step = distro.sysctl(host_of("debian"), "k", "a'b").steps[0]
    done = subprocess.run(
        ["sh", "-c", step.partition(" >>")[0]], capture_output=True, text=True, check=True
    )
    assert done.stdout == "k = a'b\n"
