"""Which hard limits a session will have."""

from __future__ import annotations

import pytest

from audit.facts.config import container_config
from audit.facts.init import init_system
from audit.facts.prlimits import UNLIMITED, hard_limit, is_resource, wanted
from audit.facts.session import is_mine
from audit.host import Host
from audit.source import Answer
from audit.testing import made_host
from tests.primed import config, primed

LIMITS = "Max open files            1024                 1048576              files     \n"


def next_login(init: str, conf: str = "", system: str = "") -> Host:
    answers: dict[tuple[str, ...], Answer] = {
        ("read", "/proc/1/limits"): LIMITS + LIMITS.replace("open files  ", "locked memory"),
        ("read", "/etc/security/limits.conf"): conf,
        ("list", "/etc/security/limits.d"): None,
        ("list", "/usr/lib/security/limits.d"): None,
        ("read", "/etc/systemd/system.conf"): system,
        ("list", "/etc/systemd/system.conf.d"): None,
        ("list", "/usr/lib/systemd/system.conf.d"): None,
    }
    return primed(made_host({}, dict(answers)), {is_mine: False, init_system: init})


@pytest.mark.parametrize(
    ("host", "limit"),
    [
        (next_login("openrc"), 1048576),
        (next_login("systemd"), 524288),
        (next_login("systemd", system="DefaultLimitNOFILE=5:9\n"), None),
        (next_login("openrc", conf="* hard nofile 5\n"), None),
        (next_login("openrc", conf="# * hard nofile 5\n* soft nofile 5\n"), 1048576),
    ],
)
def test_a_login_inherits_from_init_unless_something_says_otherwise(
    host: Host, limit: int | None
) -> None:
    assert host.get(hard_limit, "nofile") == limit


def test_of_two_lines_the_last_counts() -> None:
    text = "lxc.prlimit.nofile = 5\nlxc.prlimit.nofile = 6:unlimited"
    host = primed(made_host(), {container_config: config(text)})
    assert [(name, soft, hard) for _, name, soft, hard in host.get(wanted)] == [
        ("nofile", 6, UNLIMITED)
    ]


def test_resources_have_names_and_numbers() -> None:
    assert is_resource("nofile")
    assert is_resource("7")
    assert not is_resource("NOFILE")
