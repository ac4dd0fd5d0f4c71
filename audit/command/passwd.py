"""lxc-preflight passwd"""

from __future__ import annotations

import argparse
import sys

from audit.errors import Exit, UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    from runner.options import add_user

    parser.epilog = """\
The password is asked for twice, or read from standard input when that is no terminal. It is never
on a command line and in no log.

example: lxc-preflight passwd web1"""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--account", metavar="A", default="root", help="whose (default: root)")
    add_user(parser)


def run(args: argparse.Namespace) -> int:
    from runner.calling import for_user

    def work() -> int:
        from runner.life import running, set_password
        from runner.names import old_name

        name = old_name(args.name)
        running(name)  # before anybody types a password for nothing
        set_password(name, args.account, _password(name, args.account))
        return Exit.PASSED

    return for_user(args, work)


def _password(name: str, account: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    from getpass import getpass

    first = getpass(f"New password of {account} in {name}: ")
    if getpass("Again: ") != first:
        raise UsageError("the two are not the same; nothing was changed")
    return first
