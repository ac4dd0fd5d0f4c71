"""lxc-preflight report"""

from __future__ import annotations

import argparse
import sys

from audit.errors import Exit


def configure(parser: argparse.ArgumentParser) -> None:
    from reports import formats

    parser.epilog = "example: lxc-preflight report audit.json --format text"
    parser.add_argument("file", metavar="FILE", help='a saved JSON report ("-": standard input)')
    parser.add_argument(
        "--format", choices=formats(), default="text", help="on standard output (default: text)"
    )
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="show every check, not only what needs attention",
    )


def run(args: argparse.Namespace) -> int:
    from audit.saved import load_report
    from reports import renderer

    renderer(args.format)(load_report(args.file), sys.stdout, verbose=args.verbose)
    return Exit.PASSED
