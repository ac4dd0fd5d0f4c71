"""lxc-preflight list"""

from __future__ import annotations

import argparse

from audit.errors import Exit


def configure(parser: argparse.ArgumentParser) -> None:
    from runner.options import add_user

    parser.epilog = "example: lxc-preflight list --format json"
    parser.add_argument("--format", choices=("text", "json"), default="text")
    add_user(parser)


def run(args: argparse.Namespace) -> int:
    from runner.calling import for_user

    def work() -> int:
        from reports.tables import containers
        from runner.life import listing

        containers([row._asdict() for row in listing()], args.format)
        return Exit.PASSED

    return for_user(args, work)
