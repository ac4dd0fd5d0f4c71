"""The exit code of a report, decided in one place."""

from __future__ import annotations

from audit.errors import Exit
from audit.model import Level, Outcome
from audit.report import Report, column, counts_for_the_gate

# --fail-on LEVEL -> the levels at or above it; info never fails a gate.
AT_OR_ABOVE: dict[str, tuple[Level, ...]] = {
    "blocking": (Level.BLOCKING,),
    "degraded": (Level.BLOCKING, Level.DEGRADED),
    "hardening": (Level.BLOCKING, Level.DEGRADED, Level.HARDENING),
    "never": (),
}


def exit_code(report: Report, fail_on: str) -> Exit:
    """0, 1 or 3 by the findings that are in the report, with a baseline by what is new or worse.

    1: one failed at or above `fail_on` and is not waived, whatever else happened.
    3: otherwise, when a check crashed, or when a blocking check could not be decided and no other
       blocking one has settled the matter by failing (which takes --fail-on never to get here).
    """
    counted = [
        (finding["level"], column(finding))
        for finding, counts in zip(report["findings"], counts_for_the_gate(report), strict=True)
        if counts
    ]
    if any(level in AT_OR_ABOVE[fail_on] and what == "fail" for level, what in counted):
        return Exit.FOUND
    if any(what == Outcome.ERROR for _, what in counted):
        return Exit.UNDECIDED
    blocking = {what for level, what in counted if level == Level.BLOCKING}
    if "unknown" in blocking and "fail" not in blocking:
        return Exit.UNDECIDED
    return Exit.PASSED
