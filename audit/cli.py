"""The command line: parse, call, exit.

argparse and not typer: importing typer alone takes 52 ms here, six times a bare interpreter (8 ms), and the
whole audit has to be faster than lxc-checkconfig (92 ms). Commands are imported when chosen.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys

from audit.errors import Exit, UsageError

# command -> what `--help` says of it; the module is audit/command/NAME.py
COMMANDS = {
    "audit": "judge this host, a directory tree or a snapshot for one user's containers",
    "collect": "record this host's answers into a snapshot that can be judged elsewhere",
    "checks": "list the checks",
    "explain": "one check's page: what, why, evidence, fix, sources",
    "diff": "what changed between two reports or snapshots",
    "report": "render a saved JSON report in another format",
}


def main(argv: list[str]) -> int:
    """Run one command and return its exit code."""
    try:
        return _dispatch(argv)
    except UsageError as error:
        print(f"lxc-preflight: {error}", file=sys.stderr)
        return Exit.USAGE
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our pipe has gone; keep Python's own flush at exit from complaining about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _dispatch(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="lxc-preflight",
        description="Will unprivileged LXC containers work on this host? If not: the one cause, and what cures it.",
        epilog="example: lxc-preflight audit --user alice",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    chosen = next((word for word in argv if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        sub = commands.add_parser(
            name,
            help=summary,
            description=summary,
            add_help=name == chosen,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == chosen:
            importlib.import_module(f"audit.command.{name}").configure(sub)
    args = parser.parse_args(argv)
    if args.version:
        from lxc_preflight import __version__

        print(f"lxc-preflight {__version__}")
        return Exit.PASSED
    if args.command is None:
        parser.print_help()
        return Exit.USAGE
    code: int = importlib.import_module(f"audit.command.{args.command}").run(args)
    return code
