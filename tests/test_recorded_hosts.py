"""The audit on recordings of hosts that were booted: it still says what really happened there."""

from __future__ import annotations

import pytest

from audit.engine import run
from audit.host import Host
from audit.registry import builtin
from audit.source import Snapshot
from audit.verdict import predict
from tests.hosts.measured import PAGE, README, Measured, bad, page, stored, summary, with_summary
from tests.hosts.variants import MATRIX
from tests.recordings import BOOTED, host_names, recording

MEASURED = stored()
CONFIG = "/home/lxc/.config/lxc/default.conf"
V2 = "lxc.cgroup2.memory.max = 67108864\nlxc.cgroup2.pids.max = 99\n"
V1 = "lxc.cgroup.memory.limit_in_bytes = 67108864\nlxc.cgroup.pids.max = 99\n"


def said(name: str, more: str = "") -> dict[str, str]:
    """The predictions for a recorded host; `more` is added to the user's config."""
    mine = recording(f"{BOOTED}/{name}")
    answers = dict(mine.source.answers)
    for question, answer in answers.items():
        if question[1:2] == (CONFIG,) and isinstance(answer, str):
            answers[question] = answer + more
    results = run(builtin(), Host(Snapshot(answers), mine.request))
    return {stage: one.verdict for stage, one in predict(results).items()}


def wrong(predicted: dict[str, str], real: dict[str, bool]) -> list[str]:
    """The stages whose prediction reality contradicts."""
    return [
        f"{stage}: said {predicted[stage]}, is {works}"
        for stage, works in real.items()
        if predicted[stage] != "unknown" and predicted[stage] != ("yes" if works else "no")
    ]


@pytest.mark.parametrize("name", MEASURED)
def test_a_recorded_host_is_judged_as_it_turned_out_to_be(name: str) -> None:
    real = MEASURED[name].reality
    assert not wrong(said(name), real["new"])
    if "limited" in real:
        limits = V2 if MEASURED[name].cgroup == "unified" else V1
        assert not wrong(said(name, limits), real["limited"])


def test_what_was_measured_is_recorded_and_nothing_else() -> None:
    assert set(MEASURED) == {variant.name for variant in MATRIX}
    assert host_names() == sorted(f"{BOOTED}/{name}" for name in MEASURED)


def test_no_measurement_was_bad() -> None:
    assert [one.name for one in MEASURED.values() if bad(one)] == []


def test_the_pages_tell_what_was_measured() -> None:
    found: list[Measured] = list(MEASURED.values())
    assert PAGE.read_text() == page(found)
    assert summary(found) in README.read_text()
    assert README.read_text() == with_summary(README.read_text(), found)
