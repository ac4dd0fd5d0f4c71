"""lxc-preflight destroy"""

from __future__ import annotations

import argparse

from audit.errors import Exit


def configure(parser: argparse.ArgumentParser) -> None:
    from runner.options import add_user

    parser.epilog = """\
Also removes what a failed lxc-create left, which lxc-destroy does not know.

example: lxc-preflight destroy web1 --force"""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--force", action="store_true", help="kill it when it runs")
    add_user(parser)


def run(args: argparse.Namespace) -> int:
    from runner.calling import for_user

    def work() -> int:
        from runner.life import destroy
        from runner.names import old_name

        destroy(old_name(args.name), force=args.force)
        return Exit.PASSED

    return for_user(args, work)
