"""lxc-preflight shell"""

from __future__ import annotations

import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    from runner.options import add_user

    parser.epilog = "example: lxc-preflight shell web1"
    parser.add_argument("name", metavar="NAME")
    add_user(parser)


def run(args: argparse.Namespace) -> int:
    from runner.calling import for_user

    def work() -> int:
        from runner.life import attach
        from runner.names import old_name

        return attach(old_name(args.name), ())

    return for_user(args, work)
