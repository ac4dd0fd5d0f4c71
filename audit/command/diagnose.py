"""lxc-preflight diagnose"""

from __future__ import annotations

import argparse
import sys

from audit.errors import Exit, UsageError
from audit.options import add_plugins, add_subject, checks_of, host_of

MOST = 4 << 20  # characters of a log


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = """\
exit code: 0 something explains it; 1 nothing does

example: lxc-start -n web1 -l ERROR -o log; lxc-preflight diagnose log -n web1"""
    parser.add_argument(
        "log",
        nargs="?",
        metavar="LOG",
        help="a log file, an error line in quotes, or - for standard input; without it, the logs "
        "of -n NAME's last run",
    )
    add_subject(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    add_plugins(parser)
    parser.set_defaults(root=None, snapshot=None, probe=False)


def run(args: argparse.Namespace) -> int:
    if args.log is None and args.container is not None:
        from runner.calling import for_user

        return for_user(args, lambda: _explain(args, _of_container(args.container)))
    return _explain(args, _text(args.log))


def _explain(args: argparse.Namespace, text: str) -> int:
    from reports.running import explanations
    from runner.diagnosis import diagnose

    found = diagnose(text, checks_of(args), host_of(args))
    explanations(found, sys.stdout, args.format)
    return Exit.PASSED if found else Exit.FOUND


def _of_container(given: str) -> str:
    from runner.life import logs
    from runner.names import old_name

    name = old_name(given)
    texts = [text for _, text in logs(name)]
    if not texts:
        raise UsageError(f"there is no log of {name}: name the file, or quote the error line")
    return "\n".join(texts)


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
