"""The container of a config: its root file system, its init, its name, what is left of it."""

from __future__ import annotations

import pytest

from audit.host import Request
from audit.model import Outcome
from audit.source import Answer
from audit.testing import WHO
from tests.checks.config.configs import (
    DIRECTORY,
    FAIL,
    FILE,
    NA,
    NEW,
    OLD,
    PASS,
    PLACE,
    PROGRAM,
    UNKNOWN,
    Answers,
    outcomes,
    tree,
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("dir:/srv/r", [PASS]),
        ("/srv/r", [PASS]),
        ("dir:/gone", [FAIL]),
        ("loop:/srv/r.img", [FAIL]),
        ("zfs:tank/c", [FAIL]),
        ("overlay:/srv/r:/srv/u", [UNKNOWN]),
    ],
)
def test_a_new_containers_rootfs_is_there_when_it_is_named(
    line: str, expected: list[Outcome]
) -> None:
    answers = tree(**{"/srv": DIRECTORY, "/srv/r": DIRECTORY, "/gone": None})
    assert outcomes("rootfs", f"lxc.rootfs.path = {line}", answers) == expected


def test_an_existing_container_has_a_rootfs() -> None:
    assert outcomes("rootfs", "", None, NEW) == [NA]
    assert outcomes("rootfs", "", None, OLD) == [FAIL]


ELF_X86, ELF_ARM64, ELF_RISCV = "\x3e\0", "\udcb7\0", "\udcf3\0"


@pytest.mark.parametrize(
    ("places", "machine", "expected"),
    [
        ({"sbin": DIRECTORY, "sbin/init": PROGRAM}, ELF_X86, PASS),
        ({"sbin": DIRECTORY, "sbin/init": PROGRAM}, "", PASS),
        ({"sbin": DIRECTORY, "sbin/init": None}, ELF_X86, FAIL),
        ({"sbin": DIRECTORY, "sbin/init": FILE}, ELF_X86, FAIL),
        ({"sbin": DIRECTORY, "sbin/init": PROGRAM}, ELF_ARM64, FAIL),
        ({"sbin": DIRECTORY, "sbin/init": PROGRAM}, ELF_RISCV, PASS),
    ],
)
def test_an_init_is_there_and_for_this_machine(
    places: dict[str, Answer], machine: str, expected: Outcome
) -> None:
    answers = tree(**{"/r": DIRECTORY, **{f"/r/{name}": stat for name, stat in places.items()}})
    head: Answer = [["\x02", "\x01", *machine]] if machine else []
    pattern = r"\A\x7fELF([\x01\x02])([\x01\x02]).{12}(.)(.)"
    answers["search", "/r/sbin/init", pattern] = head
    answers[("uname",)] = ["Linux", "h", "6.1.0", "x86_64"]
    answers["list", "/proc/sys/fs/binfmt_misc"] = ["qemu-riscv64", "register", "status"]
    answers["read", "/proc/sys/fs/binfmt_misc/qemu-riscv64"] = "enabled\n"
    assert outcomes("init", "lxc.rootfs.path = dir:/r", answers, OLD) == [expected]


def test_links_of_the_container_stay_inside_it() -> None:
    link: Answer = ["symlink", 0o777, 0, 0, 9, 8, 1]
    answers = tree(
        **{
            "/r": DIRECTORY,
            "/r/sbin": DIRECTORY,
            "/r/sbin/init": link,
            "/r/lib": DIRECTORY,
            "/r/lib/systemd": PROGRAM,
        }
    )
    answers["link", "/r/sbin/init"] = "/lib/systemd"
    pattern = r"\A\x7fELF([\x01\x02])([\x01\x02]).{12}(.)(.)"
    answers["search", "/r/lib/systemd", pattern] = []
    assert outcomes("init", "lxc.rootfs.path = dir:/r", answers, OLD) == [PASS]


OWN: tuple[str, int, int] = ("directory", 0o755, 1001)


@pytest.mark.parametrize(
    ("names", "places", "request_", "expected"),
    [
        (["c1"], {"c1/config": FILE}, NEW, [PASS]),
        (["c1"], {"c1/config": None, "c1": DIRECTORY}, NEW, [FAIL]),
        (["c1"], {"c1/config": None, "c1": FILE}, NEW, [PASS]),
        (["c1"], {"c1/config": FILE, "c1/partial": None}, OLD, [PASS]),
        (["c1"], {"c1/config": FILE, "c1/partial": FILE}, OLD, [FAIL]),
        (["c1"], {"c1/config": None, "c1/partial": None, "c1": DIRECTORY}, OLD, [FAIL]),
        # an empty directory of the user's own is taken, but only with the user's own group
        (["c1"], {"c1/config": None, "c1/partial": None, "c1": [*OWN, 1001, 0, 8, 1]}, OLD, [PASS]),
        (["c1"], {"c1/config": None, "c1/partial": None, "c1": [*OWN, 0, 0, 8, 1]}, OLD, [FAIL]),
        ([], {}, OLD, [NA]),
        (None, {}, NEW, [NA]),
    ],
)
def test_half_made_containers_are_found(
    names: Answer, places: dict[str, Answer], request_: Request, expected: list[Outcome]
) -> None:
    answers = tree(**{f"{PLACE}/{name}": stat for name, stat in places.items()})
    answers["user_list", PLACE, WHO] = names
    answers["list", f"{PLACE}/c1"] = []
    answers[("self",)] = {"uid": 1001, "gid": 1001, "groups": [1001], "umask": 18}
    assert outcomes("leftovers", "", answers, request_) == expected


@pytest.mark.parametrize(
    ("name", "there", "expected"),
    [
        ("c1", False, PASS),
        ("a b", False, FAIL),
        ("a b", True, PASS),
        ("x" * 65, False, FAIL),
        ("a/b", False, FAIL),
    ],
)
def test_a_name_can_be_a_host_name(name: str, there: bool, expected: Outcome) -> None:
    answers: Answers = {("lstat", f"{PLACE}/{name}/config"): FILE if there else None}
    assert outcomes("name", "", answers, Request(user="lxc", container=name)) == [expected]
