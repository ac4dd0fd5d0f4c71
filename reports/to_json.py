"""The report as JSON: `lxc-preflight/report/1`, see report.schema.json beside this file."""

from __future__ import annotations

from json import dumps
from typing import TextIO

from audit.report import Report

SUFFIX = ".json"


def render(report: Report, out: TextIO, *, verbose: bool = False) -> None:
    """Write the whole report, a finding a line, so that grep and diff are of use.

    Pure ASCII, so that nothing in it acts on a terminal. Not dumps(indent=1): that is the slow
    encoder, several milliseconds of a whole audit.
    """
    lines = [f" {dumps(key)}: {dumps(value)}" for key, value in report.items() if key != "findings"]
    findings = ",\n  ".join(map(dumps, report["findings"]))
    out.write("{\n" + ",\n".join(lines) + ',\n "findings": [\n  ' + findings + "\n ]\n}\n")
