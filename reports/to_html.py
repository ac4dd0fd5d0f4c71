"""The report as one HTML file: it opens from disk, asks no network, and works without JavaScript.

A Content-Security-Policy in the page allows the one style and the one script in it, by their
hashes, and nothing else. Every text of the host goes through `visible` and autoescape.
"""

from __future__ import annotations

from typing import TextIO

from audit.report import Report

SUFFIX = ".html"
SHOWS_SCRIPT = True  # of `fix`: the audit works it out for formats that do


def render(report: Report, out: TextIO, *, verbose: bool = False) -> None:
    """Write the page; it always has every check, folded."""
    from reports.html.content import content
    from reports.html.page import write

    write("report.html.j2", content(report), out)
