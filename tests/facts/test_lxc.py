"""The installed LXC is known by what is compiled into it."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts import lxc
from audit.facts.lxc import (
    Constants,
    constants,
    library,
    lxc_version,
    package_version,
    parse_version,
    tool,
    version_text,
)
from audit.host import Host, Request
from audit.live import Live, search_bytes
from audit.model import Unknown
from audit.testing import made_host
from tests.primed import primed

LIBRARY = "/usr/lib/liblxc.so.1"
STRINGS = (
    b"\x7fELF junk 1.2.3\0libseccomp.so.2\0libcap.so.2\x001.0.0\0/etc/lxc/lxc.conf\x005.0.2\0"
    b"/usr/share/lxc/templates\0/usr/libexec/lxc/lxc-user-nic\0%s/rootfs\0/usr/lib/lxc/rootfs\0"
)


def look(data: bytes) -> Constants:
    rows: Any = search_bytes(data, lxc._CONSTANTS)
    host = made_host({}, {("search", LIBRARY, lxc._CONSTANTS): rows})
    return primed(host, {library: LIBRARY}).get(constants)


def test_the_strings_of_the_library_are_found() -> None:
    assert look(STRINGS) == Constants(
        LIBRARY,
        ("5.0.2",),
        "/usr/libexec/lxc/lxc-user-nic",
        "/usr/lib/lxc/rootfs",
        "/usr/share/lxc/templates",
        frozenset(),
    )


def test_what_is_not_built_in_is_known() -> None:
    data = b"\x007.0.0-devel\0Built without AppArmor support\0Built without SELinux support\0"
    found = look(data)
    assert found.versions == ("7.0.0-devel",)
    assert found.without == {"AppArmor", "SELinux", "seccomp", "capabilities"}


@given(st.binary(max_size=300))
def test_no_library_stops_the_search(data: bytes) -> None:
    look(data)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("5.0.2", (5, 0, 2)),
        ("5.0.2-1+deb12u4", (5, 0, 2)),
        ("6.0.4-devel", (6, 0, 4)),
        ("7.0", (7, 0, 0)),
        ("4.0.6~git", (4, 0, 6)),
    ],
)
def test_a_version_is_its_numbers(text: str, version: tuple[int, int, int]) -> None:
    assert parse_version(text) == version


def test_what_is_no_version_is_unknown() -> None:
    with pytest.raises(Unknown):
        parse_version("unknown")


def test_the_package_decides_between_two_candidates() -> None:
    both = Constants(LIBRARY, ("1.2.3", "6.0.4"), None, None, None, frozenset())
    host = primed(made_host(), {constants: both, package_version: "6.0.4-4"})
    assert host.get(version_text) == "6.0.4"
    assert host.get(lxc_version) == (6, 0, 4)
    host = primed(made_host(), {constants: both, package_version: None})
    with pytest.raises(Unknown):
        host.get(version_text)


def test_a_package_has_an_epoch_that_is_no_version() -> None:
    answers: Any = {("package", name): None for name in lxc._PACKAGES}
    answers["package", "liblxc1"] = "1:5.0.2-1+deb12u4"
    assert made_host({}, answers).get(package_version) == "5.0.2-1+deb12u4"


def test_the_loaders_cache_decides_which_library() -> None:
    stat = ["file", 0o644, 0, 0, 9, 8, 1]
    answers: Any = {
        ("search", "/etc/ld.so.cache", lxc._CACHED): [["/usr/local/lib/liblxc.so.1"]],
        ("stat", "/usr/local/lib/liblxc.so.1"): stat,
    }
    host = made_host({}, answers)
    host._facts[(tool, "lxc-start")] = "/usr/local/bin/lxc-start", None, frozenset()
    assert host.get(library) == "/usr/local/lib/liblxc.so.1"


@pytest.mark.skipif(shutil.which("lxc-start") is None, reason="needs lxc-start")
def test_the_version_is_what_lxc_start_prints() -> None:
    ran = subprocess.run(["lxc-start", "--version"], capture_output=True, text=True, check=True)
    host = Host(Live(), Request(user="nobody"))
    assert host.get(version_text) == ran.stdout.strip()
