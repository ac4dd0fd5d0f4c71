"""Throw-away processes and namespaces for what --probe tries (audit/operations.py).

Nothing outlives them. Each child gets SIGTERM from the kernel when its parent dies
(PR_SET_PDEATHSIG, which a change of ids clears), so that it can remove what it made, and SIGKILL
when it does not end in time. Namespaces and what is mounted in them go with their last process.

This module runs in a process of its own, as the user, and imports nothing of the application.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

SECONDS = 10.0  # for one probe; a graceful end gets one more
PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
CLONE = {
    "user": 0x10000000,
    "mnt": 0x00020000,
    "cgroup": 0x02000000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "pid": 0x20000000,
    "net": 0x40000000,
}
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 0x4000, 1 << 18

Result = dict[str, Any]
Work = Callable[[], Result]

_libc = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """An operation that was tried and did not work: which one, and how the kernel refused it."""

    def __init__(self, step: str, number: int, detail: str = "") -> None:
        super().__init__(step)
        self.result: Result = {
            "ok": False,
            "step": step,
            "errno": errno.errorcode.get(number, str(number)) if number else "",
            "detail": detail or (os.strerror(number) if number else ""),
        }


def unshare(kind: str) -> None:
    if _libc.unshare(CLONE[kind]):
        raise Failed(f"unshare {kind} namespace", ctypes.get_errno())


def mount(source: str, target: str, fstype: str, flags: int = 0, data: str = "") -> None:
    if _libc.mount(source.encode(), target.encode(), fstype.encode(), flags, data.encode()):
        raise Failed(f"mount {fstype} on {target}", ctypes.get_errno())


def become(uid: int, gid: int, groups: list[int]) -> None:
    """Become the user for good, as login(1) does: groups, gid, uid, and no way back.

    newuidmap serves processes whose files in /proc are the user's, which takes `dumpable`.
    """
    if os.geteuid() == 0:
        os.setgroups(groups)
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        _libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    elif os.getresuid() != (uid, uid, uid):
        raise Failed("become the user", errno.EPERM)


def die_with_parent(parent: int) -> None:
    """Ask for SIGTERM when the parent ends, and notice when it has ended already."""
    signal.signal(signal.SIGTERM, _terminated)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def in_child(work: Work, seconds: float = SECONDS) -> Result:
    """What `work` returns in a forked child, or how it failed."""
    parent = os.getpid()
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _child(work, write_end, parent)
    os.close(write_end)
    try:
        return _result(child, read_end, time.monotonic() + seconds)
    finally:
        os.close(read_end)


def _child(work: Work, write_end: int, parent: int) -> None:
    """The life of a child; never returns."""
    code = 1
    try:
        die_with_parent(parent)
        os.write(write_end, json.dumps(outcome(work)).encode())
        code = 0
    finally:
        # Skip the interpreter's own ending: buffers and exit handlers belong to the audit.
        os._exit(code)


def outcome(work: Work) -> Result:
    """What `work` returns, or how it failed."""
    try:
        return work()
    except Failed as failed:
        return failed.result
    except OSError as error:
        return Failed(str(error.filename or "system call"), error.errno or 0).result


def _terminated(number: int, frame: object) -> None:
    raise SystemExit(number)


def _result(child: int, read_end: int, until: float) -> Result:
    data = b""
    timed_out = False
    try:
        while True:
            ready, _, _ = select.select([read_end], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                timed_out = True
                break
            chunk = os.read(read_end, 65536)
            if not chunk:
                break
            data += chunk
    finally:
        _reap(child, force=timed_out or not data)
    if timed_out:
        return {"ok": False, "step": "end in time", "errno": "ETIMEDOUT", "detail": ""}
    try:
        result: Result = json.loads(data)
    except ValueError:
        return {"ok": False, "step": "run", "errno": "", "detail": "the child process died"}
    return result


def _reap(child: int, force: bool) -> None:
    """Collect a child: wait when it has answered, else SIGTERM, a second to clean up, SIGKILL."""
    if force:
        _kill(child, signal.SIGTERM)
    until = time.monotonic() + 1.0
    while time.monotonic() < until:
        if os.waitpid(child, os.WNOHANG)[0]:
            return
        time.sleep(0.005)
    _kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _kill(child: int, number: int) -> None:
    try:
        os.kill(child, number)
    except ProcessLookupError:
        return


def run(env: dict[str, str], *argv: str, seconds: float = 5.0) -> tuple[int, str]:
    """Run a command as this process is, with `env` only: exit status and the last of what it
    said.
    """

    def tie() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            timeout=seconds,
            check=False,
            cwd="/",
            preexec_fn=tie,
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"run {argv[0]}", errno.ETIMEDOUT) from None
    except OSError as error:
        raise Failed(f"run {argv[0]}", error.errno or 0) from error
    return done.returncode, done.stdout.decode("utf-8", "replace").strip()[-500:]


def in_user_namespace(maps: Callable[[int], None], work: Work) -> Result:
    """What `work` returns in a child with a user namespace of its own, once `maps(pid)` has mapped
    ids into it.
    """
    ready, go = os.pipe(), os.pipe()

    def inside() -> Result:
        os.close(ready[0])
        os.close(go[1])
        unshare("user")
        os.write(ready[1], b"u")
        if os.read(go[0], 1) != b"m":
            os._exit(1)
        return work()

    return _with_maps(maps, inside, ready, go)


def _with_maps(
    maps: Callable[[int], None], inside: Work, ready: tuple[int, int], go: tuple[int, int]
) -> Result:
    parent = os.getpid()
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _child(inside, write_end, parent)
    for end in (write_end, ready[1], go[0]):
        os.close(end)
    answered = False
    try:
        # Nothing to read: the child could not even make its namespace, and says so in its result.
        if os.read(ready[0], 1) == b"u":
            maps(child)
            os.write(go[1], b"m")
        answered = True
    finally:
        os.close(go[1])
        os.close(ready[0])
        if not answered:
            os.close(read_end)
            _reap(child, force=True)
    try:
        return _result(child, read_end, time.monotonic() + SECONDS)
    finally:
        os.close(read_end)


def become_root_inside() -> None:
    """Take ids 0 of the namespace, without any group, as LXC does before it sets a container up."""
    try:
        os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
    except OSError as error:
        raise Failed("become root inside", error.errno or 0) from error
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def in_pid_namespace(work: Work) -> Result:
    """What `work` returns as the first process of a new pid namespace."""
    unshare("pid")
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        # getppid is 0 here: the parent is outside of the namespace.
        _child(work, write_end, 0)
    os.close(write_end)
    try:
        return _result(child, read_end, time.monotonic() + SECONDS)
    finally:
        os.close(read_end)
