"""Taking back what a run has done, in the one order that works.

First every process, then lxc-destroy, and what it does not know of is removed by a process with the
container's ids. Never `rm -rf` by the user: that deletes the config, cannot delete the files of
mapped ids, and then lxc-destroy does not know the container any more.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress

from runner.errors import Failed
from runner.processes import Done, end, end_session, plain_environment, run
from runner.states import State, called_with, creators, monitors, state

SECONDS = 30.0  # that one of LXC's commands may take
STOPPING = 1.5  # that lxc-stop -k may take before its monitor is killed
OWN_ID = 65536  # where the user's own ids are mapped beside the container's


def end_everything(lxcpath: str, name: str, session: int, since: int, log: str = "") -> None:
    """Kill what makes or runs a container, and wait for it.

    `log` is the log file of the lxc-create or lxc-start that is under way. By that word it is known
    before its session is, and after it has gone into the background.
    """
    if session:
        end_session(session, since)
    makers = {*creators(lxcpath, name), *(called_with(log) if log else ())}
    if makers:
        end(lambda one: one.pid in makers or one.session in makers)
    if monitors(lxcpath, name):
        with suppress(Failed):  # a monitor that is still at its hooks does not answer
            run(["lxc-stop", "-k", "-n", name], seconds=STOPPING, env=plain_environment())
        left = set(monitors(lxcpath, name))
        if left:
            end(lambda one: one.pid in left or one.session in left)


def remove(lxcpath: str, name: str, maps: Sequence[str]) -> None:
    """Remove a container, or what is left of one. Raises Failed when something stays."""
    directory = os.path.join(lxcpath, name)
    if not os.path.lexists(directory):
        return
    if state(lxcpath, name) != State.STUB:
        with suppress(Failed):
            lxc("lxc-destroy", "-n", name)
    if os.path.lexists(directory) and not os.path.islink(directory):
        remove_tree(directory, maps)
    if os.path.lexists(directory):
        raise Failed(f"{directory} could not be removed: see what is in it, and whose it is")


def remove_tree(directory: str, maps: Sequence[str]) -> None:
    """Remove a directory that holds files of mapped ids, as the root of a namespace that has them
    and the user's own.
    """
    with suppress(Failed):
        as_mapped_root(maps, "rm", "-rf", "--one-file-system", "--", directory)
    # What is left is the user's own, or was never mapped: then this fails, and the caller says so.
    shutil.rmtree(directory, ignore_errors=True)


def remove_own(directory: str, maps: Sequence[str]) -> None:
    """Remove a directory of our own, in which a killed template may have left files of its ids."""
    shutil.rmtree(directory, ignore_errors=True)
    if os.path.lexists(directory):
        remove_tree(directory, maps)


def as_mapped_root(maps: Sequence[str], *argv: str) -> Done:
    """Run a command in a user namespace with these `lxc.idmap` values and the user's own ids."""
    words: list[str] = []
    for value in maps:
        words += ["-m", ":".join(value.split())]
    if words:
        words += ["-m", f"u:{OWN_ID}:{os.getuid()}:1", "-m", f"g:{OWN_ID}:{os.getgid()}:1"]
    return lxc("lxc-usernsexec", *words, "--", *argv)


def lxc(*argv: str) -> Done:
    """One short command of LXC's."""
    return run(argv, seconds=SECONDS, env=plain_environment())


def remove_leaves(leaves: Iterable[str]) -> None:
    """Remove empty cgroups; one that is still used stays."""
    for leaf in leaves:
        for directory, _, _ in os.walk(leaf, topdown=False):
            with suppress(OSError):
                os.rmdir(directory)
