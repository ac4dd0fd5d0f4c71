from __future__ import annotations

import subprocess

import pytest

from audit.host import Host
from audit.model import Fix
from audit.source import Answer, Question, Refused
from audit.testing import made_host
from remediations import distro
from remediations.actions import Action, Append, Install, Manual, Replace, Run, Setting
from remediations.distro import install_run
from remediations.edits import edited
from remediations.typed import steps, typed
from remediations.verbs import call

FAMILIES = ("debian", "fedora", "arch", "gentoo", "alpine")


GRUB = (
    'GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX="quiet a=1"\n'
    'GRUB_CMDLINE_LINUX_DEFAULT="splash systemd.unified_cgroup_hierarchy=0"\n'
)
EXTLINUX = "# lbu\ndefault_kernel_opts='quiet systemd.unified_cgroup_hierarchy=0'\n"


def host_of(family: str | None, init: str | None = None, **packages: str) -> Host:
    """A host of one family with a running init system, as far as a fix asks for it."""
    release = None if family is None else f"ID={family}\n"
    files: dict[str, str | None] = {
        "/etc/os-release": release,
        "/usr/lib/os-release": None,
        "/proc/1/comm": "sh\n",
        "/run/systemd/system": None,
        "/run/openrc/softlevel": "default" if init == "openrc" else None,
        "/etc/default/grub": GRUB,
        "/etc/update-extlinux.conf": EXTLINUX,
    }
    systemd: Answer = ["directory", 0o755, 0, 0, 0, 0, 1] if init == "systemd" else None
    known: dict[Question, Answer | Refused] = {("stat", "/run/systemd/system"): systemd}
    known |= {("package", name): version for name, version in packages.items()}
    return made_host(files, known)


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


def shells(action: Action) -> tuple[str, ...]:
    """Every text of an action that a shell is given."""
    run = install_run(action) if isinstance(action, Install) else action
    of_run = (run.command, run.unless, run.undo) if isinstance(run, Run) else ()
    return (*of_run, call(action), *typed(action))


@pytest.mark.parametrize("init", ["systemd", "openrc", "sysvinit", None])
@pytest.mark.parametrize("family", [*FAMILIES, None])
def test_every_text_is_one_line_that_a_shell_can_read(family: str | None, init: str | None) -> None:
    for fix in every_fix(host_of(family, init)):
        assert fix.actions and fix.title
        for text in (text for action in fix.actions for text in shells(action)):
            assert "\n" not in text and "{}" not in text
            subprocess.run(["sh", "-n", "-c", text], check=True)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_known_family_gets_commands_and_not_a_comment(family: str) -> None:
    for fix in every_fix(host_of(family, "systemd")):
        assert not any(step.startswith("#") for step in steps(fix))
        if fix.id != "kernel_option":  # which kernel to boot is for a person to say
            assert not any(isinstance(action, Manual) for action in fix.actions)


def test_a_host_that_cannot_be_looked_at_still_gets_its_wording() -> None:
    assert len(every_fix(made_host({}))) == 8


@pytest.mark.parametrize(
    ("family", "package"),
    [
        ("debian", "uidmap"),
        ("fedora", "shadow-utils"),
        ("arch", "shadow"),
        ("gentoo", "sys-apps/shadow"),
        ("alpine", "shadow-subids"),
    ],
)
def test_newuidmap_is_in_the_package_of_the_family(family: str, package: str) -> None:
    (action,) = distro.install(host_of(family), "newuidmap").actions
    assert action == Install(family, (package,))


@pytest.mark.parametrize(
    ("family", "command"),
    [
        ("debian", "apt-get install -y --reinstall uidmap"),
        ("fedora", "dnf reinstall -y shadow-utils"),
        ("arch", "pacman -S --noconfirm shadow"),
        ("gentoo", "emerge --oneshot sys-apps/shadow"),
        ("alpine", "apk fix shadow-subids"),
    ],
)
def test_what_is_there_and_has_lost_something_is_installed_again(family: str, command: str) -> None:
    package = command.rpartition(" ")[2]
    host = host_of(family, **{package: "1"})
    assert steps(distro.install(host, "newuidmap")) == (command,)


def test_what_a_package_is_split_into_is_installed_again_with_it() -> None:
    host = host_of("debian", **{"lxc": "5", "liblxc-common": "5"})
    (action,) = distro.install(host, "lxc").actions
    assert action == Install("debian", ("lxc", "liblxc-common"), again=True)
    assert distro.needed(host, "lxc") == (Install("debian", ("lxc", "lxc-templates")),)


@pytest.mark.parametrize(
    ("family", "part", "packages"),
    [
        ("debian", "lxc-download", ("lxc", "lxc-templates")),
        ("fedora", "lxc-download", ("lxc-templates",)),
        ("fedora", "lxc-busybox", ("lxc-templates",)),
        ("fedora", "config", ("lxc-templates",)),
        ("arch", "lxc-busybox", ("lxc",)),
        ("gentoo", "lxc-oci", ("app-containers/lxc",)),
        ("alpine", "lxc-download", ("lxc-download",)),
        ("alpine", "lxc-oci", ("lxc-templates-oci",)),
        ("alpine", "lxc-busybox", ("lxc-templates",)),
        ("alpine", "config", ("lxc", "lxc-download")),
    ],
)
def test_a_part_of_lxc_is_in_a_package_of_its_own_where_the_family_splits_it_off(
    family: str, part: str, packages: tuple[str, ...]
) -> None:
    (action,) = distro.part_of_lxc(host_of(family), part).actions
    assert action == Install(family, packages)


@pytest.mark.parametrize("tool", ["libcgroup", "pam-cgfs"])
def test_what_no_package_of_the_family_has_is_left_to_a_person(tool: str) -> None:
    host = host_of("arch")
    by_hand = (Manual((f"# install {tool} from its source",), "root"),)
    assert distro.install(host, tool).actions == distro.needed(host, tool) == by_hand
    assert distro.needed(host_of("arch", **{tool: "3.1.0"}), tool) == ()


def test_a_machine_that_never_installed_anything_gets_its_package_lists_first() -> None:
    run = install_run(Install("debian", ("uidmap",)))
    assert run.command == (
        "apt-get install -y uidmap || { apt-get update && apt-get install -y uidmap; }"
    )
    assert "dpkg-query" in run.unless and "uidmap" in run.unless


def test_a_kernel_option_and_a_boot_parameter_take_a_reboot() -> None:
    host = host_of("debian", "systemd")
    assert distro.kernel_option(host, "USER_NS").then == "reboot"
    assert distro.boot_parameter(host, "x").then == "reboot"


def test_the_init_system_in_charge_starts_the_service_whatever_the_family_ships() -> None:
    assert steps(distro.service(host_of("debian", "openrc"), "lxc-net"))[0].startswith("rc-update")
    systemd = distro.service(host_of("alpine", "systemd"), "lxc-net")
    assert steps(systemd)[0].startswith("systemctl")


def test_a_service_that_is_masked_is_unmasked_and_masked_again_by_undo() -> None:
    answers: dict[Question, Answer | Refused] = {
        ("stat", "/run/systemd/system"): ["directory", 0o755, 0, 0, 0, 0, 1],
        ("real", "/etc/systemd/system/lxc-net.service"): "/dev/null",
    }
    host = made_host({"/proc/1/comm": "systemd\n", "/run/openrc/softlevel": None}, answers)
    enable, _ = distro.service(host, "lxc-net").actions
    assert isinstance(enable, Run)
    assert enable.command == "systemctl unmask lxc-net && systemctl enable lxc-net"
    assert enable.undo == "systemctl disable lxc-net && systemctl mask lxc-net"


def test_where_no_init_system_runs_a_service_is_left_to_a_person() -> None:
    (action,) = distro.service(host_of("debian"), "lxc-net").actions
    assert isinstance(action, Manual)


def edits_of(fix: Fix, text: str) -> str:
    """What the edits of a fix make of a file."""
    for action in fix.actions:
        if isinstance(action, (Append, Replace)):
            text = edited(text, action) or text
    return text


def test_a_boot_parameter_goes_to_the_end_of_grubs_line_where_it_wins() -> None:
    fix = distro.boot_parameter(host_of("debian"), "b=2")
    assert edits_of(fix, GRUB) == GRUB.replace("quiet a=1", "quiet a=1 b=2")
    run = fix.actions[-1]
    assert isinstance(run, Run) and (run.command, run.undo) == ("update-grub", "update-grub")


def test_a_boot_parameter_comes_off_every_line_that_has_it() -> None:
    word = "systemd.unified_cgroup_hierarchy=0"
    fix = distro.remove_boot_parameter(host_of("arch"), word)
    assert word not in edits_of(fix, GRUB)
    fix = distro.remove_boot_parameter(host_of("alpine"), word)
    assert edits_of(fix, EXTLINUX) == EXTLINUX.replace(f" {word}", "")


def test_fedora_has_a_tool_for_that_and_one_for_the_way_back() -> None:
    (action,) = distro.boot_parameter(host_of("fedora"), "b=2").actions
    assert isinstance(action, Run)
    assert action.command.endswith(" --args=b=2")
    assert action.undo.endswith(" --remove-args=b=2")


def test_a_sysctl_is_set_now_and_in_one_file_of_ours_instead_of_an_earlier_line() -> None:
    host = made_host({distro.SYSCTL_FILE: "a.b = 1\n  user.x=2 # old\n"})
    now, boot = distro.sysctl(host, "user.x", "a'b").actions
    assert now == Setting("/proc/sys/user/x", "a'b")
    assert boot == Replace(distro.SYSCTL_FILE, 2, "  user.x=2 # old", "user.x = a'b")
