"""lxc-preflight checks"""

from __future__ import annotations

import argparse
import sys

from audit.errors import Exit, UsageError
from audit.options import add_plugins, checks_of


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "example: lxc-preflight checks 'network.*'"
    parser.add_argument("ids", nargs="*", metavar="IDS", help="only these (globs); default: all")
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="text (default) or json"
    )
    add_plugins(parser)


def run(args: argparse.Namespace) -> int:
    from audit.selection import did_you_mean, matches, selection, without_match

    checks = checks_of(args)
    patterns = selection(args.ids, ()).select
    for pattern in without_match(patterns, checks):
        raise UsageError(f"{pattern}: no check has such an id{did_you_mean(pattern, checks)}")
    chosen = [one for one in checks.values() if not patterns or matches(one, patterns)]
    chosen.sort(key=lambda one: one.id)
    if args.format == "json":
        import json

        rows = [
            {
                "id": one.id,
                "area": one.area,
                "title": one.title,
                "level": one.level,
                "stages": list(one.stages),
                "after": list(one.after),
                "aliases": list(one.aliases),
            }
            for one in chosen
        ]
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return Exit.PASSED
    from audit.untrusted import visible

    width = max(len(one.id) for one in chosen)
    for one in chosen:
        print(f"{one.id:<{width}}  {one.level.value:<9}  {visible(one.title)}")
    return Exit.PASSED
