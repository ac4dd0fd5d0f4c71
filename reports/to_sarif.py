"""SARIF 2.1.0, which code scanning services read (OASIS, sarif-v2.1.0-os).

Failures are results of kind `fail`, what could not be decided is `open`; what passed, does not
apply or is a consequence is left out. A waiver is a suppression. A fingerprint is made of what
stays the same from run to run: host, user, check and subject, and never the message.
"""

from __future__ import annotations

from collections.abc import Iterable
from json import dumps
from typing import Any, TextIO

from audit.model import Level, Outcome
from audit.report import (
    EvidenceEntry,
    FindingEntry,
    Key,
    Report,
    column,
    counts_for_the_gate,
    keys,
)
from audit.untrusted import visible

SUFFIX = ".sarif"
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {
    Level.BLOCKING: "error",
    Level.DEGRADED: "warning",
    Level.HARDENING: "note",
    Level.INFO: "note",
}
SHOWN = (Outcome.FAIL, Outcome.UNKNOWN)
BASE = "HOST"


def render(report: Report, out: TextIO, *, verbose: bool = False) -> None:
    """Write one run."""
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report)]}
    out.write(dumps(document, indent=1) + "\n")


def _run(report: Report) -> dict[str, Any]:
    findings = report["findings"]
    rows = zip(keys(findings), findings, counts_for_the_gate(report), strict=True)
    shown = [row for row in rows if row[1]["outcome"] in SHOWN]
    rules = _first_of_each(one for _, one, _ in shown)
    places = {one["check"]: place for place, one in enumerate(rules)}
    user = report["user"]["name"] if report["user"] else ""
    host = report["host"]["hostname"] or ""
    crashed = [one for one in findings if one["outcome"] == Outcome.ERROR]
    return {
        "tool": {
            "driver": {
                "name": visible(report["tool"].get("name", "lxc-preflight")),
                "version": visible(report["tool"].get("version", "")),
                "rules": [_rule(report, one) for one in rules],
            }
        },
        "automationDetails": {"id": f"lxc-preflight/{visible(host)}/{visible(user)}/"},
        "invocations": [
            {
                "executionSuccessful": not crashed,
                "endTimeUtc": visible(report["generated"]),
                "toolExecutionNotifications": [
                    {
                        "level": "error",
                        "message": {"text": visible(f"{one['check']}: {one['message']}")},
                    }
                    for one in crashed
                ],
            }
        ],
        "originalUriBaseIds": {BASE: {"uri": "file:///"}},
        "columnKind": "unicodeCodePoints",
        "properties": {
            "verdict": report["verdict"],
            "stages": {name: one["verdict"] for name, one in report["stages"].items()},
        },
        "results": [
            _result(report, key, one, places[one["check"]], is_new=is_new)
            for key, one, is_new in shown
        ],
    }


def _first_of_each(findings: Iterable[FindingEntry]) -> list[FindingEntry]:
    return list({one["check"]: one for one in reversed(tuple(findings))}.values())[::-1]


def _rule(report: Report, finding: FindingEntry) -> dict[str, Any]:
    title = visible(finding["title"]) or visible(finding["check"])
    rule: dict[str, Any] = {
        "id": visible(finding["check"]),
        "shortDescription": {"text": title},
        "defaultConfiguration": {"level": LEVELS[Level(finding["level"])]},
        "properties": {"tags": [visible(finding["area"]), finding["level"]]},
    }
    explained = report["explanations"].get(finding["check"])
    if explained:
        words = (explained["what"], f"Why: {explained['why']}", f"See: {explained['see']}")
        rule["help"] = {"text": "\n\n".join(_lines(text) for text in words)}
    return rule


def _lines(text: str) -> str:
    return "\n".join(visible(line) for line in text.split("\n"))


def _result(
    report: Report, key: Key, finding: FindingEntry, rule: int, *, is_new: bool
) -> dict[str, Any]:
    is_failed = finding["outcome"] == Outcome.FAIL
    result: dict[str, Any] = {
        "ruleId": visible(finding["check"]),
        "ruleIndex": rule,
        "kind": "fail" if is_failed else "open",
        "level": LEVELS[Level(finding["level"])] if is_failed else "none",
        "message": {"text": _message(finding)},
        "locations": [_location(one) for one in finding["evidence"][:10]],
        "partialFingerprints": {"lxcPreflight/v1": _fingerprint(report, key)},
        "properties": {
            "level": finding["level"],
            "stages": finding["stages"],
            "subject": visible(finding["subject"]),
        },
    }
    if finding["fix"] is not None:
        result["properties"]["fix"] = [visible(step) for step in finding["fix"]["steps"]]
    if column(finding) == "waived" and finding["waiver"] is not None:
        result["suppressions"] = [
            {
                "kind": "external",
                "status": "accepted",
                "justification": visible(finding["waiver"]["reason"]),
            }
        ]
    if report["baseline"] is not None:
        result["baselineState"] = "new" if is_new else "unchanged"
    return result


def _message(finding: FindingEntry) -> str:
    text = visible(finding["message"]) or visible(finding["check"])
    fix = finding["fix"]
    return text if fix is None else f"{text}. To cure it: {visible(fix['title'])}"


def _location(evidence: EvidenceEntry) -> dict[str, Any]:
    """A file of the host by its path below /, anything else by its name."""
    from urllib.parse import quote

    source = visible(evidence["source"])
    if not source.startswith("/"):
        return {"logicalLocations": [{"fullyQualifiedName": source or "host"}]}
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(source[1:]), "uriBaseId": BASE}}
    if evidence["line"]:
        snippet = {"text": visible(evidence["observed"])}
        place["region"] = {"startLine": evidence["line"], "snippet": snippet}
    return {"physicalLocation": place}


def _fingerprint(report: Report, key: Key) -> str:
    from hashlib import sha256

    user = report["user"]["name"] if report["user"] else ""
    parts = [report["host"]["hostname"] or "", user, key[0], key[1], str(key[2])]
    return sha256(dumps(parts).encode()).hexdigest()
