import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts.cgroup import (
    cgroup_layout,
    parse_memberships,
    root_controllers,
    stable_order,
    unified_obstacle,
)
from audit.facts.init import init_system
from audit.facts.seats import cgfs_controllers, session_seat
from tests.checks.cgroup import lab
from tests.checks.cgroup.lab import CG


def test_lines_of_proc_self_cgroup() -> None:
    found = parse_memberships("4:memory:/a\n1:name=systemd:/b:c\n0::/\nrubbish\n")
    assert [(m.hierarchy, m.controllers, m.cgroup) for m in found] == [
        (4, "memory", "/a"),
        (1, "name=systemd", "/b:c"),
        (0, "", "/"),
    ]
    assert found[2].is_unified


@given(st.text())
def test_any_text_is_parsed(text: str) -> None:
    parse_memberships(text)


def test_liblxc_looks_comounted_controllers_up_in_one_order() -> None:
    assert stable_order("cpuacct,cpu") == "cpu,cpuacct"
    assert stable_order("name=systemd") == "systemd"


def test_layouts() -> None:
    here = lab.base("5.0.2")
    lab.unified(here)
    assert here.host().get(cgroup_layout) == "unified"
    lab.hybrid(here, "memory")
    assert here.host().get(cgroup_layout) == "hybrid"
    lab.hybrid(here, "memory", with_v2=False)
    assert here.host().get(cgroup_layout) == "legacy"
    lab.mounts(here)
    assert here.host().get(cgroup_layout) == "none"


def test_a_cgroup_is_delegated_when_every_named_file_that_exists_is_writable() -> None:
    here = lab.base("5.0.2")
    lab.unified(here)
    here.cgroup("/mine", "memory", owned=True)
    here.cgroup("/bare", "", owned=True)
    here.cgroup("/half", "memory", owned=True)
    here.owned.discard(f"{CG}/half/memory.oom.group")
    host = here.host()
    assert host.get(unified_obstacle, f"{CG}/mine") == ""
    assert host.get(unified_obstacle, f"{CG}/bare") == ""
    assert host.get(unified_obstacle, f"{CG}/half").endswith("memory.oom.group")


def test_chown_of_the_directory_alone_is_not_enough() -> None:
    here = lab.base("5.0.2")
    lab.unified(here)
    here.cgroup("/dir", "")
    here.owned.add(f"{CG}/dir")
    assert here.host().get(unified_obstacle, f"{CG}/dir").endswith("cgroup.threads")


def test_root_controllers() -> None:
    here = lab.base("5.0.2")
    lab.unified(here, "cpu memory")
    assert here.host().get(root_controllers) == ("cpu", "memory")


@pytest.mark.parametrize(
    ("path", "text", "name"),
    [
        ("/run/systemd/system/.x", "", "systemd"),
        ("/run/openrc/softlevel", "default\n", "openrc"),
        ("/proc/1/comm", "openrc-init\n", "openrc"),
        ("/proc/1/comm", "init\n", "sysvinit"),
        ("/proc/1/comm", "runit\n", "runit"),
        ("/proc/1/comm", "some_sandbox\n", "none"),
    ],
)
def test_init_systems(path: str, text: str, name: str) -> None:
    here = lab.base("5.0.2")
    here.write(path, text)
    assert here.host().get(init_system) == name


def cgfs(arguments: str) -> lab.Lab:
    here = lab.base("5.0.2")
    lab.hybrid(here, "name=systemd", "memory", "pids", "freezer")
    here.write("/etc/pam.d/common-session", f"session optional pam_cgfs.so {arguments}\n")
    here.write("/lib/x86_64-linux-gnu/security/pam_cgfs.so")
    return here


def test_pam_cgfs_gives_a_login_the_hierarchies_that_it_lists() -> None:
    seat = cgfs("-c freezer,memory,name=systemd").host().get(session_seat)
    mine = {h.name for h in seat.hierarchies if h.writable}
    assert mine == {"freezer", "memory", "name=systemd"}
    assert seat.where == "/user/lxc/0"


@pytest.mark.parametrize("arguments", ["", "-c", "-c all,memory"])
def test_pam_cgfs_without_a_usable_list_gives_nothing(arguments: str) -> None:
    assert cgfs(arguments).host().get(cgfs_controllers) == ()


def test_pam_cgfs_that_is_not_installed_gives_nothing() -> None:
    here = cgfs("-c memory")
    here.remove("/lib/x86_64-linux-gnu/security/pam_cgfs.so")
    assert here.host().get(cgfs_controllers) == ()
