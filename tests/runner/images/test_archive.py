"""Archives that a stranger made: what gets through, and what does not."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import Failed
from runner.images.archive import harmless, metadata, survey
from runner.images.guest import META
from runner.images.index import parse
from runner.images.pack import pack_metadata, packed_rootfs
from tests.runner.server import busybox_rootfs
from tests.runner.server import metadata as packed

KINDS = {
    "file": tarfile.REGTYPE,
    "dir": tarfile.DIRTYPE,
    "link": tarfile.SYMTYPE,
    "hard": tarfile.LNKTYPE,
    "char": tarfile.CHRTYPE,
}


def made(path: Path, *members: tuple[str, str] | tuple[str, str, str]) -> str:
    """An archive of (kind, name, target)."""
    with tarfile.open(path, "w:xz") as archive:
        for kind, name, *target in members:
            member = tarfile.TarInfo(name)
            member.type = KINDS[kind]
            member.linkname = target[0] if target else ""
            data = b"x" * 10 if kind == "file" else b""
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return str(path)


def test_a_guest_of_systemd_is_seen(tmp_path: Path) -> None:
    """As Debian has it: /sbin is a link, /sbin/init is one, and the program lies in /usr/lib."""
    path = made(
        tmp_path / "a",
        ("dir", "./usr"),
        ("link", "./sbin", "usr/sbin"),
        ("dir", "./usr/sbin"),
        ("link", "./usr/sbin/init", "../lib/systemd/systemd"),
        ("file", "./usr/lib/systemd/systemd"),
        ("char", "./dev/null"),
    )
    found = survey(path)
    assert found.systemd and found.has_init
    assert found.devices == ("./dev/null",) and found.size == 10 and found.members == 6


def test_a_busybox_is_plain_and_a_heap_of_files_is_no_system(tmp_path: Path) -> None:
    busybox_rootfs(tmp_path / "b")
    found = survey(str(tmp_path / "b"))
    assert found.has_init and not found.systemd and found.devices == ()
    assert not survey(made(tmp_path / "c", ("file", "etc/passwd"))).has_init
    assert not survey(made(tmp_path / "d", ("link", "sbin/init", "init"))).has_init  # a circle


@pytest.mark.parametrize(
    "members",
    [
        [("file", "/etc/cron.d/x")],
        [("file", "../x")],
        [("file", "a/../../x")],
        [("hard", "x", "/etc/shadow")],
        [("hard", "x", "../../etc/shadow")],
        [("link", "home", "/home"), ("file", "home/al/.bashrc")],
        [("link", "./a", ".."), ("file", "./a/x")],
        [],
    ],
)
def test_what_would_escape_is_refused(tmp_path: Path, members: list[tuple[str, str]]) -> None:
    with pytest.raises(Failed, match=r"leads out|symbolic link|empty archive"):
        survey(made(tmp_path / "evil", *members))


@pytest.mark.parametrize("damage", [b"", b"not an archive at all" * 100])
def test_what_is_no_archive(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "x").write_bytes(damage)
    with pytest.raises(Failed, match="damaged, or no archive"):
        survey(str(tmp_path / "x"))
    good = tmp_path / "good"
    busybox_rootfs(good)
    (tmp_path / "cut").write_bytes(good.read_bytes()[:-5000])
    with pytest.raises(Failed, match="damaged, or no archive"):
        survey(str(tmp_path / "cut"))
    with pytest.raises(Failed, match="cannot read"):
        survey(str(tmp_path / "absent"))


def test_only_harmless_keys_are_taken_over() -> None:
    kept, dropped = harmless(
        "# a comment\n"
        "lxc.include = LXC_TEMPLATE_CONFIG/common.conf\n"
        "lxc.include = LXC_TEMPLATE_CONFIG/debian.userns.conf\n"
        "lxc.include = /etc/shadow\n"
        "lxc.include = LXC_TEMPLATE_CONFIG/../../../home/al/x.common.conf\n"
        "lxc.arch = x86_64\n"
        "lxc.hook.pre-start = /bin/sh -c x\n"
        "lxc.mount.entry = /home home none bind 0 0\n"
        "lxc.idmap = u 0 0 65536\n"
        "lxc.rootfs.path = /\n"
        "lxc.net.0.script.up = /tmp/x\n"
        "lxc.signal.halt = SIGUSR1\r\n"
    )
    assert kept == [
        "lxc.include = LXC_TEMPLATE_CONFIG/common.conf",
        "lxc.include = LXC_TEMPLATE_CONFIG/debian.userns.conf",
        "lxc.arch = x86_64",
        "lxc.signal.halt = SIGUSR1",
    ]
    assert len(dropped) == 7


@given(st.text())
def test_no_config_gets_a_hook_a_mount_or_a_map_through(text: str) -> None:
    for line in harmless(text)[0]:
        assert not line.startswith(("lxc.hook", "lxc.mount", "lxc.idmap", "lxc.rootfs", "lxc.net"))


@given(st.text())
def test_no_index_leads_out_of_the_cache(text: str) -> None:
    for entry in parse(text):
        assert not {"", ".", ".."} & {*entry.image, entry.build, *entry.path.split("/")}


def test_metadata_as_it_is_packed_again(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(
        packed({"config": "lxc.arch = a\n", "config-user": "lxc.arch = b\n", "expiry": "12\n"})
    )
    found = metadata(str(tmp_path / "m"))
    assert found.config == "lxc.arch = b" and found.expiry == 12
    pack_metadata(str(tmp_path / "n"), META, ["./dev/null"])
    again = metadata(str(tmp_path / "n"))
    assert again.config.strip() == META.config and again.templates == META.templates


def test_other_archives_and_directories_become_xz(tmp_path: Path) -> None:
    busybox_rootfs(tmp_path / "own.tar.xz")
    assert packed_rootfs(str(tmp_path / "own.tar.xz"), "") == str(tmp_path / "own.tar.xz")
    plain = tmp_path / "plain.tar"
    with tarfile.open(plain, "w") as archive, tarfile.open(tmp_path / "own.tar.xz") as source:
        for member in source:
            archive.addfile(member, source.extractfile(member) if member.isreg() else None)
    (tmp_path / "out").mkdir()
    assert survey(packed_rootfs(str(plain), str(tmp_path / "out"))).has_init
