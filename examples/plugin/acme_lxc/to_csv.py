"""A line for each finding that needs attention, for a spreadsheet."""

import csv

from audit.report import Report, column
from audit.untrusted import visible

SUFFIX = ".csv"
HEAD = ("check", "level", "outcome", "message")


def render(report: Report, out, *, verbose=False):
    """Write the table; `verbose` adds what passed and what does not apply."""
    table = csv.writer(out, lineterminator="\n")
    table.writerow(HEAD)
    for finding in report["findings"]:
        what = column(finding)
        if verbose or what not in ("pass", "not_applicable"):
            table.writerow(
                cell(one) for one in (finding["check"], finding["level"], what, finding["message"])
            )


def cell(text):
    """Text that a spreadsheet takes for no formula: what begins with one of these signs is one."""
    text = visible(text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
