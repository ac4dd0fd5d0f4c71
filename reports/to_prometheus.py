"""Metrics for the textfile collector of Prometheus' node_exporter.

`lxc-preflight audit --save /var/lib/node_exporter/lxc_preflight_alice.prom` writes the file whole
or not at all, as the collector wants it.
"""

from __future__ import annotations

from calendar import timegm
from collections.abc import Iterator, Mapping
from time import strptime
from typing import TextIO

from audit.model import Outcome
from audit.report import Report, column
from audit.untrusted import visible

SUFFIX = ".prom"
VERDICTS = ("ready", "not-ready", "unknown")
ANSWERS = ("yes", "no", "unknown")
Sample = tuple[Mapping[str, str], float]


def render(report: Report, out: TextIO, *, verbose: bool = False) -> None:
    """Write the exposition format, version 0.0.4."""
    user = report["user"]["name"] if report["user"] else ""
    for name, meaning, samples in _metrics(report):
        out.write(f"# HELP {name} {meaning}\n# TYPE {name} gauge\n")
        for labels, value in samples:
            every = {"user": user, **labels}
            shown = ",".join(f'{label}="{escaped(text)}"' for label, text in every.items())
            out.write(f"{name}{{{shown}}} {value:.15g}\n")


def escaped(text: str) -> str:
    """A label's value: backslash, quote and line break escaped."""
    return visible(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _metrics(report: Report) -> Iterator[tuple[str, str, list[Sample]]]:
    yield (
        "lxc_preflight_verdict",
        "1 for the verdict that holds: ready, not-ready or unknown.",
        [({"verdict": word}, float(report["verdict"] == word)) for word in VERDICTS],
    )
    yield (
        "lxc_preflight_stage",
        "1 for the answer that is predicted for a stage: yes, no or unknown.",
        [
            ({"stage": name, "answer": answer}, float(one["verdict"] == answer))
            for name, one in report["stages"].items()
            for answer in ANSWERS
        ],
    )
    yield (
        "lxc_preflight_findings",
        "Findings by level and outcome; a waived failure counts as waived.",
        [
            ({"level": level, "outcome": outcome}, float(number))
            for level, counts in report["summary"].items()
            for outcome, number in counts.items()
        ],
    )
    yield (
        "lxc_preflight_check_failed",
        "Failures of a check that are not waived; only checks that fail are listed.",
        list(_failed(report)),
    )
    generated = _seconds(report["generated"])
    if generated is not None:
        yield (
            "lxc_preflight_generated_timestamp_seconds",
            "When the audit was made.",
            [({}, generated)],
        )
    yield (
        "lxc_preflight_duration_seconds",
        "How long the audit took.",
        [({}, report["duration_ms"] / 1000)],
    )
    host = report["host"]
    facts = {
        "version": report["tool"].get("version", ""),
        "lxc": host["lxc"] or "",
        "kernel": host["kernel"] or "",
        "cgroup": host["cgroup"] or "",
        "init": host["init"] or "",
    }
    yield "lxc_preflight_info", "Always 1; its labels tell what was audited.", [(facts, 1.0)]


def _failed(report: Report) -> Iterator[Sample]:
    counts: dict[tuple[str, str], int] = {}
    for one in report["findings"]:
        if column(one) == Outcome.FAIL:
            key = (one["check"], one["level"])
            counts[key] = counts.get(key, 0) + 1
    for (check, level), number in sorted(counts.items()):
        yield {"check": check, "level": level}, float(number)


def _seconds(generated: str) -> float | None:
    try:
        return float(timegm(strptime(generated, "%Y-%m-%dT%H:%M:%SZ")))
    except ValueError:  # a stranger's report
        return None
