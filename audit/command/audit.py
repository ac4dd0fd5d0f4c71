"""lxc-preflight audit"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from audit.gate import AT_OR_ABOVE, exit_code
from audit.options import (
    add_plugins,
    add_source,
    add_subject,
    checks_of,
    host_of,
    warn,
)

if TYPE_CHECKING:
    from audit.report import BaselineEntry, Report
    from audit.waivers import Waiver
    from reports import Renderer


def configure(parser: argparse.ArgumentParser) -> None:
    from reports import add_format

    parser.epilog = """\
exit code: 0 passed; 1 a finding at or above --fail-on; 2 unusable input;
3 nothing failed, but a blocking check could not be decided, or a check or plugin crashed

example: sudo lxc-preflight audit --user alice --format json"""
    add_subject(parser)
    add_source(parser)
    out = parser.add_argument_group("what comes out")
    add_format(out)
    out.add_argument(
        "--save",
        metavar="FILE",
        action="append",
        default=[],
        help="also write a report, format by suffix (.html .json .md .prom .sarif .xml); "
        "may be repeated",
    )
    out.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="show every check, not only what needs attention",
    )
    gate = parser.add_argument_group("the gate")
    gate.add_argument(
        "--fail-on",
        choices=tuple(AT_OR_ABOVE),
        default="blocking",
        help="the least level that makes the exit code 1 (default: blocking); with never, "
        "findings do not, and what could not be decided still makes it 3",
    )
    gate.add_argument(
        "--select",
        metavar="IDS",
        action="append",
        default=[],
        help="show and count only these checks (globs, comma separated; may be repeated)",
    )
    gate.add_argument(
        "--ignore",
        metavar="IDS",
        action="append",
        default=[],
        help="do not show or count these checks; the predictions stay what they are",
    )
    gate.add_argument(
        "--waivers",
        metavar="FILE",
        help="known and accepted findings: TOML, [[waiver]] with check, reason, and if you like "
        "user, host, subject, expires",
    )
    gate.add_argument(
        "--baseline",
        metavar="FILE",
        help="an earlier report or snapshot: only what is new or worse since then counts",
    )
    add_plugins(gate)


def run(args: argparse.Namespace) -> int:
    from audit.judgement import report_of
    from audit.selection import demand_known, selection, without_match
    from reports import renderer, renderer_by_suffix, shows_script

    plugins = not args.no_plugins
    render = renderer(args.format, plugins=plugins)
    saved = [(path, renderer_by_suffix(path, plugins=plugins)) for path in args.save]
    waivers: tuple[Waiver, ...] = ()
    if args.waivers is not None:
        from audit.waivers import load

        waivers = load(args.waivers)
    host = host_of(args)
    checks = checks_of(args)
    baseline: Report | None = None
    if args.baseline is not None:
        from audit.earlier import earlier

        baseline = earlier(args.baseline, lambda: checks)
    chosen = selection(args.select, args.ignore)
    demand_known(chosen, checks)
    for pattern in without_match(chosen.ignore, checks):
        warn(f"--ignore {pattern}: no check has such an id")
    report, idle = report_of(host, checks, chosen=chosen, waivers=waivers)
    for waiver in idle:
        warn(f"{args.waivers}: the waiver for {waiver.check} is about no check there is")
    if baseline is not None:
        report["baseline"] = _compared(baseline, report, args.baseline)
    if any(shows_script(one) for one in (render, *(one for _, one in saved))):
        from audit.scripting import offered

        report["script"] = offered(host, checks)
    for path, render_saved in saved:
        save(report, path, render_saved)
    render(report, sys.stdout, verbose=args.verbose)
    return exit_code(report, args.fail_on)


def _compared(baseline: Report, report: Report, path: str) -> BaselineEntry:
    """What got worse since the baseline, with a warning when that is about somebody else."""
    from audit.comparison import against

    about = []
    for one in (baseline, report):
        user = one["user"]["name"] if one["user"] else "nobody"
        about.append(f"{user} on {one['host']['hostname'] or 'some host'}")
    if about[0] != about[1]:
        warn(f"{path} is about {about[0]}, and this report about {about[1]}")
    return against(baseline, report)


def save(report: Report, path: str, render: Renderer) -> None:
    """Write a report to a file, every check in it."""
    from io import StringIO

    from audit.output import write_file

    text = StringIO()
    render(report, text, verbose=True)
    write_file(path, text.getvalue())
