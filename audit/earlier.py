"""What was found before: a saved report, or the report on a saved snapshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from audit.report import Report

if TYPE_CHECKING:
    from audit.model import Check


def earlier(path: str, checks: Callable[[], Mapping[str, Check]]) -> Report:
    """A report out of a file ("-": standard input); `checks` judge when it is a snapshot.

    Raises UsageError for what is neither.
    """
    from audit import snapshot
    from audit.saved import parse_report

    data = snapshot.read_json(path, "report or snapshot")
    name = snapshot.name_of(path)
    if not (isinstance(data, dict) and data.get("schema") == snapshot.SCHEMA):
        return parse_report(data, name)
    from audit.host import Host
    from audit.judgement import report_of

    recording = snapshot.parse(data, name)
    report, _ = report_of(Host(recording.source, recording.request), checks())
    if recording.recorded:
        report["generated"] = recording.recorded
    return report
