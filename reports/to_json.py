"""The report as JSON: `lxc-preflight/report/1`, see report.schema.json beside this file."""

from __future__ import annotations

import json
from typing import TextIO

from audit.report import Report

SUFFIX = ".json"


def render(report: Report, out: TextIO, *, verbose: bool = False) -> None:
    """Write the whole report; pure ASCII, so that nothing in it acts on a terminal."""
    out.write(json.dumps(report, indent=1))
    out.write("\n")
