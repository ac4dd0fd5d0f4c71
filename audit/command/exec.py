"""lxc-preflight exec"""

from __future__ import annotations

import argparse

from audit.errors import UsageError
from lxc_preflight import called

TAKES_REST = True


def configure(parser: argparse.ArgumentParser) -> None:
    from runner.options import add_user

    parser.usage = "%(prog)s [-u USER] NAME -- CMD [ARG...]"
    parser.epilog = """\
exit code: that of CMD

example: lxc-preflight exec web1 -- cat /etc/os-release"""
    parser.add_argument("name", metavar="NAME")
    add_user(parser)


def run(args: argparse.Namespace) -> int:
    from runner.calling import for_user

    if not args.rest:
        raise UsageError(f"what is to be run? {called()} exec {args.name} -- CMD")

    def work() -> int:
        from runner.life import attach
        from runner.names import old_name

        return attach(old_name(args.name), args.rest)

    return for_user(args, work)
