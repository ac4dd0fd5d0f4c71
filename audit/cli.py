"""The command line: parse, call, exit.

argparse and not typer: importing typer alone takes 52 ms here, six bare interpreters (8 ms),
and the whole audit must be faster than lxc-checkconfig (92 ms). A command is imported when chosen.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys

from audit.errors import Exit, PluginCrashed, UsageError
from audit.untrusted import visible
from lxc_preflight import NAME, __version__, called

# command -> what `--help` says of it; the module is audit/command/NAME.py
COMMANDS = {
    "audit": "judge this host, a directory tree or a snapshot for one user's containers",
    "fix": "print a script that cures what fails here, apply it, or take it back",
    "collect": "record this host's answers into a snapshot that can be judged elsewhere",
    "checks": "list the checks",
    "explain": "one check's page: what, why, evidence, fix, sources",
    "run": "gate, make a container, start it, wait until it is up",
    "exec": "run a command in a container",
    "shell": "a shell in a container",
    "passwd": "set a password in a container",
    "stop": "stop a container",
    "destroy": "remove a container",
    "list": "the containers there are, and what they use",
    "logs": "what a container's last start said",
    "images": "what can be created: distribution, release, architecture, variant, build",
    "diagnose": "explain an error of LXC by the checks that cause it",
    "diff": "what changed between two reports or snapshots",
    "report": "render a saved JSON report in another format",
}


def main(argv: list[str]) -> int:
    """Run one command and return its exit code."""
    _make_output_safe()
    try:
        code = _dispatch(argv)
        sys.stdout.flush()
        return code
    except UsageError as error:
        print(f"lxc-preflight: {visible(str(error))}", file=sys.stderr)
        return Exit.USAGE
    except PluginCrashed as error:
        print(f"lxc-preflight: {visible(str(error))}", file=sys.stderr)
        return Exit.UNDECIDED
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _forget_output()
        return 141
    except OSError as error:
        if error.filename is not None:  # not about our own output: a defect
            return _defect()
        _forget_output()
        print(f"lxc-preflight: cannot write the output: {error.strerror}", file=sys.stderr)
        return Exit.USAGE
    except Exception:
        return _defect()


def _make_output_safe() -> None:
    """Have an output even when there is none, and one that can write any character."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the caller: `>&-`
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _forget_output() -> None:
    """Keep Python's own flush at exit from complaining about a reader gone or a full disk."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _defect() -> Exit:
    """Never 1, with which Python itself would end: that says that a check failed."""
    import traceback

    traceback.print_exc()
    print("lxc-preflight: this is a defect in lxc-preflight; please report it", file=sys.stderr)
    return Exit.UNDECIDED


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal.

    argparse asks shutil for that with every argument, which imports three compressors (5 ms).
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 20:
        return int(given)
    try:
        return max(os.get_terminal_size(1).columns, 20)
    except OSError:
        return 80


def _dispatch(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog=called(),
        description="Will unprivileged LXC containers work on this host? "
        "If not: the one cause, and what cures it.",
        epilog=f"example: {called()} audit --user alice",
        allow_abbrev=False,
        formatter_class=Formatter,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="command", prog=called()
    )
    chosen = next((word for word in argv if not word.startswith("-")), None)
    rest: list[str] = []
    for name, summary in COMMANDS.items():
        sub = commands.add_parser(
            name,
            help=summary,
            description=summary,
            add_help=name == chosen,
            allow_abbrev=False,
            formatter_class=Formatter,
        )
        if name == chosen:
            module = importlib.import_module(f"audit.command.{name}")
            module.configure(sub)
            sub.epilog = (sub.epilog or "").replace(f"{NAME} ", f"{called()} ")
            # Words behind `--` are for somebody else; argparse would give them to an option.
            if getattr(module, "TAKES_REST", False) and "--" in argv:
                place = argv.index("--")
                argv, rest = argv[:place], argv[place + 1 :]
    args = parser.parse_args(argv)
    args.rest = rest
    if args.version:
        print(f"{NAME} {__version__}")
        return Exit.PASSED
    if args.command is None:
        parser.print_help()
        return Exit.USAGE
    code: int = importlib.import_module(f"audit.command.{args.command}").run(args)
    return code
