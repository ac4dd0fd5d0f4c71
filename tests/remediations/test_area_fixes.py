"""Every failure of cgroup.*, systemd.* and network.* that the tests of those checks know has a fix:
one whose commands a shell can read, or exact words for a person.
"""

from __future__ import annotations

import subprocess
from functools import cache

import pytest

from audit.engine import level_of
from audit.model import Finding, Level, Outcome
from audit.registry import builtin
from audit.testing import judged
from remediations.actions import Manual, Run
from remediations.verbs import call
from tests.checks.cgroup import test_checks
from tests.checks.network import rows, test_network

CHECKS = builtin()
MATTERS = (Level.BLOCKING, Level.DEGRADED)
BY_NATURE = {"systemd.version": "another release of the distribution has a newer one"}


AREAS = [name for name in sorted(CHECKS) if name.startswith(("cgroup.", "systemd.", "network."))]


@cache
def failures() -> dict[str, list[Finding]]:
    """What each check says where it fails."""
    found: dict[str, list[Finding]] = {name: [] for name in AREAS}
    for case in test_checks.CASES:
        host = case.make().host(case.guest)
        found[case.check] += judged(CHECKS[case.check], host).findings
    for row in test_network.TABLE:
        found[f"network.{row.check}"] += rows.found(row)
    return {
        name: [one for one in findings if one.outcome is Outcome.FAIL]
        for name, findings in found.items()
    }


@pytest.mark.parametrize("name", AREAS)
def test_a_failure_that_matters_has_a_cure(name: str) -> None:
    assert failures()[name] or name == "cgroup.inner_processes"  # no host of the tests has it
    for finding in failures()[name]:
        if level_of(CHECKS[name], finding) in MATTERS and name not in BY_NATURE:
            assert finding.fix is not None and finding.fix.actions and finding.fix.title, finding
        for action in finding.fix.actions if finding.fix is not None else ():
            subprocess.run(["sh", "-n", "-c", call(action)], check=True)
            if isinstance(action, Manual):
                assert action.lines and all(line.isprintable() for line in action.lines)
            if isinstance(action, Run):
                subprocess.run(["sh", "-n", "-c", action.command], check=True)
                again = action.unless or action.undo == action.command
                assert again, f"a second run would do it again: {action.command}"
