"""What is under way, written down so that somebody can clean up when we cannot.

One file per container while a run works on it. The file is locked (flock): that keeps two runs off
one name, and the kernel gives it back with the last process that holds it. A *guard*, a process of
our own in a session of its own, holds it too and waits for our end: when we are killed, it takes
back what we did. When both are gone (power, reboot), the next command of this tool does.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from audit.errors import UsageError
from runner import cleanup
from runner.errors import Failed
from runner.places import cache
from runner.processes import process

FINISHED = b"."
PATIENCE = 20.0  # seconds to wait for the guard of a killed run


class Journal:
    """The open entry of this run. Every change is on disk before what it tells of is done."""

    def __init__(self, path: str, fd: int, name: str, lxcpath: str) -> None:
        self.path = path
        self._fd = fd
        self._entry: dict[str, Any] = {"name": name, "lxcpath": lxcpath, "boot": boot()}
        self.note(runner=os.getpid(), since=_started(os.getpid()))

    def note(self, **facts: object) -> None:
        """Add to the entry: touched, made, maps, session, log, leaf, directories."""
        self._entry.update(facts)
        data = json.dumps(self._entry).encode()
        os.pwrite(self._fd, data, 0)
        os.ftruncate(self._fd, len(data))

    def session(self, leader: int) -> None:
        """A session of ours has begun."""
        self.note(session=leader)

    @property
    def entry(self) -> dict[str, Any]:
        return self._entry

    def close(self) -> None:
        """Nothing is left to be taken back."""
        with suppress(FileNotFoundError):
            os.unlink(self.path)
        os.close(self._fd)


def boot() -> str:
    """What tells one boot from another: processes of an earlier one are no more."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def _started(pid: int) -> int:
    found = process(pid)
    return 0 if found is None else found.started


@contextmanager
def entry(name: str, lxcpath: str) -> Iterator[Journal]:
    """Work on a container: alone, and under guard.

    Raises UsageError when another run works on it. What is noted in the journal is taken back when
    the block ends with an exception.
    """
    path = os.path.join(cache("journal"), f"{name}.json")
    fd = _lock(path, name)
    journal = Journal(path, fd, name, lxcpath)
    guard, pipe = _guard(journal)
    try:
        yield journal
    except BaseException:
        take_back(journal.entry)
        raise
    finally:
        journal.close()
        with suppress(BrokenPipeError):
            os.write(pipe, FINISHED)
        os.close(pipe)
        with suppress(ChildProcessError):
            os.waitpid(guard, 0)


def _lock(path: str, name: str) -> int:
    """The journal file, ours alone. What a dead run left in it has been taken back."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}") from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = _read(fd).get("runner")
            os.close(fd)
            if _is_alive(pid) or time.monotonic() > until:
                raise UsageError(f"another run works on {name} (pid {pid})") from None
            time.sleep(0.05)
            continue
        if _is_current(fd, path):
            left = _read(fd)
            if left:
                take_back(left)
            return fd
        os.close(fd)  # it was removed while we waited for it


def _is_current(fd: int, path: str) -> bool:
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    mine = os.fstat(fd)
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)


def _is_alive(pid: object) -> bool:
    found = process(pid) if isinstance(pid, int) else None
    return found is not None and found.state not in "ZX"


def _read(fd: int) -> dict[str, Any]:
    text = os.pread(fd, 1 << 16, 0).decode("utf-8", "replace")
    try:
        # the end of an older, longer entry may stand behind it, when its writer was killed
        entry, _ = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _guard(journal: Journal) -> tuple[int, int]:
    """Start the guard. Returns its pid and the pipe whose end it waits for."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid:
        os.close(reading)
        return pid, writing
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        os.close(writing)
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):  # whoever waits for the end of our output does not wait for us
            os.dup2(null, fd)
        if os.read(reading, 1) != FINISHED:
            take_back(_read(journal._fd))
            journal.close()
    finally:
        os._exit(0)


def take_back(entry: dict[str, Any]) -> None:
    """Undo what an entry tells of. Raises nothing: it is done where nobody could be told."""
    name, lxcpath = entry.get("name"), entry.get("lxcpath")
    if not isinstance(name, str) or not isinstance(lxcpath, str) or not lxcpath.startswith("/"):
        return
    same_boot = entry.get("boot") == boot()
    with suppress(Failed, UsageError, OSError):
        session = int(entry.get("session") or 0) if same_boot else 0
        if entry.get("touched"):
            since, log = int(entry.get("since") or 0), str(entry.get("log") or "")
            cleanup.end_everything(lxcpath, name, session, since, log)
        maps = [str(value) for value in entry.get("maps") or ()]
        if entry.get("made"):
            cleanup.remove(lxcpath, name, maps)
        for directory in entry.get("directories") or ():
            if os.path.dirname(str(directory)) == cache("runs"):
                cleanup.remove_own(str(directory), maps)
    if entry.get("leaf") and same_boot:
        cleanup.remove_leaves([str(entry["leaf"])])


def recover() -> None:
    """Take back what dead runs left, whatever their containers are called."""
    directory = cache("journal")
    for name in os.listdir(directory):
        path = os.path.join(directory, name)
        with suppress(OSError):
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                take_back(_read(fd))
                os.unlink(path)
            finally:
                os.close(fd)
