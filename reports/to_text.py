"""The report for a person."""

from __future__ import annotations
from typing import TextIO
from audit.report import Report

SUFFIX = ""


def render(report: Report, out: TextIO, *, verbose: bool = False) -> None:
    out.write(report["verdict"] + "\n")
