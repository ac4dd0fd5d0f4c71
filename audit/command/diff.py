"""lxc-preflight diff"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from audit.errors import Exit
from audit.options import add_plugins, checks_of

if TYPE_CHECKING:
    from audit.report import Report


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = """\
exit code: 0 nothing got worse; 1 something did; 2 unusable input

example: lxc-preflight diff before.json after.json"""
    parser.add_argument("a", metavar="A", help="a saved report or snapshot, the earlier one")
    parser.add_argument("b", metavar="B", help="the later one")
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="text (default) or json"
    )
    add_plugins(parser)


def run(args: argparse.Namespace) -> int:
    from audit.comparison import compare, is_regression

    before, after = _report(args.a, args), _report(args.b, args)
    difference = compare(before, after)
    if args.format == "json":
        import json

        sys.stdout.write(json.dumps(difference, indent=1) + "\n")
    else:
        from reports.differences import render

        render(difference, sys.stdout)
    return Exit.FOUND if is_regression(difference) else Exit.PASSED


def _report(path: str, args: argparse.Namespace) -> Report:
    """A saved report, or the report on a saved snapshot."""
    from audit import snapshot
    from audit.saved import parse_report

    data = snapshot.read_json(path, "report or snapshot")
    name = snapshot.name_of(path)
    if not (isinstance(data, dict) and data.get("schema") == snapshot.SCHEMA):
        return parse_report(data, name)
    from audit.host import Host
    from audit.judgement import report_of

    recording = snapshot.parse(data, name)
    report, _ = report_of(Host(recording.source, recording.request), checks_of(args))
    if recording.recorded:
        report["generated"] = recording.recorded
    return report
