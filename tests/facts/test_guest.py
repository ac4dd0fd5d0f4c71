"""What a container boots is seen in its root file system."""

from __future__ import annotations

import pytest

from audit.facts.config import container_config
from audit.facts.guest import guest_init, inside, rootfs
from audit.facts.lxcconf import lxcpath
from audit.host import Host, Request
from audit.model import Unknown
from audit.source import Answer, Question, Refused
from audit.testing import made_host
from tests.primed import config, primed

DIRECTORY: Answer = ["directory", 0o755, 0, 0, 0, 8, 1]
LINK: Answer = ["symlink", 0o777, 0, 0, 0, 8, 1]
FILE: Answer = ["file", 0o755, 0, 0, 0, 8, 1]
OLD = Request(user="lxc", container="c1")


def container(places: dict[str, str | Answer], text: str = "lxc.rootfs.path = dir:/r") -> Host:
    """`places`: a path inside -> where it links to, or what lstat says."""
    answers: dict[Question, Answer | Refused] = {("lstat", "/r"): DIRECTORY}
    for path, what in places.items():
        answers["lstat", f"/r{path}"] = LINK if isinstance(what, str) else what
        answers["link", f"/r{path}"] = what if isinstance(what, str) else None
    facts = {container_config: config(text), lxcpath: "/l"}
    return primed(made_host({}, answers, OLD), facts)


@pytest.mark.parametrize(
    ("line", "storage", "path"),
    [
        ("/r", "", "/r"),
        ("dir:/r", "dir", "/r"),
        ("overlay:/r:/u", "overlay", "/r"),
        ("btrfs:/r", "btrfs", "/r"),
    ],
)
def test_a_rootfs_has_a_type_and_a_path(line: str, storage: str, path: str) -> None:
    found = container({}, f"lxc.rootfs.path = {line}").get(rootfs)
    assert found is not None
    assert (found.storage, found.path) == (storage, path)


@pytest.mark.parametrize(
    ("places", "init"),
    [
        ({"/sbin": DIRECTORY, "/sbin/init": FILE}, "plain"),
        (
            {
                "/sbin": "usr/sbin",
                "/usr": DIRECTORY,
                "/usr/sbin": DIRECTORY,
                "/usr/sbin/init": "../lib/systemd/systemd",
                "/usr/lib": DIRECTORY,
                "/usr/lib/systemd": DIRECTORY,
                "/usr/lib/systemd/systemd": FILE,
            },
            "systemd",
        ),
        (
            {
                "/sbin": DIRECTORY,
                "/sbin/init": "/lib/systemd/systemd",
                "/lib": DIRECTORY,
                "/lib/systemd": DIRECTORY,
                "/lib/systemd/systemd": FILE,
            },
            "systemd",
        ),
        ({"/sbin": DIRECTORY, "/sbin/init": "/sbin/init"}, "plain"),
        ({"/sbin": DIRECTORY, "/sbin/init": None}, "plain"),
    ],
)
def test_the_link_behind_sbin_init_tells_systemd(
    places: dict[str, str | Answer], init: str
) -> None:
    assert container(places).get(guest_init) == init


def test_an_init_command_is_looked_up_inside() -> None:
    places: dict[str, str | Answer] = {"/opt": DIRECTORY, "/opt/systemd": FILE}
    text = "lxc.rootfs.path = dir:/r\nlxc.init.cmd = /opt/systemd --x"
    assert container(places, text).get(guest_init) == "systemd"


def test_without_a_container_the_guest_is_the_one_asked_for() -> None:
    host = made_host(request=Request(user="lxc", guest="systemd"))
    assert host.get(guest_init) == "systemd"


def test_dots_do_not_leave_the_root() -> None:
    host = container({"/etc": DIRECTORY, "/etc/x": "../../../../etc/y", "/etc/y": FILE})
    found = host.get(inside, "/etc/x")
    assert found is not None
    assert found.path == "/etc/y"


def test_a_rootfs_that_is_gone_is_unknown() -> None:
    answers: dict[Question, Answer | Refused] = {("lstat", "/r"): None}
    facts = {container_config: config("lxc.rootfs.path = dir:/r"), lxcpath: "/l"}
    with pytest.raises(Unknown, match="does not exist"):
        primed(made_host({}, answers, OLD), facts).get(guest_init)
