"""How long a report takes to render, and whether ten times the findings take ten times as long."""

from __future__ import annotations

import gc
import io
import time

from audit.report import FindingEntry, Report
from reports import formats, renderer
from tests.reports.examples import example

MANY = 1_000
MAX_MS = {"html": 500.0}
MAX_GROWTH = 11.0


def rendering(runs: int) -> bool:
    """The table of formats: a broken host's findings over and over, a third of them failing.

    Processor time, and the best of a few runs: nothing here waits for anything, and what else runs
    on the machine must not count.
    """
    heads = ("format", f"{MANY} findings, ms", "at most", f"{10 * MANY} findings, ms")
    print(f"| {' | '.join(heads)} | ratio | at most |")
    print("|---|---|---|---|---|---|")
    good = True
    for name in formats():
        render = renderer(name, plugins=False)
        took: list[float] = []
        for size in (MANY, 10 * MANY):
            report = of_size(size)
            times: list[float] = []
            for _ in range(max(3, runs // 3)):
                gc.collect()
                started = time.process_time()
                render(report, io.StringIO(), verbose=True)
                times.append((time.process_time() - started) * 1000)
            took.append(min(times))
        limit, ratio = MAX_MS.get(name), took[1] / took[0]
        good = good and took[0] <= (limit or took[0]) and ratio <= MAX_GROWTH
        cells = (name, f"{took[0]:.1f}", f"{limit:g}" if limit else "-", f"{took[1]:.1f}")
        print(f"| {' | '.join(cells)} | {ratio:.1f} | {MAX_GROWTH:g} |", flush=True)
    print()
    return good


def of_size(size: int) -> Report:
    """A report with so many findings, each of a check of its own."""
    report = example("broken")
    failing = [one for one in report["findings"] if one["outcome"] == "fail"]
    others = [one for one in report["findings"] if one["outcome"] != "fail"]
    findings: list[FindingEntry] = []
    for number in range(size):
        pool = others if number % 3 else failing
        one = pool[number % len(pool)].copy()
        one["check"] = f"{one['check']}_{number}"
        findings.append(one)
    report["findings"] = findings
    return report
