"""lxc-preflight logs"""

from __future__ import annotations

import argparse

from audit.errors import Exit, UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    from runner.options import add_user

    parser.epilog = "example: lxc-preflight logs web1 --only console"
    parser.add_argument("name", metavar="NAME")
    parser.add_argument(
        "--only", choices=("create", "start", "console"), help="one of the logs (default: all)"
    )
    add_user(parser)


def run(args: argparse.Namespace) -> int:
    from runner.calling import for_user

    def work() -> int:
        from reports.tables import logs
        from runner.life import logs as found
        from runner.names import old_name

        texts = [one for one in found(old_name(args.name)) if args.only in (None, one[0])]
        if not texts:
            raise UsageError(f"there is no log of {args.name}: it was not run by this tool")
        logs(texts, headings=args.only is None)
        return Exit.PASSED

    return for_user(args, work)
