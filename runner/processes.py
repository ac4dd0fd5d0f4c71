"""Running programs so that nothing is left of them: own session, time limits, the whole tree.

`subprocess.run(timeout=)` kills lxc-create alone; the template it started goes on, downloads and
unpacks. A started container keeps inherited pipes open, so output goes to files.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import IO

from audit.errors import UsageError
from audit.records import NamedTuple
from runner.errors import Interrupted, TimedOut

PR_SET_CHILD_SUBREAPER = 36
MAX_OUTPUT = 1 << 20
PATIENCE = 5.0  # seconds that SIGKILL may take
LONGEST_PAUSE = 0.02  # seconds between two looks at a process
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Done(NamedTuple):
    """How a program ended, and what it printed (standard output and error in one)."""

    code: int
    said: str


def adopt_orphans() -> None:
    """Become the parent of what our children leave behind, so that it can be waited for."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class _Signal:
    """The first signal that asked us to end, 0 before; whether it may interrupt anything, and
    whether it has: then the clean-up is under way, and goes on to its end.
    """

    number = 0
    abrupt = False
    raised = False


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP raise Interrupted: at the next `checkpoint`, or at once within
    `abruptly`.

    Not at once everywhere: an exception between any two instructions may leave a lock of the
    standard library's taken. A second signal, while the first one's clean-up runs, changes nothing.
    """

    def end(number: int, _frame: FrameType | None) -> None:
        if not _Signal.number:
            _Signal.number = number
            if _Signal.abrupt:
                _Signal.raised = True
                raise Interrupted(number)

    before = {}
    for number in ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup(1) means it
            before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _Signal.number, _Signal.raised = 0, False


def checkpoint() -> None:
    """Raise Interrupted when a signal has asked us to end."""
    if _Signal.number and not _Signal.raised:
        _Signal.raised = True
        raise Interrupted(_Signal.number)


@contextmanager
def abruptly() -> Iterator[None]:
    """Within it a signal interrupts whatever is going on: for waiting on a network."""
    checkpoint()
    _Signal.abrupt = True
    try:
        yield
    finally:
        _Signal.abrupt = False


def wait(process: subprocess.Popen[bytes], seconds: float = float("inf")) -> int:
    """The exit code of a process. Raises subprocess.TimeoutExpired after `seconds`, and Interrupted
    by a signal; the process goes on then.
    """
    until = time.monotonic() + max(seconds, 0.1)
    pause = 0.001
    while (code := process.poll()) is None:
        checkpoint()
        if time.monotonic() > until:
            raise subprocess.TimeoutExpired(process.args, seconds)
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
    return code


def run(
    argv: Sequence[str],
    *,
    seconds: float,
    env: Mapping[str, str] | None = None,
    given: str | None = None,
    started: Callable[[int], None] | None = None,
) -> Done:
    """Run a program in a session of its own and wait for it.

    Raises TimedOut after `seconds`; then, and when a signal interrupts us, the whole session has
    been killed and has ended. `given` is its standard input. `started` is told the session's id.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as into:
        if given is not None:
            into.write(given.encode("utf-8", "surrogateescape"))
            into.seek(0)
        process = _spawn(argv, env, into if given is not None else None, out)
        try:
            if started is not None:
                started(process.pid)
            code = wait(process, seconds)
        except subprocess.TimeoutExpired:
            end_session(process.pid)
            process.wait()
            words = f"{os.path.basename(argv[0])} did not end within {seconds:.0f} s"
            raise TimedOut(words, _text(out)) from None
        except BaseException:
            end_session(process.pid)
            process.wait()
            raise
        return Done(code, _text(out))


def _spawn(
    argv: Sequence[str], env: Mapping[str, str] | None, into: IO[bytes] | None, out: IO[bytes]
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(argv),
            env=None if env is None else dict(env),
            stdin=subprocess.DEVNULL if into is None else into,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise UsageError(f"{argv[0]} is not installed, or not on the PATH") from None
    except PermissionError:
        raise UsageError(f"{argv[0]} cannot be executed") from None


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(MAX_OUTPUT).decode("utf-8", "backslashreplace")


def plain_environment(**more: str) -> dict[str, str]:
    """Our environment, with messages in English and in an encoding that every tool has."""
    return {**os.environ, "LC_ALL": "C", **more}


class Process(NamedTuple):
    """One line of /proc: what is needed to know whose child it is."""

    pid: int
    session: int
    state: str
    started: int  # in clock ticks after boot


def processes() -> Iterator[Process]:
    """All processes that there are now."""
    for name in os.listdir("/proc"):
        if name.isdecimal() and (found := process(int(name))) is not None:
            yield found


def process(pid: int) -> Process | None:
    """A process, None when it has ended."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return None
    fields = text.rpartition(b") ")[2].split()  # the name may hold blanks and parentheses
    if len(fields) < 20:
        return None
    return Process(pid, int(fields[3]), fields[0].decode(), int(fields[19]))


def arguments(pid: int) -> list[str]:
    """The command line of a process, empty when it has ended or is not ours to see."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read(65536).decode("utf-8", "surrogateescape").split("\0")
    except OSError:
        return []


def end_session(session: int, since: int = 0) -> None:
    """Kill every process of a session and wait until they are gone.

    Those of mapped ids as well: who owns a user namespace may kill in it. `since` protects from
    an id that was given to somebody else meanwhile: what started earlier is not meant.
    """
    end(lambda one: one.session == session and one.started >= since)


def end(meant: Callable[[Process], bool]) -> None:
    """Kill what is meant until nothing of it is left, or SIGKILL has had its time."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        alive = [one for one in processes() if one.pid != os.getpid() and meant(one)]
        if all(one.state in "ZX" for one in alive):
            break
        for one in alive:
            with suppress(OSError):
                os.kill(one.pid, signal.SIGKILL)
        _reap()
        time.sleep(0.01)
    _reap()


def _reap() -> None:
    """Collect orphans that came to us. subprocess copes with a child that was collected before."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def is_terminal() -> bool:
    """Whether a person sits in front of standard input and output."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
