from __future__ import annotations

import os
import sqlite3
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.model import Unknown
from audit.packages import (
    Packages,
    apk_version,
    dpkg_version,
    rpm_version,
    stanzas,
    upstream,
)
from audit.tree import Tree

HEADER = bytes.fromhex((Path(__file__).parent / "data" / "rpm-header.hex").read_text())

DPKG = """\
Package: lxc
Status: install ok installed
Architecture: amd64
Version: 1:5.0.2-1+deb12u4
Description: Linux Containers userspace tools
 Package: not-a-field

Package: uidmap
Status: deinstall ok config-files
Version: 1:4.13+dfsg1-1+deb12u1

Package: passwd
Status: install ok unpacked
Version: 1:4.13+dfsg1-1+deb12u1
"""
APK = "C:Q1abc=\nP:lxc\nV:6.0.4-r2\nA:x86_64\n\nC:Q1def=\nP:lxc-libs\nV:6.0.4-r2\n"


def host(tmp_path: Path, files: dict[str, str | bytes]) -> Packages:
    """A directory tree with these files (a name that ends in "/" is a directory)."""
    for name, content in files.items():
        path = tmp_path / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Packages(Tree(str(tmp_path)))


def test_dpkg_knows_what_is_installed_and_what_was_removed(tmp_path: Path) -> None:
    packages = host(tmp_path, {"/var/lib/dpkg/status": DPKG})
    assert packages.version("lxc") == "5.0.2"
    assert packages.version("systemd") is None
    assert packages.version("shadow") == "4.13"  # passwd's: uidmap was removed
    assert packages.version("uidmap") is None  # and is no other name of passwd's software


def test_apk(tmp_path: Path) -> None:
    packages = host(tmp_path, {"/lib/apk/db/installed": APK})
    assert packages.version("lxc") == "6.0.4"
    assert packages.version("liblxc") == "6.0.4"
    assert packages.version("shadow") is None


def test_pacman(tmp_path: Path) -> None:
    local = "/var/lib/pacman/local"
    packages = host(
        tmp_path, {f"{local}/lxc-1:6.0.5-1/": "", f"{local}/linux-api-headers-6.1-2/": ""}
    )
    assert packages.version("lxc") == "6.0.5"
    assert packages.version("linux-api-headers") == "6.1"
    assert packages.version("api-headers") is None


def test_portage(tmp_path: Path) -> None:
    db = "/var/db/pkg"
    packages = host(
        tmp_path,
        {
            f"{db}/sys-apps/shadow-4.14.8-r1/": "",
            f"{db}/app-containers/lxc-6.0.4/": "",
            f"{db}/app-containers/lxc-templates-3.0.4-r2/": "",
            f"{db}/sys-apps/openrc-0.63_rc1/": "",
        },
    )
    assert packages.version("shadow") == "4.14.8"
    assert packages.version("lxc") == "6.0.4"
    assert packages.version("openrc") == "0.63_rc1"
    assert packages.version("systemd") is None


def rpm_database(path: Path, *rows: tuple[str, bytes]) -> None:
    """The two tables of rpm's SQLite database that a look-up needs, as rpm 4.18 makes them."""
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)"
        )
        database.execute(
            "CREATE TABLE 'Name' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL)"
        )
        for number, (name, blob) in enumerate(rows, 1):
            database.execute("INSERT INTO Packages VALUES (?, ?)", (number, blob))
            database.execute("INSERT INTO Name VALUES (?, ?, 0)", (name, number))
    database.close()


@pytest.mark.parametrize("directory", ["usr/lib/sysimage/rpm", "var/lib/rpm"])
def test_rpm(tmp_path: Path, directory: str) -> None:
    rpm_database(tmp_path / directory / "rpmdb.sqlite", ("shadow-utils", HEADER))
    before = sorted(os.listdir(tmp_path / directory))
    packages = Packages(Tree(str(tmp_path)))
    assert packages.version("shadow") == "4.17.4"
    assert packages.version("lxc") is None
    assert sorted(os.listdir(tmp_path / directory)) == before  # looked at, not touched


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_broken_rpm_database_is_not_an_empty_one(tmp_path: Path, content: bytes) -> None:
    packages = host(tmp_path, {"/var/lib/rpm/rpmdb.sqlite": content})
    with pytest.raises(Unknown):
        packages.version("lxc")


@pytest.mark.parametrize("other", ["Packages", "Packages.db", "rpmdb.sqlite-wal"])
def test_an_rpm_database_that_only_rpm_reads_is_unknown_in_a_tree(
    tmp_path: Path, other: str
) -> None:
    rpm = "/var/lib/rpm"
    packages = host(tmp_path, {f"{rpm}/rpmdb.sqlite": b"", f"{rpm}/{other}": "x"})
    with pytest.raises(Unknown):
        packages.version("lxc")


def test_no_database_at_all_is_unknown_and_not_absent(tmp_path: Path) -> None:
    with pytest.raises(Unknown):
        host(tmp_path, {"/etc/": ""}).version("lxc")


def test_one_database_that_knows_it_is_enough(tmp_path: Path) -> None:
    packages = host(tmp_path, {"/var/lib/dpkg/status": DPKG, "/var/lib/rpm/Packages": "x"})
    assert packages.version("lxc") == "5.0.2"
    with pytest.raises(Unknown):
        packages.version("systemd")


@pytest.mark.parametrize(
    ("full", "expected"),
    [
        ("1:4.13+dfsg1-1+deb12u1", "4.13"),
        ("252.38-1~deb12u1", "252.38"),
        ("1:4.20.0~rc1-1", "4.20.0~rc1"),
        ("6.0.4+really5.0.3-1", "5.0.3"),
        ("2.90", "2.90"),
    ],
)
def test_the_version_is_upstreams(full: str, expected: str) -> None:
    assert upstream(full) == expected


def test_a_name_inside_another_field_is_no_package() -> None:
    assert dpkg_version(DPKG, "not-a-field") == ""
    assert dpkg_version("Provides: x\nPackage: y\n", "x") == ""


@given(st.text(), st.text("ab", min_size=1))
def test_no_text_is_too_strange(text: str, name: str) -> None:
    for database in (dpkg_version, apk_version):
        assert isinstance(database(text, name), str)
    assert all(f"Package: {name}\n" in one for one in stanzas(text, f"Package: {name}\n"))


LINES = st.lists(
    st.sampled_from(["Package: a", "Package: b", "Version: 1", "Status: i o installed", ""])
)


@given(LINES)
def test_searching_finds_what_splitting_finds(lines: list[str]) -> None:
    text = "\n".join(lines) + "\n"
    found = stanzas(text, "Package: a\n")
    split = [one for one in text.split("\n\n") if "Package: a\n" in one + "\n"]
    assert {one.strip("\n") for one in found} == {one.strip("\n") for one in split}


@given(st.binary(max_size=200))
def test_garbage_is_no_rpm_header(data: bytes) -> None:
    with pytest.raises(ValueError):
        rpm_version(data)


@given(st.integers(0, len(HEADER) - 1))
def test_a_truncated_header_is_refused(size: int) -> None:
    with pytest.raises(ValueError):
        rpm_version(HEADER[:size])


def test_an_offset_outside_the_data_is_refused() -> None:
    entry = struct.pack(">IIiI", 1001, 6, 1 << 30, 1)
    with pytest.raises(ValueError):
        rpm_version(struct.pack(">II", 1, 4) + entry + b"abc\0")
