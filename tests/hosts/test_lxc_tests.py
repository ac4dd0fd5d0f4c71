"""LXC's own scripts after our fix and run.

They pass on this host before it, too (docs/lxc-tests.md): `python -m tests.hosts.lxc_tests` runs
them before and after, with every kind of cgroups.
"""

from __future__ import annotations

import pytest

from tests.hosts import image, lxc_tests, machine


def test_lxcs_own_scripts_pass_on_a_host_that_we_have_fixed_and_used() -> None:
    if reason := machine.obstacle():
        pytest.skip(reason)
    try:
        trial = lxc_tests.tried("hybrid", before=False)
    except image.NoImage as why:
        pytest.skip(str(why))
    for line, (code, printed) in trial.ours.items():
        assert code == 0, f"{line}: {printed[-3000:]}"
    assert set(trial.after) == set(lxc_tests.SCRIPTS)
    for script, found in trial.after.items():
        assert found.passed, f"{script}: {found.printed[-3000:]}"
        assert "PASS" in found.last
