"""lxc-preflight diff"""

from __future__ import annotations

import argparse
import sys

from audit.errors import Exit
from audit.options import add_plugins, checks_of


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = """\
exit code: 0 nothing got worse; 1 something did; 2 unusable input

example: lxc-preflight diff before.json after.json"""
    parser.add_argument("a", metavar="A", help="a saved report or snapshot, the earlier one")
    parser.add_argument("b", metavar="B", help="the later one")
    parser.add_argument(
        "--format",
        choices=("text", "json", "html"),
        default="text",
        help="text (default), json or html",
    )
    add_plugins(parser)


def run(args: argparse.Namespace) -> int:
    from audit.comparison import compare, is_regression
    from audit.earlier import earlier

    before, after = (earlier(path, lambda: checks_of(args)) for path in (args.a, args.b))
    difference = compare(before, after)
    if args.format == "json":
        import json

        sys.stdout.write(json.dumps(difference, indent=1) + "\n")
    elif args.format == "html":
        from reports.html.differences import render as render_page

        render_page(difference, sys.stdout)
    else:
        from reports.differences import render

        render(difference, sys.stdout)
    return Exit.FOUND if is_regression(difference) else Exit.PASSED
