"""The launcher. The application's folders lie inside this package in a wheel and in the single-file
build, and beside it in a checkout.

They keep their plain names (`audit`, `checks`, ...) and are never installed under them: `audit` is
also the name of libaudit's Python binding, which SELinux's semanage imports. So where they lie goes
first on the path of this process only.
"""

from __future__ import annotations

import gc
import os
import sys

__version__ = "0.1.0"
NAME = "lxc-preflight"


def main() -> int:
    """Run the command line; the entry point of checkout, wheel and single-file build alike."""
    # Hardly anything here forms cycles, and looking for them among what is imported costs 5 ms.
    gc.set_threshold(200_000, 20, 100)
    enable_imports()
    from audit.cli import main as run

    return run(sys.argv[1:])


def enable_imports() -> None:
    """Make `audit` and the other folders importable in this process: for the tests of a plugin."""
    from importlib.machinery import PathFinder

    here = os.path.abspath(__path__[0])
    folders = here if PathFinder.find_spec("audit", [here]) else location()
    if folders not in sys.path[:1]:
        sys.path.insert(0, folders)


def location() -> str:
    """Where this package is imported from: a directory, or the single file itself."""
    return os.path.dirname(os.path.abspath(__path__[0]))


def called() -> str:
    """What to type to call this program again, quoted for a shell.

    The name of the command, or the interpreter and the single file, unless that lies on the PATH.
    """
    file = location()
    if os.path.isdir(file):
        return NAME
    from shlex import join

    for directory in os.get_exec_path():
        command = os.path.join(directory, os.path.basename(file))
        if os.access(command, os.X_OK) and os.path.samefile(command, file):
            return join([os.path.basename(file)])
    typed = sys.argv[0]
    path = typed if os.path.exists(typed) and os.path.samefile(typed, file) else file
    return join([sys.orig_argv[0], path])


def as_root(command: str) -> str:
    """A command line of root's as one that can be typed here: root may have no sudo."""
    from shutil import which

    return command if os.geteuid() == 0 and which("sudo") is None else f"sudo {command}"


def as_called(command: str) -> str:
    """A command line for this program as one that can be typed here."""
    name, blank, rest = command.partition(" ")
    return f"{called()}{blank}{rest}" if name == NAME else command
