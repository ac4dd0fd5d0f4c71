"""What holds for every check of checks/network."""

from __future__ import annotations

import pytest

from audit.model import NETWORK, STARTING
from audit.testing import judged
from tests.checks.network import test_bridge, test_interfaces, test_usernet
from tests.checks.network.rows import EVERY, FAIL, NA, PASS, WORKING
from tests.recordings import changed

TABLE = (*test_bridge.TABLE, *test_interfaces.TABLE, *test_usernet.TABLE)
NETWORK_CHECKS = sorted(name for name in EVERY if name.startswith("network."))


@pytest.mark.parametrize("name", NETWORK_CHECKS)
def test_every_check_has_a_case_that_fails(name: str) -> None:
    assert any(row.check == name.removeprefix("network.") and row.outcome is FAIL for row in TABLE)


@pytest.mark.parametrize("name", NETWORK_CHECKS)
def test_a_working_veth_stops_no_start(name: str) -> None:
    check = EVERY[name]
    if check.stages:
        outcomes = {finding.outcome for finding in judged(check, changed(WORKING, {})).findings}
        assert outcomes <= {PASS, NA}


def test_what_decides_about_the_start_decides_about_all_that_comes_after_it() -> None:
    for name in NETWORK_CHECKS:
        assert EVERY[name].stages in ((), (NETWORK,), STARTING)
