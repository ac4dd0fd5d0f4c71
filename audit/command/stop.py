"""lxc-preflight stop"""

from __future__ import annotations

import argparse

from audit.errors import Exit
from audit.options import warn


def configure(parser: argparse.ArgumentParser) -> None:
    from runner.options import add_user

    parser.epilog = "example: lxc-preflight stop web1 --timeout 60"
    parser.add_argument("name", metavar="NAME")
    parser.add_argument(
        "--timeout",
        metavar="S",
        type=float,
        default=30.0,
        help="seconds until a container that does not halt is killed (default: 30)",
    )
    parser.add_argument("-k", "--kill", action="store_true", help="at once")
    add_user(parser)


def run(args: argparse.Namespace) -> int:
    from runner.calling import for_user

    def work() -> int:
        from runner.life import stop
        from runner.names import old_name

        if not stop(old_name(args.name), max(args.timeout, 1.0), kill=args.kill):
            warn(f"{args.name} did not run")
        return Exit.PASSED

    return for_user(args, work)
