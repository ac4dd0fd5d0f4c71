"""lxc-preflight diagnose"""

from __future__ import annotations

import argparse
import sys

from audit.errors import Exit, UsageError
from audit.options import add_plugins, checks_of

MOST = 4 << 20  # characters of a log


def configure(parser: argparse.ArgumentParser) -> None:
    from runner.options import add_user

    parser.epilog = """\
exit code: 0 something explains it; 1 nothing does

example: lxc-start -n web1 -l ERROR -o log; lxc-preflight diagnose log"""
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "log",
        nargs="?",
        metavar="LOG",
        help="a log file, an error line in quotes, or - for standard input (default)",
    )
    what.add_argument(
        "-n", "--container", metavar="NAME", help="the logs of this container's last run"
    )
    parser.add_argument("-f", "--config", metavar="FILE", help="the config that was used")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    add_user(parser)
    add_plugins(parser)


def run(args: argparse.Namespace) -> int:
    from reports.running import explanations
    from runner.diagnosis import diagnose

    if args.container is not None:
        from runner.calling import for_user

        return for_user(args, lambda: _of_container(args))
    found = diagnose(_text(args.log), checks_of(args), user=args.user, config=args.config)
    explanations(found, sys.stdout, args.format)
    return Exit.PASSED if found else Exit.FOUND


def _of_container(args: argparse.Namespace) -> int:
    from reports.running import explanations
    from runner.diagnosis import diagnose
    from runner.execute import lxcpath_of
    from runner.life import logs
    from runner.names import old_name
    from runner.states import State, state

    name = old_name(args.container)
    texts = [text for _, text in logs(name)]
    if not texts:
        raise UsageError(f"there is no log of {name}: name the file, or quote the error line")
    is_there = state(lxcpath_of(), name) == State.COMPLETE
    found = diagnose(
        "\n".join(texts), checks_of(args), config=args.config, container=name if is_there else None
    )
    explanations(found, sys.stdout, args.format)
    return Exit.PASSED if found else Exit.FOUND


def _text(given: str | None) -> str:
    """The log: a file when there is one of that name, else the words themselves."""
    if given is None or given == "-":
        if given is None and sys.stdin.isatty():
            raise UsageError("what is to be explained? A log file, an error line, or -n NAME")
        return sys.stdin.read(MOST)
    try:
        with open(given, encoding="utf-8", errors="backslashreplace") as file:
            return file.read(MOST)
    except FileNotFoundError:
        if " " not in given:
            raise UsageError(f"there is no file {given}") from None
        return given
    except OSError as error:
        if " " in given:
            return given
        raise UsageError(f"cannot read {given}: {error.strerror}") from None
