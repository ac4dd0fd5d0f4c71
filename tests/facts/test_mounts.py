"""mountinfo and fstab, and which mount holds a path."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from audit.facts.mounts import mount_of, mounts, parse_fstab, parse_mountinfo, unescape
from audit.host import Host
from audit.live import Live
from audit.testing import made_host

INFO = "/proc/self/mountinfo"


def table(*rows: str) -> Host:
    return made_host({INFO: "".join(f"{row}\n" for row in rows)})


@given(st.text())
def test_no_text_crashes_the_parsers(text: str) -> None:
    parse_mountinfo(text)
    parse_fstab(text)


@given(st.text(st.characters(codec="ascii")))
def test_escapes_are_undone(text: str) -> None:
    escaped = "".join(f"\\{ord(c):03o}" if c in " \t\n\\" else c for c in text)
    assert unescape(escaped) == text


def test_the_deepest_mount_on_the_way_holds_a_path() -> None:
    host = table(
        "1 0 8:1 / / rw - ext4 /dev/a rw",
        "2 1 0:2 / /home rw,nosuid - tmpfs tmpfs rw",
        "3 2 0:3 / /home/a\\040b rw - xfs /dev/b ro",
    )
    for path, point in (
        ("/", "/"),
        ("/etc", "/"),
        ("/home", "/home"),
        ("/homes", "/"),
        ("/home/a b/c", "/home/a b"),
    ):
        found = host.get(mount_of, path)
        assert found is not None
        assert found.point == point
    assert host.get(mount_of, "/home/a b").is_read_only  # type: ignore[union-attr]


def test_the_last_of_several_mounts_on_one_point_counts() -> None:
    host = table(
        "1 0 8:1 / / rw - ext4 /dev/a rw",
        "2 1 0:2 / /home rw - tmpfs lower rw",
        "3 2 0:3 / /home rw - tmpfs upper rw",
    )
    assert host.get(mount_of, "/home/x").source == "upper"  # type: ignore[union-attr]


def test_a_mount_that_is_covered_by_a_later_one_above_it_holds_nothing() -> None:
    host = table(
        "1 0 8:1 / / rw - ext4 /dev/a rw",
        "2 1 0:2 / /home/x rw - tmpfs hidden rw",
        "3 1 0:3 / /home rw - tmpfs cover rw",
    )
    assert host.get(mount_of, "/home/x/y").source == "cover"  # type: ignore[union-attr]


def test_fstab_stands_in_for_a_directory_tree() -> None:
    found = parse_fstab(
        "# x\n/dev/a / ext4 defaults\n/dev/b /home/ xfs noexec 0 2\n"
        "none swap swap sw\n/c /c x noauto\n"
    )
    assert [(m.point, m.fstype) for m in found] == [("/", "ext4"), ("/home", "xfs")]
    assert "noexec" in found[1].flags


def test_the_kernel_agrees_about_the_device_of_every_mount_point_here() -> None:
    host = Host(Live())
    for mount in host.get(mounts):
        try:
            device = os.stat(mount.point).st_dev
        except OSError:
            continue
        found = host.get(mount_of, os.path.realpath(mount.point))
        if mount.fstype in ("btrfs", "autofs") or found is None:
            continue
        assert found.device == f"{os.major(device)}:{os.minor(device)}"
