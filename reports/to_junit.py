"""JUnit XML as Jenkins and GitLab read it: a suite for each area, a case for each finding.

Failures: what is blocking or degraded and not waived. Errors: what crashed, and what is blocking
and could not be decided. Everything else that did not pass is skipped, with its reason: a pipeline
that shows red tests should be one whose containers do not run.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, TextIO

from audit.model import Level
from audit.report import FindingEntry, Key, Report, column, counts_for_the_gate, keys
from audit.untrusted import visible

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SUFFIX = ".xml"
SERIOUS = (Level.BLOCKING, Level.DEGRADED)


def render(report: Report, out: TextIO, *, verbose: bool = False) -> None:
    """Write the document, in ASCII: whatever the output's encoding, it stays well-formed."""
    from xml.etree import ElementTree

    root = _suites(report)
    ElementTree.indent(root, " ")
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    out.write(ElementTree.tostring(root, encoding="us-ascii", xml_declaration=False).decode())
    out.write("\n")


def _suites(report: Report) -> Element:
    from xml.etree.ElementTree import Element, SubElement

    user = report["user"]["name"] if report["user"] else "nobody"
    root = Element("testsuites", name=visible(f"lxc-preflight for {user}"))
    findings = report["findings"]
    rows = list(zip(keys(findings), findings, counts_for_the_gate(report), strict=True))
    rows.sort(key=lambda row: row[1]["area"])
    for area, own in groupby(rows, key=lambda row: row[1]["area"]):
        suite = SubElement(root, "testsuite", name=visible(f"lxc-preflight.{area}"))
        counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
        for key, one, matters in own:
            counts["tests"] += 1
            kind = _case(suite, key, one, matters=matters)
            if kind:
                counts[kind] += 1
        for name, number in counts.items():
            suite.set(name, str(number))
        suite.set("time", "0")
        suite.set("hostname", visible(report["host"]["hostname"] or "unknown"))
        suite.set("timestamp", visible(report["generated"].rstrip("Z")))
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    return root


def _case(suite: Element, key: Key, finding: FindingEntry, *, matters: bool) -> str:
    """Add a case; the suite's count that it adds to, empty for one that passed."""
    from xml.etree.ElementTree import SubElement

    name = finding["check"]
    name += f" [{finding['subject']}]" if finding["subject"] else ""
    name += f" #{key[2]}" if key[2] > 1 else ""
    case = SubElement(
        suite,
        "testcase",
        name=visible(name),
        classname=visible(f"lxc-preflight.{finding['area']}"),
        time="0",
    )
    what = column(finding)
    if what == "pass":
        return ""
    message = visible(finding["message"])
    if what == "error":
        element, count = "error", "errors"
    elif not matters and what in ("fail", "unknown"):
        element, count, message = "skipped", "skipped", f"known to the baseline: {message}"
    elif what == "fail" and finding["level"] in SERIOUS:
        element, count = "failure", "failures"
    elif what == "unknown" and finding["level"] == Level.BLOCKING:
        element, count = "error", "errors"
    else:
        element, count = "skipped", "skipped"
        message = f"{what.replace('_', ' ')}, {finding['level']}: {message}"
    child = SubElement(case, element, message=message)
    if element != "skipped":
        child.set("type", finding["level"] if what == "fail" else what)
    child.text = _body(finding)
    return count


def _body(finding: FindingEntry) -> str | None:
    """Proof and cure, a line each."""
    lines: list[str] = []
    for one in finding["evidence"]:
        line = "" if one["line"] is None else f":{one['line']}"
        expected = f" (expected: {one['expected']})" if one["expected"] else ""
        lines.append(visible(f"{one['source']}{line} {one['observed']}{expected}"))
    fix, waiver = finding["fix"], finding["waiver"]
    if waiver is not None:
        until = waiver["expires"] or "for ever"
        lines.append(visible(f"waived until {until}: {waiver['reason']}"))
    if fix is not None:
        lines.append(visible(f"to cure it: {fix['title']}"))
        lines += [f"    {visible(step)}" for step in fix["steps"]]
    return "\n".join(lines) or None
