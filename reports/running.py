"""What the runner's commands print: one line for what is up, and why something is not."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

from audit.untrusted import visible

if TYPE_CHECKING:
    from audit.report import FindingEntry, Report
    from runner.diagnosis import Explanation


def up_line(up: Mapping[str, Any], format: str) -> None:
    """One line with name, state, pid, addresses and seconds; or JSON."""
    if format == "json":
        import json

        words = {key: up[key] for key in ("name", "state", "pid", "addresses", "seconds", "way")}
        words["seconds"] = round(up["seconds"], 3)
        sys.stdout.write(json.dumps(words) + "\n")
        return
    parts = [str(up["name"]), str(up["state"])]
    if up["pid"]:
        parts.append(f"pid {up['pid']}")
    parts += [f"address {one}" for one in up["addresses"]]
    parts.append(f"in {up['seconds']:.2f} s")
    sys.stdout.write(visible("  ".join(parts)) + "\n")


def dry_run(config: str, commands: Iterable[str], way: str) -> None:
    """What a run would write and call."""
    lines = ["the gate is open; this would happen:", "", "the config:"]
    lines += [f"    {line}" for line in config.rstrip("\n").split("\n")]
    lines += ["", "the commands:", *(f"    {line}" for line in commands)]
    lines += ["", f"started {way}"]
    sys.stdout.write("\n".join(visible(line) for line in lines) + "\n")


def refusal(report: Report, findings: Iterable[FindingEntry], *, undecided: bool) -> None:
    """Why the gate is closed: each finding with its proof and its cure, on standard error."""
    from reports.terminal import Page
    from reports.to_text import write_finding

    page = Page(sys.stderr)
    user = report["user"]["name"] if report["user"] else ""
    findings = list(findings)
    count = f"{len(findings)} thing{'' if len(findings) == 1 else 's'}"
    ids = ",".join(dict.fromkeys(one["check"] for one in findings))
    if undecided:
        page.line((f"not run: {count} could not be decided", "bold"))
    else:
        page.line((f"not run: {count} stop{'s' if len(findings) == 1 else ''} it", "bold"))
    for one in findings:
        page.blank()
        write_finding(page, one, "unknown" if undecided else "fail", user)
    page.blank()
    if undecided:
        page.line("next: let the audit try them (audit --probe), or take the risk:")
        page.command(f"--accept-unknown '{ids}'", indent=4)
    else:
        page.line("next: cure what stops it, then run again")


def explanations(found: Iterable[Explanation], out: TextIO, format: str = "text") -> None:
    """What explains a failure, the likeliest first."""
    if format == "json":
        import json

        out.write(json.dumps([one._asdict() for one in found], indent=1) + "\n")
        return
    from reports.terminal import Page
    from reports.to_text import write_finding

    page = Page(out)
    shown = False
    for one in found:
        shown = True
        page.blank()
        page.line((f"{one.check}", "bold"), f": {one.title}")
        page.line((f"because it says: {one.line}", "dim"), indent=4, hang=2)
        for finding in one.findings:
            page.line("and on this host it is true:", indent=4)
            write_finding(page, finding, "fail", "")
        if not one.findings:
            page.line(f"on this host: {one.here}", indent=4, hang=2)
    if not shown:
        page.line("nothing in it is known to diagnose")
