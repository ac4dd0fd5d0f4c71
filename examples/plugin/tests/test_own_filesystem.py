from acme_lxc.checks.storage.own_filesystem import own_filesystem

from audit.model import Outcome
from audit.testing import made_host, outcomes


def on_devices(home: int, root: int):
    return made_host(
        answers={
            ("stat", "/home/lxc"): ["directory", 0o755, 1001, 1001, 4096, 8, home],
            ("stat", "/"): ["directory", 0o755, 0, 0, 4096, 8, root],
        }
    )


def test_a_home_of_its_own_passes():
    assert outcomes(own_filesystem, on_devices(home=2, root=1)) == [Outcome.PASS]


def test_a_home_on_the_root_file_system_fails():
    assert outcomes(own_filesystem, on_devices(home=1, root=1)) == [Outcome.FAIL]


def test_a_home_that_cannot_be_seen_is_unknown():
    assert outcomes(own_filesystem, made_host()) == [Outcome.UNKNOWN]
