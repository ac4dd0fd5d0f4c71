"""lxc-preflight report"""

from __future__ import annotations

import argparse
import sys

from audit.errors import Exit
from audit.options import add_plugins


def configure(parser: argparse.ArgumentParser) -> None:
    from reports import add_format

    parser.epilog = "example: lxc-preflight report audit.json --format html > audit.html"
    parser.add_argument("file", metavar="FILE", help='a saved JSON report ("-": standard input)')
    add_format(parser)
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="show every check, not only what needs attention",
    )
    add_plugins(parser)


def run(args: argparse.Namespace) -> int:
    from audit.saved import load_report
    from reports import renderer

    render = renderer(args.format, plugins=not args.no_plugins)
    render(load_report(args.file), sys.stdout, verbose=args.verbose)
    return Exit.PASSED
