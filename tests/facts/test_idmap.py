"""Executables on a PATH, file capabilities, and the maps of a config."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.access import Credentials
from audit.facts.executables import CAP_SETGID, CAP_SETUID, parse_file_caps, resolve
from audit.facts.idmap import IdMap, overlaps
from audit.host import Host, Request
from audit.live import Live
from audit.source import Answer, Question
from audit.testing import made_host

USER = Credentials(1001, 1001)


def test_file_capabilities_are_read_in_every_revision() -> None:
    two = parse_file_caps("0100000280000000000000000000000000000000")
    assert two is not None and two.has(CAP_SETUID) and two.effective and not two.has(CAP_SETGID)
    three = parse_file_caps("010000038000000000000000000000000000000005000000")
    assert three is not None and three.rootid == 5
    assert parse_file_caps("000000018000000000000000") is not None
    assert parse_file_caps("01000002") is None


@given(st.binary(max_size=40))
def test_no_capability_attribute_is_too_odd(raw: bytes) -> None:
    parse_file_caps(raw.hex())


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setcap") is None, reason="setcap(8) needs root"
)
def test_setcap_writes_what_we_read(tmp_path: Path) -> None:
    file = tmp_path / "helper"
    file.write_bytes(b"")
    for text, capability, effective in (("cap_setuid=ep", 7, True), ("cap_setgid=p", 6, False)):
        if subprocess.run(["setcap", text, str(file)], check=False).returncode:
            pytest.skip("this file system has no extended attributes")
        found = parse_file_caps(os.getxattr(file, "security.capability").hex())
        assert found is not None and found.has(capability) and found.effective is effective


def tree(entries: dict[str, list[Answer] | str]) -> Host:
    """A host with these paths: a stat answer, or where a symlink points."""
    answers: dict[Question, Answer] = {}
    for path, what in entries.items():
        link = isinstance(what, str)
        answers["lstat", path] = ["symlink", 0o777, 0, 0, 1, 0, 1] if link else what
        if isinstance(what, str):
            answers["link", path] = what
        else:
            answers["stat", path] = what
            answers["xattr", path, "system.posix_acl_access"] = None
    return made_host(answers=answers)


def directory(mode: int = 0o755) -> list[Answer]:
    return ["directory", mode, 0, 0, 1, 0, 1]


FILE: list[Answer] = ["file", 0o755, 0, 0, 1, 0, 1]


def test_symlinks_are_followed_as_the_user_follows_them() -> None:
    host = tree(
        {"/": directory(), "/bin": "usr/bin", "/usr": directory(), "/usr/bin": directory(),
         "/usr/bin/a": "../../bin/b", "/usr/bin/b": FILE}
    )  # fmt: skip
    assert host.get(resolve, "/bin/a", USER) == "/usr/bin/b"
    assert host.get(resolve, "/bin/../bin/./b", USER) == "/usr/bin/b"


def test_nothing_is_looked_at_behind_a_closed_directory() -> None:
    host = tree({"/": directory(), "/root": directory(0o700)})
    assert host.get(resolve, "/root/bin/newuidmap", USER) is None


def test_a_circle_of_links_ends() -> None:
    host = tree({"/": directory(), "/a": "b", "/b": "a"})
    assert host.get(resolve, "/a", USER) is None


@pytest.mark.parametrize("path", ["/bin/sh", "/usr/bin", "/proc/self/../1/status", "/etc/mtab"])
def test_a_path_is_resolved_as_the_kernel_resolves_it(path: str) -> None:
    if not os.path.exists(path) or "/proc/" in os.path.realpath(path):
        pytest.skip(f"{path} is not here, or moves")
    host = Host(Live(), Request())
    who = Credentials(os.getuid(), os.getgid(), frozenset(os.getgroups()))
    assert host.get(resolve, path, who) == os.path.realpath(path)


maps = st.lists(
    st.builds(IdMap, st.just("uid"), st.integers(0, 30), st.integers(0, 30), st.integers(1, 8)),
    max_size=6,
)


@given(maps)
def test_overlaps_are_what_a_count_of_ids_says(lines: list[IdMap]) -> None:
    sides = {side for side, _, _ in overlaps(lines)}
    for side, starts in (
        ("container", [(one.inside, one.size) for one in lines]),
        ("host", [(one.outside, one.size) for one in lines]),
    ):
        ids = [number for start, size in starts for number in range(start, start + size)]
        assert (side in sides) == (len(ids) != len(set(ids)))
