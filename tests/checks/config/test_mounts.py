"""What a config mounts: a source that is there, a target, a type a user may mount."""

from __future__ import annotations

import pytest

from audit.facts.mounts import Mount, mounts
from audit.model import Outcome
from audit.source import Answer
from audit.testing import WHO, judged
from tests.checks.config.configs import (
    DIRECTORY,
    EVERY,
    FAIL,
    FILE,
    PASS,
    PRIVATE,
    UNKNOWN,
    host_with,
    outcomes,
    tree,
)
from tests.primed import primed


@pytest.mark.parametrize(
    ("text", "places", "expected"),
    [
        ("/srv mnt none bind 0 0", {"/srv": DIRECTORY}, PASS),
        ("/srv mnt none bind 0 0", {"/srv": None}, FAIL),
        ("/srv mnt none bind,optional 0 0", {"/srv": None}, PASS),
        ("/srv srv none bind 0 0", {"/srv": DIRECTORY}, FAIL),
        ("/srv srv none bind,create=dir 0 0", {"/srv": DIRECTORY}, PASS),
        ("/root/x mnt none bind 0 0", {"/root": PRIVATE, "/root/x": DIRECTORY}, FAIL),
        ("/root mnt none bind 0 0", {"/root": PRIVATE}, PASS),
        ("/etc/motd mnt none bind 0 0", {"/etc": DIRECTORY, "/etc/motd": FILE}, FAIL),
        ("/srv dev/new none bind 0 0", {"/srv": DIRECTORY}, FAIL),
        ("/srv proc/new none bind,create=dir 0 0", {"/srv": DIRECTORY, "/proc/new": None}, FAIL),
        ("/srv\\040x mnt none bind 0 0", {"/srv x": DIRECTORY}, PASS),
        ("/srv mnt none bind,idmap=container 0 0", {"/srv": DIRECTORY}, FAIL),
        ("bin opt none bind,relative,create=dir 0 0", {}, PASS),
        ("srv mnt none bind 0 0", {}, UNKNOWN),
        ("tmpfs tmp tmpfs defaults 0 0", {}, PASS),
        ("none tmp tmpfs", {}, PASS),
        ("/dev/sda mnt ext4 defaults 0 0", {}, FAIL),
        ("/srv mnt", {}, FAIL),
        ("overlay mnt overlay lowerdir=/a 0 0", {}, UNKNOWN),
        ("sysfs sys sysfs defaults 0 0", {}, FAIL),
    ],
)
def test_what_is_mounted_has_a_source_a_target_and_a_type(
    text: str, places: dict[str, Answer], expected: Outcome
) -> None:
    assert outcomes("mount_entries", f"lxc.mount.entry = {text}", tree(**places)) == [expected]


def test_a_bind_of_a_directory_with_mounts_below_it_takes_rbind() -> None:
    below = Mount(2, 1, "/srv/data", "ext4", "/dev/sdb", frozenset(), frozenset())
    for word, expected in (("bind", FAIL), ("rbind", PASS)):
        host = host_with(f"lxc.mount.entry = /srv mnt none {word} 0 0", tree(**{"/srv": DIRECTORY}))
        primed(host, {mounts: (below,)})
        assert [f.outcome for f in judged(EVERY["config.mount_entries"], host).findings] == [
            expected
        ]


def test_an_fstab_is_a_file_that_the_user_can_read() -> None:
    line = "lxc.mount.fstab = /f"
    assert outcomes("mount_entries", line, {("user_read", "/f", WHO): None}) == [FAIL]
    text = "# none\ntmpfs tmp tmpfs\n"
    assert outcomes("mount_entries", line, {("user_read", "/f", WHO): text}) == [PASS, PASS]
    assert outcomes("mount_entries", line, {("user_read", "/f", WHO): ""}) == [PASS]
