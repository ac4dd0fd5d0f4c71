"""The whole fix as one script: the one place that decides what it says."""

from __future__ import annotations

from audit.model import Level
from audit.report import Report, column

LEVELS = (Level.BLOCKING, Level.DEGRADED)
THEN = {
    "re-login": "log out of every session and in again",
    "reboot": "reboot",
}


def script_text(report: Report) -> str:
    """What `fix` prints for this host, where the report has it.

    Else the commands that cure what stops or degrades containers; empty when there are none. In the
    order of the findings, each command once. Comments hold what came from the host on one
    line each: a line break in a message must not begin a command.
    """
    if report["script"]:
        return report["script"]
    from audit.untrusted import visible

    lines: list[str] = []
    seen: set[str] = set()
    after: list[str] = []
    for level in LEVELS:
        for finding in report["findings"]:
            fix = finding["fix"]
            if fix is None or finding["level"] != level or column(finding) != "fail":
                continue
            steps = [step for step in fix["steps"] if step not in seen]
            if not steps:
                continue
            seen.update(steps)
            who = f" (as {' and '.join(fix['needs'])})" if fix["needs"] else ""
            lines += ["", f"# {visible(finding['check'])}: {visible(fix['title'])}{visible(who)}"]
            lines += steps
            if fix["then"] and fix["then"] not in after:
                after.append(fix["then"])
    if not lines:
        return ""
    lines += [f"\n# then {visible(THEN.get(then, then))}" for then in after]
    return "\n".join(["#!/bin/sh", "set -eu", *lines]) + "\n"
