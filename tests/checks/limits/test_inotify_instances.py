"""inotify instances."""

from __future__ import annotations

import pytest

from audit.facts.guest import guest_init
from audit.facts.sysctl import DIRECTORIES
from audit.host import Host
from audit.model import Outcome
from audit.testing import made_host, outcomes
from checks.limits.inotify_instances import inotify_instances
from tests.primed import primed


def on(value: str | None, guest: str) -> Host:
    host = made_host(
        {
            "/proc/sys/fs/inotify/max_user_instances": value,
            "/etc/sysctl.conf": None,
            "/etc/os-release": "ID=debian\n",
        },
        {**{("list", d): None for d in DIRECTORIES}, ("link", "/etc/sysctl.conf"): None},
    )
    return primed(host, {guest_init: guest})


@pytest.mark.parametrize(
    ("value", "guest", "outcome"),
    [
        ("1024", "systemd", Outcome.PASS),
        ("128", "systemd", Outcome.FAIL),
        ("128", "plain", Outcome.NOT_APPLICABLE),
        (None, "systemd", Outcome.NOT_APPLICABLE),
    ],
)
def test_systemd_containers_share_a_limit(value: str | None, guest: str, outcome: Outcome) -> None:
    assert outcomes(inotify_instances, on(value, guest)) == [outcome]
