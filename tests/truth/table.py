"""Prediction against reality: one row per case, way of asking, container and stage."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple


class Row(NamedTuple):
    """`verdict`: right, wrong, unknown, or crashed (no report)."""

    case: str
    way: str
    stage: str
    predicted: str
    reality: str
    verdict: str
    because: str
    error: str


def rows(result: dict[str, Any]) -> list[Row]:
    """The rows of one case's result."""
    name = result["case"]
    if "crashed" in result:
        return [Row(name, "", "", "", "", "crashed", "", result["crashed"][-300:])]
    found: list[Row] = []
    real = {
        "new": {
            "create": result["create"],
            "start": result["start"],
            "bare_start": result["start"],
        },
        "base": {"start": result["start_base"], "bare_start": result["start_base"]},
    }
    for container, reports in result["reports"].items():
        for way, report in reports.items():
            if result["in_session"] and way != "user":
                continue  # root is asked about the next login, and that one is not broken
            if way == "user" and result["locked_out"]:
                continue  # who cannot log in cannot ask
            label = f"{way}/{container}"
            if container == "base" and "there is no container" in report.get("failed", ""):
                continue  # refused with exit code 2: nothing was predicted
            if "stages" not in report:
                found.append(
                    Row(name, label, "", "", "", "crashed", "", report.get("failed", "")[-300:])
                )
                continue
            for stage, outcome in real[container].items():
                if outcome["works"] is not None:
                    found.append(
                        _row(name, label, stage, report, outcome["works"], outcome["error"])
                    )
            limits = result["limits"]
            if limits["wanted"]:
                works = limits["wanted"] == [f"{k}={v}" for k, v in limits["found"].items()]
                found.append(_row(name, label, "limits", report, works, str(limits["found"])))
    restored = result.get("restored", {})
    if restored.get("verdict") != "ready":
        found.append(
            Row(
                name,
                "restored",
                "",
                str(restored.get("verdict")),
                "ready",
                "wrong",
                _because(restored),
                restored.get("failed", ""),
            )
        )
    return found


def _row(name: str, way: str, stage: str, report: dict[str, Any], works: bool, error: str) -> Row:
    said = report["stages"][stage]
    reality = "yes" if works else "no"
    verdict = (
        "unknown"
        if said["verdict"] == "unknown"
        else "right"
        if said["verdict"] == reality
        else "wrong"
    )
    because = "" if said["verdict"] == "yes" else ",".join(said["because"][:6])
    return Row(name, way, stage, said["verdict"], reality, verdict, because, error)


def _because(report: dict[str, Any]) -> str:
    return ",".join(
        f["check"] for f in report.get("findings", ()) if f["outcome"] in ("fail", "error")
    )


def line(row: Row) -> str:
    """A row for eyes."""
    return (
        f"{row.verdict:8} {row.case:28} {row.way:14} {row.stage:10} said {row.predicted:8}"
        f" is {row.reality:4} {row.because}  {row.error}"
    )


def totals(every: list[Row]) -> str:
    """Right, wrong and unknown per stage."""
    lines = []
    for stage in ("create", "start", "bare_start", "limits", ""):
        count = Counter(row.verdict for row in every if row.stage == stage)
        if count:
            lines.append(
                f"{stage or 'other':10} " + "  ".join(f"{k} {v}" for k, v in sorted(count.items()))
            )
    return "\n".join(lines)
